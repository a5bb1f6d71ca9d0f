"""What a user extends to serve code of their own: `Model`, and what its hooks are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from inferq.models.batching import Policy

if TYPE_CHECKING:
    from inferq.models.runtimes import Session

ACCELERATORS = {"cuda": "cuda", "tensorrt": "cuda"}
"""Providers that stand for a device, as PyTorch and others name it."""
Optimization = Literal["all", "extended", "basic"]


class File(bytes):
    """An input's bytes, with what its sender said of them.

    Attributes:
        media_type: What they are, without parameters: `text/plain`.
        filename: The name that they were sent under, if they had one.
    """

    media_type: str
    filename: str | None

    def __new__(
        cls,
        data: bytes = b"",
        *,
        media_type: str = "application/octet-stream",
        filename: str | None = None,
    ) -> Self:
        """Takes the bytes and what is known of them."""
        file = super().__new__(cls, data)
        file.media_type = media_type
        file.filename = filename
        return file


@dataclass(frozen=True, slots=True)
class Context:
    """Where a model is loaded.

    Attributes:
        threads: That one run should use.
        providers: Devices in order of preference, as in `INFERQ_PROVIDERS`.
        folder: Where the model's files lie.
        parallel: Runs at once.
        batching: Whether its batch size is measured, 1, or `max_batch`.
        batch_size: If it was measured before; then `batching` has no say.
        optimization: Of the graph.
        variant: Which of the card's variants of the weights; empty for its own.
        cpus: That this process may use.
        tuned: Folder of what was found best for models on this machine; None where that has no say.
        pinned: Names of those of these attributes that settings say, so that `tuned` does not.
    """

    threads: int = 1
    providers: Sequence[str] = ("cpu",)
    folder: Path = Path()
    parallel: int = 1
    batching: Policy = "off"
    batch_size: int | None = None
    optimization: Optimization = "all"
    variant: str = ""
    cpus: int = 1
    tuned: Path | None = None
    pinned: frozenset[str] = frozenset()

    @property
    def device(self) -> str:
        """The device of the most wanted provider as PyTorch names it: `cpu`, `cuda` or `cuda:1`."""
        name, colon, index = next(iter(self.providers), "cpu").partition(":")
        return f"{ACCELERATORS[name]}{colon}{index}" if name in ACCELERATORS else "cpu"

    def onnx(self, file: str | Path) -> "Session":
        """An ONNX network of the model's folder, ready to `run({"input": array})`.

        Raises:
            SetupError: The file is no sound graph, or a provider is not installed here.
        """
        # The runtime is loaded only by models that use it.
        from inferq.models.runtimes import find_runtime  # noqa: PLC0415

        return find_runtime("onnx").open_session(self.folder / file, self)


class Model:
    """A model in code of your own: extend it, write `infer`, and annotate its types.

    Only `infer` has to be written. It takes a list of inputs, and if you like a second list with the parameters of
    each, and returns a list of results in their order. Its annotations say what clients may send and what they get:

    - inputs: `PIL.Image.Image` for pictures, `File` or `bytes` for raw files, anything else for JSON;
    - parameters: a pydantic model;
    - results: a list of objects with `label` and `score` is a classification, one with `label`, `class_id`, `score`
      and `box` (such as `inferq.Detection`) are detections, anything else is JSON.

    `preprocess(input, params)` and `postprocess(output, params)`, if they are there, work on one item, in the thread
    of its own prediction; then `preprocess` says what an input is, and `postprocess` what a result is.
    """

    name: ClassVar[str]
    """By default the folder's name. A plain string, so that it can be read without running the code."""
    version: ClassVar[str] = "1"
    """A plain string too; the highest number is the newest."""
    description: ClassVar[str] = ""
    """By default the first paragraph of the class's docstring."""
    license: ClassVar[str] = "unknown"
    labels: ClassVar[Sequence[str]] = ()
    """The labels that results may have, where they are known."""
    media_types: ClassVar[Sequence[str]] = ("*/*",)
    """Of raw files: what is accepted, such as `text/plain` or `audio/*`."""
    max_batch: ClassVar[int] = 1
    """Most inputs that `infer` is given at once."""
    max_wait_ms: ClassVar[float] = 0.0
    """Longest that an input waits for others to be batched with."""

    def load(self, ctx: Context) -> None:
        """Makes the model ready; called once, before `infer`."""

    def preprocess(self, *args: Any, **kwargs: Any) -> Any:
        """`preprocess(input, params)`: makes of one input what `infer` takes."""
        raise NotImplementedError

    def infer(self, *args: Any, **kwargs: Any) -> Any:
        """`infer(inputs, params)`: one result an input, in order. Called by several threads at once."""
        raise NotImplementedError

    def postprocess(self, *args: Any, **kwargs: Any) -> Any:
        """`postprocess(output, params)`: makes of one output of `infer` its result."""
        raise NotImplementedError

    def sample(self) -> Any:
        """An input to warm up with, as clients' inputs arrive; without it, one is made by its type."""
        raise NotImplementedError
