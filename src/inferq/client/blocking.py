"""Carries out the client's steps with blocking calls; children are threads."""

import queue
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import httpx2 as httpx

from inferq.client.connection import LARGEST_EVENT_BYTES, request_options, stream_options
from inferq.client.steps import (
    Action,
    Emit,
    Fetch,
    Message,
    NextChunk,
    NextEvent,
    Open,
    Pause,
    Receive,
    Send,
    Spawn,
    Steps,
    Tell,
    Work,
)

T = TypeVar("T")
CHILD = "inferq-client"
"""Name of the threads that run children."""


class Stopped(Exception):
    """The parent of these steps has ended."""


class Driver:
    """Carries out one run of steps."""

    def __init__(self, http: httpx.Client, sources: Iterable[Any] = ()) -> None:
        self._http = http
        self._sources = iter(sources)
        self._response: httpx.Response | None = None
        self._reader: Iterator[Any] = iter(())
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._children: set[Driver] = set()
        self._stopped = threading.Event()
        self._handlers: dict[type, Callable[[Any], Any]] = {
            Send: self._send,
            Open: self._open,
            NextEvent: lambda _: next(self._reader, None),
            NextChunk: lambda _: next(self._reader, None),
            Pause: lambda action: self._stopped.wait(action.seconds),
            Work: lambda action: action.function(),
            Tell: lambda action: action.callback(action.value),
            Fetch: self._fetch,
            Spawn: self._spawn,
            Receive: self._receive,
        }

    def run(self, steps: Steps[T]) -> T:
        """Carries out steps that emit nothing; returns what they return."""
        running = self.iterate(steps)
        try:
            while True:
                next(running)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            running.close()

    def iterate(self, steps: Steps[T]) -> Generator[Any, None, T]:
        """Carries out steps; yields what they emit, returns what they return."""
        try:
            action = next(steps)
            while True:
                if isinstance(action, Emit):
                    yield action.value
                    action = next(steps)
                    continue
                try:
                    outcome = self._perform(action)
                except Exception as error:  # noqa: BLE001 - the steps decide what it means
                    action = steps.throw(error)
                else:
                    action = steps.send(outcome)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            steps.close()
            self._close()

    def stop(self) -> None:
        """Ends the steps from another thread, at their next action or while they read a stream."""
        self._stopped.set()
        response = self._response
        if response is None:
            return
        # Closing a socket does not wake the thread that reads it; shutting it down does.
        connection = response.extensions["network_stream"].get_extra_info("socket")
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def _perform(self, action: Action) -> Any:
        if self._stopped.is_set():
            raise Stopped
        return self._handlers[type(action)](action)

    def _send(self, action: Send) -> httpx.Response:
        return self._http.send(self._http.build_request(**request_options(action.request)))

    def _open(self, action: Open) -> httpx.Response:
        self._close_response()
        request = self._http.build_request(**stream_options(action.request))
        response = self._response = self._http.send(request, stream=True)
        if response.is_error:
            response.read()
        elif "text/event-stream" in action.request.headers.get("Accept", ""):
            self._reader = iter(httpx.EventSource(response, LARGEST_EVENT_BYTES))
        else:
            self._reader = response.iter_bytes()
        return response

    def _fetch(self, action: Fetch) -> None:
        try:
            message = Message(action, next(self._sources), final=False)
        except StopIteration:
            message = Message(action)
        self._messages.put(message)

    def _spawn(self, action: Spawn) -> None:
        child = Driver(self._http)
        self._children.add(child)
        threading.Thread(
            target=self._run_child, args=(child, action), name=CHILD, daemon=True
        ).start()

    def _run_child(self, child: "Driver", action: Spawn) -> None:
        running = child.iterate(action.steps)
        try:
            while True:
                self._messages.put(Message(action.tag, next(running), final=False))
        except StopIteration as end:
            self._messages.put(Message(action.tag, end.value))
        except BaseException as error:  # noqa: BLE001 - it is the parent's to handle
            self._messages.put(Message(action.tag, error=error))
        finally:
            self._children.discard(child)

    def _receive(self, action: Receive) -> Message | None:
        try:
            return self._messages.get(timeout=action.seconds)
        except queue.Empty:
            return None

    def _close(self) -> None:
        for child in tuple(self._children):
            child.stop()
        self._close_response()

    def _close_response(self) -> None:
        self._reader = iter(())
        if self._response is not None:
            self._response.close()
            self._response = None
