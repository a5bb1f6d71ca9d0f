"""The card of a model: `model.toml`, typed. What a model says of itself, to workers, API and clients alike."""

import hashlib
import os
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from inferq.errors import SetupError, WrongWeights

CARD_FILE = "model.toml"
TRANSLATED_LABELS = "labels.<language>"
"""What errors call the tables within `[labels]`."""
LANGUAGE_TAG = r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?"
"""A language, with its script or country where these matter (BCP 47), in the one usual spelling."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
Version = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=32)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _composed(text: str) -> str:
    """A text in the one form (NFC) in which requests and fonts have it too."""
    return unicodedata.normalize("NFC", text)


Label = Annotated[str, AfterValidator(_composed)]
Translation = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_composed)
]


class CardPart(BaseModel):
    """Base of a card's tables: immutable; a field that we do not know is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InputTensor(CardPart):
    """The picture as the network takes it.

    A pixel's value is `(level / divide_by - mean) / std`, with the level of 0 to 255 and one mean and
    standard deviation a channel, in the order of `color`.
    """

    name: str
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    dtype: Literal["uint8", "float16", "float32"] = "uint8"
    color: Literal["RGB", "BGR"] = "RGB"
    resize: Literal["stretch", "letterbox"] = "stretch"
    position: Literal["center", "top-left"] = Field(
        "center", description="Where a letterboxed picture lies."
    )
    fill: int = Field(114, ge=0, le=255, description="Grey of a letterbox's padding.")
    divide_by: Positive = 1.0
    mean: tuple[Finite, Finite, Finite] = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    batch: Literal["dynamic", 1] = Field(
        "dynamic", description="1 for a graph that takes one picture at a time."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = self.model_fields_set
        if self.resize == "stretch" and given & {"position", "fill"}:
            raise ValueError(
                'position and fill belong to resize = "letterbox"; set it or drop them'
            )
        if self.dtype == "uint8" and given & {"divide_by", "mean", "std"}:
            raise ValueError(
                'divide_by, mean and std make fractions; set dtype = "float32" or drop them'
            )
        return self


class OutputOptions(CardPart):
    """What differs between graphs of one output format; each format takes only some of it."""

    decoded: bool = Field(False, description="yolox: the graph applies grids and strides itself.")
    strides: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (8, 16, 32), min_length=1, description="yolox: input pixels a cell, one grid each."
    )
    head: Literal["sigmoid", "softmax"] = Field(
        "sigmoid", description="detr: softmax where the last class is no object."
    )


class Variant(CardPart):
    """The same network in another file, such as one of float16 or int8; it takes and returns the same tensors."""

    weights: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class DetectionDefaults(CardPart):
    """Parameters that a request need not name."""

    score_threshold: float = Field(0.5, ge=0, le=1)
    iou_threshold: float = Field(0.5, ge=0, le=1)
    max_detections: int = Field(100, ge=1, le=1000)


class Card(CardPart):
    """What a model says of itself."""

    schema_version: Literal[1] = Field(1, alias="schema")
    name: Name
    version: Version
    kind: Literal["object-detection"]
    description: str
    license: str
    runtime: Literal["onnx", "tensorflow"]
    output_format: str
    weights: str = Field(description="Beside the card: a file, or the folder of a SavedModel.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    variants: dict[str, Variant] = Field(
        default_factory=dict, description="Other files of the same network, for `models tune`."
    )
    max_batch: int = Field(
        16, ge=1, le=1024, description="Most pictures of one run; whether so many pay is measured."
    )
    max_wait_ms: float = Field(
        0.0, ge=0, le=1000, description="Wait of an idle model for pictures that are being decoded."
    )
    input: InputTensor
    outputs: dict[str, str] = Field(
        description="The output format's tensor names, and the graph's."
    )
    output_options: OutputOptions = OutputOptions()
    parameters: DetectionDefaults = DetectionDefaults()
    labels: dict[int, Label] = Field(min_length=1, description="Class id to label.")
    translated_labels: dict[str, dict[int, Translation]] = Field(
        default_factory=dict,
        alias=TRANSLATED_LABELS,
        description="Language to class id to label; those of `[labels.vi]` and so on.",
    )
    source: dict[str, Any] = Field(default_factory=dict)
    measured: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _part_languages(cls, card: Any) -> Any:
        """Parts the labels from the tables within their table, which hold them in other languages."""
        match card:
            case {"labels": dict(labels), **rest}:
                tables = {key: each for key, each in labels.items() if isinstance(each, dict)}
                own = {key: each for key, each in labels.items() if key not in tables}
                return {**rest, "labels": own, TRANSLATED_LABELS: tables}
        return card

    @field_validator("translated_labels")
    @classmethod
    def _translate_what_there_is(
        cls, translated: dict[str, dict[int, str]], info: ValidationInfo
    ) -> dict[str, dict[int, str]]:
        for language, names in translated.items():
            if not re.fullmatch(LANGUAGE_TAG, language):
                raise ValueError(f"{language!r} is no language, such as vi, zh-Hant or pt-BR")
            if unknown := sorted(names.keys() - info.data.get("labels", names).keys()):
                raise ValueError(
                    f"[labels.{language}] has the class ids {', '.join(map(str, unknown))},"
                    " which [labels] has not"
                )
        return translated

    @property
    def reference(self) -> str:
        """The model's full name: `name@version`."""
        return f"{self.name}@{self.version}"

    def of_variant(self, name: str) -> Self:
        """The card with the weights of one of its variants; an empty name stands for its own."""
        return self if not name else self.model_copy(update=dict(self.variants[name]))

    def parameter_schema(self) -> dict[str, Any]:
        """JSON Schema of the parameters that a request may give, with this model's defaults."""
        defaults = self.parameters
        unit = {"type": "number", "minimum": 0, "maximum": 1}
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "score_threshold": unit
                | {
                    "default": defaults.score_threshold,
                    "description": "Least score of a detection.",
                },
                "iou_threshold": unit
                | {
                    "default": defaults.iou_threshold,
                    "description": "Overlap above which the lower score of two boxes of one class is dropped.",
                },
                "max_detections": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 1000,
                    "default": defaults.max_detections,
                    "description": "Most detections returned.",
                },
                "classes": {
                    "type": ["array", "null"],
                    "items": {"type": "string", "enum": list(self.labels.values())},
                    "minItems": 1,
                    "maxItems": len(self.labels),
                    "default": None,
                    "description": "Only detections of these labels; null for all.",
                },
            },
        }


def read_card(folder: Path) -> Card:
    """Reads the card of a model folder.

    Raises:
        SetupError: There is none, or it is not valid; the message says where.
    """
    path = folder / CARD_FILE
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise SetupError(
            f"{folder} is no model folder: it has no {CARD_FILE} and no model.py."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise SetupError(f"{path} is not a valid card: {explain(error)}.") from error


def explain(error: ValidationError) -> str:
    """What is wrong with a file of ours, in one line: where and what."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())


def weights_digest(path: Path) -> str:
    """SHA-256 of weights, in hexadecimal.

    That of a folder is the SHA-256 of what `sha256sum` prints for all its files: a line `<digest>  <path>` each, with
    the path in the folder, sorted by the bytes of the paths.

    Raises:
        OSError: The weights are missing or cannot be read.
    """
    if not path.is_dir():
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    files = {
        os.fsencode(file.relative_to(path)): file for file in path.rglob("*") if file.is_file()
    }
    whole = hashlib.sha256()
    for name, file in sorted(files.items()):
        whole.update(weights_digest(file).encode() + b"  " + name + b"\n")
    return whole.hexdigest()


def check_weights(folder: Path, card: Card) -> Path:
    """The path of the weights, after their SHA-256 was compared with the card's.

    Raises:
        WrongWeights: They are missing or are others.
    """
    path = folder / card.weights
    try:
        digest = weights_digest(path)
    except FileNotFoundError as error:
        raise WrongWeights(f"{path} is missing; the card of {card.reference} names it.") from error
    if digest != card.sha256:
        what = "folder" if path.is_dir() else "file"
        raise WrongWeights(
            f"{path} is not the {what} that its card names: its SHA-256 is {digest}, the card says {card.sha256}."
        )
    return path
