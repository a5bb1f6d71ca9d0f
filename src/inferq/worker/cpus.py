"""How many CPUs this process may use: those it may run on, within the quota of its control groups."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available_cpus() -> int:
    """CPUs that this process may use, at least one; a part of one counts as one."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = cpu_quota()
    return count if quota is None else max(1, min(count, math.ceil(quota)))


def cpu_quota(membership: Path = MEMBERSHIP, cgroups: Path = CGROUPS) -> float | None:
    """The smallest CPU quota (in CPUs) of this process's control groups, version 1 or 2; None where there is none.

    Args:
        membership: The file that names the process's groups.
        cgroups: Where the control groups are mounted.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return None
    quotas: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            quotas += (
                quota
                for group in _lineage(cgroups, path)
                if (quota := _quota_v2(group)) is not None
            )
        elif "cpu" in controllers.split(","):
            mounts = {cgroups / controllers, cgroups / "cpu"}
            quotas += (
                quota
                for mount in mounts
                for group in _lineage(mount, path)
                if (quota := _quota_v1(group)) is not None
            )
    return min(quotas, default=None)


def _lineage(mount: Path, path: str) -> Iterator[Path]:
    """A group's folder and those above it: each may limit it. In a container the mount itself is the group."""
    group = mount / path.lstrip("/")
    while group != mount:
        yield group
        group = group.parent
    yield mount


def _quota_v2(group: Path) -> float | None:
    try:
        limit, period = (group / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) / int(period)


def _quota_v1(group: Path) -> float | None:
    try:
        limit = int((group / "cpu.cfs_quota_us").read_text())
        period = int((group / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return limit / period if limit > 0 else None
