"""The page in a real Chromium against a real `inferq up`; the steps themselves are in web/e2e/."""

from pathlib import Path

import pytest

from e2e.browser import run_in_browser
from system.served import Served


@pytest.mark.timeout(300)
def test_the_page_works_in_a_real_browser(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, photo_files: dict[str, Path]
):
    server = Served(tmp_path_factory.mktemp("page") / "data").ready()
    try:
        run_in_browser("first-page", server, photos=photo_files.values(), results=tmp_path)
    finally:
        server.stop()
