from typing import Literal

import pytest
from pydantic import BaseModel, Field

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
DEFAULTS = {"score": 0.5, "count": 3, "fast": False, "words": None}


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


class Params(BaseModel):
    top_k: int | None = Field(None, ge=1)
    mode: Literal["fast", "good"] = "fast"
    words: list[str] = Field(default_factory=list)
    area: dict[str, float] | None = None
    level: int


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("level", "1")], {"top_k": None, "mode": "fast", "area": None, "level": 1}),
        ([("level", "1"), ("top_k", "3"), ("words", "a"), ("area", '{"x": 1}')],
         {"top_k": 3, "mode": "fast", "area": {"x": 1}, "level": 1, "words": ["a"]}),
    ],
)  # fmt: skip
def test_parameters_of_a_pydantic_model_are_read(fields, expected):
    assert parse_parameters(Params.model_json_schema(), fields) == expected


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([], {"/level": "has to be given"}),
        ([("level", "1"), ("top_k", "0")], {"/top_k": "0 is less than the minimum of 1"}),
        ([("level", "1"), ("mode", "bad")], {"/mode": "'bad' is none of 'fast', 'good'"}),
        ([("level", "x")], {"/level": "'x' is not of type integer"}),
    ],
)
def test_what_is_wrong_with_them_is_told_in_plain_words(fields, told):
    with pytest.raises(InvalidParameter) as caught:
        parse_parameters(Params.model_json_schema(), fields)
    assert dict(caught.value.errors) == told
