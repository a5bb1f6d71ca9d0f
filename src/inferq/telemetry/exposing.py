"""Metrics on a port of their own; and how the processes of one `inferq up` keep theirs together."""

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server, values
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import MultiProcessValue

from inferq.errors import SetupError
from inferq.settings import Settings

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where Prometheus' client itself looks for the folder."""


def make_folder(folder: Path) -> Path:
    """An empty folder that processes keep their metrics in."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def share_metrics(path: Path) -> None:
    """Keeps this process's metrics in a folder, from where another one tells them; call it before anything is counted.

    Args:
        path: The folder, and in it the name of this process. One that takes a dead one's place goes on with its numbers,
            so that a counter never falls and there are no more files than processes.
    """
    os.environ[VARIABLE] = str(path.parent)
    values.ValueClass = MultiProcessValue(lambda: path.name)  # type: ignore[no-untyped-call]


def expose_metrics(settings: Settings, collectors: Sequence[Collector] = ()) -> None:
    """Serves the metrics of this process, or of all that share its folder, where the settings name a port.

    Args:
        settings: On which host and port.
        collectors: What more there is to tell, asked at each scrape.

    Raises:
        SetupError: The port cannot be used.
    """
    if settings.metrics_port is None:
        return
    registry = CollectorRegistry()
    if folder := os.environ.get(VARIABLE):
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    for collector in collectors:
        registry.register(collector)
    try:
        start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except (OSError, socket.gaierror) as error:
        raise SetupError(
            f"Port {settings.metrics_port} of {settings.metrics_host} cannot be used for metrics"
            f" ({error.strerror}). Choose another one: INFERQ_METRICS_PORT."
        ) from error


def gauge(name: str, text: str, value: float) -> Metric:
    """A number that is looked up at a scrape."""
    return GaugeMetricFamily(name, text, value=value)


def gauges(name: str, text: str, label: str, numbers: Mapping[str, float | None]) -> Metric:
    """Numbers that are looked up at a scrape, by the values of a label; those that are None are not told."""
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in numbers.items():
        if number is not None:
            family.add_metric([value], number)
    return family


def version_of(version: str) -> Metric:
    """The version of this process, as a label."""
    return InfoMetricFamily("inferq", "Version of this process.", {"version": version})


__all__ = [
    "Metric",
    "expose_metrics",
    "gauge",
    "gauges",
    "make_folder",
    "share_metrics",
    "version_of",
]
