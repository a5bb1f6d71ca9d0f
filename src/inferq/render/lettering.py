"""Labels in any script: which font has which letters, and how much room they take.

The fonts come with the package (`fonts/README.md`). What none of them can draw is never drawn as empty boxes.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

from inferq.render.palette import Color

FONTS = Path(__file__).parent / "fonts"
LATIN = "NotoSans-Medium.ttf"
FACES = (
    LATIN,
    "NotoSansArabic-Medium.ttf",
    "NotoSansHebrew-Medium.ttf",
    "NotoSansThai-Medium.ttf",
    "DroidSansFallback.ttf",
)
"""The first of these that has a letter draws it."""
NO_CHARACTER = "\U0010ffff"
"""Has no glyph in any font, so it shows what a font draws for a letter that it lacks."""
PROBE_SIZE = 16
READABLE = frozenset("LMN")
"""Unicode categories (letters, marks, numbers) without which a label says something else."""
UNSEEN = frozenset({"Cc", "Cf"})
JOINERS = "\u200c\u200d"
"""Of the unseen characters these alone belong to words; others would turn the writing around."""
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
DEVANAGARI = range(0x0900, 0x0980)
LONGEST_LABEL = 120
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, laid out; `top` and `bottom` of its ink in pixels from the baseline, down is positive."""

    runs: tuple[tuple[ImageFont.FreeTypeFont, str], ...]
    width: int
    top: int
    bottom: int

    @property
    def height(self) -> int:
        """Height of the ink in pixels."""
        return self.bottom - self.top

    def draw(self, canvas: ImageDraw.ImageDraw, x: int, y: int, color: Color) -> None:
        """Draws the line with the upper left corner of its ink at `x`, `y`."""
        left = float(x)
        for font, text in self.runs:
            canvas.text((left, y - self.top), text, fill=color, font=font, anchor="ls")
            left += font.getlength(text)


def tag_line(label: str, class_id: int, score: float, *, size: int, max_width: int) -> Line | None:
    """What is written beside a box: the label and the score.

    A label that no font can draw, or not readably, is written as its class id. One that is too wide ends in an
    ellipsis, or is left out. None where not even the score fits.

    Args:
        label: In any script, or several.
        class_id: Stands for the label where that cannot be drawn.
        score: 0 to 1.
        size: Height of the letters' square in pixels.
        max_width: Pixels there are.
    """
    name, number = drawable(label) or f"#{class_id}", f"{score:.2f}"

    def written(text: str) -> Line:
        return _lay_out([*_runs(text), (LATIN, f" {number}")], size)

    texts = [name, *_shortened(name)]
    fitting = bisect_left(texts, True, key=lambda text: written(text).width <= max_width)
    line = written(texts[fitting]) if fitting < len(texts) else _lay_out([(LATIN, number)], size)
    return line if line.width <= max_width else None


def drawable(label: str) -> str | None:
    """The part of a label that can be drawn; None where a letter is missing, or nothing is left.

    Symbols that no font has, such as emoji, are left out, and so are control characters.
    """
    text = unicodedata.normalize("NFC", " ".join(label.split())[:LONGEST_LABEL])
    kept = []
    for character in text:
        if unicodedata.category(character) in UNSEEN and character not in JOINERS:
            continue
        if _face(character) and _readable(character):
            kept.append(character)
        elif unicodedata.category(character)[0] in READABLE:
            return None
    return " ".join("".join(kept).split()) or None


def has_glyph(face: str, character: str) -> bool:
    """Whether a font has a glyph of its own for a character."""
    return character == " " or _picture(face, character) != _picture(face, NO_CHARACTER)


def _readable(character: str) -> bool:
    """Whether letters can be joined and put in order where their script needs it (Pillow does with FriBiDi)."""
    shaped = unicodedata.bidirectional(character) in RIGHT_TO_LEFT or ord(character) in DEVANAGARI
    return not shaped or bool(features.check("raqm"))


def _shortened(text: str) -> Iterator[str]:
    """A text without its last letter, then without the last two, and so on; marks go with their letters."""
    for end in range(len(text) - 1, 0, -1):
        if not unicodedata.category(text[end]).startswith("M"):
            yield text[:end].rstrip() + ELLIPSIS


def _runs(text: str) -> list[tuple[str, str]]:
    """A text in parts that one font each can draw, from left to right; as few as can be."""
    runs: list[tuple[str, str]] = []
    for character in text:
        if runs and has_glyph(runs[-1][0], character):
            runs[-1] = (runs[-1][0], runs[-1][1] + character)
        else:
            runs.append((_face(character) or LATIN, character))
    return [part for face, text in runs for part in _spaced(face, text)]


def _spaced(face: str, text: str) -> Iterator[tuple[str, str]]:
    """A run with the space at its end as a run of its own: in one from right to left it would change sides."""
    yield face, text.rstrip() or text
    if text != text.rstrip() and text.strip():
        yield LATIN, " "


def _lay_out(runs: list[tuple[str, str]], size: int) -> Line:
    parts = tuple((_font(face, size), text) for face, text in runs)
    boxes = [font.getbbox(text, anchor="ls") for font, text in parts]
    return Line(
        parts,
        width=round(sum(font.getlength(text) for font, text in parts)),
        top=round(min(box[1] for box in boxes)),
        bottom=round(max(box[3] for box in boxes)),
    )


@lru_cache(maxsize=4096)
def _face(character: str) -> str | None:
    return next((face for face in FACES if has_glyph(face, character)), None)


@lru_cache(maxsize=4096)
def _picture(face: str, character: str) -> tuple[float, tuple[int, int], bytes]:
    """What a font draws for a character: its advance, and its pixels."""
    font = _font(face, PROBE_SIZE)
    mask = font.getmask(character)
    return font.getlength(character), mask.size, bytes(mask)


@lru_cache(maxsize=32)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / face, size)
