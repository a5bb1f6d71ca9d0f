"""What an operator sees of a real deployment: `inferq up` with two workers on RabbitMQ; its logs, metrics and traces.

One scenario is played, then looked at from each side.
"""

import json
import os
import re
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import require
from faults.nodes import RabbitNode, rabbitmq_script
from photos import jpeg
from system.alerting import alerts
from system.collector import Collector, Told, collector
from system.served import Served, eventually, free_port
from webhooks.receiving import Receiver, receiver

MODEL = "probe@1"
PROBE = """
import time
from pathlib import Path
from PIL import Image
from inferq import Model

CLOSED = Path(__file__).with_name("closed")

class Probe(Model):
    max_batch = 8
    max_wait_ms = 20

    def preprocess(self, image: Image.Image) -> int:
        if image.width == 600:
            raise ValueError(f"nothing to see in {image.tobytes()[:500]!r}")
        if image.width == 512:
            time.sleep(1)
        return image.width

    def infer(self, inputs: list[int]) -> list[dict[str, int]]:
        time.sleep(0.02)
        while CLOSED.exists():
            time.sleep(0.005)
        return [{"width": width, "batch": len(inputs)} for width in inputs]
"""
BURST = 40
PASSWORD = "CBSy3NaBMxLF"
WRONG_PASSWORD = "swordfish-of-nobody"


@dataclass
class Scenario:
    """A deployment, and what was done with it."""

    served: Served
    broker: RabbitNode
    collector: Collector
    receiver: Receiver
    metrics_url: str
    trace_id: str = ""
    first: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, Any] = field(default_factory=dict)
    burst: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def post(self, name: str, *, wait: int = 30, **fields: str) -> dict[str, Any]:
        """Sends a photograph and waits for its end."""
        headers = {"Content-Type": "image/jpeg", "Prefer": f"wait={wait}"}
        if traceparent := fields.pop("traceparent", None):
            headers["traceparent"] = traceparent
        answer = httpx.post(
            f"{self.served.url}/api/v1/predictions",
            params={"model": MODEL} | fields,
            content=jpeg(name),
            headers=self.served.headers | headers,
            timeout=40,
        )
        prediction: dict[str, Any] = answer.json()
        return prediction

    def logged(self, **fields: object) -> list[dict[str, Any]]:
        """The log lines that have these fields."""
        lines = [json.loads(line) for line in self.served.output.splitlines() if line[:1] == "{"]
        return [line for line in lines if fields.items() <= line.items()]

    def value(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels, scraped now."""
        families = text_string_to_metric_families(httpx.get(self.metrics_url).text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def scrape(self) -> str:
        """All metrics, as Prometheus reads them."""
        return httpx.get(self.metrics_url).text


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """One prediction in a trace of its caller's, one that fails, forty at once; sign-ins, right and wrong."""
    require(rabbitmq_script(), "rabbitmq-server")
    folder = tmp_path_factory.mktemp("observed")
    (folder / "probe").mkdir()
    (folder / "probe" / "model.py").write_text(PROBE)
    with ExitStack() as stack:
        spans, told = stack.enter_context(collector()), stack.enter_context(receiver())
        broker = RabbitNode()
        stack.callback(broker.close)
        broker.start()
        port = free_port()
        served = Served(
            folder / "data", str(folder / "probe"), "--workers", "2",
            environment={
                "INFERQ_BROKER_URL": broker.url,
                "INFERQ_BATCHING": "always",
                "INFERQ_PARALLEL_RUNS": "1",
                "INFERQ_WEBHOOK_LOOPBACK": "true",
                "INFERQ_LOG_FORMAT": "json",
                "INFERQ_METRICS_PORT": str(port),
                "INFERQ_OTLP_URL": spans.url,
                "OTEL_BSP_SCHEDULE_DELAY": "100",
            },
        )  # fmt: skip
        stack.callback(served.stop)
        served.ready()
        play = Scenario(served, broker, spans, told, f"http://127.0.0.1:{port}/metrics")
        _play(play, folder / "probe" / "closed")
        yield play


def _play(play: Scenario, closed: Path) -> None:
    url = f"{play.served.url}/api/v1/auth"
    user = {"username": "ml_user", "password": PASSWORD}
    session = httpx.post(f"{url}/session", json=user)
    token = httpx.post(f"{url}/token", data=user | {"grant_type": "password"})
    wrong = httpx.post(f"{url}/session", json=user | {"password": WRONG_PASSWORD})
    assert (session.status_code, token.status_code, wrong.status_code) == (200, 200, 401)
    play.secrets = [
        PASSWORD, WRONG_PASSWORD, play.served.key,
        session.cookies["inferq_session"], token.json()["access_token"],
    ]  # fmt: skip
    play.trace_id = secrets.token_hex(16)
    caller = f"00-{play.trace_id}-{'b7' * 8}-01"
    play.first = play.post("chelsea", wait=0, callback_url=play.receiver.url, traceparent=caller)
    play.receiver.wait_for(1)
    play.failed = play.post("coffee")
    # The first of them run until every slot of both workers is taken: whoever waited meanwhile then runs together.
    eventually(lambda: play.value("inferq_workers", model=MODEL) == 2)
    closed.touch()
    with ThreadPoolExecutor(BURST) as pool:
        burst = pool.map(lambda _: play.post("chelsea"), range(BURST))
        slots = play.value("inferq_slots", model=MODEL)
        eventually(lambda: play.value("inferq_queue_running", model=MODEL) == min(slots, BURST))
        closed.unlink()
        play.burst = list(burst)
    eventually(lambda: "webhook" in [span.name for span in play.collector.trace(play.trace_id)])


def test_a_predictions_log_lines_tell_its_way_across_processes(scenario: Scenario):
    lines = scenario.logged(task_id=scenario.first["task_id"])
    assert [(line["process"], line["event"]) for line in lines] == [
        ("api", "request"),
        ("worker", "finished"),
        (lines[2]["process"], "webhook_attempted"),
    ]
    assert lines[0]["status"] == 202
    assert {line["trace_id"] for line in lines} == {scenario.trace_id}
    assert len({line["owner"] for line in lines}) == 1
    assert [line.get("attempt") for line in lines] == [None, 1, 1]
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)


def test_every_line_is_json_and_tells_where_it_comes_from(scenario: Scenario):
    banner, _, _ = scenario.served.output.partition("inferq is ready")
    assert banner
    for line in scenario.served.output.splitlines():
        if line.strip() and not line.startswith("  "):  # the banner, on standard output
            assert {"event", "level", "timestamp", "process", "pid"} <= json.loads(line).keys()


def test_a_failure_is_told_to_the_client_without_a_traceback_and_found_in_the_log_by_its_trace(
    scenario: Scenario,
):
    error = scenario.failed["error"]
    assert error["code"] == "model_failed"
    assert "Traceback" not in json.dumps(scenario.failed)
    assert "nothing to see" not in json.dumps(scenario.failed)
    (line,) = scenario.logged(trace_id=error["trace_id"], event="attempt_failed")
    assert line["task_id"] == scenario.failed["task_id"]
    assert "nothing to see" in line["exception"]


def test_no_log_line_metric_or_span_tells_a_secret_or_what_is_in_a_picture(scenario: Scenario):
    told = {
        "logs": scenario.served.output,
        "metrics": httpx.get(scenario.metrics_url).text,
        "spans": b"".join(scenario.collector.bodies).decode("latin-1"),
    }
    for where, text in told.items():
        for secret in scenario.secrets:
            assert secret not in text, where
        assert not re.search(r"(\\\\x[0-9a-f]{2}){4}", text), f"bytes in {where}"
        assert scenario.first["task_id"] not in text or where != "metrics"


def test_the_numbers_of_two_workers_add_up_to_what_was_sent(scenario: Scenario):
    workers = {line["pid"] for line in scenario.logged(event="finished")}
    assert len(workers) == 2, "both had something to do"
    value = scenario.value
    sent = BURST + 2
    assert value("inferq_predictions_accepted_total", model=MODEL) == sent
    assert value("inferq_predictions_finished_total", state="succeeded") == sent - 1
    assert value("inferq_predictions_finished_total", code="model_failed") == 1
    assert value("inferq_attempts_total") == sent
    assert value("inferq_prediction_seconds_count", model=MODEL) == sent
    for stage in ("queued", "read", "batch_wait", "inference", "postprocess"):
        count = value("inferq_stage_seconds_count", model=MODEL, stage=stage)
        assert count == (sent if stage in {"queued", "read"} else sent - 1), stage
    batches = value("inferq_batch_size_count")
    assert value("inferq_batch_size_sum") >= sent - 1
    assert batches < sent, "some ran together"
    assert value("inferq_publishes_total", kind="first") == sent
    assert value("inferq_webhook_attempts_total", outcome="delivered") == 1
    route = "/api/v1/predictions"
    assert value("inferq_http_requests_total", route=route, method="POST") == sent
    assert value("inferq_http_requests_total", route="/api/v1/auth/session", status="401") == 1
    for part in ("broker", "state", "storage"):
        assert value("inferq_part_up", part=part) == 1
    assert value("inferq_workers", model=MODEL) == 2
    assert value("inferq_slots", model=MODEL) > 2
    assert value("inferq_queue_length", model=MODEL) == 0


def test_one_trace_leads_from_the_request_through_the_broker_to_the_webhook(scenario: Scenario):
    spans = scenario.collector.trace(scenario.trace_id)
    by_name = {span.name: span for span in spans}
    assert [(span.service, span.name, span.kind) for span in spans if span.kind != "internal"] == [
        ("inferq-api", "POST /api/v1/predictions", "server"),
        ("inferq-api", "publish inferq.probe.1", "producer"),
        ("inferq-worker", "process", "consumer"),
        (by_name["webhook"].service, "webhook", "client"),
    ]
    parents = {
        "POST /api/v1/predictions": "b7" * 8,
        "store_input": "POST /api/v1/predictions",
        "accept": "POST /api/v1/predictions",
        "publish inferq.probe.1": "POST /api/v1/predictions",
        "process": "publish inferq.probe.1",
        **dict.fromkeys(
            ["claim", "read", "preprocess", "batch_wait", "inference", "postprocess", "finish"],
            "process",
        ),
        "batch": "process",
        "webhook": "POST /api/v1/predictions",
    }
    assert set(by_name) == set(parents)
    for name, parent in parents.items():
        wanted = by_name[parent].span_id if parent in by_name else parent
        assert by_name[name].parent == wanted, name
    assert by_name["inference"].links == (by_name["batch"].span_id,)
    assert by_name["inference"].ended - by_name["inference"].started >= 20e6
    assert not any(span.failed for span in spans)
    (received,) = scenario.receiver.received
    assert received.headers["traceparent"][3:35] == scenario.trace_id
    assert received.headers["traceparent"][36:52] == by_name["webhook"].span_id


def test_a_batch_is_linked_to_all_whose_predictions_ran_in_it(scenario: Scenario):
    together = [p for p in scenario.burst if p["result"]["data"]["batch"] > 1]
    assert together, "some ran together"
    # The last to end of an attempt's spans.
    eventually(lambda: len(_named(scenario, "process")) >= BURST + 2)
    attempts = {span.span_id: span for span in _named(scenario, "process")}
    linked = 0
    for batch in _named(scenario, "batch"):
        members = {batch.parent, *batch.links}
        assert members <= attempts.keys()
        assert len(members) == batch.attributes["inferq.batch"]
        runs = [s for s in _named(scenario, "inference") if batch.span_id in s.links]
        assert {run.parent for run in runs} == members
        linked += len(members)
    assert linked == BURST + 1


def _named(scenario: Scenario, name: str) -> list[Told]:
    return [span for span in scenario.collector.spans if span.name == name]


def test_counters_never_fall_when_a_worker_dies_and_its_attempt_is_told(scenario: Scenario):
    before = scenario.value("inferq_predictions_finished_total")
    scrapes = [scenario.scrape()]
    slow = scenario.post("astronaut", wait=0)["task_id"]
    eventually(lambda: scenario.value("inferq_queue_running", model=MODEL) == 1)
    for pid in scenario.served.children("inferq worker"):
        os.kill(pid, signal.SIGKILL)
    assert scenario.value("inferq_predictions_finished_total") == before
    eventually(
        lambda: scenario.value("inferq_predictions_finished_total") == before + 1, seconds=60
    )
    assert scenario.value("inferq_attempts_total", outcome="lost") == 1
    scrapes.append(scenario.scrape())
    (lost,) = scenario.logged(event="attempt_lost")
    assert (lost["process"], lost["task_id"], lost["attempt"]) == ("up", slow, 1)
    (finished,) = scenario.logged(event="finished", task_id=slow)
    assert finished["attempt"] == 2
    files = list((scenario.served.data_dir / "metrics").iterdir())
    assert len(files) <= 8, "as many as processes, however often they die"
    assert alerts(scrapes) == {"InferqWorkersDying"}


def test_a_broker_that_is_away_is_seen_in_log_and_metrics(scenario: Scenario):
    scrapes = [scenario.scrape()]
    scenario.broker.freeze()
    try:
        assert scenario.post("chelsea", wait=0)["state"] == "queued"
        eventually(lambda: scenario.value("inferq_part_up", part="broker") == 0)
        assert scenario.value("inferq_publishes_total", kind="failed") >= 1
        eventually(lambda: scenario.value("inferq_queue_oldest_seconds", model=MODEL) > 0)
        assert scenario.value("inferq_queue_length", model=MODEL) == 1
        assert scenario.logged(event="broker_unavailable", process="api")
        scrapes.append(scenario.scrape())
    finally:
        scenario.broker.thaw()
    eventually(lambda: scenario.value("inferq_part_up", part="broker") == 1)
    eventually(lambda: scenario.value("inferq_queue_length", model=MODEL) == 0, seconds=60)
    assert alerts(scrapes) == {"InferqBrokerAway"}


def test_a_storage_that_is_away_is_seen_in_the_metrics(scenario: Scenario):
    folder = scenario.served.data_dir / "storage"
    aside = Path(f"{folder}.aside")
    scrapes = [scenario.scrape()]
    folder.rename(aside)
    folder.write_text("no folder")
    try:
        assert scenario.post("chelsea")["code"] == "storage_unavailable"
        assert scenario.value("inferq_storage_errors_total", code="storage_unavailable") >= 1
        refused = scenario.value("inferq_predictions_refused_total", code="storage_unavailable")
        assert refused == 1
        assert scenario.value("inferq_part_up", part="storage") == 0
        scrapes.append(scenario.scrape())
    finally:
        folder.unlink()
        aside.rename(folder)
    assert alerts(scrapes) == {"InferqStorageAway", "InferqRefusing"}
