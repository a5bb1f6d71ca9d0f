"""Where a request comes from: its peer, or what a trusted proxy says of it."""

import ipaddress
from collections.abc import Iterator, Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from inferq.safety import is_loopback

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
FORWARDING = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
    "cf-connecting-ip", "true-client-ip",
)  # fmt: skip
"""What proxies add; a browser or program on this machine sends none of them."""
SITE_PREFIX = 64
"""Bits of an IPv6 address that one site is given: it has all the addresses behind them."""


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """The address that a request counts for.

    It is the peer's; where that is a trusted proxy, the last address before the trusted ones in `X-Forwarded-For`
    or `Forwarded`. Where both headers are there and differ, one of them is the client's own: the peer counts.
    """
    peer = _peer(scope)
    if not _within(peer, trusted):
        return peer
    headers = Headers(scope=scope)
    told = {
        _last_untrusted(hops, trusted)
        for hops in (list(_x_forwarded_for(headers)), list(_forwarded(headers)))
        if hops
    }
    return told.pop() or peer if len(told) == 1 else peer


def is_direct(scope: Scope) -> bool:
    """Whether a request comes from this very machine, with no proxy between as far as can be told."""
    headers = Headers(scope=scope)
    return is_loopback(_peer(scope)) and not any(name in headers for name in FORWARDING)


def is_by_one_proxy(scope: Scope, trusted: Sequence[Network]) -> bool:
    """Whether a request comes through a trusted proxy that names one client, and no other proxy has added a word."""
    headers = Headers(scope=scope)
    others = any(name in headers for name in FORWARDING if name != "x-forwarded-for")
    return (
        _within(_peer(scope), trusted) and not others and len(list(_x_forwarded_for(headers))) == 1
    )


def limit_key(address: str) -> str:
    """What is counted together with an address: itself, or its IPv6 site."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:  # noqa: PLR2004 - a version
        return str(ipaddress.ip_network((parsed, SITE_PREFIX), strict=False))
    return address


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _last_untrusted(hops: Sequence[str], trusted: Sequence[Network]) -> str | None:
    """The last hop that is not ours; None where it is no address."""
    outside = next((hop for hop in reversed(hops) if not _within(hop, trusted)), hops[0])
    try:
        return str(ipaddress.ip_address(outside))
    except ValueError:
        return None


def _x_forwarded_for(headers: Headers) -> Iterator[str]:
    for line in headers.getlist("x-forwarded-for"):
        yield from (_address(part) for part in line.split(","))


def _forwarded(headers: Headers) -> Iterator[str]:
    """The `for=` of each hop (RFC 7239)."""
    for line in headers.getlist("forwarded"):
        for hop in line.split(","):
            pairs = (pair.strip().partition("=") for pair in hop.split(";"))
            yield next((_address(value) for name, _, value in pairs if name.lower() == "for"), "")


def _address(text: str) -> str:
    """The address of `1.2.3.4:567`, `"[2001:db8::1]:567"` and the like."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        return bare[1:].partition("]")[0]
    return bare.partition(":")[0] if bare.count(":") == 1 else bare
