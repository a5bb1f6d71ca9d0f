"""The generated TypeScript client against a real server; the steps themselves are in web/e2e/client.live.ts."""

import os
import shutil
import subprocess
from pathlib import Path

import redis

from api.live import LiveApi
from conftest import require
from inferq.models.register import ModelRegister
from inferq.predictions.store import PredictionStore
from inferq.settings import Settings
from inferq.worker.pipeline import Pipeline
from people import Person

WEB = Path(__file__).parents[2] / "web"
QUEUED = "inferq:queued:ssdlite-mobilenet-v2-coco@1"
HELD = "held"


def work(pipeline: Pipeline, store: PredictionStore, state: redis.Redis) -> None:
    """Runs what waits, but for the batch whose predictions are to stay queued."""
    for task_id in state.zrange(QUEUED, 0, -1):
        record = store.get(task_id)
        if record is not None and record.prediction.batch != HELD:
            pipeline.run(task_id)


def test_the_generated_client_works_against_a_real_server(
    settings: Settings, register: ModelRegister, pipeline: Pipeline, store: PredictionStore,
    state: redis.Redis, ann: Person, photo_files: dict[str, Path], tmp_path: Path,
):  # fmt: skip
    require(
        (WEB / "node_modules").is_dir() and shutil.which("npx"), "the web client's node_modules"
    )
    live = LiveApi(settings, key=ann.key).start()
    environment = os.environ | {
        "INFERQ_E2E_URL": live.url,
        "INFERQ_E2E_KEY": live.key,
        "INFERQ_E2E_PHOTOS": str(photo_files["chelsea"]),
    }
    log = tmp_path / "vitest.log"
    with log.open("wb") as output:
        vitest = subprocess.Popen(
            ["npx", "vitest", "run", "--config", "vitest.live.config.ts"],
            cwd=WEB, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        while vitest.poll() is None:
            work(pipeline, store, state)
            try:
                vitest.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if vitest.poll() is None:
            vitest.terminate()
            vitest.wait(10)
        live.stop()
    assert vitest.returncode == 0, log.read_text()
