"""The page of results, from what was measured."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contenders import Contender

SATURATED = 32
BUSY = "**The machine was busy with other work: this run shows that everything works, and its rates and times compare nothing.**"
PARTS = ("model", "HTTP", "store", "broker", "supervisor", "rest")


def page(found: Mapping[str, Any], contenders: "Mapping[str, Contender]") -> str:
    """All of it."""
    names = list(dict.fromkeys(one["name"] for one in found["rounds"]))
    plan = found["plan"]
    return "\n".join(
        [
            "# inferq and others under one load",
            "",
            f"{found['machine']}, shared by server and clients; {found['load']}. Rounds: {plan['rounds']}; in each, every contender is"
            f" started, driven for {plan['seconds']:g} s at each load, and ended, in turn. The same weights, decoding, resizing,"
            " thresholds and photographs (three, 26-90 kB) in all; each was held against the bare loop's detections before it was"
            " measured. Medians of the rounds, least and most in brackets. Clients of inferq wait by `Prefer: wait` in closed loops,"
            " and hear of the ends by one event stream where a rate is given. `make bench` runs it again.",
            "",
            *([BUSY, ""] if found["busy"] else []),
            *_throughput(found, names, contenders),
            *_latency(found, names, contenders),
            *_cost(found, names, contenders),
            *_rates(found, names, contenders),
            *_kills(found, names, contenders),
        ]
    )


def phases(found: Mapping[str, Any], name: str, kind: str, value: float) -> list[dict[str, Any]]:
    """The phases of one load, of each round."""
    return [
        phase | {"round": one["round"]}
        for one in found["rounds"]
        for phase in one["phases"]
        if one["name"] == name and list(phase["load"]) == [kind, value]
    ]


def values(found: Mapping[str, Any], kind: str) -> list[float]:
    """The loads of a kind that were measured."""
    return sorted(
        {
            phase["load"][1]
            for one in found["rounds"]
            for phase in one["phases"]
            if phase["load"][0] == kind
        }
    )


def _throughput(found: Any, names: Sequence[str], contenders: Any) -> list[str]:
    clients = values(found, "clients")
    bare = [each["per_second"] for each in found["bare"]]
    rows = [
        "## Results a second, closed loop",
        "",
        f"| contender | {' | '.join(f'{n:g} clients' for n in clients)} | of the bare loop |",
        f"|---|{'---|' * (len(clients) + 1)}",
        f"| the bare loop (no server; the limit) |{' |' * len(clients)} {spread(bare)} |",
    ]
    for name in names:
        cells = [
            spread([each["per_second"] for each in phases(found, name, "clients", n)])
            for n in clients
        ]
        rows.append(f"| {contenders[name].title} | {' | '.join(cells)} | {_share(found, name)} |")
    return [
        *rows,
        "",
        "The last column: the most that any number of clients got in a round, as a share of the bare loop's in that round.",
        "",
    ]


def best(found: Mapping[str, Any], name: str) -> list[float]:
    """The most results a second, of each round."""
    rounds = sorted({one["round"] for one in found["rounds"]})
    return [
        max(
            phase["per_second"]
            for n in values(found, "clients")
            for phase in phases(found, name, "clients", n)
            if phase["round"] == number
        )
        for number in rounds
    ]


def _share(found: Any, name: str) -> str:
    limits = [each["per_second"] for each in found["bare"]]
    return spread([a / b for a, b in zip(best(found, name), limits, strict=True)], digits=2)


def _latency(found: Any, names: Sequence[str], contenders: Any) -> list[str]:
    clients = values(found, "clients")
    rows = [
        "## Milliseconds until the result, closed loop: p50 / p99",
        "",
        f"| contender | {' | '.join(f'{n:g} clients' for n in clients)} |",
        f"|---|{'---|' * len(clients)}",
    ]
    for name in names:
        cells = [_times(phases(found, name, "clients", n), "result", "p50", "p99") for n in clients]
        rows.append(f"| {contenders[name].title} | {' | '.join(cells)} |")
    return [*rows, ""]


def _cost(found: Any, names: Sequence[str], contenders: Any) -> list[str]:
    bare = [each["cpu_ms"] for each in found["bare"]]
    rows = [
        f"## CPU milliseconds a result ({SATURATED} clients) and memory",
        "",
        f"| contender | all | beyond the bare loop | {' | '.join(PARTS)} | client | memory, MB |",
        f"|---|{'---|' * (len(PARTS) + 4)}",
        f"| the bare loop | {spread(bare)} |{' |' * (len(PARTS) + 3)}",
    ]
    for name in names:
        measured = phases(found, name, "clients", SATURATED)
        if not measured:
            continue
        all_ = [sum(each["cpu_ms"].values()) for each in measured]
        beyond = [
            ms - found["bare"][each["round"]]["cpu_ms"]
            for ms, each in zip(all_, measured, strict=True)
        ]
        parts = [_median([each["cpu_ms"].get(part, 0.0) for each in measured]) for part in PARTS]
        client = _median([each["generator_ms"] for each in measured])
        most = max(
            phase["memory_bytes"]
            for one in found["rounds"]
            if one["name"] == name
            for phase in one["phases"]
        )
        rows.append(
            f"| {contenders[name].title} | {spread(all_)} | {spread(beyond)} | {' | '.join(parts)} | {client} | {most / 1e6:.0f} |"
        )
    return [
        *rows,
        "",
        "All processes that a contender starts, brokers and stores included; `model` are those that run it. Memory: the most after"
        " any phase, what several processes share counted once (PSS).",
        "",
    ]


def _rates(found: Any, names: Sequence[str], contenders: Any) -> list[str]:
    rates = values(found, "rate")
    head = [f"{rate:g}/s: accepted p50 / p99 | result p50 / p99 | got" for rate in rates]
    rows = [
        "## Milliseconds at given rates (open loop, from when each was due)",
        "",
        f"| contender | {' | '.join(head)} |",
        f"|---|{'---|' * (3 * len(rates))}",
    ]
    for name in names:
        cells = []
        for rate in rates:
            measured = phases(found, name, "rate", rate)
            cells.append(_times(measured, "accepted", "p50", "p99"))
            cells.append(_times(measured, "result", "p50", "p99"))
            cells.append(f"{_median([each['per_second'] for each in measured])}/s")
        rows.append(f"| {contenders[name].title} | {' | '.join(cells)} |")
    return [*rows, ""]


def _kills(found: Any, names: Sequence[str], contenders: Any) -> list[str]:
    rows = [
        "## `kill -9` under load",
        "",
        "| contender | first answer | killed | sent | results | broken off: the client has to send again | taken, and no end told | longest wait, s | turned away meanwhile |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        kills = [one["kill"] for one in found["rounds"] if one["name"] == name and one["kill"]]
        for kill in kills:
            contender = contenders[name]
            victims = " then ".join(
                "the model's process" if not word else f"`{word}`" for word in contender.victims
            )
            rows.append(
                f"| {contender.title} | {contender.promise} | {victims} | {kill['sent']} | {kill['results']} |"
                f" {kill['broken_off']} | {kill['no_end']} | {kill['longest_ms'] / 1e3:.1f} | {kill['turned_away']} |"
            )
    if len(rows) == 4:
        return []
    return [
        *rows,
        "",
        "32 clients; what has no supervisor of its own is started again at once. *Broken off*: the connection ended, or the answer was"
        " an error, before anything was promised; the client knows. *Turned away*: no connection could be made (clients try again 20"
        " times a second), so nothing was sent. *No end told*: within"
        f" {found['plan']['give_up']:g} s (the tutorial's clients 7 s more), though it was taken, or the connection still stood.",
        "",
    ]


def spread(values: Sequence[float], *, digits: int = 1) -> str:
    """The median, and the least and most."""
    if not values:
        return "-"
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f}" if values else "-"


def _times(measured: Sequence[Mapping[str, Any]], name: str, *shares: str) -> str:
    told = [each[name] for each in measured if each[name]]
    if not told:
        return "-"
    pick: Callable[[str], float] = lambda share: statistics.median(each[share] for each in told)  # noqa: E731
    return " / ".join(f"{pick(share):.0f}" for share in shares)
