"""python -m benchmarks.sweep: every operation of the registry beside PyTorch, on 1,000 and on 1,000,000 elements.

A row per operation, in the file of its family. `ROWS` is all of them.
"""

from importlib import import_module
from pathlib import Path

ROWS = [
    row
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "__main__", "row")
    for row in import_module(f"{__name__}.{path.stem}").ROWS
]
