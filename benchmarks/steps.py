"""What each step of inferq's own costs by itself: CPU of this process and of a Valkey, one step at a time.

Run: python benchmarks/steps.py FOLDER; it prints them as JSON, and leaves what it has stored in the folder.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import orjson
import structlog
from harness import DONE, draft, server_seconds, valkey

from inferq.api.viewer import Viewer
from inferq.models.accepting import PictureLimits, check_input
from inferq.models.catalogue import bundled_folder, load_models
from inferq.predictions.record import Attempt, Draft, ModelReference
from inferq.predictions.repairs import Message
from inferq.settings import Settings
from inferq.storage import Storage
from inferq.telemetry import configure_logging
from inferq.telemetry.traces import following, read_traceparent
from inferq.upkeep.parts import Parts
from inferq.worker.context import worker_context

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from photos import jpeg

COUNT = 1000
HOUR = timedelta(hours=1)


class Step(NamedTuple):
    """A step of a prediction's way: who does it, and CPU milliseconds of Python and of Valkey."""

    who: str
    name: str
    python: float
    valkey: float


def measure_steps(folder: Path, photo: bytes) -> list[Step]:
    """Each step of one photograph's way, alone."""
    with valkey() as server:
        settings = Settings(redis_url=server.url, data_dir=folder)
        parts = Parts.create(settings)
        (model,) = load_models([bundled_folder()], worker_context(Settings(batching="off")))
        card = model.about
        parts.register.register("worker", slots=2, free=0, cards=[card])
        reference = ModelReference.parse(card.reference)
        digest = hashlib.sha256(photo).hexdigest()
        drafts = [_draft(reference, digest) for _ in range(COUNT)]
        attempts = [Attempt.new(each.task_id, "worker") for each in drafts]
        viewer = Viewer(parts)
        limits = PictureLimits(settings.max_pixels)
        log = structlog.get_logger()

        def line() -> None:
            with following(read_traceparent(None)):
                log.info("request", method="POST", path="/api/v1/predictions", status=202, ms=8.1)

        def publish(index: int) -> None:
            parts.publisher.publish(Message(drafts[index].task_id, reference), lent=HOUR)
            if index == COUNT - 1:
                parts.publisher.start()
                parts.publisher.stop(timeout=60)

        def steps() -> Iterator[tuple[str, str, Callable[[int], object]]]:
            yield "API", "find the card", lambda _: parts.register.find(None, None)
            yield (
                "API", "check the input, hash it",
                lambda _: check_input(card, photo, media_type="image/jpeg", filename=None, limits=limits),
            )  # fmt: skip
            yield (
                "API",
                "store the input",
                lambda i: parts.storage.write(drafts[i].input_key, photo),
            )
            yield "API", "accept", lambda i: parts.store.accept(drafts[i])
            yield "API", "publish, note it", publish
            yield (
                "worker", "claim",
                lambda i: parts.store.claim(attempts[i], max_attempts=3, publish=1),
            )  # fmt: skip
            yield (
                "worker", "read the input, check its hash",
                lambda i: parts.storage.read(drafts[i].input_key, sha256=digest),
            )  # fmt: skip
            yield (
                "worker", "finish, with the copy for Celery",
                lambda i: parts.store.finish(attempts[i], DONE, retention=HOUR),
            )  # fmt: skip
            yield "worker", "a line of the log", lambda _: line()
            yield (
                "API", "read the end, write it as JSON",
                lambda i: viewer.by_id([drafts[i].task_id])[0].response(),
            )  # fmt: skip
            yield "API", "a line of the log", lambda _: line()

        return [_timed(who, name, call, server.pid) for who, name, call in steps()]


def _draft(model: ModelReference, digest: str) -> Draft:
    made = draft()
    given = made.input.model_copy(update={"sha256": digest})
    return replace(made, model=model, input=given, input_key=Storage.key(made.task_id))


def _timed(who: str, name: str, call: Callable[[int], object], server: int) -> Step:
    theirs, ours = server_seconds(server), time.process_time()
    for index in range(COUNT):
        call(index)
    ours, theirs = time.process_time() - ours, server_seconds(server) - theirs
    return Step(who, name, ours * 1e3 / COUNT, theirs * 1e3 / COUNT)


def main() -> None:
    """Measures once; the lines that are logged meanwhile go nowhere."""
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stderr(nowhere),
    ):
        configure_logging(Settings(log_level="info"), process="api")
        steps = measure_steps(Path(sys.argv[1]), jpeg("chelsea"))
    print(orjson.dumps([list(step) for step in steps]).decode())


if __name__ == "__main__":
    main()
