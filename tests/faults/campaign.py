"""The full campaign: `python tests/faults/campaign.py [--only NAME …] [--broker NAME] [--short] [--out FILE]`.

Each row on each broker, a line as it ends, and at the end a table with the machine it was measured on.
"""

import argparse
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from faults.case import Case, Size, Skipped  # noqa: E402 - found by the line above
from faults.rows import ROWS, Row  # noqa: E402
from faults.site import BROKERS, BrokerName, Site  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "faults.md"
COLUMNS = (
    "fault", "broker", "accepted", "at fault", "succeeded", "failed", "canceled", "deleted", "lost", "doubled",
    "published", "re-published", "recover s", "all done s", "note",
)  # fmt: skip
EXPLAINED = """\
`lost`: answered 202, and neither ended nor deleted by request. `doubled`: ended more than once, or went on after
its end, by the event stream. `at fault`: accepted and unfinished when the (first) fault struck
(0 where everything is submitted while the fault lasts). `recover s`: from a
fault's end until work goes on and everything that ran when it struck runs again or has ended; the longest, where a
row has several. `all done s`: from the last fault's end until everything had ended. What else each row demands
(attempts, problems, `/healthz`, speed of submits …) stands in `tests/faults/`; a row that misses it says FAILED.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """What a row came to on one broker."""

    row: Row
    broker: BrokerName
    cells: tuple[str, ...]
    note: str
    failed: bool

    def __str__(self) -> str:
        cells = (self.row.title, self.broker, *self.cells, self.note)
        return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


class TooLong(Exception):
    """A row did not end within its time limit."""


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Ends what takes too long; for the main thread alone."""

    def alarm(*_: object) -> None:
        raise TooLong(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, alarm)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run_row(site: Site, row: Row, size: Size) -> Line:
    """Runs one row on a site, and ends what it shared."""
    case, trouble, failed = Case(site, size), "", True
    try:
        with time_limit(row.seconds), case:
            row.run(case)
        failed = False
    except Skipped as reason:
        trouble, failed = f"skipped: {reason}", False
    except (Exception, TooLong) as error:  # noqa: BLE001 - the next row is to run, whatever ended this one
        trouble = f"**FAILED**: {type(error).__name__}: {error}"[:600].replace("\n", " ")
    site.end_deployment()
    note = "; ".join([*([trouble] if trouble else []), *case.notes])
    return Line(row, site.broker_name, _cells(case), note, failed)


def _cells(case: Case) -> tuple[str, ...]:
    verdict = case.verdict
    if verdict is None:
        return ("-",) * (len(COLUMNS) - 3)
    return (
        *map(str, (verdict.accepted, verdict.unfinished_at_fault)),
        *(str(verdict.count(state)) for state in ("succeeded", "failed", "canceled")),
        *map(str, (verdict.deleted, verdict.lost, verdict.doubled)),
        *map(str, (verdict.published, verdict.republished)),
        f"{verdict.seconds_to_recover:.1f}",
        f"{verdict.seconds_to_finish:.1f}",
    )


def run(rows: Sequence[Row], brokers: Sequence[BrokerName], size: Size) -> tuple[list[Line], str]:
    """Runs rows on brokers; the lines, and the servers' versions."""
    lines: list[Line] = []
    servers = set()
    for broker in brokers:
        with Site(broker) as site:
            servers |= {site.state.version, site.broker.version}
            for row in rows:
                started = time.monotonic()
                line = run_row(site, row, size)
                lines.append(line)
                took = time.monotonic() - started
                print(f"{line}  ({took:.0f} s)", flush=True)  # noqa: T201 - it is a command
    return lines, ", ".join(sorted(servers))


def report(lines: Sequence[Line], servers: str, size: Size) -> str:
    """The page that is kept."""
    ordered = sorted(lines, key=lambda line: [row.name for row in ROWS].index(line.row.name))
    failed = sum(line.failed for line in lines)
    packages = ", ".join(f"{name} {version(name)}" for name in ("celery", "kombu", "redis"))
    return "\n".join(
        [
            "# The fault campaign",
            "",
            f"Written by `make faults` on {datetime.now(UTC):%Y-%m-%d}: {'full' if size.full else 'short'} campaign,"
            f" {len(lines)} rows, {failed} failed.",
            "",
            f"Machine: {_machine()}. Servers: {servers}. {packages}, Python {platform.python_version()}.",
            "",
            EXPLAINED,
            "| " + " | ".join(COLUMNS) + " |",
            "|" + "---|" * len(COLUMNS),
            *map(str, ordered),
            "",
        ]
    )


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {len(models)} cores"


def main() -> int:
    """Exit status 1 if a row failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[row.name for row in ROWS])
    parser.add_argument("--broker", choices=BROKERS)
    parser.add_argument("--short", action="store_true", help="few predictions, short faults")
    parser.add_argument("--out", type=Path, help=f"default, for all rows: {RESULTS}")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    brokers = [options.broker] if options.broker else list(BROKERS)
    if "rabbitmq" in brokers and not shutil.which("rabbitmq-server"):
        parser.error("rabbitmq-server is missing; run with --broker valkey")
    size = Size(full=not options.short)
    lines, servers = run(rows, brokers, size)
    whole = not (options.only or options.broker or options.short)
    if out := options.out or (RESULTS if whole else None):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(report(lines, servers, size))
    return int(any(line.failed for line in lines))


if __name__ == "__main__":
    sys.exit(main())
