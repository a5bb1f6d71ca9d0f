"""What bombs cost: each is posted to a server that runs; its answer is noted, and what API and worker took for it.

Run: python benchmarks/security.py; it writes the table of bombs into benchmarks/results/security.md. `make fuzz` writes
the other one. Load goes to loopback alone.
"""

import io
import os
import re
import signal
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from PIL import Image
from skimage import data

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from harness import RESULTS, machine, write_section

from fuzz.corpus import png_chunk
from fuzz.mutations import PNG_START
from system import served
from system.served import Served

PAGE = RESULTS / "security.md"
TITLE = "# How hostile input is answered"
BOMBS = "## Bombs"
MIB = 2**20
PATIENCE = 60.0


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png(width: int, height: int, *chunks: bytes, pixels: bytes = b"", color: int = 2) -> bytes:
    """A PNG with more chunks before its pixels (compressed already)."""
    size = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    body = png_chunk(b"IDAT", pixels or zlib.compress(bytes(1000)))
    head = PNG_START + png_chunk(b"IHDR", size)
    return head + b"".join(chunks) + body + png_chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """Compressed zeros, a thousandth of their length."""
    squeeze = zlib.compressobj(9)
    parts = [squeeze.compress(bytes(MIB)) for _ in range(count // MIB)]
    return b"".join([*parts, squeeze.compress(bytes(count % MIB)), squeeze.flush()])


def photo() -> Image.Image:
    """A cat."""
    return Image.fromarray(data.chelsea())


def tiff(*entries: tuple[int, int, int, int], after: bytes = b"", following: int = 0) -> bytes:
    """A TIFF of one directory: tag, type, count and value of each entry."""
    fields = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    return head + fields + struct.pack("<I", following) + after


def tiff_of(width: int, height: int, strip: bytes, *, compression: int = 8) -> bytes:
    """A grey TIFF of one compressed strip."""
    return tiff(
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression),
        (262, 3, 1, 1), (273, 4, 1, 8 + 2 + 9 * 12 + 4), (277, 3, 1, 1), (278, 4, 1, height),
        (279, 4, 1, len(strip)), after=strip,
    )  # fmt: skip


def giant_exif() -> bytes:
    """A JPEG with as many EXIF segments as fit into 16 MiB."""
    picture = encoded(photo(), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", 65_535) + b"Exif\0\0MM\0*" + bytes(65_523)
    return picture[:2] + segment * 256 + picture[2:]


def many_frames(file_format: str) -> bytes:
    """Five hundred frames."""
    frames = [Image.new("RGB", (500, 500), (n % 256, n // 2, 9)) for n in range(500)]
    return encoded(frames[0], file_format, save_all=True, append_images=frames[1:], duration=10)


def gif_of_huge_screen() -> bytes:
    """A small frame on a screen of 65,535 x 65,535."""
    small = bytearray(encoded(photo().resize((16, 16)).quantize(8), "GIF"))
    small[6:10] = b"\xff" * 4
    return bytes(small)


def polyglot(before: str, behind: bytes) -> bytes:
    """A picture with another kind of file behind it."""
    return encoded(photo(), before) + behind


HTML = b"<!doctype html><script>alert(document.domain)</script>"
ZIP = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
LIMIT = 64_000_000
SQUARE = 8000
"""8000 x 8000 is INFERQ_MAX_PIXELS exactly: what the limit lets through is what has to be afforded."""


def noisy_gray(dtype: str) -> Image.Image:
    """As many pixels as are accepted, of a type with many bytes each."""
    ramp = np.arange(SQUARE, dtype=dtype)
    return Image.fromarray(np.broadcast_to(ramp, (SQUARE, SQUARE)).copy())


FILES: dict[str, Callable[[], bytes]] = {
    "PNG that claims 50,000 x 50,000": lambda: png(50_000, 50_000),
    "PNG that claims 2,147,483,647 squared": lambda: png(2**31 - 1, 2**31 - 1),
    "PNG of 64 megapixels, all black": lambda: png(
        SQUARE, SQUARE, pixels=zeros(SQUARE * (SQUARE * 3 + 1))
    ),
    "PNG of 64 megapixels, transparent": lambda: png(
        SQUARE, SQUARE, pixels=zeros(SQUARE * (SQUARE * 4 + 1)), color=6
    ),
    "PNG of 100 pixels, 1 GiB of zeros as pixels": lambda: png(10, 10, pixels=zeros(1024 * MIB)),
    "PNG with 1 GiB of zTXt": lambda: png(10, 10, png_chunk(b"zTXt", b"a\0\0" + zeros(1024 * MIB))),
    "PNG with 1 GiB of iTXt": lambda: png(
        10, 10, png_chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(1024 * MIB))
    ),
    "PNG with 1 GiB of iCCP": lambda: png(10, 10, png_chunk(b"iCCP", b"a\0\0" + zeros(1024 * MIB))),
    "PNG with 100,000 chunks": lambda: png(10, 10, png_chunk(b"teSt", b"") * 100_000),
    "animated PNG of 500 frames": lambda: many_frames("PNG"),
    "GIF with a screen of 65,535 squared": gif_of_huge_screen,
    "GIF of 500 frames": lambda: many_frames("GIF"),
    "WebP of 16,383 x 8,000, lossless": lambda: encoded(
        Image.new("RGB", (16_383, 8_000)), "WEBP", lossless=True, method=0
    ),
    "WebP of 8,000 x 8,000, transparent": lambda: encoded(
        Image.new("RGBA", (SQUARE, SQUARE), (9, 9, 9, 9)), "WEBP", lossless=True, method=0
    ),
    "WebP of 500 frames": lambda: many_frames("WEBP"),
    "TIFF that claims 65,535 squared": lambda: tiff_of(65_535, 65_535, zlib.compress(bytes(1000))),
    "TIFF of 64 megapixels, deflated": lambda: tiff_of(SQUARE, SQUARE, zeros(LIMIT)),
    "TIFF of 100 pixels, 1 GiB deflated": lambda: tiff_of(10, 10, zeros(1024 * MIB)),
    "TIFF of 64 megapixels of 32-bit floats": lambda: encoded(
        noisy_gray("float32"), "TIFF", compression="tiff_adobe_deflate"
    ),
    "TIFF of 64 megapixels of 32-bit integers": lambda: encoded(
        noisy_gray("int32"), "TIFF", compression="tiff_adobe_deflate"
    ),
    "TIFF with 65,535 tags": lambda: tiff(*((270, 2, 1, n) for n in range(65_535))),
    "TIFF whose directory follows itself": lambda: tiff(
        (256, 4, 1, 10), (257, 4, 1, 10), (273, 4, 1, 8), (279, 4, 1, 8), following=8
    ),
    "TIFF with a value of 4 GiB": lambda: tiff(
        (256, 4, 1, 10), (257, 4, 1, 10), (270, 2, 2**32 - 1, 8), (273, 4, 1, 8), (279, 4, 1, 8)
    ),
    "BMP that claims 60,000 x 60,000, run-length coded": lambda: _patched(
        encoded(photo().quantize(64), "BMP"), {18: struct.pack("<ii", 60_000, 60_000), 30: b"\1"}
    ),
    "BMP of 8,000 x 8,000, run-length coded": lambda: _patched(
        encoded(photo().quantize(64), "BMP"), {18: struct.pack("<ii", SQUARE, SQUARE), 30: b"\1"}
    ),
    "JPEG with 16 MiB of EXIF": giant_exif,
    "JPEG of 8,000 x 8,000, progressive": lambda: encoded(
        Image.new("RGB", (SQUARE, SQUARE)), "JPEG", progressive=True
    ),
    "SVG of a billion laughs": lambda: (
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "&b;&b;">]><svg>&a;</svg>'
    ),
    "JPEG with a ZIP behind it": lambda: polyglot("JPEG", ZIP),
    "PNG with HTML behind it": lambda: polyglot("PNG", HTML),
    "GIF that is JavaScript too": lambda: b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
    "HTML alone": lambda: HTML,
    "33 MiB of zeros": lambda: bytes(33 * MIB),
}


def _patched(original: bytes, changes: dict[int, bytes]) -> bytes:
    patched = bytearray(original)
    for at, value in changes.items():
        patched[at : at + len(value)] = value
    return bytes(patched)


@dataclass(frozen=True, slots=True)
class Gauge:
    """Memory of a process, from the last `reset` on."""

    pid: int

    def reset(self) -> int:
        """Puts the high-water mark down to what it has now, which it returns (MiB)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self._mib("VmRSS")

    def peak(self) -> int:
        """Most that it had (MiB)."""
        return self._mib("VmHWM")

    def _mib(self, name: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) // 1024 if found else 0


def measure(server: Served, name: str, content: bytes) -> str:
    """One row: a bomb is posted, waited for, and its preview asked for."""
    url = f"{server.url}/api/v1/predictions"
    api, worker = Gauge(server.child("inferq api")), Gauge(server.child("inferq worker"))
    before = api.reset(), worker.reset()
    started = time.perf_counter()
    with httpx2.Client(timeout=PATIENCE, headers=server.headers) as client:
        posted = client.post(url, files={"image": ("bomb", content)})
        submitted = time.perf_counter() - started
        answer = posted.json()
        if posted.status_code >= 400:
            outcome = f"{posted.status_code} `{answer['code']}`"
        else:
            path = f"{server.url}{answer['links']['self']}"
            while (ended := client.get(path, headers={"Prefer": "wait=30"}).json())["state"] in (
                "queued", "running",
            ):  # fmt: skip
                continue
            error = f" `{ended['error']['code']}`" if ended["error"] else ""
            preview = client.get(f"{path}/preview").status_code
            outcome = f"202, {ended['state']}{error}; preview {preview}"
    seconds = time.perf_counter() - started
    grown = [max(0, gauge.peak() - was) for gauge, was in zip((api, worker), before, strict=True)]
    return (
        f"| {name} | {len(content):,} | {outcome} | {submitted * 1e3:.0f} | {seconds:.1f} |"
        f" {grown[0]} | {grown[1]} |"
    )


def bombs() -> list[str]:
    """The table of all bombs."""
    rows = [
        "| input | bytes | answer | submit ms | whole s | API + MiB | worker + MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory(prefix="inferq-bench-") as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        served.START_SECONDS = 300  # a busy machine is no reason to give up
        server = Served(Path(folder) / "data").ready()
        try:
            pids = server.child("inferq api"), server.child("inferq worker")
            with server.client() as client:
                client.predict(data.chelsea())
            for name, make in FILES.items():
                rows.append(measure(server, name, make()))
                print(rows[-1], flush=True)
            if pids != (server.child("inferq api"), server.child("inferq worker")):
                raise RuntimeError("one of them died")
            if left := list(Path(folder).rglob("*.part")):
                raise RuntimeError(f"left behind: {left}")
        finally:
            server.stop(signal.SIGTERM)
    return rows


def main() -> None:
    """Measures, prints, and writes the result."""
    lines = [
        f"{machine()}, client and server on the same. `make bench-security` runs it again.",
        "",
        "Each is posted to `inferq up` with its defaults (32 MiB, 64 megapixels); where it is accepted, its end is waited for"
        " and its preview asked for. Memory is what API and worker had at most, beyond what they had before.",
        "",
        *bombs(),
        "",
        "Neither process died, and nothing unfinished was left in storage. Previews are drawn in processes of their own, which"
        " are not in this table; each is held to 3 GiB.",
    ]
    write_section(PAGE, TITLE, BOMBS, lines)


if __name__ == "__main__":
    main()
