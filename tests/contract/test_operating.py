"""What lies in `deploy/` for operators names metrics that there are, and leads to a page that helps."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from fastapi import FastAPI

from conftest import require
from inferq.api import gauges
from inferq.telemetry import metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "inferq.rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "inferq.json"
PAGE = (ROOT / "docs" / "operate.md").read_text()


def known() -> set[str]:
    """The names of all samples."""
    source = Path(gauges.__file__).read_text()
    names = set(re.findall(r'"(inferq_\w+)"', source)) | {"inferq_info"}
    for metric in vars(metrics).values():
        if hasattr(metric, "_labelnames"):
            ends = ("_total",) if metric._type == "counter" else ("_bucket", "_sum", "_count")
            names |= {metric._name + end for end in ends}
    return names


def named(text: str) -> set[str]:
    return set(re.findall(r"\binferq_\w+", text))


def test_rules_and_dashboard_ask_for_metrics_that_there_are():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(asked) > 15
    assert named(RULES.read_text()) | named(" ".join(asked)) <= known()


def test_before_it_has_started_an_api_tells_its_version():
    (told,) = gauges.Gauges(FastAPI()).collect()
    assert told.name == "inferq"


def test_each_alert_leads_to_a_section_that_names_a_command_and_what_to_do():
    rules = RULES.read_text()
    alerts = re.findall(r"alert: (\w+)", rules)
    assert re.findall(r"runbook: docs/operate.md#(\w+)", rules) == [name.lower() for name in alerts]
    sections = dict(re.findall(r"\n### (Inferq\w+)\n(.*?)(?=\n### |\Z)", PAGE, re.DOTALL))
    assert list(sections) == alerts
    for name, text in sections.items():
        means, command, what_to_do = (
            text.split("```")[0],
            text.split("```")[1],
            text.split("```")[2],
        )
        assert means.strip(), name
        assert command.strip(), name
        assert what_to_do.strip(), name


def test_the_page_lists_every_metric():
    for name in known():
        stem = re.sub(r"_(bucket|sum|count)$", "", name)
        short = re.sub(r"^inferq_(queue|predictions)", "…", stem)
        assert stem in PAGE or short in PAGE, name


def test_prometheus_takes_the_rules():
    require(shutil.which("promtool"), "promtool (Debian's package prometheus)")
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)
