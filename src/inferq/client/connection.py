"""Which server a client talks to, and how its connections behave."""

from dataclasses import dataclass
from typing import Any

import httpx2 as httpx

from inferq.client.steps import Request
from inferq.errors import SetupError
from inferq.local_server import LocalServer
from inferq.settings import get_settings

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
SILENT_STREAM_SECONDS = 45.0
"""A stream that sends nothing for so long is dead: the server sends a comment every 15 s."""
KEPT_CONNECTIONS = 32
LARGEST_EVENT_BYTES = 64 * 2**20
"""A part of a snapshot holds 200 predictions of up to 1,000 detections."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The server's URL, and the key that is sent to it, if any."""

    url: str
    api_key: str | None

    @classmethod
    def of(cls, url: str | None, api_key: str | None) -> "Connection":
        """Fills in what was not given from the settings, or from what `inferq up` left for this user.

        Raises:
            SetupError: The URL is no `http://` or `https://` URL.
        """
        settings = get_settings()
        configured = settings.api_key.get_secret_value() if settings.api_key else None
        local = LocalServer.read()
        chosen = (url or settings.url or local.url or DEFAULT_URL).rstrip("/")
        if not chosen.startswith(("http://", "https://")):
            raise SetupError(
                f"{chosen!r} is no server's URL; it has to begin with http:// or https://."
            )
        # The local server's key is sent to no other.
        kept = local.api_key if chosen == local.url else None
        return cls(chosen, api_key or configured or kept)

    def options(self) -> dict[str, Any]:
        """What httpx's clients are made with: any number of waiting calls, each with a time-out."""
        return {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {},
            "limits": httpx.Limits(
                max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS
            ),
        }


def request_options(request: Request) -> dict[str, Any]:
    """What httpx's `build_request` takes for a request."""
    return {
        "method": request.method,
        "url": request.path,
        "params": dict(request.query),
        "headers": dict(request.headers),
        "timeout": httpx.Timeout(ANSWER_SECONDS + request.waits, connect=CONNECT_SECONDS),
        **request.arguments(),
    }


def stream_options(request: Request) -> dict[str, Any]:
    """The same for an answer that is read bit by bit."""
    return request_options(request) | {
        "timeout": httpx.Timeout(SILENT_STREAM_SECONDS, connect=CONNECT_SECONDS)
    }
