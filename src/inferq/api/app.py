"""The FastAPI application, and the process that serves it."""

import asyncio
import resource
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from typing_extensions import override

from inferq import __version__
from inferq.accounts.setup import make_accounts_in_time
from inferq.api.connections import BoundedConnection
from inferq.api.deps import Services
from inferq.api.edge import Edge
from inferq.api.gauges import Gauges
from inferq.api.openapi import DescribedApi, describe_webhooks
from inferq.api.problems import add_error_handlers
from inferq.api.routes import add_routes
from inferq.api.web import serve_web
from inferq.models.inputs import prepare_pillow
from inferq.safety import require_safe
from inferq.settings import Settings
from inferq.storage import require_usable
from inferq.telemetry.exposing import expose_metrics

GRACE_SECONDS = 5
CANCEL_AGAIN_SECONDS = 0.1
OPEN_FILES = 65_536
CROSS_ORIGIN: dict[str, Any] = {
    # No cookies: pages of other sites send a key.
    "allow_credentials": False,
    "allow_methods": ["GET", "POST", "DELETE"],
    "allow_headers": [
        "Authorization", "Content-Type", "Content-Disposition", "Idempotency-Key", "If-None-Match",
        "Last-Event-ID", "Prefer", "Range", "traceparent",
    ],
    "expose_headers": [
        "Content-Disposition", "ETag", "Idempotency-Replayed", "Link", "Location",
        "Preference-Applied", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate",
        "X-Request-ID",
    ],
    "max_age": 600,
}  # fmt: skip
DESCRIPTION = """
Post an image, get a `task_id` at once, have the result as soon as a worker has it.

Errors are `application/problem+json` (RFC 9457); their `code` is stable.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application; it connects when it starts, not before."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        prepare_pillow()
        services = Services.create(settings)
        app.state.services = services
        services.publisher.start()
        await run_in_threadpool(services.publisher.wait_until_met)
        services.upkeep.start()
        tasks = [
            asyncio.create_task(services.changes.run()),
            asyncio.create_task(services.changes.tell_places()),
            asyncio.create_task(services.changes.tell_load()),
            asyncio.create_task(services.callers.run()),
        ]
        yield
        services.changes.close()
        for task in tasks:
            await _end(task)
        await services.limits.close()
        await run_in_threadpool(services.upkeep.stop)
        await run_in_threadpool(services.publisher.stop)
        services.drawing.close()

    app = DescribedApi(
        title="inferq",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would name this server's own scheme and host, which a proxy may have changed
        lifespan=lifespan,
    )
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, **CROSS_ORIGIN)
    app.add_middleware(Edge, settings=settings)
    add_error_handlers(app)
    describe_webhooks(app)
    add_routes(app)
    serve_web(app)
    return app


async def _end(task: asyncio.Task[None]) -> None:
    """Cancels a task until it has ended: before Python 3.12 `asyncio.wait_for` may swallow a cancellation (bpo-37658)."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_SECONDS)


def serve(settings: Settings, *, fd: int | None = None) -> None:
    """Runs the API until SIGTERM, on its own address or on a listening socket that it was handed.

    Raises:
        SetupError: A setting is missing, others could do harm with what is set, or the storage cannot be used.
    """
    require_safe(settings)
    settings.state_url()  # a missing setting is told before anything is started
    require_usable(settings)
    _allow_connections()
    # Nobody waits for it: the API starts without its state store, too.
    threading.Thread(
        target=make_accounts_in_time, args=[settings], name="accounts", daemon=True
    ).start()
    app = create_app(settings)
    expose_metrics(settings, [Gauges(app)])
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    # uvicorn raises the signal again when all is answered; by itself it would end the process before its last spans left.
    signal.signal(signal.SIGTERM, _leave)
    Server(app, host=settings.host, port=settings.port).run(sockets=sockets)


def _leave(*_: object) -> NoReturn:
    raise SystemExit


def _allow_connections() -> None:
    """Takes as many open files as this process may have: each client that waits is one, and shells give out 1,024."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(most, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS gives fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Server(uvicorn.Server):
    """Ends the event streams when it is told to stop: they would hold it up until its grace is over."""

    def __init__(self, app: FastAPI, *, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=BoundedConnection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._app = app

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.services.changes.close()
        await super().shutdown(sockets)
