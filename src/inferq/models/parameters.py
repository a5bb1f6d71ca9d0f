"""A request's parameters against a card's JSON Schema: text to values, defaults, and what is wrong."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import orjson
from jsonschema.exceptions import ValidationError

from inferq.errors import MOST_FIELD_ERRORS, FieldError, InvalidParameter, json_pointer
from inferq.models.json_input import schema_errors

RESERVED = frozenset(
    {"model", "batch", "start_within", "metadata", "callback_url", "image", "file"}
)
"""Fields that every request may have, so that no model's parameter may be called so."""
MOST_LISTED = 12
SILENT_ON_NOTHING = frozenset(
    {"type", "title", "description", "properties", "additionalProperties", "$defs"}
)
"""What a schema may say of an object without ever finding an empty one wrong: most requests give no parameters."""


def parse_parameters(
    schema: Mapping[str, Any], fields: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Makes parameters of form fields or a query string; what is not given gets the schema's default.

    Args:
        schema: JSON Schema of an object. A repeated field makes an array; a field whose schema takes neither
            a text, a number, a boolean nor an array of these is read as JSON.
        fields: Names and texts as the request gave them, in its order.

    Raises:
        InvalidParameter: With one entry for each parameter that is unknown, repeated or out of range.
    """
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    definitions = schema.get("$defs", {})
    given: dict[str, list[str]] = {}
    for name, text in fields:
        given.setdefault(name, []).append(text)
    forms = {name: _forms(properties.get(name, {}), definitions) for name in given}
    return check_parameters(
        schema, {name: _value(forms[name], texts, definitions) for name, texts in given.items()}
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
    may_be_wrong = values or not schema.keys() <= SILENT_ON_NOTHING
    wrong = map(_field_error, schema_errors(values, schema)) if may_be_wrong else ()
    errors = list(islice(chain(unknown, wrong), MOST_FIELD_ERRORS))
    if errors:
        raise InvalidParameter(
            "; ".join(f"{error.pointer[1:]}: {error.detail}" for error in errors) + ".",
            errors=[FieldError(within + error.pointer, error.detail) for error in errors],
        )
    # A default that is no part of the schema is the model's own affair.
    defaults = {name: field["default"] for name, field in properties.items() if "default" in field}
    return defaults | values


def _forms(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas of which a value has to fit one, with what they refer to in its place."""
    if "$ref" in schema:
        return _forms(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema:
        return [form for each in schema["anyOf"] for form in _forms(each, definitions)]
    return [schema]


def _value(forms: list[Mapping[str, Any]], texts: list[str], definitions: Mapping[str, Any]) -> Any:
    for form in forms:
        if "array" in _types(form):
            items = _forms(form.get("items", {}), definitions)
            return [_scalar(items, text) for text in texts]
    return _scalar(forms, texts[0]) if len(texts) == 1 else texts


def _scalar(forms: list[Mapping[str, Any]], text: str) -> Any:
    """The text as a type that one of the forms takes, or the text itself, so that validation says what is wrong."""
    types = {name for form in forms for name in _types(form)}
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
    return _json_or_text(text) if "object" in types else text


def _json_or_text(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _field_error(error: ValidationError) -> FieldError:
    pointer = json_pointer(*error.absolute_path)
    if error.validator == "required":
        missing = error.message.removesuffix(" is a required property").strip("'\"")
        return FieldError(pointer + json_pointer(missing), "has to be given")
    if error.validator == "enum":
        allowed: Any = error.validator_value
        return FieldError(pointer, f"{error.instance!r} is none of {_listed(allowed)}")
    if error.validator == "type" and isinstance(error.schema, Mapping):
        wanted = " or ".join(t for t in _types(error.schema) if t != "null")
        return FieldError(pointer, f"{error.instance!r} is not of type {wanted}")
    return FieldError(pointer, error.message)


def _listed(values: Sequence[Any]) -> str:
    if len(values) > MOST_LISTED:
        return f"the {len(values)} values that the model's card lists"
    return ", ".join(map(repr, values))
