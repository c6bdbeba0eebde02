"""What a picture says of an array: its shape and dtype, and its numbers, all of them where they are few."""

import math

import numpy as np

from ..dtypes import of
from ..ops.hidden import Batched

# As many numbers are shown one by one; of more, the first ones.
FEW = 32
_FIRST = 6


def summary(array):
    """{"shape", "dtype", "text", "full", "facts"} of an array, ready for JSON; None of what holds no numbers.

    `text` has the numbers, all of them where `full` is true; `facts` are pairs of a word and a number, as text.
    """
    if isinstance(array, (bool, int, float, complex)):
        return {"shape": "number", "dtype": type(array).__name__, "text": number(array), "full": True, "facts": []}
    if type(array) is Batched or not isinstance(array, np.ndarray):
        return None
    full = array.size <= FEW
    return {
        "shape": shape_text(array.shape),
        "dtype": str(of(array.dtype)).rpartition(".")[2],
        "text": nested(array) if full else ", ".join(map(number, array.flat[:_FIRST])) + ", ...",
        "full": full,
        "facts": facts(array),
    }


def facts(array):
    """[[word, text], ...]: extremes, mean and norm of what is finite, and how many elements are zero or not finite."""
    if array.size < 2 or array.dtype.kind not in "fViub":
        return []
    numbers = array.astype(np.float32) if array.dtype.kind == "V" or array.dtype == np.float16 else array
    found = []
    if numbers.dtype.kind == "f":
        finite = np.isfinite(numbers)
        if not finite.all():
            for word, count in (("nan", np.isnan(numbers).sum()), ("inf", np.isinf(numbers).sum())):
                if count:
                    found.append([word, str(int(count))])
            numbers = numbers[finite]
    if numbers.size:
        wide = numbers.astype(np.float64)
        with np.errstate(all="ignore"):
            measured = (("min", numbers.min()), ("mean", wide.mean()), ("max", numbers.max()), ("norm", norm(wide)))
        found = [[word, number(value.item())] for word, value in measured] + found
        zeros = int((numbers == 0).sum())
        if zeros:
            found.append(["zeros", f"{zeros} of {array.size}"])
    return found


def norm(wide):
    return np.sqrt(np.square(wide).sum())


def number(value):
    """A number as people write it, in at most six figures."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, (int, float, complex)):
        return str(value)
    if isinstance(value, complex):
        return f"{value:.4g}"
    if isinstance(value, int):
        return str(value)
    if math.isfinite(value) and value == round(value) and abs(value) < 1e6:
        return f"{value:.0f}."
    return f"{value:.6g}"


def nested(array):
    """'[[1., 2.], [3., 4.]]'."""
    if array.ndim == 0:
        return number(array[()] if array.dtype.kind != "V" else float(array))
    return "[" + ", ".join(nested(part) if part.ndim else number(part[()]) for part in map(np.asarray, array)) + "]"


def shape_text(shape):
    """'scalar', '3' or '2×3'."""
    return "×".join(map(str, shape)) if len(shape) else "scalar"
