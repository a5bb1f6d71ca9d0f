import re

import pytest
from starlette.testclient import TestClient

from inferq.api.web import WEB_DIST

pytestmark = pytest.mark.skipif(
    not (WEB_DIST / "index.html").is_file(), reason="the web client is not built"
)


@pytest.mark.parametrize("path", ["/", "/api/docs"])
def test_pages_run_no_inline_script_and_load_nothing_from_elsewhere(api: TestClient, path: str):
    response = api.get(path)
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    for script in re.findall(r"<script[^>]*>(.*?)</script>", response.text, re.DOTALL):
        assert script == ""
    for url in re.findall(r'(?:src|href)="([^"]*)"', response.text):
        assert url.startswith("/")
        assert api.get(url).status_code == 200


def test_hashed_assets_are_kept_by_browsers_and_missing_ones_are_not(api: TestClient):
    (asset, *_) = re.findall(r'src="(/assets/[^"]*)"', api.get("/").text)
    assert "immutable" in api.get(asset).headers["Cache-Control"]
    missing = api.get("/assets/gone.js")
    assert missing.status_code == 404
    assert missing.headers["Cache-Control"] == "private, no-cache"
    assert missing.headers["Content-Type"] == "application/problem+json"
