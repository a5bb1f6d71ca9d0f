"""A user's class as a worker runs it: bytes and JSON outside, the types of its annotations inside."""

import inspect
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from PIL import Image
from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import override

from inferq.errors import InvalidInput, InvalidParameter, ModelFailed, SetupError
from inferq.models.base import Context, File, Model
from inferq.models.card import Name, Version
from inferq.models.code_folder import Identity, describe, place_of
from inferq.models.interface import Interface, read_interface
from inferq.models.json_input import field_errors
from inferq.models.pixels import decode_image
from inferq.models.register import RegisteredCard
from inferq.models.samples import NoSample, sample_of
from inferq.models.served import ServedModel

SAMPLE_SIZE = (640, 480)
KINDS = {"detections": "object-detection", "classification": "classification", "json": "other"}
RESULT_FIELDS = {"detections": "detections", "classification": "classes", "json": "data"}
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_VERSION: TypeAdapter[str] = TypeAdapter(Version)

log = structlog.get_logger()


class HookFailed(ModelFailed):
    """A hook raised, or returned what it should not; clients are told of the hook alone, the log of the rest."""

    def __init__(self, hook: str, where: str, reason: str) -> None:
        """Takes the hook's name, the `file:line` and what happened there."""
        super().__init__(f"The model failed in its `{hook}`; the worker's log has the reason.")
        self.told = f"{where}: {hook}: {reason}"
        self.add_note(self.told)


@dataclass(frozen=True, slots=True)
class Job:
    """One input on its way through the hooks, and its parameters."""

    value: Any
    params: BaseModel | None


class OwnModel(ServedModel[Job, Any]):
    """One loaded class of a user's own."""

    def __init__(self, cls: type[Model], folder: Path, identity: Identity) -> None:
        """Reads the class; `load` makes it ready.

        Args:
            cls: The class.
            folder: Where its files lie.
            identity: What it is called where the class does not say.

        Raises:
            SetupError: A hook, an annotation or an attribute is at fault; with file, line and hook.
        """
        self._folder = folder.resolve()
        self._interface = read_interface(cls)
        try:
            self._model = cls()
        except Exception as error:
            where = place_of(error, self._folder) or cls.__module__
            raise SetupError(f"{where}: {cls.__name__}(): {describe(error)}") from error
        self.about = _about(self._model, self._interface, identity)
        self.max_batch = cls.max_batch
        self.max_wait_ms = cls.max_wait_ms

    @override
    def load(self, ctx: Context) -> None:
        try:
            self._model.load(replace(ctx, folder=self._folder))
        except Exception as error:
            where = place_of(error, self._folder) or self._where("load")
            raise SetupError(f"{where}: load: {describe(error)}") from error

    @override
    def warm_up(self) -> None:
        data, parameters = self.sample(), self.sample_parameters()
        if data is None:
            log.warning(
                "not_warmed", model=self.about.reference, reason="no sample: write sample()"
            )
            return
        try:
            item = self.preprocess(data, parameters)
            items = [item] * min(2, self.max_batch)
            for output in self.infer(items):
                self.postprocess(output, item, parameters)
        except HookFailed as error:
            hint = "" if "sample" in self._interface.hooks else " This was a made-up sample."
            raise SetupError(f"{error.told}{hint}") from error

    @override
    def preprocess(self, data: bytes, parameters: Mapping[str, Any]) -> Job:
        """Makes of an input's bytes what `infer` takes, by way of the user's `preprocess`.

        Raises:
            ImageDamaged: The picture's pixels cannot be decoded.
            InvalidInput: The JSON is not what the model takes.
            InvalidParameter: The parameters are not what the model takes.
            HookFailed: The hook did.
        """
        params = self._read_parameters(parameters)
        value = self._read(data)
        if "preprocess" in self._interface.hooks:
            value = self._call("preprocess", value, params)
        return Job(value, params)

    @override
    def infer(self, items: Sequence[Job]) -> list[Any]:
        """Hands a batch to the user's `infer`.

        Raises:
            HookFailed: It did, or did not return one output an input.
        """
        outputs = self._call("infer", [j.value for j in items], [j.params for j in items])
        if not hasattr(outputs, "__len__") or isinstance(outputs, str | bytes | Mapping):
            reason = f"returned {_kind(outputs)}; a list with one result an input is wanted."
            raise HookFailed("infer", self._where("infer"), reason)
        if len(outputs) != len(items):
            reason = f"returned {len(outputs)} results for {len(items)} inputs."
            raise HookFailed("infer", self._where("infer"), reason)
        return list(outputs)

    @override
    def postprocess(self, output: Any, item: Job, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one output, by way of the user's `postprocess`; best score first.

        Raises:
            HookFailed: The hook did, or returned what its annotation does not say.
        """
        last = "postprocess" if "postprocess" in self._interface.hooks else "infer"
        if last == "postprocess":
            output = self._call("postprocess", output, item.params)
        write, kind = self._interface.write, self._interface.result_kind
        try:
            data = write.dump_python(write.validate_python(output), mode="json")
            json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
        except ValidationError as error:
            raise HookFailed(last, self._where(last), _mismatch(output, error)) from error
        except ValueError as error:
            reason = f"returned what JSON cannot hold (NaN, an infinite number, half a character): {error}"
            raise HookFailed(last, self._where(last), reason) from error
        if kind != "json":
            data.sort(key=lambda each: -each["score"])
        return {"kind": kind, RESULT_FIELDS[kind]: data}

    @override
    def sample(self) -> bytes | None:
        """The user's sample, or one made by the input's type; None where that tells of none."""
        if "sample" in self._interface.hooks:
            return self._sample_bytes(self._call("sample"))
        if self._interface.input_kind == "image":
            return _png(Image.new("RGB", SAMPLE_SIZE, "gray"))
        try:
            schema = self._interface.input_schema
            return None if schema is None else json.dumps(sample_of(schema)).encode()
        except NoSample:
            return None

    @override
    def sample_parameters(self) -> Mapping[str, Any]:
        """Of parameters that have no default, their examples; those without are left out."""
        try:
            required: Mapping[str, Any] = sample_of(self.about.parameters)
        except NoSample:
            return {}
        return required

    def _sample_bytes(self, value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        if isinstance(value, Image.Image):
            return _png(value)
        if self._interface.read_json is None:
            wanted = {"image": "a PIL image", "file": "bytes"}[self._interface.input_kind]
            reason = f"returned {_kind(value)}; {wanted} is wanted."
            raise HookFailed("sample", self._where("sample"), reason)
        return self._interface.read_json.dump_json(value)

    def _read(self, data: bytes) -> Any:
        """An input as the first hook takes it."""
        if self._interface.input_kind == "image":
            return decode_image(data).image
        if self._interface.read_json is None:
            return data if isinstance(data, File) else File(data)
        try:
            return self._interface.read_json.validate_json(data)
        except ValidationError as error:
            raise InvalidInput.of(field_errors(error)) from error

    def _read_parameters(self, parameters: Mapping[str, Any]) -> BaseModel | None:
        if self._interface.parameters is None:
            return None
        try:
            return self._interface.parameters.model_validate(parameters)
        except ValidationError as error:
            errors = field_errors(error)
            told = "; ".join(f"{each.pointer[1:]}: {each.detail}" for each in errors)
            raise InvalidParameter(f"{told}.", errors=errors) from error

    def _call(self, name: str, *arguments: Any) -> Any:
        """Calls a hook, with parameters only where it takes them."""
        hook = self._interface.hooks[name]
        given = arguments if hook.takes_parameters else arguments[:1]
        try:
            return hook.function(self._model, *given)
        except MemoryError:
            raise  # perhaps it is a neighbour's doing: the worker tries again with nothing beside it
        except Exception as error:
            where = place_of(error, self._folder) or hook.where
            raise HookFailed(name, where, describe(error)) from error

    def _where(self, name: str) -> str:
        return self._interface.hooks[name].where


def _about(model: Model, interface: Interface, identity: Identity) -> RegisteredCard:
    """What a model says of itself to clients."""
    name, version = getattr(model, "name", identity.name), model.version
    try:
        _NAME.validate_python(name)
        _VERSION.validate_python(version)
    except ValidationError as error:
        raise SetupError(
            f"{type(model).__name__}: name {name!r} and version {version!r} have to be of a-z, 0-9 and dashes."
        ) from error
    if (name, version) != (identity.name, identity.version):
        raise SetupError(
            f"{type(model).__name__}: write name and version as plain strings in the class, so that they can be"
            f" read without running it; read were {identity.name!r} and {identity.version!r}, but they are"
            f" {name!r} and {version!r}."
        )
    for attribute in ("labels", "media_types"):
        if isinstance(getattr(model, attribute), str):
            raise SetupError(f"{type(model).__name__}: {attribute} has to be a list of strings.")
    described = model.description or (inspect.cleandoc(type(model).__doc__ or "").split("\n\n")[0])
    return RegisteredCard(
        name=name,
        version=version,
        kind=KINDS[interface.result_kind],
        description=" ".join(described.split()),
        license=model.license,
        input_kind=interface.input_kind,
        media_types=tuple(model.media_types) if interface.input_kind == "file" else (),
        input_schema=interface.input_schema,
        labels=dict(enumerate(model.labels)),
        parameters=interface.parameter_schema,
        result_kind=interface.result_kind,
        result_schema=interface.result_schema,
        source={},
        measured={},
    )


def _mismatch(output: Any, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{part!r}]" for part in first["loc"])
    return f"returned {_kind(output)}, which its annotation does not say: {place or 'it'}: {first['msg']}."


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
