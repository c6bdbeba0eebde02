"""The workloads of `python -m benchmarks`, a file of each subject; `CASES` is all of them."""

from . import arrays, derivatives, indexing, loading, networks, optimizers, small, training  # noqa: F401 - they hold the cases
from .case import CASES, GROUPS, chosen

__all__ = ["CASES", "GROUPS", "chosen"]
