"""How an API ends that is told to."""

import signal
import sys
from pathlib import Path

import httpx2 as httpx

from faults.deployment import clean_environment
from faults.nodes import StateNode
from faults.processes import Process
from system.collector import collector
from system.served import eventually, free_port


def test_an_api_that_is_told_to_stop_sends_what_it_has_traced_and_ends_well(tmp_path: Path):
    url = f"http://127.0.0.1:{free_port()}"
    state = StateNode().start()
    with collector() as traces:
        settings = {
            "INFERQ_REDIS_URL": state.url,
            "INFERQ_DATA_DIR": str(tmp_path),
            "INFERQ_PORT": url.rpartition(":")[2],
            "INFERQ_OTLP_URL": traces.url,
            # Not by itself before the test is over.
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
        }
        api = Process(
            [sys.executable, "-m", "inferq", "api"],
            environment=clean_environment(tmp_path) | settings,
            folder=tmp_path,
            name="api",
        ).start()
        try:
            eventually(lambda: reached(url), seconds=60)
            httpx.get(f"{url}/api/v1/models")
            assert traces.spans == []
            api.send(signal.SIGTERM)
            api.wait(30)
            assert api.status == 0, api.output
            assert "GET /api/v1/models" in {span.name for span in traces.spans}
        finally:
            api.end()
            state.close()


def reached(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False
