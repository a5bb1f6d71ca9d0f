"""Calls that end in time, whatever becomes of what they call: a network file system may hang as a server does."""

import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

MOST_THREADS = 64
IDLE_SECONDS = 10.0

T = TypeVar("T")


class _Call(Generic[T]):
    """A call on its way to a thread and back. A lock tells that it is done: a `Future` costs several times as much."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._outcome: T | None = None
        self._error: BaseException | None = None
        self._under_way = threading.Lock()
        self._under_way.acquire()

    def run(self) -> None:
        """Makes the call; never raises."""
        try:
            self._outcome = self._call()
        except BaseException as error:  # noqa: BLE001 - it is raised where it was called for
            self._error = error

    def end(self) -> None:
        """Tells who waits."""
        self._under_way.release()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        return self._under_way.acquire(timeout=seconds)

    def result(self) -> T:
        """What the call returned, or raises what it raised."""
        if self._error is None:
            return cast("T", self._outcome)
        try:
            raise self._error
        finally:
            self._error = None  # its traceback holds this frame


class Patience:
    """Makes calls in threads of its own, and leaves those that take too long.

    After one that did, a single call at a time finds out whether things are better; others are told at once. So a
    server that hangs holds none of those who ask for longer than once, and costs a bounded number of threads.
    """

    def __init__(self, seconds: float) -> None:
        """Starts no thread yet.

        Args:
            seconds: How long a call may take.
        """
        self.seconds = seconds
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[_Call[Any]] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._hung = threading.Event()
        self._trying = threading.Lock()

    def call(self, call: Callable[[], T]) -> T:
        """What `call` returns.

        Raises:
            TimeoutError: It took too long, or others do. It may still do its work.
            Exception: Whatever `call` raises.
        """
        if not self._hung.is_set():
            return self._wait_for(call)
        if not self._trying.acquire(blocking=False):
            raise TimeoutError("the call before this one hangs")
        try:
            return self._wait_for(call)
        finally:
            self._trying.release()

    def _wait_for(self, call: Callable[[], T]) -> T:
        given = _Call(call)
        self._start(given)
        if not given.wait(self.seconds):
            self._hung.set()
            raise TimeoutError(f"no answer in {self.seconds:g} s")
        self._hung.clear()
        return given.result()

    def _start(self, call: _Call[T]) -> None:
        with self._lock:
            if self._idle:
                self._idle -= 1
            elif self._threads < MOST_THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="storage", daemon=True).start()
            else:
                raise TimeoutError(f"{MOST_THREADS} calls hang")
        self._calls.put(call)

    def _work(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if not self._idle:
                        continue  # a call is on its way to us
                    self._idle -= 1
                    self._threads -= 1
                    return
            call.run()
            with self._lock:
                self._idle += 1
            call.end()
            del call  # with it goes what it has read
