"""A million inputs in a storage that is a folder: writing, reading and removing one, and what the file system takes.

Nothing ever lists them: each is found by its key, which the record holds.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from inferq.predictions.record import new_task_id
from inferq.settings import Settings
from inferq.storage import Storage

SAMPLES = 500
DATA = os.urandom(4096)


def _median_ms(call: Callable[[str], object], keys: Sequence[str]) -> float:
    times = []
    for key in keys:
        started = time.perf_counter()
        call(key)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def _used(folder: Path) -> tuple[int, int]:
    """Inodes and bytes in use on the file system of a folder."""
    told = os.statvfs(folder)
    return told.f_files - told.f_ffree, (told.f_blocks - told.f_bfree) * told.f_frsize


def measure(sizes: Sequence[int]) -> list[str]:
    """The section's lines."""
    rows = []
    with TemporaryDirectory(prefix="inferq-bench-") as name:
        storage = Storage.of(Settings(data_dir=Path(name), min_free_disk_bytes=0))
        inodes, used = _used(Path(name))
        have: list[str] = []
        for size in sizes:
            while len(have) < size - SAMPLES:
                have.append(storage.key(new_task_id()))
                storage.write(have[-1], DATA)
            keys = [storage.key(new_task_id()) for _ in range(SAMPLES)]
            write = _median_ms(lambda key: storage.write(key, DATA), keys)
            old = (have or keys)[:: max(1, len(have or keys) // SAMPLES)][:SAMPLES]
            read = _median_ms(storage.read, old)
            remove = _median_ms(storage.delete_all, keys)
            for key in keys:
                storage.write(key, DATA)
            have += keys
            now_inodes, now_used = _used(Path(name))
            rows.append(
                f"| {size:,} | {write:.2f} | {read:.2f} | {remove:.2f} | {(now_inodes - inodes) / size:.2f} |"
                f" {(now_used - used) / size:,.0f} |"
            )
            print(rows[-1], flush=True)
    return [
        f"Inputs of {len(DATA):,} bytes, all of one day, on this machine's file system; medians of {SAMPLES} calls, milliseconds."
        " Inodes and bytes as the file system counts them, whatever else was written meanwhile included.",
        "",
        "| inputs | write | read | remove | inodes an input | bytes an input |",
        "|---|---|---|---|---|---|",
        *rows,
    ]
