# cython: boundscheck=False, wraparound=False, cdivision=True
"""Evenly spaced numbers, float32 and float64; `arange` and `linspace` of functions/ranges.py say in NumPy what they are."""

cimport numpy as cnp

from rushlight.kernels.buffers cimport empty
from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef enum:
    # The least number of elements that is worth a thread.
    LEAST = 1 << 15
    # Within a block an int counts, which compilers can turn into floats in vectors.
    BLOCK = 1 << 10

ctypedef fused real:
    float
    double

cdef struct Range:
    void *out
    double first, last, step
    Py_ssize_t n


cdef void count(real *out, Range *r, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t at
    cdef int i, n
    cdef double counted
    at = begin
    while at < end:
        n = <int>min(BLOCK, end - at)
        for i in range(n):
            counted = <double>at + i
            out[at + i] = <real>(counted * r.step + r.first)
        at += BLOCK


cdef void count_f4(void *r, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    count(<float *>(<Range *>r).out, <Range *>r, begin, end)


cdef void count_f8(void *r, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    count(<double *>(<Range *>r).out, <Range *>r, begin, end)


cdef void space(real *out, Range *r, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t at, half = min(max(r.n // 2, begin), end)
    cdef int i, n
    cdef real first = <real>r.first, last = <real>r.last, step = <real>r.step
    at = begin
    while at < half:
        n = <int>min(BLOCK, half - at)
        for i in range(n):
            out[at + i] = first + step * <real>(<double>at + i)
        at += BLOCK
    at = half
    while at < end:
        n = <int>min(BLOCK, end - at)
        for i in range(n):
            out[at + i] = last - step * <real>(<double>(r.n - 1 - at) - i)
        at += BLOCK


cdef void space_f4(void *r, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    space(<float *>(<Range *>r).out, <Range *>r, begin, end)


cdef void space_f8(void *r, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    space(<double *>(<Range *>r).out, <Range *>r, begin, end)


def counted(cnp.ndarray out, double start, double step):
    """Write start + i * step, worked out in float64, over an array of one dimension; False for other dtypes."""
    cdef Range r
    cdef int kind = cnp.PyArray_TYPE(out)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return False
    r.out, r.first, r.step, r.n = cnp.PyArray_DATA(out), start, step, cnp.PyArray_SIZE(out)
    with nogil:
        spread(count_f4 if kind == cnp.NPY_FLOAT32 else count_f8, &r, r.n, LEAST)
    return True


def spaced(cnp.ndarray out, double first, double last, double step):
    """Write first + i * step, and from the middle on last - (n - 1 - i) * step; False for other dtypes."""
    cdef Range r
    cdef int kind = cnp.PyArray_TYPE(out)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return False
    r.out, r.first, r.last, r.step, r.n = cnp.PyArray_DATA(out), first, last, step, cnp.PyArray_SIZE(out)
    with nogil:
        spread(space_f4 if kind == cnp.NPY_FLOAT32 else space_f8, &r, r.n, LEAST)
    return True


def repeated(cnp.ndarray counts):
    """Each index i of a contiguous int64 vector of counts counts[i] times, int64; none of them may be negative."""
    cdef cnp.npy_intp total = 0
    cdef Py_ssize_t i, k, n = cnp.PyArray_SIZE(counts)
    cdef cnp.int64_t *count = <cnp.int64_t *>cnp.PyArray_DATA(counts)
    cdef cnp.int64_t *to
    cdef cnp.int64_t *end
    cdef cnp.ndarray out
    for i in range(n):
        total += count[i]
    out = empty(1, &total, cnp.NPY_INT64)
    to = <cnp.int64_t *>cnp.PyArray_DATA(out)
    end = to + total
    with nogil:
        for i in range(n):
            if count[i] <= 4 and end - to >= 4:
                # More than are wanted, without a question for each: the next ones are written over them.
                to[0] = to[1] = to[2] = to[3] = i
            else:
                for k in range(count[i]):
                    to[k] = i
            to += count[i]
    return out
