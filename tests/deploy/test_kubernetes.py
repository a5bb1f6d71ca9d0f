"""The pods of deploy/kubernetes, run as a kubelet runs them: probes, restarts, drains, and none where there is no work."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import httpx2 as httpx
import pytest

from conftest import require
from deploy.dockerfile import Image
from deploy.engine import Container, Engine
from deploy.kubernetes import (
    FOLDER,
    KUBECTL,
    Cluster,
    Pod,
    Resource,
    dev_secrets,
    of,
    own_model,
    render,
    scaler_count,
)
from inferq.worker.liveness import STALE_SECONDS
from photos import jpeg
from system.served import descendants, eventually

BROKER = ("default_user_of-the-operator", token_hex(16))
OPERATORS_PLUGINS = "[rabbitmq_management,rabbitmq_prometheus]."
OWN_MODEL = "/api/v1/predictions?model=own-model"
SLOW = '''
import time
import inferq


class OwnModel(inferq.Model):
    """Takes two seconds."""

    def infer(self, inputs: list[dict]) -> list[dict]:
        time.sleep(2 if "text" in inputs[0] else 0)
        return inputs

    def sample(self) -> dict:
        return {}
'''
RESULT = """\
# Pods of deploy/kubernetes

`make deploy-kubernetes` on {date}: the pods of the overlays `dev` and `production`, as kubectl renders them, run by
`tests/deploy/kubernetes.py` as a kubelet runs them, on Debian's RabbitMQ 3.10 and Redis 7.0 in namespaces of one machine with two cores. Images are
there already, nothing has to be scheduled, and startup probes are asked every 0.2 s.

| what | seconds |
|---|---|
{rows}
"""

pytestmark = pytest.mark.timeout(600)


@dataclass
class Site:
    """What runs of the overlay `production`, and beside it the Redis of `dev`."""

    cluster: Cluster
    resources: list[Resource]
    redis: Pod
    rabbitmq: Container
    apis: list[Pod]
    host: str = "inferq.example"
    token: str = ""

    def client(self, number: int = 0) -> httpx.Client:
        """A client at one API, as a Gateway would ask it."""
        api = self.apis[number]
        headers = {"Host": self.host}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"http://{api.address}:{api.port('http')}"
        return httpx.Client(base_url=url, headers=headers, timeout=60)

    def submit(self, *, wait: int = 0, number: int = 0) -> httpx.Response:
        """Posts a photograph."""
        with self.client(number) as client:
            return client.post(
                "/api/v1/predictions",
                content=jpeg("chelsea"),
                headers={"Content-Type": "image/jpeg", "Prefer": f"wait={wait}"},
            )

    def worker(self, name: str) -> Pod:
        """A worker of the bundled model, not started."""
        return self.cluster.pod(self.resources, "worker", name)


@pytest.fixture(scope="module")
def figures() -> Iterator[dict[str, float]]:
    """Seconds that things took, by what they are; `make deploy-kubernetes` writes them down."""
    found: dict[str, float] = {}
    yield found
    if path := os.environ.get("INFERQ_TEST_FIGURES"):
        rows = "\n".join(f"| {what} | {seconds:.1f} |" for what, seconds in found.items())
        Path(path).write_text(RESULT.format(date=f"{datetime.now(UTC):%d %B %Y}", rows=rows))


@pytest.fixture(scope="module")
def cluster(images: dict[str, Image]) -> Iterator[Cluster]:
    require(KUBECTL.exists(), "kubectl (make check-kubernetes)")
    user, password = BROKER
    operators = {"connection_string": f"amqp://{user}:{password}@rabbitmq:5672/"}
    with Engine(images) as engine:
        yield Cluster(engine, dev_secrets() | {"rabbitmq-default-user": operators})


@pytest.fixture(scope="module")
def redis(cluster: Cluster) -> Pod:
    return cluster.pod(render(FOLDER / "overlays/dev"), "redis", "redis").start()


@pytest.fixture(scope="module")
def rabbitmq(cluster: Cluster) -> Container:
    """What the operator would start, with its account and plugins."""
    engine = cluster.engine
    account = "default_user = {}\ndefault_pass = {}\n".format(*BROKER)
    for volume, name, text in (
        ("secrets-rabbitmq", "account.conf", account),
        ("plugins", "enabled", OPERATORS_PLUGINS),
    ):
        engine.volume(volume).mkdir(parents=True)
        (engine.volume(volume) / name).write_text(text)
    spec = engine.file["services"]["rabbitmq"]
    spec["volumes"].append("plugins:/run/plugins:ro")
    spec["environment"]["RABBITMQ_ENABLED_PLUGINS_FILE"] = "/run/plugins/enabled"
    container = engine.start(engine.add("rabbitmq", 1))
    eventually(container.healthy, seconds=120)
    return container


@pytest.fixture(scope="module")
def site(cluster: Cluster, redis: Pod, rabbitmq: Container, tmp_path_factory) -> Site:
    copy = shutil.copytree(FOLDER, tmp_path_factory.mktemp("site") / "kubernetes")
    resources = own_model(copy)
    apis = [cluster.pod(resources, "api", f"api-{number}") for number in range(2)]
    site = Site(cluster, resources, redis, rabbitmq, apis)
    for api in apis:
        cluster.engine.start(api.container)
    for api in apis:
        api.wait()
    site.token = token(site, cluster)
    return site


def passed(since: float) -> float:
    return time.monotonic() - since


def token(site: Site, cluster: Cluster) -> str:
    """An access token of the user whom the Secret makes; cookies are for TLS alone, which ends at the Gateway."""
    admin = {"username": "admin", "password": cluster.secrets["inferq-admin"]["password"]}

    def asked() -> str | None:
        with site.client() as client:
            answer = client.post("/api/v1/auth/token", data=admin)
        return answer.json().get("access_token")

    return str(eventually(asked, seconds=30))


@pytest.fixture(scope="module")
def worker(site: Site) -> Pod:
    return site.worker("worker").start()


def test_the_overlay_dev_predicts_with_redis_alone(cluster: Cluster, redis: Pod):
    resources = render(FOLDER / "overlays/dev")
    api = cluster.pod(resources, "api", "dev-api").start()
    worker = cluster.pod(resources, "worker", "dev-worker").start()
    assert redis.passes("readiness")
    site = Site(cluster, resources, redis, redis.container, [api], host="localhost:8000")
    site.token = token(site, cluster)
    posted = site.submit(wait=20)
    assert posted.json()["state"] == "succeeded", posted.text
    for pod in (api, worker):
        cluster.engine.kill(pod.container)


def test_from_none_to_a_result_while_the_client_is_told_why_it_waits(
    site: Site, figures: dict[str, float]
):
    trigger = of(site.resources, "ScaledObject", "worker")["spec"]["triggers"][0]
    address = site.rabbitmq.addresses["back"]

    def counted() -> int:
        return scaler_count(trigger, address, BROKER)

    assert counted() == 0
    first = site.worker("worker-first").start()
    assert site.submit(wait=20).json()["state"] == "succeeded"
    first.terminate()

    posted = site.submit()
    assert posted.status_code == 202
    assert posted.json()["queue"]["reason"] == "no_worker"
    began = time.monotonic()
    eventually(lambda: counted() == 1, seconds=20)  # RabbitMQ tells its counts every five seconds
    figures["No worker: from a submit until RabbitMQ tells KEDA's question of it"] = passed(began)
    began = time.monotonic()
    second = site.worker("worker-second").start()
    with site.client(1) as client:
        path = posted.json()["links"]["self"]
        ended = client.get(path, headers={"Prefer": "wait=30"}).json()
    figures["No worker: from the start of its container to the result at the client"] = passed(
        began
    )
    assert (ended["state"], ended["attempts"], ended["queue"]) == ("succeeded", 1, None)
    second.terminate()


def test_without_redis_an_api_is_not_ready_and_a_worker_lives(site: Site, worker: Pod):
    api, engine = site.apis[0], site.cluster.engine
    assert api.passes("readiness")
    engine.kill(site.redis.container)
    eventually(lambda: not api.passes("readiness"), seconds=20)
    assert api.passes("liveness")
    assert worker.passes("liveness")
    site.redis.start()
    eventually(lambda: api.passes("readiness"), seconds=20)
    assert site.submit(wait=20).json()["state"] == "succeeded"


def test_without_rabbitmq_all_stay_ready_and_take_predictions(site: Site, worker: Pod):
    engine = site.cluster.engine
    engine.kill(site.rabbitmq)
    assert all(api.passes("readiness") for api in site.apis)
    posted = site.submit()
    assert posted.status_code == 202
    assert worker.passes("liveness")
    engine.start(site.rabbitmq)
    eventually(site.rabbitmq.healthy, seconds=120)
    with site.client() as client:
        path = posted.json()["links"]["self"]
        assert client.get(path, headers={"Prefer": "wait=30"}).json()["state"] == "succeeded"


def test_a_worker_that_hangs_is_told_and_its_container_starts_again(
    site: Site, worker: Pod, figures: dict[str, float]
):
    (python,) = descendants(worker.container.init)
    os.kill(python, signal.SIGSTOP)
    began = time.monotonic()
    eventually(lambda: not worker.passes("liveness"), seconds=STALE_SECONDS + 10)
    figures["A worker that hangs: until its liveness probe says no for the first time"] = passed(
        began
    )
    assert passed(began) > STALE_SECONDS - 5
    site.cluster.engine.kill(worker.container)
    began = time.monotonic()
    worker.start()
    figures["A worker: from the start of its container to its startup probe's yes"] = passed(began)
    assert worker.passes("liveness")
    assert site.submit(wait=20).json()["state"] == "succeeded"


def test_a_worker_that_is_ended_finishes_what_it_runs_and_leaves_the_rest(
    site: Site, figures: dict[str, float], tmp_path: Path
):
    folder = tmp_path / "own-model"
    folder.mkdir()
    (folder / "model.py").write_text(SLOW)
    mounts = {"/models/own-model": folder}
    pods = [
        site.cluster.pod(site.resources, "worker-own-model", f"own-{n}", mounts=mounts)
        for n in range(2)
    ]
    pods[0].start()
    with site.client() as client:
        links = []
        for _ in range(6):
            posted = client.post(OWN_MODEL, json={"text": "a"})
            assert posted.status_code == 202, posted.text
            links.append(posted.json()["links"]["self"])

        def states() -> list[str]:
            return [client.get(link).json()["state"] for link in links]

        eventually(lambda: "running" in states(), seconds=20)
        seconds = pods[0].terminate()
        figures["A worker with predictions of 2 s in hand: from SIGTERM to its end"] = seconds
        assert pods[0].container.process.status == 0
        assert 0.5 < seconds < 10
        after = [client.get(link).json() for link in links]
        assert {one["state"] for one in after} == {"succeeded", "queued"}
        pods[1].start()
        ended = [client.get(link, headers={"Prefer": "wait=30"}).json() for link in links]
    assert [(one["state"], one["attempts"]) for one in ended] == [("succeeded", 1)] * len(links)
    site.cluster.engine.kill(pods[1].container)


def test_an_api_that_is_ended_answers_until_no_gateway_asks_it_and_then_what_it_has(
    site: Site, figures: dict[str, float]
):
    api = site.apis[1]
    waited = api.main["lifecycle"]["preStop"]["sleep"]["seconds"]
    with site.client() as client:  # nobody serves it at this moment: a long poll lasts
        path = client.post(OWN_MODEL, json={"text": "a"}).json()["links"]["self"]
    answers: list[httpx.Response] = []

    def poll() -> None:
        with site.client(1) as client:
            answers.append(client.get(path, headers={"Prefer": "wait=30"}))

    with ThreadPoolExecutor() as pool:
        ended = pool.submit(api.terminate)
        threading.Event().wait(waited / 2)
        assert api.passes("readiness")
        polled = pool.submit(poll)
        seconds = ended.result()
        polled.result()
    figures[
        f"An API with a long poll: from its deletion to its end ({waited} s of that by `preStop`)"
    ] = seconds
    assert answers[0].status_code == 200
    assert api.container.process.status == 0
    assert waited < seconds < waited + 6
    assert site.apis[0].passes("readiness")
