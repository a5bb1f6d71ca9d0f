import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from inferq.worker.pipeline import Pipeline
from photos import encoded

URL = "/api/v1/predictions"
KINDS = ("image", "preview", "annotated")


def opened(response) -> Image.Image:
    return Image.open(io.BytesIO(response.content))


@pytest.fixture
def finished(api: TestClient, upload, pipeline: Pipeline) -> dict:
    """A cat, found."""
    task_id = api.post(URL, files=upload).json()["task_id"]
    pipeline.run(task_id)
    return api.get(f"{URL}/{task_id}").json()


def test_the_image_comes_back_byte_for_byte_and_cannot_run_anything(
    api: TestClient, photo, finished
):
    response = api.get(finished["links"]["image"])
    assert response.content == photo["chelsea"]
    assert response.headers["Content-Type"] == "image/jpeg"
    for name in KINDS:
        headers = api.get(finished["links"][name]).headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.jpg", "a\r\nSet-Cookie: x=1.jpg", 'q".jpg', "mèo.jpg"]
)
def test_a_file_name_cannot_leave_its_header_or_folder(api: TestClient, photo, name: str):
    files = {"image": (name, photo["chelsea"])}
    body = api.post(URL, files=files).json()
    assert "/" not in body["input"]["filename"]
    assert body["input"]["filename"].isprintable()
    disposition = api.get(body["links"]["image"]).headers["Content-Disposition"]
    assert disposition.startswith("inline; filename*=UTF-8''")
    assert disposition.isascii()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_client_that_has_the_picture_is_told_so_though_nothing_could_be_read(
    api: TestClient, finished, storage, store, kind: str, form: str
):
    first = api.get(finished["links"][kind])
    storage.delete_all(store.get(finished["task_id"]).input_key)
    known = {"If-None-Match": form.format(first.headers["ETag"])}
    again = api.get(finished["links"][kind], headers=known)
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Cache-Control"):
        assert again.headers[name] == first.headers[name]
    assert api.get(finished["links"][kind], headers={"If-None-Match": '"other"'}).is_error


def test_tags_follow_from_what_is_shown(api: TestClient, finished, upload, pipeline: Pipeline):
    path = finished["links"]["annotated"]
    queries = [{}, {"score_threshold": 0.6}, {"classes": "cat"}, {"classes": ["cat", "dog"]}]
    tags = [api.get(path, params=query).headers["ETag"] for query in queries]
    assert len(set(tags)) == len(tags)
    swapped = api.get(path, params={"classes": ["dog", "cat"]})
    assert swapped.headers["ETag"] == tags[-1]
    assert api.get(path).content == api.get(path).content, "one strong tag, the same bytes"
    previews = [
        api.get(finished["links"]["preview"], params={"max_side": side}).headers["ETag"]
        for side in (320, 1280)
    ]
    assert len(set(previews)) == 2
    assert api.get(finished["links"]["image"]).headers["ETag"] == f'"{finished["input"]["sha256"]}"'


def test_a_picture_may_be_kept_by_the_browser_alone_and_the_upload_needs_no_second_look(
    api: TestClient, finished
):
    for kind in KINDS:
        kept = api.get(finished["links"][kind]).headers["Cache-Control"]
        assert kept.startswith("private, max-age=")
        assert kept.endswith("immutable") == (kind == "image")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-99", 10, 100),
        ("bytes=500-", 500, None),
        ("bytes=0-", 0, None),
        ("bytes=-100", -100, None),
        ("bytes=-99999999", 0, None),
        ("bytes=5-99999999", 5, None),
        ("Bytes = 7 - 9", 7, 10),
    ],
)
def test_a_part_of_a_picture_can_be_asked_for(
    api: TestClient, finished, kind: str, asked: str, start: int, stop: int | None
):
    path = finished["links"][kind]
    whole = api.get(path)
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = api.get(path, headers={"Range": asked})
    assert (part.status_code, part.content) == (206, whole.content[start:stop])
    first, last, _ = slice(start, stop).indices(len(whole.content))
    assert part.headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole.content)}"
    assert int(part.headers["Content-Length"]) == len(part.content)
    assert part.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-9", "bytes=9-5", "bytes=-", "lines=1-2", "bytes=a-b", "bytes=1", "junk"]
)
def test_what_is_no_single_range_is_answered_whole(
    api: TestClient, finished, kind: str, asked: str
):
    whole = api.get(finished["links"][kind])
    answer = api.get(finished["links"][kind], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, whole.content)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_a_problem_that_tells_the_size(
    api: TestClient, finished, kind: str, asked: str
):
    size = len(api.get(finished["links"][kind]).content)
    answer = api.get(finished["links"][kind], headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_range_goes_on_only_with_the_same_picture(api: TestClient, finished, kind: str):
    path = finished["links"][kind]
    whole = api.get(path)
    for condition, status in (
        (whole.headers["ETag"], 206),
        ("W/" + whole.headers["ETag"], 200),
        ('"other"', 200),
        ("Wed, 25 Nov 2026 12:00:00 GMT", 200),
    ):
        answer = api.get(path, headers={"Range": "bytes=0-9", "If-Range": condition})
        assert answer.status_code == status, condition
    known = {"Range": "bytes=0-9", "If-None-Match": whole.headers["ETag"]}
    assert api.get(path, headers=known).status_code == 304


@pytest.mark.parametrize("kind", KINDS)
def test_head_answers_as_get_without_the_picture(api: TestClient, finished, kind: str):
    path = finished["links"][kind]
    head, get = api.head(path, headers={"Range": "bytes=0-9"}), api.get(path)
    assert (head.status_code, head.content) == (200, b"")
    differing = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in differing} == {
        k: v for k, v in get.headers.items() if k not in differing
    }
    known = {"If-None-Match": get.headers["ETag"]}
    assert api.head(path, headers=known).status_code == 304
    assert api.head(f"{URL}/nonesuch/{kind}").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_a_storage_that_is_away_is_said_so_before_anything_is_sent(
    api: TestClient, finished, settings, kind: str
):
    folder, elsewhere = settings.data_dir / "storage", settings.data_dir / "elsewhere"
    folder.rename(elsewhere)
    folder.write_text("in the way")
    answer = api.get(finished["links"][kind])
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    folder.unlink()
    # What is not mounted has no pictures either.
    answer = api.get(finished["links"][kind])
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    elsewhere.rename(folder)
    for blob in folder.glob("*/*/*/*/*"):
        blob.unlink()
    answer = api.get(finished["links"][kind])
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_preview_is_upright_small_and_without_metadata(api: TestClient):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "ACME camera 42"
    sideways = encoded(Image.new("RGB", (900, 600), "green"), "JPEG", exif=exif)
    body = api.post(URL, files={"image": ("s.jpg", sideways)}).json()
    assert (body["input"]["width"], body["input"]["height"]) == (600, 900)
    response = api.get(body["links"]["preview"], params={"max_side": 320})
    assert response.headers["Content-Type"] == "image/webp"
    assert opened(response).size == (213, 320)
    assert b"ACME" not in response.content


def test_a_preview_is_made_once(api: TestClient, finished, storage, store):
    first = api.get(finished["links"]["preview"])
    record = store.get(finished["task_id"])
    storage.delete(record.input_key)
    assert api.get(finished["links"]["preview"]).content == first.content


def test_a_preview_never_enlarges(api: TestClient, finished):
    assert opened(api.get(finished["links"]["preview"], params={"max_side": 2560})).size == (
        451,
        300,
    )


def test_another_preview_size_is_refused(api: TestClient, finished):
    response = api.get(finished["links"]["preview"], params={"max_side": 321})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/max_side")


def test_the_annotated_picture_has_a_box_in_the_colours_of_the_photograph(
    api: TestClient, finished, photo
):
    drawn = opened(api.get(finished["links"]["annotated"])).convert("RGB")
    plain = Image.open(io.BytesIO(photo["chelsea"])).convert("RGB").resize(drawn.size)
    difference = np.asarray(drawn).astype(int) - np.asarray(plain).astype(int)
    # Far from the box's edges nothing but noise differs: red is still red and blue is blue.
    inside = difference[60:-60, 60:-120]
    assert np.abs(inside.mean(axis=(0, 1))).max() < 2
    assert np.abs(difference).max() > 60


def test_annotations_can_be_filtered(api: TestClient, finished, photo):
    path = finished["links"]["annotated"]
    everything, nothing = api.get(path), api.get(path, params={"score_threshold": 1.0})
    dogs = api.get(path, params={"classes": "dog"})
    assert nothing.content == dogs.content != everything.content


def test_nothing_is_drawn_before_the_end(api: TestClient, upload):
    body = api.post(URL, files=upload).json()
    assert body["links"]["annotated"] is None
    response = api.get(f"{body['links']['self']}/annotated")
    assert (response.status_code, response.json()["code"]) == (409, "not_finished")


def test_pictures_of_an_unknown_prediction_are_not_found(api: TestClient):
    for name in ("image", "preview", "annotated"):
        assert api.get(f"{URL}/nonesuch/{name}").json()["code"] == "not_found"
