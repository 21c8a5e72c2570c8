# Each target does all of its own set-up in this folder: a virtual environment, the dependencies, the model, the index.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: app test check rebuild audit constraints dist clean

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

# Known vulnerabilities of what is installed. One package that has none is asked for first, to see whether the service answers.
audit: .venv/test.stamp
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet 'pip-audit>=2.10'
	echo 'iniconfig==2.3.0' > .venv/audit/probe.txt
	if .venv/audit/bin/pip-audit --strict --disable-pip --no-deps -r .venv/audit/probe.txt; \
	then PIPAPI_PYTHON_LOCATION=$(BIN)/python .venv/audit/bin/pip-audit --skip-editable; \
	else echo "Not audited: the vulnerability service does not answer here."; fi

# The newest versions that pyproject.toml allows, and their hashes.
constraints:
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/python -m pip install --quiet 'uv>=0.9'
	.venv/uv/bin/python deploy/constraints.py

dist: .venv/test.stamp
	$(BIN)/hatchling build -d dist

.venv/app.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --no-deps -r constraints.txt
	$(BIN)/python -m pip install --no-build-isolation -e .
	touch $@

.venv/test.stamp: .venv/app.stamp constraints-test.txt
	$(BIN)/python -m pip install --no-deps -r constraints-test.txt
	$(BIN)/python -m pip install --no-build-isolation -e '.[test]'
	touch $@

clean:
	rm -rf .venv .index dist
