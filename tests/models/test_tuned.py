"""What was found best for a model, and when it no longer holds."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from inferq.errors import SetupError
from inferq.models.base import Context
from inferq.models.card import Card, Variant, read_card
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.tuned import as_tuned, tuned_path, write_tuned

CHOICE = Context(
    threads=2, parallel=3, optimization="extended", variant="int8", batch_size=4, cpus=6,
)  # fmt: skip


@pytest.fixture
def card() -> Card:
    variant = Variant(weights="int8.onnx", sha256="1" * 64)
    return read_card(bundled_folder()).model_copy(update={"variants": {"int8": variant}})


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    """Of a worker that looks for what was tuned."""
    return Context(cpus=6, parallel=6, tuned=tmp_path / "tuned")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    """What is logged of tuned models."""
    logger = CapturingLogger()
    monkeypatch.setattr("inferq.models.tuned.log", logger)
    return logger


def test_a_choice_is_taken_up_as_it_was_written(card: Card, ctx: Context):
    write_tuned(ctx.tuned, card, CHOICE, {"predictions_per_second": 90.5})
    assert as_tuned(ctx, card) == replace(CHOICE, tuned=ctx.tuned)


def test_what_settings_say_counts_more(card: Card, ctx: Context):
    write_tuned(ctx.tuned, card, CHOICE, {})
    pinned = replace(ctx, pinned=frozenset({"threads", "batch_size"}))
    assert as_tuned(pinned, card) == replace(
        CHOICE, threads=1, batch_size=None, tuned=ctx.tuned, pinned=pinned.pinned
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lambda card, ctx: (card, replace(ctx, cpus=2)), r"other machine \(.*, 6 CPUs, not .*, 2 CPUs"),
        (lambda card, ctx: (card.model_copy(update={"sha256": "2" * 64}), ctx), "other weights"),
        (lambda card, ctx: (card.model_copy(update={"variants": {}}), ctx), "no variant 'int8'"),
    ],
    ids=["another machine", "other weights", "a variant that is gone"],
)  # fmt: skip
def test_what_was_measured_otherwise_does_not_hold(card: Card, ctx: Context, log, changed, reason):
    write_tuned(ctx.tuned, card, CHOICE, {})
    card, ctx = changed(card, ctx)
    assert as_tuned(ctx, card) == ctx
    (call,) = log.calls
    assert call.args == ("tuned_ignored",)
    assert re.search(reason, call.kwargs["reason"])


def test_another_runtime_has_to_be_measured_anew(card: Card, ctx: Context, monkeypatch):
    write_tuned(ctx.tuned, card, CHOICE, {})
    monkeypatch.setattr("inferq.models.runtimes.onnx.runtime_version", lambda: "ONNX Runtime 9")
    assert as_tuned(ctx, card) == ctx


@pytest.mark.parametrize("text", ["threads = ", "schema = 1\nthreads = 0\n", "schema = 2\n"])
def test_a_file_that_cannot_be_read_stops_no_worker(card: Card, ctx: Context, log, text: str):
    ctx.tuned.mkdir()
    tuned_path(ctx.tuned, card).write_text(text)
    assert as_tuned(ctx, card) == ctx
    assert [call.args for call in log.calls] == [("tuned_ignored",)]


def test_a_place_that_cannot_be_written_to_is_told(card: Card, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be written to"):
        write_tuned(tmp_path / "file" / "tuned", card, CHOICE, {})


def test_a_tuned_batch_size_spares_the_measurement_at_the_start(ctx: Context, log):
    card = read_card(bundled_folder())
    write_tuned(ctx.tuned, card, replace(CHOICE, variant=""), {})
    (model,) = load_models([bundled_folder()], replace(ctx, batching="auto"))
    assert (model.batching.size, model.batching.parallel) == (4, 3)
    assert model.batching.milliseconds == {}
    assert [call.args for call in log.calls] == [("tuned",)]
