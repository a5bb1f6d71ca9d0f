"""That each benchmark can be asked how it is called: nothing else runs them before somebody needs a figure."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
WITH_OPTIONS = [
    *(FOLDER / f"{name}.py" for name in ("growth", "guard", "latency", "overhead", "scaling")),
    FOLDER / "peers/run.py",
]


@pytest.mark.parametrize("script", WITH_OPTIONS, ids=lambda script: script.stem)
def test_a_benchmark_says_how_it_is_called(script: Path):
    asked = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("usage:")
