"""The clients of a campaign: a bounded crowd that submits until each upload is accepted, and a probe of the API."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count as counting
from typing import Self
from uuid import uuid4

import httpx2 as httpx

from faults.fault_model import REFERENCE, Picture

CROWD = 6
PAUSE = 0.2
PATIENCE = 120.0
PROBE_PERIOD = 0.02
LATER = frozenset({429, 503, 507})


@dataclass(frozen=True, slots=True)
class Accepted:
    """An upload that was answered 202: its id, what it asks of the model, how long the answer took."""

    task_id: str
    picture: Picture
    seconds: float


class Submitter:
    """Posts pictures; each has an idempotency key, so that one that is sent again is accepted once."""

    def __init__(self, url: str, key: str, *, model: str = REFERENCE) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.Client(base_url=url, timeout=20, headers=headers)
        self._crowd = ThreadPoolExecutor(CROWD, thread_name_prefix="submitter")
        self._model = model
        self._stop = threading.Event()
        self.refusals: Counter[str] = Counter()

    def submit(
        self, pictures: Sequence[Picture], *, fields: Mapping[str, str] | None = None
    ) -> list[Accepted]:
        """Has all pictures accepted, several at once."""
        return [future.result() for future in self.start(pictures, fields=fields)]

    def start(
        self,
        pictures: Sequence[Picture],
        *,
        fields: Mapping[str, str] | None = None,
        delay: float = 0.0,
    ) -> list[Future[Accepted]]:
        """The same, without waiting; each of the crowd pauses for `delay` seconds before each upload."""
        return [
            self._crowd.submit(self._accept, picture, fields or {}, delay) for picture in pictures
        ]

    def post(
        self, data: bytes, *, key: str | None = None, fields: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Posts once."""
        return self._client.post(
            "/api/v1/predictions",
            content=data,
            params={"model": self._model, **(fields or {})},
            headers={"Content-Type": "image/png"} | ({"Idempotency-Key": key} if key else {}),
        )

    def get(self, path: str) -> httpx.Response:
        """Asks the API for something."""
        return self._client.get(path)

    def cancel(self, task_id: str) -> int:
        """Cancels; returns the status."""
        return self._client.post(f"/api/v1/predictions/{task_id}/cancel").status_code

    def delete(self, task_id: str) -> int:
        """Deletes; returns the status."""
        return self._client.delete(f"/api/v1/predictions/{task_id}").status_code

    def close(self) -> None:
        """Gives up what is not accepted yet."""
        self._stop.set()
        self._crowd.shutdown(cancel_futures=True)
        self._client.close()

    def _accept(self, picture: Picture, fields: Mapping[str, str], delay: float) -> Accepted:
        self._stop.wait(delay)
        key, deadline = uuid4().hex, time.monotonic() + PATIENCE
        while True:
            started = time.perf_counter()
            try:
                answer = self.post(picture.png, key=key, fields=fields)
            except httpx.TransportError as error:
                self.refusals[type(error).__name__] += 1
            else:
                if answer.status_code == 202:
                    took = time.perf_counter() - started
                    return Accepted(answer.json()["task_id"], picture, took)
                assert answer.status_code in LATER, f"{answer.status_code}: {answer.text}"
                assert float(answer.headers["Retry-After"]) > 0
                self.refusals[answer.json()["code"]] += 1
            assert time.monotonic() < deadline, f"not accepted in {PATIENCE} s: {self.refusals}"
            assert not self._stop.wait(PAUSE), "given up"


class Probe:
    """Asks `/healthz` fifty times a second, and remembers how long each answer took."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=5)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self.seconds: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        start = time.monotonic()
        for beat in counting(1):
            asked = time.perf_counter()
            try:
                alive = self._client.get("/healthz").status_code == 200
            except httpx.TransportError:
                alive = False
            self.seconds.append(time.perf_counter() - asked if alive else float("inf"))
            if self._stop.wait(max(0.0, start + beat * PROBE_PERIOD - time.monotonic())):
                return


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
