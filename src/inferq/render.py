"""Pictures made of pictures: previews, and detections drawn on an image."""

import io
from collections.abc import Collection, Iterable
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from inferq.models.pixels import decode_image
from inferq.predictions.record import Box, Detection

PREVIEW_QUALITY = 82
ANNOTATED_QUALITY = 90
LEAST_SIDE = 640
EVEN_LUMINANCE = 0.179
Color = tuple[int, int, int]
BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)

# Paul Tol's "bright" and "vibrant" schemes, told apart with every common form of colour blindness
# (https://sronpersonalpages.nl/~pault/, technical note SRON/EPS/TN/09-002). The web client has the same.
PALETTE: tuple[Color, ...] = (
    (68, 119, 170),
    (238, 102, 119),
    (34, 136, 51),
    (204, 187, 68),
    (102, 204, 238),
    (170, 51, 119),
    (238, 119, 51),
    (0, 153, 136),
    (238, 51, 119),
    (51, 187, 238),
)


def preview(data: bytes, max_side: int) -> bytes:
    """A picture as WebP: oriented, without metadata, its longer side at most `max_side` pixels.

    Raises:
        ImageDamaged: The pixels cannot be decoded.
    """
    image = decode_image(data, draft=(max_side, max_side)).image
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _encode(image, "WEBP", quality=PREVIEW_QUALITY)


def annotate(
    data: bytes,
    detections: Iterable[Detection],
    *,
    score_threshold: float = 0.0,
    classes: Collection[str] = (),
) -> bytes:
    """A picture as JPEG with a box and a label for each detection that is wanted.

    Lines and letters grow with the picture; one smaller than 640 pixels is enlarged, so that they can be read.

    Args:
        data: The picture as it was uploaded.
        detections: In pixels of the picture as a person sees it.
        score_threshold: Least score drawn.
        classes: Labels drawn; all where empty.

    Raises:
        ImageDamaged: The pixels cannot be decoded.
    """
    image = decode_image(data).image
    scale = max(1.0, LEAST_SIDE / max(image.size))
    if scale > 1:
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    wanted = [
        d for d in detections if d.score >= score_threshold and (not classes or d.label in classes)
    ]
    painter = _Painter(image, scale)
    # The best detection is drawn last, so that its label lies on top.
    for detection in sorted(wanted, key=lambda d: d.score):
        painter.draw(detection)
    # Without chroma subsampling, which would wash out thin coloured lines.
    return _encode(image, "JPEG", quality=ANNOTATED_QUALITY, subsampling=0)


def class_color(class_id: int) -> Color:
    """The colour of a class, the same everywhere; neighbouring ids differ, and so do ids a decade apart."""
    return PALETTE[(3 * class_id + class_id // 10) % len(PALETTE)]


class _Painter:
    """Draws detections with lines and letters that fit one picture."""

    def __init__(self, image: Image.Image, scale: float) -> None:
        side = max(image.size)
        self._canvas = ImageDraw.Draw(image)
        self._size = image.size
        self._scale = scale
        self._line = max(3, round(side / 280))
        self._font = ImageFont.load_default(max(14, round(side / 45)))

    def draw(self, detection: Detection) -> None:
        color = class_color(detection.class_id)
        left, top, right, bottom = self._edges(detection.box)
        self._canvas.rectangle((left, top, right, bottom), outline=color, width=self._line)
        text = f"{detection.label} {detection.score:.2f}"
        pad = self._line + 1
        _, _, width, height = self._canvas.textbbox((0, 0), text, font=self._font, anchor="lt")
        tag_width, tag_height = width + 2 * pad, height + 2 * pad
        # Above the box where there is room, else inside it; never beyond the picture's right edge.
        x = max(0, min(left, self._size[0] - tag_width))
        y = top - tag_height if top >= tag_height else top
        self._canvas.rectangle((x, y, x + tag_width, y + tag_height), fill=color)
        self._canvas.text((x + pad, y + pad), text, fill=_ink(color), font=self._font, anchor="lt")

    def _edges(self, box: Box) -> tuple[int, int, int, int]:
        x_limit, y_limit = self._size[0] - 1, self._size[1] - 1
        left, top = round(box.x_min * self._scale), round(box.y_min * self._scale)
        right, bottom = round(box.x_max * self._scale), round(box.y_max * self._scale)
        left, top = min(max(left, 0), x_limit), min(max(top, 0), y_limit)
        return left, top, min(max(right, left), x_limit), min(max(bottom, top), y_limit)


def _ink(background: Color) -> Color:
    """Black or white, whichever has more contrast: the sRGB luminance where both have as much is 0.179."""
    red, green, blue = ((channel / 255) ** 2.2 for channel in background)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return BLACK if luminance > EVEN_LUMINANCE else WHITE


def _encode(image: Image.Image, file_format: Literal["WEBP", "JPEG"], **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
