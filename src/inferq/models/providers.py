"""`INFERQ_PROVIDERS`: what a network runs on, as text; knows no runtime."""

from collections.abc import Sequence
from dataclasses import dataclass

from inferq.errors import SetupError

NUMBERED = ("cuda", "tensorrt")
"""Providers of which a machine may have several devices."""
KNOWN = ("cpu", "coreml", *NUMBERED)


@dataclass(frozen=True, slots=True)
class Provider:
    """One entry: `cuda:1` is the device 1 of the provider `cuda`."""

    name: str
    device: int | None = None

    def __str__(self) -> str:
        return self.name if self.device is None else f"{self.name}:{self.device}"


def parse_provider(text: str) -> Provider:
    """The provider of `cpu`, `cuda` or `cuda:1`.

    Raises:
        SetupError: There is no such provider, or it has no such devices.
    """
    name, colon, device = text.partition(":")
    if name not in KNOWN:
        raise SetupError(f"INFERQ_PROVIDERS names {text!r}; known are {', '.join(KNOWN)}.")
    if not colon:
        return Provider(name)
    if name not in NUMBERED or not device.isdecimal():
        examples = ", ".join(f"{each}:0" for each in NUMBERED)
        raise SetupError(
            f"INFERQ_PROVIDERS names {text!r}; a device is the number after {examples}."
        )
    return Provider(name, int(device))


def split_by_device(providers: Sequence[str]) -> list[tuple[str, ...]]:
    """The providers of each of the processes that serve them: one process serves one device of a kind.

    `cuda:0`, `cuda:1`, `cpu` make two: `cuda:0`, `cpu` and `cuda:1`, `cpu`.

    Raises:
        SetupError: See `parse_provider`.
    """
    parsed = [parse_provider(text) for text in providers]
    devices = list(dict.fromkeys(each for each in parsed if each.device is not None))
    kinds = {each.name for each in devices}
    numbers = list(dict.fromkeys(each.device for each in devices))
    if len(devices) <= len(kinds):
        return [tuple(providers)]
    return [
        tuple(str(each) for each in parsed if each.device in (None, number)) for number in numbers
    ]


def check_one_device(providers: Sequence[str]) -> None:
    """Refuses what one process cannot serve.

    Raises:
        SetupError: Several devices of one kind are named.
    """
    each = split_by_device(providers)
    if len(each) > 1:
        starts = "; ".join(f"INFERQ_PROVIDERS={','.join(one)} inferq worker" for one in each)
        raise SetupError(
            f"INFERQ_PROVIDERS names several devices, but a worker serves one. Start one each: {starts}."
            " `inferq up` does so by itself."
        )
