"""`inferq bench` against a real server."""

import asyncio
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from inferq.load import run
from inferq.load.deployment import Deployment, Payload
from inferq.load.figures import Figures
from inferq.load.phases import BROKEN, REFUSED, Phase, closed_loop
from photos import jpeg
from system.served import PROGRAM, Served, free_port


def bench(served: Served, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "bench", *words],
        env=os.environ | served.environment | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def kept(served: Served) -> int:
    with served.client() as client:
        return sum(1 for _ in client.list())


@pytest.mark.parametrize("wait", [(), ("--wait",)], ids=["events", "wait"])
def test_it_measures_and_leaves_nothing_behind(served: Served, tmp_path: Path, wait):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg("chelsea"))
    done = bench(served, str(photo), "-c", "2", "-r", "4", "--seconds", "2", "--json", *wait)
    assert done.returncode == 0, done.stderr
    closed, opened = json.loads(done.stdout)["phases"]
    for phase in (closed, opened):
        assert phase["finished"] > 0
        assert phase["failed"] == {}
        assert phase["stages_ms"]["inference"] > 0
        assert phase["stages_ms"]["total"] < phase["result"]["mean"]
        if not wait:
            assert phase["accepted"]["p50"] < phase["result"]["p50"]
    assert (opened["load"], opened["finished"]) == (["rate", 4.0], pytest.approx(8, abs=6))
    assert kept(served) == 0


def test_it_looks_for_the_knee_by_itself(served: Served):
    done = bench(served, "--seconds", "1", "--limit-ms", "1", COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert "Knee: below" in done.stdout


def test_what_the_server_refuses_is_counted_by_reason(served: Served, tmp_path: Path):
    nonsense = tmp_path / "photo.jpg"
    nonsense.write_bytes(b"no picture")
    done = bench(served, str(nonsense), "-c", "1", "--seconds", "1", "--json")
    assert done.returncode == 1
    (phase,) = json.loads(done.stdout)["phases"]
    assert list(phase["failed"]) == ["HTTP 415"]


def test_it_says_where_nobody_answers_or_lets_it_in(served: Served):
    done = bench(served, INFERQ_URL=f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, "No server answers" in done.stderr) == (3, True)
    done = bench(served, INFERQ_API_KEY="iq_wrong")
    assert (done.returncode, "401" in done.stderr) == (1, True)


def test_the_ends_are_heard_of_though_the_api_dies(served: Served):
    deployment = Deployment(
        served.url, served.key, [Payload(jpeg("chelsea"), "image/jpeg", "a.jpg")]
    )

    async def measure() -> tuple[Phase, float]:
        async def kill() -> float:
            await asyncio.sleep(0.5)
            os.kill(served.child("inferq api"), signal.SIGKILL)
            return time.perf_counter()

        async with deployment:
            return await asyncio.gather(closed_loop(deployment, clients=4, seconds=6), kill())

    phase, killed = run(measure())
    # What was accepted came to its end; what was not, was told so.
    assert set(Figures.of(phase).failed) <= {BROKEN, REFUSED}
    ends = [sample for sample in phase.samples if sample.told and sample.ended > killed]
    assert any(sample.told.accepted < killed for sample in ends)
    assert any(sample.due > killed for sample in ends)
