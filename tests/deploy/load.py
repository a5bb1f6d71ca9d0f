"""Clients of Compose's system, who upload through nginx until each upload is accepted, while parts of it die."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2 as httpx

from deploy.engine import Engine

PATIENCE = 180.0
LATER = frozenset({429, 503, 507})


@dataclass
class Outcome:
    """What became of it."""

    accepted: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    """Answers that asked for another attempt, by code."""
    unclean: list[str] = field(default_factory=list)
    """Everything else: broken connections, answers that say nothing."""
    states: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    known: int = 0
    """Predictions that the system has of this load."""
    seconds: float = 0.0


class Crowd:
    """So many clients at once, each with a connection of its own."""

    def __init__(self, engine: Engine, key: str, pictures: Sequence[bytes]) -> None:
        self._url = f"http://{engine.address('nginx')}:8080"
        self._headers = {"Host": "localhost", "Authorization": f"Bearer {key}"}
        self._pictures = pictures
        self._batch = f"load-{uuid4().hex}"
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self.outcome = Outcome()

    def run(
        self, count: int, *, clients: int, meanwhile: Mapping[float, Callable[[], None]]
    ) -> Outcome:
        """Has `count` pictures accepted; does something once a share of them is."""
        started = time.monotonic()
        with ThreadPoolExecutor(clients) as pool:
            futures = [pool.submit(self._upload, number) for number in range(count)]
            for share, step in sorted(meanwhile.items()):
                while len(self.outcome.accepted) < share * count and not all(
                    future.done() for future in futures
                ):
                    time.sleep(0.02)
                step()
            for future in futures:
                future.result()
            for state, attempts in pool.map(self._end, self.outcome.accepted):
                self.outcome.states[state] += 1
                self.outcome.attempts[attempts] += 1
        self.outcome.seconds = time.monotonic() - started
        counts = self._client().get(f"/api/v1/batches/{self._batch}").json()["counts"]
        self.outcome.known = sum(counts.values())
        for client in self._clients:
            client.close()
        return self.outcome

    def _client(self) -> httpx.Client:
        if not hasattr(self._local, "client"):
            client = httpx.Client(base_url=self._url, headers=self._headers, timeout=40)
            self._local.client = client
            self._clients.append(client)
        mine: httpx.Client = self._local.client
        return mine

    def _upload(self, number: int) -> None:
        key, deadline = uuid4().hex, time.monotonic() + PATIENCE
        picture = self._pictures[number % len(self._pictures)]
        while True:
            answer = self._ask(
                "POST",
                "/api/v1/predictions",
                content=picture,
                params={"batch": self._batch},
                headers={"Content-Type": "image/jpeg", "Idempotency-Key": key},
            )
            if answer is not None and answer.status_code in {200, 202}:
                self.outcome.accepted.append(answer.json()["task_id"])
                return
            assert time.monotonic() < deadline, f"not accepted in {PATIENCE} s"
            time.sleep(
                min(float(answer.headers["Retry-After"]), 2.0) if answer is not None else 0.2
            )

    def _end(self, task_id: str) -> tuple[str, int]:
        """How a prediction ended, by long polls; `lost` where it did not in time."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self._ask(
                "GET", f"/api/v1/predictions/{task_id}", headers={"Prefer": "wait=20"}
            )
            if answer is None:
                continue
            prediction = answer.json()
            if prediction.get("state") in {"succeeded", "failed", "canceled"}:
                return prediction["state"], prediction["attempts"]
            if answer.status_code != httpx.codes.OK:
                time.sleep(0.2)
        return "lost", 0

    def _ask(self, method: str, path: str, **options: object) -> httpx.Response | None:
        """One request; what is no answer of inferq's is noted as unclean."""
        try:
            answer = self._client().request(method, path, **options)
        except httpx.TransportError as error:
            self.outcome.unclean.append(repr(error))
            return None
        if answer.is_success:
            return answer
        try:
            clean = answer.status_code in LATER and float(answer.headers["Retry-After"]) > 0
            code = answer.json()["code"]
        except (ValueError, KeyError):
            clean, code = False, ""
        if not clean:
            self.outcome.unclean.append(f"{answer.status_code} {answer.text[:200]}")
            return None
        self.outcome.refusals[code] += 1
        return answer


def faults(engine: Engine) -> dict[float, Callable[[], None]]:
    """One worker and one API killed and started again, as Compose does at once; RabbitMQ restarted; by share of accepted."""

    def kill(service: str) -> None:
        container = engine.of(service)[0]
        engine.kill(container)
        engine.start(container)

    def restart_rabbitmq() -> None:
        (container,) = engine.of("rabbitmq")
        container.stop(60)
        engine.start(container)

    return {
        0.2: lambda: kill("worker"),
        0.4: lambda: kill("api"),
        0.6: restart_rabbitmq,
    }
