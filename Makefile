# One command for each chore. Everything that is made lies in .venv*, .local, and the engine's own cache.

PYTHON ?= python3
VENV := .venv
FLOOR := .venv-floor
BIN := $(CURDIR)/$(VENV)/bin
LOCAL := $(CURDIR)/.local
SOURCES := $(shell find provider -name '*.py' -o -name '*.json' -o -name 'py.typed') pyproject.toml README.md

export PULUMI_BACKEND_URL := file://$(LOCAL)/state
export PULUMI_CONFIG_PASSPHRASE := demo
export PULUMI_HOME := $(LOCAL)/pulumi-home
export PULUMI_SKIP_UPDATE_CHECK := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The environment goes first on PATH: the language host runs the python that it finds there.
ENGINE = engine=$$($(BIN)/python scripts/install-pulumi) && export PATH="$(BIN):$$engine:$$PATH"
STACK = mkdir -p $(LOCAL)/state && $(ENGINE) && pulumi stack select --create dev >/dev/null

.DEFAULT_GOAL := help
.PHONY: help up preview refresh destroy test lint format docs clean engine

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

up: $(VENV)/.installed ## preview and register the quickstart's modules on the emulator
	@$(STACK) && pulumi up --yes --stack dev

preview: $(VENV)/.installed ## show what `make up` would do
	@$(STACK) && pulumi preview --diff --stack dev

refresh: $(VENV)/.installed ## compare the state with what is registered
	@$(STACK) && pulumi refresh --yes --stack dev

destroy: $(VENV)/.installed ## delete the quickstart's modules
	@$(STACK) && pulumi destroy --yes --stack dev

test: $(VENV)/.developing $(FLOOR)/.installed ## run all tests, with the real engine and the oldest supported SDK
	@$(ENGINE) && export FLOOR_PYTHON="$(CURDIR)/$(FLOOR)/bin/python" && rm -f .coverage .coverage.* \
	  && unset PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE PULUMI_HOME \
	  && COVERAGE_PROCESS_START="$(CURDIR)/pyproject.toml" $(BIN)/coverage run -m pytest -n 2 --dist loadgroup $(ARGS) \
	  && $(BIN)/coverage combine --quiet && $(BIN)/coverage report --fail-under=90

lint: $(VENV)/.developing ## check style, types and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@for script in scripts/install-pulumi scripts/reference; do $(BIN)/mypy $$script || exit 1; done
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python scripts/reference --check

format: $(VENV)/.developing ## put the sources into form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(VENV)/.developing ## write docs/reference from the docstrings
	@$(BIN)/python scripts/reference

clean: ## remove what was made here (the engine stays in its cache)
	rm -rf .venv .venv-floor .local build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A wheel, never an editable install: of that the engine does not find pulumi-plugin.json and looks for a plugin to download.
$(VENV)/.dependencies: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet '.[cli,emulator]'
	@touch $@

$(VENV)/.installed: $(SOURCES) $(VENV)/.dependencies
	@$(BIN)/python -m pip install --quiet --no-deps --force-reinstall .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	@test $@ -nt pyproject.toml || $(BIN)/python -m pip install --quiet '.[dev]'
	@touch $@

$(FLOOR)/.installed: $(SOURCES) | $(VENV)/.installed
	@test -x $(FLOOR)/bin/python || $(PYTHON) -m venv $(FLOOR)
	@$(FLOOR)/bin/python -m pip install --quiet 'pulumi==3.216.*' coverage .
	@$(FLOOR)/bin/python -m pip install --quiet --no-deps --force-reinstall .
	@touch $@
