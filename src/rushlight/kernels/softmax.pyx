# cython: boundscheck=False, wraparound=False, cdivision=True
"""Softmax and log-softmax of float32 and float64 arrays, and their gradients.

A function returns NotImplemented for other dtypes.
"""

cimport numpy as cnp
from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/softmax.h":
    ctypedef struct rl_lines:
        const void *x
        const void *y
        void *out
        Py_ssize_t outer, n, inner
        int logs
    int RL_ABREAST
    void rl_soft_rows_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_soft_rows_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_rows_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_rows_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_soft_columns_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_soft_columns_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_columns_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_columns_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# From so many elements on other threads of Python may run meanwhile, and so many are worth a thread.
cdef Py_ssize_t UNLOCK = 20000, LEAST = 1 << 14


cdef object through(object x, object y, Py_ssize_t dim, bint logs):
    """`x` is the input; for a gradient `x` is what comes in and `y` the output."""
    cdef cnp.ndarray a, b, out
    cdef rl_lines s
    cdef int kind, d, k
    cdef bint single
    cdef span work
    cdef Py_ssize_t lines, line
    if not isinstance(x, cnp.ndarray):
        return NotImplemented
    kind, d = cnp.PyArray_TYPE(<cnp.ndarray>x), cnp.PyArray_NDIM(<cnp.ndarray>x)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or d == 0 or cnp.PyArray_SIZE(<cnp.ndarray>x) == 0:
        return NotImplemented
    single = kind == cnp.NPY_FLOAT32
    if dim < 0:
        dim += d
    a = contiguous(<cnp.ndarray>x)
    b = None
    s.y = NULL
    if y is not None:
        if not isinstance(y, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>y) != kind:
            return NotImplemented
        if not cnp.PyArray_SAMESHAPE(a, <cnp.ndarray>y):
            return NotImplemented
        b = contiguous(<cnp.ndarray>y)
        s.y = cnp.PyArray_DATA(b)
    out = empty(d, cnp.PyArray_DIMS(a), kind)
    s.x, s.out, s.logs = cnp.PyArray_DATA(a), cnp.PyArray_DATA(out), logs
    s.n = cnp.PyArray_DIM(a, <int>dim)
    s.inner = 1
    for k in range(<int>dim + 1, d):
        s.inner *= cnp.PyArray_DIM(a, k)
    s.outer = cnp.PyArray_SIZE(a) // (s.n * s.inner)
    if s.inner == 1:
        lines, line = s.outer, s.n
        if y is None:
            work = rl_soft_rows_f4 if single else rl_soft_rows_f8
        else:
            work = rl_through_rows_f4 if single else rl_through_rows_f8
    else:
        lines, line = s.outer * ((s.inner + RL_ABREAST - 1) // RL_ABREAST), s.n * min(s.inner, <Py_ssize_t>RL_ABREAST)
        if y is None:
            work = rl_soft_columns_f4 if single else rl_soft_columns_f8
        else:
            work = rl_through_columns_f4 if single else rl_through_columns_f8
    if lines * line < UNLOCK:
        work(&s, 0, lines)
    else:
        with nogil:
            spread(work, &s, lines, LEAST // line + 1)
    return out


cdef class Softmax(Kernel):
    """Softmax along a dimension, or its logarithm."""

    cdef bint logs

    cdef object call2(self, object x, object dim):
        return through(x, None, dim, self.logs)


cdef Softmax kernel(bint logs):
    cdef Softmax made = Softmax()
    made.logs = logs
    return made


softmax_along, log_softmax_along = kernel(False), kernel(True)


def softmax(x, dim):
    return through(x, None, dim, False)


def log_softmax(x, dim):
    return through(x, None, dim, True)


def through_softmax(g, out, dim):
    return through(g, out, dim, False)


def through_log_softmax(g, out, dim):
    return through(g, out, dim, True)
