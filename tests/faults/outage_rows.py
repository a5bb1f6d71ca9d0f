"""Faults of what lies between API and workers: broker, state store, storage, their room."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from faults.case import Case
from faults.deployment import Deployment
from faults.fault_model import QUICK
from faults.processes import short_folder
from faults.submitter import Accepted, Probe, percentile
from system.served import eventually

SLOWER_AT_MOST = 3.0
SLACK_SECONDS = 0.15
HEALTHY_P99, HEALTHY_MOST = 0.1, 1.0
MIB = 2**20


def broker_killed(case: Case) -> None:
    """The broker dies and comes back with the data it had on disk."""

    def strike() -> None:
        case.site.broker.kill()
        case.site.broker.start()

    _broker_outage(case, strike)


def broker_stopped(case: Case) -> None:
    """The broker is away for a while."""

    def strike() -> None:
        case.site.broker.stop()
        _expect_degraded(case)
        time.sleep(case.size.pick(20, 3))
        case.site.broker.start()

    _broker_outage(case, strike)


def broker_frozen(case: Case) -> None:
    """The broker takes connections and does nothing."""

    def strike() -> None:
        case.site.broker.freeze()
        time.sleep(case.size.pick(20, 5))
        _expect_degraded(case)
        case.site.broker.thaw()

    _broker_outage(case, strike)


def _broker_outage(case: Case, strike: Callable[[], None]) -> None:
    """Submits go on at their usual speed; no prediction pays for the outage with an attempt."""
    case.serve()
    before = case.submit(case.pictures())
    futures = []
    with Probe(case.deployment.url) as probe, case.fault():
        futures = case.clients.start(case.pictures(20, count=case.size.count // 4), delay=0.05)
        strike()
    during = case.collect(futures)
    usual = percentile([accepted.seconds for accepted in before], 0.95)
    then = percentile([accepted.seconds for accepted in during], 0.95)
    case.note(f"POST p95 {1e3 * usual:.0f} ms before, {1e3 * then:.0f} ms during")
    assert then <= max(SLOWER_AT_MOST * usual, usual + SLACK_SECONDS)
    assert not case.clients.refusals, case.clients.refusals
    _expect_lively(case, probe)
    case.judge_healthy()
    eventually(lambda: case.clients.get("/readyz").json()["status"] == "ready")


def _expect_degraded(case: Case) -> None:
    answer = eventually(lambda: _readiness(case, "degraded"), seconds=15)
    assert answer == 200


def _readiness(case: Case, status: str) -> int:
    """The HTTP status of `/readyz` once it says so; 0 before."""
    answer = case.clients.get("/readyz")
    return answer.status_code if answer.json()["status"] == status else 0


def _expect_lively(case: Case, probe: Probe) -> None:
    p99, most = percentile(probe.seconds, 0.99), max(probe.seconds)
    case.note(f"/healthz p99 {1e3 * p99:.0f} ms, most {1e3 * most:.0f} ms")
    assert most <= HEALTHY_MOST, f"/healthz took {most} s"
    # Other tests may share the machine with the short campaign.
    assert p99 <= case.size.pick(HEALTHY_P99, 3 * HEALTHY_P99), f"/healthz p99 {p99} s"


def state_killed(case: Case) -> None:
    """The state store dies and comes back with what it had acknowledged."""

    def strike(_: Callable[[], None]) -> None:
        case.site.state.kill()
        case.site.state.start()

    _state_outage(case, strike, refused=False)


def state_stopped(case: Case) -> None:
    """The state store is away, and again, and again."""

    def strike(insist: Callable[[], None]) -> None:
        for _ in range(case.size.pick(3, 2)):
            case.site.state.stop()
            insist()
            _expect_refusal(case)
            time.sleep(case.size.pick(10, 2))
            case.site.state.start()
            time.sleep(case.size.pick(3, 1))

    _state_outage(case, strike)


def state_frozen(case: Case) -> None:
    """The state store takes connections and does nothing."""

    def strike(insist: Callable[[], None]) -> None:
        start = time.monotonic()
        case.site.state.freeze()
        insist()
        _expect_refusal(case)
        time.sleep(max(0.0, start + case.size.pick(10, 8) - time.monotonic()))
        case.site.state.thaw()

    _state_outage(case, strike)


def _state_outage(
    case: Case, strike: Callable[[Callable[[], None]], None], *, refused: bool = True
) -> None:
    """Submits are refused with a time to come back; no prediction pays for the outage with an attempt."""
    case.serve()
    case.submit(case.pictures())
    futures: list[Future[Accepted]] = []

    def insist() -> None:
        """Uploads that find the store away, and come again until they are accepted."""
        futures.extend(case.clients.start([QUICK] * 4))

    with Probe(case.deployment.url) as probe, case.fault():
        futures += case.clients.start(case.pictures(20, count=case.size.count // 4), delay=0.02)
        strike(insist)
    case.collect(futures)
    _expect_lively(case, probe)
    if refused:
        assert case.clients.refusals["state_unavailable"], case.clients.refusals
    case.judge_healthy()


def _expect_refusal(case: Case) -> None:
    answer = case.clients.post(QUICK.png)
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "state_unavailable", answer.text
    assert float(answer.headers["Retry-After"]) > 0


def store_full(case: Case) -> None:
    """The state store is at its `maxmemory`: it takes nothing new, and what waits drains."""
    case.serve()
    metadata = '{"note": "' + 3000 * "x" + '"}'
    case.submit(case.pictures(), fields={"metadata": metadata})
    with case.fault():
        case.site.state.limit_memory(int(0.9 * case.site.state.memory_used()))
        answer = eventually(lambda: _refusal(case, status=503))
        case.note(f"refused with {answer}")
        ids = [accepted.task_id for accepted in case.accepted]
        case.truth.wait_terminal(ids, seconds=case.size.patience, meanwhile=lambda: None)
        drained = case.truth.judge(ids, ())
        assert drained.lost == 0, "a full store does not drain"
        case.site.state.limit_memory(0)
    case.submit(case.pictures(20, count=10))
    case.judge_healthy()


def _refusal(case: Case, *, status: int) -> str | None:
    """The code with which an upload is refused; None where it is accepted, which is counted."""
    answer = case.clients.post(QUICK.png)
    if answer.status_code == 202:
        case.count(answer)
        return None
    assert answer.status_code == status, answer.text
    assert float(answer.headers["Retry-After"]) > 0
    return str(answer.json()["code"])


def storage_unreadable(case: Case) -> None:
    """Reads and writes of the storage fail for a while, as those of a NAS that is gone."""
    folder = short_folder()
    (folder / "disk").mkdir()
    # A path below a plain file fails with "Not a directory", for root too: no blob is missing, none can be read.
    (folder / "broken").write_text("")
    mount = folder / "mount"
    mount.symlink_to("disk")
    try:
        with _own_deployment(case, mount / "storage"):
            case.submit(case.pictures())
            futures = []
            with case.fault():
                _point(mount, "broken")
                futures = case.clients.start(case.pictures(20, count=10))
                assert eventually(lambda: _refusal(case, status=503)) == "storage_unavailable"
                assert _readiness(case, "unavailable") == 503
                time.sleep(case.size.pick(20, 4))
                _point(mount, "disk")
            case.collect(futures)
            case.judge_healthy()
            case.note(f"{len(case.deployment.logged('released'))} put back")
    finally:
        shutil.rmtree(folder)


def _point(link: Path, target: str) -> None:
    """Lets a symbolic link point elsewhere, at once."""
    draft = link.with_name("draft")
    draft.symlink_to(target)
    draft.replace(link)


def disk_full(case: Case) -> None:
    """There is no room for uploads: they are refused, and nothing of them stays."""
    folder = short_folder()
    try:
        with _small_disk(folder) as real, _own_deployment(case, folder / "storage", real=real):
            case.note("a disk of 8 MB, full" if real else "free space below the floor")
            case.submit(case.pictures())
            with case.fault(), _ballast(folder) if real else _nothing():
                code = eventually(lambda: _refusal(case, status=507))
                assert code == "disk_full", code
                _expect_no_leftovers(case)
            if real:
                case.submit(case.pictures(20, count=case.size.count // 2))
            case.judge_healthy()
            _expect_no_leftovers(case)
    finally:
        shutil.rmtree(folder)


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mounts a file system of eight megabytes where that is allowed; says whether it was."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "inferq-faults", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _ballast(folder: Path) -> Iterator[None]:
    """Fills a disk to the last byte, and gives the room back."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    yield
    path.unlink()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _expect_no_leftovers(case: Case) -> None:
    """Every blob belongs to a prediction that was accepted."""
    files = (path for path in case.deployment.storage.glob("*/*/*/*/*") if path.is_file())
    accepted = {accepted.task_id for accepted in case.accepted}
    left = [path for path in files if path.name not in accepted]
    assert not left, left


@contextmanager
def _own_deployment(case: Case, storage: Path, *, real: bool = True) -> Iterator[None]:
    """A deployment of this row's own, on another storage."""
    settings = {} if real else {"INFERQ_MIN_FREE_DISK_BYTES": str(2**60)}
    case.site.end_deployment()
    case.site.empty()
    site = case.site
    with Deployment(site.broker, site.state, settings=settings, storage=storage) as own:
        case.attach(own.start(1))
        yield
