"""The life cycle in plain Python: what the state store has to answer, and what it has to hold afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, field

MAX_ATTEMPTS = 3
LEASE = 6.0
QUEUE_TIMEOUT = 90.0
RETENTION = 62.0
DELAY = 2.0
MOST_QUEUED = 3
MOST_IN_FLIGHT = 2
CALLBACK = "https://receiver.example:8443/done?order=7"
RECEIVER = "https://receiver.example:8443"
TERMINAL = ("succeeded", "failed", "canceled")


@dataclass
class Row:
    """One prediction."""

    task_id: str
    owner: str
    batch: str | None
    key: str | None
    fingerprint: str
    queued_at: float
    deadline: float
    start_by: float | None
    callback: bool = False
    told: bool = False
    state: str = "queued"
    attempts: int = 0
    token: str = ""
    again: bool = False
    waited: float = 0.0
    not_before: float = 0.0
    lease_ends: float = 0.0
    expires: float = 0.0


@dataclass
class Reference:
    """All predictions, by the seconds of a clock that it is given."""

    now: Callable[[], float]
    rows: dict[str, Row] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)

    def accept(
        self,
        task_id: str,
        *,
        owner: str,
        batch: str | None,
        key: str | None,
        fingerprint: str,
        start_within: float | None,
        callback: bool,
    ) -> str:
        if task_id in self.rows:
            return "accepted"
        known = self.keys.get((owner, key)) if key else None
        if known is not None:
            return "replayed" if self.rows[known].fingerprint == fingerprint else "key_reused"
        if sum(row.state == "queued" for row in self.rows.values()) >= MOST_QUEUED:
            return "queue_full"
        if len(self.unfinished(owner)) >= MOST_IN_FLIGHT:
            return "too_many_in_flight"
        start_by = None if start_within is None else self.now() + start_within
        deadline = self.now() + QUEUE_TIMEOUT
        row = Row(
            task_id, owner, batch, key, fingerprint, self.now(),
            deadline if start_by is None else min(deadline, start_by), start_by, callback,
        )  # fmt: skip
        self.rows[task_id] = row
        if key:
            self.keys[owner, key] = task_id
        self._announce(row)
        return "accepted"

    def claim(self, task_id: str, token: str, *, alone: bool) -> str:
        row = self.rows.get(task_id)
        if row is None:
            return "gone"
        if row.state == "running":
            return "claimed" if row.token == token else "leased"
        if row.state in TERMINAL:
            return "finished"
        if row.token == token:
            return "leased"
        if row.deadline <= self.now():
            return "overdue"
        if row.not_before > self.now():
            return "too_early"
        if row.attempts and not alone:
            return "needs_alone"
        row.state, row.token, row.lease_ends = "running", token, self.now() + LEASE
        row.attempts += 1
        row.waited += self.now() - row.queued_at
        self._announce(row)
        return "claimed"

    def renew(self, pairs: list[tuple[str, str]]) -> set[str]:
        lost = set()
        for task_id, token in pairs:
            row = self._held(task_id, token)
            if row is None:
                lost.add(task_id)
            else:
                row.lease_ends = self.now() + LEASE
        return lost

    def release(self, task_id: str, token: str, *, delay: float) -> bool:
        row = self.rows.get(task_id)
        if row is None or row.token != token or row.state in TERMINAL:
            return False
        if row.state == "running":
            self._back_to_queue(row, attempts=row.attempts - 1, delay=delay)
        return True

    def requeue(self, task_id: str, token: str, *, dead: bool) -> str:
        row = self.rows.get(task_id)
        if row is None:
            return "gone"
        if row.token != token:
            return "fenced"
        if row.state != "running":
            return {"queued": "requeued", "failed": "failed"}.get(row.state, "fenced")
        if not dead and row.lease_ends > self.now():
            return "held"
        if row.attempts >= MAX_ATTEMPTS:
            self._settle(row, "failed")
            return "failed"
        self._back_to_queue(row, attempts=row.attempts, delay=0)
        return "requeued"

    def finish(self, task_id: str, token: str, state: str) -> bool:
        row = self.rows.get(task_id)
        if row is None or row.token != token:
            return False
        if row.state == "running":
            self._settle(row, state)
            return True
        return row.state == state

    def fail(self, task_id: str) -> bool:
        row = self.rows.get(task_id)
        if row is None or row.state != "queued":
            return row is not None and row.state == "failed"
        if row.deadline > self.now():
            return False
        self._settle(row, "failed")
        return True

    def cancel(self, task_id: str) -> str | None:
        row = self.rows.get(task_id)
        if row is None:
            return None
        if row.state not in TERMINAL:
            self._settle(row, "canceled")
        return row.state

    def delete(self, task_id: str) -> bool:
        row = self.rows.pop(task_id, None)
        if row is None:
            return False
        if row.key:
            del self.keys[row.owner, row.key]
        self.events.append((task_id, "deleted"))
        return True

    def lapsed(self) -> list[str]:
        return [
            row.task_id
            for row in self.rows.values()
            if row.state == "running" and row.lease_ends <= self.now()
        ]

    def overdue(self) -> list[str]:
        return [
            row.task_id
            for row in self.rows.values()
            if row.state == "queued" and row.deadline <= self.now()
        ]

    def expired(self) -> list[str]:
        return [
            row.task_id
            for row in self.rows.values()
            if row.state in TERMINAL and row.expires <= self.now()
        ]

    def unfinished(self, owner: str) -> set[str]:
        return {
            row.task_id
            for row in self.rows.values()
            if row.owner == owner and row.state not in TERMINAL
        }

    def indexes(self, model: str) -> dict[str, set[str]]:
        """Which sorted sets of the store hold whom; but for the outbox, which depends on the broker."""
        held: dict[str, set[str]] = {}

        def put(name: str, row: Row) -> None:
            held.setdefault(f"inferq:{name}", set()).add(row.task_id)

        for row in self.rows.values():
            put(f"owned:{row.owner}", row)
            put(f"model:{row.owner}:{model}", row)
            if row.batch:
                put(f"batch:{row.owner}:{row.batch}", row)
            if row.state in TERMINAL:
                put("expiry", row)
                put(f"ended:{row.owner}:{row.state}", row)
                if row.state == "succeeded":
                    put(f"label:{row.owner}:cat", row)
                if row.callback:
                    put(f"deliveries:{row.owner}", row)
                if row.callback and not row.told:
                    put(f"webhooks:{row.owner} {RECEIVER}", row)
                    held.setdefault("inferq:webhooks", set()).add(f"{row.owner} {RECEIVER}")
                continue
            put(f"unfinished:{row.owner}", row)
            if row.state == "running":
                put("leases", row)
            else:
                put("deadlines", row)
                put(f"queued:{model}{'+again' if row.again else ''}", row)
        return held

    def tallies(self) -> dict[str, dict[str, int]]:
        """Counts by state: of each batch, and of what runs by model."""
        counts: dict[str, dict[str, int]] = {}
        for row in self.rows.values():
            if row.batch:
                tally = counts.setdefault(f"inferq:tally:{row.owner}:{row.batch}", {})
                tally[row.state] = tally.get(row.state, 0) + 1
        return counts

    def running(self) -> int:
        """How many run."""
        return sum(row.state == "running" for row in self.rows.values())

    def _held(self, task_id: str, token: str) -> Row | None:
        row = self.rows.get(task_id)
        return row if row and row.state == "running" and row.token == token else None

    def _back_to_queue(self, row: Row, *, attempts: int, delay: float) -> None:
        row.state, row.attempts, row.again = "queued", attempts, True
        row.queued_at, row.not_before = self.now(), self.now() + delay
        row.deadline = self.now() + QUEUE_TIMEOUT - row.waited
        if not attempts and row.start_by is not None:
            row.deadline = min(row.deadline, row.start_by)
        self._announce(row)

    def _settle(self, row: Row, state: str) -> None:
        row.state, row.expires = state, self.now() + RETENTION
        self._announce(row)

    def _announce(self, row: Row) -> None:
        self.events.append((row.task_id, row.state))
