"""Damage to files: what storage, transfers and people with bad intentions do to them. The same for the same seed."""

import random
import struct
import zlib
from collections.abc import Callable, Sequence

TOKENS = (
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"acTL", b"fcTL", b"fdAT",
    b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP", b"RIFF", b"WEBP",
    b"ftyp", b"meta", b"mdat", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ispe", b"hvcC", b"irot", b"grid",
    b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xdb", b"\xff\xdd", b"\xff\xe1",
    b"II*\0", b"MM\0*", b"Exif\0\0", b"\x21\xf9\x04", b"\x21\xff\x0b", b"\x2c", b"\x3b",
)  # fmt: skip
EDGES = (
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    16,
    127,
    128,
    254,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
"""Numbers next to which a reader of lengths and sizes errs."""
MOST_STEPS = 6
PNG_START = b"\x89PNG\r\n\x1a\n"
HEAD_BYTES = 400
"""Headers are where decoders decide; half of all damage is done there."""

Step = Callable[[bytearray, random.Random, Sequence[bytes]], None]


def mutate(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """A damaged copy of a file.

    Args:
        data: The file.
        rng: Decides what is done to it.
        others: Files of which pieces are taken.
    """
    damaged = bytearray(data)
    for _ in range(rng.randint(1, MOST_STEPS)):
        if damaged:
            rng.choice(STEPS)(damaged, rng, others)
    if damaged.startswith(PNG_START) and rng.random() < 0.8:
        return with_right_checksums(bytes(damaged))
    return bytes(damaged)


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose chunks' checksums are right, so that a reader goes on behind them."""
    out, at = bytearray(data), len(PNG_START)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        if end + 4 > len(data):
            break
        out[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(out)


def _place(data: bytearray, rng: random.Random) -> int:
    return rng.randrange(len(data) if rng.random() < 0.5 else min(len(data), HEAD_BYTES))


def _flip_bit(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _set_byte(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    data[_place(data, rng)] = rng.randrange(256)


def _set_number(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    kind, at = rng.choice((">H", "<H", ">I", "<I")), _place(data, rng)
    number = struct.pack(kind, rng.choice(EDGES) % 2 ** (8 * struct.calcsize(kind)))
    data[at : at + len(number)] = number


def _set_token(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    token, at = rng.choice(TOKENS), _place(data, rng)
    data[at : at + len(token)] = token


def _fill(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    at, length = _place(data, rng), rng.randint(1, 200)
    data[at : at + length] = bytes([rng.choice((0, 255, rng.randrange(256)))]) * length


def _cut_out(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    at = _place(data, rng)
    del data[at : at + rng.randint(1, 300)]


def _repeat(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.randint(1, 300)] * rng.randint(1, 4)


def _splice(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    start, at = rng.randrange(len(other)), _place(data, rng)
    piece = other[start : start + rng.randint(1, 500)]
    data[at : at + rng.choice((0, len(piece)))] = piece


def _truncate(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data)) :]


STEPS: tuple[Step, ...] = (
    _flip_bit, _flip_bit, _set_byte, _set_byte, _set_number, _set_number, _set_number, _set_token, _fill, _cut_out, _repeat,
    _splice,
)  # fmt: skip
