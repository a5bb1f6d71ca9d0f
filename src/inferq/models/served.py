"""ServedModel: what a worker runs. Input in, result out; it knows no queue, store or HTTP."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from inferq.models.base import Context
from inferq.models.batching import Batching
from inferq.models.register import RegisteredCard

Item = TypeVar("Item")
Output = TypeVar("Output")


class ServedModel(ABC, Generic[Item, Output]):
    """One loaded model. `preprocess` and `postprocess` work on one item, in the attempt's own thread."""

    about: RegisteredCard
    """What the model says of itself to clients."""
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
        """Makes of an input's bytes (a `File`, where its media type is known) what `infer` takes."""

    @abstractmethod
    def infer(self, items: Sequence[Item]) -> Sequence[Output]:
        """Runs the network on a batch; one output an item, in order. Called by several threads at once."""

    @abstractmethod
    def postprocess(
        self, output: Output, item: Item, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The result of one item, as JSON-ready data with its `kind`."""

    @abstractmethod
    def sample(self) -> bytes | None:
        """An input to warm up with; None where there is none."""

    def sample_parameters(self) -> Mapping[str, Any]:
        """Parameters that go with the sample."""
        return {}

    @abstractmethod
    def warm_up(self) -> None:
        """Predicts, so that the first prediction is as quick as the tenth and a fault is known before it.

        Raises:
            SetupError: The model cannot predict; the message says why.
        """
