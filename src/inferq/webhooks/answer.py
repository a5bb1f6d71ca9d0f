"""What comes back from a receiver."""

from typing import NamedTuple


class Unreached(Exception):
    """No answer came; the text says why, to whoever named the receiver."""


class Answer(NamedTuple):
    """The head of an answer, as far as it matters."""

    status: int
    retry_after: str | None
