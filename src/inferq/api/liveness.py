"""Whether the API of this machine answers, for orchestrators.

Standard library only: a probe runs every few seconds and should cost little. `python -m inferq.api.liveness` asks what
`inferq api --healthcheck` asks for a tenth of its CPU, and knows the environment alone, as containers set it.
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

SECONDS = 3.0


def check_api(host: str, port: int, *, name: str) -> str | None:
    """What is wrong with an API; None where it answers.

    Args:
        host: Where it listens; all addresses, as of Linux, are this machine's own.
        port: Where it listens.
        name: By which it may be addressed (`INFERQ_ALLOWED_HOSTS`).
    """
    connection = HTTPConnection(host.strip("[]"), port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": name})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"the API does not answer on {host}:{port} ({error})"
    finally:
        connection.close()
    return None if status == HTTPStatus.OK else f"the API answers {status}"


def main() -> int:
    """Status 0 where all is well, else 1 and the reason."""
    name = os.environ.get("INFERQ_ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    host, port = os.environ.get("INFERQ_HOST", "127.0.0.1"), os.environ.get("INFERQ_PORT", "8000")
    trouble = check_api(host, int(port), name=name)
    (sys.stderr if trouble else sys.stdout).write(f"{trouble or 'well'}\n")
    return 0 if trouble is None else 1


if __name__ == "__main__":
    sys.exit(main())
