"""What a browser has to load before the first page can be used."""

import gzip
import json
from pathlib import Path

from conftest import require
from inferq.api.web import WEB_DIST

MOST_BYTES = 250_000
FIRST = ("index.html", "src/app/routes/predict-page.tsx", "src/app/locales/vi.ts")


def loaded(manifest: dict[str, dict], entry: str, seen: set[str]) -> None:
    """Adds the files of an entry and of what it imports at once."""
    if entry not in seen:
        seen.add(entry)
        for name in manifest[entry].get("imports", ()):
            loaded(manifest, name, seen)


def compressed_size(path: Path) -> int:
    return len(gzip.compress(path.read_bytes()))


def test_the_first_page_takes_at_most_250_kb_of_scripts():
    path = WEB_DIST / ".vite/manifest.json"
    require(path.is_file(), "the web build")
    manifest = json.loads(path.read_text())
    entries: set[str] = set()
    for entry in FIRST:
        loaded(manifest, entry, entries)
    files = {manifest[entry]["file"] for entry in entries}
    assert len(files) > len(FIRST)
    sizes = {name: compressed_size(WEB_DIST / name) for name in files}
    assert sum(sizes.values()) <= MOST_BYTES, sorted(sizes.items(), key=lambda item: -item[1])
