"""Who may be a receiver: URLs, and the addresses that their hosts have."""

from ipaddress import ip_address, ip_network

import pytest

from inferq.webhooks.receivers import Refused, Rules

INTERNET = Rules()
DEVELOPMENT = Rules(loopback=True)
INTERNAL = Rules(networks=(ip_network("10.1.0.0/16"), ip_network("fd00:7::/64")))


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://receiver.example", "https://receiver.example/"),
        ("HTTPS://Receiver.Example:443/a?b=c", "https://receiver.example/a?b=c"),
        ("https://receiver.example:8443?order=7", "https://receiver.example:8443/?order=7"),
        ("https://bücher.example/straße?q=ä", "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A4"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:0:0::1111]/", "https://[2606:4700::1111]/"),
        ("https://hooks.example/a%2Fb/", "https://hooks.example/a%2Fb/"),
    ],
)
def test_a_url_is_stored_in_its_plain_form(url: str, plain: str):
    assert str(INTERNET.read(url)) == plain
    assert str(INTERNET.read(plain)) == plain


@pytest.mark.parametrize(
    "url",
    [
        "", "receiver.example", "//receiver.example/", "https:receiver.example", "https:///x", "https://",
        "http://receiver.example/", "ftp://receiver.example/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_",
        "javascript:alert(1)", "redis://receiver.example:6379", "unix:///run/x.sock",
        # Whose parts two parsers could see differently
        "https://user@receiver.example/", "https://user:pw@receiver.example/", "https://good.example@127.0.0.1/",
        "https://good.example:443@127.0.0.1/", "https://receiver.example\\@127.0.0.1/", "https://a.example#@b.example/",
        "https://receiver.example/#part", "https://receiver.example /", "https://receiver.example/a b",
        "https://receiver.example/\r\nHost: x", "https://receiver.example\t/", "https://receiver.example/\x00",
        "https://receiver.example:/:80/", "https://[::1", "https://[]/", "https://[receiver.example]/",
        # Hosts
        "https://receiver.example./", "https://.example/", "https://a..example/", "https://-a.example/",
        "https://%31%32%37.0.0.1/", "https://receiver%2eexample/", "https://a*.example/", f"https://{'a' * 64}.example/",
        f"https://{'a.' * 127}example/", "https://xn--\u2028.example/",
        # Ports
        "https://receiver.example:22/", "https://receiver.example:80/", "https://receiver.example:0/",
        "https://receiver.example:1023/", "https://receiver.example:65536/", "https://receiver.example:99999/",
        "https://receiver.example:x/", "https://receiver.example:443:443/",
        f"https://receiver.example/{'a' * 2048}",
    ],
)  # fmt: skip
def test_no_such_url_is_sent_to(url: str):
    for rules in (INTERNET, DEVELOPMENT, INTERNAL):
        with pytest.raises(Refused):
            rules.read(url)


@pytest.mark.parametrize(
    "host",
    [
        # This machine, in all its spellings
        "localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1.2.3", "127.1", "127.0.1", "2130706433", "0x7f000001",
        "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "127.0.0.1.", "127.0.0.0x1", "00000177.1",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "127\u30020\u30020\u30021", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[::1%25lo]", "[::1%lo]",
        # Its network
        "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255",
        "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25eth0]", "[fec0::1]", "[::ffff:10.0.0.1]",
        "[64:ff9b::10.0.0.1]", "[64:ff9b:1::a00:1]", "[2002:a00:1::1]",
        # Metadata of clouds
        "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "168.63.129.16", "100.100.100.200", "192.0.0.192",
        # Nobody's, everybody's
        "0.1.2.3", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "192.88.99.1",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "256.1.1.1", "1.2.3.4.5", "[ff02::1]", "[100::1]",
        "[2001:db8::1]", "[2001::1]", "[2001:20::1]", "[3fff::1]", "[5f00::1]", "[4000::1]", "[::ffff:0:127.0.0.1]",
    ],
)  # fmt: skip
def test_a_host_that_is_not_on_the_internet_is_refused_at_once(host: str):
    with pytest.raises(Refused):
        INTERNET.read(f"https://{host}/")
    with pytest.raises(Refused):
        INTERNET.read(f"http://{host}/")


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1", "169.253.0.1",
     "223.255.255.255", "2606:4700::1", "2001:200::1", "2003::1", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_what_lies_beside_the_reserved_ranges_is_open(address: str):
    INTERNET.judge([ip_address(address)])


@pytest.mark.parametrize(
    "closed", ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0", "::ffff:192.168.1.1"]
)
def test_one_closed_address_closes_the_host(closed: str):
    with pytest.raises(Refused):
        INTERNET.judge([ip_address("8.8.8.8"), ip_address(closed)])
    with pytest.raises(Refused):
        INTERNET.judge([])


def test_in_development_this_machine_may_be_a_receiver_also_without_tls():
    for url in (
        "http://127.0.0.1:9000/",
        "http://localhost/",
        "http://[::1]:9000/",
        "https://127.0.0.1:9000/",
    ):
        assert str(DEVELOPMENT.read(url)) == url
    for url in (
        "http://receiver.example/",
        "http://8.8.8.8/",
        "https://10.0.0.1/",
        "http://127.0.0.1:22/",
    ):
        with pytest.raises(Refused):
            DEVELOPMENT.read(url)
    # A name that now leads elsewhere is not sent to in the clear.
    DEVELOPMENT.judge([ip_address("127.0.0.1")], scheme="http")
    with pytest.raises(Refused):
        DEVELOPMENT.judge([ip_address("8.8.8.8")], scheme="http")


def test_networks_of_ones_own_can_be_opened_and_nothing_beside_them():
    assert str(INTERNAL.read("https://10.1.2.3:8443/")) == "https://10.1.2.3:8443/"
    INTERNAL.judge([ip_address("::ffff:10.1.2.3"), ip_address("fd00:7::5"), ip_address("8.8.8.8")])
    for url in (
        "https://10.2.0.1/",
        "https://[fd00:8::1]/",
        "https://127.0.0.1/",
        "http://10.1.2.3/",
    ):
        with pytest.raises(Refused):
            INTERNAL.read(url)
