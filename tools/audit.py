"""Asks the registries for known vulnerabilities of every pinned package, and says plainly what could not be asked.

Run by `make audit`. Exit status: 0 nothing known, 1 something is known, 3 a registry could not be asked.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("run", "dev", "uv", "node", "audit")
SERVICES = ("osv", "pypi")
KNOWN, UNASKED = 1, 3
SECONDS = 300


def main() -> int:
    """Prints what is known of Python's packages and of npm's."""
    python, web = audit_python(), audit_web()
    if KNOWN in (python, web):
        return KNOWN
    return UNASKED if UNASKED in (python, web) else 0


def audit_python() -> int:
    """Python's lock files against OSV, or where that is away against PyPI's own list."""
    for service in SERVICES:
        report = _pip_audit(service)
        if report is None:
            continue
        packages = report["dependencies"]
        unasked = [package["name"] for package in packages if "skip_reason" in package]
        known = [
            f"{package['name']} {package['version']}: {', '.join(v['id'] for v in package['vulns'])}"
            for package in packages
            if package.get("vulns")
        ]
        print(
            f"python: {len(packages) - len(unasked)} of {len(packages)} pinned packages asked of {service}"
        )
        print(*known, sep="\n")
        if known:
            return KNOWN
        if not unasked:
            return 0
        print(f"python: {service} does not tell of {len(unasked)}: {', '.join(unasked)}")
    return UNASKED


def audit_web() -> int:
    """The web client's lock file against npm's advisories."""
    npm = shutil.which("npm")
    if npm is None:
        print("web: there is no npm")
        return UNASKED
    done = _run([npm, "audit", "--json"], cwd=ROOT / "web")
    try:
        counts = json.loads(done.stdout)["metadata"]["vulnerabilities"]
    except (KeyError, json.JSONDecodeError):
        print("web: npm's advisories cannot be reached")
        return UNASKED
    print(f"web: {counts}")
    return KNOWN if counts["total"] else 0


def _pip_audit(service: str) -> dict[str, list[dict[str, object]]] | None:
    """Its report; None where the service does not answer."""
    locks = [
        argument
        for lock in LOCKS
        for argument in ("--requirement", str(ROOT / "requirements" / f"{lock}.txt"))
    ]
    done = _run(
        [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--require-hashes", "--disable-pip",
         "--format", "json", "--progress-spinner", "off", "--timeout", "20", *locks]
    )  # fmt: skip
    try:
        report: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    except json.JSONDecodeError:
        reason = done.stderr.strip().rpartition("\n")[2] or "no answer"
        print(f"python: {service} cannot be asked: {reason[:200]}")
        return None
    return report


def _run(command: list[str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
