"""One row under way: what it serves, submits and breaks, and the verdict on it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import httpx2 as httpx

from faults.deployment import SLOTS, Deployment
from faults.fault_model import QUICK, Picture
from faults.site import Site
from faults.submitter import Accepted, Submitter
from faults.verdict import Fate, Truth, Verdict, Window
from inferq.accounts.store import AccountStore
from people import person

T = TypeVar("T")
WORKERS = 2


class Skipped(Exception):
    """The machine lacks what a row needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a campaign is: predictions a row, and which of two values a row takes."""

    full: bool

    @property
    def count(self) -> int:
        """Predictions that a row submits before its fault."""
        return self.pick(400, 40)

    @property
    def patience(self) -> float:
        """Seconds within which all must have ended after the fault."""
        return self.pick(180.0, 60.0)

    def pick(self, full: T, short: T) -> T:
        """One value for the full campaign, one for the short."""
        return full if self.full else short


class Case:
    """What a row works with; keeps count of everything that was accepted."""

    def __init__(self, site: Site, size: Size) -> None:
        self.site, self.size = site, size
        self.accepted: list[Accepted] = []
        self.notes: list[str] = []
        self.verdict: Verdict | None = None
        self._windows: list[Window] = []
        self._stack = ExitStack()
        self._deployment: Deployment | None = None
        self._submitter: Submitter | None = None
        self._truth: Truth | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if kind is not None:
            self.site.end_deployment(failed=True)
        self.site.heal()

    @property
    def deployment(self) -> Deployment:
        """What the row serves."""
        assert self._deployment is not None, "call serve first"
        return self._deployment

    @property
    def clients(self) -> Submitter:
        """Who submits to it."""
        assert self._submitter is not None, "call serve first"
        return self._submitter

    @property
    def truth(self) -> Truth:
        """What the state store says."""
        assert self._truth is not None, "call serve first"
        return self._truth

    def serve(
        self, settings: Mapping[str, str] | None = None, *, workers: int = WORKERS
    ) -> Deployment:
        """An API and workers that rows with the same settings share."""
        return self.attach(self.site.deployment(workers, settings or {}))

    def attach(self, deployment: Deployment) -> Deployment:
        """Takes a running deployment for this row."""
        self._deployment = deployment
        self.connect(deployment.url)
        return deployment

    def connect(self, url: str, key: str | None = None, **options: str) -> None:
        """Opens clients for a running API, and begins to count; without a key, one is made in the site's state store."""
        client = self._stack.enter_context(self.site.state.client())
        self._truth = Truth(client)
        self._submitter = Submitter(url, key or person(AccountStore(client)).key, **options)
        self._stack.callback(self._submitter.close)

    def use(self, truth: Truth) -> None:
        """Judges by another state store than the site's."""
        self._truth = truth

    def note(self, text: str) -> None:
        """Says something for the table."""
        self.notes.append(text)

    def pictures(self, milliseconds: int = 0, *, count: int = 0) -> list[Picture]:
        """Healthy work, by default enough to last well beyond its submission."""
        pace = milliseconds or self.size.pick(250, 100)
        return [Picture(milliseconds=pace)] * (count or self.size.count)

    def submit(
        self, pictures: Sequence[Picture], *, fields: Mapping[str, str] | None = None
    ) -> list[Accepted]:
        """Has pictures accepted."""
        return self.collect(self.clients.start(pictures, fields=fields))

    def begin(self, pictures: Sequence[Picture]) -> list[Future[Accepted]]:
        """Starts uploads, for `collect` to wait for.

        In the full campaign all are accepted when this returns, so that the fault strikes many; the short one has too
        little work for that: on a slow machine it would be done before the fault.
        """
        futures = self.clients.start(pictures)
        if self.size.full:
            wait(futures)
        return futures

    def collect(self, futures: Sequence[Future[Accepted]]) -> list[Accepted]:
        """Waits until what was being submitted is accepted."""
        accepted = [future.result() for future in futures]
        self.accepted += accepted
        return accepted

    def count(self, answer: httpx.Response) -> None:
        """Counts an upload that was accepted though nobody was sure of it."""
        self.accepted.append(Accepted(answer.json()["task_id"], QUICK, 0.0))

    def outbox(self) -> int:
        """How many messages are to be published."""
        with self.site.state.client() as client:
            return int(client.zcard("inferq:outbox"))

    @contextmanager
    def fault(self) -> Iterator[None]:
        """A fault that lasts."""
        start = time.time()
        yield
        self._windows.append(Window(start, time.time()))

    def struck(self) -> None:
        """A fault that was over at once."""
        self._windows.append(Window(time.time(), time.time()))

    def judge(
        self, *, meanwhile: Callable[[], object] = lambda: None, seconds: float = 0
    ) -> Verdict:
        """Waits for all ends; nothing may be lost or doubled, and nothing may be left over."""
        ids = [accepted.task_id for accepted in self.accepted]
        patience = seconds or self.size.patience
        self.truth.wait_terminal(ids, seconds=patience, meanwhile=meanwhile)
        settled = self.truth.settled()
        self.verdict = verdict = self.truth.judge(ids, self._windows)
        assert len(set(ids)) == len(ids), "one prediction answered two uploads"
        lost = [fate for fate in verdict.fates if fate.lost]
        assert not lost, f"{len(lost)} lost, for example {lost[0]}"
        doubled = [fate for fate in verdict.fates if fate.doubled]
        assert not doubled, f"{len(doubled)} doubled, for example {doubled[0]}"
        assert settled, "something still waits, runs, or is to be published"
        return verdict

    def judge_healthy(
        self, *, most_attempts: int = 1, meanwhile: Callable[[], object] = lambda: None
    ) -> Verdict:
        """As `judge`; moreover all must have succeeded, within so many attempts."""
        verdict = self.judge(meanwhile=meanwhile)
        expect_success(verdict.fates, most_attempts=most_attempts)
        return verdict

    def slots(self) -> int:
        """Predictions that run at once."""
        return SLOTS * len(self.deployment.workers)


def expect_success(fates: Sequence[Fate], *, most_attempts: int = 1) -> None:
    """All succeeded, and none needed more attempts."""
    for fate in fates:
        assert fate.state == "succeeded", fate
        assert fate.deleted or fate.attempts <= most_attempts, fate
