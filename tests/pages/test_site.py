"""The site of `make docs`: it builds without a warning, leads everywhere it says, and asks no foreign host for anything."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from pages.reader import ROOT

LOADED = (
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "srcset"),
)
SAID_ONLY = {"canonical", "license", "next", "prev", "search", "index", "genindex"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    out = tmp_path_factory.mktemp("site")
    command = ["-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--jobs", "auto"]
    done = subprocess.run(
        [sys.executable, *command, "--conf-dir", "docs", "--doctree-dir", out / "trees", ".", out / "html"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out / "html"


def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    return {page: soup(page) for page in site.rglob("*.html")}


def test_every_page_of_the_documentation_is_in_the_navigation(
    site: Path, pages: dict[Path, BeautifulSoup]
):
    start = site / "docs/index.html"
    listed = {
        (start.parent / unquote(urlsplit(str(link["href"])).path)).resolve()
        for link in pages[start].select(".sidebar-tree a[href]")
    }
    written = {
        (site / page.relative_to(ROOT)).with_suffix(".html")
        for pattern in ("docs/**/*.md", "benchmarks/results/*.md", "README*.md", "CONTRIBUTING.md")
        for page in ROOT.glob(pattern)
    }
    assert written - {start} <= listed


def test_every_link_leads_to_a_page_and_a_place_on_it(pages: dict[Path, BeautifulSoup]):
    places = {page: {str(tag["id"]) for tag in read.select("[id]")} for page, read in pages.items()}
    lost = []
    for page, read in pages.items():
        for link in read.select("a[href]"):
            url = urlsplit(str(link["href"]))
            if url.scheme or url.netloc:
                assert re.fullmatch(r"https?|mailto", url.scheme), link
                continue
            target = (page.parent / unquote(url.path)).resolve() if url.path else page
            if not target.exists() or (url.fragment and url.fragment not in places.get(target, ())):
                lost.append(f"{page.name}: {link['href']}")
    assert lost == []


def test_nothing_is_asked_of_a_foreign_host(site: Path, pages: dict[Path, BeautifulSoup]):
    asked = [
        f"{page.name}: {tag[attribute]}"
        for page, read in pages.items()
        for name, attribute in LOADED
        for tag in read.select(f"{name}[{attribute}]")
        if not SAID_ONLY & set(tag.get("rel", ()))
        and re.match(r"(https?:)?//", str(tag[attribute]))
    ]
    asked += [
        f"{sheet.name}: {url}"
        for sheet in site.rglob("*.css")
        for url in re.findall(
            r"(?:url\(|@import )['\"]?((?:https?:)?//[^)'\"]+)", sheet.read_text()
        )
    ]
    assert asked == []


def test_pictures_are_there(pages: dict[Path, BeautifulSoup]):
    shown = 0
    for page, read in pages.items():
        for tag, attribute in (("img", "src"), ("source", "srcset")):
            for picture in read.select(f"{tag}[{attribute}]"):
                assert (page.parent / unquote(str(picture[attribute]))).is_file(), (page, picture)
                shown += 1
    assert shown >= 5
