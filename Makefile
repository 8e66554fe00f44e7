.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Stamps sit in the environment, so that removing it removes them too.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "logemit needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.aggregator: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[aggregator]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.aggregator

.PHONY: help demo test check docs sample-logs clean

help:  ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.aggregator  ## turn the recorded sample logs into Parquet and Prometheus text, and show some numbers
	@$(BIN)/python examples/demo.py

test: check  ## run every check and test (sets itself up in .venv)
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.dev  ## ruff, strict mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## regenerate the references in docs/ from the code
	$(BIN)/python -m tests.references

sample-logs: $(VENV)/.dev  ## record sample_logs/ afresh by running the example project
	$(BIN)/python examples/record.py

clean:  ## remove what make made
	rm -rf $(VENV) demo-out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
