"""The command `docker` of `docker.py`: `docker_command.py SOCKET WORD…`."""

import json
import os
import socket
import sys
from pathlib import Path


def main(path: str, *words: str) -> int:
    """Hands the words on; becomes the command that is to run inside, with this terminal, where there is one."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        with connection.makefile("rw") as lines:
            lines.write(json.dumps({"words": words, "folder": str(Path.cwd())}) + "\n")
            lines.flush()
            answer = json.loads(lines.read())
    if command := answer.get("exec"):
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    sys.stdout.write(answer["told"])
    return int(answer["status"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
