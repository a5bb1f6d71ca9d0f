#!/usr/bin/env bash
# Installs the pinned packages of $2 and this checkout into the virtual environment $1.
set -eu
venv=$1
requirements=$2
echo "Installing $requirements"
"$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes "$requirements" requirements/uv.txt
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
