"""SECURITY.md: each answer to a threat names a test that there is."""

import re
from pathlib import Path

import pytest

from inferq.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"(?m)^\| (?!asset|---)(.+) \|$", PAGE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:40])
def test_a_threat_has_an_answer_and_a_test_that_proves_it(row: str):
    cells = [cell.strip() for cell in row.split(" | ")]
    assert len(cells) == 5
    assert all(cells)
    path, _, name = cells[-1].strip("`").partition("::")
    source = (ROOT / path).read_text()
    assert f"def {name}(" in source if name else "def test_" in source


def test_the_table_and_the_page_are_there():
    assert len(ROWS) > 20
    for setting in re.findall(r"INFERQ_([A-Z_]+)", PAGE):
        assert setting.lower() in Settings.model_fields
    for linked in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / linked).exists()
