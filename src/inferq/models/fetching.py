"""From an entry of the catalogue to a model folder that can be served, there whole or not at all."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inferq.errors import SetupError, WrongWeights
from inferq.models.adding import ONNX_FILE, Added, folder_name, put_in_place
from inferq.models.card import CARD_FILE
from inferq.models.card_file import card_text
from inferq.models.catalogue import folder_of
from inferq.models.downloading import RemoteFile, Told, download
from inferq.models.fetch_catalogue import Entry


def fetch_model(entry: Entry, models_dir: Path, *, mirror: str | None, told: Told) -> Added:
    """Makes a model folder of a catalogue's entry.

    What is downloaded lies in a hidden folder of `models_dir` until the model has been tried; an interrupted
    download goes on from there.

    Args:
        entry: Of the catalogue.
        models_dir: Where the folder is made; it is made too if it is not there.
        mirror: Base URL of a server that has model folders as `models_dir` has; None for the entry's own URL.
        told: Called as bytes arrive.

    Raises:
        WrongWeights: The server has another file; it is deleted.
        SetupError: The model is there already, cannot be downloaded or written, or cannot be served.
    """
    there = folder_of(entry.reference, models_dir)
    if there is not None:
        raise SetupError(f"{entry.reference} is there already: {there}.")
    draft = models_dir / f".fetching-{folder_name(entry.reference)}"
    try:
        draft.mkdir(parents=True, exist_ok=True)
        with _alone(draft):
            file = RemoteFile(_url(entry, mirror), entry.sha256, entry.bytes)
            download(file, draft / ONNX_FILE, told=told)
            (draft / CARD_FILE).write_text(card_text(entry.full_card()), encoding="utf-8")
            return put_in_place(draft, models_dir)
    except WrongWeights:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SetupError(
                f"No room is left in {models_dir}. Make some; the same command goes on from what has come."
            ) from error
        raise SetupError(f"The model folder cannot be written to {models_dir}: {error}.") from error


def _url(entry: Entry, mirror: str | None) -> str:
    return (
        entry.url
        if mirror is None
        else f"{mirror.rstrip('/')}/{folder_name(entry.reference)}/{ONNX_FILE}"
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds a folder for this process.

    Raises:
        SetupError: Another holds it.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise SetupError(f"Another process is writing {folder}; wait for its end.") from error
    finally:
        os.close(lock)
