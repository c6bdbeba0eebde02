"""The cross product of vectors in space."""

import numpy as np

from .. import kernels
from .batch_rules import all_full, lined_up, shifted
from .copying import sum_to
from .declare import linear


def cross_samples(op, size, inputs, batched, params):
    x, y = all_full(size, lined_up(inputs, batched), batched)
    return cross(x, y, dim=shifted(params["dim"]))


@linear(
    batch=cross_samples,
    backward="LinalgCrossBackward0",
    x=lambda g, y, x_shape, dim: sum_to(cross(y, g, dim=dim), shape=x_shape),
    y=lambda g, x, y_shape, dim: sum_to(cross(g, x, dim=dim), shape=y_shape),
)
def cross(x, y, *, dim):
    """x times y along `dim`, of size 3; other dimensions broadcast."""
    x, y = np.moveaxis(x, dim, 0), np.moveaxis(y, dim, 0)
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=dim).astype(x.dtype, copy=False)


_fast = kernels.load("matrix")
if _fast is not None:
    cross.accelerate(_fast.cross)
