"""mosec: its HTTP server in Rust, and as many Python workers as CPUs."""

import os
from typing import Any

from detector import Model
from mosec import Server, Worker
from typing_extensions import override


class Inference(Worker):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    @override
    def deserialize(self, data: bytes) -> bytes:
        return data

    @override
    def forward(self, data: bytes) -> dict[str, Any]:
        return self.model.detect(data)


if __name__ == "__main__":
    server = Server()
    server.append_worker(Inference, num=len(os.sched_getaffinity(0)))
    server.run()
