"""What every runtime can do: read what a network says of itself, and run it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inferq.models.base import Context


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a graph; None stands for a size that the graph leaves open."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """What a network's file or folder says of itself."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)


class Session(Protocol):
    """One copy of a network, shared by all threads of a process."""

    def run(
        self, inputs: Mapping[str, npt.NDArray[np.generic]]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Runs the network; returns all its outputs by name. Safe to call from several threads."""


class Runtime(Protocol):
    """The functions that a runtime's module has."""

    def runtime_version(self) -> str:
        """Name and version of the library."""

    def installed_providers(self) -> list[str]:
        """Names of the providers that this build of the library has; a device may still be missing."""

    def read_graph(self, path: Path, /) -> Graph:
        """Reads what a network takes, returns and tells.

        Raises:
            SetupError: There is no sound network at the path.
        """

    def open_session(self, path: Path, ctx: Context, /) -> Session:
        """Loads a network.

        Raises:
            SetupError: There is no sound network at the path, or a device is not there.
        """
