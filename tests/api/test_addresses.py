"""Whom a request counts for."""

import ipaddress

import pytest

from inferq.api.addresses import client_address, is_direct, limit_key

TRUSTED = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "fd00::/8")))


def scope(peer: str, **headers: str) -> dict:
    listed = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {"type": "http", "client": (peer, 50000), "headers": listed}


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("203.0.113.9", {}, "203.0.113.9"),
        ("203.0.113.9", {"x_forwarded_for": "198.51.100.1"}, "203.0.113.9"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "1.1.1.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "10.0.0.3, 10.0.0.2"}, "10.0.0.3"),
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1:4711"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "nonsense"}, "10.0.0.1"),
        ("fd00::1", {"x_forwarded_for": "2001:db8::5"}, "2001:db8::5"),
        ("10.0.0.1", {"forwarded": 'for="[2001:db8::5]:99";proto=https'}, "2001:db8::5"),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1, for=198.51.100.1;by=10.0.0.1"}, "198.51.100.1"),
        ("10.0.0.1", {"forwarded": "for=_hidden"}, "10.0.0.1"),
        ("10.0.0.1", {"x_forwarded_for": "1.1.1.1", "forwarded": "for=2.2.2.2"}, "10.0.0.1"),
        ("10.0.0.1", {"x_forwarded_for": "1.1.1.1", "forwarded": "for=1.1.1.1"}, "1.1.1.1"),
    ],
)
def test_only_a_trusted_proxy_says_where_a_request_comes_from(peer, headers, expected):
    assert client_address(scope(peer, **headers), TRUSTED) == expected


def test_one_site_has_one_limit():
    assert limit_key("2001:db8:1:2:3::4") == limit_key("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert limit_key("198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize(
    "name", ["x_forwarded_for", "forwarded", "via", "x_real_ip", "x_forwarded_host"]
)
def test_what_came_through_a_proxy_is_not_direct(name: str):
    assert is_direct(scope("127.0.0.1"))
    assert is_direct(scope("::1"))
    assert not is_direct(scope("127.0.0.1", **{name: "x"}))
    assert not is_direct(scope("198.51.100.1"))
