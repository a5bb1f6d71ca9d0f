"""Model: what a worker serves. Input in, result out; it knows no queue, store or HTTP."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from inferq.models.batching import Batching, Policy
from inferq.models.card import Card

Optimization = Literal["all", "extended", "basic"]
Item = TypeVar("Item")
Output = TypeVar("Output")


@dataclass(frozen=True, slots=True)
class Context:
    """Where a model is loaded.

    Attributes:
        threads: That one run uses.
        providers: Devices in order of preference, as in `INFERQ_PROVIDERS`.
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
    parallel: int = 1
    batching: Policy = "off"
    batch_size: int | None = None
    optimization: Optimization = "all"
    variant: str = ""
    cpus: int = 1
    tuned: Path | None = None
    pinned: frozenset[str] = frozenset()


class Model(ABC, Generic[Item, Output]):
    """One loaded model. `preprocess` and `postprocess` work on one item, in the attempt's own thread."""

    card: Card
    max_batch: int = 1
    """Most items that `infer` is given at once; how many are, `batching` says."""
    max_wait_ms: float = 0.0
    """How long an idle model waits for items that are being preprocessed."""
    batching: Batching = Batching()
    """How it is run, as chosen when it was loaded."""

    @abstractmethod
    def load(self, ctx: Context) -> None:
        """Makes the model ready to infer; called once."""

    @abstractmethod
    def preprocess(self, data: bytes, parameters: Mapping[str, Any]) -> Item:
        """Makes of an input's bytes what `infer` takes."""

    @abstractmethod
    def infer(self, items: Sequence[Item]) -> Sequence[Output]:
        """Runs the network on a batch; one output an item, in order. Called by several threads at once."""

    @abstractmethod
    def postprocess(
        self, output: Output, item: Item, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The result of one item, as JSON-ready data with its `kind`."""

    @abstractmethod
    def sample(self) -> bytes:
        """An input to warm up with."""

    def warm_up(self) -> None:
        """Predicts once, so that the first prediction is as quick as the tenth."""
        item = self.preprocess(self.sample(), {})
        (output,) = self.infer([item])
        self.postprocess(output, item, {})
