# Each target makes what it needs: a virtual environment in .venv, and the package installed in it.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(shell find src setup.py pyproject.toml -name '*.py' -o -name '*.py[xd]' -o -name '*.h' -o -name '*.toml')
# PyTorch's CPU build, beside which values, words and speed are compared.
TORCH := torch==2.13.0
# What must hold with the compiled core and kernels, without the kernels, and without any compiled code.
THREE_WAYS := tests/test_registry.py tests/test_backward.py tests/test_inplace.py tests/test_hooks.py \
              tests/test_grad_mode.py tests/test_robust.py tests/test_elementwise.py tests/test_reduction.py \
              tests/test_shape.py tests/test_views.py tests/test_indexing.py tests/test_matrix.py tests/test_forward_mode.py \
              tests/test_function.py tests/test_subclass.py tests/test_floors.py tests/test_saved_hooks.py tests/test_checkpoint.py

.PHONY: demo test test-pure test-uncompiled parity lint bench docs clean

demo: .venv/demo
	$(BIN)/python examples/digits.py

test: .venv/test
	$(BIN)/python -m pytest tests

test-pure: .venv/test
	RUSHLIGHT_PURE=1 $(BIN)/python -m pytest $(THREE_WAYS)

test-uncompiled: .venv-uncompiled/test
	.venv-uncompiled/bin/python -m pytest $(THREE_WAYS)

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

docs: .venv/test
	$(BIN)/python docs/build.py

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
