"""What every request passes first: its trace id, the Host and Origin checks, security headers, the access log."""

import time
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inferq.api.problems import internal_problem, problem_response
from inferq.errors import CrossOrigin, HostNotAllowed, InferqError
from inferq.settings import Settings
from inferq.telemetry.metrics import count_request
from inferq.telemetry.traces import Span, following, read_traceparent, span, trace_id_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
SAME_SITE = frozenset({"same-origin", "none"})
IMMUTABLE = b"public, max-age=31536000, immutable"
PRIVATE = b"private, no-cache"
QUIET_PATHS = frozenset({"/healthz", "/readyz"})
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:;"
        " connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000"}

log = structlog.get_logger()


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        """Takes what the settings say of hosts, of the URL that browsers see, and of other sites."""
        self._app = app
        self._allowed_hosts = frozenset(host.lower() for host in settings.allowed_hosts)
        self._public_netloc = (
            urlsplit(settings.public_url).netloc.lower() if settings.public_url else None
        )
        self._guests = frozenset(origin.lower() for origin in settings.cors_origins)
        headers = SECURITY_HEADERS | (HSTS if settings.is_behind_tls else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        traceparent = read_traceparent(headers.get("traceparent"))
        scope["trace_id"] = trace_id_of(traceparent)
        answer = _Answer(send, scope, self._headers)
        with following(traceparent):
            if scope["path"] in QUIET_PATHS:
                await self._answer(scope, receive, answer)
                return
            with span(scope["method"], kind="server") as request:
                await self._answer(scope, receive, answer)
                answer.tell(request)
            answer.count()
            answer.log()

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        headers = Headers(scope=scope)
        trace_id = scope["trace_id"]
        try:
            host = self._check_host(headers)
            scope["own_page"] = self._is_own_page(host, headers)
            self._check_origin(scope, headers)
            await self._app(scope, receive, answer.send)
        except InferqError as error:
            await problem_response(error, trace_id=trace_id)(scope, receive, answer.send)
        except Exception:
            log.exception("request_failed")
            if answer.status is None:
                await internal_problem(trace_id=trace_id)(scope, receive, answer.send)

    def _check_host(self, headers: Headers) -> str:
        """The host that a request is addressed to; refuses a name that a foreign page has rebound to this server."""
        hosts = headers.getlist("host")
        host = ", ".join(hosts)
        if len(hosts) != 1 or _without_port(host) not in self._allowed_hosts:
            raise HostNotAllowed(
                f"This server does not answer for the host {host!r}. If it should, add it to INFERQ_ALLOWED_HOSTS."
            )
        return host.lower()

    def _is_own_page(self, host: str, headers: Headers) -> bool:
        """Whether a request comes from a page of this server, or from a program; any page can reach a loopback port."""
        origin = headers.get("origin")
        own = origin is None or _netloc(origin) in {host, self._public_netloc}
        return own and headers.get("sec-fetch-site") in {None, *SAME_SITE}

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuses changes by foreign pages, unless their origin is allowed; then they have to send a key."""
        if scope["method"] in SAFE_METHODS or scope["own_page"]:
            return
        origin = headers.get("origin")
        if origin is None or origin.lower() not in self._guests:
            raise CrossOrigin(f"A page of {origin or 'another site'} may not change anything here.")


class _Answer:
    """Watches a response go out: adds the headers that all have, remembers what the log tells."""

    def __init__(self, send: Send, scope: Scope, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._scope = scope
        self._headers = headers
        self._started = time.perf_counter()
        self.status: int | None = None
        self._head_after: float | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._head_after = time.perf_counter() - self._started
            headers = message["headers"] = list(message["headers"])
            self._complete(headers)
        await self._send(message)

    def _complete(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Adds what all answers carry, where a route says nothing of it. Straight on: it is done for each of them."""
        named = {name for name, _ in headers}
        headers += [header for header in self._headers if header[0] not in named]
        headers.append((b"x-request-id", self._scope["trace_id"].encode()))
        if b"cache-control" not in named:
            hashed = self._scope["path"].startswith("/assets/") and self.status == HTTPStatus.OK
            headers.append((b"cache-control", IMMUTABLE if hashed else PRIVATE))
        limits = self._scope.get("limit_headers")
        if limits:
            headers += [(name.encode(), value.encode()) for name, value in limits.items()]

    @property
    def route(self) -> str:
        """The path as its route writes it, so that there are few; empty where there is none."""
        form: str = getattr(self._scope.get("route"), "path_format", "")
        return form

    def tell(self, request: Span) -> None:
        """Says in the request's span what is known of it now."""
        method = self._scope["method"]
        request.rename(f"{method} {self.route}" if self.route else method)
        request.set({"http.request.method": method, "http.route": self.route})
        if self.status is not None:
            request.set({"http.response.status_code": self.status})
            if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                request.fail(str(self.status))

    def count(self) -> None:
        """Notes it in the metrics; how long a request took that asked to wait says nothing."""
        waits = "prefer" in Headers(scope=self._scope)
        seconds = None if waits else self._head_after
        count_request(self._scope["method"], self.route, self.status, seconds)

    def log(self) -> None:
        elapsed = (time.perf_counter() - self._started) * 1e3
        log.info(
            "request",
            method=self._scope["method"],
            path=self._scope["path"],
            status=self.status,
            ms=round(elapsed, 1),
            **self._named(),
        )

    def _named(self) -> dict[str, str]:
        """The prediction that the path names."""
        task_id = self._scope.get("path_params", {}).get("task_id")
        return {} if task_id is None else {"task_id": task_id}


def _netloc(origin: str) -> str:
    """Host and port of an Origin header; nothing where it is no URL."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _without_port(host: str) -> str:
    """The name of a Host header: `localhost` of `localhost:8000`, `[::1]` of `[::1]:8000`."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() and not name.endswith(":") else host.lower()
