"""What `inferq doctor` looks at, one function a part; each finding says what to do."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import redis

from inferq import __version__
from inferq.cli.deployment import with_state
from inferq.client import Client
from inferq.embedded.valkey import find_binary
from inferq.errors import InferqError, SetupError, StateUnavailable
from inferq.models.card import check_weights, read_card
from inferq.models.catalogue import bundled_folder
from inferq.models.register import ModelRegister
from inferq.predictions.queues import Queues
from inferq.predictions.record import ModelReference
from inferq.queue import describe_broker
from inferq.safety import findings, is_local
from inferq.settings import Settings
from inferq.state import connect, state_errors
from inferq.storage import Storage

MEMORY_FULL = 0.75
CLOCKS_APART_SECONDS = 2.0
OLDEST_STATE = 7
PACKAGES = ("celery", "kombu", "redis", "fsspec", "onnxruntime", "opentelemetry-sdk")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at."""

    part: str
    level: Literal["ok", "note", "WRONG"]
    text: str


def ok(part: str, text: str) -> Found:
    """It is as it should be."""
    return Found(part, "ok", text)


def note(part: str, text: str) -> Found:
    """It works, but somebody may wonder."""
    return Found(part, "note", text)


def wrong(part: str, text: str) -> Found:
    """Something has to be done."""
    return Found(part, "WRONG", text)


def check_all(settings: Settings, client: Client) -> Iterator[Found]:
    """Everything, in the order in which one would look."""
    yield from _settings(settings)
    yield from _guarded("valkey", lambda: [_own_valkey(settings)])
    yield from _guarded("state", lambda: list(_state(settings)))
    yield from _guarded("broker", lambda: [_broker(settings)])
    yield from _guarded("storage", lambda: list(_storage(settings)))
    yield _disk(settings)
    yield from _guarded("model", lambda: [_bundled_model()])
    yield from _guarded("server", lambda: [_server(client)])
    yield from _guarded("workers", lambda: [_workers(client)])
    yield _traces(settings)
    yield _events(settings)
    yield ok("versions", _versions())


def _guarded(part: str, look: Callable[[], list[Found]]) -> list[Found]:
    """What was found; what could not be looked at is wrong, and the error says what to do."""
    try:
        return look()
    except InferqError as error:
        return [wrong(part, str(error))]


def _settings(settings: Settings) -> Iterator[Found]:
    """What would keep a deployment from starting, or is doubtful."""
    found = [wrong("settings", f"{each.setting}: {each.text}") for each in findings(settings)]
    kind = "for this machine alone" if is_local(settings) else "for others to reach"
    yield from found or [ok("settings", f"{kind}; nothing is unsafe")]


def _own_valkey(settings: Settings) -> Found:
    if settings.redis_url is not None:
        return ok("valkey", "INFERQ_REDIS_URL names a server; inferq up starts none")
    return ok("valkey", f"inferq up starts {find_binary(settings.valkey_bin)}")


def _state(settings: Settings) -> Iterator[Found]:
    try:
        url = with_state(settings).state_url()
    except SetupError:
        folder = settings.data_dir.absolute()
        yield note("state", f"no server has run on {folder} yet: `inferq up` starts one there")
        return
    client = connect(url)
    try:
        with state_errors():
            info: dict[str, Any] = client.info()
        yield from look_at_state(info)
        yield from _replicas(client, info)
        yield _clocks(client)
        yield from _queues(client)
    except StateUnavailable:
        yield wrong(
            "state",
            "the state store does not answer: see whether it runs, and whether address and password of"
            " INFERQ_REDIS_URL are right; until then uploads are refused, and what was accepted is kept",
        )
    finally:
        client.close()


def look_at_state(info: dict[str, Any]) -> Iterator[Found]:
    """What `INFO` of a state store says of whether it keeps what it was given."""
    name = "Valkey" if "valkey_version" in info else "Redis"
    told = info.get("valkey_version") or info["redis_version"]
    found = []
    if int(info["redis_version"].split(".")[0]) < OLDEST_STATE:
        found.append(f"{name} {told} is too old: take Valkey, or Redis 7 or newer")
    if info.get("cluster_enabled"):
        found.append(
            "it is a Redis Cluster, where no change may touch several keys: name a single server, with replicas"
        )
    if info.get("role") == "slave":
        found.append("it is a replica, which takes no changes: name the primary")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(
            f"maxmemory-policy is {policy}: when it is full it would throw predictions away;"
            " set it to noeviction"
        )
    if not info.get("aof_enabled"):
        found.append(
            "the append-only file is off, so that a restart loses predictions: set appendonly yes"
        )
    most = info.get("maxmemory", 0)
    if most and info["used_memory"] > MEMORY_FULL * most:
        found.append(
            f"{info['used_memory'] / most:.0%} of its memory is used, and at 80 % uploads are refused:"
            " raise maxmemory, or shorten INFERQ_RETENTION"
        )
    if found:
        yield from (wrong("state", text) for text in found)
    else:
        yield ok("state", f"{name} {told} keeps what it is given")


def _replicas(client: redis.Redis, info: dict[str, Any]) -> Iterator[Found]:
    if not info.get("connected_slaves"):
        return
    try:
        least = int(client.config_get("min-replicas-to-write").get("min-replicas-to-write") or 0)
    except redis.ResponseError:  # services of others do not always tell
        return
    if not least:
        yield note(
            "state",
            "it has replicas, but takes changes without any: a fail-over may lose what was accepted last;"
            " set min-replicas-to-write 1",
        )


def _clocks(client: redis.Redis) -> Found:
    before = time.time()
    with state_errors():
        seconds, micros = client.time()
    apart = (before + time.time()) / 2 - (seconds + micros / 1e6)
    if abs(apart) > CLOCKS_APART_SECONDS:
        way = "ahead of" if apart > 0 else "behind"
        return wrong(
            "clocks",
            f"this machine's is {abs(apart):.0f} s {way} the state store's: set both by NTP, or webhooks and"
            " tokens of other issuers are refused for their time",
        )
    return ok("clocks", "this machine's and the state store's agree")


def _queues(client: redis.Redis) -> Iterator[Found]:
    register, queues = ModelRegister(client), Queues(client)
    models = [ModelReference.parse(reference) for reference in sorted(register.references())]
    waiting = {model: queues.load(model).queued for model in models}
    serving = {model: register.serving(str(model)) for model in models}
    stuck = [model for model in models if waiting[model] and not serving[model].workers]
    for model in stuck:
        why = (
            "its workers were told to take nothing new: see inferq status, then inferq resume"
            if serving[model].drained
            else f"no worker serves it: start one (inferq worker {model.name})"
        )
        yield wrong("queues", f"{waiting[model]} predictions of {model} wait, and {why}")
    if not stuck:
        yield ok("queues", f"{sum(waiting.values())} predictions wait; each of them has a worker")


def _broker(settings: Settings) -> Found:
    if settings.broker_url is None:
        return ok("broker", "the state store serves as broker, too")
    return ok("broker", f"{describe_broker(settings.queue_url())} answers")


def _storage(settings: Settings) -> Iterator[Found]:
    storage = Storage.of(settings)
    shown = storage.prove()
    free = storage.free_bytes()
    if free is not None and free < settings.min_free_disk_bytes:
        yield wrong(
            "storage",
            f"{free / 2**20:.0f} MiB are free, less than INFERQ_MIN_FREE_DISK_BYTES, so uploads are refused:"
            " make room, or shorten INFERQ_RETENTION",
        )
        return
    yield ok("storage", f"{shown} takes and gives files")


def _disk(settings: Settings) -> Found:
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    told = f"{free / 2**30:.1f} GiB are free at {folder}"
    if free < settings.min_free_disk_bytes:
        return wrong(
            "disk", f"{told}: make room; the embedded Valkey stops when its file cannot grow"
        )
    return ok("disk", told)


def _bundled_model() -> Found:
    card = read_card(bundled_folder())
    check_weights(bundled_folder(), card)
    return ok("model", f"{card.reference} is whole")


def _server(client: Client) -> Found:
    readiness = client.ready()
    if readiness["status"] != "ready":
        away = ", ".join(
            f"{name} {state}" for name, state in readiness["checks"].items() if state != "ok"
        )
        raise SetupError(f"{client.url} is {readiness['status']}: {away}")
    return ok("server", f"{client.url} is ready")


def _workers(client: Client) -> Found:
    client.ready()
    serving = [card for card in client.models() if card["workers"]]
    if not serving:
        raise SetupError("no worker is registered; start one with `inferq worker`")
    told = ", ".join(f"{card['name']}@{card['version']} by {card['workers']}" for card in serving)
    return ok("workers", told)


def _events(settings: Settings) -> Found:
    if settings.celery_events:
        return ok("events", "workers with these settings tell Celery's monitors of each task")
    return ok("events", "none for Celery's monitors: Flower stays empty (INFERQ_CELERY_EVENTS)")


def _traces(settings: Settings) -> Found:
    if settings.otlp_url is None:
        return ok("traces", "none are recorded (INFERQ_OTLP_URL)")
    try:
        version("opentelemetry-exporter-otlp-proto-http")
    except PackageNotFoundError:
        return wrong("traces", "OpenTelemetry is not installed: pip install 'inferq[otel]'")
    return ok("traces", f"are sent to {settings.otlp_url}")


def _versions() -> str:
    told = [f"inferq {__version__}", f"Python {sys.version.split()[0]}"]
    for name in PACKAGES:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(told)
