# cython: boundscheck=False, wraparound=False, cdivision=True
"""Products with one row or a few: layers, vectors times matrices, outer products of vectors; float32 and float64.

Nothing is packed and no view is made, which would take longer than the product.
"""

cimport numpy as cnp
from rushlight.kernels.buffers cimport empty
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport family

from rushlight.kernels import matrix

cnp.import_array()

cdef extern from "kernels/product.h":
    const int *rl_family
    void rl_by_columns_f4(const float *, Py_ssize_t, const float *, Py_ssize_t, float *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_by_columns_f8(const double *, Py_ssize_t, const double *, Py_ssize_t, double *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil

cdef extern from "kernels/thin.h":
    void rl_start_rows(char *c, const char *row, Py_ssize_t size, Py_ssize_t m) noexcept nogil
    void rl_add_rows_f4(float *, const float *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_add_rows_f8(double *, const double *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_combine_f4(const float *, Py_ssize_t, const float *, Py_ssize_t, float *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_combine_f8(const double *, Py_ssize_t, const double *, Py_ssize_t, double *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_pairs_f4(const float *, Py_ssize_t, const float *, Py_ssize_t, float *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_pairs_f8(const double *, Py_ssize_t, const double *, Py_ssize_t, double *, Py_ssize_t, Py_ssize_t) noexcept nogil

rl_family = &family

# So many rows are multiplied with the columns as they lie; and up to so many products BLAS is not asked.
cdef Py_ssize_t ROWS = 4, FEW = 1 << 16
cdef Kernel _mm_nt = matrix.mm_nt, _mv = matrix.mv


cdef inline int kind_of(object x) noexcept:
    """The type number of a float array that can be read as it lies, -1 of anything else."""
    cdef int kind
    if not cnp.PyArray_CheckExact(x):
        return -1
    kind = cnp.PyArray_TYPE(<cnp.ndarray>x)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or not cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray>x):
        return -1
    return kind


cdef object layer(object bias, object x, object weight):
    """x @ weight.T + bias for vectors along the last dimension of x; a bias of None is none."""
    cdef int kind = kind_of(x), d
    cdef cnp.ndarray a, w, row, c
    cdef Py_ssize_t k, n, m, size
    cdef cnp.npy_intp shape[32]
    if kind < 0 or kind_of(weight) != kind or (bias is not None and kind_of(bias) != kind):
        return NotImplemented
    a, w = <cnp.ndarray>x, <cnp.ndarray>weight
    d = cnp.PyArray_NDIM(a)
    if cnp.PyArray_NDIM(w) != 2 or d == 0 or d > 32:
        return NotImplemented
    k, n, size = cnp.PyArray_DIM(w, 1), cnp.PyArray_DIM(w, 0), cnp.PyArray_ITEMSIZE(a)
    if cnp.PyArray_DIM(a, d - 1) != k or k == 0:
        return NotImplemented
    row = None
    if bias is not None:
        row = <cnp.ndarray>bias
        if cnp.PyArray_NDIM(row) != 1 or cnp.PyArray_DIM(row, 0) != n or not cnp.PyArray_IS_C_CONTIGUOUS(row):
            return NotImplemented
    m = cnp.PyArray_SIZE(a) // k
    if m > ROWS or m * n * k > FEW or not cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_STRIDE(w, 1) != size:
        return NotImplemented if d != 2 else with_row(_mm_nt.call2(a, w), row)
    for i in range(d - 1):
        shape[i] = cnp.PyArray_DIM(a, i)
    shape[d - 1] = n
    c = empty(d, shape, kind)
    rl_start_rows(<char *>cnp.PyArray_DATA(c), NULL if row is None else <char *>cnp.PyArray_DATA(row), n * size, m)
    if kind == cnp.NPY_FLOAT32:
        rl_by_columns_f4(<float *>cnp.PyArray_DATA(a), k, <float *>cnp.PyArray_DATA(w), cnp.PyArray_STRIDE(w, 0) // size, <float *>cnp.PyArray_DATA(c), m, n, k)
    else:
        rl_by_columns_f8(<double *>cnp.PyArray_DATA(a), k, <double *>cnp.PyArray_DATA(w), cnp.PyArray_STRIDE(w, 0) // size, <double *>cnp.PyArray_DATA(c), m, n, k)
    return c


cdef object with_row(object out, cnp.ndarray row):
    """`row` added to each row of a product that no one else has."""
    cdef cnp.ndarray c
    if out is NotImplemented or row is None:
        return out
    c = <cnp.ndarray>out
    if not cnp.PyArray_IS_C_CONTIGUOUS(c):
        return NotImplemented
    if cnp.PyArray_TYPE(c) == cnp.NPY_FLOAT32:
        rl_add_rows_f4(<float *>cnp.PyArray_DATA(c), <float *>cnp.PyArray_DATA(row), cnp.PyArray_DIM(c, 0), cnp.PyArray_DIM(c, 1))
    else:
        rl_add_rows_f8(<double *>cnp.PyArray_DATA(c), <double *>cnp.PyArray_DATA(row), cnp.PyArray_DIM(c, 0), cnp.PyArray_DIM(c, 1))
    return c


cdef class Layer(Kernel):
    """bias + x @ weight.T; without a bias where there are two inputs."""

    cdef object call3(self, object x, object y, object z):
        return layer(x, y, z)

    cdef object call2(self, object x, object y):
        return layer(None, x, y)


cdef object vector_by_matrix(object x, object y):
    """x @ y for a vector x and a small matrix y."""
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, b, c
    cdef Py_ssize_t k, n, size
    cdef cnp.npy_intp shape[1]
    if kind < 0 or kind_of(y) != kind:
        return NotImplemented
    a, b = <cnp.ndarray>x, <cnp.ndarray>y
    if cnp.PyArray_NDIM(a) != 1 or cnp.PyArray_NDIM(b) != 2:
        return NotImplemented
    k, n, size = cnp.PyArray_DIM(b, 0), cnp.PyArray_DIM(b, 1), cnp.PyArray_ITEMSIZE(b)
    if cnp.PyArray_DIM(a, 0) != k or k * n > FEW or (cnp.PyArray_STRIDE(b, 1) != size and n > 1):
        return NotImplemented
    shape[0] = n
    c = empty(1, shape, kind)
    if kind == cnp.NPY_FLOAT32:
        rl_combine_f4(<float *>cnp.PyArray_DATA(a), cnp.PyArray_STRIDE(a, 0) // size, <float *>cnp.PyArray_DATA(b), cnp.PyArray_STRIDE(b, 0) // size, <float *>cnp.PyArray_DATA(c), k, n)
    else:
        rl_combine_f8(<double *>cnp.PyArray_DATA(a), cnp.PyArray_STRIDE(a, 0) // size, <double *>cnp.PyArray_DATA(b), cnp.PyArray_STRIDE(b, 0) // size, <double *>cnp.PyArray_DATA(c), k, n)
    return c


cdef object outer(object x, object y):
    """The products of each number of a vector with each of another."""
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, b, c
    cdef Py_ssize_t size
    cdef cnp.npy_intp shape[2]
    if kind < 0 or kind_of(y) != kind:
        return NotImplemented
    a, b = <cnp.ndarray>x, <cnp.ndarray>y
    if cnp.PyArray_NDIM(a) != 1 or cnp.PyArray_NDIM(b) != 1:
        return NotImplemented
    shape[0], shape[1], size = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 0), cnp.PyArray_ITEMSIZE(a)
    if shape[0] * shape[1] > FEW:
        return NotImplemented
    c = empty(2, shape, kind)
    if kind == cnp.NPY_FLOAT32:
        rl_pairs_f4(<float *>cnp.PyArray_DATA(a), cnp.PyArray_STRIDE(a, 0) // size, <float *>cnp.PyArray_DATA(b), cnp.PyArray_STRIDE(b, 0) // size, <float *>cnp.PyArray_DATA(c), shape[0], shape[1])
    else:
        rl_pairs_f8(<double *>cnp.PyArray_DATA(a), cnp.PyArray_STRIDE(a, 0) // size, <double *>cnp.PyArray_DATA(b), cnp.PyArray_STRIDE(b, 0) // size, <double *>cnp.PyArray_DATA(c), shape[0], shape[1])
    return c


cdef class VectorByMatrix(Kernel):
    """x @ y."""

    cdef object call2(self, object x, object y):
        return vector_by_matrix(x, y)


cdef class Outer(Kernel):
    """The outer product of x and y."""

    cdef object call2(self, object x, object y):
        return outer(x, y)


cdef class OuterTurned(Kernel):
    """The outer product of y and x."""

    cdef object call2(self, object x, object y):
        return outer(y, x)


cdef class MatrixByVector(Kernel):
    """y @ x."""

    cdef object call2(self, object x, object y):
        return _mv.call2(y, x)


affine, vm, pairs, pairs_turned, mv_turned = Layer(), VectorByMatrix(), Outer(), OuterTurned(), MatrixByVector()
