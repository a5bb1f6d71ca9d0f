#!/usr/bin/env bash
# Serves with auto-reload: api and worker on port $1 start again when Python changes, the page reloads itself.
set -eu
cd "$(dirname "$0")/.."
port=$1
.venv/bin/watchfiles --filter python --sigint-timeout 15 \
  ".venv/bin/inferq up --port $port --data-dir ${INFERQ_DATA_DIR:-data}" src/inferq &
server=$!
trap 'kill -INT "$server" 2>/dev/null; wait "$server" 2>/dev/null' EXIT
cd web
INFERQ_API_URL="http://127.0.0.1:$port" npm run --silent dev
