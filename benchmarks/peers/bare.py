"""The bare loop: decode, run, postprocess in as many threads as there are CPUs; the limit of what any server can do.

Reads a number of seconds from each line of standard input, and answers with a line of JSON.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from detector import Model


def loop(model: Model, photos: list[bytes], until: float, counts: list[int]) -> None:
    done = 0
    while time.perf_counter() < until:
        model.detect(photos[done % len(photos)])
        done += 1
    counts.append(done)


def main() -> None:
    model = Model()
    photos = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
    print(json.dumps([model.detect(photo)["detections"] for photo in photos]), flush=True)
    for line in sys.stdin:
        counts: list[int] = []
        began, cpu = time.perf_counter(), time.process_time()
        threads = [
            threading.Thread(target=loop, args=(model, photos, began + float(line), counts))
            for _ in os.sched_getaffinity(0)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done, took = sum(counts), time.perf_counter() - began
        cpu_ms = (time.process_time() - cpu) * 1e3 / done
        print(json.dumps({"per_second": done / took, "cpu_ms": cpu_ms}), flush=True)


if __name__ == "__main__":
    main()
