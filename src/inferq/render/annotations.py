"""Detections drawn on the picture that they were found in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from PIL import Image, ImageDraw

from inferq.models.pixels import decode_image
from inferq.predictions.record import Box, Detection
from inferq.render.encoding import encode
from inferq.render.lettering import tag_line
from inferq.render.palette import class_color, ink

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
    _Painter(image, scale, labels).draw(sorted(wanted, key=lambda d: d.score))
    # Without chroma subsampling, which would wash out thin coloured lines.
    return encode(image, "JPEG", quality=QUALITY, subsampling=0)


def _scale(width: int, height: int) -> float:
    """How much a picture is enlarged to be drawn on; below 1 where it is longer than a JPEG can be."""
    long, short = max(width, height), min(width, height)
    enlarged = max(LEAST_LONG_SIDE / long, min(LEAST_SHORT_SIDE / short, LONGEST_ENLARGED / long))
    return min(max(1.0, enlarged), MOST_JPEG_PIXELS / long)


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
        """Draws boxes, then labels, so that no line crosses a label; the last detection's label lies on top."""
        for detection in detections:
            color = class_color(detection.class_id)
            self._canvas.rectangle(self._edges(detection.box), outline=color, width=self._line)
        for detection in detections:
            self._draw_tag(detection)

    def _draw_tag(self, detection: Detection) -> None:
        left, top, _, _ = self._edges(detection.box)
        color = class_color(detection.class_id)
        pad = self._line + 1
        width, height = self._size
        line = tag_line(
            self._labels.get(detection.class_id, detection.label),
            detection.class_id,
            detection.score,
            size=self._letters,
            max_width=width - 2 * pad,
        )
        if line is None or line.height + 2 * pad > height:
            return
        tag_width, tag_height = line.width + 2 * pad, line.height + 2 * pad
        # Above the box where there is room, else inside it; never beyond the picture's edges.
        x = max(0, min(left, width - tag_width))
        y = top - tag_height if top >= tag_height else min(top, height - tag_height)
        self._canvas.rectangle((x, y, x + tag_width - 1, y + tag_height - 1), fill=color)
        line.draw(self._canvas, x + pad, y + pad, ink(color))

    def _edges(self, box: Box) -> tuple[int, int, int, int]:
        x_limit, y_limit = self._size[0] - 1, self._size[1] - 1
        left, top = round(box.x_min * self._scale), round(box.y_min * self._scale)
        right, bottom = round(box.x_max * self._scale), round(box.y_max * self._scale)
        left, top = min(max(left, 0), x_limit), min(max(top, 0), y_limit)
        return left, top, min(max(right, left), x_limit), min(max(bottom, top), y_limit)
