import pytest

from inferq.errors import InvalidParameter
from inferq.models.parameters import parse_parameters

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        "count": {"type": "integer", "minimum": 1, "default": 3},
        "fast": {"type": "boolean", "default": False},
        "words": {"type": ["array", "null"], "items": {"enum": ["a", "b"]}, "default": None},
        "text": {"type": "string"},
    },
}
DEFAULTS = {"score": 0.5, "count": 3, "fast": False, "words": None, "text": None}


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ([], {}),
        ([("score", "0.25")], {"score": 0.25}),
        ([("score", "1")], {"score": 1.0}),
        ([("count", "7")], {"count": 7}),
        ([("fast", "true")], {"fast": True}),
        ([("fast", "0")], {"fast": False}),
        ([("words", "a")], {"words": ["a"]}),
        ([("words", "b"), ("words", "a")], {"words": ["b", "a"]}),
        ([("text", "5")], {"text": "5"}),
    ],
)
def test_text_becomes_values_of_the_schemas_types(fields, changed):
    assert parse_parameters(SCHEMA, fields) == DEFAULTS | changed


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ([("score", "nan")], {"/score"}),
        ([("score", "inf")], {"/score"}),
        ([("score", "1.01")], {"/score"}),
        ([("score", "")], {"/score"}),
        ([("count", "1.5")], {"/count"}),
        ([("count", "1"), ("count", "2")], {"/count"}),
        ([("fast", "maybe")], {"/fast"}),
        ([("words", "c")], {"/words/0"}),
        ([("nonesuch", "1")], {"/nonesuch"}),
        ([("nonesuch", "1"), ("score", "2")], {"/nonesuch", "/score"}),
    ],
)
def test_everything_that_is_wrong_is_pointed_at(fields, pointers):
    with pytest.raises(InvalidParameter) as caught:
        parse_parameters(SCHEMA, fields)
    assert {error.pointer for error in caught.value.errors} == pointers
