"""A request's parameters against a card's JSON Schema: text to values, defaults, and what is wrong."""

import math
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from inferq.errors import MOST_FIELD_ERRORS, FieldError, InvalidParameter, json_pointer


def parse_parameters(
    schema: Mapping[str, Any], fields: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Makes parameters of form fields or a query string; what is not given gets the schema's default.

    Args:
        schema: JSON Schema of an object; the types used are number, integer, boolean, string and
            arrays of these. A repeated field makes an array.
        fields: Names and texts as the request gave them, in its order.

    Raises:
        InvalidParameter: With one entry for each parameter that is unknown, repeated or out of range.
    """
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    given: dict[str, list[str]] = {}
    for name, text in fields:
        given.setdefault(name, []).append(text)
    return check_parameters(
        schema, {name: _value(properties.get(name, {}), texts) for name, texts in given.items()}
    )


def check_parameters(
    schema: Mapping[str, Any], given: Mapping[str, Any], *, within: str = ""
) -> dict[str, Any]:
    """Parameters as JSON gives them, with the schema's defaults for what is not given.

    Args:
        schema: As for `parse_parameters`.
        given: Values by name.
        within: JSON Pointer of the object that holds them in the request.

    Raises:
        InvalidParameter: With one entry for each parameter that is unknown or out of range.
    """
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    unknown = (
        FieldError(
            json_pointer(name), f"unknown parameter; known are {', '.join(sorted(properties))}"
        )
        for name in given
        if name not in properties
    )
    values = {name: value for name, value in given.items() if name in properties}
    wrong = map(_field_error, Draft202012Validator(dict(schema)).iter_errors(values))
    errors = list(islice(chain(unknown, wrong), MOST_FIELD_ERRORS))
    if errors:
        raise InvalidParameter(
            "; ".join(f"{error.pointer[1:]}: {error.detail}" for error in errors) + ".",
            errors=[FieldError(within + error.pointer, error.detail) for error in errors],
        )
    return {name: values.get(name, field.get("default")) for name, field in properties.items()}


def _value(schema: Mapping[str, Any], texts: list[str]) -> Any:
    types = _types(schema)
    if "array" in types:
        return [_scalar(schema.get("items", {}), text) for text in texts]
    return _scalar(schema, texts[0]) if len(texts) == 1 else texts


def _scalar(schema: Mapping[str, Any], text: str) -> Any:
    """The text as the schema's type, or the text itself where it is none, so that validation says so."""
    types = _types(schema)
    try:
        if "integer" in types:
            return int(text)
        if "number" in types:
            # JSON has no NaN, and every comparison with one passes.
            return float(text) if math.isfinite(float(text)) else text
    except ValueError:
        return text
    if "boolean" in types:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    return text


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _field_error(error: ValidationError) -> FieldError:
    pointer = json_pointer(*error.absolute_path)
    if error.validator == "enum":
        return FieldError(pointer, f"{error.instance!r} is none of this model's labels")
    if error.validator == "type" and isinstance(error.schema, Mapping):
        wanted = " or ".join(t for t in _types(error.schema) if t != "null")
        return FieldError(pointer, f"{error.instance!r} is not of type {wanted}")
    return FieldError(pointer, error.message)
