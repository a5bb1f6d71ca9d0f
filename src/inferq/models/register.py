"""The cards that living workers serve, in the state store: the API needs no model files of its own."""

import math
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, cast

import redis
from pydantic import BaseModel, ConfigDict, Field

from inferq.errors import UnknownModel
from inferq.models import BUNDLED
from inferq.models.card import Card
from inferq.state import load_script, state_errors

TERM = timedelta(seconds=6)
FRESH_SECONDS = 1.0
"""How old what `find` answers may be, so that not every submit reads all cards."""
CARDS = "inferq:cards"
SERVING, DRAINED = "serving", "drained"


class RegisteredCard(BaseModel):
    """A model's card as the register holds it: what API and clients need of it."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    name: str
    version: str
    kind: str
    description: str
    license: str
    input_kind: Literal["image", "json", "file"] = Field(description="What an input is.")
    media_types: tuple[str, ...] = Field((), description="Of `file` inputs: which are taken.")
    input_schema: dict[str, Any] | None = Field(
        None, description="Of `json` inputs: their JSON Schema."
    )
    result_kind: Literal["detections", "classification", "json"] = Field(
        "detections", description="Which form results have."
    )
    result_schema: dict[str, Any] | None = Field(
        None, description="Of `json` results: the JSON Schema of `data`."
    )
    batch_size: int = Field(
        1, description="Most predictions of one run, as the worker that registered last chose it."
    )
    labels: dict[int, str]
    translated_labels: dict[str, dict[int, str]] = Field(
        default_factory=dict,
        description="Language tag to class id to label, for showing; requests and results have `labels` alone.",
    )
    parameters: dict[str, Any]
    source: dict[str, Any]
    measured: dict[str, Any]

    @property
    def reference(self) -> str:
        """The model's full name: `name@version`."""
        return f"{self.name}@{self.version}"

    @classmethod
    def of(cls, card: Card, *, batch_size: int = 1) -> "RegisteredCard":
        """What a model folder's card says to clients, and how many predictions are run at once."""
        return cls(
            name=card.name,
            version=card.version,
            kind=card.kind,
            description=card.description,
            license=card.license,
            input_kind="image",
            batch_size=batch_size,
            labels=card.labels,
            translated_labels=card.translated_labels,
            parameters=card.parameter_schema(),
            source=card.source,
            measured=card.measured,
        )


@dataclass(frozen=True, slots=True)
class Serving:
    """How many living workers serve a model, and how many predictions they run at once."""

    workers: int
    slots: int
    drained: int = 0
    """Living workers that have it and were told to take nothing new."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A living worker, as its last heartbeat told of it."""

    worker: str
    models: tuple[str, ...]
    slots: int
    free: int
    """Slots that were free all the time between its last two reports."""
    drained: tuple[str, ...]
    """Those of its models that it takes nothing new of."""
    reported_seconds_ago: float


class ModelRegister:
    """Which models there are, and who serves them. Every method raises `StateUnavailable`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._register = load_script(client, __package__, "register")
        self._read: tuple[float, list[RegisteredCard]] = (-math.inf, [])

    def register(
        self,
        worker_id: str,
        *,
        slots: int,
        free: int,
        cards: Iterable[RegisteredCard],
        drained: Collection[str] = (),
    ) -> None:
        """Says that a worker serves these models for the next `TERM`; repeated by its heartbeat.

        Args:
            worker_id: Of this start of the worker.
            slots: Predictions that it runs at once.
            free: How many of them were free all the time since the last report.
            cards: Of the models that it serves.
            drained: Those of the models (`name@version`) that it takes nothing new of.
        """
        parts = [
            part
            for card in cards
            for part in (
                card.reference,
                card.model_dump_json(),
                DRAINED if card.reference in drained else SERVING,
            )
        ]
        term = TERM // timedelta(microseconds=1)
        with state_errors():
            self._register(args=[worker_id, slots, free, term, *parts])

    def unregister(self, worker_id: str, cards: Iterable[RegisteredCard]) -> None:
        """Says that a worker no longer serves these models; the cards stay known."""
        with state_errors():
            for card in cards:
                for how in (SERVING, DRAINED):
                    self._client.zrem(f"inferq:{how}:{card.reference}", worker_id)
            self._client.delete(f"inferq:worker:{worker_id}")

    def cards(self) -> list[RegisteredCard]:
        """Every model that a worker ever served here, by name, newest version first."""
        with state_errors():
            texts = cast("list[str]", self._client.hvals(CARDS))
        cards = [_card(text) for text in texts]
        by_version = sorted(cards, key=lambda card: _version_order(card.version), reverse=True)
        return sorted(by_version, key=lambda card: card.name)

    def find(self, model: str | None, default: str | None) -> RegisteredCard:
        """The card of `name@version`, of the newest version of `name`, or of the default model; at most a second old.

        Args:
            model: What a request names, if it does.
            default: What the setting names, if it does; else it is the bundled model, or the first by name.

        Raises:
            UnknownModel: No worker ever registered it.
        """
        read_at, cards = self._read
        if time.monotonic() - read_at < FRESH_SECONDS and (card := _named(model or default, cards)):
            return card
        now, cards = time.monotonic(), self.cards()
        self._read = (now, cards)
        if card := _named(model or default, cards):
            return card
        known = (
            ", ".join(card.reference for card in cards) or "none yet: no worker has registered one"
        )
        raise UnknownModel(
            f"There is no model {model or default or _usual(cards)!r}. Known models: {known}."
        )

    def references(self) -> list[str]:
        """Every model that a worker ever served here, as `name@version`."""
        with state_errors():
            return cast("list[str]", self._client.hkeys(CARDS))

    def workers(self) -> list[Worker]:
        """The living workers, by id."""
        models: dict[str, list[str]] = {}
        drained: dict[str, list[str]] = {}
        references = sorted(self.references())
        lists = [(reference, how) for reference in references for how in (SERVING, DRAINED)]
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            pipe.time()
            for reference, how in lists:
                pipe.zrange(f"inferq:{how}:{reference}", 0, -1, withscores=True)
            (seconds, micros), *rows = pipe.execute()
            now = seconds * 10**6 + micros
            for (reference, how), members in zip(lists, rows, strict=True):
                for worker, until in members:
                    if until > now:
                        models.setdefault(worker, []).append(reference)
                        if how == DRAINED:
                            drained.setdefault(worker, []).append(reference)
            for worker in sorted(models):
                pipe.hmget(f"inferq:worker:{worker}", "slots", "free", "reported")
            reports = pipe.execute()
        return [
            Worker(
                worker,
                models=tuple(models[worker]),
                slots=int(slots),
                free=int(free),
                drained=tuple(drained.get(worker, ())),
                reported_seconds_ago=(now - int(reported)) / 1e6,
            )
            for worker, (slots, free, reported) in zip(sorted(models), reports, strict=True)
            if slots is not None
        ]

    def serving(self, reference: str) -> Serving:
        """Who serves a model at this moment, by the store's clock."""
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            pipe.time()
            for how in (SERVING, DRAINED):
                pipe.zrange(f"inferq:{how}:{reference}", 0, -1, withscores=True)
            (seconds, micros), *lists = pipe.execute()
            living, drained = (
                [worker for worker, until in members if until > seconds * 1e6 + micros]
                for members in lists
            )
            for worker in living:
                pipe.hget(f"inferq:worker:{worker}", "slots")
            slots = pipe.execute()
        return Serving(len(living), sum(int(count) for count in slots if count), len(drained))


@lru_cache(maxsize=256)
def _card(text: str) -> RegisteredCard:
    """The card of a text, which is read for every submit and seldom changes."""
    return RegisteredCard.model_validate_json(text)


def _named(wanted: str | None, cards: Sequence[RegisteredCard]) -> RegisteredCard | None:
    """The card of what a request or else a setting names, or the usual one where neither does."""
    wanted = wanted or _usual(cards)
    for card in cards:
        if wanted in (card.reference, card.name):
            return card
    return None


def _usual(cards: Sequence[RegisteredCard]) -> str | None:
    """The model of a request that names none, where no setting does either."""
    names = [card.name for card in cards]
    return BUNDLED if BUNDLED in names else next(iter(names), None)


def _version_order(version: str) -> tuple[int, str]:
    return (int(version), "") if version.isdigit() else (-1, version)
