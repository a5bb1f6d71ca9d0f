# GNU make 3.81 and bash 3.2 are enough. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
PORT ?= 8000
ARGS ?=

RUN_STAMP := $(VENV)/.run-ready
DEV_STAMP := $(VENV)/.dev-ready
WEB_STAMP := web/node_modules/.ready
WEB_DIST := src/inferq/web_dist/index.html
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/docs.html web/vite.config.ts web/package.json

.PHONY: help setup run test check fix dev web test-web pictures faults bench-bookkeeping bench-client-map bench-exports bench-lists bench-push gen lock clean bench-pictures bench-output-formats

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV_STAMP) $(WEB_DIST) ## Install everything for running and testing

run: $(RUN_STAMP) $(WEB_DIST) ## Serve on http://127.0.0.1:8000 (another port: make run PORT=8001)
	@$(VENV)/bin/inferq up --port $(PORT) --data-dir "$${INFERQ_DATA_DIR:-data}" $(ARGS)

test: setup ## Run all tests; what a machine lacks is skipped, and said
	@tools/test.sh $(ARGS)

check: setup ## Lint, types, import rules, web checks (no tests)
	$(VENV)/bin/ruff format --check src tests tools benchmarks
	$(VENV)/bin/ruff check src tests tools benchmarks
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm run --silent check

fix: setup ## Format, and mend what the linters can mend
	$(VENV)/bin/ruff check --fix src tests tools benchmarks
	$(VENV)/bin/ruff format src tests tools benchmarks
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

faults: setup ## Run the whole fault campaign on both brokers (about an hour); writes benchmarks/results/faults.md
	$(PYTHON) tests/faults/campaign.py $(ARGS)

bench-bookkeeping: setup ## Measure what the bookkeeping of one prediction costs
	$(PYTHON) benchmarks/bookkeeping.py

bench-client-map: setup ## Measure what Client.map keeps in memory over 100,000 inputs
	$(PYTHON) benchmarks/client_map.py

bench-exports: setup ## Measure memory and time of exporting 10,000 predictions
	$(PYTHON) benchmarks/exports.py

bench-lists: setup ## Measure what a page of a list costs, with ten predictions and with 100,000
	$(PYTHON) benchmarks/lists.py

bench-output-formats: setup ## Measure how exact the output formats are, and what they cost
	$(PYTHON) benchmarks/output_formats.py

bench-push: setup ## Measure the time from a finished record to a listener
	$(PYTHON) benchmarks/push.py

bench-pictures: setup ## Measure what drawing pictures costs, and whether it holds up submits
	$(PYTHON) benchmarks/pictures.py

gen: setup ## Write web/openapi.json, the TypeScript client and docs/problems.md again
	$(PYTHON) tools/problems_page.py > docs/problems.md
	$(VENV)/bin/inferq openapi > web/openapi.json
	cd web && PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH" npm run --silent gen

lock: $(DEV_STAMP) ## Pin the Python dependencies again (requirements/*.txt)
	tools/lock.sh

clean: ## Remove everything that was made, but not the data
	rm -rf $(VENV) web/node_modules src/inferq/web_dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(PYTHON):
	@tools/make-venv.sh $(VENV)

$(RUN_STAMP): $(PYTHON) requirements/run.txt pyproject.toml
	@tools/install.sh $(VENV) requirements/run.txt
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements/dev.txt
	@tools/install.sh $(VENV) requirements/dev.txt
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
