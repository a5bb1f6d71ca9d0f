"""One, two, four workers: how throughput grows where the model's own time is what counts, and no CPU is short.

The model sleeps: it stands for a network on a device of its own. It says nothing of models that compute on the CPUs
that all workers share.
"""

from collections.abc import Sequence

from deployed import NAP, closed, inferq_up, sleeper

SERVICE_SECONDS = 0.1
CLIENTS_A_WORKER = 4


def measure(numbers: Sequence[int], seconds: float = 15) -> list[str]:
    """The section's lines."""
    rows = []
    first = None
    with sleeper(SERVICE_SECONDS) as folder:
        for workers in numbers:
            environment = {"INFERQ_CONCURRENCY": "1"}
            with inferq_up(str(folder), "--workers", str(workers), environment=environment) as site:
                before = site.cpu_seconds()
                told = closed(site, [NAP], clients=CLIENTS_A_WORKER * workers, seconds=seconds)
                spent = sum(site.cpu_seconds().values()) - sum(before.values())
            each = told.per_second / workers
            first = first or each
            limit = workers / SERVICE_SECONDS
            rows.append(
                f"| {workers} | {limit:.0f} | {told.per_second:.1f} | {told.per_second / limit:.0%} |"
                f" {each / first:.2f} | {spent / told.finished * 1e3:.1f} | {sum(told.failed.values())} |"
            )
            print(rows[-1], flush=True)
    return [
        f"The model takes {SERVICE_SECONDS * 1e3:.0f} ms and no CPU, one prediction at a time a worker (it sleeps: these are"
        " simulated service times, as of networks on devices of their own). Limit: what workers that never wait would do.",
        "",
        "| workers | limit /s | measured /s | of the limit | a worker, against one alone | CPU ms a prediction, all processes | failed |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]
