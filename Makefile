# make run: from a fresh clone to a scored demo company. The other targets: test, test-fast, hostile, spark, coverage, ui, dashboard,
# screenshots, lint, format, types, docs, wheel, lock, clean.

SHELL := /bin/bash
PYTHON ?= python3
SETTINGS ?= data/demo/settings.yml
PORT ?= 3000
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin

unexport PYTHONDONTWRITEBYTECODE  # tests start hundreds of processes, and each would compile what has changed anew

.PHONY: run demo test test-fast hostile spark coverage ui dashboard lint format types docs wheel lock clean benchmark

run: $(READY) data/demo/settings.yml
	@echo "Running the pipeline: a first run of the demo company takes one to five minutes ..."
	@$(BIN)/health-assets run --settings $(SETTINGS)
	@$(BIN)/health-assets status --settings $(SETTINGS)

demo: $(READY)
	@$(BIN)/health-assets demo

data/demo/settings.yml: | $(READY)
	@$(BIN)/health-assets demo

WORKERS ?= 3
TEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# On the engine that Polars takes by default, as runs do for large tables; alone, pytest computes in memory.
test: $(READY)
	@POLARS_ENGINE_AFFINITY=auto $(TEST)

# Without the tests that kill processes, fill disks, start daemons or simulate years.
test-fast: $(READY)
	@$(TEST) -m "not slow"

# What becomes of LOADS exports that went wrong; writes the table of docs/hostile-loads.md and fails on one that is silently wrong.
LOADS ?= 500
hostile: $(READY)
	@$(BIN)/python -m health_assets_tests.hostile --loads $(LOADS) --write docs/hostile-loads.md

# The jars of Spark, for the tests of events on a cluster; they need Java.
spark: $(READY)
	@.ci/spark

coverage: $(READY)
	@$(TEST) -m "not slow or whole_company" --cov --cov-report=term:skip-covered

# The speed of a shop, and of 150 and 20,000 accounts next to the dbt of DBT=/path/to/dbt, then by phase: half an hour.
benchmark: $(READY)
	@$(BIN)/python benchmarks/shop.py
	@$(BIN)/python benchmarks/pipeline.py --accounts 20000 --format parquet
	@$(if $(DBT),$(BIN)/python benchmarks/dbt_build.py --dbt $(DBT))

# A process group of its own, so that Ctrl-C and a kill of make stop Dagster's children too.
ui: $(READY)
	@test -f "$(SETTINGS)" || { echo "$(SETTINGS) is not there: run 'make run' first, or give SETTINGS=your/settings.yml"; exit 1; }
	@set -m; $(BIN)/health-assets ui --settings "$(SETTINGS)" --port $(PORT) & group=$$!; \
	trap 'kill -INT -- -$$group 2>/dev/null; wait $$group' INT TERM EXIT; wait $$group

# The pages for people, over the published snapshot.
dashboard: $(READY)
	@test -f "$(SETTINGS)" || { echo "$(SETTINGS) is not there: run 'make run' first, or give SETTINGS=your/settings.yml"; exit 1; }
	@exec $(BIN)/health-assets dashboard --settings "$(SETTINGS)" --port $(or $(DASHBOARD_PORT),8501)

# The README's pictures of the dashboard, from the demo company; needs Debian's chromium.
screenshots: $(READY) data/demo/published.duckdb
	@PYTHONPATH=. $(BIN)/python docs/screenshots.py data/demo/settings.yml

data/demo/published.duckdb: | data/demo/settings.yml
	@$(BIN)/health-assets run --settings data/demo/settings.yml

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(READY)
	@$(BIN)/mypy

# docs/tables.md, docs/sources.md and docs/settings.md, from the contracts and the settings classes.
docs: $(READY)
	@$(BIN)/python -m health_assets.cli.data_dictionary

# The wheel, built, installed and used outside the checkout.
wheel: $(READY)
	@$(BIN)/python .ci/wheel.py

# What is installed now becomes what everybody installs: names and versions only.
lock: $(READY)
	@$(BIN)/pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==' > requirements.lock
	@echo "requirements.lock: $$(wc -l < requirements.lock) packages"

# The virtual environment, made once and again when the list of packages changes.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is not there: install Python 3.11 to 3.14, or give PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
		echo "$$($(PYTHON) --version) is too old or too new: Python 3.11 to 3.14 is needed; give PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "Python's venv module is not there: install it (Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "Installing $$(wc -l < requirements.lock) packages into $(VENV), once; this takes one to ten minutes, silently ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -e '.[dev]'
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib health_assets || true
	@touch $@

clean:
	rm -rf $(VENV) data/demo
