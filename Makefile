# The same checks for everyone: CI, pre-commit and people call these targets.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup check lint types test slow clean

.venv/done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

setup: .venv/done

check: lint types test

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

test: setup
	$(BIN)/python -m pytest

slow: setup
	$(BIN)/python -m pytest -m "slow or not slow"

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
