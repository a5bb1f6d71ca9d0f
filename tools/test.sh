#!/usr/bin/env bash
# Runs every test: the web client's own first (seconds), then Python's with the browser and the whole system.
# What a machine lacks (RabbitMQ, Chromium) is skipped with a reason; INFERQ_TEST_REQUIRE_ALL=1 makes it fail.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/node/bin:$PATH"
(cd web && npm run --silent test)
# tests/conftest.py says which tests share a process, and their order.
exec .venv/bin/python -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder "$@"
