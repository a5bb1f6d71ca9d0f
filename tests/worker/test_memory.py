"""A worker's memory limit, with a real decoder that asks for more than there is."""

import subprocess
import sys

import pytest

from conftest import require

PROGRAM = """
import io, sys
from PIL import Image
from inferq.models.pixels import decode_image
from inferq.worker.memory import lift_memory_limit, limit_memory

def png(side):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()

def decoded(data):
    try:
        return decode_image(data).width
    except MemoryError:
        return "refused"

small, large = png(500), png(4000)
print(decoded(large))
limit_memory(int(sys.argv[1]))
print(decoded(small), decoded(large))
lift_memory_limit()
print(decoded(large))
"""


@pytest.mark.parametrize(
    ("headroom", "seen"),
    [
        (32 * 2**20, "4000 500 refused 4000"),
        (2**30, "4000 500 4000 4000"),
        (0, "4000 500 4000 4000"),
    ],
)
def test_a_picture_gets_no_more_memory_than_the_limit(headroom: int, seen: str):
    require(sys.platform == "linux", "Linux")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(headroom)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == seen.split()
