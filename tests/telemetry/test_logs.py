"""Log lines: one JSON object each, that says where it comes from and tells no secret."""

import json
import logging
import subprocess
import sys
import textwrap

import pytest

from inferq.accounts.account import Kind, Token
from inferq.webhooks.signing import new_secret

PASSWORD = "correct-horse-battery"
PROGRAM = """
    import logging, sys
    import structlog
    from inferq.settings import Settings
    from inferq.telemetry import configure_logging
    configure_logging(Settings(log_format={format!r}, log_level="info"), process="worker")
    log = structlog.get_logger()
    text = sys.stdin.read()
    with structlog.contextvars.bound_contextvars(task_id="t1"):
        log.info("said", text=text, data=b"\\xff\\xd8 picture", none=None)
        try:
            raise OSError(text, bytes(range(128, 200)))
        except OSError:
            log.exception("failed")
        logging.getLogger("a.library").warning("it said %s", text)
"""


def lines_of(told: str, log_format: str = "json") -> list[str]:
    """What a process logs that has something to tell."""
    program = textwrap.dedent(PROGRAM).format(format=log_format)
    ran = subprocess.run(
        [sys.executable, "-c", program], input=told, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "", "logs go to standard error alone"
    return ran.stderr.splitlines()


def test_each_line_of_ours_and_of_libraries_says_what_it_is_about_and_where_it_comes_from():
    lines = [json.loads(line) for line in lines_of("hello")]
    assert [line["event"] for line in lines] == ["said", "failed", "it said hello"]
    for line in lines:
        assert (line["task_id"], line["process"]) == ("t1", "worker")
        assert line["pid"] > 0
        assert line["timestamp"].endswith("Z")
    assert lines[0]["data"] == "<10 bytes>"
    assert "OSError: [Errno hello] b'…'" in lines[1]["exception"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_are_masked_in_fields_messages_and_tracebacks(log_format: str):
    key, session, signing = str(Token.new(Kind.API_KEY)), str(Token.new(Kind.SESSION)), new_secret()
    told = [
        f"cannot reach redis://:{PASSWORD}@state:6379/0, nor amqps://inferq:{PASSWORD}@broker//",
        f"Authorization: Bearer {key}; cookie inferq_session={session}",
        f"signed with {signing}! http://[::1]:8000/a@b",
    ]
    lines = "\n".join(lines_of(" ".join(told), log_format)).replace("\\u2026", "…")
    for secret in (PASSWORD, key, session, signing):
        assert secret not in lines
    left = [
        "redis://:…@state:6379/0", "amqps://inferq:…@broker//", "Bearer iq_…;", "session=is_… ",
        "with whsec_…!", "http://[::1]:8000/a@b",
    ]  # fmt: skip
    for text in left:
        assert lines.count(text) >= 3, "in a field, in an exception, in a library's message"


def test_libraries_that_talk_much_are_heard_from_warnings_on():
    for name in ("celery", "httpx2", "opentelemetry"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
