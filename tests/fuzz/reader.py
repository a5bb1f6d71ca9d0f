"""A process that does to pictures what API and worker do, one after the other, so that a crash costs this process alone.

Standard input: length (4 bytes) and the file, again and again. Standard output: a line of JSON for each.
"""

import io
import json
import sys
from pathlib import Path

from inferq.errors import InferqError, OutOfMemory
from inferq.models.inputs import read_image_header
from inferq.models.pixels import decode_image
from inferq.render import preview, upright

DRAFT = (600, 600)
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def memory_kib(name: str) -> int:
    """`VmRSS` (now) or `VmHWM` (the most since the mark was put back) of this process; 0 where there is no /proc."""
    if not STATUS.exists():
        return 0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def attempt(data: bytes, max_pixels: int) -> str:
    """What comes of a file: `taken`, or the code of the first refusal. Anything else is a fault of ours."""
    try:
        header = read_image_header(data, max_pixels=max_pixels)
        drafted = decode_image(data, draft=DRAFT)
        assert (drafted.width, drafted.height) == (header.width, header.height), "another size"
        assert decode_image(data).image.size == (header.width, header.height), "another size"
        preview(data, 320)
        upright(data)
    except InferqError as error:
        return error.code
    except MemoryError:
        return OutOfMemory.code
    return "taken"


def main(max_pixels: int) -> None:
    """Answers until its input ends."""
    stdin: io.BufferedReader = sys.stdin.buffer
    while len(head := stdin.read(4)) == 4:
        data = stdin.read(int.from_bytes(head))
        if CLEAR_REFS.exists():
            CLEAR_REFS.write_text("5")
        before = memory_kib("VmRSS")
        try:
            outcome = attempt(data, max_pixels)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent wants to know
            outcome = f"raised {error!r}"
        sys.stdout.write(json.dumps([outcome, memory_kib("VmHWM") - before]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
