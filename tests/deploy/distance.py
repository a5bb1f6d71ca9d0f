"""What distance costs: one API and one worker in namespaces of their own, far from RabbitMQ and Redis.

`make deploy-distance`; writes benchmarks/results/distance.md.
"""

import statistics
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from deploy.dockerfile import Image  # noqa: E402 - found by the line above
from deploy.engine import Engine  # noqa: E402
from deploy.running import Up, built_images  # noqa: E402
from photos import jpeg  # noqa: E402

RESULT = TESTS.parent / "benchmarks/results/distance.md"
ONE_WAY_MS = 10.0
WARM, COUNT = 10, 60
NEEDED = {"submit → 202": 2, "submit → pushed end": 6.5}
ONE_EACH = {"API_REPLICAS": "1", "WORKERS": "1"}


def measure(images: Mapping[str, Image], milliseconds: float) -> tuple[float, float]:
    """Milliseconds from a submit to its 202, and to the pushed end; what nine of ten take longer than."""
    distance = {"api": milliseconds, "worker": milliseconds} if milliseconds else {}
    with Engine(images, dict(ONE_EACH), distance=distance) as engine:
        up = Up(engine)
        accepted, ended = [], []
        with up.signed_in() as client:

            def submit(**headers: str) -> float:
                started = time.perf_counter()
                answer = client.post(
                    "/api/v1/predictions",
                    content=jpeg("chelsea"),
                    headers={"Content-Type": "image/jpeg", **headers},
                )
                took = (time.perf_counter() - started) * 1e3
                assert answer.status_code == (200 if headers else 202), answer.text
                return took

            for _ in range(WARM):
                submit(Prefer="wait=20")
            for _ in range(COUNT):
                ended.append(submit(Prefer="wait=20"))
                accepted.append(submit())
                time.sleep(0.3)  # the worker is idle again
        return tuple(statistics.quantiles(times, n=10)[0] for times in (accepted, ended))


def main() -> None:
    """Measures both, near and far."""
    with built_images() as images:
        rows = {ms: measure(images, ms) for ms in (0.0, ONE_WAY_MS)}
    RESULT.write_text(page(rows))
    sys.stdout.write(RESULT.read_text())


def page(rows: Mapping[float, tuple[float, float]]) -> str:
    """The table."""
    near, far = rows[0.0], rows[ONE_WAY_MS]
    trips = [(there - here) / (2 * ONE_WAY_MS) for here, there in zip(near, far, strict=True)]
    return PAGE.format(
        date=f"{datetime.now(UTC):%d %B %Y}",
        trip=2 * ONE_WAY_MS,
        count=COUNT,
        rows="\n".join(
            f"| {name} | {near[i]:.1f} | {far[i]:.1f} | {trips[i]:.1f} | {needed} |"
            for i, (name, needed) in enumerate(NEEDED.items())
        ),
    )


PAGE = """\
# What distance costs

`make deploy-distance` on {date}: one API and one worker of Compose's system, each in a network namespace of its own from
which a round trip to RabbitMQ and Redis takes {trip:.0f} ms (`tests/deploy/relay.py`; the kernel had no `netem`); clients and nginx are near
the API. {count} predictions, one at a time; milliseconds that nine of ten exceed, which leaves out what else the machine did.

| | near | far | round trips measured | in the design |
|---|---|---|---|---|
{rows}

The trips of one prediction, in order, as `redis-cli monitor` shows them:

| part | trips | for |
|---|---|---|
| API → Redis | 1 | the register: which models are served, read anew so that a model that has just come or changed counts at once |
| API → Redis | 1 | accept: record, outbox, event and the answer's `queue` (who serves the model, how fast, how many are ahead), in one script |
| API → RabbitMQ → worker | ½ + ½ | the message; its confirm is waited for by nobody |
| worker → Redis | 1 | claim |
| worker → Redis | 1 | finish |
| Redis → API | ½ | the event, to a read that waits there |
| API → Redis | 1 | the record as it is after it |

Looking at a prediction takes one trip, and one more for its place while it is queued; a page of a list as many. Waiting
for the end takes none until it is there.

Moreover one once a second for the store's memory, and one every ten seconds for the credential. Celery's copy of the outcome, the heartbeat and
upkeep are on nobody's way.
"""

if __name__ == "__main__":
    main()
