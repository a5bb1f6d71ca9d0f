"""Micro-batches: what arrives while a model is busy runs together next; what arrives while it is idle runs at once.

There is no thread of its own: of the callers that wait, the oldest leads the next batch in its own thread, for itself
and the others. So there is nothing to start or to stop, and a drain ends when the callers do.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

import structlog

from inferq.errors import ModelFailed
from inferq.telemetry.traces import current_traceparent, span

Item = TypeVar("Item")
Output = TypeVar("Output")

log = structlog.get_logger()


class Work(Protocol):
    """What is told when an item waits and when it runs: waiting for others is nobody's fault."""

    def pause(self) -> None:
        """The item waits from now on."""

    def resume(self) -> None:
        """The item runs from now on. Called by the thread that runs it."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Output]):
    """What came of one item.

    Attributes:
        output: Of the model.
        waited: Seconds from the call to the start of the run that gave the output.
        ran: Seconds that this run took.
        batch: How many items were in it.
        run: Trace context of the run; empty where it is not recorded.
    """

    output: Output
    waited: float
    ran: float
    batch: int
    run: str = ""


class Batcher(Generic[Item, Output]):
    """Stands between attempts and one model's `infer`."""

    def __init__(
        self,
        infer: Callable[[Sequence[Item]], Sequence[Output]],
        *,
        max_batch: int = 1,
        max_wait: timedelta = timedelta(0),
        lanes: int = 1,
    ) -> None:
        """Runs nothing yet.

        Args:
            infer: One output an item, in order; safe to call from `lanes` threads at once.
            max_batch: Most items of one run.
            max_wait: How long an idle model waits for items that were announced (`expecting`) and are not here yet.
            lanes: Most runs at once.
        """
        self._infer = infer
        self._max_batch = max_batch
        self._max_wait = max_wait.total_seconds()
        self._lanes = lanes
        self._changed = threading.Condition()
        self._running = 0
        self._gathering = 0
        self._waiting: deque[_Ticket[Item, Output]] = deque()
        self._expected: set[int] = set()

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Announces that this thread is about to call `infer`, within this context."""
        caller = threading.get_ident()
        with self._changed:
            self._expected.add(caller)
        try:
            yield
        finally:
            with self._changed:
                self._arrived(caller)

    def infer(self, item: Item, work: Work | None = None) -> Answer[Output]:
        """Runs an item, alone or with others that wait; returns when its own output is there.

        An item whose batch fails runs again alone, so that what is raised here is its own doing.

        Args:
            item: Of the model.
            work: Told when the item waits and when it runs.

        Raises:
            ModelFailed: The model did not return one output for one item.
        """
        ticket: _Ticket[Item, Output] = _Ticket(item, work)
        ticket.line_up()
        with self._changed:
            self._waiting.append(ticket)
            self._arrived(threading.get_ident())
            if not self._gathering:
                self._fill_lanes()
        while True:
            ticket.turn.wait()
            if ticket.answer is not None:
                return ticket.answer
            ticket.turn.clear()
            self._lead(ticket)

    def _arrived(self, caller: int) -> None:
        self._expected.discard(caller)
        if self._gathering:
            self._changed.notify_all()

    def _fill_lanes(self) -> None:
        """Has the oldest of those that wait lead a batch, in each lane that is free. The lock is held."""
        while self._waiting and self._running < self._lanes:
            self._running += 1
            self._waiting.popleft().turn.set()

    def _lead(self, ticket: "_Ticket[Item, Output]") -> None:
        """Runs a ticket and what waits with it in a lane that is ours, then passes the lane on.

        Raises:
            Exception: The ticket ran alone and failed.
        """
        batch = self._gather(ticket)
        for each in batch:
            each.begin()
        followers = [each.traceparent for each in batch[1:]]
        try:
            with span("batch", links=followers, attributes={"inferq.batch": len(batch)}) as run:
                outputs = self._run([each.item for each in batch])
        except Exception:
            if len(batch) == 1:
                raise
            log.warning("batch_failed", batch=len(batch), then="one by one", exc_info=True)
            self._line_up_alone(batch)
            return
        except BaseException:
            # This thread is told to end; the others go on without it.
            self._line_up_alone(batch[1:])
            raise
        finally:
            with self._changed:
                self._running -= 1
                self._fill_lanes()
        for each, output in zip(batch, outputs, strict=True):
            each.end(output, batch=len(batch), run=run.traceparent)

    def _gather(self, ticket: "_Ticket[Item, Output]") -> "list[_Ticket[Item, Output]]":
        """The ticket and those that run with it, which leave the line."""
        batch = [ticket]
        if self._max_batch == 1 or ticket.alone:
            return batch
        with self._changed:
            if self._max_wait and not self._complete():
                self._gathering += 1
                self._changed.wait_for(self._complete, self._max_wait)
                self._gathering -= 1
            while self._waiting and len(batch) < self._max_batch and not self._waiting[0].alone:
                batch.append(self._waiting.popleft())
            if not self._gathering:
                self._fill_lanes()
        return batch

    def _complete(self) -> bool:
        """Whether a batch need not wait: it is full, or nobody is on the way."""
        return not self._expected or len(self._waiting) >= self._max_batch - 1

    def _run(self, items: Sequence[Item]) -> Sequence[Output]:
        outputs = self._infer(items)
        if len(outputs) != len(items):
            raise ModelFailed(
                f"The model's infer returned {len(outputs)} outputs for {len(items)} inputs;"
                " it has to return one for each, in their order."
            )
        return outputs

    def _line_up_alone(self, tickets: "Sequence[_Ticket[Item, Output]]") -> None:
        """Puts tickets back at the head of the line, each to run alone."""
        for ticket in tickets:
            ticket.alone = True
            ticket.line_up()
        with self._changed:
            self._waiting.extendleft(reversed(tickets))


class _Ticket(Generic[Item, Output]):
    """One caller's item. Its `turn` comes when it is to lead a batch, or when its answer is there."""

    __slots__ = ("_begun", "_came", "_work", "alone", "answer", "item", "traceparent", "turn")

    def __init__(self, item: Item, work: Work | None) -> None:
        self.item = item
        self.traceparent = current_traceparent()
        self.turn = threading.Event()
        self.alone = False
        self.answer: Answer[Output] | None = None
        self._work = work
        self._came = self._begun = time.perf_counter()

    def line_up(self) -> None:
        # Before it can be seen by others: whoever takes it off the line says that it runs.
        if self._work is not None:
            self._work.pause()

    def begin(self) -> None:
        self._begun = time.perf_counter()
        if self._work is not None:
            self._work.resume()

    def end(self, output: Output, *, batch: int, run: str) -> None:
        ran = time.perf_counter() - self._begun
        self.answer = Answer(output, self._begun - self._came, ran, batch, run)
        self.turn.set()
