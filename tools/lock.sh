#!/usr/bin/env bash
# Pins the dependencies of pyproject.toml for every platform and Python we support, with hashes and without hosts.
set -eu
cd "$(dirname "$0")/.."
compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --custom-compile-command "make lock" "$@" >/dev/null
}
compile --output-file requirements/run.txt pyproject.toml requirements/build.in
compile --output-file requirements/dev.txt --constraints requirements/run.txt --group dev pyproject.toml requirements/build.in
compile --output-file requirements/tensorflow.txt --constraints requirements/dev.txt --group tensorflow
compile --output-file requirements/uv.txt requirements/uv.in
compile --output-file requirements/node.txt requirements/node.in
compile --output-file requirements/audit.txt --constraints requirements/dev.txt requirements/audit.in
compile --output-file requirements/image.txt --constraints requirements/run.txt --extra flower --extra otel --extra s3 pyproject.toml requirements/build.in requirements/image.in
compile --output-file requirements/gpu.txt --constraints requirements/image.txt --override requirements/gpu.in --extra gpu --extra flower --extra otel --extra s3 pyproject.toml requirements/image.in
compile --output-file requirements/kubernetes.txt requirements/kubernetes.in
# What benchmarks compare inferq with: for Python 3.11, each with the libraries that the model runs on as we have them.
peers=benchmarks/peers/requirements
peer() {
  .venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --custom-compile-command "make lock" "$@" >/dev/null
}
peer --output-file $peers/model.txt --constraints requirements/run.txt $peers/model.in
for name in bentoml litserve mosec ray; do
  peer --output-file $peers/$name.txt --constraints $peers/model.txt $peers/$name.in
done
peer --output-file $peers/plots.txt $peers/plots.in
