"""A worker process: loads and warms its models, registers their cards, then takes tasks until SIGTERM."""

import os
import secrets
import signal
import socket
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

import structlog
from celery import signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning

from inferq.errors import StateUnavailable
from inferq.models.catalogue import check_folders, code_folders, open_models
from inferq.models.providers import check_one_device
from inferq.models.served import ServedModel
from inferq.predictions.record import ModelReference
from inferq.queue import create_celery, is_rabbitmq, model_queues
from inferq.safety import require_safe
from inferq.settings import Settings
from inferq.storage import require_usable
from inferq.telemetry.exposing import expose_metrics
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts
from inferq.worker import heartbeat, watchdog
from inferq.worker.context import worker_context
from inferq.worker.cpus import available_cpus
from inferq.worker.heartbeat import Every, Heartbeat
from inferq.worker.intake import Intake
from inferq.worker.liveness import BeatFile, worker_id
from inferq.worker.memory import lift_memory_limit, limit_memory
from inferq.worker.pipeline import Pipeline, Workplace
from inferq.worker.reloading import Reload
from inferq.worker.slots import Slots
from inferq.worker.tasks import register_task
from inferq.worker.watchdog import Watchdog
from inferq.worker.watching import reload_on_save

log = structlog.get_logger()


def run_worker(
    settings: Settings,
    names: Sequence[str] = (),
    *,
    concurrency: int | None = None,
    on_save: bool = False,
) -> int:
    """Serves models until the process is told to stop; returns its exit status. SIGHUP makes it begin anew.

    Args:
        settings: Of this process.
        names: Models or model folders; without any, the bundled one and all of the models' folder.
        concurrency: Predictions in hand at once; by default one more than CPUs.
        on_save: Whether to begin anew, too, when code or a card is saved in a folder of a model.

    Raises:
        SetupError: A setting or a model is at fault.
    """
    require_safe(settings)
    settings.state_url()  # a missing setting is told before anything is loaded
    require_usable(settings)
    check_one_device(settings.providers)
    expose_metrics(settings)
    folder = settings.models_folder()
    reload = Reload(lambda: check_folders(names, folder), models_dir=None if names else folder)
    reload.listen()
    # Until Celery listens itself: a worker that is told to end as it starts says so, too, and is not taken for alive.
    signal.signal(signal.SIGTERM, _end)
    if on_save:
        reload_on_save(code_folders(names, folder), reload)
    models = open_models(names, folder, worker_context(settings))
    return serve_models(settings, models, concurrency=concurrency, reload=reload)


def _end(*_: object) -> NoReturn:
    raise SystemExit


def serve_models(
    settings: Settings,
    models: Sequence[ServedModel[Any, Any]],
    *,
    concurrency: int | None = None,
    reload: Reload | None = None,
) -> int:
    """Serves models that are loaded and warm; see `run_worker`."""
    wanted = concurrency or settings.concurrency
    if wanted is not None and settings.parallel_runs is None:
        _run_at_once_what_is_in_hand(models)
    slots = Slots(wanted or _count_slots(models))
    reload = reload or Reload()
    worker = _Worker(settings, models, slots, reload)
    worker.start()
    try:
        status = worker.consume()
    finally:
        worker.stop()
    if reload.due:
        lift_memory_limit()
        reload.begin_anew()
    return status


def _count_slots(models: Sequence[ServedModel[Any, Any]]) -> int:
    """How many predictions are in hand at once: while every CPU computes, one more is claimed and read, or written.

    Of a model that batches, one batch runs while the next gathers.
    """
    sizes = [model.batching.size for model in models]
    return max([available_cpus() + 1, *(2 * size for size in sizes if size > 1)])


def _run_at_once_what_is_in_hand(models: Sequence[ServedModel[Any, Any]]) -> None:
    """Whoever says how many predictions are in hand knows why: a model may wait for others rather than compute."""
    for model in models:
        if model.batching.size == 1:
            model.batching = replace(model.batching, parallel=None)


class _Worker:
    """The parts of one worker process."""

    def __init__(
        self,
        settings: Settings,
        models: Sequence[ServedModel[Any, Any]],
        slots: Slots,
        reload: Reload,
    ) -> None:
        self._settings = settings
        self._models = models
        self._slots = slots
        self._reload = reload
        self._id = worker_id(os.getpid(), secrets.token_hex(3))
        self._parts = parts = Parts.create(settings)
        self._pipeline = Pipeline(
            parts.store,
            parts.storage,
            models={model.about.reference: model for model in models},
            workplace=Workplace(self._id, parts.policy, self._slots),
        )
        about = {
            "worker": self._id,
            "models": [model.about.reference for model in models],
            "models_dir": None if reload.models_dir is None else str(reload.models_dir),
        }
        self._file = BeatFile(about=about)
        cards = [
            model.about.model_copy(update={"batch_size": model.batching.size}) for model in models
        ]
        self._heartbeat = Heartbeat(self._id, self._slots, cards, parts=parts, file=self._file)
        self._watchdog = Watchdog(
            parts.store, self._slots, policy=parts.policy, limit=settings.attempt_timeout
        )
        self._upkeep = Upkeep(parts)
        self._threads = [
            Every(heartbeat.INTERVAL, self._heartbeat.beat, name="heartbeat"),
            Every(watchdog.INTERVAL, self._watchdog.check, name="watchdog"),
        ]

    def start(self) -> None:
        """Registers the models and starts everything but the consumer."""
        self._heartbeat.beat()
        self._parts.publisher.start()
        self._upkeep.start()
        for thread in self._threads:
            thread.start()
        limit_memory(self._settings.worker_memory_bytes)
        log.info(
            "worker_ready",
            worker=self._id,
            slots=self._slots.count,
            models=[model.about.reference for model in self._models],
        )

    def consume(self) -> int:
        """Takes tasks until SIGTERM; what runs then is finished, or put back when the drain takes too long."""
        broker_url = self._settings.queue_url()
        events = self._settings.celery_events
        app = create_celery(broker_url, events=events)
        quorum = is_rabbitmq(broker_url)
        references = [model.about.reference for model in self._models]
        queues = {
            reference: model_queues(ModelReference.parse(reference), quorum=quorum)
            for reference in references
        }
        app.conf.task_queues = [queue for those in queues.values() for queue in those]
        register_task(app, self._pipeline)
        signals.worker_shutting_down.connect(self._drain, weak=False)
        # Celery warns of running as root because of pickle, which is not accepted here; and at each reconnect of
        # tasks that go on, which is what we want.
        warnings.filterwarnings("ignore", category=SecurityWarning)
        warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
        # A name of its own each start: RabbitMQ locks what belongs to a name until the old one is gone.
        worker = app.Worker(
            hostname=f"inferq-{self._id}@{socket.gethostname()}",
            pool="threads",
            concurrency=self._slots.count,
            without_gossip=True,
            without_mingle=True,
            # Monitors take a worker for gone that does not tell them now and then that it lives.
            without_heartbeat=not events,
            quiet=True,
            loglevel=self._settings.log_level.upper(),
        )
        self._heartbeat.connection = partial(_connection, worker)
        names = {model: [queue.name for queue in those] for model, those in queues.items()}
        self._heartbeat.take_up(Intake(worker, names).leave)
        install = worker.install_platform_tweaks

        def install_ours_too(which: Any) -> None:
            install(which)
            # Celery's own SIGHUP would start another command line than the one that we were started with.
            self._reload.ready()

        worker.install_platform_tweaks = install_ours_too  # type: ignore[assignment, method-assign]
        worker.start()
        return int(worker.exitcode or 0)

    def stop(self) -> None:
        """Ends what `start` started."""
        with suppress(StateUnavailable):
            self._heartbeat.drain()
        self._upkeep.stop()
        for thread in self._threads:
            thread.stop()
        self._parts.publisher.stop()
        self._file.remove()

    def _drain(self, **_: object) -> None:
        """Called by Celery on SIGTERM, while attempts still run."""
        self._reload.shutting_down()
        limit = self._settings.drain_timeout.total_seconds()
        log.info("draining", running=len(self._slots.held()), limit_s=limit)
        timer = threading.Timer(limit, self._watchdog.end_drain)
        timer.daemon = True
        timer.start()
        # Not here: Celery calls this in its signal handler, which must not wait for the network.
        threading.Thread(target=self._leave, name="drain", daemon=True).start()

    def _leave(self) -> None:
        with suppress(StateUnavailable):
            self._heartbeat.drain()


def _connection(worker: Any) -> object:
    """What a Celery worker's consumer is connected to the broker by; None while it is not."""
    connection = getattr(worker.consumer, "connection", None)
    return connection if connection is not None and connection.connected else None
