"""Micro-batches: who runs with whom, and that everyone gets what is his."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferq.errors import ModelFailed
from inferq.worker.batcher import Answer, Batcher
from inferq.worker.slots import Stopwatch
from system.served import eventually

LONG = timedelta(seconds=60)


class Network:
    """Doubles numbers once it may; remembers its batches. It fails on what is none."""

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.at_once = self.most_at_once = 0
        self.may_run = threading.Event()
        self._lock = threading.Lock()

    def infer(self, items: Sequence[object]) -> list[int]:
        with self._lock:
            self.batches.append(list(items))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.may_run.wait(20)
        with self._lock:
            self.at_once -= 1
        for item in items:
            if item not in range(100):
                raise ValueError(f"bad {item}")
        return [2 * item for item in items]


class Callers:
    """Threads that each infer one item."""

    def __init__(self, batcher: Batcher) -> None:
        self.batcher = batcher
        self._pool = ThreadPoolExecutor(64)

    def call(self, item: object) -> Future[Answer]:
        """Has a thread of its own infer an item; returns when it waits, or when the network has it."""
        before = self._seen()
        future = self._pool.submit(self.batcher.infer, item)
        eventually(lambda: self._seen() > before)
        return future

    def _seen(self) -> int:
        network = self.batcher._infer.__self__
        return sum(map(len, network.batches)) + len(self.batcher._waiting)


@pytest.fixture
def network() -> Network:
    return Network()


def answers(futures: Sequence[Future[Answer]]) -> list[int]:
    return [future.result(20).output for future in futures]


def test_what_arrives_at_an_idle_model_runs_at_once_in_its_callers_own_thread():
    batcher = Batcher(
        lambda items: [threading.get_ident() for _ in items], max_batch=8, max_wait=LONG
    )
    answer = batcher.infer("item")
    assert (answer.output, answer.batch) == (threading.get_ident(), 1)
    assert answer.waited < LONG.total_seconds()


def test_what_arrives_while_a_batch_runs_makes_the_next_one(network: Network):
    callers = Callers(Batcher(network.infer, max_batch=3))
    futures = [callers.call(number) for number in range(6)]
    network.may_run.set()
    assert answers(futures) == [0, 2, 4, 6, 8, 10]
    assert network.batches == [[0], [1, 2, 3], [4, 5]]
    assert [future.result().batch for future in futures] == [1, 3, 3, 3, 2, 2]
    assert network.most_at_once == 1


def test_runs_at_once_are_as_many_as_there_are_lanes(network: Network):
    callers = Callers(Batcher(network.infer, lanes=2))
    futures = [callers.call(number) for number in range(5)]
    assert network.batches == [[0], [1]]
    network.may_run.set()
    assert answers(futures) == [0, 2, 4, 6, 8]
    assert network.most_at_once == 2


def test_one_bad_input_fails_alone(network: Network):
    callers = Callers(Batcher(network.infer, max_batch=8))
    futures = [callers.call(item) for item in (0, 1, "apple", 3, "pear")]
    network.may_run.set()
    assert answers([futures[0], futures[1], futures[3]]) == [0, 2, 6]
    for future, name in ((futures[2], "apple"), (futures[4], "pear")):
        with pytest.raises(ValueError, match=f"^bad {name}$"):
            future.result(20)
    assert network.batches == [[0], [1, "apple", 3, "pear"], [1], ["apple"], [3], ["pear"]]
    assert answers([callers.call(9)]) == [18], "and the model goes on"


def test_a_model_that_loses_an_output_is_told_so():
    batcher = Batcher(lambda items: items[:-1])
    with pytest.raises(ModelFailed, match="0 outputs for 1 inputs"):
        batcher.infer("item")


def test_outputs_lost_by_batches_only_are_made_one_by_one(network: Network):
    def lossy(items: Sequence[int]) -> list[int]:
        outputs = network.infer(items)
        return outputs[:1]

    network_batcher = Batcher(network.infer, max_batch=4)
    callers = Callers(network_batcher)
    first = callers.call(0)
    futures = [callers.call(number) for number in (1, 2, 3)]
    network_batcher._infer = lossy
    network.may_run.set()
    assert answers([first, *futures]) == [0, 2, 4, 6]


def test_an_idle_model_waits_for_what_is_on_its_way_and_no_longer(network: Network):
    batcher = Batcher(network.infer, max_batch=8, max_wait=LONG)
    network.may_run.set()
    announced, may_come, may_give_up = (threading.Barrier(3), threading.Event(), threading.Event())

    def comes() -> Answer:
        with batcher.expecting():
            announced.wait(20)
            may_come.wait(20)
            return batcher.infer(2)

    def gives_up() -> None:
        with batcher.expecting():
            announced.wait(20)
            may_give_up.wait(20)

    with ThreadPoolExecutor() as pool:
        second, nobody = pool.submit(comes), pool.submit(gives_up)
        announced.wait(20)
        first = pool.submit(batcher.infer, 1)
        eventually(lambda: batcher._gathering)
        may_come.set()
        eventually(lambda: len(batcher._waiting) == 1)
        assert not network.batches, "one is still on its way"
        may_give_up.set()
        assert (first.result(20).output, second.result(20).output) == (2, 4)
        nobody.result(20)
    assert network.batches == [[1, 2]]


def test_an_idle_model_does_not_wait_once_its_batch_is_full(network: Network):
    batcher = Batcher(network.infer, max_batch=2, max_wait=LONG)
    network.may_run.set()
    with ThreadPoolExecutor() as pool, batcher.expecting():
        first = pool.submit(batcher.infer, 1)
        eventually(lambda: batcher._gathering)
        assert pool.submit(batcher.infer, 2).result(20).batch == 2
        assert first.result(20).batch == 2


def test_who_waits_for_others_is_not_at_work(network: Network):
    batcher = Batcher(network.infer, max_batch=8)
    watches = [Stopwatch() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(batcher.infer, 0, watches[0])]
        eventually(lambda: network.batches)
        for item, watch in (("bad", watches[1]), (2, watches[2])):
            futures.append(pool.submit(batcher.infer, item, watch))
        eventually(lambda: len(batcher._waiting) == 2)
        assert [watch._since is None for watch in watches] == [False, True, True]
        network.may_run.set()
        for future in futures:
            future.exception(20)
    assert [watch._since is None for watch in watches] == [False, False, False]


def test_a_thread_that_is_told_to_end_leaves_its_neighbours_at_work(network: Network):
    def ends(items: Sequence[int]) -> list[int]:
        if len(items) > 1:
            raise SystemExit
        return network.infer(items)

    batcher = Batcher(network.infer, max_batch=8)
    callers = Callers(batcher)
    first, leader, third = (callers.call(number) for number in range(3))
    batcher._infer = ends
    network.may_run.set()
    assert answers([first, third]) == [0, 4]
    with pytest.raises(SystemExit):
        leader.result(20)


class Poison(Exception):
    """What an item makes of the batch that it is in; it names the item."""


def digest(item: int) -> str:
    return hashlib.sha256(str(item).encode()).hexdigest()


def poisoned(fate: Callable[[int], str]) -> Callable[[Sequence[int]], list[str]]:
    """A model whose answer proves its input. Fate `raise` fails each batch with it; `lose` drops outputs of more than one."""

    def infer(items: Sequence[int]) -> list[str]:
        for item in items:
            if fate(item) == "raise":
                raise Poison(item)
        outputs = [digest(item) for item in items]
        return outputs[1:] if len(items) > 1 and any(fate(i) == "lose" for i in items) else outputs

    return infer


@given(
    fates=st.lists(st.sampled_from(["fine", "fine", "raise", "lose"]), min_size=1, max_size=60),
    max_batch=st.integers(1, 9),
    lanes=st.integers(1, 3),
    callers=st.integers(1, 12),
    max_wait=st.sampled_from([timedelta(0), timedelta(milliseconds=1)]),
)
def test_results_and_errors_always_reach_their_own_caller(
    fates: list[str], max_batch: int, lanes: int, callers: int, max_wait: timedelta
):
    sizes: list[int] = []
    model = poisoned(lambda item: fates[item])

    def infer(items: Sequence[int]) -> list[str]:
        sizes.append(len(items))
        return model(items)

    batcher = Batcher(infer, max_batch=max_batch, max_wait=max_wait, lanes=lanes)

    def predict(item: int) -> str:
        with batcher.expecting():
            return batcher.infer(item).output

    with ThreadPoolExecutor(callers) as pool:
        futures = [pool.submit(predict, item) for item in range(len(fates))]
    for item, (fate, future) in enumerate(zip(fates, futures, strict=True)):
        if fate == "raise":
            with pytest.raises(Poison) as caught:
                future.result()
            assert caught.value.args == (item,)
        else:
            assert future.result() == digest(item)
    assert max(sizes) <= max_batch
    assert not batcher._running
    assert not batcher._waiting
    assert not batcher._expected
