#!/bin/sh
# Prints the Secrets of the overlay `dev`, with new passwords; `create` leaves alone what is there:
#   deploy/kubernetes/secrets.sh | kubectl create --filename -
set -eu
password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }
redis=$(password)
cat <<END
apiVersion: v1
kind: Secret
metadata: {name: inferq-admin, namespace: inferq}
stringData:
  password: "$(password)"
---
apiVersion: v1
kind: Secret
metadata: {name: inferq-redis, namespace: inferq}
stringData:
  url: redis://:$redis@redis:6379/0
  password: "$redis"
  password.conf: requirepass $redis
END
