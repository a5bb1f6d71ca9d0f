"""Every block of code in the README and the documentation runs, in the order of its page, against a real server.

A block that cannot run here says so above itself, with the reason: `<!--- skip: next "needs a GPU" -->`.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pages.reader import METRICS_PORT, ROOT, follow
from photos import jpeg
from system.served import Served

pytestmark = pytest.mark.timeout(400)

PAGES = sorted(
    page
    for pattern in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md")
    for page in ROOT.glob(pattern)
    if "```" in page.read_text()
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Served]]:
    """Starts the server that pages share, when the first one needs it."""
    started: list[Served] = []

    def start() -> Served:
        if not started:
            folder = tmp_path_factory.mktemp("pages")
            port = {"INFERQ_METRICS_PORT": str(METRICS_PORT)}
            started.append(Served(folder / "data", environment=port).ready())
            with started[0].client() as client:
                client.predict(jpeg("chelsea"))
        return started[0]

    yield start
    for server in started:
        server.stop()


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, shared: Callable[[], Served], record_property
):
    run, left = follow(page, tmp_path, shared)
    record_property("blocks", run)
    for reason in left:
        assert re.match(r"(run by tests/|needs )", reason), reason
        for named in re.findall(r"(?:tests|benchmarks)/[\w/]+\.py", reason):
            assert (ROOT / named).is_file(), named
        for test in re.findall(r"run by (tests/[\w/]+\.py)", reason):
            assert page.name in (ROOT / test).read_text(), f"{test} runs nothing of {page.name}"
