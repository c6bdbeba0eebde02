"""Rows of samples, a file per family; `ROWS` is all of them."""

from importlib import import_module
from pathlib import Path

ROWS = [
    row
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "row")
    for row in import_module(f"{__name__}.{path.stem}").ROWS
]
