"""Distances between the rows of two tensors."""

import numpy as np

from .. import casting
from ..core import wrap
from ..ops import distance as ops
from ..ops.copying import expand
from .arguments import check_tensor
from .broadcasting import common_shape
from .reduction import scalar_type

_MANY = 25


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """The p-norm distance of each row of x1 (*, P, M) to each row of x2 (*, R, M): (*, P, R).

    For p = 2 and more than 25 rows the derivatives are found by matrix products, and so are the distances where there
    are no kernels: quick, and less exact for points that are close to each other. `compute_mode`
    "donot_use_mm_for_euclid_dist" or "use_mm_for_euclid_dist" decides otherwise. Where points coincide the gradient is
    zero.

    >>> import rushlight
    >>> rushlight.cdist(rushlight.tensor([[0.0, 0.0], [3.0, 0.0]]), rushlight.tensor([[0.0, 4.0]]))
    tensor([[4.],
            [5.]])
    """
    check_tensor(x1, "cdist", 1, "x1")
    check_tensor(x2, "cdist", 2, "x2")
    if isinstance(p, bool) or not isinstance(p, (int, float)):
        raise TypeError(f"cdist(): argument 'p' (position 3) must be float, not {type(p).__name__}")
    if casting.in_force:
        x1, x2 = casting.wide(x1, x2)
    product = _by_product(compute_mode, p, x1, x2)
    _check(x1, x2, p)
    x1, x2 = _same_batch(x1, x2)
    return ops.euclidean_dist(x1, x2) if product else ops.cdist(x1, x2, ord=float(p))


def _by_product(mode, p, x1, x2):
    """Whether a matrix product is to be used."""
    if mode == "use_mm_for_euclid_dist_if_necessary":
        many = x1.ndim > 1 < x2.ndim and max(x1.shape[-2], x2.shape[-2]) > _MANY
        return p == 2 and many
    if mode not in ("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        raise ValueError(f"{mode} is not a valid value for compute_mode")
    return p == 2 and mode == "use_mm_for_euclid_dist"


def _check(x1, x2, p):
    for i, x in enumerate((x1, x2), 1):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, X{i} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for i, x in enumerate((x1, x2), 1):
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, X{i} got: {scalar_type(x)}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if x1.dtype != x2.dtype:
        raise RuntimeError(f"expected scalar type {scalar_type(x1)} but found {scalar_type(x2)}")
    if scalar_type(x1) not in ("Float", "Double"):
        raise NotImplementedError(f"\"cdist\" not implemented for '{scalar_type(x1)}'")


def _same_batch(x1, x2):
    """Both with the same leading dimensions."""
    if x1.shape[:-2] == x2.shape[:-2]:
        return x1, x2
    batch = common_shape([wrap(np.empty(x.shape[:-2])) for x in (x1, x2)])
    return [x if x.shape[:-2] == batch else expand(x, shape=(*batch, *x.shape[-2:])) for x in (x1, x2)]
