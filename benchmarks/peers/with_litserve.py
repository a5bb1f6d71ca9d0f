"""LitServe: two workers with a picture each at a time, or (`batch`) two workers that make batches of up to eight."""

import os
import sys
from typing import Any

import litserve
from detector import Model
from fastapi import Request

BATCH, WAIT_SECONDS = 8, 0.005


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        self.model = Model()

    def decode_request(self, request: Request) -> bytes:
        return request["image"].file.read()

    def predict(self, inputs: Any) -> Any:
        if isinstance(inputs, bytes):
            return self.model.detect(inputs)
        return self.model.detect_all(inputs)

    def unbatch(self, output: Any) -> Any:
        return output

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        return inputs

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    api = Api(max_batch_size=BATCH, batch_timeout=WAIT_SECONDS) if "batch" in sys.argv else Api()
    workers = len(os.sched_getaffinity(0))
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=workers, restart_workers=True, timeout=60
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
