"""Compose's system under load while parts of it die: `make deploy-load`; writes benchmarks/results/deploy.md."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from deploy.engine import Engine  # noqa: E402 - found by the line above
from deploy.load import Crowd, Outcome, faults  # noqa: E402
from deploy.running import Up, built_images  # noqa: E402
from photos import jpeg  # noqa: E402

RESULT = TESTS.parent / "benchmarks/results/deploy.md"
PAGE = """\
# Compose's system under load while parts of it die

`make deploy-load` on {date}: the images of `deploy/docker/Dockerfile` and the services of `deploy/compose/compose.yaml` (2 APIs,
2 workers, RabbitMQ, Redis, nginx), run by `tests/deploy/engine.py` with the servers of Debian 12 in namespaces of one machine with two
cores. {clients} clients upload {count} photographs through nginx until each is accepted, then wait for each end by long polls.
At 20 % one worker is killed and started again, at 40 % one API; at 60 % RabbitMQ is stopped and started again.

| what | how many |
|---|---|
| uploads | {count} |
| accepted (202), each once | {accepted} |
| answers that asked to try again (`Retry-After`), by code | {refusals} |
| broken connections, and answers that say nothing | {unclean} |
| predictions of this load that the system knows | {known} |
| ended | {states} |
| attempts that they took | {attempts} |
| lost | {lost} |
| seconds, all in all | {seconds:.0f} |
"""


def main() -> int:
    """Runs it; status 0 if nothing was lost and every answer was clean."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--clients", type=int, default=32)
    chosen = options.parse_args()
    pictures = [jpeg(name) for name in ("chelsea", "coffee", "astronaut")]
    with built_images() as images, Engine(images) as engine:
        up = Up(engine)
        outcome = Crowd(engine, up.key, pictures).run(
            chosen.count, clients=chosen.clients, meanwhile=faults(engine)
        )
    RESULT.write_text(page(outcome, chosen.count, chosen.clients))
    sys.stdout.write(RESULT.read_text())
    whole = (
        len(set(outcome.accepted)) == outcome.states["succeeded"] == outcome.known == chosen.count
    )
    return 0 if whole and not outcome.unclean else 1


def page(outcome: Outcome, count: int, clients: int) -> str:
    """The table of results."""

    def listed(counts: object) -> str:
        return ", ".join(f"{name}: {n}" for name, n in sorted(dict(counts).items())) or "none"

    return PAGE.format(
        date=f"{datetime.now(UTC):%d %B %Y}",
        clients=clients,
        count=count,
        accepted=len(set(outcome.accepted)),
        refusals=listed(outcome.refusals),
        unclean=len(outcome.unclean),
        known=outcome.known,
        states=listed(outcome.states),
        attempts=listed(outcome.attempts),
        lost=outcome.states["lost"],
        seconds=outcome.seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
