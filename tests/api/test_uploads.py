import pytest

from api.live import LiveApi
from inferq.api.uploads import clean_filename

URL = "/api/v1/predictions"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\dog.png", "dog.png"),
        ("..", None),
        ("a/..", None),
        (". .", None),
        ("/", None),
        ("", None),
        (None, None),
        ("  cat.jpg ", "cat.jpg"),
        (".hidden", ".hidden"),
        ("me\u0300o.jpg", "m\u00e8o.jpg"),
        ("tr\u1eddi.png", "tr\u1eddi.png"),
        ("\u732b.jpg", "\u732b.jpg"),
        ("exe\u202egpj.jpg", "exegpj.jpg"),
        ("a\u2066b\u2069\u200f.png", "ab.png"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
        ("a\0.png", "a.png"),
        ("a\ud800.png", "a.png"),
        ("x" * 300, "x" * 255),
        ("\x1b[31mred.png", "[31mred.png"),
    ],
)
def test_a_file_name_is_text_without_paths_tricks_and_controls(given, shown):
    assert clean_filename(given) == shown


@pytest.mark.parametrize(
    ("disposition", "shown"),
    [
        (b'attachment; filename="cat.jpg"', "cat.jpg"),
        (b"attachment; filename=cat.jpg", "cat.jpg"),
        (b"inline; filename=\"cat.jpg\"; filename*=UTF-8''m%C3%A8o.jpg", "m\u00e8o.jpg"),
        (b"attachment;filename*=utf-8'vi'%e2%80%aegpj.exe", "gpj.exe"),
        (b"attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        (b"attachment; filename*=UTF-8''%ff%fe", "\ufffd\ufffd"),
        ('attachment; filename="m\u00e8o.jpg"'.encode(), "m\u00e8o.jpg"),
        ('attachment; filename="m\u00e8o.jpg"'.encode("latin-1"), "m\u00e8o.jpg"),
        (b"attachment; filename*=", None),
        (b"(" * 10_000, None),
        (b"attachment" + b"; filename*0=a" * 4000, None),
        (b'"', None),
        (b"", None),
    ],
)
def test_the_file_name_of_a_raw_body_comes_from_any_disposition(
    live: LiveApi, photo, disposition: bytes, shown: str | None
):
    headers = {b"Content-Type": b"image/jpeg", b"Content-Disposition": disposition}
    body = live.client.post(URL, content=photo["chelsea"], headers=headers).json()
    assert body["input"]["filename"] == shown
    name = live.client.get(body["links"]["image"]).headers["Content-Disposition"]
    assert name.isascii()
    assert name.startswith("inline; filename*=UTF-8''")
