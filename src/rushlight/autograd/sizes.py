"""How much memory arrays hold, and how bytes, times and tables are written."""

import numpy as np

from ..core import Packed, TensorBase
from ..ops.hidden import Batched


def owner(array):
    """The array whose memory `array` lies in: a view keeps all of it alive."""
    while True:
        base = array.base
        if not isinstance(base, np.ndarray):
            # NumPy's as_strided puts an object of its own between the two.
            base = getattr(base, "base", None)
            if not isinstance(base, np.ndarray):
                return array
        array = base


def address(array):
    """Where the memory that `array` lies in begins: the same number for all arrays that share it."""
    return owner(array).__array_interface__["data"][0]


def arrays_in(value):
    """The arrays in a value: of a tensor, an array, what hooks have packed, or tuples, lists and dicts of such."""
    if isinstance(value, TensorBase):
        yield from arrays_in(value._array)
    elif type(value) is Batched:
        # vmap shows one sample of it; the memory is that of all.
        yield from arrays_in(value.hidden)
    elif isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Packed):
        yield from arrays_in(value.value)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from arrays_in(part)
    elif isinstance(value, dict):
        yield from arrays_in(list(value.values()))


def new_bytes(result, inputs):
    """The bytes that an operation has allocated for its result: none where it lies in the memory of an input."""
    before = {address(array) for array in arrays_in(inputs)}
    made = {address(array): owner(array).nbytes for array in arrays_in(result)}
    return sum(size for place, size in made.items() if place not in before)


def format_bytes(count):
    """'39.06 KB', as PyTorch writes it."""
    for size, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if abs(count) >= size:
            return f"{count / size:.2f} {name}"
    return f"{count} B"


def format_time(microseconds):
    """'15.174ms', as PyTorch writes it."""
    for size, name in ((1e6, "s"), (1e3, "ms")):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{name}"
    return f"{microseconds:.3f}us"


def columns(head, rows, left=()):
    """A table as text: columns two spaces apart, right-aligned except for those of the indices `left`."""
    table = [head, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    lines = []
    for row in table:
        cells = [cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return lines
