"""The process behind `render.processes`: draws one picture after the other, under a memory limit, until its input ends.

Request: a line of JSON (`make`, `arguments`, `size`), then the picture. Answer: a line of JSON (`size`, and `code` where it is
a problem's text), then the bytes. Only bytes and JSON come back, so that whoever takes this process over by a picture can
make the server believe no more than another picture.
"""

import json
import resource
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from pydantic import TypeAdapter

from inferq.errors import InferqError, OutOfMemory
from inferq.predictions.record import Detection
from inferq.render.annotations import annotate
from inferq.render.previews import preview
from inferq.render.turning import upright

DETECTIONS = TypeAdapter(tuple[Detection, ...])


def _annotate(
    data: bytes, *, detections: Any, labels: list[tuple[int, str]], **options: Any
) -> bytes:
    return annotate(data, DETECTIONS.validate_python(detections), labels=dict(labels), **options)


MAKERS: dict[str, Callable[..., bytes]] = {
    "annotate": _annotate,
    "preview": preview,
    "upright": upright,
}


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answers requests until there are no more."""
    while line := source.readline():
        wish = json.loads(line)
        data = source.read(wish["size"])
        head, body = _made(partial(MAKERS[wish["make"]], data, **wish["arguments"]))
        sink.write(json.dumps(head | {"size": len(body)}).encode() + b"\n" + body)
        sink.flush()


def _made(make: Callable[[], bytes]) -> tuple[dict[str, str], bytes]:
    try:
        return {}, make()
    except InferqError as error:
        return {"code": error.code}, error.detail.encode()
    except MemoryError:
        text = "To draw this picture takes more memory than there is for it."
        return {"code": OutOfMemory.code}, text.encode()


def main() -> None:
    """Runs on standard input and output; the first argument is the most memory, in bytes."""
    most = int(sys.argv[1])
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
