"""Who may run beside whom."""

import threading

import pytest

from inferq.worker.gate import Gate
from system.served import eventually


def in_thread(target) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def test_attempts_run_together_until_one_asks_to_be_alone():
    gate, order = Gate(), []
    first_may_leave, alone_may_leave = threading.Event(), threading.Event()
    both = threading.Barrier(3)

    def together() -> None:
        with gate.together():
            both.wait(5)
            first_may_leave.wait(5)
            order.append("together")

    def alone() -> None:
        with gate.alone():
            order.append("alone")
            alone_may_leave.wait(5)

    def late() -> None:
        with gate.together():
            order.append("late")

    pair = [in_thread(together), in_thread(together)]
    both.wait(5)
    second_attempt = in_thread(alone)
    eventually(lambda: gate._waiting_alone == 1)
    newcomer = in_thread(late)
    first_may_leave.set()
    eventually(lambda: "alone" in order)
    assert order == ["together", "together", "alone"], (
        "the newcomer waits behind who is to be alone"
    )
    alone_may_leave.set()
    for thread in (*pair, second_attempt, newcomer):
        thread.join(5)
    assert order[-1] == "late"


def test_a_failure_opens_the_gate_again():
    gate = Gate()
    for enter in (gate.together, gate.alone):
        with pytest.raises(ZeroDivisionError), enter():
            raise ZeroDivisionError
    with gate.alone():
        pass
