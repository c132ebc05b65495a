# `make` alone says what there is. Needs Python 3.11 or newer and make; everything else is brought along.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run dev test e2e pictures check format bench build clean

help: ## This list
	@echo "One API in Python"
	@echo
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo
	@echo "PORT=8080 make run listens elsewhere; docs/settings.md lists every setting."

run: $(VENV)/.installed ## Install, build and serve everything on one port
	@exec $(BIN)/python -m oneapi_app run

dev: $(VENV)/.installed ## Serve, and start again whenever a source changes
	@exec $(BIN)/python -m oneapi_app.dev

build: $(VENV)/.installed ## Build the console's frontend only
	@$(BIN)/python -m oneapi_app build

test: $(VENV)/.installed-dev ## The whole test suite
	@$(BIN)/python -m pytest

e2e: $(VENV)/.installed-dev ## Only the tests in a real browser
	@$(BIN)/python -m pytest tests/e2e

pictures: $(VENV)/.installed-dev ## The picture of the README anew (needs Chromium)
	@ONEAPI_PICTURES=1 $(BIN)/python -m pytest -q tests/e2e/test_picture.py

check: $(VENV)/.installed-dev ## Formatting, lint, types, import contracts, docs
	@echo "ruff format"    && $(BIN)/ruff format --check .
	@echo "ruff check"     && $(BIN)/ruff check .
	@echo "pyright"        && $(BIN)/pyright
	@echo "import-linter"  && $(BIN)/lint-imports
	@echo "docs"           && $(BIN)/python -m pytest -q tests/meta

format: $(VENV)/.installed-dev ## Format and fix what can be fixed
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev ## Measure the relay and the log store (needs wrk and nginx; ARGS=--peers for others)
	@$(BIN)/python -m bench $(ARGS)

clean: ## Remove the environment and the build, keep data
	rm -rf $(VENV) .web

# Stamps: the second start does not even ask pip.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; this is $$($(PYTHON) -V). Try: make run PYTHON=python3.12"; exit 1; }
	@echo "==> creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt | $(VENV)/.created
	@echo "==> installing requirements"
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "==> installing what tests and checks need"
	@$(PIP) install -r requirements-dev.txt
	@touch $@
