"""What `inferq predict` has done so far, on disk as soon as it is done.

A run that is interrupted leaves its journal beside its output; the same command goes on from there. A run that ends
well removes it.
"""

import json
import os
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self

from inferq.predictions.record import Prediction, State


class Journal:
    """Finished predictions by the fingerprint of their pictures: one a line on disk, their places in memory."""

    def __init__(self, path: Path | None, options: dict[str, Any]) -> None:
        """Opens a journal.

        Args:
            path: Where it lies; None for one that ends with this process.
            options: What the predictions depend on: a journal of other options begins anew.

        Raises:
            OSError: It cannot be written there.
        """
        self._path = path
        self._places: dict[str, int] = {}
        self._file = _open(path)
        header = json.dumps({"inferq predict": options}, sort_keys=True).encode() + b"\n"
        if self._file.readline() == header:
            self._load()
        else:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __contains__(self, fingerprint: str) -> bool:
        return fingerprint in self._places

    def add(self, fingerprint: str, prediction: Prediction) -> None:
        """Writes down a finished prediction."""
        self._places[fingerprint] = self._file.seek(0, os.SEEK_END)
        entry = {"picture": fingerprint, "prediction": prediction.model_dump(mode="json")}
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()

    def read(self, fingerprint: str) -> Prediction:
        """A prediction that was written down."""
        self._file.seek(self._places[fingerprint])
        return Prediction.model_validate(json.loads(self._file.readline())["prediction"])

    def remove(self) -> None:
        """Leaves nothing behind: all is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _load(self) -> None:
        """Finds what has succeeded, and drops what follows the last whole line."""
        place = self._file.tell()
        while (line := self._file.readline()).endswith(b"\n"):
            entry = json.loads(line)
            if entry["prediction"]["state"] == State.SUCCEEDED:
                self._places[entry["picture"]] = place
            place = self._file.tell()
        self._file.truncate(place)


def _open(path: Path | None) -> IO[bytes]:
    if path is None:
        return TemporaryFile()
    path.touch()
    return path.open("r+b")
