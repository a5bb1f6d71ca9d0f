"""A test model whose behaviour the uploaded picture's size decides: the height says what, the width how long."""

import io
import os
import signal
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from PIL import Image
from typing_extensions import override

from inferq.models.base import Context
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder
from inferq.models.register import RegisteredCard
from inferq.models.served import ServedModel

NAME, VERSION = "faulty", "1"
REFERENCE = f"{NAME}@{VERSION}"
GREED_BYTES = 256 * 2**20


class Deed(IntEnum):
    """What the model does with a picture of this height."""

    WORK = 16
    ABORT = 17
    HANG = 18
    RAISE = 19
    OUT_OF_MEMORY = 20


@dataclass(frozen=True, slots=True)
class Picture:
    """What to do, and how many milliseconds to work before."""

    deed: Deed = Deed.WORK
    milliseconds: int = 20

    @property
    def png(self) -> bytes:
        """The picture as a file; the same bytes each time."""
        return _png(max(self.milliseconds, 1), self.deed)


QUICK = Picture()
SLOW = Picture(milliseconds=3000)


class FaultModel(ServedModel[Picture, None]):
    """Answers nothing after a while, or does worse."""

    def __init__(self) -> None:
        card = read_card(bundled_folder()).model_copy(
            update={"name": NAME, "version": VERSION, "description": "Fails as it is told."}
        )
        self.about = RegisteredCard.of(card)

    @override
    def load(self, ctx: Context) -> None:
        """There is nothing to load."""

    @override
    def preprocess(self, data: bytes, parameters: Mapping[str, Any]) -> Picture:
        """Reads the size from the PNG's header."""
        width, height = struct.unpack(">II", data[16:24])
        return Picture(Deed(height), width)

    @override
    def infer(self, items: Sequence[Picture]) -> list[None]:
        """Works for a while, then does the deed."""
        for item in items:
            _work(item.milliseconds / 1000)
            _do(item.deed)
        return [None for _ in items]

    @override
    def postprocess(
        self, output: None, item: Picture, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """No detections."""
        return {"kind": "detections", "detections": []}

    @override
    def sample(self) -> bytes:
        """A harmless picture."""
        return QUICK.png

    @override
    def warm_up(self) -> None:
        """There is nothing to warm."""


def _work(seconds: float) -> None:
    # Not time.sleep: it asks for an absolute time, which libfaketime does not translate.
    threading.Event().wait(seconds)


def _do(deed: Deed) -> None:
    if deed is Deed.ABORT:
        os.abort()
    if deed is Deed.HANG:
        _work(3600)
    if deed is Deed.RAISE:
        raise ArithmeticError("the model was told to raise")
    if deed is Deed.OUT_OF_MEMORY:
        greed = bytearray(os.urandom(4096)) * (GREED_BYTES // 4096)
        # What the kernel does to the greediest process, without the other processes of this machine at risk.
        os.kill(os.getpid(), signal.SIGKILL)
        del greed


@cache
def _png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()
