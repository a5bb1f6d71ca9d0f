"""Both clients against a real `inferq up`: lists, events, reruns and maps as a user has them."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from zipfile import ZipFile

import pytest

from inferq import AsyncClient, Client
from inferq.errors import InvalidParameter, NotAnImage, NotFound
from system.served import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("clients") / "data")
    try:
        yield server.ready()
    finally:
        server.stop()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.client() as client:
        yield client


def test_a_map_hands_over_results_and_failures(client: Client, photo_files: dict[str, Path]):
    paths = [*photo_files.values()] * 5
    sources = [*paths, b"no picture", *paths]
    outcomes = list(client.map(sources, errors="yield", batch="mapped"))
    assert [outcome.source for outcome in outcomes] == sources
    names = [outcome.prediction.input.filename for outcome in outcomes if outcome.prediction]
    assert names == [path.name for path in paths * 2]
    assert isinstance(outcomes[len(paths)].error, NotAnImage)


def test_lists_go_over_pages_and_take_filters(client: Client, photo: dict[str, bytes]):
    cats = [client.predict(photo["chelsea"], batch="listed").task_id for _ in range(3)]
    cup = client.predict(photo["coffee"], batch="listed").task_id
    listed = [prediction.task_id for prediction in client.list(batch="listed")]
    assert listed == [cup, *reversed(cats)]
    assert [p.task_id for p in client.list(batch="listed", label="cup")] == [cup]
    assert [p.task_id for p in client.list(batch="listed", limit=2)] == listed[:2]
    client.delete(cup)
    assert cup not in [prediction.task_id for prediction in client.list(batch="listed")]
    with pytest.raises(NotFound):
        client.get(cup)


def test_batches_are_counted_canceled_and_deleted(client: Client, photo: dict[str, bytes]):
    label = "2026/summer & more"
    done = client.predict(photo["chelsea"], batch=label).task_id
    client.predict(photo["coffee"], batch=label)
    assert client.batch(label).counts["succeeded"] == 2
    assert client.cancel_batch(label).total == 2
    with pytest.raises(InvalidParameter):
        client.delete_many()
    assert client.delete_many([done, "nonesuch"]) == 1
    assert client.delete_many(batch=label, state="succeeded") == 1
    with pytest.raises(NotFound):
        client.batch(label)


def test_a_rerun_changes_what_it_is_told_to(client: Client, photo: dict[str, bytes]):
    first = client.predict(photo["chelsea"], score_threshold=0.9)
    again = client.rerun(first.task_id, score_threshold=0.05).result(20)
    assert again.rerun_of == first.task_id
    assert again.parameters["score_threshold"] == 0.05
    assert len(again.result.detections) >= len(first.result.detections)


def test_an_export_holds_what_the_filters_let_through(
    client: Client, photo: dict[str, bytes], tmp_path: Path
):
    client.predict(photo["chelsea"], batch="exported", filename="cat.jpg")
    client.predict(photo["coffee"], batch="exported")
    client.export(tmp_path / "set.json", "coco", batch="exported", label="cat")
    (image,) = json.loads((tmp_path / "set.json").read_text())["images"]
    assert image["file_name"].startswith("cat-")
    client.export(tmp_path / "set.zip", "yolo", batch="exported", images=True)
    with ZipFile(tmp_path / "set.zip") as archive:
        assert archive.testzip() is None
        assert sum(name.endswith(".jpg") for name in archive.namelist()) == 2


def test_events_tell_what_becomes_of_a_batch(client: Client, photo: dict[str, bytes]):
    events = client.events(batch="watched")
    assert next(events).kind == "snapshot"
    handle = client.submit(photo["chelsea"], batch="watched")
    kinds = []
    for event in events:
        if event.kind == "queue":
            continue
        assert [prediction.task_id for prediction in event.predictions] == [handle.task_id]
        kinds.append(event.kind)
        if kinds[-1] == "succeeded":
            break
    events.close()
    assert kinds[-1] == "succeeded"
    assert set(kinds) <= {"queued", "running", "succeeded"}


def test_the_asynchronous_client_does_the_same(served: Served, photo: dict[str, bytes]):
    async def scenario() -> None:
        async with AsyncClient(**served.access) as client:
            pictures = (photo["chelsea"] for _ in range(20))
            async with aclosing(client.map(pictures, ordered=False, batch="async")) as running:
                ids = {prediction.task_id async for prediction in running}
            assert len(ids) == 20
            assert {prediction.task_id async for prediction in client.list(batch="async")} == ids
            assert (await client.annotated(next(iter(ids)))).startswith(b"\xff\xd8")
            assert (await client.batch("async")).total == 20
            assert await client.delete_many(batch="async") == 20

    asyncio.run(scenario())
