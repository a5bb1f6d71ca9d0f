"""Schemathesis on the whole OpenAPI document, against a server that runs."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOOKS = Path(__file__).parent / "schemathesis_hooks.py"
CASES = re.compile(r"(\d+) generated")
OVERLAPPING = "allow_header_conformance"
"""Paths overlap (`/predictions/export` is a `{task_id}` for DELETE too), and `Allow` tells the methods of all."""
BEYOND_SCHEMA = "positive_data_acceptance"
"""What a model takes, its card says, and that an input is a picture no schema can say."""
CONFIG = """
[phases.stateful.generation]
max-examples = {scenarios}

[[operations]]
include-tag = "events"
request-timeout = 1 # a stream has no end; what comes in a second is looked at
checks.response_schema_conformance.enabled = false # OpenAPI 3.1 knows no schema of one event of a stream
"""
SCENARIOS = 5
"""Walks along links, for each request of a kind to each operation."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to."""

    cases: int
    failures: str
    """What it found, as it prints it; nothing where all is well."""


def fuzz_api(
    url: str,
    folder: Path,
    *,
    examples: int,
    seconds: int | None = None,
    seed: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Run:
    """Sends what the document allows and what it forbids, then follows its links.

    Args:
        url: Of the server.
        folder: Where it may write.
        examples: Most requests of a kind to each operation.
        seconds: If given, it goes on for so long.
        seed: Of chance; without one, every run is the same.
        headers: Credentials, sent with each request.
    """
    (folder / "schemathesis.toml").write_text(CONFIG.format(scenarios=examples * SCENARIOS))
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json", "--no-color", "--no-shrink",
        "--max-examples", str(examples), "--request-timeout", "10", "--warnings", "off", "--phases", "coverage,fuzzing,stateful",
        "--exclude-checks", f"{OVERLAPPING},{BEYOND_SCHEMA}",
        *(["--generation-deterministic"] if seed is None else ["--seed", str(seed)]),
        *([] if seconds is None else ["--max-time", str(seconds)]),
    ]  # fmt: skip
    for name, value in (headers or {}).items():
        command += ["--header", f"{name}:{value}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
        capture_output=True,
        text=True,
        check=False,
    )
    cases = CASES.search(done.stdout)
    return Run(
        int(cases[1]) if cases else 0, "" if done.returncode == 0 else done.stdout + done.stderr
    )
