# cython: boundscheck=False, wraparound=False, cdivision=True
"""float32 and float64 arrays resampled along a dimension, and padded with their own entries.

A function returns NotImplemented for other dtypes.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t
from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/bands.h":
    ctypedef struct rl_band:
        const void *x
        const void *weights
        const int64_t *starts
        void *out
        Py_ssize_t n, size, inner, taps, turned
    ctypedef struct rl_padding:
        const void *x
        void *out
        const int64_t *table[3]
        Py_ssize_t n[3]
        Py_ssize_t size[3]
        Py_ssize_t low, high
        double fill
    void rl_band_rows_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_band_rows_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_band_lines_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_band_lines_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_pad_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_pad_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_unpad_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_unpad_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# From so many steps on other threads of Python may run meanwhile, and so many are worth a thread.
cdef Py_ssize_t UNLOCK = 20000, LEAST = 1 << 14


cdef inline int kind_of(object x):
    if not isinstance(x, cnp.ndarray):
        return -1
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray>x)
    return kind if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else -1


cdef inline void run(span work, void *what, Py_ssize_t n, Py_ssize_t each):
    if n * each < UNLOCK:
        work(what, 0, n)
        return
    with nogil:
        spread(work, what, n, LEAST // (each + 1) + 1)


def banded(x, int axis, cnp.ndarray starts, cnp.ndarray weights, bint turned):
    """x times a matrix along `axis`: its row i has weights[i] (weights[:, i] where `turned`) from column starts[i] on."""
    cdef int kind = kind_of(x), k, d
    cdef cnp.ndarray a, out
    cdef cnp.npy_intp shape[64]
    cdef rl_band s
    cdef Py_ssize_t outer = 1
    cdef bint single = kind == cnp.NPY_FLOAT32
    if kind < 0 or cnp.PyArray_TYPE(weights) != kind or cnp.PyArray_SIZE(<cnp.ndarray>x) == 0:
        return NotImplemented
    a = contiguous(<cnp.ndarray>x)
    d = cnp.PyArray_NDIM(a)
    s.inner = 1
    for k in range(d):
        shape[k] = cnp.PyArray_DIM(a, k)
        if k < axis:
            outer *= shape[k]
        elif k > axis:
            s.inner *= shape[k]
    s.n, s.size, s.turned = shape[axis], cnp.PyArray_DIM(starts, 0), turned
    s.taps = cnp.PyArray_DIM(weights, 0 if turned else 1)
    shape[axis] = s.size
    out = empty(d, shape, kind)
    s.x, s.out, s.weights = cnp.PyArray_DATA(a), cnp.PyArray_DATA(out), cnp.PyArray_DATA(weights)
    s.starts = <const int64_t *>cnp.PyArray_DATA(starts)
    if s.inner == 1:
        run(rl_band_rows_f4 if single else rl_band_rows_f8, &s, outer, s.size * s.taps)
    else:
        run(rl_band_lines_f4 if single else rl_band_lines_f8, &s, outer * s.size, s.inner * s.taps)
    return out


cdef object between(object x, tuple tables, tuple spatial, Py_ssize_t low, Py_ssize_t high, double fill, bint back):
    """Padding, or its adjoint: `spatial` is the shape without padding, `tables` say what each place shows."""
    cdef int kind = kind_of(x), k, d = len(tables), lead
    cdef cnp.ndarray a, out, table
    cdef cnp.npy_intp shape[64]
    cdef rl_padding s
    cdef int64_t none = 0
    cdef Py_ssize_t planes = 1
    if kind < 0 or d > 3:
        return NotImplemented
    a = contiguous(<cnp.ndarray>x)
    lead = cnp.PyArray_NDIM(a) - d
    for k in range(3):
        s.table[k], s.n[k], s.size[k] = &none, 1, 1
    for k in range(d):
        table = tables[k]
        s.table[3 - d + k] = <const int64_t *>cnp.PyArray_DATA(table)
        s.n[3 - d + k], s.size[3 - d + k] = spatial[k], cnp.PyArray_DIM(table, 0)
        shape[lead + k] = spatial[k] if back else cnp.PyArray_DIM(table, 0)
    for k in range(lead):
        shape[k] = cnp.PyArray_DIM(a, k)
        planes *= shape[k]
    s.low, s.high, s.fill = low, high, fill
    out = empty(lead + d, shape, kind)
    s.x, s.out = cnp.PyArray_DATA(a), cnp.PyArray_DATA(out)
    if back:
        run(rl_unpad_f4 if kind == cnp.NPY_FLOAT32 else rl_unpad_f8, &s, planes, s.size[0] * s.size[1] * s.size[2])
    else:
        run(rl_pad_f4 if kind == cnp.NPY_FLOAT32 else rl_pad_f8, &s, planes, s.size[0] * s.size[1] * s.size[2])
    return out


def pad(x, tuple tables, Py_ssize_t low, Py_ssize_t high, double fill):
    """x with its trailing dimensions showing what the tables say, `fill` where that is -1."""
    cdef cnp.ndarray a
    if not isinstance(x, cnp.ndarray):
        return NotImplemented
    a = x
    spatial = tuple([cnp.PyArray_DIM(a, cnp.PyArray_NDIM(a) - len(tables) + k) for k in range(len(tables))])
    return between(x, tables, spatial, low, high, fill, False)


def unpad(x, tuple tables, tuple size, Py_ssize_t low, Py_ssize_t high):
    """The adjoint of `pad` with entries of x's own, of trailing dimensions `size`."""
    return between(x, tables, size, low, high, 0, True)
