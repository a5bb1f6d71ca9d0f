"""Random interleavings of clients, workers, upkeep, crashes, lost replies, lost and doubled messages, and time.

Every answer and every index of a real Valkey is compared with the reference after each step; at the end everything
that was accepted must reach exactly one end. `pytest --hypothesis-profile=thorough` looks for longer.
"""

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inferq.errors import QueueFull, TooManyInFlight
from inferq.models.register import ModelRegister, RegisteredCard
from inferq.predictions.deliveries import DeliveryAttempt, Report
from inferq.predictions.record import (
    Attempt,
    Box,
    Detection,
    DetectionsResult,
    Draft,
    Input,
    ModelReference,
    Problem,
    Record,
    State,
    new_task_id,
)
from inferq.predictions.repairs import Message
from inferq.predictions.store import Limits, Outcome, Policy, PredictionStore
from inferq.settings import Settings
from inferq.upkeep.lives import end_overdue, requeue_lapsed
from inferq.upkeep.parts import Parts
from inferq.upkeep.retention import collect_garbage, expire
from predictions import reference
from predictions.reference import MAX_ATTEMPTS, TERMINAL, Reference

T = TypeVar("T")
MODEL = ModelReference(name="net", version="1")
CARD = RegisteredCard(
    name="net", version="1", kind="object-detection", description="", license="MIT",
    input_kind="image", labels={}, parameters={}, source={}, measured={},
)  # fmt: skip
CAT = Detection(label="cat", class_id=17, score=0.9, box=Box(x_min=0, y_min=0, x_max=1, y_max=1))
POLICY = Policy(MAX_ATTEMPTS, timedelta(seconds=reference.RETENTION))
LIMITS = Limits(
    timedelta(seconds=reference.QUEUE_TIMEOUT), reference.MOST_QUEUED, reference.MOST_IN_FLIGHT
)
PROBLEM = Problem(type="t", title="T", status=500, detail="d", code="attempts_exhausted")
# Every time limit lies two seconds from all sums of these: a step of the test may take that long.
STEPS = (4.0, 8.0, 8.0, 64.0)
TOLERANCE = 1.5
ROUNDS = 40
PICKED = 4
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
PICK = st.integers(0, PICKED - 1)
DEEDS = (
    "claim",
    "claim alone",
    "renew",
    "renew",
    "release",
    "release for later",
    "succeed",
    "fail",
)
TWICE = st.booleans()
"""Whether a reply is lost, so that the call is repeated."""

SHIFT = """
local earlier = tonumber(ARGV[1])
for _, key in ipairs({'leases', 'deadlines', 'expiry', 'outbox', 'garbage', 'serving:net@1'}) do
  for _, member in ipairs(redis.call('ZRANGE', 'inferq:' .. key, 0, -1)) do
    redis.call('ZINCRBY', 'inferq:' .. key, -earlier, member)
  end
end
for _, key in ipairs(redis.call('KEYS', 'inferq:webhooks*')) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -earlier, member) end
end
for _, key in ipairs(redis.call('KEYS', 'inferq:prediction:*')) do
  for _, field in ipairs({'created', 'queued', 'started', 'finished', 'expires', 'not_before', 'start_by', 'published'}) do
    if redis.call('HEXISTS', key, field) == 1 then redis.call('HINCRBY', key, field, -earlier) end
  end
end
"""


class LifeCycle(RuleBasedStateMachine):
    """One deployment: a store, a broker that loses and doubles, workers that die, clients that change their minds."""

    valkey_url: str

    @initialize()
    def empty_store(self) -> None:
        folder = Path(tempfile.gettempdir())
        self.parts = Parts.create(
            Settings(
                redis_url=self.valkey_url,
                data_dir=folder,
                storage_url="memory://life-cycle",
                max_attempts=MAX_ATTEMPTS,
                retention=POLICY.retention,
                min_free_disk_bytes=0,
            )
        )
        self.client: redis.Redis = self.parts.client
        self.client.flushall()
        self.store = PredictionStore(self.client, LIMITS)
        self.parts = dataclasses.replace(self.parts, store=self.store)
        self.begin = self._store_time()
        self.passed = 0.0
        self.reference = Reference(self._now)
        self.broker: list[Message] = []
        self.attempts: list[Attempt] = []
        self.snapshots: list[Record] = []
        self.shift = self.client.register_script(SHIFT)

    # Clients

    @rule(
        owner=st.sampled_from(("ann", "bob")),
        batch=st.sampled_from((None, "b")),
        key=st.sampled_from((None, None, "k")),
        fingerprint=st.sampled_from("fg"),
        start_within=st.sampled_from((None, None, 10.0)),
        callback=st.booleans(),
        published=st.booleans(),
        twice=TWICE,
    )
    def accept(self, *, owner, batch, key, fingerprint, start_within, callback, published, twice):
        draft = Draft(
            task_id=new_task_id(),
            owner=owner,
            model=MODEL,
            input=Input(media_type="image/png", width=4, height=3, bytes=6, sha256="0" * 64),
            input_key="2026/11/25/x/input",
            parameters={},
            metadata={},
            batch=batch,
            start_within=None if start_within is None else timedelta(seconds=start_within),
            callback_url=reference.CALLBACK if callback else None,
            idempotency_key=key,
            fingerprint=fingerprint,
        )
        if self._accept(draft, twice=twice) == "accepted" and published:
            self._publish(Message(draft.task_id, MODEL))

    @precondition(lambda self: self.reference.rows)
    @rule(pick=PICK, wish=st.sampled_from(("look", "look", "cancel", "delete")))
    def client_wishes(self, pick, wish):
        task_id = _picked(list(self.reference.rows), pick)
        if wish == "look":
            return
        if wish == "delete":
            assert self.store.delete(task_id) == self.reference.delete(task_id)
            assert self.store.delete(task_id) == 0
            return
        expected = self.reference.cancel(task_id)
        answer = _call(lambda: self.store.cancel(task_id, retention=POLICY.retention), twice=True)
        assert answer == (None if expected is None else State(expected))

    # Workers. A message may come at any time and any number of times: it only has to have been published once.

    @precondition(lambda self: self._live())
    @rule(
        pick=PICK, alone=st.booleans(), twice=TWICE, deed=st.sampled_from(("nothing yet", *DEEDS))
    )
    def message_arrives(self, pick, alone, twice, deed):
        attempt = Attempt.new(_picked(self._live(), pick), "host-1-a")
        if self._claim(attempt, alone=alone, publish=1, twice=twice):
            self.attempts.append(attempt)
            if deed != "nothing yet":
                self._act(attempt, deed, twice=twice)

    @precondition(lambda self: self.attempts)
    @rule(pick=PICK, deed=st.sampled_from(DEEDS), twice=TWICE)
    def worker_acts(self, pick, deed, twice):
        """Whoever ever worked on a prediction has its say, oldest first: it was frozen, or cut off, and thaws."""
        task_id = _picked(self.attempts, pick).task_id
        for attempt in [known for known in self.attempts if known.task_id == task_id]:
            self._act(attempt, deed, twice=twice)

    # Upkeep

    @precondition(lambda self: self.attempts)
    @rule(pick=PICK, older=PICK, dead=st.booleans(), twice=TWICE)
    def upkeep_requeues_what_it_read_a_while_ago(self, pick, older, dead, twice):
        record = self.store.get(_picked(self.attempts, pick).task_id)
        self.snapshots += [record] if record else []
        if not self.snapshots:
            return
        record = _picked(self.snapshots, older)
        expected = self.reference.requeue(record.task_id, record.token, dead=dead)
        answer = _call(
            lambda: self.store.requeue(record, PROBLEM, policy=POLICY, dead=dead), twice=twice
        )
        assert answer == expected

    @rule(seconds=st.sampled_from((0.0, *STEPS)), pick=PICK)
    def upkeep_repairs_after_a_while(self, seconds, pick):
        self.time_passes(seconds)
        for task_id in self._live()[-1 - pick :]:
            expected = self.reference.fail(task_id)
            assert _call(lambda: self._fail(task_id), twice=True) is expected  # noqa: B023 - called at once
        self._repair()

    @rule(arrives=st.booleans(), twice=TWICE)
    def upkeep_publishes(self, arrives, twice):
        self.parts.repairs.find_missing(str(MODEL), 100)
        for message in self.parts.repairs.take_outbox(100):
            for _ in range(arrives * (1 + twice)):
                self._publish(message)

    @rule(outcome=st.sampled_from(("delivered", "failed", "nothing is heard")), twice=TWICE)
    def upkeep_tells(self, outcome, twice):
        for due in self.parts.deliveries.take():
            row = self.reference.rows[due.task_id]
            assert row.state in TERMINAL, "an end is told"
            assert (row.callback, row.told) == (True, False), (
                "to whoever was named, once it was delivered never again"
            )
            if outcome == "nothing is heard":
                continue
            row.told = outcome == "delivered"
            attempt = DeliveryAttempt(number=due.attempt, started_at=NOON, duration_ms=1)
            report = Report(outcome, attempt)
            answer = _call(lambda: self.parts.deliveries.report(due, report), twice=twice)  # noqa: B023
            assert answer == ("delivered" if row.told else "pending")

    @rule(seconds=st.sampled_from(STEPS))
    def time_passes(self, seconds):
        self.shift(args=[int(seconds * 1e6)])
        self.passed += seconds

    # What holds after each step

    @invariant()
    def records_agree(self):
        for task_id, row in self.reference.rows.items():
            record = self.store.get(task_id)
            assert record is not None, row
            found = (record.prediction.state, record.prediction.attempts, record.token)
            assert found == (row.state, row.attempts, row.token)

    @invariant()
    def indexes_agree(self):
        held = {
            key: set(self.client.zrange(key, 0, -1))
            for key in self.client.scan_iter("inferq:*", _type="zset")
            if not key.startswith(("inferq:garbage", "inferq:serving:"))
        }
        outbox = held.pop("inferq:outbox", set())
        assert held == self.reference.indexes(str(MODEL))
        waiting = {row.task_id for row in self.reference.rows.values() if row.state == "queued"}
        assert outbox <= waiting
        for task_id in waiting - outbox:
            publishes = self.client.hget(f"inferq:prediction:{task_id}", "publishes")
            assert int(publishes) > 0, "queued, and nobody will ever publish it"

    @invariant()
    def every_end_is_told_once_to_whoever_was_named(self):
        told = {
            key.rpartition(":")[2]: self.client.hmget(key, "event", "url", "owner", "state")
            for key in self.client.scan_iter("inferq:webhook:*")
        }
        assert told == {
            task_id: [
                row.state,
                reference.CALLBACK,
                row.owner,
                "delivered" if row.told else "pending",
            ]
            for task_id, row in self.reference.rows.items()
            if row.callback and row.state in TERMINAL
        }

    @invariant()
    def counts_agree(self):
        tallies = {
            key: {state: int(count) for state, count in self.client.hgetall(key).items()}
            for key in self.client.scan_iter("inferq:tally:*")
        }
        assert tallies == self.reference.tallies()
        running = self.client.hget("inferq:running", str(MODEL))
        assert int(running or 0) == self.reference.running()

    @invariant()
    def times_agree(self):
        now = self._store_time()
        for task_id, row in self.reference.rows.items():
            index, moment = (
                ("leases", row.lease_ends) if row.state == "running"
                else ("deadlines", row.deadline) if row.state == "queued"
                else ("expiry", row.expires)
            )  # fmt: skip
            left = self.client.zscore(f"inferq:{index}", task_id) / 1e6 - now
            assert left == pytest.approx(moment - self._now(), abs=TOLERANCE), index

    @invariant()
    def whoever_lost_its_attempt_is_fenced_off(self):
        for attempt in self.attempts:
            row = self.reference.rows.get(attempt.task_id)
            if row is not None and row.token != attempt.token and row.state not in TERMINAL:
                assert self.store.renew([attempt]) == {attempt.task_id}
                assert self.store.release(attempt) is False
                assert self._finish(attempt, State.SUCCEEDED) is False

    @invariant()
    def nothing_starts_that_may_not(self):
        for row in list(self.reference.rows.values())[-PICKED:]:
            # Not at the very moment at which it may: the two would look at the clock one after the other.
            early = row.not_before > self._now() + TOLERANCE / 2
            if row.state != "queued" or early:
                probe = Attempt.new(row.task_id, "host-3-c")
                assert not self._claim(probe, alone=True, publish=None, twice=False)

    @invariant()
    def events_agree(self):
        entries = self.client.xrange("inferq:events")
        told = [(fields["id"], fields["state"]) for _, fields in entries]
        # Several that lapse or expire in one look do so in the order of their time, which the reference does not keep.
        assert Counter(told) == Counter(self.reference.events)
        for task_id in {task_id for task_id, _ in told}:
            story = [state for other, state in told if other == task_id]
            assert story == [s for other, s in self.reference.events if other == task_id]
            ends = [state for state in story if state in TERMINAL]
            assert len(ends) <= 1, story
            if ends:
                assert story[story.index(ends[0]) :] in (ends, [*ends, "deleted"])

    def teardown(self):
        """All faults are over: with healthy workers and time, everything that was accepted comes to its end."""
        if not hasattr(self, "reference"):
            return
        try:
            self._heal()
        finally:
            self.client.close()

    def _heal(self):
        register = ModelRegister(self.client)
        for _ in range(ROUNDS):
            left = [row for row in self.reference.rows.values() if row.state not in TERMINAL]
            if not left:
                break
            self.time_passes(8.0)
            register.register("w", slots=10, free=10, cards=[CARD])
            self._repair()
            self.upkeep_publishes(arrives=True, twice=False)
            while self.broker:
                message = self.broker.pop(0)
                attempt = Attempt.new(message.task_id, "host-2-b")
                if self._claim(attempt, alone=True, publish=message.publish, twice=False):
                    self._act(attempt, "succeed", twice=False)
        assert not left, f"never ended: {left}"
        self.records_agree()
        self.indexes_agree()
        self.events_agree()
        assert not self.client.exists("inferq:outbox", "inferq:leases", "inferq:deadlines")

    # How each part is called

    def _store_time(self) -> float:
        seconds, micros = self.client.time()
        return seconds + micros / 1e6

    def _now(self) -> float:
        """The store's clock, together with what has passed by decree."""
        return self._store_time() - self.begin + self.passed

    def _repair(self) -> None:
        requeue_lapsed(self.parts)
        for task_id in self.reference.lapsed():
            row = self.reference.rows[task_id]
            self.reference.requeue(task_id, row.token, dead=False)
        end_overdue(self.parts)
        for task_id in self.reference.overdue():
            self.reference.fail(task_id)
        expire(self.parts)
        for task_id in self.reference.expired():
            self.reference.delete(task_id)
        collect_garbage(self.parts)

    def _fail(self, task_id: str) -> bool:
        return self.store.fail(task_id, PROBLEM, policy=POLICY)

    def _live(self) -> list[str]:
        """Ids of what has not ended; seldom also of what has."""
        rows = self.reference.rows.values()
        return [row.task_id for row in rows if row.state not in TERMINAL] or [
            row.task_id for row in rows
        ]

    def _accept(self, draft: Draft, *, twice: bool) -> str:
        expected = self.reference.accept(
            draft.task_id,
            owner=draft.owner,
            batch=draft.batch,
            key=draft.idempotency_key,
            fingerprint=draft.fingerprint,
            start_within=draft.start_within and draft.start_within.total_seconds(),
            callback=draft.callback_url is not None,
        )

        def step() -> str:
            try:
                return self.store.accept(draft).outcome
            except (QueueFull, TooManyInFlight) as error:
                return error.code

        assert _call(step, twice=twice) == expected
        return expected

    def _publish(self, message: Message) -> None:
        self.broker.append(message)
        self.parts.repairs.published(message)

    def _claim(self, attempt: Attempt, *, alone: bool, publish: int | None, twice: bool) -> bool:
        expected = self.reference.claim(attempt.task_id, attempt.token, alone=alone)
        answer = _call(
            lambda: (
                self.store.claim(
                    attempt, max_attempts=MAX_ATTEMPTS, alone=alone, publish=publish
                ).outcome
            ),
            twice=twice,
        )
        assert answer == expected
        return expected == "claimed"

    def _act(self, attempt: Attempt, deed: str, *, twice: bool) -> None:
        task_id, token = attempt.task_id, attempt.token
        if deed.startswith("claim"):
            self._claim(attempt, alone=deed == "claim alone", publish=None, twice=twice)
        elif deed == "renew":
            expected = self.reference.renew([(task_id, token)])
            assert _call(lambda: self.store.renew([attempt]), twice=twice) == expected
        elif deed.startswith("release"):
            delay = reference.DELAY if deed == "release for later" else 0.0
            released = self.reference.release(task_id, token, delay=delay)
            pause = timedelta(seconds=delay)
            answer = _call(lambda: self.store.release(attempt, delay=pause), twice=twice)
            assert answer is released
        else:
            state = State.SUCCEEDED if deed == "succeed" else State.FAILED
            written = self.reference.finish(task_id, token, state)
            assert _call(lambda: self._finish(attempt, state), twice=twice) is written

    def _finish(self, attempt: Attempt, state: State) -> bool:
        result = DetectionsResult(detections=(CAT,)) if state is State.SUCCEEDED else None
        error = None if result else PROBLEM
        return self.store.finish(
            attempt, Outcome(state, result=result, error=error), retention=POLICY.retention
        )


def _picked(those: Sequence[T], pick: int) -> T:
    """One of the last few; 0 is the last."""
    return those[-1 - pick % min(len(those), PICKED)]


def _call(step: Callable[[], T], *, twice: bool) -> T:
    """Calls the store; `twice` as after a lost reply, when the second answer has to be the first."""
    answer = step()
    if twice:
        assert step() == answer
    return answer


@pytest.mark.timeout(600)
def test_no_interleaving_breaks_the_promise(valkey_url: str):
    machine = type("OnThisStore", (LifeCycle,), {"valkey_url": valkey_url})
    examples = 2 * settings.default.max_examples
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=60)
    )
