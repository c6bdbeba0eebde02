"""Benchmarks beside PyTorch: `python -m benchmarks` for workloads, `python -m benchmarks.sweep` for each operation."""

import os

# As many as PyTorch is told to take. NumPy reads the two variables when it is imported, so they are set before all else.
THREADS = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(THREADS))
