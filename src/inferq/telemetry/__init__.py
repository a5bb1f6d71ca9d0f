"""What an operator sees of a running deployment: logs, metrics, traces. Set up by entry points only."""

from inferq.telemetry.logs import configure_logging

__all__ = ["configure_logging"]
