# Each target makes what it needs: a virtual environment in .venv, and the package installed in it.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(shell find src setup.py pyproject.toml requirements.txt -name '*.py' -o -name '*.py[xd]' -o -name '*.h' -o -name "*.toml" -o -name requirements.txt)
# PyTorch's CPU build, beside which values, words and speed are compared.
TORCH := torch==2.13.0
WATCHED := $(addprefix tests/faults/test_,memory_safety.py reference_counts.py no_memory.py sizes.py) $(addprefix tests/test_,registry.py indexing.py \
	copying.py copies.py sort_kernels.py sorting.py reduce_kernels.py broadcast_kernel.py elementwise.py special.py vector.py random.py optim.py \
	nn_functional_native.py windows.py columns.py sampling.py ctc.py segments.py distances.py histograms.py cells.py linalg.py matrix.py fft.py attention.py \
	clip_grad.py rnn.py convolution_kernels.py pooling_kernels.py half_kernels.py index_kernels.py squares.py module_calls.py)

# The exact versions of all that is installed, for the package and for what builds it.
export PIP_CONSTRAINT := requirements.txt
export PIP_BUILD_CONSTRAINT := requirements.txt
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)
FUZZ_SECONDS ?= 600
CROWD_SECONDS ?= 120
SOAK_SECONDS ?= 600

.PHONY: demo test browser test-pure test-uncompiled parity lint bench sweep docs properties numerics fuzz soak sdist wheel clean sanitize valgrind test-free-threaded

demo: .venv/demo
	$(BIN)/python examples/digits.py

test: .venv/test
	$(BIN)/python -m pytest tests

test-pure: .venv/test
	RUSHLIGHT_PURE=1 $(BIN)/python -m pytest tests

test-uncompiled: .venv-uncompiled/test
	.venv-uncompiled/bin/python -m pytest tests

# The compiled parts watch their own memory and arithmetic, under gcc's sanitizers.
sanitize: .venv-sanitize/test
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	.venv-sanitize/bin/python -m pytest -s $(WATCHED)

# Not asked about unset values: the interpreter itself reads some. It sees into BLAS and LAPACK, which sanitizers do not.
valgrind:
	@valgrind --version || { echo "make valgrind: no valgrind here; Debian and Ubuntu have it as apt-get install valgrind" >&2; exit 1; }
	@$(MAKE) --no-print-directory .venv/test
	PYTHONMALLOC=malloc OMP_NUM_THREADS=1 valgrind -q --error-exitcode=1 --undef-value-errors=no \
	--suppressions=tests/faults/valgrind.supp $(BIN)/python tests/faults/smoke.py
	PYTHONMALLOC=malloc OMP_NUM_THREADS=1 valgrind -q --error-exitcode=1 --undef-value-errors=no \
	--suppressions=tests/faults/valgrind.supp $(BIN)/python -m pytest tests/faults/test_memory_safety.py -k "contradict or lapack"

parity: .venv/test
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m pytest -m parity tests

lint: .venv/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typed
	$(BIN)/python tools/check_examples.py

# The pages of pictures in a real Chromium: the one of playwright, of the system, or named by CHROMIUM.
browser: .venv/test
	$(BIN)/python -m pip install -q playwright
	$(BIN)/python -m pytest -s tests/test_viz_browser.py

# WORDS: only the cases whose name or group holds one of them, as in make bench WORDS=softmax.
bench: .venv/demo
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m benchmarks $(WORDS)

sweep: .venv/demo
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m benchmarks.sweep --keep

# The pages are written and checked, their notebooks run, and the site is built: site/index.html needs no network.
docs: .venv/test,docs
	$(BIN)/python docs/build.py
	$(BIN)/python -m pytest tests/test_docs_tutorial.py tests/test_docs_site.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Random programs, EXAMPLES for each test (5000), beside NumPy and PyTorch.
properties: .venv/test
	$(BIN)/python -m pip install -q $(TORCH)
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest tests/properties

# Sums and gradients of 10,000,000 elements, and the errors of elementwise functions at many points.
numerics: .venv/test
	NUMERICS=10000000 $(BIN)/python -m pytest tests/faults/test_numerics.py tests/faults/test_accuracy.py

# Files that no program has written are loaded, for FUZZ_SECONDS.
fuzz: .venv/test
	cd tests && ../$(BIN)/python -m faults.fuzz --seconds $(FUZZ_SECONDS)

# PYTHON=python3.13t: tests of threads where the interpreter has no lock, and several threads at everything for CROWD_SECONDS.
test-free-threaded:
	@$(PYTHON) -c "import sys, sysconfig; sysconfig.get_config_var('Py_GIL_DISABLED') or sys.exit('$(PYTHON) is not \
	free-threaded: name one that is, as in make test-free-threaded PYTHON=python3.13t')"
	$(PYTHON) -m venv .venv-free-threaded
	RUSHLIGHT_COMPILE=1 .venv-free-threaded/bin/python -m pip install -q . pytest
	.venv-free-threaded/bin/python -m pytest tests/faults/test_threads.py
	cd tests && PYTHON_GIL=0 ../.venv-free-threaded/bin/python -W error -m faults.crowd --seconds $(CROWD_SECONDS)

# A network is trained under faults of all kinds, for SOAK_SECONDS, beside one that nothing disturbs.
soak: .venv/test
	cd tests && ../$(BIN)/python -m faults.soak --seconds $(SOAK_SECONDS)

# Twice: the same sources are the same bytes.
sdist: .venv/bin/python
	$(BIN)/python -m pip install -q setuptools
	rm -rf dist/*.tar.gz dist/again
	$(BIN)/python setup.py -q sdist -d dist
	$(BIN)/python setup.py -q sdist -d dist/again
	cmp dist/*.tar.gz dist/again/*.tar.gz

# A wheel is built, and installed and tried in an empty environment. PURE=1: without compiled code, for any Python.
wheel:
	rm -rf dist/wheel .venv-wheel
	RUSHLIGHT_COMPILE=$(if $(PURE),0,1) $(PYTHON) -m pip wheel -q --no-deps -w dist/wheel .
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -I -m pip install -q dist/wheel/*.whl
	cd dist/wheel && ../../.venv-wheel/bin/python -I -W error ../../tools/try_wheel.py $(if $(PURE),uncompiled,compiled)

clean:
	rm -rf build dist out site .venv .venv-uncompiled .venv-sanitize .venv-free-threaded .venv-wheel src/*.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --upgrade pip

.venv/%: $(SOURCES) | .venv/bin/python
	@echo "installing into .venv, without a word for some minutes where there is a C compiler"
	$(BIN)/python -m pip install -q ".[$*]"
	@$(BIN)/python -m rushlight info
	@touch $@

.venv-sanitize/test: $(SOURCES)
	$(PYTHON) -m venv .venv-sanitize
	RUSHLIGHT_SANITIZE=1 RUSHLIGHT_COMPILE=1 .venv-sanitize/bin/python -m pip install -q ".[test]"
	@touch $@

.venv-uncompiled/test: $(SOURCES)
	$(PYTHON) -m venv .venv-uncompiled
	RUSHLIGHT_COMPILE=0 .venv-uncompiled/bin/python -m pip install -q ".[test]"
	@touch $@
