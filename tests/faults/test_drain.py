"""`inferq drain` and `inferq resume` with real workers, on both brokers."""

import json
import shutil
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from conftest import require
from faults.case import Case, Size
from faults.fault_model import REFERENCE
from faults.processes import Process
from faults.site import BROKERS, Site
from inferq.cli import app
from inferq.errors import SetupError
from inferq.models.register import ModelRegister
from inferq.worker.liveness import host_of
from system.served import eventually

SLOW = 800


@pytest.fixture(scope="module", params=BROKERS)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "rabbitmq":
        require(shutil.which("rabbitmq-server"), "RabbitMQ")
    with Site(request.param) as site:
        yield site


@pytest.fixture
def case(site: Site) -> Iterator[Case]:
    with Case(site, Size(full=False)) as case:
        case.serve()
        yield case


@pytest.fixture
def inferq(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    monkeypatch.setenv("INFERQ_REDIS_URL", site.state.url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words)

    yield run
    run("resume", "--all")


def told(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def workers(site: Site) -> list[str]:
    with site.state.client() as client:
        return [each.worker for each in ModelRegister(client).workers()]


def finished(worker: Process) -> int:
    """How many attempts of a worker have succeeded so far."""
    return worker.output.count('"event":"finished"')


def test_a_drained_worker_finishes_what_it_runs_and_the_others_take_the_rest(
    case: Case, inferq: Callable[..., Result]
):
    leaving, staying = case.deployment.workers
    (worker,) = [each for each in workers(case.site) if f"-{leaving.pid}-" in each]
    case.submit(case.pictures(SLOW, count=10))
    eventually(lambda: any(_held(case, worker)), seconds=20)
    assert "takes nothing new" in told(inferq("drain", "--worker", worker))
    assert not any(_held(case, worker)), "it waits until nothing runs"
    before = finished(leaving)
    case.submit(case.pictures(count=10))
    case.judge_healthy()
    assert finished(leaving) == before
    assert finished(staying) > before
    now = json.loads(told(inferq("status", "--json")))
    drained = {each["worker"]: each["drained"] for each in now["workers"]}
    assert drained.pop(worker) == [REFERENCE]
    assert list(drained.values()) == [[]]

    staying.terminate()
    staying.wait(60)
    told(inferq("resume", "--worker", worker))
    case.submit(case.pictures(count=4))
    case.judge_healthy()
    assert finished(leaving) > before
    case.deployment.tend()
    case.deployment.wait_ready()


def test_a_drained_model_waits_and_says_so_also_after_its_workers_were_started_anew(
    case: Case, inferq: Callable[..., Result]
):
    told(inferq("drain", "--model", REFERENCE))
    (accepted,) = case.submit(case.pictures(count=1))

    def waits() -> str | None:
        queue = case.clients.get(f"/api/v1/predictions/{accepted.task_id}").json()["queue"]
        return queue and queue["reason"]

    assert waits() == "drained"
    assert "its workers are drained" in told(inferq("status"))
    assert "inferq resume" in inferq("doctor").output
    worker = case.deployment.workers[0]
    worker.terminate()
    worker.wait(60)
    worker.start()
    case.deployment.wait_worker(worker)
    assert case.deployment.logged("intake_changed")[-1]["left"] == [REFERENCE]
    assert waits() == "drained"
    told(inferq("resume", "--model", REFERENCE))
    case.judge_healthy()


def test_a_host_is_drained_with_all_its_workers(case: Case, inferq: Callable[..., Result]):
    (host,) = {host_of(worker) for worker in workers(case.site)}
    told(inferq("drain", "--host", host))
    with case.site.state.client() as client:
        serving = ModelRegister(client).serving(REFERENCE)
    assert (serving.workers, serving.drained) == (0, 2)
    assert host in told(inferq("resume", "--all"))
    case.submit(case.pictures(count=4))
    case.judge_healthy()


def test_what_runs_too_long_is_told_of_and_a_slip_of_the_pen_marks_nothing(
    case: Case, inferq: Callable[..., Result]
):
    case.submit(case.pictures(4000, count=1))
    eventually(lambda: any(any(_held(case, each)) for each in workers(case.site)), seconds=20)
    late = inferq("drain", "--all", "--timeout", "0.2")
    assert late.exit_code == 1
    assert "still" in late.output
    for words in (["--host", "nowhere"], ["--model", "none@1"], [], ["--all", "--host", "x"]):
        assert isinstance(inferq("drain", *words).exception, SetupError)
    assert "Every worker takes work again" in told(inferq("resume", "--all"))
    assert isinstance(inferq("resume", "--all").exception, SetupError)
    case.judge_healthy()


def _held(case: Case, worker: str) -> Iterator[str]:
    """What a worker runs at this moment."""
    with case.site.state.client() as client:
        for task_id in client.zrange("inferq:leases", 0, -1):
            if client.hget(f"inferq:prediction:{task_id}", "worker") == worker:
                yield task_id
