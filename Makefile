# Every target makes .venv by itself: with uv where it is installed, else with python3 -m venv and pip.
.DEFAULT_GOAL := help
.PHONY: help demo test lint format type bench record notebooks build clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

$(READY): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --editable '.[all]' --group dev; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' && \
		$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev; \
	fi
	@touch $@

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(READY) ## An agent that thinks, calls tools and looks at a picture (live with STEP_API_KEY, else on the emulator)
	@$(BIN)/python -m demo

test: $(READY) ## Unit tests, without network, with branch coverage
	@$(BIN)/python -m pytest --numprocesses auto --cov --cov-report=term --cov-fail-under=95

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(READY) ## ruff: apply format and safe fixes
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

type: $(READY) ## mypy --strict on the packages
	@$(BIN)/mypy

bench: $(READY) ## Speed and memory: ratios against peers measured in the same run, and bounds of speech and of talk
	@$(BIN)/python -m benchmarks.chat
	@$(BIN)/python -m benchmarks.llama_index
	@$(BIN)/python -m benchmarks.speech
	@$(BIN)/python -m benchmarks.realtime

record: $(READY) ## Record the cassettes again (live with STEP_API_KEY, else from the emulator)
	@$(BIN)/python -m pytest -m cassette --record --numprocesses 0

notebooks: $(READY) ## Run every notebook from start to end, without a key
	@$(BIN)/python -m pytest tests/unit_tests/notebooks -q

build: $(READY) ## Build the sdist and the wheel into dist/
	@$(BIN)/python -m build --quiet

clean: ## Remove .venv, build results and caches
	@rm -rf $(VENV) dist build .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
