"""What a reader of the page waits for: from drop to boxes, and what 200 photographs at once do to it.

A real Chromium against a real `inferq up`; web/e2e/measure.mjs holds the steps. Times of the page and of the record are
of one clock, so that each part of the way can be told. Writes benchmarks/results/web.md. Run: make bench-web
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness import RESULTS, load, machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from photos import jpeg
from system.served import Served

WEB = Path(__file__).parents[1] / "web"
DROPS, TOGETHER = 20, 200
MIB = 2**20
PARTS: Mapping[str, tuple[str, str]] = {
    "drop → boxes painted": ("dropped", "painted"),
    "… drop → request sent (page)": ("dropped", "sent"),
    "… request → accepted (upload, checks, storage)": ("sent", "created"),
    "… accepted → finished (queue, worker, model)": ("created", "finished"),
    "… finished → boxes painted (push, page)": ("finished", "painted"),
}


def measure(folder: Path) -> dict[str, Any]:
    """What the page's program measured."""
    photo = folder / "coffee.jpg"
    photo.write_bytes(jpeg("coffee"))
    server = Served(folder / "data").ready()
    try:
        done = subprocess.run(
            [str(shutil.which("node")), "e2e/measure.mjs", str(photo), str(DROPS), str(TOGETHER)],
            cwd=WEB,
            env=os.environ
            | {
                "INFERQ_E2E_URL": server.url,
                "INFERQ_E2E_CHROMIUM": shutil.which("chromium") or "chromium-browser",
            },
            stdout=subprocess.PIPE,
            check=True,
        )
    finally:
        server.stop()
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def row(name: str, drops: list[dict[str, float]], part: Callable[[dict[str, float]], float]) -> str:
    """A line of the table: median, and the least and most."""
    times = sorted(part(drop) for drop in drops)
    return f"| {name} | {statistics.median(times):.0f} | {times[0]:.0f}-{times[-1]:.0f} |"


def page(measured: dict[str, Any], busy: str) -> str:
    """The page of results."""
    # The first drop of a fresh server and browser is a reader's, too, but not one of an idle server that is in use.
    drops = measured["single"][1:]
    together = measured["together"]
    tasks = ", ".join(f"{task:.0f}" for task in together["tasks"][:5]) or "none"
    rows = [
        row(name, drops, lambda drop, span=span: drop[span[1]] - drop[span[0]])
        for name, span in PARTS.items()
    ]
    added = row(
        "what the page adds (before the request, and after the end)",
        drops,
        lambda drop: drop["sent"] - drop["dropped"] + drop["painted"] - drop["finished"],
    )
    return "\n".join(
        [
            "# The page",
            "",
            f"`make bench-web`: Chromium, 1280 x 860, against `inferq up`; {machine()}, {busy}; a photograph of 600 x 400.",
            f"Milliseconds over {len(drops)} drops, one after another; targets: drop → boxes ≤ 300, of which the page ≤ 100.",
            "",
            "| part of the way | median | least-most |",
            "|---|---|---|",
            *rows,
            added,
            "",
            f"{TOGETHER} photographs dropped at once; target: no task above 200 ms after the drop, bounded memory, every one ends.",
            "",
            "| | measured |",
            "|---|---|",
            f"| all have ended after | {together['took'] / 1e3:.1f} s |",
            f"| longest tasks of the main thread, drop to end | {tasks} ms |",
            f"| JavaScript heap after collection, before → after | {together['heapBefore'] / MIB:.0f} → {together['heap'] / MIB:.0f} MiB |",
            "",
        ]
    )


def main() -> None:
    """Measures, prints and writes the page."""
    busy = load()
    with tempfile.TemporaryDirectory(prefix="inferq-bench-") as folder:
        text = page(measure(Path(folder)), busy)
    (RESULTS / "web.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
