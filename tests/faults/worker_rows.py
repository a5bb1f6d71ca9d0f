"""Faults of workers and of the API process: killed, stopped, frozen, absent, with another clock."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from faults.case import Case, Skipped
from faults.deployment import Deployment
from faults.fault_model import Picture
from faults.nodes import QUEUE
from system.served import eventually

AGAIN_WITHIN = 10.0
LEASE = 6.0
CLOCK_OFF_BY = 60
FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
)


def worker_killed(case: Case) -> None:
    """A worker dies again and again, and is started again."""
    deployment = case.serve()
    pace = case.size.pick(250, 300)
    uploads = case.begin(case.pictures(pace))
    victim = deployment.workers[0]
    for kill in range(case.size.pick(4, 2)):
        if kill and not case.size.full:  # on a slow machine the others have done all of it by now
            uploads += case.begin(case.pictures(pace))
        eventually(lambda: _runs_something(case, victim.pid), seconds=20)
        victim.kill()
        case.struck()
        victim.start()
        deployment.wait_worker(victim)
    case.collect(uploads)
    verdict = case.judge_healthy(most_attempts=3)
    case.note(f"{sum(fate.attempts > 1 for fate in verdict.fates)} started again")
    assert verdict.seconds_to_recover <= AGAIN_WITHIN, verdict.seconds_to_recover


def all_workers_killed(case: Case) -> None:
    """Nobody is left for a while."""
    deployment = case.serve()
    case.submit(case.pictures(case.size.pick(250, 300)))
    with case.fault():
        for worker in deployment.workers:
            worker.send(signal.SIGKILL)
        for worker in deployment.workers:
            worker.wait(10)
        time.sleep(case.size.pick(60, 7))
        deployment.tend()
        deployment.wait_ready()
    verdict = case.judge_healthy(most_attempts=2)
    assert verdict.seconds_to_recover <= AGAIN_WITHIN, verdict.seconds_to_recover


def drained_long(case: Case) -> None:
    """Every worker in turn is told to stop, with time (25 s by default) to finish what it runs."""
    _rolling_restart(case, {}, milliseconds=case.size.pick(250, 400))
    assert not case.deployment.logged("drain_ends"), "what ran was put back"


def drained_short(case: Case) -> None:
    """Every worker in turn is told to stop, with less time than it needs: what it runs is put back."""
    _rolling_restart(case, {"INFERQ_DRAIN_TIMEOUT": "1"}, milliseconds=case.size.pick(250, 100))
    put_back = sum(int(str(line["released"])) for line in case.deployment.logged("drain_ends"))
    case.note(f"{put_back} put back")
    assert put_back >= 1


def _rolling_restart(case: Case, settings: dict[str, str], *, milliseconds: int) -> None:
    deployment = case.serve(settings)
    long_ones = [Picture(milliseconds=3000)] * case.slots()
    uploads = case.begin([*long_ones, *case.pictures(milliseconds)])
    for worker in tuple(deployment.workers):
        eventually(lambda pid=worker.pid: _runs_something(case, pid), seconds=20)
        with case.fault():
            worker.terminate()
            assert worker.wait(30) == 0
        worker.start()
        deployment.wait_worker(worker)
    case.collect(uploads)
    case.judge_healthy(most_attempts=1)


def worker_frozen(case: Case) -> None:
    """A worker stands still for longer than its lease, then goes on as if nothing had been."""
    deployment = case.serve()
    uploads = case.begin(case.pictures(case.size.pick(250, 500)))
    victim = deployment.workers[0]
    eventually(lambda: _runs_something(case, victim.pid), seconds=20)
    before = len(_refused(deployment))
    with case.fault():
        victim.freeze()
        time.sleep(LEASE + case.size.pick(9, 3))
        victim.thaw()
    case.collect(uploads)
    verdict = case.judge_healthy(most_attempts=2)
    case.note(f"{sum(fate.attempts == 2 for fate in verdict.fates)} started elsewhere")
    late = eventually(lambda: len(_refused(deployment)) - before)
    case.note(f"{late} late words of the frozen worker refused")


def _refused(deployment: Deployment) -> list[dict[str, object]]:
    return [*deployment.logged("fenced_off"), *deployment.logged("lease_lost")]


def no_worker(case: Case) -> None:
    """Nobody ever comes: all fail at their deadline, and say so."""
    deployment = case.serve({"INFERQ_QUEUE_TIMEOUT": "3"}, workers=1)
    deployment.stop_workers()
    with case.fault():
        case.submit(case.pictures())
    verdict = case.judge()
    for fate in verdict.fates:
        assert fate.state == "failed", fate
        assert fate.error is not None, fate
        assert fate.error["code"] == "queue_timeout", fate
        assert "3 s" in fate.error["detail"], fate
        assert fate.attempts == 0, fate


def scaled_to_zero(case: Case) -> None:
    """No workers, the broker away, and back without anything it ever held."""
    deployment, broker = case.serve(), case.site.broker
    deployment.stop_workers()
    with case.fault():
        broker.wipe()
        case.submit(case.pictures(20))
        broker.start()
        # An autoscaler counts messages: they must be there before a worker is.
        eventually(lambda: case.outbox() == 0, seconds=60)
        assert broker.depth(QUEUE) > 0
        deployment.tend()
        deployment.wait_ready()
    case.judge_healthy()


def clocks_apart(case: Case) -> None:
    """One of the workers has a clock a minute ahead, and dies."""
    library = next((path for path in FAKETIME if Path(path).exists()), None)
    if library is None:
        raise Skipped("libfaketime is missing (Debian: apt install faketime)")
    deployment = case.serve()
    ahead = deployment.add_worker(
        {
            "LD_PRELOAD": library,
            "FAKETIME": f"+{CLOCK_OFF_BY}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    )
    deployment.wait_worker(ahead)
    last = json.loads(ahead.output.splitlines()[-1])
    offset = datetime.fromisoformat(last["timestamp"]) - datetime.now(UTC)
    assert offset > timedelta(seconds=CLOCK_OFF_BY / 2), last
    uploads = case.begin(case.pictures(case.size.pick(250, 500)))
    eventually(lambda: _runs_something(case, ahead.pid), seconds=20)
    ahead.kill()
    case.struck()
    case.collect(uploads)
    case.judge_healthy(most_attempts=2)


def api_killed(case: Case) -> None:
    """The API dies while uploads come in, again and again; whoever was not answered sends again."""
    deployment = case.serve()
    before = case.truth.known()
    if case.size.full:
        case.submit(case.pictures())
    futures = case.clients.start(case.pictures(20, count=case.size.pick(600, 120)))
    for goal in case.size.pick((0.2, 0.4, 0.6), (0.3,)):
        eventually(lambda goal=goal: sum(f.done() for f in futures) >= goal * len(futures))
        with case.fault():
            deployment.api.kill()
            deployment.start_api()
    case.collect(futures)
    case.judge_healthy()
    made = case.truth.known() - before
    assert made == {accepted.task_id for accepted in case.accepted}, "a retry made a second one"
    case.note(f"{sum(case.clients.refusals.values())} uploads sent again")


def _runs_something(case: Case, pid: int) -> bool:
    """Whether a worker process holds a lease at this moment."""
    with case.site.state.client() as client:
        for task_id in client.zrange("inferq:leases", 0, -1):
            worker = client.hget(f"inferq:prediction:{task_id}", "worker") or ""
            if worker.startswith(f"{os.uname().nodename}-{pid}-"):
                return True
    return False
