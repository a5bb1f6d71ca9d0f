"""Calls that end in time, whatever becomes of what they call: a network file system may hang as a server does."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

MOST_THREADS = 64
IDLE_SECONDS = 10.0

T = TypeVar("T")


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
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
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
        done = self._start(call)
        if not wait([done], self.seconds).done:
            self._hung.set()
            raise TimeoutError(f"no answer in {self.seconds:g} s")
        self._hung.clear()
        return done.result()

    def _start(self, call: Callable[[], T]) -> "Future[T]":
        done: Future[T] = Future()

        def run() -> None:
            try:
                outcome = call()
            except BaseException as error:  # noqa: BLE001 - it is raised where it was called for
                self._rest()
                done.set_exception(error)
            else:
                self._rest()
                done.set_result(outcome)

        with self._lock:
            if self._idle:
                self._idle -= 1
            elif self._threads < MOST_THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="storage", daemon=True).start()
            else:
                raise TimeoutError(f"{MOST_THREADS} calls hang")
        self._calls.put(run)
        return done

    def _rest(self) -> None:
        with self._lock:
            self._idle += 1

    def _work(self) -> None:
        while True:
            try:
                run = self._calls.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if not self._idle:
                        continue  # a call is on its way to us
                    self._idle -= 1
                    self._threads -= 1
                    return
            run()
            del run  # with it goes what it has read
