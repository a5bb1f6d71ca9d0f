"""Pascal VOC: an XML file for each picture."""

import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from inferq.exports.base import Entry, ExportFormat, Part, visible_part
from inferq.predictions.record import Box

DECIMALS = 6
# XML 1.0 cannot hold the rest, not even as an escape; a carriage return would come back as a line feed.
UNSPEAKABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_voc(entries: Iterable[Entry]) -> Iterator[Part]:
    """`Annotations/<name>.xml` with an `object` a box.

    Pixels count from 1 and both edges belong to the box, as in the VOC development kit: a box over a picture 640 wide
    goes from `xmin` 1 to `xmax` 640. So `xmin` and `ymin` are greater by one than the prediction's, `xmax` and `ymax`
    are the same. Fractions stay (VOC's own files have some); readers that want whole pixels round them. Boxes
    are clipped to the picture, and those without area left out, as trainers refuse both; a side of less than a pixel
    is made one pixel, since `xmax` may not be less than `xmin`. A picture without boxes has a file without objects.
    Characters that XML cannot hold become U+FFFD. There is no place for scores.
    """
    for entry in entries:
        root = _annotation(entry)
        ET.indent(root)
        data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        yield Part(f"Annotations/{entry.name}.xml", data + b"\n")


def _annotation(entry: Entry) -> ET.Element:
    width, height = entry.size
    root = ET.Element("annotation")
    _texts(root, folder="JPEGImages", filename=entry.picture)
    _texts(ET.SubElement(root, "source"), database="inferq", annotation=entry.prediction.task_id)
    _texts(ET.SubElement(root, "size"), width=str(width), height=str(height), depth="3")
    _texts(root, segmented="0")
    for detection in entry.detections:
        box = visible_part(detection.box, entry.size)
        if box is not None:
            found = ET.SubElement(root, "object")
            _texts(found, name=detection.label, pose="Unspecified", truncated="0", difficult="0")
            _texts(ET.SubElement(found, "bndbox"), **_edges(box, entry.size))
    return root


def _texts(parent: ET.Element, **texts: str) -> None:
    for tag, text in texts.items():
        ET.SubElement(parent, tag).text = UNSPEAKABLE.sub("\ufffd", text)


def _edges(box: Box, size: tuple[int, int]) -> dict[str, str]:
    width, height = size
    x_min, x_max = _inclusive(box.x_min, box.x_max, width)
    y_min, y_max = _inclusive(box.y_min, box.y_max, height)
    return {"xmin": x_min, "ymin": y_min, "xmax": x_max, "ymax": y_max}


def _inclusive(low: float, high: float, side: int) -> tuple[str, str]:
    """First and last pixel, counted from 1, of what is at least one pixel wide and within the side."""
    low = min(low, side - 1)
    return _number(low + 1), _number(max(high, low + 1))


def _number(value: float) -> str:
    """Without a fraction where there is none, for readers that expect whole numbers."""
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")


VOC = ExportFormat(
    name="voc",
    about="Pascal VOC in Annotations/; the first pixel is 1, and both edges belong to the box.",
    write=write_voc,
    pictures="JPEGImages",
)
