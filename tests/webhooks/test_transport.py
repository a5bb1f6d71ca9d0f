"""One POST: to an address that was judged, bounded, with nothing followed."""

import threading
from datetime import timedelta
from ipaddress import ip_address

import pytest

from inferq.webhooks.answer import Answer, Unreached
from inferq.webhooks.receivers import Rules, resolve
from inferq.webhooks.transport import Transport
from webhooks.receiving import receiver

RULES = Rules(loopback=True)
LOCAL = [ip_address("127.0.0.1")]


def transport(rules: Rules = RULES, *, addresses=LOCAL, **options) -> Transport:
    """One for which every host has these addresses."""
    return Transport(rules, resolve=lambda *_: addresses, **options)


def post(to, how: Transport, rules: Rules = RULES) -> Answer:
    return how.post(rules.read(to.url), b'{"a":1}', {"webhook-id": "x"})


def test_the_whole_request_arrives_and_the_status_comes_back(plain):
    plain.answers = [(429, {"Retry-After": "7"}), 200]
    assert post(plain, transport()) == Answer(429, "7")
    assert post(plain, transport()) == Answer(200, None)
    (request, _) = plain.received
    assert (request.path, request.body) == ("/told", b'{"a":1}')
    assert request.headers["webhook-id"] == "x"
    assert request.headers["host"] == plain.url.split("/")[2]


def test_tls_is_checked_against_the_name_though_the_address_is_pinned(secure, authority):
    trusted = transport(ca_file=authority.certificate)
    assert post(secure, trusted).status == 204
    assert secure.received[0].headers["host"].startswith("receiver.example:")
    with pytest.raises(Unreached, match="not trusted"):
        post(secure, transport())
    other = secure.url.replace("receiver.example", "other.example")
    with pytest.raises(Unreached, match="not trusted"):
        trusted.post(RULES.read(other), b"{}", {})
    assert len(secure.received) == 1


def test_a_name_that_changes_between_look_ups_is_connected_to_where_it_was_judged(
    secure, authority
):
    looked_up = []

    def rebinding(host: str, port: int):
        looked_up.append(host)
        return LOCAL if len(looked_up) > 1 else [ip_address("8.8.8.8"), *LOCAL]

    strict = Transport(Rules(), ca_file=authority.certificate, resolve=rebinding)
    for _ in range(2):
        with pytest.raises(Unreached, match="private or reserved"):
            strict.post(Rules().read(secure.url), b"{}", {})
    assert looked_up == ["receiver.example"] * 2, "once for each attempt, and judged each time"
    assert secure.received == []


def test_a_name_of_ones_own_network_is_refused_by_what_it_resolves_to():
    own = Transport(Rules(), resolve=lambda _, port: resolve("localhost", port))
    with pytest.raises(Unreached, match="private or reserved"):
        own.post(Rules().read("https://innocent.example:8443/"), b"{}", {})


def test_no_redirect_is_followed(plain):
    with receiver() as elsewhere:
        plain.answers = [(307, {"Location": elsewhere.url}), (302, {"Location": elsewhere.url})]
        assert post(plain, transport()).status == 307
        assert post(plain, transport()).status == 302
        assert elsewhere.received == []


def test_no_proxy_of_the_environment_is_used(plain, monkeypatch):
    with receiver() as proxy:
        for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert post(plain, transport()).status == 204
        assert proxy.received == []


def test_a_long_body_is_not_read(plain):
    taken = []

    def endless(out, released) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                taken.append(out.write(b"x" * 65536))
        except OSError:
            released.set()

    plain.answers = [endless]
    assert post(plain, transport()).status == 200
    assert sum(taken) < 64 * 2**20


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 300_000 + b"\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n", "no HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, "no HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
        (b"+OK\r\n", "no HTTP"),
        (b"", "broke off|no HTTP"),
    ],
    ids=["long field", "many fields", "endless 100", "ssh", "redis", "nothing"],
)
def test_an_answer_that_is_none_is_a_failure(plain, head, reason):
    plain.answers = [lambda out, _: out.write(head)]
    with pytest.raises(Unreached, match=reason):
        post(plain, transport())


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_time_is_bounded_in_all_however_slowly_the_answer_comes(plain, drip):
    def slow(out, released: threading.Event) -> None:
        while not released.wait(0.05):
            out.write(drip)

    plain.answers = [slow]
    with pytest.raises(Unreached, match=r"no answer within 0\.3 s"):
        post(plain, transport(time_limit=timedelta(seconds=0.3)))


def test_a_receiver_that_never_ends_the_handshake_is_left(plain):
    # It speaks HTTP where TLS is expected, or nothing at all.
    url = plain.url.replace("http://", "https://")
    with pytest.raises(Unreached, match=r"TLS|no answer"):
        transport(time_limit=timedelta(seconds=0.3)).post(RULES.read(url), b"{}", {})


def test_the_next_address_is_tried_where_one_does_not_answer(plain):
    # Nobody listens on the other address of loopback.
    both = [ip_address("127.0.0.9"), *LOCAL]
    url = plain.url.replace("127.0.0.1", "localhost")
    assert transport(addresses=both).post(RULES.read(url), b"{}", {}).status == 204
    with pytest.raises(Unreached, match="no connection"):
        transport(addresses=both[:1]).post(RULES.read(url), b"{}", {})


def test_a_name_without_an_address_says_so():
    with pytest.raises(Unreached, match="host name has no address"):
        Transport(RULES).post(RULES.read("https://nonesuch.invalid/"), b"{}", {})
