#!/usr/bin/env bash
# Makes the virtual environment $1 with the newest suitable Python, and puts a pinned uv into it.
set -eu
venv=$1
here=$(cd "$(dirname "$0")/.." && pwd)

for python in python3.14 python3.13 python3.12 python3.11 python3; do
  command -v "$python" >/dev/null 2>&1 || continue
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || continue
  echo "Setting up $venv with $("$python" --version)"
  if "$python" -m venv "$venv" 2>/dev/null; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
      --require-hashes -r "$here/requirements/uv.txt"
    exit 0
  fi
  rm -rf "$venv"
  echo "$python cannot make virtual environments; on Debian and Ubuntu: sudo apt install python3-venv" >&2
done

if command -v uv >/dev/null 2>&1; then
  echo "Setting up $venv with uv"
  uv venv --quiet --seed --python '>=3.11,<3.15' "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements/uv.txt"
  exit 0
fi

cat >&2 <<'MESSAGE'
inferq needs Python 3.11, 3.12, 3.13 or 3.14. Install one:
  Debian, Ubuntu:  sudo apt install python3 python3-venv
  macOS:           brew install python@3.13
MESSAGE
exit 2
