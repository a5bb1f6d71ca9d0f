"""How much memory a worker may take: what asks for more is refused it, instead of taking the machine's."""

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def limit_memory(headroom_bytes: int) -> None:
    """Lets this process take so much more than it has now; 0 sets no limit. Linux alone can, elsewhere nothing happens.

    Counted is private memory that can be written to (`RLIMIT_DATA`), not the address space, of which devices'
    drivers reserve more than there is memory.
    """
    if headroom_bytes and sys.platform == "linux":
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = _data_bytes() + headroom_bytes
        soft = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, most))


def lift_memory_limit() -> None:
    """Takes the limit back, so that what this process becomes may load other models."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _data_bytes() -> int:
    """Private memory of this process that can be written to."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) * 1024
