"""A real worker that serves the test model: `python tests/faults/worker_process.py`, settings by environment."""

import sys

from faults.fault_model import FaultModel
from inferq.models.base import Context
from inferq.settings import get_settings
from inferq.telemetry import configure_logging
from inferq.worker.app import serve_models


def main() -> int:
    """Serves until SIGTERM."""
    settings = get_settings()
    configure_logging(settings)
    model = FaultModel()
    model.load(Context())
    model.warm_up()
    return serve_models(settings, [model])


if __name__ == "__main__":
    sys.exit(main())
