# cython: boundscheck=False, wraparound=False, cdivision=True
"""Sums and maxima of the rows of a float32 or float64 table, bag by bag.

A function returns NotImplemented for other dtypes, and for indices that are not int64.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t

from rushlight.kernels.buffers cimport empty, row_major
from rushlight.kernels.parallel cimport family, span, spread

cnp.import_array()

cdef extern from "kernels/bags.h":
    const int *rl_family
    ctypedef struct rl_bags:
        const void *table
        const void *factors
        void *out
        const int64_t *index
        const int64_t *starts
        int64_t *winners
        Py_ssize_t rows, width, count, bags
        int outside
    void rl_bags_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_bags_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_maxima_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_maxima_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

rl_family = &family

# Numbers that are worth a thread.
cdef Py_ssize_t LEAST = 1 << 15


cdef bint ordered(const int64_t *starts, Py_ssize_t bags, Py_ssize_t count) noexcept:
    cdef Py_ssize_t k
    for k in range(bags):
        if starts[k] < (starts[k - 1] if k else 0) or starts[k] > count:
            return False
    return True


cdef object over(object weight, object factors, object indices, object offsets, bint largest):
    """The sum of each bag, or (its largest elements, their rows)."""
    cdef rl_bags s
    cdef cnp.ndarray table, index, starts, own = None, out, winners = None
    cdef cnp.npy_intp shape[2]
    cdef span work
    cdef int kind
    if not isinstance(weight, cnp.ndarray) or cnp.PyArray_NDIM(<cnp.ndarray>weight) != 2:
        return NotImplemented
    kind = cnp.PyArray_TYPE(<cnp.ndarray>weight)
    if kind == cnp.NPY_FLOAT32:
        work = rl_maxima_f4 if largest else rl_bags_f4
    elif kind == cnp.NPY_FLOAT64:
        work = rl_maxima_f8 if largest else rl_bags_f8
    else:
        return NotImplemented
    table, index, starts = row_major(weight, kind), row_major(indices, cnp.NPY_INT64), row_major(offsets, cnp.NPY_INT64)
    if index is None or starts is None:
        return NotImplemented
    s.factors = NULL
    if factors is not None:
        own = row_major(factors, kind)
        if own is None or cnp.PyArray_SIZE(own) != cnp.PyArray_SIZE(index):
            return NotImplemented
        s.factors = cnp.PyArray_DATA(own)
    s.rows, s.width, s.outside = cnp.PyArray_DIM(table, 0), cnp.PyArray_DIM(table, 1), False
    s.count, s.bags = cnp.PyArray_SIZE(index), cnp.PyArray_SIZE(starts)
    s.table, s.index, s.starts = cnp.PyArray_DATA(table), <const int64_t *>cnp.PyArray_DATA(index), <const int64_t *>cnp.PyArray_DATA(starts)
    if not ordered(s.starts, s.bags, s.count):
        return NotImplemented
    shape[0], shape[1] = s.bags, s.width
    out = empty(2, shape, kind)
    s.out = cnp.PyArray_DATA(out)
    if largest:
        winners = empty(2, shape, cnp.NPY_INT64)
        s.winners = <int64_t *>cnp.PyArray_DATA(winners)
    with nogil:
        spread(work, &s, s.bags, LEAST // ((s.count // (s.bags + 1) + 1) * (s.width + 4)) + 1)
    if s.outside:
        raise IndexError("index out of range in self")
    return (out, winners) if largest else out


def bag_sum(weight, factors, indices, offsets):
    """The rows of weight (V, D) at indices (N,), each by its factor, added up from one offset to the next: (B, D)."""
    return over(weight, factors, indices, offsets, False)


def bag_max(weight, indices, offsets):
    """The largest element of each column among those rows, and its row: -1 for an empty bag."""
    return over(weight, None, indices, offsets, True)
