"""Mutated pictures through the header check and the decoders, in processes of their own."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Self

from fuzz.corpus import seeds
from fuzz.mutations import mutate

MAX_PIXELS = 1_000_000
MOST_KIB = 64 * 1024
"""What a picture of `MAX_PIXELS` may take while it is decoded, drafts and previews included."""
READER = Path(__file__).parent / "reader.py"


@dataclass
class Findings:
    """What came of many pictures."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Seed's name, what happened, and the file, for each that crashed, raised, hung or took too much."""
    peak_kib: int = 0

    @property
    def total(self) -> int:
        """How many pictures there were."""
        return self.outcomes.total()


def mutants(count: int, *, start: int = 0) -> Iterator[tuple[str, bytes]]:
    """Damaged files with their seed's names; each seed has its turn, the same each time."""
    files = seeds()
    others = list(files.values())
    for number, name in zip(range(start, start + count), cycle(files), strict=False):
        yield name, mutate(files[name], random.Random(number), others)  # noqa: S311 - to be the same each time


class Reader:
    """A reading process, started again where a picture has ended it."""

    def __init__(self, *, max_pixels: int = MAX_PIXELS) -> None:
        self._max_pixels = max_pixels
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def read(self, data: bytes) -> tuple[str, int]:
        """What comes of a file (`taken`, the code of a refusal, or what went wrong), and the KiB that it took."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(len(data).to_bytes(4) + data)
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if line:
            outcome, kib = json.loads(line)
            return outcome, kib
        self._process = None
        process.communicate()  # closes its pipes
        return f"crashed with status {process.returncode}", 0

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-X", "faulthandler", str(READER), str(self._max_pixels)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def fuzz(pictures: Iterator[tuple[str, bytes]]) -> Findings:
    """Reads pictures one after the other."""
    findings = Findings()
    with Reader() as reader:
        for name, data in pictures:
            outcome, kib = reader.read(data)
            findings.outcomes[outcome.split(maxsplit=1)[0]] += 1
            findings.peak_kib = max(findings.peak_kib, kib)
            if outcome.startswith(("crashed", "raised")) or kib > MOST_KIB:
                findings.faults.append((name, f"{outcome}, {kib} KiB", data))
    return findings
