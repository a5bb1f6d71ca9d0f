"""The CPU quota of control groups, as the kernel's files tell it."""

from pathlib import Path

import pytest

from inferq.worker.cpus import available_cpus, cpu_quota

CASES = {
    "version 2, in a container": ("0::/", {"cpu.max": "150000 100000"}, 1.5),
    "version 2, no limit": ("0::/", {"cpu.max": "max 100000"}, None),
    "version 2, the group's own limit": (
        "0::/a/b", {"a/b/cpu.max": "50000 100000", "a/cpu.max": "400000 100000"}, 0.5,
    ),
    "version 2, a limit of a group above": (
        "0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "200000 100000"}, 2,
    ),
    "version 2, a group that is not seen from here": (
        "0::/../other", {"cpu.max": "100000 100000"}, 1,
    ),
    "version 1, in a container that sees only its own group": (
        "4:cpu,cpuacct:/docker/abc\n0::/",
        {"cpu,cpuacct/cpu.cfs_quota_us": "250000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 2.5,
    ),
    "version 1, the group's own limit": (
        "2:cpuset:/x\n1:cpu:/x",
        {"cpu/x/cpu.cfs_quota_us": "300000", "cpu/x/cpu.cfs_period_us": "100000", "cpu/cpu.cfs_quota_us": "-1"}, 3,
    ),
    "version 1, no limit": (
        "1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None,
    ),
    "nothing there": ("1:memory:/", {}, None),
}  # fmt: skip


@pytest.mark.parametrize(("membership", "files", "quota"), CASES.values(), ids=CASES)
def test_the_smallest_quota_counts(tmp_path: Path, membership: str, files: dict, quota: float):
    (tmp_path / "membership").write_text(membership + "\n")
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert cpu_quota(tmp_path / "membership", tmp_path / "cgroup") == quota


def test_elsewhere_than_on_linux_there_is_no_quota(tmp_path: Path):
    assert cpu_quota(tmp_path / "nothing", tmp_path) is None


@pytest.mark.parametrize(("quota", "cpus"), [(0.2, 1), (1.5, 2), (3.0, 3), (99.0, 4), (None, 4)])
def test_a_quota_takes_cpus_away_but_the_last_and_gives_none(monkeypatch, quota, cpus):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr("inferq.worker.cpus.cpu_quota", lambda: quota)
    assert available_cpus() == cpus
