# cython: boundscheck=False, wraparound=False, cdivision=True
"""The distances of the rows of a float32 or float64 table, pair by pair, and their gradient.

A function returns NotImplemented for other dtypes.
"""

cimport numpy as cnp
from libc.stdlib cimport free, malloc

from rushlight.kernels.buffers cimport empty, row_major
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/distances.h":
    ctypedef struct rl_rows:
        const void *x
        const void *columns
        const void *g
        const void *distances
        void *out
        Py_ssize_t n, width
        double p
    int RL_TOGETHER
    void rl_turn_f4(const float *, Py_ssize_t, Py_ssize_t, float *) noexcept nogil
    void rl_turn_f8(const double *, Py_ssize_t, Py_ssize_t, double *) noexcept nogil
    void rl_distances_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_distances_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_distances_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_distances_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# So many differences are worth a thread.
cdef Py_ssize_t LEAST = 1 << 14


cdef cnp.ndarray table(object x):
    """x in row-major order, None where it is no matrix of float32 or float64."""
    if not isinstance(x, cnp.ndarray) or cnp.PyArray_NDIM(<cnp.ndarray>x) != 2:
        return None
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray>x)
    return row_major(x, kind) if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else None


def pdist(x, *, double ord):
    """The distances of the rows of x (N, M): (N (N - 1) / 2,)."""
    cdef cnp.ndarray a = table(x), out
    cdef cnp.npy_intp count
    cdef void *columns
    cdef rl_rows s
    if a is None:
        return NotImplemented
    s.n, s.width, s.p, s.x = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(a, 1), ord, cnp.PyArray_DATA(a)
    count = s.n * (s.n - 1) // 2
    out = empty(1, &count, cnp.PyArray_TYPE(a))
    s.out = cnp.PyArray_DATA(out)
    columns = malloc((s.n + RL_TOGETHER) * max(s.width, 1) * cnp.PyArray_ITEMSIZE(a))
    if columns == NULL:
        raise MemoryError
    s.columns = columns
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
        rl_turn_f4(<const float *>s.x, s.n, s.width, <float *>columns)
    else:
        rl_turn_f8(<const double *>s.x, s.n, s.width, <double *>columns)
    cdef span work = rl_distances_f4 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else rl_distances_f8
    with nogil:
        spread(work, &s, s.n, LEAST // (s.n * s.width + 1) + 1)
    free(columns)
    return out


def through_pdist(g, x, out, double ord):
    cdef cnp.ndarray a = table(x), given, distances, gx
    cdef rl_rows s
    if a is None:
        return NotImplemented
    given, distances = row_major(g, cnp.PyArray_TYPE(a)), row_major(out, cnp.PyArray_TYPE(a))
    if given is None or distances is None:
        return NotImplemented
    s.n, s.width, s.p, s.x = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(a, 1), ord, cnp.PyArray_DATA(a)
    gx = cnp.PyArray_EMPTY(2, cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a), 0)
    s.g, s.distances, s.out = cnp.PyArray_DATA(given), cnp.PyArray_DATA(distances), cnp.PyArray_DATA(gx)
    cdef span work = rl_through_distances_f4 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else rl_through_distances_f8
    with nogil:
        spread(work, &s, s.n, LEAST // (s.n * s.width + 1) + 1)
    return gx
