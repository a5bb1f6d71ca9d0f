"""Faults of messages, that come twice or never, and requests that race with the start and the end."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from faults.case import Case, expect_success
from faults.fault_model import REFERENCE, Picture
from faults.nodes import QUEUE
from inferq.predictions.record import ModelReference
from inferq.queue import (
    TASK_NAME,
    create_publishing_celery,
    is_rabbitmq,
    model_queues,
)
from system.served import eventually

TAKEN = 10
SEED = 4


def every_delivery_doubled(case: Case) -> None:
    """Each message is published a second time, by hand."""
    case.serve()
    accepted = case.submit(case.pictures())
    app = create_publishing_celery(case.site.broker.url)
    quorum = is_rabbitmq(case.site.broker.url)
    for queue in model_queues(ModelReference.parse(REFERENCE), quorum=quorum):
        app.amqp.queues.add(queue)
    with case.fault(), app.connection_for_write() as connection:
        producer = app.amqp.Producer(connection, auto_declare=False)
        for one in accepted:
            app.send_task(
                TASK_NAME,
                args=(one.task_id, 1),
                task_id=one.task_id,
                queue=QUEUE,
                producer=producer,
            )
    app.close()
    case.judge_healthy()
    # What is left in the queue is worked off, and none of it comes back.
    eventually(lambda: case.site.broker.depth(QUEUE) == 0)
    assert case.truth.judge([one.task_id for one in accepted], ()).republished == 0


def messages_taken(case: Case) -> None:
    """Ten messages of many are removed from the queue by hand."""
    case.serve()
    case.submit(case.pictures(case.size.pick(100, 200)))
    eventually(lambda: case.site.broker.depth(QUEUE) >= TAKEN)
    taken = case.site.broker.take(QUEUE, TAKEN)
    assert taken == TAKEN
    case.struck()
    verdict = case.judge_healthy()
    case.note(f"{taken} messages lost, {verdict.extra_messages} more published than accepted")
    assert taken <= verdict.extra_messages <= 2 * taken, verdict.extra_messages


def queue_purged(case: Case) -> None:
    """All messages that wait are removed from the queue by hand."""
    case.serve()
    case.submit(case.pictures(case.size.pick(100, 200)))
    eventually(lambda: case.outbox() == 0)
    purged = case.site.broker.purge(QUEUE)
    case.struck()
    verdict = case.judge_healthy()
    case.note(f"{purged} messages lost, {verdict.extra_messages} more published than accepted")
    assert purged > 0
    assert purged <= verdict.extra_messages <= 2 * purged + TAKEN, verdict.extra_messages


def cancel_and_delete_raced(case: Case) -> None:
    """Everything is canceled or deleted at a random moment around its start and its end."""
    case.serve()
    accepted = case.submit([Picture(milliseconds=30)] * case.size.pick(800, 60))
    chance = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    canceled: dict[str, int] = {}
    deleted: dict[str, int] = {}

    def meddle(task_id: str, pause: float, *, remove: bool) -> None:
        time.sleep(pause)
        if remove:
            deleted[task_id] = case.clients.delete(task_id)
        else:
            canceled[task_id] = case.clients.cancel(task_id)

    order = chance.sample(accepted, k=len(accepted))
    with case.fault(), ThreadPoolExecutor(4) as crowd:
        for number, one in enumerate(order):
            crowd.submit(meddle, one.task_id, chance.uniform(0, 0.05), remove=number % 2 == 0)
    verdict = case.judge()
    for fate in verdict.of(canceled):
        told = canceled[fate.task_id]
        assert told in (200, 409), told
        assert (fate.state == "canceled") is (told == 200), fate
    assert set(deleted.values()) == {204}, deleted
    for task_id in deleted:
        assert case.clients.get(f"/api/v1/predictions/{task_id}").status_code == 404
    expect_success([f for f in verdict.of(canceled) if f.state != "canceled"])
    case.note(f"{verdict.deleted} deleted before their end, {len(deleted)} in all")
