"""The loop: once a second, in one of all processes, everything that is due.

Every action is a script that may be repeated and that checks again, so nothing depends on there being one loop.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from inferq.errors import InferqError, StateUnavailable
from inferq.predictions.repairs import LOAN
from inferq.telemetry.metrics import count_missing, count_upkeep_error
from inferq.upkeep.lives import end_overdue, requeue_lapsed
from inferq.upkeep.parts import Parts
from inferq.upkeep.retention import collect_garbage, drop_days, expire
from inferq.webhooks.sending import Sender

if TYPE_CHECKING:
    from inferq.webhooks.transport import Transport

TICK = timedelta(seconds=1)
LEAST_PAUSE = 0.05
SHORTLY = timedelta(milliseconds=900)
HOUR = timedelta(hours=1)
TIDY_SECONDS = 0.5
"""Of each second, at most, in which what is old is forgotten."""
BATCH = 500

log = structlog.get_logger()


class Upkeep:
    """Two threads; `tick` and `tidy` are what they do, callable without them.

    What touches the storage has a thread of its own: one that hangs must not hold up the repair of lives.
    """

    def __init__(self, parts: Parts) -> None:
        """Starts nothing yet."""
        self._parts = parts
        self._sender = _sender(parts)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[turn], name=name, daemon=True)
            for turn, name in ((self.tick, "upkeep"), (self.tidy, "tidying"))
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads; one that waits for the storage ends with the process."""
        self._stop.set()
        for thread in self._threads:
            thread.join(TICK.total_seconds())
        self._sender.stop()

    def tick(self) -> None:
        """Repairs lives, publishes and tells what is due, where this process is elected to.

        Raises:
            StateUnavailable: The state store does not answer.
        """
        parts, elect = self._parts, self._parts.repairs.elect
        election = elect("repair", SHORTLY)
        if election == "elected_after_gap":
            # The store was away, or nobody was there to renew leases: no attempt is to blame for that.
            parts.repairs.extend_leases()
        if election != "wait":
            requeue_lapsed(parts)
            end_overdue(parts)
        # A process that cannot reach the broker leaves publishing to one that can.
        if parts.publisher.reachable and elect("publish", SHORTLY) != "wait":
            _publish(parts)
        # Not one process alone: each has its own few connections, and whatever it takes is lent to it.
        self._sender.tick()

    def tidy(self) -> None:
        """Forgets what is old, with its blobs, where this process is elected to.

        Raises:
            StateUnavailable: The state store does not answer.
        """
        parts, elect = self._parts, self._parts.repairs.elect
        if elect("garbage", SHORTLY) != "wait":
            # Faster than predictions come, however many that are; but requests share this process.
            ends = time.monotonic() + TIDY_SECONDS
            while (expire(parts) | collect_garbage(parts)) and time.monotonic() < ends:
                pass
        if elect("days", HOUR) != "wait":
            drop_days(parts)

    def _run(self, turn: Callable[[], None]) -> None:
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                turn()
            except StateUnavailable as error:
                count_upkeep_error(error.code)
                log.debug("upkeep_without_state")
            except InferqError as error:
                count_upkeep_error(error.code)
                log.warning("upkeep_failed", code=error.code)
            except Exception:
                # The edge of a thread that must not end: one faulty record must not stop repair for all others.
                count_upkeep_error("internal_error")
                log.exception("upkeep_failed")
            left = TICK.total_seconds() - (time.monotonic() - started)
            self._stop.wait(max(left, LEAST_PAUSE))


def _sender(parts: Parts) -> Sender:
    def transport() -> "Transport":
        # What it needs takes a tenth of a second to load, and most deployments send nothing.
        from inferq.webhooks.transport import Transport  # noqa: PLC0415

        return Transport(parts.rules, ca_file=parts.settings.webhook_ca_file)

    return Sender(
        parts.store,
        parts.deliveries,
        parts.rules,
        transport=transport,
        public_url=parts.settings.public_url,
    )


def _publish(parts: Parts) -> None:
    for model in parts.register.references():
        if missing := parts.repairs.find_missing(model, BATCH):
            count_missing(model, missing)
            log.info("messages_missing", model=model, count=missing)
    # No more than can be published while they are lent out: what is left over another process may take.
    for message in parts.repairs.take_outbox(max(0, BATCH - parts.publisher.backlog)):
        parts.publisher.publish(message, lent=LOAN)
