"""How much a worker has in hand."""

from types import SimpleNamespace

import pytest

from inferq.models.batching import Batching
from inferq.worker import app


@pytest.mark.parametrize(("sizes", "slots"), [([1, 1], 3), ([1, 4], 8), ([4, 16], 32), ([], 3)])
def test_one_more_than_cpus_is_in_hand_or_two_batches_of_the_largest(monkeypatch, sizes, slots):
    monkeypatch.setattr(app, "available_cpus", lambda: 2)
    assert app._count_slots([SimpleNamespace(batching=Batching(size)) for size in sizes]) == slots


def test_who_says_how_many_are_in_hand_has_as_many_run_of_what_does_not_batch():
    alone, batched = (SimpleNamespace(batching=Batching(size, parallel=2)) for size in (1, 8))
    app._run_at_once_what_is_in_hand([alone, batched])
    assert (alone.batching.parallel, batched.batching.parallel) == (None, 2)
