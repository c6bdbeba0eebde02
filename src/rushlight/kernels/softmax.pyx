# cython: boundscheck=False, wraparound=False, cdivision=True
"""Softmax and log-softmax over the last dimension of contiguous float32 and float64 arrays, and their gradients."""

cimport numpy as cnp
from libc.math cimport exp, expf, log, logf

cnp.import_array()

ctypedef fused real:
    float
    double

cdef extern from "Python.h":
    ctypedef struct PyThreadState:
        pass
    PyThreadState* PyEval_SaveThread() nogil
    void PyEval_RestoreThread(PyThreadState* state) nogil

cdef enum:
    UNLOCK = 20000          # from so many elements on, other threads may run meanwhile
    NUMPY_FROM = 4096       # NumPy's vectorised exp wins from about so many elements on

ctypedef enum Work:
    SOFTMAX, LOG_SOFTMAX, THROUGH_SOFTMAX, THROUGH_LOG_SOFTMAX


cdef inline double expd(real x) noexcept nogil:
    if real is float:
        return expf(x)
    else:
        return exp(x)


cdef void forward(const real* x, real* out, Py_ssize_t rows, Py_ssize_t n, bint logs) noexcept nogil:
    cdef Py_ssize_t r, i
    cdef real high
    cdef double total
    for r in range(rows):
        high = x[0]
        for i in range(1, n):
            if x[i] > high:
                high = x[i]
        total = 0
        if logs:
            for i in range(n):
                total += expd[real](x[i] - high)
            total = log(total)
            for i in range(n):
                out[i] = <real>(x[i] - high - total)
        else:
            for i in range(n):
                out[i] = <real>expd[real](x[i] - high)
                total += out[i]
            total = 1 / total
            for i in range(n):
                out[i] = <real>(out[i] * total)
        x += n
        out += n


cdef void backward(const real* g, const real* y, real* out, Py_ssize_t rows, Py_ssize_t n, bint logs) noexcept nogil:
    cdef Py_ssize_t r, i
    cdef double total
    for r in range(rows):
        total = 0
        if logs:
            for i in range(n):
                total += g[i]
            for i in range(n):
                out[i] = <real>(g[i] - expd[real](y[i]) * total)
        else:
            for i in range(n):
                total += <double>g[i] * y[i]
            for i in range(n):
                out[i] = <real>(y[i] * (g[i] - total))
        g += n
        y += n
        out += n


cdef inline bint direct(object x) noexcept:
    if not cnp.PyArray_CheckExact(x):
        return False
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray>x)
    return (kind == cnp.NPY_FLOAT or kind == cnp.NPY_DOUBLE) and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>x)


cdef object through(object x, object y, object dim, Work work):
    """`x` is the input; for a gradient `x` is what comes in and `y` the output."""
    cdef cnp.ndarray a, b, out
    cdef Py_ssize_t n, rows, last
    cdef PyThreadState* unlocked
    cdef bint logs = work == LOG_SOFTMAX or work == THROUGH_LOG_SOFTMAX
    if not direct(x):
        return NotImplemented
    a = x
    last = cnp.PyArray_NDIM(a) - 1
    if last < 0 or (dim != last and dim != -1) or cnp.PyArray_SIZE(a) == 0:
        return NotImplemented
    n = cnp.PyArray_DIM(a, <int>last)
    rows = cnp.PyArray_SIZE(a) // n
    if work == SOFTMAX or work == LOG_SOFTMAX:
        if rows * n > NUMPY_FROM:
            return NotImplemented
        b = a
    else:
        if not direct(y) or not cnp.PyArray_SAMESHAPE(a, <cnp.ndarray>y):
            return NotImplemented
        b = y
        if cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(b) or (logs and rows * n > NUMPY_FROM):
            return NotImplemented
    out = cnp.PyArray_SimpleNew(<int>last + 1, cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a))
    unlocked = PyEval_SaveThread() if rows * n >= UNLOCK else NULL
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT:
        if work == SOFTMAX or work == LOG_SOFTMAX:
            forward(<const float*>cnp.PyArray_DATA(a), <float*>cnp.PyArray_DATA(out), rows, n, logs)
        else:
            backward(<const float*>cnp.PyArray_DATA(a), <const float*>cnp.PyArray_DATA(b), <float*>cnp.PyArray_DATA(out), rows, n, logs)
    elif work == SOFTMAX or work == LOG_SOFTMAX:
        forward(<const double*>cnp.PyArray_DATA(a), <double*>cnp.PyArray_DATA(out), rows, n, logs)
    else:
        backward(<const double*>cnp.PyArray_DATA(a), <const double*>cnp.PyArray_DATA(b), <double*>cnp.PyArray_DATA(out), rows, n, logs)
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)
    return out


def softmax(x, dim):
    return through(x, None, dim, SOFTMAX)


def log_softmax(x, dim):
    return through(x, None, dim, LOG_SOFTMAX)


def through_softmax(g, out, dim):
    return through(g, out, dim, THROUGH_SOFTMAX)


def through_log_softmax(g, out, dim):
    return through(g, out, dim, THROUGH_LOG_SOFTMAX)
