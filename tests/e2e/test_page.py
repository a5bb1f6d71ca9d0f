"""The page in a real Chromium against a real `inferq up`; the steps themselves are in web/e2e/."""

from pathlib import Path

import pytest
from PIL import Image

from e2e.browser import WEB, run_in_browser
from photos import TURNED_HEIC, encoded, pixels
from system.served import Served

# Of the examples' models: tests/system/test_examples.py.
ELSEWHERE = "kinds.spec.ts"


def other_formats(folder: Path) -> dict[str, Path]:
    """Pictures that browsers cannot show themselves."""
    made = {
        "turned.heic": TURNED_HEIC,
        "coffee.tif": encoded(Image.fromarray(pixels("coffee")), "TIFF"),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in made}


@pytest.mark.timeout(900)
def test_the_page_works_in_a_real_browser(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    photo_files: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
):
    # The receivers of webhooks are here, and every step signs in from one address.
    monkeypatch.setenv("INFERQ_WEBHOOK_LOOPBACK", "true")
    monkeypatch.setenv("INFERQ_SIGN_IN_LIMIT", "1000/minute")
    names = (path.name for path in (WEB / "e2e").glob("*.spec.ts"))
    steps = sorted(name for name in names if name != ELSEWHERE)
    photos = photo_files | other_formats(tmp_path)
    server = Served(tmp_path_factory.mktemp("page") / "data").ready()
    try:
        run_in_browser(steps, server, photos=photos, results=tmp_path)
    finally:
        server.stop()
