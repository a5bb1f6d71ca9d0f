"""Detections drawn on the picture that they were found in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from PIL import Image, ImageDraw

from inferq.models.pixels import decode_image
from inferq.predictions.record import Box, Detection
from inferq.render.encoding import encode
from inferq.render.lettering import Line, tag_line
from inferq.render.palette import Color, class_color, ink

Area = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the last two included."""

QUALITY = 90
LEAST_LONG_SIDE = 640
LEAST_SHORT_SIDE = 64
LONGEST_ENLARGED = 16_000
MOST_JPEG_PIXELS = 65_000
STRIP = 4
"""A picture longer than this many times its height is drawn on as if it were no longer."""


def annotate(
    data: bytes,
    detections: Iterable[Detection],
    *,
    score_threshold: float = 0.0,
    classes: Collection[str] = (),
    labels: Mapping[int, str] = MappingProxyType({}),
) -> bytes:
    """A picture as JPEG with a box and a label for each detection that is wanted.

    Lines and letters grow with the picture; a small or narrow one is enlarged, so that they can be read.

    Args:
        data: The picture as it was uploaded.
        detections: In pixels of the picture as a person sees it.
        score_threshold: Least score drawn.
        classes: Labels of detections drawn; all where empty.
        labels: Class id to what is written for it; else it is the detection's label.

    Raises:
        ImageDamaged: The pixels cannot be decoded.
    """
    image = decode_image(data).image
    scale = _scale(*image.size)
    if scale != 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    wanted = [
        d for d in detections if d.score >= score_threshold and (not classes or d.label in classes)
    ]
    _Painter(image, scale, labels).draw(sorted(wanted, key=lambda d: d.score, reverse=True))
    # Without chroma subsampling, which would wash out thin coloured lines.
    return encode(image, "JPEG", quality=QUALITY, subsampling=0)


def _scale(width: int, height: int) -> float:
    """How much a picture is enlarged to be drawn on; below 1 where it is longer than a JPEG can be."""
    long, short = max(width, height), min(width, height)
    enlarged = max(LEAST_LONG_SIDE / long, min(LEAST_SHORT_SIDE / short, LONGEST_ENLARGED / long))
    return min(max(1.0, enlarged), MOST_JPEG_PIXELS / long)


@dataclass(frozen=True, slots=True)
class _Tag:
    line: Line
    area: Area
    color: Color


def _overlap(one: Area, other: Area) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


class _Painter:
    """Draws detections with lines and letters that fit one picture."""

    def __init__(self, image: Image.Image, scale: float, labels: Mapping[int, str]) -> None:
        side = min(max(image.size), STRIP * min(image.size))
        self._canvas = ImageDraw.Draw(image)
        self._size = image.size
        self._scale = scale
        self._labels = labels
        self._line = max(3, round(side / 280))
        self._letters = max(16, round(side / 42))

    def draw(self, detections: Sequence[Detection]) -> None:
        """Draws boxes, then labels, so that no line crosses a label.

        Args:
            detections: Best first: it lies on top, and its label is placed before the others'.
        """
        for detection in reversed(detections):
            color = class_color(detection.class_id)
            self._canvas.rectangle(self._edges(detection.box), outline=color, width=self._line)
        for tag in reversed(self._tags(detections)):
            self._canvas.rectangle(tag.area, fill=tag.color)
            pad = self._line + 1
            tag.line.draw(self._canvas, tag.area[0] + pad, tag.area[1] + pad, ink(tag.color))

    def _tags(self, detections: Sequence[Detection]) -> list[_Tag]:
        tags: list[_Tag] = []
        pad = self._line + 1
        width, height = self._size
        for detection in detections:
            line = tag_line(
                self._labels.get(detection.class_id, detection.label),
                detection.class_id,
                detection.score,
                size=self._letters,
                max_width=width - 2 * pad,
            )
            if line is None or line.height + 2 * pad > height:
                continue
            places = self._places(detection.box, line.width + 2 * pad, line.height + 2 * pad)
            taken = [tag.area for tag in tags]
            free = (p for p in places if not any(_overlap(p, area) for area in taken))
            area = next(free, places[0])
            tags.append(_Tag(line, area, class_color(detection.class_id)))
        return tags

    def _places(self, box: Box, width: int, height: int) -> list[Area]:
        """Where a label may stand within the picture: above its box if there is room, else inside; then elsewhere."""
        left, top, right, bottom = self._edges(box)
        rightmost, lowest = self._size[0] - width, self._size[1] - height
        start = min(left, rightmost)
        end = min(max(0, right - width), rightmost)
        corners = (
            (start, top - height),
            (start, min(top, lowest)),
            (end, top - height),
            (end, top),
            (start, bottom),
            (start, bottom - height),
            (end, bottom),
        )
        return [(x, y, x + width - 1, y + height - 1) for x, y in corners if 0 <= y <= lowest]

    def _edges(self, box: Box) -> tuple[int, int, int, int]:
        x_limit, y_limit = self._size[0] - 1, self._size[1] - 1
        left, top = round(box.x_min * self._scale), round(box.y_min * self._scale)
        right, bottom = round(box.x_max * self._scale), round(box.y_max * self._scale)
        left, top = min(max(left, 0), x_limit), min(max(top, 0), y_limit)
        return left, top, min(max(right, left), x_limit), min(max(bottom, top), y_limit)
