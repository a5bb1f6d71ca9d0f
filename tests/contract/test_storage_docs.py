"""docs/storage.md tells of every protocol, its extra and every setting."""

from pathlib import Path

import pytest

from inferq.settings import PREFIX, Settings
from inferq.storage.protocols import PROTOCOLS

PAGE = (Path(__file__).parents[2] / "docs/storage.md").read_text()
SETTINGS = [name for name in Settings.model_fields if name.startswith("storage_")]


@pytest.mark.parametrize("scheme", PROTOCOLS)
def test_every_protocol_has_its_row_with_what_to_install(scheme: str):
    (row,) = [
        line for line in PAGE.splitlines() if line.startswith("|") and f"`{scheme}://" in line
    ]
    extra = PROTOCOLS[scheme].extra
    assert (f"inferq[{extra}]" in row) is (extra is not None)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_told_of(name: str):
    assert f"{PREFIX}{name.upper()}" in PAGE
