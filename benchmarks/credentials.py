"""What a credential costs: CPU of the API process per submit, with and without one, in turns on the same Valkey.

Writes benchmarks/results/credentials.md. Run: make bench-credentials
"""

import multiprocessing
import statistics
import sys
import tempfile
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import httpx2
from harness import RESULTS, ann, machine, valkey

from inferq.accounts.account import Credential, Token
from inferq.accounts.store import AccountStore
from inferq.api.callers import Caller
from inferq.api.deps import CredentialCheck
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder
from inferq.models.register import ModelRegister, RegisteredCard
from inferq.settings import Settings
from inferq.state import connect
from inferq.telemetry import configure_logging

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from photos import jpeg
from system.served import eventually, free_port

ROUNDS = 120
SUBMITS = 20
WARM_UP = 60
LIMIT = 1.05


def run_api(ready: Connection, settings: Settings, credential: Credential | None) -> None:
    """Serves; with a credential given, everyone is taken for its user, and nothing is looked at."""
    configure_logging(settings)
    if credential is not None:
        caller = Caller(credential, float("inf"))

        async def anyone(_: CredentialCheck) -> Caller:
            return caller

        CredentialCheck.__call__ = anyone  # type: ignore[method-assign, assignment]
    # Only now: the routes read at their import what a credential's check takes.
    from inferq.api.app import Server, create_app  # noqa: PLC0415

    app = create_app(settings)
    ready.send(None)
    Server(app, host=settings.host, port=settings.port).run()


def main() -> None:
    """Measures and writes the page."""
    with valkey() as server, tempfile.TemporaryDirectory() as folder:
        client = connect(server.url)
        _, key = ann(client)
        token = Token.parse(key)
        found = AccountStore(client).look_up(token) if token else None
        if found is None:
            raise RuntimeError("the key is not known")
        card = RegisteredCard.of(read_card(bundled_folder()))
        ModelRegister(client).register("nobody", slots=1, free=0, cards=[card])
        processes = {}
        for name, given in (("with", None), ("without", found.credential)):
            settings = Settings(
                redis_url=server.url, data_dir=Path(folder), port=free_port(),
                max_in_flight=1_000_000, log_level="error",
            )  # fmt: skip
            mine, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=run_api, args=(theirs, settings, given))
            process.start()
            mine.recv()
            processes[name] = (process, f"http://127.0.0.1:{settings.port}")
        try:
            costs = _measure(processes, key)
        finally:
            for process, _ in processes.values():
                process.terminate()
                process.join()
    _write(costs)


def _measure(processes: dict, key: str) -> dict[str, list[float]]:
    """CPU milliseconds per submit of each round, by whether a credential is looked at."""
    photo = jpeg("chelsea")
    headers = {"with": {"Authorization": f"Bearer {key}"}, "without": {}}
    clients = {
        name: httpx2.Client(base_url=url, headers=headers[name], timeout=60)
        for name, (_, url) in processes.items()
    }

    def submit(name: str, count: int) -> None:
        for _ in range(count):
            answer = clients[name].post(
                "/api/v1/predictions", files={"image": ("chelsea.jpg", photo, "image/jpeg")}
            )
            answer.raise_for_status()

    for name, client in clients.items():
        eventually(partial(_answers, client), seconds=60)
        submit(name, WARM_UP)
    costs: dict[str, list[float]] = {name: [] for name in clients}
    for number in range(ROUNDS):
        for name in sorted(clients, reverse=bool(number % 2)):
            pid = processes[name][0].pid
            before = _cpu_ms(pid)
            submit(name, SUBMITS)
            costs[name].append((_cpu_ms(pid) - before) / SUBMITS)
    return costs


def _cpu_ms(pid: int) -> float:
    """CPU milliseconds of a process's threads so far; finer than the ticks of `stat`."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def _answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx2.TransportError:
        time.sleep(0.05)
        return False


def _write(costs: dict[str, list[float]]) -> None:
    typical = {name: statistics.median(values) for name, values in costs.items()}
    ratios = sorted(a / b for a, b in zip(costs["with"], costs["without"], strict=True))
    ratio = statistics.median(ratios)
    low, high = ratios[len(ratios) // 4], ratios[-(len(ratios) // 4) - 1]
    lines = [
        "# What a credential costs",
        "",
        f"Measured by `make bench-credentials` on {machine()}. CPU of the API process per submit of a photograph of 26 KB,",
        f"{ROUNDS} rounds of {SUBMITS} submits each, in turns; both processes on one Valkey. *Without* takes everyone for",
        "one user and looks at nothing.",
        "",
        "| | CPU ms per submit, median of the rounds |",
        "|---|---|",
        *(f"| {name} a credential | {typical[name]:.2f} |" for name in ("without", "with")),
        "",
        f"With / without, round by round: median **{ratio:.3f}**, half of them between {low:.3f} and {high:.3f}"
        f" (wanted: at most {LIMIT}).",
        "",
        "A credential is looked up in the state store once in ten seconds and then remembered; a revocation anywhere is pushed",
        "to every API process, which forgets it at once ([security](../../docs/security.md)).",
    ]
    (RESULTS / "credentials.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
