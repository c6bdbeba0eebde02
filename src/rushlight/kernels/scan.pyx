# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Running sums, products, extrema and logarithms of sums of exponentials along a dimension.

Sums and products of floating numbers are accumulated in float64, of bools and integers in int64. A function returns
NotImplemented for an array it has no loop for.
"""

cimport numpy as cnp
from libc.stdint cimport INT32_MAX, int64_t

from rushlight.kernels.parallel cimport span
from rushlight.kernels.parallel cimport spread as share
from rushlight.kernels.reduce cimport RL_WORTH, contiguous, kind_of

cdef extern from "kernels/scan.h" nogil:
    ctypedef struct rl_scan:
        const void *x
        void *out
        int64_t *places
        Py_ssize_t n, inner, tiles
        int reverse
    const span rl_scans[7][5]
    Py_ssize_t RL_WIDTH, RL_TOGETHER
    int RL_CUMSUM, RL_CUMPROD, RL_CUMMAX, RL_CUMMIN, RL_LOGCUMSUMEXP

cnp.import_array()


cdef object scanned(object x, object dim, int what, bint reverse=False):
    cdef cnp.ndarray array = contiguous(x), out, places = None
    cdef Py_ssize_t axis, ndim, outer = 1, tasks, each, k
    cdef int kind, number
    cdef rl_scan s
    if array is None or cnp.PyArray_NDIM(array) == 0 or cnp.PyArray_SIZE(array) == 0:
        return NotImplemented
    ndim, axis = cnp.PyArray_NDIM(array), dim
    axis += ndim if axis < 0 else 0
    number = kind_of(array)
    if not 0 <= axis < ndim or rl_scans[number][what] == NULL or cnp.PyArray_DIM(array, <int>axis) > INT32_MAX:
        return NotImplemented
    kind = cnp.PyArray_TYPE(array)
    if number > 1 and (what == RL_CUMSUM or what == RL_CUMPROD):
        kind = cnp.NPY_INT64
    out = cnp.PyArray_SimpleNew(<int>ndim, cnp.PyArray_DIMS(array), kind)
    s.x, s.out, s.places, s.reverse = cnp.PyArray_DATA(array), cnp.PyArray_DATA(out), NULL, reverse
    if what == RL_CUMMAX or what == RL_CUMMIN:
        places = cnp.PyArray_SimpleNew(<int>ndim, cnp.PyArray_DIMS(array), cnp.NPY_INT64)
        s.places = <int64_t*>cnp.PyArray_DATA(places)
    s.n, s.inner = cnp.PyArray_DIM(array, <int>axis), 1
    for k in range(axis):
        outer *= cnp.PyArray_DIM(array, <int>k)
    for k in range(axis + 1, ndim):
        s.inner *= cnp.PyArray_DIM(array, <int>k)
    s.tiles = (s.inner + RL_WIDTH - 1) // RL_WIDTH
    tasks, each = outer * s.tiles, s.n * min(s.inner, RL_WIDTH)
    if cnp.PyArray_SIZE(array) < RL_WORTH // 4:
        rl_scans[number][what](&s, 0, tasks)
    else:
        with nogil:
            share(rl_scans[number][what], &s, tasks, max(RL_WORTH // 8 // each, RL_TOGETHER if s.inner == 1 else 1))
    return out if places is None else (out, places)


def cumsum(x, dim, bint reverse=False):
    return scanned(x, dim, RL_CUMSUM, reverse)


def cumprod(x, dim):
    return scanned(x, dim, RL_CUMPROD)


def cummax(x, dim):
    """(values, places); of several the last place."""
    return scanned(x, dim, RL_CUMMAX)


def cummin(x, dim):
    return scanned(x, dim, RL_CUMMIN)


def logcumsumexp(x, dim):
    return scanned(x, dim, RL_LOGCUMSUMEXP)
