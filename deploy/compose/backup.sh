#!/bin/sh
# Backs a system up into a folder while it runs: `deploy/compose/backup.sh FOLDER`. restore.sh reads it.
# The state comes first: whatever input it names was stored before. RabbitMQ holds nothing that is not in the state, too.
set -eu
folder=$1
umask 077
mkdir -p "$folder"
docker compose exec -T redis sh -euc '
  trap "rm -f /data/backup.rdb" EXIT
  REDISCLI_AUTH="$(cat /run/inferq/password)" redis-cli --rdb /data/backup.rdb >&2
  cat /data/backup.rdb
' > "$folder/state.rdb"
# 1 says that a file came or went meanwhile.
docker compose exec -T api sh -c 'tar -C /data -cf - . || [ $? -eq 1 ]' > "$folder/storage.tar"
docker compose run --rm --no-deps -T --entrypoint tar setup -C /run/inferq -cf - app rabbitmq redis > "$folder/secrets.tar"
