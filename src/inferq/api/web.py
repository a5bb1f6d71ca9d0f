"""The built web client, served from inside the package."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI

WEB_DIST = Path(str(files("inferq"))) / "web_dist"


def serve_web(app: FastAPI) -> None:
    """Serves the web client at `/`, after all routes; a checkout without a web build has none."""
    if (WEB_DIST / "index.html").is_file():
        app.frontend("/", directory=WEB_DIST)
