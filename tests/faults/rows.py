"""The campaign: one line a fault, in the order in which they are run."""

from collections.abc import Callable
from dataclasses import dataclass

from faults import message_rows, model_rows, outage_rows, up_rows, worker_rows
from faults.case import Case
from faults.site import BROKERS, BrokerName


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, and on which brokers the short campaign runs it (the full one: on all)."""

    name: str
    title: str
    run: Callable[[Case], None]
    short: tuple[BrokerName, ...] = BROKERS
    seconds: int = 300


VALKEY_ALONE: tuple[BrokerName, ...] = ("valkey",)

# Rows with the same settings stand together: they share a running deployment.
ROWS = (
    Row("raises", "a model that raises", model_rows.raises, VALKEY_ALONE),
    Row("doubled", "every delivery doubled", message_rows.every_delivery_doubled),
    Row("taken", "10 messages removed from the queue", message_rows.messages_taken),
    Row("purged", "queue purged by hand", message_rows.queue_purged, VALKEY_ALONE),
    Row("raced", "cancel and delete raced with start and finish", message_rows.cancel_and_delete_raced, VALKEY_ALONE),
    Row("frozen-worker", "worker frozen past its lease, then thawed", worker_rows.worker_frozen),
    Row("killed-worker", "worker kill -9 while running, repeatedly", worker_rows.worker_killed),
    Row("killed-workers", "all workers killed, started a minute later", worker_rows.all_workers_killed, VALKEY_ALONE),
    Row("drain-long", "SIGTERM under load, long grace", worker_rows.drained_long, VALKEY_ALONE),
    Row("clocks", "clocks of two workers 60 s apart, one killed", worker_rows.clocks_apart, VALKEY_ALONE),
    Row("killed-api", "API kill -9 during uploads", worker_rows.api_killed, VALKEY_ALONE),
    Row("killed-broker", "broker kill -9 and restart", outage_rows.broker_killed),
    Row("stopped-broker", "broker stopped 20 s", outage_rows.broker_stopped),
    Row("frozen-broker", "broker frozen 20 s", outage_rows.broker_frozen),
    Row("killed-state", "state kill -9 and restart", outage_rows.state_killed, VALKEY_ALONE),
    Row("stopped-state", "state stopped 10 s, three times", outage_rows.state_stopped, VALKEY_ALONE),
    Row("frozen-state", "state frozen 10 s", outage_rows.state_frozen, VALKEY_ALONE),
    Row("full-store", "store at maxmemory", outage_rows.store_full, VALKEY_ALONE),
    Row("zero", "workers scaled to zero, outbox full, broker back empty", worker_rows.scaled_to_zero),
    Row("poison", "a poison that aborts its worker, among innocents", model_rows.poison, VALKEY_ALONE),
    Row("memory", "the worker killed for memory", model_rows.out_of_memory, VALKEY_ALONE),
    Row("hang", "a model that hangs", model_rows.hang, VALKEY_ALONE),
    Row("drain-short", "SIGTERM under load, short grace", worker_rows.drained_short, VALKEY_ALONE),
    Row("no-worker", "no worker at all until the deadline", worker_rows.no_worker, VALKEY_ALONE),
    Row("storage", "storage failing at read 20 s, then back", outage_rows.storage_unreadable, VALKEY_ALONE),
    Row("disk", "disk full at upload", outage_rows.disk_full, VALKEY_ALONE),
    Row("up", "whole `inferq up` killed with SIGKILL, started again", up_rows.up_killed, VALKEY_ALONE),
)  # fmt: skip
