"""A worker process: loads and warms its models, registers their cards, then takes tasks until SIGTERM."""

import os
import secrets
import socket
import warnings
from collections.abc import Sequence
from typing import Any

import structlog
from celery.exceptions import SecurityWarning

from inferq.models.base import Context, Model
from inferq.models.catalogue import find_folders, load_models
from inferq.models.register import ModelRegister, RegisteredCard
from inferq.predictions.record import ModelReference
from inferq.predictions.store import PredictionStore
from inferq.queue import create_celery, is_rabbitmq, model_queue
from inferq.settings import Settings
from inferq.state import connect
from inferq.storage import Storage
from inferq.worker.heartbeat import Heartbeat
from inferq.worker.pipeline import Pipeline
from inferq.worker.tasks import register_task

log = structlog.get_logger()


def run_worker(
    settings: Settings, names: Sequence[str] = (), *, concurrency: int | None = None
) -> int:
    """Serves models until the process is told to stop; returns its exit status.

    Args:
        settings: Of this process.
        names: Models or model folders; without any, the bundled one and all of `INFERQ_MODELS_DIR`.
        concurrency: Predictions run at once; by default one a CPU.

    Raises:
        SetupError: A setting or a model is at fault.
    """
    client = connect(settings.state_url())
    slots = concurrency or settings.concurrency or available_cpus()
    context = Context(providers=settings.providers)
    models = load_models(find_folders(names, settings.models_dir), context)
    pipeline = Pipeline(
        PredictionStore(client),
        Storage(settings.blob_url()),
        models={model.card.reference: model for model in models},
        retention=settings.retention,
        max_attempts=settings.max_attempts,
    )
    worker_id = secrets.token_hex(4)
    cards = [RegisteredCard.of(model.card) for model in models]
    register = ModelRegister(client)
    register.register(worker_id, slots, cards)
    heartbeat = Heartbeat(pipeline.renew_leases, lambda: register.register(worker_id, slots, cards))
    heartbeat.start()
    log.info(
        "worker_ready", worker=worker_id, slots=slots, models=[card.reference for card in cards]
    )
    try:
        return _consume(settings, pipeline, models, name=worker_id, slots=slots)
    finally:
        heartbeat.stop()
        register.unregister(worker_id, slots, cards)


def available_cpus() -> int:
    """CPUs that this process may run on, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _consume(
    settings: Settings,
    pipeline: Pipeline,
    models: Sequence[Model[Any, Any]],
    *,
    name: str,
    slots: int,
) -> int:
    broker_url = settings.queue_url()
    app = create_celery(broker_url, settings.state_url())
    quorum = is_rabbitmq(broker_url)
    app.conf.task_queues = [
        model_queue(ModelReference(name=m.card.name, version=m.card.version), quorum=quorum)
        for m in models
    ]
    register_task(app, pipeline)
    # Celery warns of running as root because of pickle, which is not accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # A name of its own each start: RabbitMQ locks what belongs to a name until the old one is gone.
    worker = app.Worker(
        hostname=f"inferq-{name}@{socket.gethostname()}",
        pool="threads",
        concurrency=slots,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel=settings.log_level.upper(),
    )
    worker.start()
    return int(worker.exitcode or 0)
