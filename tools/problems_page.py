"""Prints docs/problems.md: every error of `inferq.errors`, from its docstring. `make gen` writes it again."""

import sys
from collections.abc import Iterator

from inferq.errors import InferqError, PredictionError, SetupError, error_classes

HEAD = """\
# Problems

Every error of the HTTP API is `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), with

| field | what it holds |
|---|---|
| `code` | One of the names below. It is stable: programs decide by it. |
| `type` | `/api/problems/<code>`, a page of the server about it, for people and programs. |
| `title`, `status` | As below. |
| `detail` | What happened this time, for people; its wording may change. |
| `errors` | What is wrong with which field: `[{"pointer", "detail"}]`; a `pointer` is a JSON Pointer (RFC 6901). |
| `retryable` | Whether the same request may succeed later; with 429, 503 and 507 `Retry-After` says when. |
| `trace_id` | The answer's `X-Request-ID`; the server's log has what happened under it. |

What is no HTTP/1.1 at all (a length that is no number, an unknown method, bytes that are no text in the request line)
is answered by the web server in front of the application: 400, as plain text.

<!-- Written by `make gen` from src/inferq/errors/. -->
"""
ANSWERS = "Answers"
OUTCOMES = "Why a prediction failed"
OUTSIDE = "Commands"
SECTIONS = {
    ANSWERS: "What a request may be answered with; `server_unreachable` is the client's own word for no answer at all.",
    OUTCOMES: "The `error` of a prediction that ended `failed`; `canceled` is what the Python client raises for it.",
    OUTSIDE: "What a command of `inferq` ends with; no request meets it.",
}


def main() -> None:
    """Prints the page."""
    sys.stdout.write(page())


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for name in SECTIONS for line in _section(name))])


def _section(name: str) -> Iterator[str]:
    yield f"## {name}\n\n{SECTIONS[name]}\n"
    # By status; those of one status in the order of the module.
    for cls in sorted(error_classes(), key=lambda cls: cls.status):
        if _section_of(cls) == name:
            meaning, remedy = cls.explained()
            again = "yes" if cls.retryable else "no"
            yield f"### `{cls.code}`\n"
            yield f"{cls.title}: status {cls.status}, retryable: {again}.\n\n{meaning}\n\n*What to do:* {remedy}\n"


def _section_of(cls: type[InferqError]) -> str:
    if issubclass(cls, PredictionError):
        return OUTCOMES
    return OUTSIDE if issubclass(cls, SetupError) else ANSWERS


if __name__ == "__main__":
    main()
