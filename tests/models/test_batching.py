"""Which batch size is chosen for a model."""

import itertools
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from inferq.errors import SetupError
from inferq.models import batching
from inferq.models.base import Context
from inferq.models.batching import best_size, choose_batching
from inferq.models.catalogue import load_models
from inferq.models.served import ServedModel
from models.test_detector import tensors_of, write_model


class Counting(ServedModel):
    """A model that notes the sizes of its batches."""

    max_batch = 4
    max_wait_ms = 1.5

    def __init__(self, wrong: str | None = None) -> None:
        self.about = SimpleNamespace(reference="counting@1")
        self.sizes: list[int] = []
        self.wrong = wrong

    def load(self, ctx):
        """Nothing to load."""

    def preprocess(self, data, parameters):
        return data

    def infer(self, items: Sequence[bytes]) -> list[bytes]:
        self.sizes.append(len(items))
        if self.wrong == "raises" and len(items) > 1:
            raise ValueError("cannot stack")
        return list(items[1:] if self.wrong == "loses" else items)

    def postprocess(self, output, item, parameters):
        return {}

    def sample(self):
        return b"sample"

    def warm_up(self):
        """Nothing to warm."""


@pytest.mark.parametrize(
    ("milliseconds", "size", "tried"),
    [
        ({1: 10, 2: 5, 4: 2.5, 8: 1.3}, 8, {1, 2, 4, 8}),
        ({1: 10, 2: 9.5, 4: 1, 8: 1}, 1, {1, 2}),
        ({1: 10, 2: 5, 4: 4.8, 8: 1}, 2, {1, 2, 4}),
        ({1: 10, 2: 12, 4: 14, 8: 16}, 1, {1, 2}),
    ],
    ids=["each doubling pays", "a gain within the margin", "the second doubling does not", "costs"],
)
def test_a_batch_grows_as_long_as_that_makes_a_prediction_clearly_cheaper(
    milliseconds, size, tried
):
    chosen, costs = best_size(milliseconds.__getitem__, 8)
    assert chosen == size
    assert costs == {each: milliseconds[each] for each in tried}


def test_the_largest_batch_need_be_no_power_of_two():
    assert best_size(lambda size: 10 / size, 6)[0] == 6
    assert best_size(lambda size: 10 / size, 1) == (1, {})


def test_a_busy_machine_makes_no_batches():
    disturbed = itertools.cycle([30, 10, 10, 10, 10, 9.5])  # pairs: one of three speaks for a batch
    assert best_size(lambda size: next(disturbed), 2)[0] == 1


@pytest.mark.parametrize(("policy", "size"), [("off", 1), ("always", 4)])
def test_the_setting_spares_the_measurement(policy: str, size: int):
    model = Counting()
    chosen = choose_batching(model, Context(batching=policy, parallel=3))
    assert (chosen.size, chosen.parallel, model.sizes) == (size, 3, [])
    assert chosen.max_wait.total_seconds() == 0.0015


def test_batches_are_measured_with_as_many_runs_at_once_as_the_worker_makes():
    model = Counting()
    chosen = choose_batching(model, Context(batching="auto", parallel=3))
    assert set(chosen.milliseconds) >= {1, 2}
    assert model.sizes[:6] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("raises", "cannot stack. .*max_batch = 1"), ("loses", "returned 0 outputs for 1 inputs")],
)
def test_a_model_that_cannot_run_batches_is_refused_before_any_task(wrong: str, message: str):
    with pytest.raises(SetupError, match=f"counting@1.*{message}"):
        choose_batching(Counting(wrong), Context(batching="auto"))


@pytest.mark.parametrize(
    ("card", "size"),
    [({}, 16), ({"max_batch": 5, "max_wait_ms": 2.0}, 5), ({"batch": 1}, 1)],
    ids=["by default", "as the card says", "a graph for one picture"],
)
def test_the_card_bounds_the_batch(tmp_path, card: dict, size: int):
    folder = write_model(tmp_path, "ssd", tensors_of("ssd", (1, 1, 9, 9)), **card)
    (model,) = load_models([folder], Context(batching="always"))
    assert model.batching.size == size
    assert model.batching.max_wait.total_seconds() == card.get("max_wait_ms", 0) / 1000


def test_time_without_a_cpu_does_not_count(tmp_path, monkeypatch):
    scheduler = tmp_path / "schedstat"
    scheduler.write_text("5000000000 1000000000 7\n")
    monkeypatch.setattr(batching, "SCHEDULER", scheduler)

    class Delayed(Counting):
        def infer(self, items):
            scheduler.write_text("5000000000 11000000000 9\n")
            return items

    assert batching.Meter(Delayed(), 1).cost(1) == pytest.approx(-10, abs=5)


def test_where_the_system_tells_of_no_delays_none_are_taken_off(tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "SCHEDULER", tmp_path / "nothing")
    assert batching.Meter(Counting(), 1).cost(1) >= 0
