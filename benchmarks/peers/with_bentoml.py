"""BentoML: a service with as many workers as CPUs; `/detect` answers, `/later/submit` is its task API."""

import os
from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType
from detector import Model

Photo = Annotated[Path, ContentType("image/jpeg")]


@bentoml.service(
    workers=len(os.sched_getaffinity(0)),
    traffic={"timeout": 60},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class Service:
    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api
    def detect(self, photo: Photo) -> dict[str, Any]:
        return self.model.detect(photo.read_bytes())

    @bentoml.task
    def later(self, photo: Photo) -> dict[str, Any]:
        return self.model.detect(photo.read_bytes())
