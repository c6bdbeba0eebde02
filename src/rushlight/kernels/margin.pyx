# cython: boundscheck=False, wraparound=False, cdivision=True
"""Losses that keep the scores of classes apart by a margin, of float32 and float64 matrices, and their gradients.

A function returns NotImplemented for other dtypes, and for targets that are not int64 or name no class.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t

from rushlight.kernels.buffers cimport empty, row_major
from rushlight.kernels.parallel cimport spread

cnp.import_array()

# Numbers that are worth a thread.
cdef Py_ssize_t LEAST = 1 << 15

cdef extern from "kernels/margins.h":
    ctypedef struct rl_margins:
        const void *x
        const void *g
        const int64_t *target
        void *out
        Py_ssize_t classes
        double margin
        int squared
    void rl_margins_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_margins_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_margins_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_margins_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil


cdef bint settle(rl_margins *m, object x, object target, object p, double margin):
    """Note where the scores and targets are; False for what is declined."""
    cdef cnp.ndarray a, t
    cdef Py_ssize_t k
    if not isinstance(x, cnp.ndarray) or not isinstance(target, cnp.ndarray):
        return False
    a, t = x, target
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    if cnp.PyArray_TYPE(t) != cnp.NPY_INT64 or cnp.PyArray_NDIM(a) != 2 or cnp.PyArray_NDIM(t) != 1:
        return False
    if not cnp.PyArray_ISCARRAY_RO(a) or not cnp.PyArray_ISCARRAY_RO(t) or cnp.PyArray_DIM(a, 0) != cnp.PyArray_DIM(t, 0):
        return False
    m.x, m.target, m.classes = cnp.PyArray_DATA(a), <const int64_t *>cnp.PyArray_DATA(t), cnp.PyArray_DIM(a, 1)
    m.margin, m.squared = margin, p == 2
    for k in range(cnp.PyArray_DIM(t, 0)):
        if m.target[k] < 0 or m.target[k] >= m.classes:
            return False
    return True


def multi_margin_loss(x, target, *, p, double margin):
    """The loss of each row of x."""
    cdef rl_margins m
    cdef cnp.ndarray out
    cdef Py_ssize_t rows
    if not settle(&m, x, target, p, margin):
        return NotImplemented
    out = empty(1, cnp.PyArray_DIMS(<cnp.ndarray>x), cnp.PyArray_TYPE(<cnp.ndarray>x))
    m.out, rows = cnp.PyArray_DATA(out), cnp.PyArray_DIM(<cnp.ndarray>x, 0)
    with nogil:
        spread(rl_margins_f4 if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32 else rl_margins_f8, &m, rows, LEAST // (m.classes + 1) + 1)
    return out


def through_multi_margin(g, x, target, p, double margin):
    """The gradient of x from that of the losses."""
    cdef rl_margins m
    cdef cnp.ndarray out, given
    cdef Py_ssize_t rows
    if not settle(&m, x, target, p, margin):
        return NotImplemented
    given = row_major(g, cnp.PyArray_TYPE(<cnp.ndarray>x))
    if given is None or cnp.PyArray_SIZE(given) != cnp.PyArray_DIM(<cnp.ndarray>x, 0):
        return NotImplemented
    out = empty(2, cnp.PyArray_DIMS(<cnp.ndarray>x), cnp.PyArray_TYPE(given))
    m.g, m.out, rows = cnp.PyArray_DATA(given), cnp.PyArray_DATA(out), cnp.PyArray_DIM(out, 0)
    with nogil:
        spread(rl_through_margins_f4 if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32 else rl_through_margins_f8, &m, rows,
               LEAST // (m.classes + 1) + 1)
    return out
