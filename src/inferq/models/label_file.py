"""The names of a network's classes, from the files that they are handed around in."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from inferq.errors import SetupError

Names = Sequence[str] | Mapping[int, str]
"""Of classes in their order, or by class id where ids are left out."""
LABEL_MAP = ".pbtxt"
ITEM = re.compile(r"\bitem\s*\{(.*?)\}", re.DOTALL)
FIELD = re.compile(r"""\b(id|name|display_name)\s*:\s*(?:(\d+)|"([^"]*)"|'([^']*)')""")


def read_labels(path: Path) -> Names:
    """Reads names in the order of the classes, one a line; of a label map (`.pbtxt`), names by class id.

    Label maps are those of the TensorFlow Object Detection API, which leave ids out (COCO's 12, for one).

    Raises:
        SetupError: The file cannot be read, is no text in UTF-8, or no label map.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is no text in UTF-8; save it as that.") from error
    if path.suffix != LABEL_MAP:
        return [line.strip() for line in text.split("\n") if line.strip()]
    items = [
        {key: number or double or single for key, number, double, single in FIELD.findall(item)}
        for item in ITEM.findall(text)
    ]
    if not items or not all("id" in item and item.keys() > {"id"} for item in items):
        raise SetupError(
            f'{path} is no label map: each is an `item {{ id: 1 name: "person" }}`, or with display_name.'
        )
    return {int(item["id"]): item.get("display_name") or item["name"] for item in items}
