"""The OpenAPI document: what the web client was generated from is what the server serves."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

ROOT = Path(__file__).parents[2]


@pytest.fixture
def document(api: TestClient) -> dict:
    """The document as the server serves it."""
    return api.get("/api/openapi.json").json()


def test_the_web_client_was_generated_from_this_document(document: dict):
    assert json.loads((ROOT / "web/openapi.json").read_text()) == document, "run `make gen`"


def test_operations_have_short_ids_and_a_summary(document: dict):
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert {"predictions-create", "predictions-get", "models-list"} <= set(ids)
    assert all(operation["summary"] and operation["description"] for operation in operations)


def test_every_refusal_of_the_api_is_a_problem(document: dict):
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and path.startswith("/api/"):
                    assert set(response["content"]) == {"application/problem+json"}, (path, status)


def test_a_new_prediction_links_to_what_can_be_done_with_it(document: dict):
    operations = {
        operation["operationId"]: path
        for path, methods in document["paths"].items()
        for operation in methods.values()
    }
    made = document["paths"]["/api/v1/predictions"]["post"]["responses"]
    for links in (made["200"]["links"], made["202"]["links"]):
        named = {link["operationId"] for link in links.values()}
        assert len(named) == len(links)
        assert named == {name for name, path in operations.items() if "{task_id}" in path}
