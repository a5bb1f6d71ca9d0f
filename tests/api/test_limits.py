from starlette.testclient import TestClient

from inferq.settings import Settings


def test_clients_can_ask_what_would_be_refused(api: TestClient, settings: Settings):
    limits = api.get("/api/v1/limits").json()
    assert limits["max_upload_bytes"] == settings.max_upload_bytes
    assert limits["max_pixels"] == settings.max_pixels
    assert limits["retention_seconds"] == settings.retention.total_seconds()
    assert {"image/jpeg", "image/heic", "image/tiff"} <= set(limits["image_types"])
    assert limits["max_batch_characters"] == 64
