"""An example of what a JSON Schema describes, to warm a model up with."""

from collections.abc import Mapping
from typing import Any


class NoSample(Exception):
    """A schema tells of no example."""


def sample_of(schema: Mapping[str, Any]) -> Any:
    """A value that a schema gives as its example, default or only value; of an object, made of those of its fields.

    Raises:
        NoSample: It gives none.
    """
    return _sample(schema, schema.get("$defs", {}))


def _sample(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    for told in ("default", "const"):
        if told in schema:
            return schema[told]
    if schema.get("enum"):
        return schema["enum"][0]
    if "$ref" in schema:
        return _sample(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if schema.get("type") != "object" or "properties" not in schema:
        raise NoSample
    required = schema.get("required", ())
    return {
        name: _sample(field, definitions)
        for name, field in schema["properties"].items()
        if name in required
    }
