"""The long fuzz campaign: damaged pictures through decoders and a server, then requests of every kind; others each time.

Run: python benchmarks/fuzz_campaign.py [--seed N] [--pictures N] [--seconds N]; it writes its totals into
benchmarks/results/security.md and the files at fault, if there are any, into a folder that it names. It exits with 1 then.
Load goes to loopback alone.
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness import RESULTS, machine, write_section
from security import TITLE, Gauge

from fuzz.pictures import MAX_PIXELS, MOST_KIB, Findings, fuzz, mutants
from fuzz.schema import Run, fuzz_api
from system.served import Served

SECTION = "## Fuzz"
READERS = 2
POSTED = 2000
PROBLEM = "application/problem+json"


def read_pictures(count: int, seed: int) -> Findings:
    """Pictures through the header check and the decoders, in processes of their own."""
    share = -(-count // READERS)
    parts = [mutants(share, start=seed + number * share) for number in range(READERS)]
    whole = Findings()
    with ThreadPoolExecutor(READERS) as threads:
        for findings in threads.map(fuzz, parts):
            whole.outcomes += findings.outcomes
            whole.faults += findings.faults
            whole.peak_kib = max(whole.peak_kib, findings.peak_kib)
    return whole


def post_pictures(server: Served, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Pictures to a server; what each was answered and came to, and what was wrong with an answer."""
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    with httpx2.Client(base_url=server.url, timeout=60, headers=server.headers) as client:
        accepted = []
        for name, content in mutants(count, start=seed):
            answer = client.post("/api/v1/predictions", files={"image": (name, content)})
            if answer.status_code == 202:
                accepted.append(answer.json()["links"]["self"])
                continue
            outcomes[f"{answer.status_code} {answer.json()['code']}"] += 1
            if answer.status_code >= 500 or answer.headers["content-type"] != PROBLEM:
                faults.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        for path in accepted:
            ended = client.get(path, headers={"Prefer": "wait=30"}).json()
            code = f" {ended['error']['code']}" if ended["error"] else ""
            outcomes[f"202, {ended['state']}{code}"] += 1
            if ended["state"] not in ("succeeded", "failed"):
                faults.append(f"{path}: {ended['state']}")
    stored = sum(path.is_file() for path in (server.data_dir / "storage").glob("*/*/*/*/*"))
    if stored != len(accepted):
        faults.append(f"{stored} files in storage for {len(accepted)} predictions")
    return outcomes, faults


def serve_and_fuzz(
    folder: Path, seconds: int, seed: int
) -> tuple[Counter[str], list[str], Run, tuple[int, int]]:
    """Both campaigns against a server: outcomes and faults of pictures, the run of requests, memory grown in MiB."""
    server = Served(folder / "data").ready()
    try:
        gauges = [Gauge(server.child("inferq api")), Gauge(server.child("inferq worker"))]
        before = [gauge.reset() for gauge in gauges]
        outcomes, faults = post_pictures(server, POSTED, seed)
        run = fuzz_api(
            server.url,
            folder,
            examples=100,
            seconds=seconds,
            seed=seed % 2**31,
            headers=server.headers,
        )
        pids = [server.child("inferq api"), server.child("inferq worker")]
        if pids != [gauge.pid for gauge in gauges]:
            faults.append("a process of the server died")
            return outcomes, faults, run, (0, 0)
        api, worker = (gauge.peak() - was for gauge, was in zip(gauges, before, strict=True))
        return outcomes, faults, run, (api, worker)
    finally:
        server.stop()


def counted(outcomes: Counter[str]) -> str:
    """Outcomes by number, for people."""
    return ", ".join(f"{number:,} {name}" for name, number in outcomes.most_common())


def main() -> int:
    """Runs the campaign, prints, and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--pictures", type=int, default=24_000)
    parser.add_argument("--seconds", type=int, default=240, help="of requests")
    wish = parser.parse_args()
    kept = Path(tempfile.mkdtemp(prefix="inferq-fuzz-"))
    started = time.perf_counter()
    pictures = read_pictures(wish.pictures, wish.seed)
    took = time.perf_counter() - started
    for number, (name, what, content) in enumerate(pictures.faults):
        (kept / f"{number}-{name.replace(' ', '-')}").write_bytes(content)
        print(f"{kept}: {number} {name}: {what}")
    outcomes, faults, run, (api, worker) = serve_and_fuzz(
        kept, wish.seconds, wish.seed + wish.pictures
    )
    print("\n".join(faults), run.failures, sep="\n")
    lines = [
        f"{machine()}; seed {wish.seed}. `make fuzz` runs it again with another.",
        "",
        "| what | how many | at fault | came to | most memory |",
        "|---|---|---|---|---|",
        f"| damaged pictures through header check, decoders, preview (in processes of their own, {took:.0f} s) |"
        f" {pictures.total:,} | {len(pictures.faults)} | {counted(pictures.outcomes)} |"
        f" {pictures.peak_kib / 1024:.0f} MiB for one of at most {MAX_PIXELS:,} pixels (bound {MOST_KIB // 1024}) |",
        f"| damaged pictures posted to a server | {outcomes.total():,} | {len(faults)} | {counted(outcomes)} |"
        f" API + {api} MiB, worker + {worker} MiB, with the row below |",
        f"| requests after the OpenAPI document, valid and invalid, and along its links ({wish.seconds} s) | {run.cases:,} |"
        f" {'none' if not run.failures else 'see its output'} | | |",
        "",
        "At fault would be: a crash, an exception that is none of ours, a size other than the header's, more memory than the"
        " bound, a 5xx, an answer that is no problem+json or not as the document says, a prediction without an end, a file left"
        " in storage.",
    ]
    write_section(RESULTS / "security.md", TITLE, SECTION, lines)
    print("\n".join(lines))
    return int(bool(pictures.faults or faults or run.failures or run.cases == 0))


if __name__ == "__main__":
    sys.exit(main())
