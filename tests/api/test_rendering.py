"""Who gets a picture drawn when many ask at once, and who does not wait for that."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import httpx2
import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.requests import Request
from starlette.testclient import TestClient

from inferq.api.app import create_app
from inferq.api.rendering import Renders
from inferq.errors import RenderingBusy
from inferq.settings import Settings
from inferq.worker.pipeline import Pipeline
from people import Person
from photos import encoded, pixels

URL = "/api/v1/predictions"
MANY = 50
PATIENCE = 20


def request(gone: Awaitable[object] | None = None) -> Request:
    """A request whose client goes away when `gone` is done, or never."""

    async def receive() -> dict:
        await (gone or asyncio.Event().wait())
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "GET", "headers": []}, receive)


def eventually(check: Callable[[], bool]) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < deadline, f"not so after {PATIENCE} s"
        time.sleep(0.005)


def test_what_would_wait_too_long_is_refused_and_the_rest_is_drawn():
    async def scenario() -> None:
        renders, done = Renders(at_once=2, waiting=3), threading.Event()

        def make() -> bytes:
            assert done.wait(PATIENCE)
            return b"picture"

        waiting = [asyncio.create_task(renders.run(request(), make)) for _ in range(5)]
        await asyncio.to_thread(eventually, lambda: renders.pending == 5)
        with pytest.raises(RenderingBusy) as caught:
            await renders.run(request(), make)
        assert caught.value.retry_after
        done.set()
        assert await asyncio.gather(*waiting) == [b"picture"] * 5
        assert renders.pending == 0
        assert await renders.run(request(), make) == b"picture"

    asyncio.run(scenario())


def test_nothing_is_drawn_for_a_client_that_went_away_while_it_waited():
    async def scenario() -> None:
        renders, done, gone = Renders(at_once=1), threading.Event(), asyncio.Event()
        made: list[str] = []

        def make(name: str) -> bytes:
            assert done.wait(PATIENCE)
            made.append(name)
            return name.encode()

        first = asyncio.create_task(renders.run(request(), lambda: make("first")))
        await asyncio.to_thread(eventually, lambda: renders.pending == 1)
        left = asyncio.create_task(renders.run(request(gone.wait()), lambda: make("left")))
        await asyncio.to_thread(eventually, lambda: renders.pending == 2)
        gone.set()
        assert await left is None
        assert renders.pending == 1
        done.set()
        assert await first == b"first"
        assert made == ["first"]

    asyncio.run(scenario())


def test_when_the_first_of_many_leaves_the_next_makes_the_picture():
    async def scenario() -> None:
        renders, gone, shelf = Renders(at_once=1), asyncio.Event(), dict[str, bytes]()
        blocked, done = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def block() -> bytes:
            loop.call_soon_threadsafe(blocked.set)
            assert done.wait(PATIENCE)
            return b""

        def make() -> bytes:
            return shelf.setdefault("cat", b"cat")

        def once(asking: Request) -> asyncio.Task:
            find = lambda: shelf.get("cat")  # noqa: E731
            return asyncio.create_task(renders.once(asking, "cat", find=find, make=make))

        other = asyncio.create_task(renders.run(request(), block))
        await blocked.wait()
        leader = once(request(gone.wait()))
        await asyncio.to_thread(eventually, lambda: renders.pending == 2)
        followers = [once(request()) for _ in range(3)]
        gone.set()
        assert await leader is None
        done.set()
        assert await asyncio.gather(*followers) == [b"cat"] * 3
        await other

    asyncio.run(scenario())


@pytest.fixture
def large(settings: Settings, api: TestClient, pipeline: Pipeline) -> str:
    """The path of a finished prediction on a photograph of 3.8 megapixels."""
    image = Image.fromarray(pixels("chelsea")).resize((2400, 1600))
    files = {"image": ("large.jpg", encoded(image, "JPEG", quality=90))}
    task_id = api.post(URL, files=files).json()["task_id"]
    pipeline.run(task_id)
    return f"{URL}/{task_id}"


def test_a_submit_is_accepted_while_fifty_pictures_are_drawn(api: TestClient, large, photo):
    renders: Renders = api.app.state.services.renders
    with ThreadPoolExecutor(MANY + 1) as callers:
        drawings = [
            callers.submit(api.get, f"{large}/annotated", params={"score_threshold": n / 100})
            for n in range(MANY)
        ]
        eventually(lambda: renders.pending > MANY * 0.8)
        submit = callers.submit(api.post, URL, files={"image": photo["coffee"]})
        finished_before = 0
        for answered in as_completed([submit, *drawings]):
            if answered is submit:
                break
            finished_before += 1
        statuses = [drawing.result().status_code for drawing in drawings]
    assert submit.result().status_code == 202
    assert statuses == [200] * MANY
    assert finished_before < MANY / 2, "the submit overtook most of the drawings before it"


def test_a_preview_that_many_ask_for_at_once_is_made_once(api: TestClient, large, monkeypatch):
    made = []

    def counting(data: bytes, max_side: int) -> bytes:
        made.append(max_side)
        return real(data, max_side)

    drawing = api.app.state.services.drawing
    real = drawing.preview
    monkeypatch.setattr(drawing, "preview", counting)
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(api.get, [f"{large}/preview"] * 20))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert made == [1280]


def test_a_full_queue_is_a_problem_that_says_when_to_come_again(api: TestClient, large):
    services = api.app.state.services
    api.app.state.services = replace(services, renders=Renders(at_once=1, waiting=-1))
    for path in ("annotated", "preview"):
        answer = api.get(f"{large}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (503, "rendering_busy")
        assert answer.headers["Retry-After"] == "5"
    assert api.get(f"{large}/image").status_code == 200


class Server:
    """The application on a real port of this machine."""

    def __init__(self, settings: Settings, headers: dict[str, str]) -> None:
        self.headers = headers
        self.app = create_app(settings)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_config=None))
        self._thread = threading.Thread(target=self._server.run, args=([self._listening],))
        self._thread.start()

    @property
    def renders(self) -> Renders:
        return self.app.state.services.renders

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._listening.close()


@pytest.fixture
def server(settings: Settings, register, ann: Person) -> Iterator[Server]:
    here = settings.model_copy(update={"allowed_hosts": ("127.0.0.1",)})
    server = Server(here, ann.headers)
    yield server
    server.stop()


def accepted(server: Server, data: bytes) -> str:
    """The task id of a prediction on a picture."""
    files = {"image": ("a.jpg", data)}
    answer = httpx2.post(f"{server.url}{URL}", files=files, headers=server.headers)
    return answer.json()["task_id"]


def test_a_client_that_hangs_up_in_the_queue_costs_no_drawing(server: Server, photo):
    task_id = accepted(server, photo["chelsea"])
    server.app.state.services = replace(server.app.state.services, renders=Renders(at_once=1))
    busy, done = threading.Event(), threading.Event()

    def occupy(data: bytes, max_side: int) -> bytes:
        busy.set()
        assert done.wait(PATIENCE)
        return b"drawn"

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as other:
        patch.setattr(server.app.state.services.drawing, "preview", occupy)
        path = f"{URL}/{task_id}/preview?max_side="
        holding = other.submit(httpx2.get, f"{server.url}{path}320", headers=server.headers)
        assert busy.wait(PATIENCE)
        with socket.create_connection(("127.0.0.1", server.port)) as leaving:
            head = {"Host": "127.0.0.1"} | server.headers
            lines = [
                f"GET {path}1280 HTTP/1.1",
                *(f"{name}: {text}" for name, text in head.items()),
            ]
            leaving.sendall("\r\n".join([*lines, "", ""]).encode())
            eventually(lambda: server.renders.pending == 2)
        eventually(lambda: server.renders.pending == 1)
        done.set()
        assert holding.result().content == b"drawn"
    (made,) = storage_folder(server).rglob("preview-*")
    assert made.name.startswith("preview-320-")


def storage_folder(server: Server) -> Path:
    return server.app.state.services.settings.data_dir / "storage"


def test_a_picture_that_breaks_off_in_storage_breaks_off_for_the_client_too(server: Server):
    noise = np.random.default_rng(5).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "PNG")
    assert len(data) > 1.2 * 2**20
    task_id = accepted(server, data)
    (blob,) = storage_folder(server).rglob(task_id)
    os.truncate(blob, 2**20 + 1000)
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{server.url}{URL}/{task_id}/image", headers=server.headers)
    os.truncate(blob, 0)
    answer = httpx2.get(f"{server.url}{URL}/{task_id}/image", headers=server.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
