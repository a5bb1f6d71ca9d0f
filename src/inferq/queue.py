"""The Celery application, the broker's configuration, and the thread that publishes.

A message carries the task id, the how-manieth for that prediction it is, and the trace that it belongs to. The record
in the state store is the truth, the message a hint.
"""

import queue
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import structlog
from celery import Celery
from kombu import Connection, Exchange, Producer, Queue
from kombu.exceptions import OperationalError

from inferq.broker_clients import keep_broker_clients
from inferq.errors import SetupError, StateUnavailable
from inferq.predictions.record import ModelReference
from inferq.predictions.repairs import Message, Repairs
from inferq.sentinel import Sentinels, is_sentinel
from inferq.telemetry.metrics import count_publish
from inferq.telemetry.traces import span

TASK_NAME = "inferq.predict"
EXCHANGE = Exchange("inferq", type="topic")
DELIVERY_LIMIT = 20
BACKLOG = 10_000
READY_SECONDS = 3.0
PROBE_SECONDS = 1.0
GOODBYE_SECONDS = 0.1
NOTE_SECONDS = 0.05
"""How soon it is noted that a message was published: long before it is not lent any more, and so that under load one note
tells of several."""
MOST_UNNOTED = 100
ANSWER_SECONDS = 3
ONE_PRIORITY: dict[str, object] = {"priority_steps": [0]}
"""On Redis, where a queue is a list for each priority that there may be: workers would wait for four."""
STOP = None
PERSISTENT = 2
NOWHERE = "inferq._nowhere"
TRACEPARENT = "traceparent"
"""The header of a message that names the trace it belongs to."""

log = structlog.get_logger()


def queue_name(model: ModelReference, *, again: bool = False) -> str:
    """The name of a model's queue: `inferq.<name>.<version>`; another one for what was started before.

    Brokers share fairly between queues, so what a dead worker left does not wait behind everything else.
    """
    return f"inferq.{'_again.' if again else ''}{model.name}.{model.version}"


def model_queues(model: ModelReference, *, quorum: bool) -> list[Queue]:
    """The queues of a model."""
    return [_queue(queue_name(model, again=again), quorum=quorum) for again in (False, True)]


def _queue(name: str, *, quorum: bool) -> Queue:
    """On RabbitMQ a quorum queue, which survives the loss of a node."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT} if quorum else None
    return Queue(name, EXCHANGE, routing_key=name, queue_arguments=arguments)


def is_rabbitmq(broker_url: str) -> bool:
    """Whether a broker URL names RabbitMQ."""
    return broker_url.startswith(("amqp:", "amqps:", "pyamqp:"))


def _connected(broker_url: str, options: dict[str, object]) -> Celery:
    """A Celery application without settings but for its broker's address, TLS and transport options."""
    keep_broker_clients()
    if is_sentinel(broker_url):
        sentinels = Sentinels.parse(broker_url)
        app = Celery("inferq", broker=sentinels.celery_url, backend=None)
        options = options | sentinels.celery_options(**options)
        app.conf.broker_use_ssl = dict(sentinels.tls) or None
    elif broker_url.startswith("amqps:"):
        # kombu would take redis-py's words in the URL for py-amqp's.
        parts = urlsplit(broker_url)
        app = Celery("inferq", broker=parts._replace(query="").geturl(), backend=None)
        app.conf.broker_use_ssl = _amqp_tls(dict(parse_qsl(parts.query)))
    else:
        app = Celery("inferq", broker=broker_url, backend=None)
    app.conf.broker_transport_options = options
    return app


def _amqp_tls(query: Mapping[str, str]) -> dict[str, object]:
    """py-amqp's words for redis-py's; None as the server's name stands for the one in the URL."""
    files = {name: query.get(f"ssl_{name}") for name in ("ca_certs", "certfile", "keyfile")}
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None, **files}


def create_celery(broker_url: str, *, events: bool = False) -> Celery:
    """The Celery application of workers. It stores no results: the scripts that end a prediction do.

    Args:
        broker_url: Where messages come from.
        events: Whether each step of a task is told to whoever monitors them.
    """
    app = _connected(broker_url, _consumer_options(broker_url))
    app.conf.update(
        task_default_exchange=EXCHANGE.name,
        task_default_exchange_type=EXCHANGE.type,
        task_create_missing_queues=False,
        task_queues=[],
        # The outcome is committed inside the task; Celery's own storing could stall a slot for ever.
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_serializer="json",
        accept_content=["json"],
        result_serializer="json",
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=events,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # After a reconnect a worker would take fewer messages at a time than it has slots.
        worker_enable_prefetch_count_reduction=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2,
        broker_heartbeat=10,
    )
    if is_rabbitmq(broker_url):
        app.conf.update(task_default_queue_type="quorum", worker_detect_quorum_queues=True)
    return app


def create_publishing_celery(broker_url: str) -> Celery:
    """The Celery application of publishers: it gives up on a broker within seconds instead of blocking."""
    app = _connected(broker_url, _publisher_options(broker_url))
    app.conf.update(
        task_default_exchange=EXCHANGE.name,
        task_default_exchange_type=EXCHANGE.type,
        task_queues=[],
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_publish_retry=False,
        broker_connection_timeout=1,
    )
    return app


def describe_broker(broker_url: str) -> str:
    """What a broker calls itself, with its version.

    Raises:
        SetupError: It does not answer, or does not let us in; the message says what to do.
    """
    connection = create_publishing_celery(broker_url).connection_for_write()
    try:
        connection.ensure_connection(max_retries=1, timeout=ANSWER_SECONDS)
        told = getattr(connection.connection, "server_properties", None) or {}
        return f"{told.get('product', connection.transport_cls)} {told.get('version', '')}".strip()
    except Exception as error:  # every broker has errors of its own
        raise SetupError(
            f"The broker at {connection.as_uri()} does not answer ({type(error).__name__}): see whether it runs, and"
            " whether account, password and virtual host of INFERQ_BROKER_URL are right."
            " Predictions are accepted meanwhile, and wait."
        ) from error
    finally:
        connection.release()


def _consumer_options(broker_url: str) -> dict[str, object]:
    if is_rabbitmq(broker_url):
        return {"confirm_publish": True, "connect_timeout": 1}
    # Leases and upkeep recover what a dead worker held. The transport's own lists of it would cost two transactions a
    # message, and its time-out would only run it twice. What a worker holds and has not begun, it still puts back as it ends.
    return {
        "ack_emulation": False,
        **ONE_PRIORITY,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


def _publisher_options(broker_url: str) -> dict[str, object]:
    # kombu would try to connect for ever; whether to try again is decided here.
    once: dict[str, object] = {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    }
    if is_rabbitmq(broker_url):
        return once | {
            "confirm_publish": True,
            "confirm_timeout": 2,
            "connect_timeout": 1,
            "read_timeout": 2,
            "write_timeout": 2,
        }
    return once | ONE_PRIORITY | {"socket_timeout": 1, "socket_connect_timeout": 1}


class _Lent(NamedTuple):
    """A message, and until when (monotonic seconds) nobody else publishes it."""

    message: Message
    until: float


class Publisher:
    """One thread that hands messages to the broker, so that nobody else ever waits for it.

    While the broker is away it takes none: what is to be published stays in the store's outbox, from where
    upkeep hands it over once the broker answers again.
    """

    def __init__(self, broker_url: str, repairs: Repairs) -> None:
        """Connects to nothing yet."""
        self._app = create_publishing_celery(broker_url)
        self._quorum = is_rabbitmq(broker_url)
        self._repairs = repairs
        self._waiting: queue.SimpleQueue[_Lent | None] = queue.SimpleQueue()
        self._unnoted: list[Message] = []
        self._note_at = 0.0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._met = threading.Event()
        self._reachable = True
        self._connection: Connection | None = None
        self._open_producer: Producer | None = None
        self._declared: set[str] = set()
        # Those of the transport, too: what refuses an account or a virtual host is of none of the others.
        broker = self._app.connection_for_write()
        self._failures: tuple[type[BaseException], ...] = (
            OperationalError, OSError, *broker.connection_errors, *broker.channel_errors,
        )  # fmt: skip

    @property
    def reachable(self) -> bool:
        """Whether the broker took the last message."""
        return self._reachable

    @property
    def backlog(self) -> int:
        """How many messages wait here."""
        return self._waiting.qsize()

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def wait_until_met(self) -> None:
        """Returns once the thread has met the broker, or has tried to for a moment."""
        self._met.wait(READY_SECONDS)

    def stop(self, timeout: float = 5.0) -> None:
        """Publishes what waits, then ends the thread; gives up after `timeout` seconds."""
        self._waiting.put(STOP)
        self._thread.join(timeout)

    def publish(self, message: Message, *, lent: timedelta) -> None:
        """Hands over one message; returns at once.

        Args:
            message: What stands in the outbox.
            lent: How long nobody else takes it from there. What is not published by then is left to whoever does.
        """
        if not self._reachable:
            return
        if self.backlog >= BACKLOG:
            log.warning("publisher_full", task_id=message.task_id)
            return
        self._waiting.put(_Lent(message, time.monotonic() + lent.total_seconds()))

    def _run(self) -> None:
        self._guarded(self._meet)
        self._met.set()
        while True:
            try:
                lent = self._waiting.get(timeout=self._patience())
            except queue.Empty:
                self._note()
                if not self._reachable:
                    self._guarded(self._meet)
                continue
            if lent is STOP:
                self._note()
                self._disconnect()
                return
            if time.monotonic() < lent.until:
                self._guarded(partial(self._publish, lent.message))

    def _patience(self) -> float | None:
        """For how many seconds there is nothing to do but to wait for a message."""
        probe = None if self._reachable else PROBE_SECONDS
        return max(0.0, self._note_at - time.monotonic()) if self._unnoted else probe

    def _guarded(self, step: Callable[[], None]) -> None:
        """Does something with the broker, and remembers whether it is there."""
        try:
            step()
        except self._failures as error:
            count_publish("failed")
            if self._reachable:
                log.warning("broker_unavailable", error=type(error).__name__)
            self._reachable = False
            self._disconnect()
            self._leave_to_outbox()
        else:
            if not self._reachable:
                log.info("broker_available")
            self._reachable = True

    def _meet(self) -> None:
        """Sends a message that no queue takes: then the first real one leaves as quickly as the tenth."""
        self._producer().maybe_declare(EXCHANGE)
        self._send("", (), exchange=EXCHANGE.name, routing_key=NOWHERE, traceparent="")

    def _publish(self, message: Message) -> None:
        name = queue_name(message.model, again=message.again)
        sending = span(
            f"publish {name}",
            parent=message.traceparent,
            kind="producer",
            attributes={"inferq.task_id": message.task_id, "inferq.publish": message.publish},
        )
        with sending as sent:
            if name not in self._declared:
                self._producer().maybe_declare(_queue(name, quorum=self._quorum))
                self._declared.add(name)
            # Straight into its queue: of any other exchange kombu asks Redis for the bindings, message by message.
            self._send(
                message.task_id,
                (message.task_id, message.publish),
                exchange="",
                routing_key=name,
                traceparent=sent.traceparent or message.traceparent,
            )
        count_publish("first" if message.publish == 1 else "again")
        if not self._unnoted:
            self._note_at = time.monotonic() + NOTE_SECONDS
        self._unnoted.append(message)
        if len(self._unnoted) >= MOST_UNNOTED or time.monotonic() >= self._note_at:
            self._note()

    def _send(
        self,
        task_id: str,
        args: tuple[object, ...],
        *,
        exchange: str,
        routing_key: str,
        traceparent: str,
    ) -> None:
        """What `Celery.send_task` sends, at half its cost: nothing is looked up that is known here."""
        task = self._app.amqp.as_task_v2(
            task_id, TASK_NAME, args=args, argsrepr="", kwargsrepr="", ignore_result=True
        )
        self._producer().publish(
            task.body,
            exchange=exchange,
            routing_key=routing_key,
            serializer="json",
            delivery_mode=PERSISTENT,
            headers=task.headers | {TRACEPARENT: traceparent},
            **task.properties,
        )

    def _note(self) -> None:
        """Notes what was published since the last time; where that fails, a little later once more."""
        if not self._unnoted:
            return
        try:
            self._repairs.published(*self._unnoted)
        except StateUnavailable:
            # Whatever is not noted in time will be published once more: no need to add to that.
            log.warning("outbox_not_cleared", messages=len(self._unnoted))
            self._note_at = time.monotonic() + PROBE_SECONDS
            self._leave_to_outbox()
        else:
            self._unnoted.clear()

    def _producer(self) -> Producer:
        """A producer on the one connection, which is opened anew after each failure."""
        if self._connection is None:
            self._connection = self._app.connection_for_write()
        if self._open_producer is None:
            self._open_producer = self._app.amqp.Producer(self._connection, auto_declare=False)
        return self._open_producer

    def _disconnect(self) -> None:
        connection, self._connection, self._open_producer = self._connection, None, None
        self._declared.clear()
        if connection is not None:
            # The broker may be frozen: the connection is dropped without a farewell.
            with suppress(*self._failures):
                connection.collect(socket_timeout=GOODBYE_SECONDS)

    def _leave_to_outbox(self) -> None:
        with suppress(queue.Empty):
            while True:
                if self._waiting.get_nowait() is STOP:
                    self._waiting.put(STOP)
                    return
