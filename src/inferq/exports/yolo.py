"""YOLO as Ultralytics lays it out: a text file of boxes for each picture, and the class names in `data.yaml`."""

import json
import re
from collections.abc import Iterable, Iterator

from inferq.exports.base import Entry, ExportFormat, Part, visible_part
from inferq.predictions.record import Box

DECIMALS = 8
"""Of a side: a ten-thousandth of a pixel on a picture 10,000 pixels wide."""

# What YAML allows in double quotes only as an escape, or reads as a line's end; `json` escapes the rest.
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write_yolo(entries: Iterable[Entry]) -> Iterator[Part]:
    """`labels/<name>.txt` with a line `class cx cy w h` a box, each of the four as a share of the picture's side.

    Classes are numbered from 0 in the order in which their labels are met, whatever the models call them; so
    `data.yaml` comes last. Boxes are clipped to the picture, and those without area left out, as trainers refuse
    both. A picture without boxes has an empty file, which makes it a background. There is no place for scores.
    """
    indices: dict[str, int] = {}
    for entry in entries:
        lines = []
        for detection in entry.detections:
            box = visible_part(detection.box, entry.size)
            if box is not None:
                index = indices.setdefault(detection.label, len(indices))
                lines.append(f"{index} {_shares(box, entry.size)}\n")
        yield Part(f"labels/{entry.name}.txt", "".join(lines).encode())
    yield Part("data.yaml", _data_yaml(indices).encode())


def _shares(box: Box, size: tuple[int, int]) -> str:
    width, height = size
    numbers = (
        (box.x_min + box.x_max) / 2 / width,
        (box.y_min + box.y_max) / 2 / height,
        box.width / width,
        box.height / height,
    )
    return " ".join(f"{number:.{DECIMALS}f}" for number in numbers)


def _data_yaml(indices: dict[str, int]) -> str:
    """Without `path`, so that the folders are looked for beside the file."""
    names = "".join(f"  {index}: {_quoted(label)}\n" for label, index in indices.items())
    head = f"train: images\nval: images\nnc: {len(indices)}\n"
    return head + (f"names:\n{names}" if names else "names: {}\n")


def _quoted(text: str) -> str:
    """A string in YAML's double quotes, whose escapes are JSON's for all but pairs of surrogates."""
    quoted = json.dumps(text, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda char: f"\\u{ord(char[0]):04x}", quoted)


YOLO = ExportFormat(
    name="yolo",
    about="YOLO (Ultralytics): class, centre, width and height in labels/, class names in data.yaml.\n"
    "train and val in data.yaml are the same pictures: divide them before you train.",
    write=write_yolo,
)
