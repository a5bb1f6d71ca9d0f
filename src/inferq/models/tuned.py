"""What `inferq models tune` found best for a model on this machine: a file a model, which workers read."""

import os
import platform
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import structlog
from pydantic import Field, ValidationError

from inferq.errors import SetupError
from inferq.models.base import Context, Optimization
from inferq.models.card import Card, CardPart
from inferq.models.card_file import card_text
from inferq.models.runtimes import find_runtime

log = structlog.get_logger()


class Tuned(CardPart):
    """How a model is run best, and what that holds for: another machine, runtime or file has to be tuned anew."""

    schema_version: Literal[1] = Field(1, alias="schema")
    model: str
    sha256: str
    machine: str
    runtime: str
    providers: tuple[str, ...]
    threads: int = Field(ge=1)
    parallel_runs: int = Field(ge=1)
    optimization: Optimization
    variant: str = Field(description="Of the card's variants; empty for its own weights.")
    batch_size: int = Field(ge=1)
    measured: Mapping[str, Any] = Field(default_factory=dict)


def tuned_path(folder: Path, card: Card) -> Path:
    """The file of a model in the folder of tuned models."""
    return folder / f"{card.reference}.toml"


def write_tuned(folder: Path, card: Card, ctx: Context, measured: Mapping[str, Any]) -> Path:
    """Writes a choice; returns its file.

    Args:
        folder: Of tuned models.
        card: Of the model.
        ctx: The choice, with its batch size.
        measured: What speaks for it.

    Raises:
        SetupError: The file cannot be written.
    """
    path = tuned_path(folder, card)
    text = card_text(
        {
            "schema": 1,
            "model": card.reference,
            "sha256": card.sha256,
            "machine": machine(ctx.cpus),
            "runtime": find_runtime(card.runtime).runtime_version(),
            "providers": list(ctx.providers),
            "threads": ctx.threads,
            "parallel_runs": ctx.parallel,
            "optimization": ctx.optimization,
            "variant": ctx.variant,
            "batch_size": ctx.batch_size or 1,
            "measured": dict(measured),
        }
    )
    draft = path.with_suffix(f".{os.getpid()}.new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise SetupError(f"The choice cannot be written to {path}: {error}.") from error
    return path


def as_tuned(ctx: Context, card: Card) -> Context:
    """A context with what was tuned for a model on this machine, but for what settings say."""
    if ctx.tuned is None:
        return ctx
    path = tuned_path(ctx.tuned, card)
    try:
        tuned = Tuned.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ctx
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        log.warning("tuned_ignored", file=str(path), reason=str(error))
        return ctx
    if stale := _stale(tuned, ctx, card):
        log.warning("tuned_ignored", file=str(path), reason=f"{stale}; tune the model again")
        return ctx
    chosen: dict[str, Any] = {
        "providers": tuned.providers,
        "threads": tuned.threads,
        "parallel": tuned.parallel_runs,
        "batch_size": tuned.batch_size,
    }
    chosen = {name: value for name, value in chosen.items() if name not in ctx.pinned}
    chosen |= {"optimization": tuned.optimization, "variant": tuned.variant}
    log.info("tuned", model=card.reference, file=str(path), **chosen)
    return replace(ctx, **chosen)


def machine(cpus: int) -> str:
    """Processor and usable CPUs of this machine: what a measurement holds for."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{next(models, name)}, {cpus} CPUs"


def _stale(tuned: Tuned, ctx: Context, card: Card) -> str | None:
    """Why a choice does not hold here, if it does not."""
    for what, then, now in (
        ("machine", tuned.machine, machine(ctx.cpus)),
        ("runtime", tuned.runtime, find_runtime(card.runtime).runtime_version()),
        ("weights", tuned.sha256, card.sha256),
    ):
        if then != now:
            return f"it was measured with other {what} ({then}, not {now})"
    if tuned.variant and tuned.variant not in card.variants:
        return f"the card has no variant {tuned.variant!r} any more"
    return None
