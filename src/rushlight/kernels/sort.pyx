# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Sorting along a dimension, the first so many of an order, ranks, modes, and distinct values: floats and integers.

Orders are stable; nan is above all numbers, and -0 equal to 0. Each function gives the elements and where they stand,
or NotImplemented for arrays that it was not made for.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t

from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/sort.h" nogil:
    ctypedef void (*rl_share)(span, void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    ctypedef struct rl_lanes:
        const char *x
        char *values
        int64_t *indices
        Py_ssize_t n, inner, k, rank
        uint64_t backward
        int what, failed
        void *room
        rl_share share
    enum: RL_LONG
    enum: RL_SORT_ALL
    enum: RL_SORT_FIRST
    enum: RL_KTH
    enum: RL_MEDIAN
    enum: RL_NANMEDIAN
    enum: RL_MODE
    void rl_lanes_short_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_lanes_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_lanes_short_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_lanes_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_lanes_short_i2(void *, Py_ssize_t, Py_ssize_t)
    void rl_lanes_short_i1(void *, Py_ssize_t, Py_ssize_t)
    void rl_lanes_short_u1(void *, Py_ssize_t, Py_ssize_t)
    Py_ssize_t rl_lanes_f4_unique(const float *, Py_ssize_t, float *, int64_t *, int64_t *, void *, rl_share)
    Py_ssize_t rl_lanes_f8_unique(const double *, Py_ssize_t, double *, int64_t *, int64_t *, void *, rl_share)
    Py_ssize_t rl_lanes_i8_unique(const int64_t *, Py_ssize_t, int64_t *, int64_t *, int64_t *, void *, rl_share)

# Elements whose sorting is worth a thread of its own.
cdef enum:
    LEAST = 2048


cdef span loop_for(int kind) noexcept:
    if kind == cnp.NPY_FLOAT:
        return rl_lanes_short_f4
    if kind == cnp.NPY_DOUBLE:
        return rl_lanes_f8
    if kind == cnp.NPY_INT64:
        return rl_lanes_i8
    if kind == cnp.NPY_INT32:
        return rl_lanes_short_i4
    if kind == cnp.NPY_INT16:
        return rl_lanes_short_i2
    if kind == cnp.NPY_INT8:
        return rl_lanes_short_i1
    if kind == cnp.NPY_UINT8 or kind == cnp.NPY_BOOL:
        return rl_lanes_short_u1
    return NULL


cdef cnp.ndarray room_for(Py_ssize_t n, int kind):
    """Memory for n items of a dtype, and as many again."""
    cdef cnp.npy_intp numbers = 2 * n * (2 if kind == cnp.NPY_DOUBLE or kind == cnp.NPY_INT64 else 1)
    return empty(1, &numbers, cnp.NPY_UINT64)


cdef object lanes(cnp.ndarray x, int dim, int what, Py_ssize_t k, bint backward, bint keepdim, Py_ssize_t rank):
    """(values, indices): k for each lane of x along `dim`, all for -1."""
    cdef rl_lanes s
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray values, indices, room
    cdef int d, ndim = cnp.PyArray_NDIM(x), kind = cnp.PyArray_TYPE(x), left = 0
    cdef span loop = loop_for(kind)
    cdef Py_ssize_t outer = 1
    if dim < 0:
        dim += ndim
    if loop == NULL or ndim == 0 or not cnp.PyArray_ISBEHAVED_RO(x):
        return NotImplemented
    s.n, s.inner, s.rank, s.what, s.failed = cnp.PyArray_DIM(x, dim), 1, rank, what, 0
    if k < 0:
        k = s.n
    s.k = k
    s.backward = <uint64_t>-1 if backward else 0
    # A place has 32 bits.
    if s.n == 0 or s.n >= <Py_ssize_t>1 << 32:
        return NotImplemented
    x = contiguous(x)
    for d in range(ndim):
        if d == dim and not keepdim:
            continue
        dims[left] = k if d == dim else cnp.PyArray_DIM(x, d)
        left += 1
    for d in range(ndim):
        if d < dim:
            outer *= cnp.PyArray_DIM(x, d)
        elif d > dim:
            s.inner *= cnp.PyArray_DIM(x, d)
    values = empty(left, dims, kind)
    indices = empty(left, dims, cnp.NPY_INT64)
    s.x, s.values, s.indices = cnp.PyArray_BYTES(x), cnp.PyArray_BYTES(values), <int64_t*>cnp.PyArray_DATA(indices)
    s.room, s.share = NULL, NULL
    if outer * s.inner == 1 and s.n >= RL_LONG:
        room = room_for(s.n, kind)
        s.room, s.share = cnp.PyArray_DATA(room), spread
    if k and outer * s.inner:
        with nogil:
            spread(loop, &s, outer * s.inner, max(1, LEAST // s.n))
    return NotImplemented if s.failed else (values, indices)


def sort(x, dim, descending=False, stable=False):
    """The values along `dim` in order, and where they stood."""
    return lanes(x, dim, RL_SORT_ALL, -1, descending, True, 0)


def argsort(x, dim, descending=False, stable=False):
    """Where the values along `dim` stand in their order."""
    found = sort(x, dim, descending)
    return found if found is NotImplemented else found[1]


def topk(x, k, dim, largest=True, sorted=True):
    """The first k of the order."""
    return lanes(x, dim, RL_SORT_FIRST, k, largest, True, 0)


def kthvalue(x, k, dim, keepdim=False):
    """The k-th of the ascending order, counted from 1."""
    return lanes(x, dim, RL_KTH, 1, False, keepdim, k - 1)


def median_dim(x, dim, keepdim=False):
    """The lower median; the first nan where there is one."""
    return lanes(x, dim, RL_MEDIAN, 1, False, keepdim, 0)


def nanmedian_dim(x, dim, keepdim=False):
    """The lower median of the numbers; the first nan where there are none."""
    return lanes(x, dim, RL_NANMEDIAN, 1, False, keepdim, 0)


def mode(x, dim, keepdim=False):
    """The most frequent value, the smallest of several, and where it is last."""
    return lanes(x, dim, RL_MODE, 1, False, keepdim, 0)


def unique(cnp.ndarray x not None, inverse=True, counts=True):
    """The distinct values in order; where each element's is among them, and how often it is there (empty where not asked)."""
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), found
    cdef cnp.npy_intp size = n, of_inverse = n if inverse else 0, of_counts = n if counts else 0
    if kind != cnp.NPY_FLOAT and kind != cnp.NPY_DOUBLE and kind != cnp.NPY_INT64 or n >= <Py_ssize_t>1 << 32:
        return NotImplemented
    if not cnp.PyArray_ISBEHAVED_RO(x):
        return NotImplemented
    x = contiguous(x)
    cdef cnp.ndarray values = empty(1, &size, kind)
    cdef cnp.ndarray places = empty(1, &of_inverse, cnp.NPY_INT64)
    cdef cnp.ndarray often = empty(1, &of_counts, cnp.NPY_INT64)
    cdef int64_t *back = <int64_t*>cnp.PyArray_DATA(places) if inverse else NULL
    cdef int64_t *count = <int64_t*>cnp.PyArray_DATA(often) if counts else NULL
    cdef cnp.ndarray room = room_for(n, kind)
    cdef void *data = cnp.PyArray_DATA(x)
    cdef void *to = cnp.PyArray_DATA(values)
    with nogil:
        if kind == cnp.NPY_FLOAT:
            found = rl_lanes_f4_unique(<const float*>data, n, <float*>to, back, count, cnp.PyArray_DATA(room), spread)
        elif kind == cnp.NPY_DOUBLE:
            found = rl_lanes_f8_unique(<const double*>data, n, <double*>to, back, count, cnp.PyArray_DATA(room), spread)
        else:
            found = rl_lanes_i8_unique(<const int64_t*>data, n, <int64_t*>to, back, count, cnp.PyArray_DATA(room), spread)
    return values[:found].copy(), places.reshape((<object>x).shape) if inverse else places, often[:found].copy() if counts else often
