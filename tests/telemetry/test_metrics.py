"""What is counted: bounded labels, buckets that objectives lie on, ports that are refused in words."""

import socket

import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from inferq.errors import SetupError
from inferq.settings import Settings
from inferq.telemetry import metrics
from inferq.telemetry.exposing import expose_metrics

LABELS = {
    "model",
    "state",
    "code",
    "outcome",
    "stage",
    "kind",
    "reason",
    "method",
    "route",
    "status",
}


def ours() -> list:
    return [
        value
        for name, value in vars(metrics).items()
        if name.startswith("_") and hasattr(value, "labels") and hasattr(value, "_labelnames")
    ]


def test_every_metric_has_labels_and_none_that_a_user_could_fill():
    assert len(ours()) > 10
    for metric in ours():
        assert metric._name.startswith("inferq_")
        assert metric._labelnames, f"{metric._name}: share_metrics could not say where it is kept"
        assert set(metric._labelnames) <= LABELS


@pytest.mark.parametrize("objective", [0.005, 0.1, 1.0, 10.0, 60.0])
def test_objectives_lie_on_a_border_of_the_buckets(objective: float):
    assert objective in metrics.SECONDS


def test_paths_are_told_as_their_routes_write_them(api: TestClient):
    def count(route: str, status: str, method: str = "GET") -> float:
        labels = {"method": method, "route": route, "status": status}
        return REGISTRY.get_sample_value("inferq_http_requests_total", labels) or 0

    one, batch = "/api/v1/predictions/{task_id}", "/api/v1/batches/{batch}"
    before = [count(one, "404"), count(batch, "404"), count("other", "404")]
    for number in range(3):
        api.get(f"/api/v1/predictions/nobodys-{number}")
        api.get(f"/api/v1/batches/of/{number}")
        api.get(f"/api/v1/nonesuch-{number}")
    after = [count(one, "404"), count(batch, "404"), count("other", "404")]
    assert [then - now for now, then in zip(before, after, strict=True)] == [3, 3, 3]
    api.request("BREW", "/healthz-not")
    assert count("other", "405", "other") + count("other", "404", "other") >= 1


def test_a_port_that_is_taken_is_refused_with_the_settings_name():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(metrics_port=taken.getsockname()[1])
        with pytest.raises(SetupError, match="INFERQ_METRICS_PORT"):
            expose_metrics(settings)
