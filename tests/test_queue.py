"""The publisher, with its broker there, away, and frozen. (RabbitMQ: tests/faults.)"""

import dataclasses
import json
import os
import signal
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from conftest import answering
from inferq.embedded.valkey import ValkeyServer, configure_valkey
from inferq.errors import StateUnavailable
from inferq.predictions.record import Draft, Input, ModelReference, new_task_id
from inferq.predictions.repairs import LOAN, Message, Repairs
from inferq.predictions.store import PredictionStore
from inferq.queue import MOST_UNNOTED, Publisher, queue_name
from system.served import eventually

MODEL = ModelReference(name="net", version="1")


@pytest.fixture
def broker(tmp_path_factory) -> Iterator[tuple[ValkeyServer, subprocess.Popen]]:
    """A Valkey that is broker alone, so that it can be taken away."""
    folder = Path(tmp_path_factory.mktemp("b"))
    server = configure_valkey(folder, None)
    process = subprocess.Popen(server.command)
    answering(server.url).close()
    yield server, process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait(10)


@pytest.fixture
def publisher(broker, state) -> Iterator[Publisher]:
    made = Publisher(broker[0].url, Repairs(state))
    made.start()
    made.wait_until_met()
    yield made
    made.stop(1)


@pytest.fixture
def message(store: PredictionStore) -> Message:
    """The first message of an accepted prediction."""
    draft = Draft(
        task_id=new_task_id(),
        owner="ann",
        model=MODEL,
        input=Input(media_type="image/png", bytes=1, sha256="0"),
        input_key="k",
        parameters={},
        metadata={},
    )
    store.accept(draft)
    return Message(draft.task_id, MODEL)


def messages(broker) -> list[str]:
    """What lies in the model's queue."""
    with closing(answering(broker[0].url)) as client:
        return client.lrange(queue_name(MODEL), 0, -1)


def in_outbox(state, message: Message) -> bool:
    return state.zscore("inferq:outbox", message.task_id) is not None


def test_a_message_carries_the_id_and_its_number_and_leaves_the_outbox(
    publisher: Publisher, broker, state, message: Message
):
    publisher.publish(message, lent=LOAN)
    eventually(lambda: not in_outbox(state, message))
    (raw,) = messages(broker)
    envelope = json.loads(raw)
    assert envelope["headers"]["id"] == message.task_id
    arguments = json.loads(b64decode(envelope["body"]))[0]
    assert arguments == [message.task_id, 1]
    assert message.task_id not in json.dumps(envelope["headers"].get("argsrepr"))


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_with_the_broker_away_or_frozen_nobody_waits_and_the_outbox_keeps_all(
    publisher: Publisher, broker, state, message: Message, fault
):
    server, process = broker
    process.send_signal(fault)
    started = time.monotonic()
    publisher.publish(message, lent=LOAN)
    assert time.monotonic() - started < 0.1
    eventually(lambda: not publisher.reachable, seconds=10)
    publisher.publish(dataclasses.replace(message, publish=2), lent=LOAN)
    assert in_outbox(state, message)
    if fault == signal.SIGSTOP:
        os.kill(process.pid, signal.SIGCONT)
        eventually(lambda: publisher.reachable, seconds=10)
        publisher.publish(message, lent=LOAN)
    else:
        process.wait(10)
        again = subprocess.Popen(server.command)
        eventually(lambda: publisher.reachable, seconds=10)
        publisher.publish(message, lent=LOAN)
        eventually(lambda: not in_outbox(state, message))
        again.kill()
        again.wait(10)
    eventually(lambda: not in_outbox(state, message))


def test_a_broker_that_was_never_there_holds_nobody_up(state, message: Message):
    publisher = Publisher("redis://127.0.0.1:1/0", Repairs(state))
    publisher.start()
    publisher.wait_until_met()
    assert not publisher.reachable
    publisher.publish(message, lent=LOAN)
    assert in_outbox(state, message)
    started = time.monotonic()
    publisher.stop(5)
    assert time.monotonic() - started < 5


def test_what_waited_longer_than_it_was_lent_is_left_to_whoever_took_it_since(
    publisher: Publisher, broker, state, message: Message
):
    publisher.publish(message, lent=-LOAN)
    publisher.publish(dataclasses.replace(message, publish=2), lent=LOAN)
    eventually(lambda: not in_outbox(state, message))
    assert len(messages(broker)) == 1


def test_while_nothing_can_be_noted_little_is_published(
    publisher: Publisher, broker, message: Message, monkeypatch
):
    def away(*_: Message) -> None:
        raise StateUnavailable("It does not answer.")

    stopped = broker[1]
    stopped.send_signal(signal.SIGSTOP)
    for number in range(3 * MOST_UNNOTED):
        publisher.publish(dataclasses.replace(message, publish=number), lent=LOAN)
    eventually(lambda: publisher.backlog == 3 * MOST_UNNOTED - 1, seconds=2)
    monkeypatch.setattr(publisher._repairs, "published", away)
    stopped.send_signal(signal.SIGCONT)
    eventually(lambda: publisher.backlog == 0)
    publisher.stop(5)
    assert 1 <= len(messages(broker)) <= MOST_UNNOTED
