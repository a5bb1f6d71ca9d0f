"""Files of labels: names one a line, and label maps with ids."""

from pathlib import Path

import pytest

from inferq.errors import SetupError
from inferq.models.label_file import read_labels

LABEL_MAP = """
item {
  name: "/m/01g317"
  id: 1
  display_name: "person"
}
item { id: 13 name: 'stop sign' }
"""


def test_a_label_map_keeps_the_ids_it_leaves_out(tmp_path: Path):
    (tmp_path / "map.pbtxt").write_text(LABEL_MAP)
    assert read_labels(tmp_path / "map.pbtxt") == {1: "person", 13: "stop sign"}


def test_lines_are_names_in_their_order(tmp_path: Path):
    (tmp_path / "labels.txt").write_bytes("\ufeffcat\r\n\r\nđèn giao thông \n".encode())
    assert read_labels(tmp_path / "labels.txt") == ["cat", "đèn giao thông"]


@pytest.mark.parametrize("text", ["person\ncat\n", "item { id: 1 }", 'item { name: "person" }'])
def test_what_is_no_label_map_is_refused(tmp_path: Path, text: str):
    (tmp_path / "map.pbtxt").write_text(text)
    with pytest.raises(SetupError, match="is no label map"):
        read_labels(tmp_path / "map.pbtxt")
