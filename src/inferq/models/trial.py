"""One input through a model that is loaded, without a server: what comes of it, and how long each stage takes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inferq.models.served import ServedModel


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one input: the result as the model gave it, and milliseconds by stage."""

    result: Mapping[str, Any]
    timings_ms: Mapping[str, float]


def try_model(model: ServedModel[Any, Any], data: bytes, parameters: Mapping[str, Any]) -> Trial:
    """Runs one input through a model.

    Raises:
        InferqError: The input or the model is at fault.
    """
    times = [time.perf_counter()]
    item = model.preprocess(data, parameters)
    times.append(time.perf_counter())
    (output,) = model.infer([item])
    times.append(time.perf_counter())
    result = model.postprocess(output, item, parameters)
    times.append(time.perf_counter())
    stages = zip(("preprocess", "inference", "postprocess"), times, times[1:], strict=False)
    taken = {name: round((end - start) * 1e3, 2) for name, start, end in stages}
    return Trial(result, taken | {"total": round((times[-1] - times[0]) * 1e3, 2)})
