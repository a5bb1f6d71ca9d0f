"""The Celery application, the broker's configuration, and the thread that publishes.

A message carries the task id alone; the record in the state store is the truth, the message a hint.
"""

import queue
import threading
from collections.abc import Iterable

import structlog
from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from inferq.errors import InferqError
from inferq.predictions.record import ModelReference
from inferq.predictions.store import PredictionStore

TASK_NAME = "inferq.predict"
EXCHANGE = Exchange("inferq", type="topic")
DELIVERY_LIMIT = 20
BACKLOG = 10_000
READY_SECONDS = 3.0
STOP = None
NOWHERE = "inferq._nowhere"

log = structlog.get_logger()


def queue_name(model: ModelReference) -> str:
    """The name of a model's queue: `inferq.<name>.<version>`."""
    return f"inferq.{model.name}.{model.version}"


def model_queue(model: ModelReference, *, quorum: bool) -> Queue:
    """A model's queue; on RabbitMQ a quorum queue, which survives the loss of a node."""
    name = queue_name(model)
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT} if quorum else None
    return Queue(name, EXCHANGE, routing_key=name, queue_arguments=arguments)


def is_rabbitmq(broker_url: str) -> bool:
    """Whether a broker URL names RabbitMQ."""
    return broker_url.startswith(("amqp:", "amqps:", "pyamqp:"))


def create_celery(broker_url: str, backend_url: str) -> Celery:
    """The Celery application of workers; `AsyncResult(task_id)` of any app with this backend works."""
    app = Celery("inferq", broker=broker_url, backend=backend_url)
    app.conf.update(
        task_default_exchange=EXCHANGE.name,
        task_default_exchange_type=EXCHANGE.type,
        task_create_missing_queues=False,
        task_queues=[],
        # The record is committed inside the task; Celery's own storing could stall a slot for ever.
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_serializer="json",
        accept_content=["json"],
        result_serializer="json",
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2,
        broker_heartbeat=10,
        redis_socket_timeout=2.0,
        redis_socket_connect_timeout=1.0,
        broker_transport_options=_consumer_options(broker_url),
    )
    if is_rabbitmq(broker_url):
        app.conf.update(task_default_queue_type="quorum", worker_detect_quorum_queues=True)
    return app


def create_publishing_celery(broker_url: str) -> Celery:
    """The Celery application of publishers: it gives up on a broker within seconds instead of blocking."""
    app = Celery("inferq", broker=broker_url, backend=None)
    app.conf.update(
        task_default_exchange=EXCHANGE.name,
        task_default_exchange_type=EXCHANGE.type,
        task_queues=[],
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_publish_retry=False,
        broker_connection_timeout=1,
        broker_transport_options=_publisher_options(broker_url),
    )
    return app


def _consumer_options(broker_url: str) -> dict[str, object]:
    if is_rabbitmq(broker_url):
        return {"confirm_publish": True, "connect_timeout": 1}
    # Leases recover what a dead worker held; the transport's own time-out would only run it twice.
    return {
        "visibility_timeout": 3600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


def _publisher_options(broker_url: str) -> dict[str, object]:
    if is_rabbitmq(broker_url):
        return {
            "confirm_publish": True,
            "confirm_timeout": 2,
            "connect_timeout": 1,
            "read_timeout": 2,
            "write_timeout": 2,
        }
    return {"socket_timeout": 1, "socket_connect_timeout": 1}


class Publisher:
    """One thread that hands task ids to the broker, so that no request waits for it.

    What it cannot publish stays in the store's outbox, from where upkeep publishes it.
    """

    def __init__(self, broker_url: str, store: PredictionStore) -> None:
        self._app = create_publishing_celery(broker_url)
        self._quorum = is_rabbitmq(broker_url)
        self._store = store
        self._waiting: queue.Queue[tuple[str, ModelReference] | None] = queue.Queue(BACKLOG)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._ready = threading.Event()
        self._reachable = True

    @property
    def reachable(self) -> bool:
        """Whether the broker took the last message."""
        return self._reachable

    def start(self) -> None:
        """Starts the thread; returns once it has met the broker, or tried to for a moment."""
        self._thread.start()
        self._ready.wait(READY_SECONDS)

    def stop(self, timeout: float = 5.0) -> None:
        """Publishes what waits, then ends the thread; gives up after `timeout` seconds."""
        self._waiting.put(STOP)
        self._thread.join(timeout)

    def publish(self, task_id: str, model: ModelReference) -> None:
        """Hands over one id; returns at once."""
        try:
            self._waiting.put_nowait((task_id, model))
        except queue.Full:
            log.warning("publisher_full", task_id=task_id)

    def _run(self) -> None:
        self._connect()
        self._ready.set()
        while (entry := self._waiting.get()) is not STOP:
            try:
                self._publish([entry])
            except (OperationalError, OSError) as error:
                self._reachable = False
                log.warning("publish_failed", task_id=entry[0], error=type(error).__name__)
            except InferqError as error:
                log.warning("outbox_not_cleared", task_id=entry[0], error=error.code)

    def _connect(self) -> None:
        """Connects, and sends a message that no queue takes: then the first real one leaves as quickly as the tenth."""
        try:
            with self._app.producer_or_acquire() as producer:
                EXCHANGE.bind(producer.channel).declare()
                self._app.send_task(
                    TASK_NAME,
                    exchange=EXCHANGE.name,
                    routing_key=NOWHERE,
                    producer=producer,
                    retry=False,
                )
        except (OperationalError, OSError):
            self._reachable = False

    def _publish(self, entries: Iterable[tuple[str, ModelReference]]) -> None:
        with self._app.producer_or_acquire() as producer:
            for task_id, model in entries:
                self._app.send_task(
                    TASK_NAME,
                    args=(task_id,),
                    task_id=task_id,
                    producer=producer,
                    queue=self._known_queue(model),
                    argsrepr="",
                    kwargsrepr="",
                )
        self._reachable = True
        self._store.mark_published([task_id for task_id, _ in entries])

    def _known_queue(self, model: ModelReference) -> str:
        """The name of a model's queue, which the application declares before it first publishes there."""
        queues = self._app.amqp.queues
        if queue_name(model) not in queues:
            queues.add(model_queue(model, quorum=self._quorum))
        return queue_name(model)
