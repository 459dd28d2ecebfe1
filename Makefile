# Needs Python 3.11 or newer, git and make. Everything else goes into .venv, from the locks, checked by their hashes.

PYTHON := $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
UV := uv==0.13.8
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --group build
# Tests wait as much as they work: two more of them than there are cores keep all busy.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 2)))
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint schema bench lock format clean

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: $(RUNTIME) ## Serve on 127.0.0.1:8000 with demo data; prints the sign-in (RAPPORT_* changes it, see README)
	@$(BIN)/rapport serve

test: $(DEV) ## Run the tests: on SQLite, and on Postgres and Redis where their programs are found
	$(BIN)/pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal $(ARGS)

lint: $(DEV) ## Check style, format, types, floors, and that schema.graphql is what the code says
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/rapport schema --check

schema: $(RUNTIME) ## Write schema.graphql from the code
	$(BIN)/rapport schema > schema.graphql.new
	@mv schema.graphql.new schema.graphql

bench: $(DEV) ## Measure side by side with peers in one run (needs wrk, Node.js with npm, and Postgres)
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(RUNTIME) ## Write both locks from pyproject.toml, with hashes (ARGS=--upgrade for newer versions)
	@$(BIN)/pip install --quiet $(UV)
	$(LOCK) $(ARGS) --output-file requirements.txt
	$(LOCK) $(ARGS) --group dev --output-file requirements-dev.txt

format: $(DEV) ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove .venv and caches (not var/, which holds data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found." >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.txt | $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
