"""RabbitMQ and Redis behind TLS, and Redis behind Sentinel: the settings for them, on real servers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from conftest import require
from faults.certificates import Certificates
from faults.deployment import Deployment
from faults.fault_model import QUICK
from faults.nodes import RabbitNode
from faults.submitter import Submitter
from inferq.accounts.store import AccountStore
from inferq.errors import SetupError
from inferq.predictions.repairs import Repairs
from inferq.queue import Publisher
from inferq.sentinel import Sentinels
from inferq.settings import Settings
from inferq.state import connect
from people import person
from system.secured import RedisNode, SentinelSet
from system.served import eventually

COUNT = 12


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def state(certificates: Certificates) -> Iterator[RedisNode]:
    """A Redis that is reached over TLS alone, by clients with a certificate."""
    require(shutil.which("redis-server"), "redis-server")
    with RedisNode(certificates=certificates) as node:
        yield node


@pytest.fixture(scope="module")
def broker(certificates: Certificates) -> Iterator[RabbitNode]:
    """A RabbitMQ that is reached over TLS alone, by clients with a certificate."""
    require(shutil.which("rabbitmq-server"), "RabbitMQ")
    node = RabbitNode(certificates=certificates)
    try:
        yield node.start()
    finally:
        node.close()


def predict(deployment: Deployment, settings: Settings, count: int) -> list[str]:
    """Submits pictures and waits for each; returns their states."""
    with connect(settings.state_url()) as client:
        key = person(AccountStore(client)).key
    clients = Submitter(deployment.url, key)
    try:
        accepted = clients.submit([QUICK] * count)
        return [
            clients.get(f"/api/v1/predictions/{one.task_id}/events")
            .text.rpartition("event: ")[2]
            .split()[0]
            for one in accepted
        ]
    finally:
        clients.close()


@pytest.mark.timeout(200)
def test_over_tls_with_client_certificates_predictions_succeed(
    certificates: Certificates, state: RedisNode, broker: RabbitNode
):
    settings = Settings(
        redis_url=state.url,
        broker_url=broker.url,
        tls_ca_file=certificates.authority,
        tls_cert_file=certificates.certificate,
        tls_key_file=certificates.key,
    )
    with Deployment(broker, state, settings=certificates.settings) as deployment:
        deployment.start(1)
        assert predict(deployment, settings, COUNT) == ["succeeded"] * COUNT
        assert not deployment.logged("celery_copy_failed")
        assert not deployment.logged("event_stream_lost")
    with connect(settings.state_url()) as client:
        assert len(list(client.scan_iter("celery-task-meta-*"))) == COUNT


def test_a_server_whose_authority_is_not_ours_is_not_talked_to(
    certificates: Certificates, state: RedisNode, broker: RabbitNode, tmp_path: Path
):
    ours = {"tls_cert_file": certificates.certificate, "tls_key_file": certificates.key}
    for authority in (None, Certificates.make(tmp_path).authority):
        settings = Settings(
            redis_url=state.url, broker_url=broker.url, tls_ca_file=authority, **ours
        )
        with connect(settings.state_url()) as client:
            with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                client.ping()
            publisher = Publisher(settings.queue_url(), Repairs(client))
            publisher.start()
            publisher.wait_until_met()
            assert not publisher.reachable
            publisher.stop(1)


def test_a_broker_that_refuses_us_is_asked_again_until_it_lets_us_in(
    certificates: Certificates, state: RedisNode, broker: RabbitNode
):
    settings = Settings(
        redis_url=state.url,
        broker_url=f"{broker.url.removesuffix('//')}/later",
        tls_ca_file=certificates.authority,
        tls_cert_file=certificates.certificate,
        tls_key_file=certificates.key,
    )
    with connect(settings.state_url()) as client:
        publisher = Publisher(settings.queue_url(), Repairs(client))
        publisher.start()
        publisher.wait_until_met()
        assert not publisher.reachable
        broker.control("add_vhost", "later")
        broker.control("set_permissions", "-p", "later", "guest", ".*", ".*", ".*")
        eventually(lambda: publisher.reachable)
        publisher.stop()


def test_certificates_are_checked_unless_the_url_says_otherwise():
    settings = Settings(redis_url="rediss://host/0", broker_url="amqps://user:pw@host//")
    assert settings.state_url() == "rediss://host/0?ssl_cert_reqs=required"
    assert settings.queue_url() == "amqps://user:pw@host//?ssl_cert_reqs=required"


@pytest.mark.timeout(300)
def test_predictions_go_on_with_another_primary_when_theirs_dies():
    require(shutil.which("redis-server"), "redis-server")
    with SentinelSet() as servers, Deployment(servers, servers) as deployment:
        settings = Settings(redis_url=servers.url)
        deployment.start(1)
        assert predict(deployment, settings, COUNT) == ["succeeded"] * COUNT
        servers.primary.client().wait(1, 10_000)
        servers.fail_over()
        assert predict(deployment, settings, COUNT) == ["succeeded"] * COUNT
        assert not deployment.logged("celery_copy_failed")
        with servers.replica.client() as client:
            assert client.role()[0] == "master"
            assert len(list(client.scan_iter("celery-task-meta-*"))) == 2 * COUNT


@pytest.mark.parametrize(
    ("url", "hosts", "password", "database"),
    [
        ("redis+sentinel://a:1,b:2/3?service=s", (("a", 1), ("b", 2)), None, 3),
        ("redis+sentinel://:p%40w@a,[::1]:7?service=s", (("a", 26379), ("::1", 7)), "p@w", 0),
    ],
)
def test_a_url_of_sentinels_says_all_that_is_to_be_known(url, hosts, password, database):
    read = Sentinels.parse(url)
    assert (read.hosts, read.password, read.database) == (hosts, password, database)


@pytest.mark.parametrize(
    "url",
    ["redis+sentinel://a:1/0", "redis+sentinel:///0?service=s", "redis+sentinel://a:x/0?service=s"],
)
def test_a_url_of_sentinels_that_lacks_something_is_refused_with_an_example(url: str):
    with pytest.raises(SetupError, match="service=NAME"):
        Sentinels.parse(url)
