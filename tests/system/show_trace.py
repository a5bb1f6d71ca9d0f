"""Shows the trace of one prediction through RabbitMQ, and its log lines from all processes: `make show-trace`.

Everything is real: RabbitMQ, `inferq up` with the bundled model, a collector that OpenTelemetry's exporters send to, a
receiver of the webhook. All of it is gone afterwards.
"""

import json
import secrets
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2 as httpx

from faults.nodes import RabbitNode, rabbitmq_script
from photos import jpeg
from system.collector import Told, collector
from system.served import Served, eventually
from webhooks.receiving import receiver

LAST_SPAN = "webhook"
SHOWN = ("process", "event", "level", "attempt", "state", "status", "ms")


def main() -> None:
    """Runs one prediction, and prints."""
    if not rabbitmq_script():
        sys.exit("rabbitmq-server is missing (Debian's package rabbitmq-server).")
    with ExitStack() as stack:
        spans, told = stack.enter_context(collector()), stack.enter_context(receiver())
        broker = RabbitNode()
        stack.callback(broker.close)
        broker.start()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        served = Served(
            folder / "data",
            environment={
                "INFERQ_BROKER_URL": broker.url,
                "INFERQ_WEBHOOK_LOOPBACK": "true",
                "INFERQ_LOG_FORMAT": "json",
                "INFERQ_OTLP_URL": spans.url,
                "OTEL_BSP_SCHEDULE_DELAY": "100",
            },
        )
        stack.callback(served.stop)
        served.ready()
        for _ in range(3):  # what is made once is there then
            _post(served, secrets.token_hex(16), None)
        trace_id = secrets.token_hex(16)
        prediction = _post(served, trace_id, told.url)
        eventually(lambda: LAST_SPAN in [span.name for span in spans.trace(trace_id)])
        lines = [json.loads(line) for line in served.output.splitlines() if line[:1] == "{"]
        version = broker.version
    print(f"task {prediction['task_id']}, trace {trace_id}, {version}\n")
    print(*_tree(spans.trace(trace_id)), sep="\n", end="\n\n")
    mine = [line for line in lines if line.get("task_id") == prediction["task_id"]]
    for line in sorted(mine, key=lambda line: line["timestamp"]):
        fields = " ".join(f"{name}={line[name]}" for name in SHOWN if name in line)
        print(f"{line['timestamp'][11:]}  {fields}")


def _post(served: Served, trace_id: str, callback_url: str | None) -> dict[str, object]:
    answer = httpx.post(
        f"{served.url}/api/v1/predictions",
        params={"callback_url": callback_url} if callback_url else {},
        content=jpeg("chelsea"),
        headers=served.headers
        | {
            "Content-Type": "image/jpeg",
            "Prefer": "wait=30",
            "traceparent": f"00-{trace_id}-{'b7' * 8}-01",
        },
        timeout=40,
    )
    prediction: dict[str, object] = answer.json()
    return prediction


def _tree(spans: Sequence[Told]) -> list[str]:
    """Spans below those that they belong to, with milliseconds since the first began, and how long each took."""
    first = spans[0].started
    known = {span.span_id for span in spans}

    def below(parent: str | None, depth: int) -> list[str]:
        shown = []
        for span in spans:
            if (span.parent if span.parent in known else None) != parent:
                continue
            began, took = (span.started - first) / 1e6, (span.ended - span.started) / 1e6
            name = f"{'  ' * depth}{span.name}"
            shown.append(f"{name:<48}{span.service:<15}{began:>8.1f} ms{took:>9.2f} ms")
            shown += below(span.span_id, depth + 1)
        return shown

    return [f"{'span':<48}{'process':<15}{'begins':>11}{'takes':>12}", *below(None, 0)]


if __name__ == "__main__":
    main()
