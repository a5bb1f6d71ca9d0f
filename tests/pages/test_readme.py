"""README.vi.md says what README.md does."""

import re
from itertools import zip_longest

import pytest

from pages.reader import ROOT

ENGLISH, VIETNAMESE = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.vi.md")
)
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
OF_LANGUAGE = {"README.md", "README.vi.md"}


def prose(text: str) -> str:
    return re.sub(r"<!--.*?-->", "", BLOCK.sub("", text), flags=re.DOTALL)


@pytest.mark.parametrize(
    "found",
    [
        BLOCK.findall,
        lambda text: [len(marks) for marks in re.findall(r"^(#+) ", prose(text), re.MULTILINE)],
        lambda text: [
            sorted(set(re.findall(r"\]\(([^)]+)\)", part)) - OF_LANGUAGE)
            for part in re.split(r"^## ", prose(text), flags=re.MULTILINE)
        ],
        lambda text: [len(re.findall(r"^- ", prose(text), re.MULTILINE))],
        lambda text: re.findall(r"^\| (`.*?`.*?) \|", prose(text), re.MULTILINE),
        lambda text: sorted(set(re.findall(r"`(INFERQ_\w+|inferq [a-z]+)", prose(text)))),
    ],
    ids=["code", "headings", "links", "points", "commands", "settings"],
)
def test_both_have_the_same(found):
    for english, vietnamese in zip_longest(found(ENGLISH), found(VIETNAMESE)):
        assert vietnamese == english


def test_it_is_in_vietnamese():
    letters = re.findall(
        r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", prose(VIETNAMESE)
    )
    assert len(letters) > len(prose(VIETNAMESE)) / 20
