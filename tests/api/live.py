"""The API on a real port, in a thread of its own, and a reader of its event streams."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx

from inferq.api.app import Server, create_app
from inferq.settings import Settings
from system.served import eventually, free_port

SECONDS = 10


@dataclass(frozen=True)
class Event:
    """One Server-Sent Event."""

    event: str
    data: Any
    id: str | None


@dataclass
class Stream:
    """An open event stream, or the answer that came instead of one."""

    response: httpx.Response
    retry: int | None = None

    def __post_init__(self) -> None:
        self.lines = self.response.iter_lines()
        self._events = self._read()

    def next(self) -> Event:
        """The next event; an error where none comes in time, or the stream has ended."""
        return next(self._events)

    def rest(self) -> list[Event]:
        """All events up to the end of the stream."""
        return list(self._events)

    def until(self, event: str) -> Event:
        """The next event of this name; what comes before is passed over."""
        return next(found for found in self._events if found.event == event)

    def _read(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        for line in self.lines:
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif not line and "event" in fields:
                yield Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
                fields = {}
            elif not line and "retry" in fields:
                self.retry = int(fields.pop("retry"))


class LiveApi:
    """One API process's worth of server."""

    def __init__(self, settings: Settings, port: int | None = None, *, key: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        app = create_app(settings.model_copy(update={"allowed_hosts": ("127.0.0.1",)}))
        self._server = Server(app, host="127.0.0.1", port=self.port)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.key = key
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx.Client(base_url=self.url, timeout=SECONDS, headers=headers)

    def start(self) -> "LiveApi":
        self._thread.start()
        eventually(lambda: self._server.started, seconds=SECONDS)
        return self

    def ask_to_stop(self) -> None:
        self._server.should_exit = True

    def stop(self) -> None:
        self.ask_to_stop()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        self.client.close()

    @contextmanager
    def events(
        self, path: str = "/api/v1/events", last: str | None = None, **query: str
    ) -> Iterator[Stream]:
        """Opens an event stream."""
        headers = {} if last is None else {"Last-Event-ID": last}
        with self.client.stream("GET", path, headers=headers, params=query) as response:
            yield Stream(response)
