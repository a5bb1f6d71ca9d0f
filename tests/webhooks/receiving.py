"""A receiver of webhooks: a real HTTP or HTTPS server on loopback that answers as a test tells it to."""

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typing_extensions import override

from conftest import require
from system.served import eventually

SECONDS = 20


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came, and what is answered: a status with headers, or a function that writes to the connection itself."""

    url: str
    answers: list[Any] = field(default_factory=list)
    """Taken one by one; 204 once there are none left."""
    received: list[Received] = field(default_factory=list)

    def wait_for(self, count: int, seconds: float = SECONDS) -> list[Received]:
        eventually(lambda: len(self.received) >= count, seconds=seconds)
        return self.received


@contextmanager
def receiver(
    *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Receiver]:
    """A running receiver."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        @override
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = told.answers.pop(0) if told.answers else 204
            told.received.append(Received(self.path, headers, body))
            if answer == "hang":
                released.wait(SECONDS)
            elif callable(answer):
                answer(self.wfile, released)
            else:
                status, fields = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

        @override
        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        @override
        def handle_error(self, *args: object) -> None:
            """Whoever sends may go away at any time."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    told = Receiver(f"http{'s' if context else ''}://{host}:{server.server_port}/told")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        released.set()
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Authority:
    """A certificate that is its own authority, for `receiver.example`."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate, self.key)
        return made


def make_authority(folder: Path, find: Callable[[str], str | None]) -> Authority:
    """Makes one with OpenSSL."""
    require(find("openssl"), "openssl")
    made = Authority(folder / "receiver.pem", folder / "receiver.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=receiver.example", "-addext", "subjectAltName=DNS:receiver.example",
         "-keyout", made.key, "-out", made.certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return made
