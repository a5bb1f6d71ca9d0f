#!/usr/bin/env bash
# Serves with auto-reload: api and worker on port $1 start again when Python changes, the page reloads itself.
set -eu
cd "$(dirname "$0")/.."
port=$1
.venv/bin/watchfiles --filter python --sigint-timeout 15 \
  ".venv/bin/inferq up --port $port --data-dir ${INFERQ_DATA_DIR:-data}" src/inferq &
server=$!
(cd web && INFERQ_API_URL="http://127.0.0.1:$port" exec node node_modules/vite/bin/vite.js) &
page=$!
trap 'kill "$server" "$page" 2>/dev/null; wait' EXIT
trap 'exit 0' INT TERM
wait "$page"
