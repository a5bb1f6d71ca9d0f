"""With what a worker loads its models."""

import pytest

from inferq.settings import Settings
from inferq.worker import context
from inferq.worker.context import worker_context


@pytest.mark.parametrize(
    ("given", "threads", "parallel"),
    [
        ({}, 1, 6),
        ({"threads": 4}, 4, 1),
        ({"threads": 99}, 99, 1),
        ({"threads": 2}, 2, 3),
        ({"threads": 2, "parallel_runs": 5}, 2, 5),
        ({"providers": ("cuda:1", "cpu")}, 1, 1),
        ({"providers": ("cuda",), "parallel_runs": 2}, 1, 2),
    ],
)
def test_runs_at_once_fill_the_cpus_unless_a_setting_says_otherwise(
    monkeypatch, given: dict, threads: int, parallel: int
):
    monkeypatch.setattr(context, "available_cpus", lambda: 6)
    ctx = worker_context(Settings(**given))
    assert (ctx.threads, ctx.parallel) == (threads, parallel)
