"""Model folders to try things with: copies of the bundled network under other names."""

import re
import shutil
from pathlib import Path

from inferq.models.catalogue import bundled_folder


def copied_model(folder: Path, *, name: str, version: str = "1") -> Path:
    """A copy of the bundled model whose labels say which model found them: `cat of <name>@<version>`."""
    shutil.copytree(bundled_folder(), folder)
    card = folder / "model.toml"
    text = card.read_text(encoding="utf-8")
    text = re.sub(r'^name = ".*"$', f'name = "{name}"', text, count=1, flags=re.MULTILINE)
    text = re.sub(r'^version = ".*"$', f'version = "{version}"', text, count=1, flags=re.MULTILINE)
    head, labels = text.split("[labels]\n")
    labels = re.sub(r'"$', f' of {name}@{version}"', labels, flags=re.MULTILINE)
    card.write_text(f"{head}[labels]\n{labels}", encoding="utf-8")
    return folder
