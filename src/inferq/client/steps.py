"""The words in which the client's logic asks for what it cannot do itself: requests, pauses, children.

All logic is written once, as generators that yield these actions and are sent their outcomes. Two drivers carry
them out: `blocking.py` with threads, `asynchronous.py` with asyncio.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file and the fields beside it."""

    filename: str
    data: bytes
    media_type: str
    fields: Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the server, without host and credentials."""

    method: str
    path: str
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    upload: Upload | None = None
    waits: float = 0.0
    """Seconds that it asks the server to wait before it answers."""

    def arguments(self) -> dict[str, Any]:
        """What httpx calls the parts of the body."""
        if self.upload is not None:
            file = (self.upload.filename, self.upload.data, self.upload.media_type)
            return {"files": {"file": file}, "data": self.upload.fields}
        return {} if self.json is None else {"json": self.json}


@dataclass(frozen=True, slots=True)
class Send:
    """Sends a request and reads the answer; the outcome is an `httpx.Response`."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """Sends a request and leaves the answer's body to be read bit by bit, unless it says no.

    The outcome is an `httpx.Response`. Steps have one open answer at most; opening another closes it.
    """

    request: Request


@dataclass(frozen=True, slots=True)
class NextEvent:
    """Reads the open answer's next server-sent event; the outcome is None at its end."""


@dataclass(frozen=True, slots=True)
class NextChunk:
    """Reads the open answer's next bytes; the outcome is None at its end."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Waits for a number of seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Calls a function that blocks on files or the CPU; the outcome is what it returns."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Tell:
    """Calls back the user, whose function may be a coroutine function under asyncio."""

    callback: Callable[[Any], Any]
    value: Any


@dataclass(frozen=True, slots=True)
class Emit:
    """Hands a value to whoever iterates over these steps, or to the parent of a child."""

    value: Any


@dataclass(frozen=True, slots=True)
class Fetch:
    """Takes the next of the user's inputs, which arrives as a `Message` tagged with this action."""


@dataclass(frozen=True, slots=True)
class Spawn:
    """Starts child steps beside these; what they emit, return and raise arrives as `Message`s.

    Children end with their parent.
    """

    tag: Any
    steps: "Steps[Any]"


@dataclass(frozen=True, slots=True)
class Receive:
    """Waits for the next `Message`; the outcome is None when none has come in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Message:
    """Something from a child, or from the user's inputs."""

    tag: Any
    value: Any = None
    error: BaseException | None = None
    final: bool = True
    """Whether it is the last one: a child's return value or error, the end of the inputs."""


Action = Send | Open | NextEvent | NextChunk | Pause | Work | Tell | Emit | Fetch | Spawn | Receive
Steps = Generator[Action, Any, T]
