# Each target makes what it needs: a virtual environment in .venv, and the package installed in it.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(shell find src setup.py pyproject.toml -name '*.py' -o -name '*.py[xd]' -o -name '*.h' -o -name '*.toml')
# PyTorch's CPU build, beside which values, words and speed are compared.
TORCH := torch==2.13.0

.PHONY: demo test test-pure test-uncompiled parity lint bench sweep docs properties clean

demo: .venv/demo
	$(BIN)/python examples/digits.py

test: .venv/test
	$(BIN)/python -m pytest tests

test-pure: .venv/test
	RUSHLIGHT_PURE=1 $(BIN)/python -m pytest tests

test-uncompiled: .venv-uncompiled/test
	.venv-uncompiled/bin/python -m pytest tests

parity: .venv/test
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m pytest -m parity tests

lint: .venv/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/demo
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m benchmarks

sweep: .venv/demo
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m benchmarks.sweep --keep

docs: .venv/test
	$(BIN)/python docs/build.py

# Random programs, EXAMPLES for each test (5000), beside NumPy and PyTorch.
properties: .venv/test
	$(BIN)/python -m pip install -q $(TORCH)
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest tests/properties

clean:
	rm -rf build dist out .venv .venv-uncompiled src/*.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --upgrade pip

.venv/%: $(SOURCES) | .venv/bin/python
	$(BIN)/python -m pip install -q ".[$*]"
	@$(BIN)/python -m rushlight info
	@touch $@

.venv-uncompiled/test: $(SOURCES)
	$(PYTHON) -m venv .venv-uncompiled
	RUSHLIGHT_COMPILE=0 .venv-uncompiled/bin/python -m pip install -q ".[test]"
	@touch $@
