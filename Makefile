# Each target does all of its own set-up in this folder: a virtual environment, the dependencies, the model, the index.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: app test check rebuild clean

app: .venv/app.stamp
	$(BIN)/qa app

test: .venv/test.stamp
	$(BIN)/python -m pytest

check: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

rebuild: .venv/app.stamp
	$(BIN)/qa rebuild

.venv/app.stamp: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -e .
	touch $@

.venv/test.stamp: .venv/app.stamp
	$(BIN)/python -m pip install -e '.[test]'
	touch $@

clean:
	rm -rf .venv .index
