#!/bin/sh
# Restores what backup.sh wrote, where no volume is yet, and starts it: `deploy/compose/restore.sh FOLDER`.
set -eu
folder=$1
docker compose run --rm --no-deps -T --entrypoint tar setup -C /run/inferq -xf - < "$folder/secrets.tar"
# With its append-only file on, Redis reads nothing else: the snapshot becomes its first part.
docker compose run --rm --no-deps -T --entrypoint sh redis -euc '
  test ! -e /data/appendonlydir
  mkdir /data/appendonlydir
  cat > /data/appendonlydir/appendonly.aof.1.base.rdb
  echo "file appendonly.aof.1.base.rdb seq 1 type b" > /data/appendonlydir/appendonly.aof.manifest
' < "$folder/state.rdb"
docker compose run --rm --no-deps -T --entrypoint tar api -C /data -xf - < "$folder/storage.tar"
docker compose up --detach --wait
