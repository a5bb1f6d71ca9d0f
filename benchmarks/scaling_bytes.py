"""How many bytes a prediction takes in each part: record, indexes, events, messages, Celery's copy, input, logs, AOF."""

import time
from datetime import timedelta

import redis
from deployed import Site, inferq_up, opened, photograph

from inferq.embedded.valkey import configured_url
from inferq.load import run
from inferq.load.deployment import Deployment
from inferq.load.phases import open_loop
from inferq.predictions.record import ModelReference, new_task_id
from inferq.predictions.repairs import Message, Repairs
from inferq.queue import Publisher, queue_name
from inferq.state import connect

PREDICTIONS, RATE = 400, 20.0
NOBODY = ModelReference(name="nobody", version="1")
KEPT = {
    "record, with its result": "inferq:prediction:*",
    "Celery's copy of the result": "celery-task-meta-*",
}


def measure(quick: bool) -> list[str]:
    """The section's lines."""
    count = 60 if quick else PREDICTIONS
    picture = photograph()
    environment = {"INFERQ_LOG_LEVEL": "info", "INFERQ_LOG_FORMAT": "json"}
    with inferq_up(environment=environment) as site:
        client = connect(_url(site))
        opened(site, [picture], rate=RATE, seconds=3)  # what is made once is there then
        _settled(client)
        before, log_before = _sizes(client, site), site.log.stat().st_size

        async def load() -> int:
            async with Deployment(site.url, site.key, [picture]) as deployment:
                phase = await open_loop(deployment, rate=RATE, seconds=count / RATE)
                return sum(sample.error is None for sample in phase.samples)

        done = run(load())
        _settled(client)
        after, log_after = _sizes(client, site), site.log.stat().st_size
        each = {name: (after[name] - before[name]) / done for name in before}
        kept = {name: _mean_usage(client, pattern) for name, pattern in KEPT.items()}
        event = client.memory_usage("inferq:events", samples=0) / client.xlen("inferq:events")
        message = _message(client, _url(site))
    rows = {
        **kept,
        "its entries in indexes, and the allocator's share": each["memory"]
        - sum(kept.values())
        - EVENTS * event,
        f"{EVENTS} entries of the event stream (the last 100,000 are kept)": EVENTS * event,
    }
    return [
        f"{done} predictions of the bundled model, finished and kept; the input is a picture of {len(picture.data):,} bytes.",
        "",
        "| part | bytes | until |",
        "|---|---|---|",
        *(
            f"| state store: {name} | {size:,.0f} | it is forgotten |"
            for name, size in rows.items()
        ),
        f"| state store, memory in all | {each['memory']:,.0f} | it is forgotten |",
        f"| append-only file, written | {each['aof']:,.0f} | the next rewrite |",
        f"| broker: the message while it waits (Valkey's list; RabbitMQ adds its own) | {message:,.0f} | a worker has it |",
        f"| storage: the input (more if it is drawn: its preview) | {each['storage']:,.0f} | it is forgotten |",
        f"| logs, JSON: what `info` says of it, in all processes | {(log_after - log_before) / done:,.0f} | you rotate them |",
        "| metrics | 0 | their number of series is bounded: labels are models, states and codes |",
    ]


EVENTS = 3
"""Of a prediction that runs once: queued, running, ended."""


def _url(site: Site) -> str:
    url = configured_url(site.folder / "valkey")
    assert url is not None, "inferq up configured it"  # noqa: S101 - narrows the type
    return url


def _settled(client: redis.Redis) -> None:
    """Waits until nothing is unfinished, and for what is written last."""
    while client.zcard("inferq:deadlines") or client.zcard("inferq:leases"):
        time.sleep(0.1)
    time.sleep(2)


def _sizes(client: redis.Redis, site: Site) -> dict[str, float]:
    storage = sum(
        path.stat().st_size for path in (site.folder / "storage").rglob("*") if path.is_file()
    )
    return {
        "memory": client.info("memory")["used_memory_dataset"],
        "aof": client.info("persistence")["aof_current_size"],
        "storage": storage,
    }


def _mean_usage(client: redis.Redis, pattern: str) -> float:
    keys = list(client.scan_iter(pattern, count=1000))
    return sum(client.memory_usage(key, samples=0) for key in keys) / len(keys)


def _message(client: redis.Redis, url: str) -> float:
    """Bytes of a message that waits in Valkey: one for a model that nobody serves stays there."""
    publisher = Publisher(url, Repairs(client))
    publisher.start()
    publisher.publish(Message(new_task_id(), NOBODY), lent=timedelta(seconds=30))
    publisher.stop()
    (message,) = client.lrange(queue_name(NOBODY), 0, -1)
    return len(message)
