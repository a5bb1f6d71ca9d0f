"""Which alerts of ours fire: real metrics, as they were scraped, through Prometheus' own rule engine."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from conftest import require

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "inferq.rules.yml"
BEFORE, AFTER = 12, 4
"""Minutes that all was as at the first scrape, and stays as at the last; the rules look at ten, and at five."""
IGNORED = {"InferqDiskFull"}
"""What it says is the test machine's own."""


def alerts(scrapes: Sequence[str], *, after: int = AFTER) -> set[str]:
    """The alerts that fire `after` minutes after the last of these scrapes, which are taken to lie a minute apart."""
    require(shutil.which("promtool"), "promtool (Debian's package prometheus)")
    names = re.findall(r"alert: (\w+)", RULES.read_text())
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "test.json"  # every JSON is YAML
        test.write_text(json.dumps(_test(scrapes, names, after)))
        ran = subprocess.run(
            ["promtool", "test", "rules", str(test)], capture_output=True, text=True, check=False
        )
    # It expects that none fires, so that it tells of each that does.
    told = ran.stdout + ran.stderr
    assert ran.returncode == 0 or "FAILED" in told, told
    assert not re.search(r"yaml:|parse error|unexpected", told), told
    return {name for name in names if f"alertname: {name}," in told} - IGNORED


def _test(scrapes: Sequence[str], names: Sequence[str], after: int) -> dict[str, object]:
    return {
        "rule_files": [str(RULES)],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "1m",
                "input_series": _series(scrapes, after),
                "alert_rule_test": [
                    {
                        "eval_time": f"{BEFORE + len(scrapes) - 1 + after}m",
                        "alertname": name,
                        "exp_alerts": [],
                    }
                    for name in names
                ],
            }
        ],
    }


def _series(scrapes: Sequence[str], after: int) -> list[dict[str, str]]:
    """Each series with its values: `_` where it was not there, the last one for the rest of the time."""
    found: dict[str, list[str]] = {}
    for number, scrape in enumerate(scrapes):
        for family in text_string_to_metric_families(scrape):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
                values = found.setdefault(f"{sample.name}{{{labels}}}", ["_"] * len(scrapes))
                values[number] = f"{sample.value:g}"
    return [
        {
            "series": name,
            "values": " ".join([_held(values[0], BEFORE), *values, _held(values[-1], after)]),
        }
        for name, values in found.items()
    ]


def _held(value: str, minutes: int) -> str:
    return f"_x{minutes}" if value == "_" else f"{value}+0x{minutes}"
