"""JSON inputs against the schema of the model that they are for."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError
from pydantic import ValidationError
from referencing import Registry

from inferq.errors import (
    MOST_FIELD_ERRORS,
    FieldError,
    InvalidInput,
    MalformedRequest,
    json_pointer,
)


def check_json(data: bytes, schema: Mapping[str, Any]) -> None:
    """Checks that bytes are JSON that a model takes.

    Raises:
        MalformedRequest: They are no JSON.
        InvalidInput: They are not of the schema; with a pointer to each place.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"The input is no JSON: {error}.") from error
    try:
        errors = [
            FieldError(json_pointer(*error.absolute_path), error.message)
            for _, error in zip(
                range(MOST_FIELD_ERRORS), schema_errors(value, schema), strict=False
            )
        ]
    except RecursionError as error:
        raise InvalidInput("The input is nested too deeply.") from error
    if errors:
        raise InvalidInput.of(errors)


def schema_errors(value: Any, schema: Mapping[str, Any]) -> Iterator[SchemaError]:
    """What a value has that its schema does not allow, in no order; references lead nowhere outside the schema."""
    for error in Draft202012Validator(dict(schema), registry=Registry()).iter_errors(value):
        yield from _of_the_one_form(error) or (error,)


def _of_the_one_form(error: SchemaError) -> list[SchemaError]:
    """Of a value that may be null as well: what is wrong with it as the other form."""
    if error.validator != "anyOf":
        return []
    wanted: Any = error.validator_value
    forms = [i for i, form in enumerate(wanted) if form.get("type") != "null"]
    return [each for each in error.context or () if forms == [each.schema_path[0]]]


def field_errors(error: ValidationError) -> list[FieldError]:
    """What pydantic found, with pointers."""
    return [
        FieldError(json_pointer(*each["loc"]), each["msg"])
        for each in error.errors(include_url=False)[:MOST_FIELD_ERRORS]
    ]
