# Development commands. Everything that is made lies in .venv*, .local, and the engine's own cache.

PYTHON ?= python3
VENV := .venv
MINIMUM_SDK := .venv-minimum-sdk
BIN := $(CURDIR)/$(VENV)/bin
LOCAL := $(CURDIR)/.local
SCRIPTS := scripts/install-pulumi scripts/architecture scripts/reference scripts/pictures scripts/engine/pulumi-language-python-exec \
  examples/ci/report examples/ci/strip-secrets examples/ci/bitbucket-comment
SOAK_TESTS := tests/faults tests/properties tests/e2e/test_wrong_token.py tests/e2e/test_throttling.py tests/e2e/test_adoption.py \
  tests/e2e/test_fleet.py tests/e2e/test_fleet_size.py tests/e2e/test_new_user.py tests/e2e/test_no_change_matrix.py \
  tests/e2e/test_preview.py tests/e2e/test_requests.py tests/e2e/test_upgrade_limit.py \
  tests/bench/test_systems.py tests/bench/test_scale.py
# Folders too: a deleted file is a change.
SOURCES := $(shell find provider -name __pycache__ -prune -o -print) pyproject.toml README.md

# Without side files: Pulumi does not write them atomically, and after a kill -9 an empty one hides the stack.
export PULUMI_BACKEND_URL := file://$(LOCAL)/state?metadata=skip
export PULUMI_CONFIG_PASSPHRASE := demo
export PULUMI_HOME := $(LOCAL)/pulumi-home
export PULUMI_SKIP_UPDATE_CHECK := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The demo is a stack of its own, whatever the user works on in this shell; and variables win over configuration, so without
# this the quickstart would be registered on the user's real installation.
unexport PULUMI_STACK PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_RUNTIME_VIRTUALENV PULUMI_PYTHON_CMD PYTHONHOME PYTHONPATH
unexport $(filter ATLASSIAN_FORGE_%,$(.VARIABLES))

# The environment goes first on PATH: the language host runs the python that it finds there.
ENGINE = engine=$$($(BIN)/python scripts/install-pulumi) && export PATH="$(BIN):$$engine:$$PATH"
STACK = mkdir -p $(LOCAL)/state && $(ENGINE) && pulumi --non-interactive stack select --create dev >/dev/null

PREPARED = $(ENGINE) && unset PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE PULUMI_HOME
PYTEST = $(PREPARED) && $(BIN)/python -m pytest
WITH_MINIMUM_SDK = MINIMUM_SDK_PYTHON="$(CURDIR)/$(MINIMUM_SDK)/bin/python"

.DEFAULT_GOAL := help
.PHONY: help up preview refresh destroy test test-all soak bench lint format docs pictures clean engine

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

up: $(VENV)/.installed ## preview and register the quickstart's modules on the emulator
	@$(STACK) && pulumi --non-interactive up --yes --stack dev

preview: $(VENV)/.installed ## show what `make up` would do
	@$(STACK) && pulumi --non-interactive preview --diff --stack dev

refresh: $(VENV)/.installed ## compare the state with what is registered
	@$(STACK) && pulumi --non-interactive refresh --yes --stack dev

destroy: $(VENV)/.installed ## delete the quickstart's modules
	@$(STACK) && pulumi --non-interactive destroy --yes --stack dev

test: $(VENV)/.developing ## run the tests that every change needs, in about four minutes (ARGS=tests/api: a part of them)
	@$(BIN)/lint-imports && $(BIN)/mypy
	@$(PYTEST) -n 3 --dist loadgroup -m 'smoke or not (cli or complete)' $(ARGS)

test-all: $(VENV)/.developing $(MINIMUM_SDK)/.installed ## run all tests, with the newest and the minimum SDK, and measure the coverage
	@rm -f .coverage .coverage.* && export COVERAGE_PROCESS_START="$(CURDIR)/pyproject.toml" $(WITH_MINIMUM_SDK) \
	  && $(PREPARED) && $(BIN)/coverage run -m pytest -n 3 --dist loadgroup $(ARGS) \
	  && $(BIN)/coverage combine --quiet && $(BIN)/coverage report --fail-under=90

soak: $(VENV)/.developing $(MINIMUM_SDK)/.installed ## run the soak tests, with the newest and with the minimum SDK (hours)
	@export FORGE_SOAK=1 $(WITH_MINIMUM_SDK) && $(PYTEST) -n 2 -rP --timeout 3600 $(SOAK_TESTS) $(ARGS) \
	  && export FORGE_PYTHON="$$MINIMUM_SDK_PYTHON" && $(PYTEST) -n 2 -rP --timeout 3600 $(SOAK_TESTS) $(ARGS)

bench: $(VENV)/.installed ## measure against what else could be used, and write docs/performance.md and docs/scale.md (an hour or two; ARGS=--quick: minutes)
	@$(ENGINE) && $(BIN)/python -m bench $(ARGS)

lint: $(VENV)/.developing ## check style, types and imports
	$(BIN)/ruff check . $(SCRIPTS)
	$(BIN)/ruff format --check . $(SCRIPTS)
	$(BIN)/mypy
	@for script in $(SCRIPTS); do $(BIN)/mypy $$script || exit 1; done
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python scripts/reference --check
	$(BIN)/python scripts/architecture --check
	$(BIN)/python scripts/pictures --check

format: $(VENV)/.developing ## put the sources into form
	$(BIN)/ruff check --fix-only . $(SCRIPTS)
	$(BIN)/ruff format . $(SCRIPTS)

docs: $(VENV)/.developing ## write docs/reference from the docstrings, and the diagram of the architecture
	@$(BIN)/python scripts/reference
	@$(BIN)/python scripts/architecture

pictures: $(VENV)/.developing ## draw docs/pictures: what forge-modules shows on a terminal
	@$(BIN)/python scripts/pictures

clean: ## remove what was made here (the engine stays in its cache)
	rm -rf .venv .venv-minimum-sdk .local build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# A stamp, not the interpreter: in an environment whose creation was interrupted, the interpreter is there before pip.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, and $(PYTHON) is not; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# A wheel, never an editable install: of that the engine does not find pulumi-plugin.json and looks for a plugin to download.
# A new pip: the engine has it list what is installed before each command, and that of Python 3.11 takes twice the time.
$(VENV)/.dependencies: pyproject.toml | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet '.[cli,emulator]'
	@touch $@

$(VENV)/.installed: $(SOURCES) $(VENV)/.dependencies
	@$(BIN)/python -m pip install --quiet --no-deps --force-reinstall .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	@test $@ -nt pyproject.toml || $(BIN)/python -m pip install --quiet '.[dev]'
	@touch $@

$(MINIMUM_SDK)/.installed: $(SOURCES) | $(VENV)/.installed
	@test -x $(MINIMUM_SDK)/bin/python || $(PYTHON) -m venv $(MINIMUM_SDK)
	@$(MINIMUM_SDK)/bin/python -m pip install --quiet 'pulumi==3.216.*' coverage '.[cli]'
	@$(MINIMUM_SDK)/bin/python -m pip install --quiet --no-deps --force-reinstall .
	@touch $@
