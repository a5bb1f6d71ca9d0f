"""What must not be in a deployment that others can reach: told by `inferq doctor`, and a reason not to start."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from inferq.errors import SetupError
from inferq.settings import LOOPBACK_HOSTS, Settings

WILDCARD = "*"
PROXIED = "proxied"
"""`INFERQ_DEMO` behind a proxy of one's own that is published on loopback alone."""
DEFAULT_USERS = {None, "", "guest"}
"""RabbitMQ's own, also meant by a URL that names none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    setting: str
    text: str
    fatal: bool
    """Nothing starts with it."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_local(settings: Settings) -> bool:
    """Whether a server with these settings is for whoever sits at this machine; all others are production."""
    return (
        is_loopback(settings.host)
        and not settings.trusted_proxies
        and _answers_loopback_names_alone(settings)
    )


def _may_have_demo(settings: Settings) -> bool:
    """Whether the demo account may exist: on a machine of one's own, or behind a proxy that only it reaches."""
    if settings.demo == PROXIED:
        return bool(settings.trusted_proxies) and _answers_loopback_names_alone(settings)
    return is_local(settings)


def _answers_loopback_names_alone(settings: Settings) -> bool:
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    names = set(settings.allowed_hosts) <= set(LOOPBACK_HOSTS)
    return names and (public is None or is_loopback(public))


def findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the settings of a deployment."""
    if settings.demo and not _may_have_demo(settings):
        yield Finding(
            "INFERQ_DEMO",
            "the demo account's password is known to everyone; unset it, or listen on loopback alone,"
            " without proxies or public names",
            fatal=True,
        )
    if WILDCARD in settings.allowed_hosts:
        yield Finding("INFERQ_ALLOWED_HOSTS", "name the hosts instead of '*'", fatal=True)
    if any(WILDCARD in origin for origin in settings.cors_origins):
        yield Finding("INFERQ_CORS_ORIGINS", "name the origins instead of '*'", fatal=True)
    if settings.storage_timeout >= settings.attempt_timeout:
        yield Finding(
            "INFERQ_STORAGE_TIMEOUT",
            "has to be shorter than INFERQ_ATTEMPT_TIMEOUT: a storage that hangs would end workers",
            fatal=True,
        )
    yield from _wrong_origins(settings)
    yield from _default_broker(settings)
    if not is_local(settings):
        yield from _public(settings)


def require_safe(settings: Settings) -> None:
    """Returns if nothing may keep a deployment from starting.

    Raises:
        SetupError: It says all that may.
    """
    if fatal := [found for found in findings(settings) if found.fatal]:
        told = "; ".join(f"{found.setting}: {found.text}" for found in fatal)
        raise SetupError(f"This deployment is not safe to start. {told}.")


def _wrong_origins(settings: Settings) -> Iterator[Finding]:
    for origin in settings.cors_origins:
        parts = urlsplit(origin)
        if WILDCARD not in origin and (
            parts.scheme not in {"http", "https"} or f"{parts.scheme}://{parts.netloc}" != origin
        ):
            yield Finding(
                "INFERQ_CORS_ORIGINS",
                f"{origin!r} is no origin; write it as https://app.example",
                fatal=True,
            )


def _default_broker(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.broker_url.get_secret_value()) if settings.broker_url else None
    if url is None or not url.scheme.startswith("amqp"):
        return
    user = unquote(url.username) if url.username else None
    if user in DEFAULT_USERS and not is_loopback(url.hostname or "localhost"):
        yield Finding(
            "INFERQ_BROKER_URL",
            "the broker is used with its default account 'guest'; make one of your own",
            fatal=True,
        )


def _public(settings: Settings) -> Iterator[Finding]:
    if settings.webhook_loopback:
        yield Finding(
            "INFERQ_WEBHOOK_LOOPBACK",
            "whoever may submit could have this server post to what listens on its loopback; unset it,"
            " and name receivers in your own networks in INFERQ_WEBHOOK_NETWORKS",
            fatal=True,
        )
    if set(settings.allowed_hosts) <= set(LOOPBACK_HOSTS):
        yield Finding(
            "INFERQ_ALLOWED_HOSTS",
            "names loopback alone, so that nobody else is answered; add the names that clients use",
            fatal=False,
        )
    if urlsplit(settings.public_url or "").scheme != "https":
        yield Finding(
            "INFERQ_PUBLIC_URL",
            "is no https:// URL: without TLS in front, passwords and keys can be read on their way",
            fatal=False,
        )
    state = urlsplit(settings.redis_url.get_secret_value()) if settings.redis_url else None
    if state and state.hostname and not is_loopback(state.hostname) and not state.password:
        yield Finding(
            "INFERQ_REDIS_URL",
            "the state store takes anyone who reaches it; give it a password",
            fatal=False,
        )
