"""The plots of a run as SVG: `plots.py RESULTS.json FOLDER`; runs where matplotlib is."""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from page import PARTS, SATURATED, best, phases, values

mpl.rcParams.update(
    {"svg.hashsalt": "inferq", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
     "axes.spines.right": False, "figure.constrained_layout.use": True}
)  # fmt: skip
OURS = "#1971c2"


def throughput(found: dict[str, Any], names: list[str]) -> Any:
    """The most results a second as bars, with the least and most of the rounds; the bare loop as a line."""
    figure, axes = plt.subplots(figsize=(7, 0.36 * len(names) + 1))
    limit = statistics.median(each["per_second"] for each in found["bare"])
    for row, name in enumerate(reversed(names)):
        rates = best(found, name)
        middle = statistics.median(rates)
        error = [[middle - min(rates)], [max(rates) - middle]]
        axes.barh(row, middle, xerr=error, color=OURS if name.startswith("inferq") else "#adb5bd")
        axes.text(limit / 50, row, f"{middle:.0f}", va="center", color="white")
    axes.axvline(limit, color="black", linestyle=":")
    axes.set_title(f"dotted: the bare loop, without a server ({limit:.0f})", fontsize=8)
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set_xlabel("results a second, best number of clients")
    return figure


def latency(found: dict[str, Any], names: list[str]) -> Any:
    """Median time until the result against the load, for 1 to 128 clients."""
    figure, axes = plt.subplots(figsize=(7, 4))
    for name in names:
        points = [
            (
                statistics.median(each["per_second"] for each in measured),
                statistics.median(each["result"]["p50"] for each in measured),
            )
            for n in values(found, "clients")
            if (measured := [p for p in phases(found, name, "clients", n) if p["result"]])
        ]
        width = 2.5 if name.startswith("inferq") else 1.0
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, linewidth=width, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("results a second")
    axes.set_ylabel("ms until the result, p50")
    axes.legend(frameon=False, fontsize=7, ncols=2)
    return figure


def cpu(found: dict[str, Any], names: list[str]) -> Any:
    """CPU milliseconds a result by process, stacked."""
    figure, axes = plt.subplots(figsize=(7, 0.36 * len(names) + 1))
    limit = statistics.median(each["cpu_ms"] for each in found["bare"])
    lefts = [0.0] * len(names)
    for part in PARTS:
        widths = [
            statistics.median(
                [
                    each["cpu_ms"].get(part, 0.0)
                    for each in phases(found, name, "clients", SATURATED)
                ]
                or [0]
            )
            for name in reversed(names)
        ]
        axes.barh(range(len(names)), widths, left=lefts, label=part)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    axes.axvline(limit, color="black", linestyle=":", label="bare loop")
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set_xlabel(f"CPU ms a result, {SATURATED} clients")
    axes.legend(frameon=False, ncols=2, fontsize=7)
    return figure


def main() -> None:
    """Draws all of them."""
    found = json.loads(Path(sys.argv[1]).read_text())
    names = list(dict.fromkeys(one["name"] for one in found["rounds"]))
    for draw in (throughput, latency, cpu):
        figure = draw(found, names)
        figure.savefig(Path(sys.argv[2]) / f"bench-{draw.__name__}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
