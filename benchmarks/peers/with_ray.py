"""Ray Serve: as many replicas as CPUs, with the settings that its documentation advises for throughput."""

import asyncio
import os
import signal
from typing import Any

import ray
from detector import Model
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=2, max_ongoing_requests=4, ray_actor_options={"num_cpus": 1})
class Detector:
    def __init__(self) -> None:
        self.model = Model()

    async def __call__(self, request: Request) -> dict[str, Any]:
        return await asyncio.to_thread(self.model.detect, await request.body())


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    replicas = len(os.sched_getaffinity(0))
    serve.run(Detector.options(num_replicas=replicas).bind(), route_prefix="/detect")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()
