"""Who may be a receiver: the rules on URLs, and on the addresses that their hosts have. No I/O but `resolve`.

Whoever may submit may name a receiver, and it is this server that connects to it: without rules, anyone could have it
speak to what only it can reach.
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from urllib.parse import quote

from inferq.settings import Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_CHARACTERS = 2048
HOST_CHARACTERS = 253
STANDARD_PORTS = {"https": 443, "http": 80}
FIRST_OPEN_PORT, LAST_PORT = 1024, 65535

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<userinfo>[^/?#@]*@)?(?P<host>\[[^/?#@\[\]]*\]|[^/?#@\[\]:]*)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<target>[/?][^#]*)?(?P<fragment>#.*)?",
    re.IGNORECASE | re.DOTALL,
)
_UNFIT = re.compile(r"[\x00-\x20\x7f\\\"<>^`{|}]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What the URL standard reads as (part of) an IPv4 address, however it is written.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# https://www.iana.org/assignments/iana-ipv4-special-registry, and what clouds keep for themselves.
_CLOSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# Only global unicast is open at all; in it, protocol assignments (with Teredo), documentation and 6to4 are not.
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# IPv6 that leads to the IPv4 address in its last 32 bits: mapped, compatible, NAT64.
_V4_WITHIN = tuple(IPv6Network(network) for network in ("::ffff:0:0/96", "::/96", "64:ff9b::/96"))


class Refused(ValueError):
    """A URL or an address is none that may be connected to; the text says why, to whoever named it."""


@dataclass(frozen=True)
class Receiver:
    """Where a delivery goes, taken apart."""

    scheme: str
    host: str
    """In ASCII and lower case; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query."""

    @cached_property
    def address(self) -> Address | None:
        """The address that the host is, where it is no name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def is_local_name(self) -> bool:
        """Whether the name means this machine by definition (RFC 6761)."""
        return self.host == "localhost" or self.host.endswith(".localhost")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == STANDARD_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator allows beyond receivers on the internet."""

    networks: tuple[Network, ...] = ()
    loopback: bool = False
    """Receivers on this very machine, also without TLS."""

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Those of a deployment."""
        return cls(settings.webhook_networks, loopback=settings.webhook_loopback)

    def read(self, url: str) -> Receiver:
        """Takes a URL apart, if its text alone does not rule it out; its host's addresses are judged when it is used.

        Raises:
            Refused: It is no URL, or none that is sent to.
        """
        receiver = _read(url)
        local = self.loopback and (
            receiver.is_local_name
            if receiver.address is None
            else _inner(receiver.address).is_loopback
        )
        if receiver.scheme != "https" and not local:
            raise Refused("must begin with https://")
        if receiver.is_local_name and not local:
            raise Refused("must not name this server's own network")
        if receiver.address is not None:
            self.judge([receiver.address])
        standard = STANDARD_PORTS[receiver.scheme]
        if receiver.port != standard and not FIRST_OPEN_PORT <= receiver.port <= LAST_PORT:
            raise Refused(f"must have port {standard}, or one of {FIRST_OPEN_PORT} to {LAST_PORT}")
        return receiver

    def judge(self, addresses: Sequence[Address], *, scheme: str = "https") -> None:
        """Lets addresses pass if each of them may be connected to.

        Raises:
            Refused: One of them may not.
        """
        if not addresses:
            raise Refused("its host has no address")
        for address in addresses:
            inner = _inner(address)
            if self.loopback and inner.is_loopback:
                continue
            if scheme != "https":
                raise Refused("without TLS, only this very machine is sent to")
            if not _is_public(address) and not self._allows(inner):
                raise Refused("must not lead into a private or reserved network")

    def _allows(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, in the order in which they are to be tried.

    Raises:
        OSError: It has none, or nobody can tell.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(sockaddr[0])) for *_, sockaddr in found))


def _read(url: str) -> Receiver:
    if len(url) > URL_CHARACTERS:
        raise Refused(f"must have at most {URL_CHARACTERS} characters")
    match = _URL.fullmatch(url)
    if match is None or _UNFIT.search(url):
        raise Refused("must be an absolute URL that begins with https://")
    if match["userinfo"] is not None:
        raise Refused("must hold no user name or password")
    if match["fragment"] is not None:
        raise Refused("must have no fragment (#…)")
    scheme = match["scheme"].lower()
    port = int(match["port"] or STANDARD_PORTS[scheme])
    target = quote(match["target"] or "/", safe="/?%:@!$&'()*+,;=~[]")
    target = target if target.startswith("/") else f"/{target}"
    return Receiver(scheme, _host(match["host"]), port, target)


def _host(text: str) -> str:
    """A host in its one plain form: a name in ASCII, or an address as everyone writes it."""
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise Refused("has an address that is none") from None
    host = _ascii(text)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Resolvers take 2130706433, 0x7f.1 and 0177.0.0.1 for addresses, too.
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise Refused("must write an IPv4 address as four decimal numbers") from None
    if len(host) > HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise Refused("has a host name that is none")
    return host


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    import idna  # noqa: PLC0415 - large tables, for names that are seldom met

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise Refused("has a host name that is none") from None


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, IPv6Address) and any(address in network for network in _V4_WITHIN):
        # `::1` and `::` look like it, too, but are IPv6's own.
        last = int(address) & 0xFFFFFFFF
        return address if int(address) < 2 else IPv4Address(last)  # noqa: PLR2004
    return address


def _is_public(address: Address) -> bool:
    inner = _inner(address)
    if isinstance(inner, IPv4Address):
        return not any(inner in network for network in _CLOSED_V4)
    return inner in _OPEN_V6 and not any(inner in network for network in _CLOSED_V6)
