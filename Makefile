.DEFAULT_GOAL := help
PYTHON ?= python3
DJANGO ?=
VENV ?= .venv
BIN := $(VENV)/bin

# Stamps sit in the environment, so that removing it removes them too.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "logemit needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.aggregator: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[aggregator]'
	@touch $@

# What the numbers are held against does not go with every Django.
EXTRAS := dev bench $(if $(filter 6.1,$(DJANGO)),,parity)

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  $(foreach extra,$(EXTRAS),--editable '.[$(extra)]') $(if $(DJANGO),'Django~=$(DJANGO).0')
	@touch $@ $(VENV)/.aggregator

.PHONY: help demo test test-matrix test-reliability test-fuzz pytest machine-code check docs docs-site notebooks sample-logs bench bench-emitter bench-cluster clean

help:  ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.aggregator  ## turn the recorded sample logs into Parquet and Prometheus text, and show some numbers
	@$(BIN)/python examples/demo.py

test: $(VENV)/.dev  ## run every check and test (sets itself up in .venv)
	@$(MAKE) --no-print-directory --jobs 2 check machine-code
	@$(MAKE) --no-print-directory pytest

test-matrix:  ## run the tests with every other supported Python found here, and the newest Django for it
	@for pair in 3.12:5.2 3.13:6.1 3.14:6.1; do \
	  python=python$${pair%:*}; \
	  $$python -c '' 2>/dev/null || python=$$(ls $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$${pair%:*}.*/bin/python 2>/dev/null | tail -n 1); \
	  if [ -z "$$python" ]; then echo "python$${pair%:*} is not here: skipped"; continue; fi; \
	  echo "Python $${pair%:*}, Django $${pair#*:}"; \
	  $(MAKE) --no-print-directory pytest VENV=.venv-$${pair%:*} PYTHON="$$python" DJANGO=$${pair#*:} || exit 1; \
	done

pytest: machine-code
	$(BIN)/python -m pytest -n 3 --dist worksteal

# Once, before each worker makes its own.
machine-code: $(VENV)/.dev
	@$(BIN)/logemit compile >/dev/null

test-reliability: $(VENV)/.dev  ## kill, break and mutate runs ten thousand times (about an hour)
	TESTS=full $(BIN)/python -m pytest -n 2 tests/reliability

test-fuzz: $(VENV)/.dev  ## a million hostile lines, bombs in full size, any event in any envelope (about an hour)
	TESTS=full $(BIN)/python -m pytest -n 2 tests/fuzz

check: $(VENV)/.dev  ## ruff, strict mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## regenerate the references in docs/ from the code
	$(BIN)/python -m tests.references

docs-site: $(VENV)/.dev  ## build the documentation as a site in build/site
	$(BIN)/python -m sphinx -qW --keep-going --jobs auto -c docs -d build/site-read . build/site
	@echo "$(CURDIR)/build/site/index.html"

notebooks: $(VENV)/.dev  ## run docs/notebooks and write what they show into them
	$(BIN)/python -m tests.notebooks

sample-logs: $(VENV)/.dev  ## record sample_logs/ afresh by running the example project
	$(BIN)/python examples/record.py

bench: $(VENV)/.dev  ## measure logemit aggregate against DuckDB, polars and others (10 minutes)
	$(BIN)/python -m benchmarks.aggregate

bench-emitter: $(VENV)/.dev  ## measure what a request costs, with logemit and with django-prometheus (4 minutes)
	$(BIN)/python -m benchmarks.emitter_cost --output benchmarks/EMITTER.md

bench-cluster: $(VENV)/.dev  ## measure a run on a cluster with one worker and with two (10 minutes)
	$(BIN)/python -m benchmarks.spread

clean:  ## remove what make made
	rm -rf .venv .venv-* demo-out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
