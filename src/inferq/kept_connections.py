"""A Redis client whose threads each keep a connection: to take one from the pool and put it back costs more than a command."""

import threading
import time
from functools import partial
from typing import Any

import redis
from redis.connection import ConnectionPool
from typing_extensions import override

IDLE_SECONDS = 1.0
"""After so long the server may have closed a connection: the pool looks before it lends it again."""


class KeptConnections(redis.Redis):
    """redis-py's client; what takes a connection for itself (pipelines, subscriptions) has it from the pool as ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Takes what redis-py's takes."""
        super().__init__(*args, **options)
        self._of_thread = threading.local()

    @override
    def execute_command(self, *args: Any, **options: Any) -> Any:
        now = time.monotonic()
        loan: _Loan | None = getattr(self._of_thread, "loan", None)
        if loan is None or now > loan.used + IDLE_SECONDS:
            loan = self._of_thread.loan = None  # goes back first, and is taken again
            loan = self._of_thread.loan = _Loan(self.connection_pool)
        loan.used = now
        return loan.connection.retry.call_with_retry(
            partial(self._ask, loan.connection, args, options), _leave_closed
        )

    def _ask(self, connection: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if connection.should_reconnect():
            connection.disconnect()
        connection.send_command(*args, **options)
        return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]


class _Loan:
    """A connection that goes back to its pool with the thread that keeps it."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self.connection: Any = pool.get_connection()
        self.used = 0.0

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self._pool.release(self.connection)


def _leave_closed(_: Exception) -> None:
    """A connection closes itself where it fails, and opens at the next command."""
