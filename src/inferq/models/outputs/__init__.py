"""Output formats: how a network's raw tensors become boxes and scores; one file a format."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from inferq.models.outputs.base import RawDetections
from inferq.models.outputs.ssd import read_ssd

__all__ = ["OUTPUT_FORMATS", "OutputFormat"]

OutputFormat = Callable[[Mapping[str, npt.NDArray[np.float32]], int], RawDetections]

OUTPUT_FORMATS: dict[str, OutputFormat] = {
    "ssd": read_ssd,
}
