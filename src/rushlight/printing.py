"""The text of a tensor, character for character as PyTorch writes it, made from a NumPy array.

The elements that will be shown become padded cells, then the cells are laid out in brackets. An array of more
than `threshold` elements is cut to its corners before that, so a huge one costs no more than a small one.
"""

import math
from contextlib import contextmanager

import numpy as np

from . import dtypes

__all__ = ["array_repr", "get_printoptions", "printoptions", "set_printoptions"]

_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Set how tensors are printed, for all threads; what is None stays as it is, except `sci_mode`.

    Args:
        precision: digits after the point (4 at first).
        threshold: a tensor of more elements is printed as its corners (1000).
        edgeitems: how many items a corner shows at each end of a dimension (3).
        linewidth: characters per line, where lines are broken (80).
        profile: "default", "short" or "full": values for the four above, which explicit ones override.
        sci_mode: True or False forces scientific notation on or off; None chooses by the values, and so does
            leaving it out, whatever it was before.

    Raises:
        ValueError: an unknown profile; a precision or edgeitems that is not a non-negative integer.

    Example::

        >>> rushlight.set_printoptions(precision=2)
        >>> rushlight.tensor([1.12345])
        tensor([1.12])
        >>> rushlight.set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
    for name, count in (("precision", precision), ("edgeitems", edgeitems)):
        if count is not None and not (isinstance(count, (int, np.integer)) and count >= 0):
            raise ValueError(f"set_printoptions: {name} must be a non-negative integer, got {count!r}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update(_PROFILES.get(profile, {}))
    _options.update((name, value) for name, value in given.items() if value is not None)
    _options["sci_mode"] = sci_mode


def get_printoptions():
    """The print options as a new dict: precision, threshold, edgeitems, linewidth and sci_mode.

    Example::

        >>> get_printoptions()["precision"]
        4
    """
    return dict(_options)


@contextmanager
def printoptions(**options):
    """Print with other options, as :func:`set_printoptions` takes them, until the block ends.

    Example::

        >>> with printoptions(precision=2):
        ...     print(rushlight.tensor([1.12345]))
        tensor([1.12])
    """
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        _options.update(before)


def array_repr(array, *, requires_grad=False, grad_fn_name=None, prefix="tensor(", tangent=None):
    """The repr of a tensor that holds `array`.

    Args:
        array: a NumPy array of any shape and of any dtype that tensors have.
        requires_grad: say `requires_grad=True`, unless there is a `grad_fn_name`.
        grad_fn_name: say `grad_fn=<name>`.
        prefix: all that stands before the values; the length of its last line is the indentation.
        tangent: the tensor that forward mode carries along, written by its own `format`.

    Example::

        >>> array_repr(np.array([[1, 2], [3, 4]], np.float32), requires_grad=True)
        'tensor([[1., 2.],\\n        [3., 4.]], requires_grad=True)'
    """
    indent = len(prefix) - prefix.rfind("\n") - 1
    suffixes = []
    if _names_size(array):
        suffixes.append(f"size={array.shape}")
    dtype = dtypes.of(array.dtype)
    if not _dtype_is_implied(dtype, empty=array.size == 0):
        suffixes.append(f"dtype={dtype!r}")
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")
    return _append(prefix + _body(array, indent), suffixes, indent) + ")"


def _names_size(array):
    if array.size == 0:
        return array.ndim != 1
    return _options["edgeitems"] == 0


def _dtype_is_implied(dtype, empty):
    """Whether the values alone, as they are printed, would make a tensor of this dtype."""
    if dtype is dtypes.get_default_dtype():
        return True
    return not empty and dtype in (dtypes.bool_, dtypes.int64, dtypes.default_complex())


def _append(text, suffixes, indent):
    """Add `, suffix` for each, on a new line where the line would grow too long."""
    column = len(text) - text.rfind("\n") + 1  # two more than the line has, as PyTorch counts
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text


def _body(array, indent):
    if array.size == 0:
        return "[]"
    edge, cut = _options["edgeitems"], (False,) * array.ndim
    if array.ndim and array.size > _options["threshold"]:
        if edge == 0:
            return "[...]"
        cut = tuple(size > 2 * edge for size in array.shape)
        array = _corners(array, edge)
    cells, width = _cells(array)
    if array.ndim == 0:
        return cells[0]
    room = (_options["linewidth"] - indent - array.ndim + 1) / (width + 2)
    per_line = max(1, math.floor(min(room, array.shape[-1] + 1)))
    return _layout(cells, array.shape, cut, indent + 1, per_line)


def _corners(array, edge):
    """The first and last `edge` items along every dimension longer than both together."""
    kept = ((*range(edge), *range(size - edge, size)) if size > 2 * edge else range(size) for size in array.shape)
    return array[np.ix_(*kept)]


def _layout(cells, shape, cut, indent, per_line):
    """The bracketed text of `cells`, a flat list in row-major order, whose items start at column `indent`."""
    if len(shape) == 1:
        if cut[0]:
            middle = len(cells) // 2
            cells = [*cells[:middle], " ...", *cells[middle:]]
        lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * indent).join(lines) + "]"
    step = len(cells) // shape[0]
    rows = [_layout(cells[i : i + step], shape[1:], cut[1:], indent + 1, per_line) for i in range(0, len(cells), step)]
    if cut[0]:
        rows.insert(len(rows) // 2, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * indent).join(rows) + "]"


def _cells(array):
    """One padded text per element, in row-major order, and the width by which lines are filled."""
    flat, kind = array.reshape(-1), array.dtype.kind
    if kind == "c":
        return _complex_cells(flat)
    if kind not in "biuf":  # bfloat16, which NumPy does not count among the floats
        flat, kind = flat.astype(np.float32), "f"
    if kind == "f":
        texts, width = _float_texts(flat.tolist())
    else:
        texts = [str(value) for value in flat.tolist()]
        width = max(map(len, texts))
    return [text.rjust(width) for text in texts], width


def _complex_cells(flat):
    """The real parts are aligned in a column; the imaginary parts follow them unpadded."""
    real, real_width = _float_texts(flat.real.tolist())
    imag, imag_width = _float_texts(flat.imag.tolist())
    cells = [f"{x:>{real_width}}{'' if y[0] == '-' else '+'}{y}j" for x, y in zip(real, imag)]
    return cells, real_width + imag_width + 1


def _float_texts(values):
    """Texts of Python floats in one notation, and their column width, which leaves out 0, inf and nan."""
    counted = [value for value in values if value and math.isfinite(value)]
    notation = _notation(counted) if counted else "%.0f."
    texts = [notation % value if math.isfinite(value) else str(value) for value in values]
    return texts, max((len(notation % value) for value in counted), default=1)


def _notation(values):
    """The %-format that shows finite non-zero `values` best: `1.0000e+00`, `1.` or `1.0000`."""
    precision, scientific = _options["precision"], _options["sci_mode"]
    if scientific is None:
        sizes = [abs(value) for value in values]
        largest, smallest = max(sizes), min(sizes)
        scientific = largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4
    if scientific:
        return f"%.{precision}e"
    if all(value.is_integer() for value in values):
        return "%.0f."
    return f"%.{precision}f"
