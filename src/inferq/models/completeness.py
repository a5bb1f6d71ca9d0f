"""Whether an image file reaches its end, told from its structure; no pixels are decoded.

Every function takes the whole file and answers False for what breaks off or makes no sense, hostile lengths
included. Steps are bounded too, so that a file of nothing but tiny blocks costs neither us nor Pillow's openers,
which walk the same blocks more slowly, more than a fraction of a second.
"""

import re
import struct
from collections.abc import Callable, Mapping

JPEG_EOI = b"\xff\xd9"
JPEG_MARKER = re.compile(rb"\xff[^\x00\xff]")
JPEG_SOS, JPEG_APP1 = 0xDA, 0xE1
JPEG_EXIF = b"Exif\0\0"
JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
GIF_EXTENSION, GIF_IMAGE = 0x21, 0x2C
GIF_HEADER_BYTES = 13
TIFF_OFFSETS = {273: 279, 324: 325}
TIFF_SHORT, TIFF_LONG, TIFF_LONG8 = 3, 4, 16
TIFF_SIZES = {TIFF_SHORT: "H", TIFF_LONG: "I", TIFF_LONG8: "Q"}
TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
TIFF_LAST_TAG = 532
"""The last of TIFF 6.0's own tags; those above it are others' metadata, which may be broken."""
MOST_ENTRIES = 1_000_000
MOST_SEGMENTS = 10_000
"""JPEG segments before the first scan, GIF extensions before the first frame, boxes of a HEIC."""
MOST_EXIF_SEGMENTS = 16
"""A file has one; Pillow joins more, in time that grows with their square."""
MOST_CHUNKS = 100_000
MOST_SUB_BLOCKS = 500_000
MOST_TIFF_TAGS = 65_535


def is_whole_jpeg(data: bytes) -> bool:
    """ITU-T T.81 annex B: walks the segments to the first scan, then looks for EOI after it.

    Inside entropy-coded data a 0xFF is always stuffed, so the marker cannot occur there; the end of a
    thumbnail lies in a segment before the scan. What follows EOI (a second picture, padding) is no concern.
    Fill bytes and junk between segments are passed over, as decoders do.
    """
    at, exifs = 2, 0
    for _ in range(MOST_SEGMENTS):
        found = JPEG_MARKER.search(data, at)
        if found is None:
            return False
        at = found.end()
        marker = data[at - 1]
        if marker == JPEG_SOS:
            # From the end: a whole file is told at once, and only a broken one is searched through.
            return data.rfind(JPEG_EOI, at) >= 0
        exifs += marker == JPEG_APP1 and data[at + 2 : at + 8] == JPEG_EXIF
        if exifs > MOST_EXIF_SEGMENTS:
            return False
        if marker not in JPEG_STANDALONE:
            at += int.from_bytes(data[at : at + 2])
    return False


def is_whole_png(data: bytes) -> bool:
    """PNG specification, section 5: chunk by chunk up to IEND."""
    at = 8
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            return False
        length = int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + length
    return False


def is_whole_gif(data: bytes) -> bool:
    """GIF89a specification: block by block until the first frame's data has ended."""
    if len(data) < GIF_HEADER_BYTES:
        return False
    at = GIF_HEADER_BYTES + _color_table_bytes(data[10])
    for _ in range(MOST_SEGMENTS):
        kind = data[at] if at < len(data) else None
        if kind == GIF_EXTENSION:
            after = _skip_sub_blocks(data, at + 2)
        elif kind == GIF_IMAGE and at + 10 < len(data):
            return _skip_sub_blocks(data, at + 11 + _color_table_bytes(data[at + 9])) is not None
        else:
            return False
        if after is None:
            return False
        at = after
    return False


def is_whole_webp(data: bytes) -> bool:
    """RIFF: the size in the header covers everything after it."""
    return len(data) >= 12 and 8 + int.from_bytes(data[4:8], "little") <= len(data)


def is_whole_bmp(data: bytes) -> bool:
    """BMP: the rows that the header promises lie in the file, or its declared size where it is compressed."""
    if len(data) < 26:
        return False
    declared, _, offset, header = struct.unpack_from("<IIII", data, 2)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    elif len(data) >= 34:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    else:
        return False
    if compression in (0, 3, 6):
        row_bytes = (width * bits + 31) // 32 * 4
        return bool(offset + row_bytes * abs(height) <= len(data))
    return bool(declared <= len(data))


def is_whole_tiff(data: bytes) -> bool:
    """TIFF 6.0, section 2, and BigTIFF: the strips or tiles of the first picture lie in the file."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return False
    try:
        tags = _first_tiff_directory(data, order)
        for offsets_tag, counts_tag in TIFF_OFFSETS.items():
            if offsets_tag in tags and counts_tag in tags:
                ends = map(sum, zip(tags[offsets_tag], tags[counts_tag], strict=False))
                return max(ends, default=len(data) + 1) <= len(data)
    except (struct.error, OverflowError):
        return False
    return False


def is_whole_heif(data: bytes) -> bool:
    """ISO/IEC 14496-12, section 4: the boxes of the file lie in it, and one of them holds the picture's data."""
    at, has_data = 0, False
    for _ in range(MOST_SEGMENTS):
        if at + 8 > len(data):
            break
        size = int.from_bytes(data[at : at + 4])
        has_data = has_data or data[at + 4 : at + 8] == b"mdat"
        if size == 0:
            return has_data
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        if size < 8:
            return False
        at += size
    return has_data and at <= len(data)


COMPLETENESS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": is_whole_jpeg,
    "PNG": is_whole_png,
    "GIF": is_whole_gif,
    "WEBP": is_whole_webp,
    "BMP": is_whole_bmp,
    "TIFF": is_whole_tiff,
    "HEIF": is_whole_heif,
}


def _color_table_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(data: bytes, at: int) -> int | None:
    """The position after a chain of GIF sub-blocks, or None where it breaks off."""
    for _ in range(MOST_SUB_BLOCKS):
        if at >= len(data):
            return None
        if data[at] == 0:
            return at + 1
        at += 1 + data[at]
    return None


def _first_tiff_directory(data: bytes, order: str) -> dict[int, tuple[int, ...]]:
    """The offsets and byte counts of the first image file directory.

    Raises:
        struct.error: It points out of the file.
        OverflowError: It points out of any file.
    """
    big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
    start = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)[0]
    (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, start)
    first, entry = (start + 8, f"{order}HHQ") if big else (start + 2, f"{order}HHI")
    inline, step = (8, 20) if big else (4, 12)
    wanted = {tag for pair in TIFF_OFFSETS.items() for tag in pair}
    tags: dict[int, tuple[int, ...]] = {}
    for at in range(first, first + min(count, MOST_TIFF_TAGS) * step, step):
        tag, kind, length = struct.unpack_from(entry, data, at)
        if tag > TIFF_LAST_TAG or kind not in TIFF_BYTES:
            continue
        values = at + step - inline
        if length * TIFF_BYTES[kind] > inline:
            (values,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, values)
        if values + length * TIFF_BYTES[kind] > len(data):
            raise struct.error("values out of the file")
        if tag in wanted and kind in TIFF_SIZES and length <= MOST_ENTRIES:
            wanted.remove(tag)  # the first of a kind counts; repeated ones would only cost time
            tags[tag] = struct.unpack_from(f"{order}{length}{TIFF_SIZES[kind]}", data, values)
    return tags
