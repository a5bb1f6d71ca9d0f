"""Sends what is due, in threads that are started when there is something to send and end when there is not."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import structlog

from inferq import __version__
from inferq.errors import InferqError
from inferq.predictions.deliveries import (
    ROOM,
    Deliveries,
    DeliveryAttempt,
    Due,
    webhook_id,
)
from inferq.predictions.record import Record
from inferq.predictions.store import PredictionStore
from inferq.telemetry.metrics import count_webhook
from inferq.telemetry.traces import Span, span
from inferq.webhooks.answer import Answer, Unreached
from inferq.webhooks.payload import body_of
from inferq.webhooks.receivers import Refused, Rules
from inferq.webhooks.schedule import judge
from inferq.webhooks.signing import new_secret, signed_headers

if TYPE_CHECKING:
    from inferq.webhooks.transport import Transport

STOP_SECONDS = 1.0

log = structlog.get_logger()


class Sender:
    """Up to `ROOM` deliveries at once; receivers that hang hold their own share of that and no more."""

    def __init__(
        self,
        store: PredictionStore,
        deliveries: Deliveries,
        rules: Rules,
        *,
        transport: "Callable[[], Transport]",
        public_url: str | None,
    ) -> None:
        """Starts nothing yet; `transport` is called before the first delivery."""
        self._store = store
        self._deliveries = deliveries
        self._rules = rules
        self._make_transport = transport
        self._public_url = public_url
        self._lock = threading.Lock()
        self._on_the_way: dict[threading.Thread, Due] = {}
        self._stopped = False

    def tick(self) -> None:
        """Starts what is due, as far as there is room; returns at once.

        Raises:
            StateUnavailable: The state store does not answer.
        """
        with self._lock:
            room = ROOM - len(self._on_the_way)
            if self._stopped or room <= 0:
                return
            for due in self._deliveries.take(self._on_the_way.values(), limit=room):
                thread = threading.Thread(
                    target=self._run, args=(due,), name="webhook", daemon=True
                )
                self._on_the_way[thread] = due
                thread.start()

    def stop(self) -> None:
        """Takes no more, and lets what is on its way arrive for a moment; what does not is due again elsewhere."""
        with self._lock:
            self._stopped = True
            threads = list(self._on_the_way)
        ends = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _run(self, first: Due) -> None:
        """Delivers one after the other, until there is nothing due that this thread may take."""
        due: Due | None = first
        while due is not None:
            try:
                self._deliver(due)
                due = self._next()
            except InferqError as error:
                log.debug("webhook_left", code=error.code)
                break
            except Exception:
                # The edge of a thread: what it holds is due again when its loan ends.
                log.exception("webhook_left")
                break
        with self._lock:
            self._on_the_way.pop(threading.current_thread(), None)

    def _next(self) -> Due | None:
        with self._lock:
            thread = threading.current_thread()
            del self._on_the_way[thread]
            others = self._on_the_way.values()
            taken = [] if self._stopped else self._deliveries.take(others, limit=1)
            if not taken:
                return None
            self._on_the_way[thread] = taken[0]
            return taken[0]

    def _deliver(self, due: Due) -> None:
        record = self._store.get(due.task_id)
        if record is None:
            return
        transport = self._transport  # made with the first delivery; that is no time of its receiver
        at, started = datetime.now(UTC), time.monotonic()
        sending = span(
            "webhook",
            parent=record.traceparent,
            kind="client",
            attributes={"inferq.task_id": due.task_id, "inferq.webhook.attempt": due.attempt},
        )
        with sending as sent:
            answer, error = self._attempt(
                transport, due, record, at, sent.traceparent or record.traceparent
            )
            _tell(sent, answer, error)
        attempt = DeliveryAttempt(
            number=due.attempt,
            started_at=at,
            duration_ms=round((time.monotonic() - started) * 1e3, 1),
            status=answer.status if answer else None,
            error=error,
        )
        report = judge(due, attempt, answer, now=datetime.now(UTC))
        count_webhook(report.outcome)
        state = self._deliveries.report(due, report)
        log.info(
            "webhook_attempted",
            **record.log_fields | {"attempt": due.attempt},
            status=attempt.status,
            error=error,
            state=state,
        )

    def _attempt(
        self, transport: "Transport", due: Due, record: Record, at: datetime, traceparent: str
    ) -> tuple[Answer | None, str | None]:
        """The answer, or why there is none."""
        prediction = record.prediction
        body = body_of(prediction, public_url=self._public_url)
        secrets = self._deliveries.secrets(due.owner, new_secret()).valid()
        named = webhook_id(due.task_id, prediction.state)
        headers = {
            "content-type": "application/json",
            "user-agent": f"inferq/{__version__}",
            **({"traceparent": traceparent} if traceparent else {}),
            **signed_headers(body, webhook_id=named, at=at, secrets=secrets),
        }
        try:
            # Judged again: the rules may be others than when it was accepted.
            receiver = self._rules.read(due.url)
            answer = transport.post(receiver, body, headers)
        except Refused as error:
            return None, f"not sent: the URL {error}"
        except Unreached as error:
            return None, str(error)
        return answer, None if answer.status < 300 else "the answer is no success"  # noqa: PLR2004

    @cached_property
    def _transport(self) -> "Transport":
        return self._make_transport()


def _tell(sent: Span, answer: Answer | None, error: str | None) -> None:
    """Says in the delivery's span what came of it."""
    if answer is not None:
        sent.set({"http.response.status_code": answer.status})
    if error is not None:
        sent.fail(error)
