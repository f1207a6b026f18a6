# Everything is kept in .venv; nothing outside this folder is changed, except by `make test`,
# which may install Debian packages where it is allowed to (see tests/provision.sh).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KERNELS := $(wildcard agent/greenhearth/kernels/*.py) agent/greenhearth/metrics.py agent/greenhearth/quality.py
RUN_STAMP := $(VENV)/.stamp-run
DEV_STAMP := $(VENV)/.stamp-dev
KERNEL_STAMP := $(VENV)/.stamp-kernels
PYTEST := $(BIN)/python -m pytest -o faulthandler_timeout=240
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --prefer-binary

export PIP_ROOT_USER_ACTION := ignore

.PHONY: help setup demo test chaos chaos-release check bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    three simulated plants, an agent, a broker, a gateway and a page on http://127.0.0.1:8080"
	@echo "make test    all tests; installs what they need where it may, and says what it leaves out"
	@echo "make check   ruff, mypy --strict and the import rules"
	@echo "make bench   figures for kernels, start and memory"
	@echo "make chaos   kill, cut, fill and damage everything for an hour (tests/chaos, tier B)"
	@echo "make chaos-release   the same as release evidence, some hours; writes tests/chaos/results"
	@echo "make setup   everything for development, in .venv"
	@echo "make clean   remove .venv and what runs have left"

setup: $(DEV_STAMP) $(KERNEL_STAMP)

demo: $(RUN_STAMP) $(KERNEL_STAMP)
	@$(BIN)/greenhearth demo $(DEMO)

test:
	@sh tests/provision.sh
	@$(MAKE) --no-print-directory setup
	@$(PYTEST) $(TESTS) || { [ $$? = 1 ] || exit 2; \
	  echo "FAILED tests are run once more, alone: a loaded machine passes now, a defect fails again"; \
	  $(PYTEST) --last-failed --last-failed-no-failures none; }

chaos: TIER := B
chaos-release: TIER := C
chaos chaos-release:
	@sh tests/provision.sh
	@$(MAKE) --no-print-directory setup
	@GREENHEARTH_CHAOS=$(TIER) $(PYTEST) -o faulthandler_timeout=0 -s -v $(or $(TESTS),tests/chaos)

check: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@for file in tests/bench/bench_*.py; do echo; echo "$$file"; $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) .run dist test-artefacts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@sh deploy/make-venv.sh "$(PYTHON)" "$(VENV)"

$(RUN_STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing greenhearth and what it needs into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(DEV_STAMP): pyproject.toml | $(RUN_STAMP)
	@echo "Installing the tools for development into $(VENV) ..."
	@$(PIP) -e '.[dev]'
	@touch $@

$(KERNEL_STAMP): $(KERNELS) | $(RUN_STAMP)
	@echo "Compiling the kernels (once) ..."
	@$(BIN)/greenhearth compile
	@touch $@
