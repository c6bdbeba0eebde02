"""Which dtypes an operation takes, and PyTorch's words for the others."""

import numpy as np

from ..dtypes import of, result_dtype
from ..errors import coded

FLOATING = "fV"
REAL = "iufV"
REAL_OR_BOOL = "biufV"
INTEGRAL = "iu"
INTEGRAL_OR_BOOL = "biu"
NUMBERS = "iufcV"


def supports(x, kinds, kernel):
    """Refuse the array x unless its NumPy dtype kind is in `kinds`; `kernel` is what PyTorch calls the operation."""
    if x.dtype.kind not in kinds:
        raise coded("RL322", NotImplementedError(f"\"{kernel}\" not implemented for '{of(x.dtype).scalar_type}'"))


def has_kind(operands, kind):
    """Whether one of the operands is an array of that NumPy dtype kind."""
    return any(isinstance(x, np.ndarray) and x.dtype.kind == kind for x in operands)


def in_common_dtype(*operands):
    """Arrays and numbers as arrays of the dtype that they promote to."""
    target = result_dtype(operands).numpy
    return [np.asarray(x).astype(target, copy=False) for x in operands]


def in_float32(*ops):
    """Let the forwards of `ops`, which take several steps, take them in float32 for 16-bit floats and round once."""
    for op in ops:
        op.forward = _widened(op.forward)


def _widened(forward):
    def compute(*operands, **params):
        narrow = next((x.dtype for x in operands if _is_narrow(x)), None)
        if narrow is None:
            return forward(*operands, **params)
        wide = [x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == narrow else x for x in operands]
        return np.asarray(forward(*wide, **params)).astype(narrow)

    # The page of operations lists it with its family.
    compute.__module__ = forward.__module__
    return compute


def _is_narrow(x):
    return isinstance(x, np.ndarray) and x.itemsize == 2 and x.dtype.kind in FLOATING


def without_derivative(name):
    """The rule of an operation that has a derivative nobody has written: to differentiate it is an error."""

    def rule(g):
        raise coded("RL129", NotImplementedError(f"derivative for aten::{name} is not implemented"))

    return rule
