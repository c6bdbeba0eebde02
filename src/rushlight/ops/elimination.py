"""Gaussian elimination on arrays, for batches of matrices."""

import math

import numpy as np

from .. import kernels

_fast = kernels.load("solve")


def factorized(x):
    """(LU in one matrix, the row exchanged with each, counted from 1, the first zero pivot or 0)."""
    found = NotImplemented if _fast is None else _fast.lu_factor(x)
    return eliminated(x) if found is NotImplemented else found


def eliminated(x):
    """The same, one column after the other for all matrices."""
    m, n = x.shape[-2:]
    count = math.prod(x.shape[:-2])
    lu = x.reshape(count, m, n).copy()
    batch = np.arange(count)
    k_max = min(m, n)
    exchanged = np.zeros((count, k_max), np.int32)
    for k in range(k_max if count else 0):
        below = lu[:, k:, k]
        p = k + (np.abs(below.real) + np.abs(below.imag) if x.dtype.kind == "c" else np.abs(below)).argmax(1)
        exchanged[:, k] = p + 1
        lu[batch, k], lu[batch, p] = lu[batch, p], lu[batch, k].copy()
        pivot = lu[:, k, k, None]
        lu[:, k + 1 :, k] /= np.where(pivot == 0, 1, pivot)
        lu[:, k + 1 :, k + 1 :] -= lu[:, k + 1 :, k, None] * lu[:, None, k, k + 1 :]
    lu = lu.reshape(x.shape)
    return lu, exchanged.reshape(*x.shape[:-2], k_max), first_zeros(lu)


def first_zeros(lu):
    """For each matrix the first zero on the diagonal, counted from 1; 0 for none."""
    zero = np.diagonal(lu, axis1=-2, axis2=-1) == 0
    if not zero.shape[-1]:
        return np.zeros(zero.shape[:-1], np.int32)
    return np.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(np.int32)


def zero_pivots(x):
    """For each matrix the first zero on the diagonal of its LU decomposition, counted from 1; 0 for none."""
    return factorized(x)[2]


def row_order(exchanged, rows):
    """Where each row comes from, after the exchanges of rows (counted from 1) have been made in their order."""
    found = NotImplemented if _fast is None else _fast.row_order(exchanged, rows)
    if found is not NotImplemented:
        return found
    if exchanged.size and not 1 <= exchanged.min() <= exchanged.max() <= rows:
        raise RuntimeError(
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of "
            "lu_factor?"
        )
    count = math.prod(exchanged.shape[:-1])
    flat = exchanged.reshape(count, exchanged.shape[-1])
    order = np.tile(np.arange(rows), (count, 1))
    batch = np.arange(count)
    for k in range(flat.shape[1]):
        p = flat[:, k] - 1
        order[batch, k], order[batch, p] = order[batch, p], order[batch, k].copy()
    return order.reshape(*exchanged.shape[:-1], rows)


def permutation(exchanged, rows, dtype):
    """The matrices P of a = P @ L @ U."""
    return np.swapaxes(np.eye(rows, dtype=dtype)[row_order(exchanged, rows)], -2, -1)
