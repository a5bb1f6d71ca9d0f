from starlette.testclient import TestClient

URL = "/api/v1/models"


def test_a_worker_that_registers_makes_its_model_known_to_the_api(api: TestClient):
    listed = api.get(URL).json()
    (card,) = listed["items"]
    assert listed["default"] == "ssdlite-mobilenet-v2-coco@1"
    assert card["workers"] == 1
    assert card["license"] == "Apache-2.0"
    assert len(card["labels"]) == 80
    assert card["labels"]["18"] == "dog"
    assert card["translated_labels"]["vi"]["18"] == "chó"
    assert card["parameters"]["properties"]["score_threshold"]["default"] == 0.5
    assert api.get(f"{URL}/ssdlite-mobilenet-v2-coco").json() == card
    assert api.get(f"{URL}/ssdlite-mobilenet-v2-coco@1").json() == card


def test_without_any_worker_ever_there_are_no_models(api: TestClient, state, upload):
    state.delete(*state.keys("inferq:cards"), *state.keys("inferq:serving:*"))
    assert api.get(URL).json() == {"items": [], "default": None}
    problem = api.post("/api/v1/predictions", files=upload).json()
    assert problem["code"] == "unknown_model"
    assert "no worker has registered one" in problem["detail"]
