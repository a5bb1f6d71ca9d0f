"""A small real HTTP server that speaks the API's contract and does what a test tells it to.

It stands where a test needs a fault at a certain moment: an answer that is lost, a stream that breaks.
"""

import json
import threading
from collections import deque
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from inferq.errors import InferqError, NotFound
from inferq.predictions.record import (
    Input,
    ModelReference,
    Prediction,
    Problem,
    State,
    new_task_id,
)

BATCHES_OF_SNAPSHOT = 3


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class PretendServer:
    """The server; its attributes are what a test turns and looks at."""

    def __init__(self) -> None:
        self.predictions: dict[str, Prediction] = {}
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self.refusals: deque[tuple[InferqError, float | None]] = deque()
        self.bare_refusals: deque[int] = deque()
        self.lose_answers = 0
        """So many of the next requests are carried out, and their connections closed without an answer."""
        self.has_events = True
        self.events_start = True
        self.ends_at_once = False
        """Whether a prediction succeeds, and its event goes out, before its 202."""
        self.comments_every = 0.05
        self.streams = 0
        self.unknown_event_ids = False
        self.closed = False
        self._keys: dict[str, str] = {}
        self._log: list[tuple[int, str, str]] = []
        self._generation = 0
        self.changed = threading.Condition()
        self._http = _Server(("127.0.0.1", 0), type("Mine", (Handler,), {"pretend": self}))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.closed = True
        self.break_streams()
        self._http.shutdown()
        self._http.server_close()

    def submit(self, key: str, filename: str = "image") -> Prediction:
        with self.changed:
            if key in self._keys:
                return self.predictions[self._keys[key]]
            prediction = Prediction(
                task_id=new_task_id(),
                state=State.QUEUED,
                model=ModelReference(name="any", version="1"),
                created_at=datetime.now(UTC),
                input=Input(filename=filename, media_type="image/jpeg", bytes=1, sha256=""),
                parameters={},
            )
            self._keys[key] = prediction.task_id
            self._put(prediction)
        if self.ends_at_once:
            self.move(prediction.task_id, State.SUCCEEDED)
        return prediction

    def move(self, task_id: str, state: State, *, told: bool = True, **changes: Any) -> None:
        """Gives a prediction another state; with `told` off, its event is lost."""
        with self.changed:
            update = {"state": state, **changes}
            self._put(self.predictions[task_id].model_copy(update=update), told=told)

    def fail(self, task_id: str, error: InferqError) -> None:
        self.move(task_id, State.FAILED, error=Problem.of(error))

    def delete(self, task_id: str) -> None:
        with self.changed:
            del self.predictions[task_id]
            self.tell("deleted", json.dumps({"task_id": task_id}))

    def unfinished(self) -> list[str]:
        return [i for i, p in list(self.predictions.items()) if not p.state.is_terminal]

    def count(self, method: str, part: str) -> int:
        """Requests so far whose path holds a part."""
        return sum(m == method and part in path for m, path in self.requests)

    def break_streams(self) -> None:
        """Cuts the connection of everyone who listens."""
        with self.changed:
            self._generation += 1
            self.changed.notify_all()

    def until(self, true: Any, seconds: float = 10) -> None:
        with self.changed:
            assert self.changed.wait_for(true, seconds)

    def _put(self, prediction: Prediction, *, told: bool = True) -> None:
        self.predictions[prediction.task_id] = prediction
        if told:
            self.tell(str(prediction.state), prediction.model_dump_json())
        self.changed.notify_all()

    def tell(self, kind: str, data: str) -> None:
        """Sends an event to everyone who listens."""
        with self.changed:
            self._log.append((len(self._log) + 1, kind, data))
            self.changed.notify_all()

    def snapshot(self) -> list[tuple[int | None, str, str]]:
        waiting = [self.predictions[i].model_dump(mode="json") for i in self.unfinished()]
        parts = [
            waiting[i : i + BATCHES_OF_SNAPSHOT]
            for i in range(0, len(waiting), BATCHES_OF_SNAPSHOT)
        ]
        return [
            (len(self._log), "snapshot", json.dumps({"items": part, "complete": part is last}))
            for last in [(parts or [[]])[-1]]
            for part in parts or [last]
        ]

    def begin(self, last_id: str | None) -> tuple[int, list[tuple[int | None, str, str]]]:
        """From where in the log a stream goes on, and what it says before that."""
        end = len(self._log)
        if last_id is None:
            return end, self.snapshot()
        if self.unknown_event_ids:
            return end, [(end, "resync", "{}"), *self.snapshot()]
        return int(last_id), []


class Handler(BaseHTTPRequestHandler):
    """Answers on behalf of a pretended self.pretend."""

    pretend: PretendServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.pretend.closed:
            raise ConnectionAbortedError
        with self.pretend.changed:
            self.pretend.requests.append((self.command, url.path))
            self.pretend.bodies.append(body)
            self.pretend.changed.notify_all()
        refusal = self._refusal()
        if refusal is not None:
            return self.answer(*refusal)
        status, answer, headers = self._route(url.path, parse_qs(url.query), body)
        if self.pretend.lose_answers > 0:
            self.pretend.lose_answers -= 1
            self.close_connection = True
            return None
        return self.answer(status, answer, headers)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - names of the base class

    def _refusal(self) -> tuple[int, bytes, dict[str, str]] | None:
        if self.pretend.bare_refusals:
            return self.pretend.bare_refusals.popleft(), b"<html>Bad gateway</html>", {}
        if not self.pretend.refusals:
            return None
        error, after = self.pretend.refusals.popleft()
        headers = {} if after is None else {"Retry-After": f"{after:.0f}"}
        return error.status, Problem.of(error).model_dump_json().encode(), headers

    def _route(self, path, query, body):
        parts = path.removeprefix("/api/v1/").split("/")
        if parts == ["events"] and self.pretend.has_events:
            self._stream()
            return 0, b"", {}
        if parts == ["predictions"] and self.command == "POST":
            return self._made(self.pretend.submit(self.headers["Idempotency-Key"]))
        if parts == ["predictions"]:
            return self._page(query)
        if parts == ["predictions", "export"]:
            return self._export(query)
        if parts[:1] == ["predictions"] and parts[1] in self.pretend.predictions:
            return self._one(parts[1], parts[2:])
        problem = Problem.of(NotFound("There is no such thing."))
        return 404, problem.model_dump_json().encode(), {}

    def _export(self, query):
        """An export that breaks off in its middle, if an answer is to be lost."""
        data = json.dumps(query).encode()
        if self.pretend.lose_answers > 0:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:10])
        return 200, data, {}

    def _one(self, task_id, rest):
        if self.command == "DELETE":
            self.pretend.delete(task_id)
            return 204, b"", {}
        if rest == ["cancel"]:
            self.pretend.move(task_id, State.CANCELED)
        if rest == ["rerun"]:
            return self._made(self.pretend.submit(self.headers["Idempotency-Key"]))
        seconds = int(self.headers.get("Prefer", "wait=0").removeprefix("wait="))
        known = self.headers.get("If-None-Match")

        def news() -> bool:
            now = self.pretend.predictions.get(task_id)
            return now is None or now.state.is_terminal or tag(now) != known

        with self.pretend.changed:
            self.pretend.changed.wait_for(news, seconds)
            now = self.pretend.predictions[task_id]
        if tag(now) == known:
            return 304, b"", {"ETag": tag(now)}
        return 200, now.model_dump_json().encode(), {"ETag": tag(now)}

    def _made(self, prediction):
        return 202, prediction.model_dump_json().encode(), {"ETag": tag(prediction)}

    def _page(self, query):
        first = int(query.get("cursor", ["0"])[0])
        end = first + min(int(query["limit"][0]), 2)
        items = [p.model_dump(mode="json") for p in self.pretend.predictions.values()]
        following = str(end) if end < len(items) else None
        page = {"items": items[first:end], "next_cursor": following}
        return 200, json.dumps(page).encode(), {}

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if not status:
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.close_connection = True
        with self.pretend.changed:
            generation = self.pretend._generation
            self.pretend.streams += 1
            sent, first = self.pretend.begin(self.headers.get("Last-Event-ID"))
            self.pretend.changed.notify_all()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"retry: 3000\n\n: hello\n\n")
            while self.pretend.events_start:
                for number, kind, data in first:
                    text = f"event: {kind}\ndata: {data}\nid: {number}\n\n"
                    self.wfile.write(text.encode())
                with self.pretend.changed:
                    self.pretend.changed.wait(self.pretend.comments_every)
                    first, sent = self.pretend._log[sent:], len(self.pretend._log)
                    if self.pretend._generation != generation:
                        return
                self.wfile.write(b":\n\n")
            with self.pretend.changed:
                self.pretend.changed.wait_for(lambda: self.pretend._generation != generation)
        except OSError:
            pass
        finally:
            with self.pretend.changed:
                self.pretend.streams -= 1
                self.pretend.changed.notify_all()


def tag(prediction: Prediction) -> str:
    return f'W/"{prediction.state}"'
