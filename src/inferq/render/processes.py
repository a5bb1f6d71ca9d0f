"""Rendering in processes of its own: a picture that crashes its decoder, or hangs it, ends one of them and not the server."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from inferq.errors import ImageDamaged, error_class
from inferq.predictions.record import Detection

COUNT = 2
MEMORY_BYTES = 3 * 2**30
"""What one may take: several times a picture of 64 million pixels."""
LONGEST_SECONDS = 60.0
SECRETS = ("INFERQ_", "AWS_", "AZURE_", "GOOGLE_")
"""How the names of variables begin that may hold some, storage's credentials among them."""


class RenderProcesses:
    """Draws in few processes, which are started when they are needed; callers wait for a free one.

    Its methods are those of `render`, and raise what those raise; `ImageDamaged` also where a picture has ended its
    process, and `OutOfMemory` where it takes too much.
    """

    def __init__(self, *, count: int = COUNT, memory_bytes: int = MEMORY_BYTES) -> None:
        """Starts nothing yet."""
        self._all = [_Process(memory_bytes) for _ in range(count)]
        self._free: queue.LifoQueue[_Process] = queue.LifoQueue()
        for process in self._all:
            self._free.put(process)

    def preview(self, data: bytes, max_side: int) -> bytes:
        """See `render.preview`."""
        return self._draw("preview", data, {"max_side": max_side})

    def annotate(
        self,
        data: bytes,
        detections: Iterable[Detection],
        *,
        score_threshold: float = 0.0,
        classes: Collection[str] = (),
        labels: Mapping[int, str] = MappingProxyType({}),
    ) -> bytes:
        """See `render.annotate`."""
        arguments = {
            "detections": [detection.model_dump(mode="json") for detection in detections],
            "score_threshold": score_threshold,
            "classes": list(classes),
            "labels": list(labels.items()),
        }
        return self._draw("annotate", data, arguments)

    def upright(self, data: bytes) -> bytes:
        """See `render.upright`."""
        return self._draw("upright", data, {})

    def close(self) -> None:
        """Ends the processes."""
        for process in self._all:
            process.end()

    def _draw(self, make: str, data: bytes, arguments: Mapping[str, Any]) -> bytes:
        process = self._free.get()
        try:
            return process.draw(make, data, arguments)
        finally:
            self._free.put(process)


class _Process:
    """One process, started again after a picture has ended it; used by one caller at a time."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._popen: subprocess.Popen[bytes] | None = None

    def draw(self, make: str, data: bytes, arguments: Mapping[str, Any]) -> bytes:
        process = self._popen = self._popen or self._start()
        wish = {"make": make, "arguments": arguments, "size": len(data)}
        timer = threading.Timer(LONGEST_SECONDS, process.kill)
        timer.daemon = True
        timer.start()
        try:
            head, body = _exchange(process, json.dumps(wish).encode() + b"\n" + data)
        except (BrokenPipeError, EOFError):
            self.end()
            raise ImageDamaged(
                "The picture could not be drawn: it has ended the process that decoded it."
            ) from None
        finally:
            timer.cancel()
        if "code" in head:
            raise error_class(head["code"])(body.decode())
        return body

    def end(self) -> None:
        process, self._popen = self._popen, None
        if process is not None:
            process.kill()
            process.communicate()

    def _start(self) -> "subprocess.Popen[bytes]":
        # It needs none of our secrets, and a picture that takes it over shall find none.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(SECRETS)
        }
        return subprocess.Popen(  # noqa: S603 - our own process
            [sys.executable, "-m", "inferq.render.drawer", str(self._memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            process_group=0,  # Ctrl-C is for the server, which ends it
        )


def _exchange(process: "subprocess.Popen[bytes]", request: bytes) -> tuple[dict[str, Any], bytes]:
    """Sends a request and takes the answer.

    Raises:
        BrokenPipeError: The process ended before it had read all.
        EOFError: It ended before it had answered.
    """
    assert process.stdin is not None  # noqa: S101 - narrows the type
    assert process.stdout is not None  # noqa: S101 - narrows the type
    process.stdin.write(request)
    process.stdin.flush()
    line = process.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head: dict[str, Any] = json.loads(line)
    body = process.stdout.read(head["size"])
    if len(body) < head["size"]:
        raise EOFError
    return head, body
