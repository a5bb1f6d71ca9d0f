"""A worker process with an attempt that hangs, and one beside it that is not at work yet. Run by test_watchdog.py."""

import sys
import threading
from datetime import timedelta

from inferq.predictions.record import Attempt
from inferq.predictions.store import Policy, PredictionStore
from inferq.state import connect
from inferq.worker.slots import Slots
from inferq.worker.watchdog import Watchdog


def run(url: str, hung: str, beside: str, *, drain: bool) -> None:
    """Claims both predictions, then leaves the process to its watchdog."""
    store, slots = PredictionStore(connect(url)), Slots(2)
    watchdog = Watchdog(
        store, slots, policy=Policy(3, timedelta(hours=1)), limit=timedelta(seconds=0.2)
    )
    forever, at_work = threading.Event(), threading.Event()

    def attempt(task_id: str, *, working: bool) -> None:
        mine = Attempt.new(task_id, "w")
        store.claim(mine, max_attempts=3, alone=True)
        with slots.holding(mine):
            if working:
                with slots.at_work(mine):
                    at_work.set()
                    forever.wait()
            at_work.set()
            forever.wait()

    for task_id, working in ((beside, False), (hung, True)):
        at_work.clear()
        threading.Thread(target=attempt, args=(task_id,), kwargs={"working": working}).start()
        at_work.wait()
    if drain:
        watchdog.end_drain()
    while True:
        watchdog.check()


if __name__ == "__main__":
    run(*sys.argv[1:4], drain="--drain" in sys.argv)
