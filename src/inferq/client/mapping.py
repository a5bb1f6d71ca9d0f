"""`map()`: many inputs on their way at once, one event stream that tells of them all.

Memory is bounded by the window of inputs between being taken and being handed over. If the server has no event
stream, or none gets through, each input is waited for by long polls instead.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from inferq.client.awaited import Awaited, Ended, Gone, Listening, Unheard, deleted
from inferq.client.calls import Answer, Calls, Followed, Submission, failure
from inferq.client.events import listen
from inferq.client.sources import Parameter, Source
from inferq.client.steps import Emit, Fetch, Message, Receive, Spawn, Steps
from inferq.errors import (
    InferqError,
    InsufficientScope,
    ServerUnreachable,
    Unauthenticated,
)
from inferq.predictions.record import Prediction

AT_ONCE = 64
SENT_AT_ONCE = 8
CHECKED_AT_ONCE = 4
STREAM_STARTS_WITHIN = 5.0
SILENT_FOR = 30.0
"""Seconds after which a prediction that no event told of is looked at."""
LOOK_EVERY = 2.0

OF_ONE_INPUT = (InferqError, OSError, TypeError, ValueError)
OF_ALL_INPUTS = (ServerUnreachable, Unauthenticated, InsufficientScope)

Job = Literal["send", "wait", "check"]
Errors = Literal["raise", "yield"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input of `map(…, errors="yield")`.

    Attributes:
        index: Which input it was, counted from 0.
        source: The input itself.
        prediction: Its prediction, if one was made; terminal.
        error: Why there is no result; None if there is one.
    """

    index: int
    source: Source
    prediction: Prediction | None
    error: Exception | None

    def result(self) -> Prediction:
        """The prediction, if it succeeded.

        Raises:
            Exception: What went wrong otherwise.
        """
        if self.error is not None:
            self.error.add_note(f"This was input {self.index} of map().")
            raise self.error
        assert self.prediction is not None  # noqa: S101 - one of both is there
        return self.prediction


@dataclass(frozen=True, slots=True)
class Plan:
    """How to map: what is asked about each input, how many at once, in which order, and what errors do."""

    parameters: dict[str, Parameter]
    at_once: int = AT_ONCE
    ordered: bool = True
    errors: Errors = "raise"


@dataclass(slots=True)
class _Slot:
    """One input on its way."""

    source: Source
    followed: Followed | None = None
    heard: float = 0.0
    outcome: Outcome | None = None


@dataclass(slots=True)
class Mapping:
    """One run of `map()`."""

    calls: Calls
    plan: Plan
    _slots: dict[int, _Slot] = field(default_factory=dict)
    _ready: deque[int] = field(default_factory=deque)
    _awaited: Awaited = field(default_factory=Awaited)
    _to_check: deque[int] = field(default_factory=deque)
    _next_index: int = 0
    _jobs: dict[Job, int] = field(default_factory=lambda: {"send": 0, "wait": 0, "check": 0})
    _source: Literal["open", "asked", "exhausted"] = "open"
    _stream: Literal["absent", "starting", "live"] = "starting"
    _began: float = 0.0
    _looked: float = 0.0

    def steps(self) -> Steps[None]:
        """Emits predictions or outcomes until all inputs are through."""
        self._began = time.monotonic()
        batch = self.plan.parameters.get("batch")
        stream = listen(
            self._awaited.receive,
            self.calls.timeout,
            batch=batch if isinstance(batch, str) else None,
        )
        yield Spawn("stream", stream)
        while True:
            yield from self._hand_over()
            yield from self._start_more()
            if self._source == "exhausted" and not self._slots:
                return
            message = yield Receive(LOOK_EVERY)
            if message is not None:
                yield from self._take(message)
            yield from self._look_around()

    def _hand_over(self) -> Steps[None]:
        for index in self._deliverable():
            outcome = self._slots.pop(index).outcome
            assert outcome is not None  # noqa: S101 - deliverable
            yield Emit(outcome.result() if self.plan.errors == "raise" else outcome)

    def _deliverable(self) -> list[int]:
        """The finished inputs whose turn it is."""
        if not self.plan.ordered:
            indices = list(self._ready)
            self._ready.clear()
            return indices
        indices = []
        for index, slot in self._slots.items():
            if slot.outcome is None:
                break
            indices.append(index)
        return indices

    def _start_more(self) -> Steps[None]:
        """Asks for another input if there is room, and looks at what may have ended unheard."""
        room = len(self._slots) < self.plan.at_once and self._jobs["send"] < SENT_AT_ONCE
        if room and self._source == "open" and self._stream != "starting":
            self._source = "asked"
            yield Fetch()
        while self._to_check and self._jobs["check"] < CHECKED_AT_ONCE:
            index = self._to_check.popleft()
            slot = self._slots.get(index)
            if slot is not None and slot.followed is not None and slot.outcome is None:
                yield from self._start("check", index, self.calls.get(slot.followed.task_id))

    def _start(self, job: Job, index: int, steps: Steps[Any]) -> Steps[None]:
        self._jobs[job] += 1
        yield Spawn((job, index), steps)

    def _take(self, message: Message) -> Steps[None]:
        match message.tag:
            case Fetch():
                yield from self._take_source(message)
            case "stream":
                yield from self._take_notice(message)
            case (job, index):
                self._jobs[job] -= 1
                yield from self._take_answer(job, index, message)

    def _take_source(self, message: Message) -> Steps[None]:
        if message.error is not None:
            raise message.error
        if message.final:
            self._source = "exhausted"
            return
        self._source = "open"
        index = self._next_index
        self._next_index += 1
        self._slots[index] = _Slot(message.value)
        yield from self._start("send", index, self._send(index, message.value))

    def _send(self, index: int, source: Source) -> Steps[Answer]:
        """Has a prediction made; if it has ended before anybody could wait for it, that is the answer."""
        submission = Submission(source, self.plan.parameters)
        answer = yield from self.calls.submit(submission, outlast_busy=True)
        ended = self._awaited.expect(answer.prediction.task_id, index)
        return answer if ended is None else Answer(ended, "")

    def _take_answer(self, job: Job, index: int, message: Message) -> Steps[None]:
        slot = self._slots.get(index)
        if slot is None or slot.outcome is not None:
            return
        if message.error is not None:
            self._fail(index, message.error)
            return
        slot.heard = time.monotonic()
        if job == "send":
            slot.followed = Followed(message.value)
        prediction = message.value.prediction if job == "send" else message.value
        if prediction.state.is_terminal:
            self._finish(index, prediction)
        elif job == "send" and self._stream == "absent":
            yield from self._wait(index, slot)

    def _wait(self, index: int, slot: _Slot) -> Steps[None]:
        assert slot.followed is not None  # noqa: S101 - it was sent
        yield from self._start("wait", index, self.calls.wait(slot.followed))

    def _take_notice(self, message: Message) -> Steps[None]:
        """What the stream tells: it lives, one has ended, one is gone, some may have ended unheard."""
        if message.error is not None and not isinstance(message.error, InferqError):
            raise message.error
        if message.final:
            yield from self._poll_instead()
            return
        match message.value:
            case Listening():
                if self._stream == "starting":
                    self._stream = "live"
            case Gone(index):
                self._fail(index, deleted())
            case Ended(index, prediction):
                self._finish(index, prediction)
            case Unheard(indices):
                self._to_check.extend(indices)

    def _poll_instead(self) -> Steps[None]:
        """Waits for everything by long polls from now on."""
        if self._stream == "absent":
            return
        self._stream = "absent"
        for index, slot in self._slots.items():
            if slot.followed is not None and slot.outcome is None:
                yield from self._wait(index, slot)

    def _look_around(self) -> Steps[None]:
        """Does without a stream that does not start; has those checked that nothing was heard of for long."""
        now = time.monotonic()
        if self._stream == "starting" and now - self._began > STREAM_STARTS_WITHIN:
            yield from self._poll_instead()
        if self._stream != "live" or now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        for index, slot in self._slots.items():
            waits = slot.followed is not None and slot.outcome is None
            if waits and now - slot.heard > SILENT_FOR:
                slot.heard = now
                self._to_check.append(index)

    def _finish(self, index: int, prediction: Prediction) -> None:
        self._settle(index, prediction, failure(prediction))

    def _fail(self, index: int, error: BaseException) -> None:
        if isinstance(error, OF_ALL_INPUTS) or not isinstance(error, OF_ONE_INPUT):
            raise error
        self._settle(index, None, error)

    def _settle(self, index: int, prediction: Prediction | None, error: Exception | None) -> None:
        slot = self._slots.get(index)
        if slot is None or slot.outcome is not None:
            return
        if slot.followed is not None:
            self._awaited.forget(slot.followed.task_id)
        slot.outcome = Outcome(index, slot.source, prediction, error)
        if not self.plan.ordered:
            self._ready.append(index)
