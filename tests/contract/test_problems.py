"""Every error that the API can answer with, reached by a real request; and the pages that tell of them."""

import errno
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import httpx2 as httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image
from pydantic import SecretStr
from starlette.testclient import TestClient

from inferq.api import bodies
from inferq.api.app import create_app
from inferq.api.rendering import Renders
from inferq.errors import InferqError, error_class, error_classes
from inferq.models.register import ModelRegister
from inferq.settings import Settings
from inferq.state import connect
from inferq.storage import Storage
from inferq.storage.local import LocalFiles
from inferq.worker.pipeline import Pipeline
from people import Person
from photos import encoded, pixels

ROOT = Path(__file__).parents[2]
LOCALES = ROOT / "web/src/lib/i18n/locales"
URL = "/api/v1/predictions"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACED = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
WAIT_STATUS = {429, 503, 507}

NEVER_ANSWERED = {
    "head_too_large": "answered by the connection, before there is a request: tests/api/test_connections.py",
    "server_unreachable": "the client's word for no answer",
    "canceled": "raised by the client alone",
    "out_of_memory": "only a failed prediction carries it",
    "input_missing": "only a failed prediction carries it",
    "model_failed": "only a failed prediction carries it",
    "attempts_exhausted": "only a failed prediction carries it",
    "attempt_timeout": "only a failed prediction carries it",
    "queue_timeout": "only a failed prediction carries it",
    "setup_error": "a command ends with it, before there is a server",
    "wrong_weights": "a worker or command ends with it",
}


@dataclass
class Site:
    """The application under any settings, and what a test needs around it."""

    settings: Settings
    pipeline: Pipeline
    storage: Storage
    photo: bytes
    ann: Person
    patch: pytest.MonkeyPatch
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, **changes: object) -> TestClient:
        app = create_app(self.settings.model_copy(update=changes))
        client = TestClient(app, raise_server_exceptions=False, headers=TRACED | self.ann.headers)
        return self.stack.enter_context(client)

    def submit(self, client: TestClient, data: bytes | None = None, **fields: str):
        files = {"image": ("cat.jpg", self.photo if data is None else data)}
        return client.post(URL, files=files, data=fields)

    def queued(self, client: TestClient, data: bytes | None = None) -> str:
        return self.submit(client, data).headers["Location"]

    def finished(self, client: TestClient) -> str:
        path = self.queued(client)
        self.pipeline.run(path.rpartition("/")[2])
        return path


@pytest.fixture
def site(
    settings: Settings, register: ModelRegister, pipeline: Pipeline, storage: Storage,
    photo: dict[str, bytes], ann: Person, monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:  # fmt: skip
    site = Site(settings, pipeline, storage, photo["chelsea"], ann, monkeypatch)
    with site.stack:
        yield site


Reach = Callable[[Site], httpx.Response]
R = TypeVar("R", bound=Reach)
REACHED: dict[str, Reach] = {}


def reaches(code: str) -> Callable[[R], R]:
    """Notes that a function's request is answered with a code."""

    def note(reach: R) -> R:
        assert code not in REACHED
        REACHED[code] = reach
        return reach

    return note


@reaches("malformed_request")
def a_multipart_body_without_its_boundary(site: Site):
    headers = {"Content-Type": "multipart/form-data"}
    return site.start().post(URL, content=b"nonsense", headers=headers)


@reaches("host_not_allowed")
def a_foreign_host(site: Site):
    return site.start().get("/api/v1/models", headers={"Host": "evil.example"})


@reaches("cross_origin")
def a_foreign_page(site: Site):
    return site.start().post(f"{URL}/x/cancel", headers={"Origin": "https://evil.example"})


@reaches("unauthenticated")
def a_request_of_nobody(site: Site):
    return site.start().get(URL, headers={"Authorization": ""})


@reaches("insufficient_scope")
def a_look_at_what_belongs_to_another(site: Site):
    return site.start().get(URL, params={"owner": "bob"})


@reaches("rate_limited")
def one_submit_too_many(site: Site):
    api = site.start(submit_limit="1/minute")
    site.queued(api)
    return site.submit(api)


@reaches("not_found")
def an_unknown_task_id(site: Site):
    return site.start().get(f"{URL}/nonesuch")


@reaches("method_not_allowed")
def a_wrong_method(site: Site):
    return site.start().put(URL)


@reaches("already_finished")
def a_late_cancel(site: Site):
    api = site.start()
    return api.post(f"{site.finished(api)}/cancel")


@reaches("not_finished")
def an_early_picture(site: Site):
    api = site.start()
    return api.get(f"{site.queued(api)}/annotated")


@reaches("upload_too_large")
def a_large_upload(site: Site):
    return site.submit(site.start(max_upload_bytes=1000))


@reaches("request_too_slow")
def a_body_that_trickles(site: Site):
    site.patch.setattr(bodies, "PATIENCE_SECONDS", -1.0)
    return site.start().post(URL, content=b"x", headers={"Content-Type": "image/png"})


@reaches("range_not_satisfiable")
def a_part_beyond_the_end(site: Site):
    api = site.start()
    return api.get(f"{site.queued(api)}/image", headers={"Range": "bytes=99999999-"})


@reaches("not_an_image")
def a_text(site: Site):
    return site.submit(site.start(), b"hello, I am no picture at all")


@reaches("unsupported_format")
def a_pdf(site: Site):
    return site.submit(site.start(), b"%PDF-1.7 and so on")


@reaches("empty_upload")
def nothing(site: Site):
    return site.submit(site.start(), b"")


@reaches("image_truncated")
def half_a_picture(site: Site):
    return site.submit(site.start(), site.photo[: len(site.photo) // 2])


@reaches("too_many_pixels")
def a_wide_picture(site: Site):
    return site.submit(site.start(max_pixels=1000))


@reaches("input_gone")
def a_rerun_without_its_input(site: Site):
    api = site.start()
    path = site.finished(api)
    record = api.app.state.services.store.get(path.rpartition("/")[2])
    site.storage.delete_all(record.input_key)
    return api.post(f"{path}/rerun")


@reaches("receiver_gone")
def a_receiver_that_wanted_no_more(site: Site):
    api, url = site.start(), "https://receiver.example/"
    task_id = site.submit(api, callback_url=url).json()["task_id"]
    site.pipeline.run(task_id)
    deliveries = api.app.state.services.deliveries
    deliveries._client.zadd(f"inferq:webhook-disabled:{site.ann.owner}", {url: 1})
    return api.post(f"/api/v1/webhooks/deliveries/{task_id}/redeliver")


@reaches("invalid_parameter")
def a_score_above_one(site: Site):
    return site.submit(site.start(), score_threshold="7")


@reaches("invalid_input")
def json_that_the_model_does_not_take(site: Site):
    api = site.start()
    register = api.app.state.services.register
    card = register.find(None, None).model_copy(
        update={"name": "sums", "input_kind": "json", "input_schema": {"type": "array"}}
    )
    register.register("worker-2", slots=1, free=0, cards=[card])
    return api.post(URL, params={"model": "sums"}, json={"no": "array"})


@reaches("unknown_model")
def a_model_that_nobody_serves(site: Site):
    return site.submit(site.start(), model="resnet")


@reaches("idempotency_key_reused")
def one_key_for_two_inputs(site: Site):
    api, headers = site.start(), {"Idempotency-Key": "order-1"}
    assert api.post(URL, files={"image": site.photo}, headers=headers).status_code == 202
    other = encoded(Image.fromarray(pixels("coffee")), "JPEG")
    return api.post(URL, files={"image": other}, headers=headers)


@reaches("too_many_in_flight")
def more_than_one_may_have(site: Site):
    api = site.start(max_in_flight=1)
    site.queued(api)
    return site.submit(api)


@reaches("queue_full")
def more_than_may_wait(site: Site):
    api = site.start(max_queued=1)
    site.queued(api)
    return site.submit(api)


@reaches("rendering_busy")
def a_picture_too_many(site: Site):
    api = site.start()
    path = site.finished(api)
    api.app.state.services = replace(api.app.state.services, renders=Renders(at_once=1, waiting=-1))
    return api.get(f"{path}/preview")


@reaches("storage_unavailable")
def no_storage(site: Site):
    def away(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    site.patch.setattr(LocalFiles, "pipe_file", away)
    return site.submit(site.start())


@reaches("state_unavailable")
def no_state_store(site: Site):
    return site.submit(site.start(redis_url=SecretStr("redis://127.0.0.1:1/0")))


@reaches("record_too_new")
def a_prediction_of_a_newer_version(site: Site):
    api = site.start()
    path = site.queued(api)
    with connect(site.settings.state_url()) as client:
        client.hset(f"inferq:prediction:{path.rpartition('/')[2]}", "schema", 1000)
    return api.get(path)


@reaches("issuer_unavailable")
def no_issuer(site: Site):
    api = site.start(oidc_issuer="http://127.0.0.1:1", oidc_audience="inferq")
    token = jwt.encode({}, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")
    return api.get(URL, headers={"Authorization": f"Bearer {token}"})


@reaches("disk_full")
def no_room(site: Site):
    return site.submit(site.start(min_free_disk_bytes=2**60))


@reaches("image_damaged")
def a_picture_of_noise(site: Site):
    damaged = bytearray(encoded(Image.fromarray(pixels("chelsea")), "PNG"))
    start = damaged.index(b"IDAT") + 4
    damaged[start : start + 400] = b"\xff" * 400
    api = site.start()
    return api.get(f"{site.queued(api, bytes(damaged))}/preview")


@reaches("input_damaged")
def a_picture_that_the_storage_has_damaged(site: Site):
    api = site.start()
    path = site.queued(api)
    (blob,) = (site.settings.data_dir / "storage").rglob(path.rpartition("/")[2])
    blob.write_bytes(site.photo[:-1] + b"?")
    return api.get(f"{path}/image")


@reaches("internal_error")
def a_fault_of_ours(site: Site):
    def broken(_: ModelRegister) -> None:
        raise ZeroDivisionError("the secret reason")

    site.patch.setattr(ModelRegister, "cards", broken)
    answer = site.start().get("/api/v1/models")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    return answer


@pytest.mark.parametrize("code", REACHED)
def test_a_request_is_answered_with_this_problem(site: Site, code: str):
    answer, cls = REACHED[code](site), error_class(code)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (cls.status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == cls.status
    assert problem["type"] == f"/api/problems/{code}"
    assert problem["title"] == cls.title
    assert problem["detail"].endswith(".")
    assert problem["trace_id"] == answer.headers["X-Request-ID"] == TRACE_ID
    assert problem["retryable"] is cls.retryable
    if cls.status in WAIT_STATUS:
        assert int(answer.headers["Retry-After"]) >= 1
    assert bool(problem["errors"]) == (code in {"invalid_parameter", "invalid_input"})


def test_every_error_is_reached_or_has_a_reason_why_it_never_leaves():
    codes = [cls.code for cls in error_classes()]
    assert len(codes) == len(set(codes)), "no two errors share a code"
    assert sorted(codes) == sorted([*REACHED, *NEVER_ANSWERED])


@pytest.mark.parametrize("cls", list(error_classes()), ids=lambda cls: cls.code)
def test_every_problem_type_has_a_page_for_programs_and_for_people(
    api: TestClient, cls: type[InferqError]
):
    path = f"/api/problems/{cls.code}"
    meaning, remedy = cls.explained()
    assert meaning
    assert remedy
    assert api.get(path).json() == {
        "code": cls.code,
        "title": cls.title,
        "status": cls.status,
        "retryable": cls.retryable,
        "description": meaning,
        "remedy": remedy,
    }
    page = api.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert cls.code in page.text
    assert "style" not in page.text


def test_the_page_of_all_problems_is_current():
    done = subprocess.run(
        [sys.executable, ROOT / "tools/problems_page.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ROOT / "docs/problems.md").read_text() == done.stdout, "run `make gen`"


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_page_has_words_for_every_problem_in_each_language(language: str):
    texts = json.loads((LOCALES / f"errors.{language}.json").read_text())
    codes = {cls.code for cls in error_classes()}
    assert codes <= texts.keys()
    # What the page itself finds, before or between answers of the server.
    assert texts.keys() - codes == {"unexpected_answer"}
