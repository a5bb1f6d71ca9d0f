"""How many workers a rate needs, by the queueing model: workers whose model has a device of its own."""

from scaling_model import slots_for

RATES = (1, 10, 100, 1_000)
SERVICES = (0.025, 0.1, 1.0)
TIMES = (1.5, 3.0)
"""What 95 of 100 predictions may take, against the time that one takes alone."""
SPREAD = (0.8, 0.9, 1.0, 1.1, 1.2)
"""Service times vary by a fifth around their mean."""


def measure(quick: bool) -> list[str]:
    """The section's lines."""
    rows = []
    for service in SERVICES:
        for times in TIMES:
            cells = []
            for rate in RATES[: 2 if quick else None]:
                needed, _ = slots_for(
                    rate,
                    [service * each for each in SPREAD],
                    within=service * times,
                    predictions=2_000 if quick else 20_000,
                )
                cells.append(f"{needed} ({rate * service / needed:.0%})")
            rows.append(
                f"| {service * 1e3:.0f} ms | {service * times * 1e3:.0f} ms | "
                + " | ".join(cells)
                + " |"
            )
    return [
        "Slots (workers, each with a device of its own and one prediction at a time) that the model needs, and how busy they"
        " are then. Predictions come by chance (a Poisson process); service times vary by a fifth. Of a device that runs"
        " batches, take the time of a batch divided by its size as the service time.",
        "",
        "| one takes | p95 within | " + " | ".join(f"{rate:,}/s" for rate in RATES) + " |",
        "|---|---|" + "---|" * len(RATES),
        *rows,
    ]
