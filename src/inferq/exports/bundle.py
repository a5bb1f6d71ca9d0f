"""A zip of one export: the format's files, the pictures, and a `README.txt` that tells what is in it and what is not."""

from collections.abc import Callable, Iterable, Iterator
from tempfile import SpooledTemporaryFile

from inferq.exports.archive import PICTURE_LEVEL, SPOOL_BYTES, Archive
from inferq.exports.base import Entry, ExportFormat
from inferq.predictions.record import Prediction

ReadImage = Callable[[Prediction], bytes | None]
"""The bytes of a prediction's picture, or none if they are gone.

The picture has to be **upright**: with its orientation applied to the pixels and no EXIF orientation left, so that its
width and height are those of the prediction's input. Boxes are in these pixels; most programs that train ignore EXIF
(or heed it in their picture reader alone) and would find the boxes of a turned photograph in the wrong places. Bytes
that were uploaded upright can be handed on as they are. The format may differ from the upload's (JPEG for HEIC, which
few trainers read): the extension in the archive follows the bytes.
"""


class Bundle:
    """One export as a zip; for one use.

    Of the predictions it keeps nothing but the zip's directory and the names of pictures that are gone; the document
    of a format that has one lies in a temporary file until the pictures are through.
    """

    def __init__(self, chosen: ExportFormat, read_image: ReadImage | None) -> None:
        """Takes the format, and where pictures come from if they are wanted."""
        self._format = chosen
        self._read_image = read_image
        self._archive = Archive()
        self._taken = self._left_out = self._pictures = 0
        self._missing: list[str] = []

    def stream(self, predictions: Iterable[Prediction]) -> Iterator[bytes]:
        """The zip's bytes, made as they are asked for."""
        document = self._format.document
        with SpooledTemporaryFile(SPOOL_BYTES) as spool:
            for path, data in self._format.write(self._entries(predictions)):
                if path == document:
                    spool.write(data)
                else:
                    self._archive.add(path, data)
                yield from self._archive.drain()
            if document is not None:
                yield from self._archive.stream(document, spool)
        self._archive.add("README.txt", self._readme().encode())
        self._archive.close()
        yield from self._archive.drain(least=1)

    def _entries(self, predictions: Iterable[Prediction]) -> Iterator[Entry]:
        """The entries that the format takes; the picture of each is in the archive by then."""
        for prediction in predictions:
            if self._format.takes(prediction):
                self._taken += 1
                yield self._with_picture(prediction)
            else:
                self._left_out += 1

    def _with_picture(self, prediction: Prediction) -> Entry:
        """Puts the picture into the archive, if it is wanted and there."""
        if self._read_image is None or prediction.input.kind != "image":
            return Entry.of(prediction)
        data = self._read_image(prediction)
        entry = Entry.of(prediction, data)
        if data is None:
            self._missing.append(entry.picture)
        else:
            self._pictures += 1
            path = f"{self._format.pictures}/{entry.picture}"
            self._archive.add(path, data, level=PICTURE_LEVEL)
        return entry

    def _readme(self) -> str:
        lines = [
            f"inferq export, format {self._format.name}",
            "",
            self._format.about,
            "Files are named after the uploaded file and the task id of its prediction.",
            "",
            f"Predictions: {self._taken}",
        ]
        if self._format.boxes_only:
            lines.append(f"Left out, without a detections result: {self._left_out}")
        if self._read_image is not None:
            lines += [
                f"Pictures, upright, in {self._format.pictures}/: {self._pictures}",
                f"Pictures that are no longer stored: {len(self._missing)}",
                *(f"  {name}" for name in self._missing),
            ]
        return "\n".join(lines) + "\n"
