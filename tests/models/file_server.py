"""A small real HTTP server of files that does what a test tells it to: ranges or none, cut connections, refusals."""

import re
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """The server; its attributes are what a test turns and looks at."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        """Entity tags of files that do not have the usual one."""
        self.ranges = True
        self.tells_length = True
        self.cuts: deque[int] = deque()
        """So many bytes of the next bodies are sent, then the connection is closed."""
        self.statuses: deque[int] = deque()
        """Answered to the next requests."""
        self.requests: list[tuple[str, str | None, str | None]] = []
        """Path, `Range` and `If-Range` of each."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Handler,), {"told": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class Handler(BaseHTTPRequestHandler):
    told: FileServer

    def do_GET(self) -> None:
        told = self.told
        asked, same = self.headers["Range"], self.headers["If-Range"]
        told.requests.append((self.path, asked, same))
        data = told.files.get(self.path)
        status = told.statuses.popleft() if told.statuses else 200 if data is not None else 404
        if status != 200:
            self.send_error(status)
            return
        tag = told.tags.get(self.path, '"first"')
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and told.ranges else 0
        if same is not None and same != tag:
            start = 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", tag)
        if told.tells_length:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        body = data[start:]
        self.wfile.write(body[: told.cuts.popleft()] if told.cuts else body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is said."""
