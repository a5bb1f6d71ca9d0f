import pytest

from inferq.state import client_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:pw@host:6379/3", "redis://:pw@host:6379/3"),
        ("rediss://host/0", "rediss://host/0"),
        ("redis+socket://:pw@/run/v.sock?virtual_host=2", "unix://:pw@/run/v.sock?db=2"),
        ("redis+socket:///run/v.sock", "unix:///run/v.sock?db=0"),
        ("unix:///run/v.sock", "unix:///run/v.sock?db=0"),
    ],
)
def test_urls_in_kombus_form_are_understood(url: str, expected: str):
    assert client_url(url) == expected
