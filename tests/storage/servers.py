"""Servers that a storage may lie on, each on a port of its own: S3 (moto), WebHDFS, and a way to them that fails."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2 as httpx

from system.served import eventually, free_port

KEY, SECRET = "storage-key", "storage-secret"
PREFIX = "/webhdfs/v1"
PIECE = 65536


@contextmanager
def s3_server() -> Iterator[str]:
    """An S3 API server over HTTP; yields its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(f"{url}/moto-api/"), seconds=60)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


class WebHdfsServer:
    """A name node and a data node that speak WebHDFS as it is documented, on a tree in memory.

    A file that is being written is seen with what has arrived, as in HDFS.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.requests: list[str] = []
        self.full = False
        self.lock = threading.RLock()
        self._servers = [self._serve(_NameNode), self._serve(_DataNode)]
        self.port, self.data_port = (server.server_port for server in self._servers)

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def is_folder(self, path: str) -> bool:
        inside = f"{path.rstrip('/')}/"
        return inside == "/" or any(name.startswith(inside) for name in self.files)

    def _serve(self, handler: type["_Node"]) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("", (handler,), {"hdfs": self}))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        return server


class _Node(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hdfs: WebHdfsServer

    def log_message(self, *_: Any) -> None: ...

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.file = unquote(parts.path).removeprefix(PREFIX).rstrip("/") or "/"
        self.hdfs.requests.append(
            f"{type(self).__mro__[1].__name__} {self.command} {self.query['op']}"
        )
        operation = getattr(self, self.query["op"].lower(), None)
        if operation is None:
            self.refuse(400, "UnsupportedOperationException", f"{self.command} {self.query['op']}")
        else:
            with self.hdfs.lock:
                operation()

    do_GET = do_PUT = do_DELETE = _handle  # noqa: N815 - the names that the base class calls

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def tell(self, **document: Any) -> None:
        self.answer(200, json.dumps(document).encode())

    def refuse(self, status: int, exception: str, message: str) -> None:
        told = {
            "exception": exception,
            "javaClassName": f"org.apache.{exception}",
            "message": message,
        }
        self.answer(status, json.dumps({"RemoteException": told}).encode())

    def missing(self) -> None:
        self.refuse(404, "FileNotFoundException", f"File does not exist: {self.file}")


class _NameNode(_Node):
    def redirect(self) -> None:
        place = f"http://127.0.0.1:{self.hdfs.data_port}{self.path}&namenoderpcaddress=name:9000"
        self.answer(307, Location=place)

    def create(self) -> None:
        assert self.headers.get("Content-Length", "0") == "0", "the name node takes no data"
        if self.query.get("user.name") == "nobody":
            self.refuse(
                403, "AccessControlException", "Permission denied: user=nobody, access=WRITE"
            )
        elif self.hdfs.full:
            self.refuse(403, "DSQuotaExceededException", "The DiskSpace quota is exceeded")
        else:
            self.redirect()

    def open(self) -> None:
        self.redirect() if self.file in self.hdfs.files else self.missing()

    def rename(self) -> None:
        target = self.query["destination"]
        moved = self.file in self.hdfs.files and target not in self.hdfs.files
        if moved:
            self.hdfs.files[target] = self.hdfs.files.pop(self.file)
        self.tell(boolean=moved)

    def delete(self) -> None:
        inside = f"{self.file.rstrip('/')}/"
        gone = [name for name in self.hdfs.files if name == self.file or name.startswith(inside)]
        for name in gone:
            del self.hdfs.files[name]
        self.tell(boolean=bool(gone))

    def getfilestatus(self) -> None:
        if self.file in self.hdfs.files:
            self.tell(FileStatus=self.status("", "FILE", len(self.hdfs.files[self.file])))
        elif self.hdfs.is_folder(self.file):
            self.tell(FileStatus=self.status("", "DIRECTORY", 0))
        else:
            self.missing()

    def liststatus(self) -> None:
        if not self.hdfs.is_folder(self.file):
            self.missing()
            return
        inside = f"{self.file.rstrip('/')}/"
        below = {name.removeprefix(inside) for name in self.hdfs.files if name.startswith(inside)}
        folders = {name.partition("/")[0] for name in below if "/" in name}
        found = [self.status(name, "DIRECTORY", 0) for name in sorted(folders)]
        found += [
            self.status(name, "FILE", len(self.hdfs.files[inside + name]))
            for name in sorted(below)
            if "/" not in name
        ]
        self.tell(FileStatuses={"FileStatus": found})

    def status(self, name: str, kind: str, length: int) -> dict[str, Any]:
        return {
            "pathSuffix": name,
            "type": kind,
            "length": length,
            "owner": "x",
            "permission": "755",
        }


class _DataNode(_Node):
    def create(self) -> None:
        left = int(self.headers["Content-Length"])
        written = self.hdfs.files[self.file] = bytearray()
        while left and (piece := self.rfile.read(min(PIECE, left))):
            written += piece
            left -= len(piece)
        if not left:
            self.answer(201, Location=f"hdfs://127.0.0.1:9000{self.file}")

    def open(self) -> None:
        content = self.hdfs.files[self.file]
        start = int(self.query.get("offset", 0))
        if start > len(content):
            self.refuse(403, "IOException", f"Offset={start} out of the range [0, {len(content)})")
            return
        stop = start + int(self.query.get("length", len(content)))
        self.answer(200, bytes(content[start:stop]))


Way = Literal["open", "hangs", "cuts"]


class Proxy:
    """A way to a server: open, gone, or worse."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._way: Way = "open"
        self._changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._answer: tuple[bytes, bytes] | None = None
        self.passed = 0
        """Bytes each way that get through a connection before it is cut."""
        self.port = free_port()
        self._listener: socket.socket | None = None
        self.open()

    def open(self) -> None:
        """All passes."""
        self._set("open")

    def hang(self) -> None:
        """Connections are taken, and nothing passes."""
        self._set("hangs")

    def cut(self, after: int) -> None:
        """Connections break once so many bytes have passed in one direction."""
        self.passed = after
        self._set("cuts")

    def answer(self, status: str, content: bytes) -> None:
        """Everything is answered with this."""
        self._set("open")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        self._answer = head.encode(), content

    def shut(self) -> None:
        """Nothing listens any more."""
        self._set("open")
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _set(self, way: Way) -> None:
        with self._changed:
            self._way, self._answer = way, None
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._sockets.clear()
            self._changed.notify_all()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._pass, args=[client], daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with self._changed:
            self._sockets.append(client)
            way, answer = self._way, self._answer
            if self._listener is None:
                client.close()
                return
        if way == "hangs":
            return
        if answer is not None:
            with suppress(OSError):
                head, content = answer
                asked = client.recv(PIECE)
                client.sendall(head if asked.startswith(b"HEAD ") else head + content)
                time.sleep(0.05)  # so that what is still being sent does not reset the connection
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self._target))
        with self._changed:
            self._sockets.append(server)
        limit = self.passed if way == "cuts" else None
        threading.Thread(target=_pump, args=[server, client, limit], daemon=True).start()
        _pump(client, server, limit)


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    passed = 0
    with suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece if limit is None else piece[: max(0, limit - passed)])
            passed += len(piece)
            if limit is not None and passed >= limit:
                break
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
