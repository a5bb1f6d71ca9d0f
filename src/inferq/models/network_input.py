"""From a decoded picture to the network's input, as the model's card says."""

from typing import Any

import numpy as np
import numpy.typing as npt

from inferq.models.card import InputTensor
from inferq.models.pixels import Decoded, Placement, letterbox, place, stretch

Input = npt.NDArray[np.uint8 | np.float16 | np.float32]


def network_input(decoded: Decoded, card: InputTensor) -> tuple[Input, Placement]:
    """One picture as the network takes it, without the batch axis, and where it lies in it.

    Args:
        decoded: The picture; its own size decides the proportions of a letterbox.
        card: Size, resizing, colours, layout, type and normalisation.

    Returns:
        uint8, float16 or float32 `[height, width, 3]` (`NHWC`) or `[3, height, width]` (`NCHW`).
    """
    into = (card.width, card.height)
    if card.resize == "stretch":
        placement = Placement(0, 0, *into, *into)
        levels = stretch(decoded.image, *into)
    else:
        size = (decoded.width, decoded.height)
        placement = place(size, into, center=card.position == "center")
        levels = letterbox(decoded.image, placement, fill=card.fill)
    if card.color == "BGR":
        levels = levels[:, :, ::-1]
    values: npt.NDArray[Any] = levels if card.dtype == "uint8" else _normalized(levels, card)
    if card.layout == "NCHW":
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values), placement


def _normalized(levels: npt.NDArray[np.uint8], card: InputTensor) -> npt.NDArray[np.floating]:
    values = levels.astype(np.float32)
    if card.divide_by != 1:
        values /= np.float32(card.divide_by)
    if any(card.mean):
        values -= np.array(card.mean, np.float32)
    if card.std != (1, 1, 1):
        values /= np.array(card.std, np.float32)
    return values.astype(card.dtype, copy=False)
