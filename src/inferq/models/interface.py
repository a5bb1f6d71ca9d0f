"""What the annotations of a class of a user's own say: its inputs, its parameters, its results."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from PIL import Image
from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError

from inferq.errors import SetupError
from inferq.models.base import Model
from inferq.models.parameters import RESERVED

InputKind = Literal["image", "json", "file"]
ResultKind = Literal["detections", "classification", "json"]

LISTS = (list, Sequence, tuple)
CLASSIFICATION = {"label", "score"}
DETECTION = {"label", "class_id", "score", "box"}
BOX = {"x_min", "y_min", "x_max", "y_max"}
NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
INPUTS_AND_PARAMETERS = 2
UNKNOWN = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Hook:
    """A method of a user's class.

    Attributes:
        name: Of the method.
        function: The method, not bound.
        where: Its `file:line`.
        first: The annotation of its input or inputs; `UNKNOWN` without one.
        second: That of its parameters; `UNKNOWN` without one.
        returned: That of what it returns; `UNKNOWN` without one.
        takes_parameters: Whether it is given parameters at all.
    """

    name: str
    function: Callable[..., Any]
    where: str
    first: Any = UNKNOWN
    second: Any = UNKNOWN
    returned: Any = UNKNOWN
    takes_parameters: bool = False

    def fault(self, reason: str) -> SetupError:
        """What is wrong with it, as an error."""
        return SetupError(f"{self.where}: {self.name}: {reason}")


@dataclass(frozen=True, slots=True)
class Interface:
    """What goes into a model and comes out of it.

    Attributes:
        input_kind: How inputs are sent.
        read_json: Of JSON inputs: from their text to the type that the hooks take.
        parameters: The class of the parameters; None where there are none.
        result_kind: The form of results.
        write: From what the last hook returns to JSON-ready data; raises pydantic's `ValidationError`.
        hooks: Those that the class has, by name.
    """

    input_kind: InputKind
    read_json: TypeAdapter[Any] | None
    parameters: type[BaseModel] | None
    result_kind: ResultKind
    write: TypeAdapter[Any]
    hooks: Mapping[str, Hook]

    @property
    def input_schema(self) -> dict[str, Any] | None:
        """JSON Schema of JSON inputs; None for other kinds."""
        return None if self.read_json is None else self.read_json.json_schema()

    @property
    def parameter_schema(self) -> dict[str, Any]:
        """JSON Schema of the parameters."""
        return NO_PARAMETERS if self.parameters is None else self.parameters.model_json_schema()

    @property
    def result_schema(self) -> dict[str, Any] | None:
        """JSON Schema of JSON results; None for the kinds whose form is the same for all models."""
        return self.write.json_schema(mode="serialization") if self.result_kind == "json" else None


def read_interface(cls: type[Model]) -> Interface:
    """Reads the annotations of a class.

    Raises:
        SetupError: A hook or an annotation is missing or makes no sense; with file, line and hook.
    """
    names = ("load", "preprocess", "infer", "postprocess", "sample")
    hooks = {name: _read_hook(cls, name) for name in names if _is_written(cls, name)}
    if "infer" not in hooks:
        raise SetupError(f"{_place_of_class(cls)}: {cls.__name__} has no hook `infer`; write it.")
    entry = hooks.get("preprocess", hooks["infer"])
    given = _one_of_list(entry, entry.first, "its first parameter", "list[PIL.Image.Image]")
    kind = _input_kind(given)
    last = hooks.get("postprocess", hooks["infer"])
    write = _adapter(
        last, _one_of_list(last, last.returned, "what it returns", "list[dict[str, float]]")
    )
    return Interface(
        kind,
        _adapter(entry, given) if kind == "json" else None,
        _parameters(hooks),
        _result_kind(_schema(last, write)),
        write,
        hooks,
    )


def _is_written(cls: type[Model], name: str) -> bool:
    return getattr(cls, name) is not getattr(Model, name)


def _read_hook(cls: type[Model], name: str) -> Hook:
    function = getattr(cls, name)
    code = inspect.unwrap(function).__code__ if inspect.isfunction(function) else None
    if code is None:
        raise SetupError(f"{_place_of_class(cls)}: {name} is no method; write it with def.")
    bare = Hook(name, function, f"{code.co_filename}:{code.co_firstlineno}")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise bare.fault("is a coroutine or generator; write it as a plain function that returns.")
    if name in ("load", "sample"):
        return bare
    taken = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ][1:]
    if not 1 <= len(taken) <= INPUTS_AND_PARAMETERS:
        what = "inputs" if name == "infer" else "one item"
        raise bare.fault(f"takes {what} and, if you like, parameters: nothing else.")
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:
        raise bare.fault(f"its annotations cannot be read: {error}.") from error
    return Hook(
        name,
        function,
        bare.where,
        hints.get(taken[0].name, UNKNOWN),
        hints.get(taken[-1].name, UNKNOWN) if len(taken) > 1 else UNKNOWN,
        hints.get("return", UNKNOWN),
        takes_parameters=len(taken) > 1,
    )


def _one_of_list(hook: Hook, annotation: Any, what: str, example: str) -> Any:
    """The type of one item: the annotation itself, of `infer` that of its list's items."""
    if annotation in (UNKNOWN, Any, type(None)):
        wanted = example if hook.name == "infer" else "PIL.Image.Image or a pydantic model"
        raise hook.fault(f"annotate {what}, such as {wanted}.")
    if hook.name != "infer":
        return annotation
    items = [each for each in get_args(annotation) if not isinstance(each, EllipsisType)]
    if get_origin(annotation) not in LISTS or len(items) != 1:
        raise hook.fault(
            f"annotate {what} as a list with one entry an input, such as {example}; it is {annotation}."
        )
    return items[0]


def _input_kind(given: Any) -> InputKind:
    if isinstance(given, type) and issubclass(given, Image.Image):
        return "image"
    if isinstance(given, type) and issubclass(given, bytes):
        return "file"
    return "json"


def _adapter(hook: Hook, kind: Any) -> TypeAdapter[Any]:
    adapter: TypeAdapter[Any]
    try:
        adapter = TypeAdapter(kind)
    except PydanticUserError as error:
        raise hook.fault(
            f"{kind} has no form in JSON; use a pydantic model, or plain lists, dicts, numbers and strings."
        ) from error
    _schema(hook, adapter)
    return adapter


def _schema(hook: Hook, adapter: TypeAdapter[Any]) -> dict[str, Any]:
    try:
        return adapter.json_schema(mode="serialization")
    except PydanticUserError as error:
        raise hook.fault(f"its type has no JSON Schema: {error.message}.") from error


def _parameters(hooks: Mapping[str, Hook]) -> type[BaseModel] | None:
    """The one class of parameters that all hooks name."""
    found: dict[Any, Hook] = {}
    for name in ("preprocess", "infer", "postprocess"):
        if name in hooks and hooks[name].takes_parameters:
            hook = hooks[name]
            example = "list[Params]" if name == "infer" else "Params"
            found[_one_of_list(hook, hook.second, "its second parameter", example)] = hook
    if not found:
        return None
    (kind, hook), *others = found.items()
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        raise hook.fault(f"parameters are a pydantic model; {kind} is none.")
    if others:
        raise others[0][1].fault(f"its parameters are {others[0][0]}, but {hook.name} has {kind}.")
    taken = sorted(RESERVED & kind.model_json_schema().get("properties", {}).keys())
    if taken:
        raise hook.fault(f"every request has a field {taken[0]!r}; call the parameter otherwise.")
    return kind


def _result_kind(schema: Mapping[str, Any]) -> ResultKind:
    """The kind of results of this JSON Schema."""
    if schema.get("type") != "array" or "items" not in schema:
        return "json"
    definitions = schema.get("$defs", {})
    fields = _properties(schema["items"], definitions)
    if fields.keys() == CLASSIFICATION:
        return "classification"
    if fields.keys() == DETECTION and _properties(fields["box"], definitions).keys() == BOX:
        return "detections"
    return "json"


def _properties(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    found: Mapping[str, Any] = (definitions[name] if name else schema).get("properties", {})
    return found


def _place_of_class(cls: type[Model]) -> str:
    try:
        return f"{inspect.getsourcefile(cls)}:{inspect.getsourcelines(cls)[1]}"
    except (OSError, TypeError):
        return cls.__module__
