"""Lists of predictions: filters, pages that stay stable, batches."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferq.predictions import lists
from inferq.predictions.lists import Filter, Position, PredictionLists
from inferq.predictions.record import ModelReference, State
from inferq.predictions.store import PredictionStore
from predictions.drafts import HOUR, accept, start, succeed

OTHER = ModelReference(name="other", version="2")
WANTED = {
    "succeeded": Filter(states=frozenset({State.SUCCEEDED})),
    "unfinished": Filter(states=frozenset({State.QUEUED, State.RUNNING})),
    "canceled or running": Filter(states=frozenset({State.CANCELED, State.RUNNING})),
    "a model": Filter(models=frozenset({str(OTHER)})),
    "cats or dogs": Filter(labels=frozenset({"cat", "dog"})),
    "a batch": Filter(batches=frozenset({"b"})),
    "dogs of a batch": Filter(labels=frozenset({"dog"}), batches=frozenset({"b", "c"})),
    "nothing": Filter(labels=frozenset({"unicorn"})),
    "everything": Filter(),
}


@pytest.fixture
def predictions(state) -> PredictionLists:
    return PredictionLists(state)


@pytest.fixture
def crowd(store: PredictionStore) -> list[str]:
    """Thirty predictions of ann's in all states, of two models, in batches, with and without labels; oldest first."""
    chance = random.Random(1)  # noqa: S311 - reproducible, not secret
    ids = []
    for number in range(30):
        task_id = accept(
            store,
            batch=chance.choice((None, "b", "c")),
            **({"model": OTHER} if number % 3 == 0 else {}),
        )
        ids.append(task_id)
        fate = number % 5
        if fate in (0, 1):
            succeed(store, task_id, chance.choice((["cat"], ["dog", "cat"], [])))
        elif fate == 2:
            start(store, task_id)
        elif fate == 3:
            store.cancel(task_id, retention=HOUR)
        accept(store, owner="bob", batch="b")
    return ids


def expected(store: PredictionStore, ids: list[str], wanted: Filter) -> list[str]:
    """What a filter has to find, newest first."""

    def fits(record) -> bool:
        prediction = record.prediction
        found = {d.label for d in prediction.result.detections} if prediction.result else set()
        return (
            (not wanted.states or prediction.state in wanted.states)
            and (not wanted.models or str(prediction.model) in wanted.models)
            and (not wanted.batches or prediction.batch in wanted.batches)
            and (not wanted.labels or bool(found & wanted.labels))
        )

    return [record.task_id for record in reversed(store.get_many(ids)) if fits(record)]


def pages(predictions: PredictionLists, wanted: Filter, limit: int) -> list[list[str]]:
    """All pages, as a client turns them."""
    found, position = [], None
    while True:
        page = predictions.page("ann", wanted, limit=limit, after=position)
        found.append([record.task_id for record in page.records])
        if page.next is None:
            return found
        position = Position.parse(page.next.encode())


def flat(found: list[list[str]]) -> list[str]:
    """All ids of all pages."""
    return [task_id for page in found for task_id in page]


@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
@pytest.mark.parametrize("limit", [1, 4, 50])
def test_filters_find_what_they_say_in_pages_of_any_size(
    store: PredictionStore,
    predictions: PredictionLists,
    crowd: list[str],
    wanted: Filter,
    limit: int,
):
    found = pages(predictions, wanted, limit)
    assert flat(found) == expected(store, crowd, wanted)
    assert all(len(page) == limit for page in found[:-1])
    assert [record.task_id for record in predictions.every("ann", wanted)] == expected(
        store, crowd, wanted
    )


def test_times_limit_a_list(store: PredictionStore, predictions: PredictionLists, crowd: list[str]):
    moments = [record.prediction.created_at for record in store.get_many(crowd)]
    wanted = Filter(created_after=moments[9], created_before=moments[20])
    assert flat(pages(predictions, wanted, 4)) == crowd[10:20][::-1]
    future = Filter(created_after=datetime.now(UTC) + timedelta(hours=1))
    assert pages(predictions, future, 4) == [[]]


def test_what_comes_and_goes_between_pages_moves_none_of_the_others(
    store: PredictionStore, predictions: PredictionLists, crowd: list[str]
):
    first = predictions.page("ann", Filter(), limit=10)
    seen = [record.task_id for record in first.records]
    for task_id in (*seen[3:6], crowd[5], seen[-1]):
        store.delete(task_id)
    accept(store)
    second = predictions.page("ann", Filter(), limit=30, after=first.next)
    assert [record.task_id for record in second.records] == [
        task_id for task_id in crowd[19::-1] if task_id != crowd[5]
    ]


def test_predictions_accepted_at_the_same_moment_are_all_listed_once(
    store: PredictionStore, predictions: PredictionLists, state
):
    ids = {accept(store) for _ in range(9)}
    for task_id in ids:
        state.zadd("inferq:owned:ann", {task_id: 1_700_000_000_000_000})
    found = flat(pages(predictions, Filter(), 2))
    assert len(found) == 9
    assert set(found) == ids


def test_a_page_that_would_cost_too_much_is_short_and_says_where_to_go_on(
    store: PredictionStore, predictions: PredictionLists, crowd: list[str], monkeypatch
):
    monkeypatch.setattr(lists, "MOST_EXAMINED", 5)
    wanted = Filter(states=frozenset({State.RUNNING}))
    found = pages(predictions, wanted, 4)
    assert any(len(page) < 4 for page in found[:-1])
    assert flat(found) == expected(store, crowd, wanted)


def test_a_batch_counts_its_own_and_names_what_is_unfinished(
    store: PredictionStore, predictions: PredictionLists
):
    ids = [accept(store, batch="b") for _ in range(4)]
    accept(store, batch="b", owner="bob")
    succeed(store, ids[0])
    running = start(store, ids[1])
    store.cancel(ids[2], retention=HOUR)
    assert predictions.tally("ann", "b") == {
        State.SUCCEEDED: 1, State.RUNNING: 1, State.CANCELED: 1, State.QUEUED: 1,
    }  # fmt: skip
    assert set(predictions.unfinished_of("ann", "b")) == {ids[1], ids[3]}
    store.release(running)
    assert predictions.tally("ann", "b")[State.QUEUED] == 2
    for task_id in ids:
        store.delete(task_id)
    assert predictions.tally("ann", "b") == {}


def test_deletion_leaves_nothing_of_a_prediction_in_any_index(store: PredictionStore, state):
    task_id = accept(store, batch="b", idempotency_key="k")
    succeed(store, task_id, ["cat", "dog"])
    store.delete(task_id)
    left = {key for key in state.scan_iter("inferq:*") if not key.startswith("inferq:drain:")}
    assert left == {"inferq:events", "inferq:garbage", "inferq:sequence"}


@settings(max_examples=50)
@given(created=st.integers(0, 2**53), task_id=st.text("0123456789abcdef", min_size=1, max_size=32))
def test_a_cursor_is_read_as_it_was_written(created: int, task_id: str):
    assert Position.parse(Position(created, task_id).encode()) == (created, task_id)


@pytest.mark.parametrize("text", ["", "x", "%%%", "bm9uZQ", "MTI"])
def test_what_is_no_cursor_is_refused(text: str):
    with pytest.raises(ValueError, match=r".+"):
        Position.parse(text)
