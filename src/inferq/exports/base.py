"""What the export formats share: an entry, its safe name in an archive, and what makes a format."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from inferq.predictions.record import Box, Detection, DetectionsResult, Prediction

LONGEST_STEM_BYTES = 100
KEPT_CATEGORIES = frozenset("LMN")
"""Letters, marks and numbers of any script (first letter of the Unicode category)."""

EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/tiff": ".tif",
    "image/heic": ".heic",
}
SIGNATURES = (
    (re.compile(rb"\xff\xd8\xff"), ".jpg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), ".png"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), ".webp"),
    (re.compile(rb"BM"), ".bmp"),
    (re.compile(rb"GIF8"), ".gif"),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), ".tif"),
    (re.compile(rb".{4}ftyp", re.DOTALL), ".heic"),
)


class Part(NamedTuple):
    """Bytes of the file at `path` in an archive; parts of one path belong together, in order."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A prediction in an export; its files are `name` with an extension, its picture's being `extension`."""

    prediction: Prediction
    name: str
    extension: str
    with_picture: bool = False

    @classmethod
    def of(cls, prediction: Prediction, picture: bytes | None = None) -> "Entry":
        """The entry of a prediction whose picture, if it has one here, is these bytes."""
        uploaded = EXTENSIONS.get(prediction.input.media_type, ".bin")
        return cls(
            prediction,
            safe_name(prediction),
            uploaded if picture is None else picture_extension(picture, uploaded),
            picture is not None,
        )

    @property
    def picture(self) -> str:
        """The picture's file name."""
        return self.name + self.extension

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels as a person sees the picture; zero where unknown."""
        return self.prediction.input.width or 0, self.prediction.input.height or 0

    @property
    def detections(self) -> tuple[Detection, ...]:
        """What was found, if objects were looked for; best score first."""
        result = self.prediction.result
        return result.detections if isinstance(result, DetectionsResult) else ()


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of exports.

    Attributes:
        name: The word by which it is asked for.
        about: What a person should know who opens the archive; lines of its `README.txt`.
        write: Turns entries into parts of files. Gives at least one part an entry before it asks for the next one,
            and keeps nothing that grows with their number in memory.
        pictures: The folder of the pictures.
        boxes_only: Whether it takes only predictions that can have boxes (`has_boxes`).
        document: The path of its one file in an archive; none if it is a format of many files.
        media_type: Of the one file.
        extension: Of the one file.
    """

    name: str
    about: str
    write: Callable[[Iterable[Entry]], Iterator[Part]]
    pictures: str = "images"
    boxes_only: bool = True
    document: str | None = None
    media_type: str = "application/zip"
    extension: str = ".zip"

    def takes(self, prediction: Prediction) -> bool:
        """Whether a prediction can be told of in this format."""
        return has_boxes(prediction) or not self.boxes_only


def has_boxes(prediction: Prediction) -> bool:
    """Whether objects were looked for in a picture of known size, and the search succeeded (found or not).

    Only what succeeded has a result.
    """
    source = prediction.input
    return isinstance(prediction.result, DetectionsResult) and bool(source.width and source.height)


def safe_name(prediction: Prediction) -> str:
    """The uploaded file's name, so far as every file system takes it, and the task id: unique and always the same.

    Letters and numbers of any script stay; anything else (dots and spaces too, which some readers of data sets split
    names at) becomes `_`. At most 133 bytes of UTF-8.
    """
    last = re.split(r"[/\\]", prediction.input.filename or "")[-1]
    stem = unicodedata.normalize("NFC", PurePosixPath(last).stem)
    safe = "".join(char if _is_kept(char) else "_" for char in stem)
    short = safe.encode()[:LONGEST_STEM_BYTES].decode(errors="ignore")
    return f"{re.sub('_+', '_', short).strip('-_') or 'image'}-{prediction.task_id}"


def picture_extension(data: bytes, fallback: str) -> str:
    """The extension that suits a picture's bytes, as its name may have been made for others."""
    return next((ext for signature, ext in SIGNATURES if signature.match(data)), fallback)


def visible_part(box: Box, size: tuple[int, int]) -> Box | None:
    """What lies of a box within a picture of this width and height; none if that has no area."""
    width, height = size
    visible = Box(
        x_min=max(box.x_min, 0.0),
        y_min=max(box.y_min, 0.0),
        x_max=min(box.x_max, width),
        y_max=min(box.y_max, height),
    )
    return visible if visible.width > 0 and visible.height > 0 else None


def _is_kept(char: str) -> bool:
    return char == "-" or unicodedata.category(char)[0] in KEPT_CATEGORIES
