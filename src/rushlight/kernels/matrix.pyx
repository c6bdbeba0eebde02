# cython: boundscheck=False, wraparound=False, cdivision=True
"""Matrix products of float32 and float64: small ones by loops of our own, larger ones by NumPy's BLAS.

A product here is of matrices with any strides, so a transpose costs nothing. Everything else is declined.
"""

cimport numpy as cnp
from cpython.object cimport PyObject
from libc.string cimport memcpy, memset

from rushlight.kernels.blas cimport multiplied
from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport family, spread

import numpy as np

cnp.import_array()

cdef extern from *:
    """
    #define ADD_ROW(NAME, T)                                                                              \\
        static void NAME(T *c, const T *row, Py_ssize_t n) {                                              \\
            for (Py_ssize_t j = 0; j < n; j++) c[j] += row[j];                                            \\
        }
    /* Outer products of m rows of a with n entries of b, for each of a batch, plus rows of numbers, if any; rows
       [begin, end) of all. Steps count bytes. */
    #define OUTER(NAME, T)                                                                                \\
        static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                                  \\
            const rl_outer *job = (const rl_outer *)what;                                                 \\
            const Py_ssize_t n = job->n, step = job->b_step;                                              \\
            Py_ssize_t i = begin % job->m;                                                                \\
            const char *a = job->a + begin / job->m * job->a_batch, *b = job->b + begin / job->m * job->b_batch; \\
            T *c = (T *)job->c + begin * n;                                                               \\
            for (Py_ssize_t r = begin; r < end; r++, c += n) {                                            \\
                const T x = *(const T *)(a + i * job->a_row);                                             \\
                const T *y = (const T *)b;                                                                \\
                if (job->row) {                                                                           \\
                    const T *z = (const T *)(job->row + r * job->row_step);                               \\
                    if (step == sizeof(T)) for (Py_ssize_t j = 0; j < n; j++) c[j] = z[j] + x * y[j];     \\
                    else for (Py_ssize_t j = 0; j < n; j++) c[j] = z[j] + x * *(const T *)(b + j * step); \\
                }                                                                                         \\
                else if (step == sizeof(T)) for (Py_ssize_t j = 0; j < n; j++) c[j] = x * y[j];           \\
                else for (Py_ssize_t j = 0; j < n; j++) c[j] = x * *(const T *)(b + j * step);            \\
                if (++i == job->m) i = 0, a += job->a_batch, b += job->b_batch;                           \\
            }                                                                                             \\
        }
    typedef struct {
        const char *a, *b, *row;
        char *c;
        Py_ssize_t m, n, a_batch, a_row, b_batch, b_step, row_step;
    } rl_outer;
    /* The dot products of short rows. */
    #define DOTS(NAME, T)                                                                                 \\
        static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                                  \\
            const rl_rows *job = (const rl_rows *)what;                                                   \\
            const Py_ssize_t n = job->n, p = job->a_step, q = job->b_step;                                \\
            for (Py_ssize_t k = begin; k < end; k++) {                                                    \\
                const T *a = (const T *)(job->a + k * job->a_row), *b = (const T *)(job->b + k * job->b_row); \\
                T s = 0, t = 0, u = 0, v = 0;                                                             \\
                Py_ssize_t j = 0;                                                                         \\
                if (p == 1 && q == 1)                                                                     \\
                    for (; j + 3 < n; j += 4) {                                                           \\
                        s += a[j] * b[j];                                                                 \\
                        t += a[j + 1] * b[j + 1];                                                         \\
                        u += a[j + 2] * b[j + 2];                                                         \\
                        v += a[j + 3] * b[j + 3];                                                         \\
                    }                                                                                     \\
                for (; j < n; j++) s += a[j * p] * b[j * q];                                              \\
                ((T *)job->c)[k] = (s + t) + (u + v);                                                     \\
            }                                                                                             \\
        }
    typedef struct { const char *a, *b; char *c; Py_ssize_t n, a_row, a_step, b_row, b_step; } rl_rows;
    DOTS(rl_dots_f4, float)
    DOTS(rl_dots_f8, double)
    /* Cross products of vectors whose three numbers lie `inner` apart. */
    #define CROSS(NAME, T)                                                                                \\
        static void NAME(T *c, const T *a, const T *b, Py_ssize_t outer, Py_ssize_t inner) {              \\
            for (Py_ssize_t k = 0; k < outer; k++, a += 3 * inner, b += 3 * inner, c += 3 * inner)        \\
                for (Py_ssize_t j = 0; j < inner; j++) {                                                  \\
                    const T x = a[j], y = a[j + inner], z = a[j + 2 * inner];                             \\
                    const T u = b[j], v = b[j + inner], w = b[j + 2 * inner];                             \\
                    c[j] = y * w - z * v;                                                                 \\
                    c[j + inner] = z * u - x * w;                                                         \\
                    c[j + 2 * inner] = x * v - y * u;                                                     \\
                }                                                                                         \\
        }
    CROSS(rl_cross_f4, float)
    CROSS(rl_cross_f8, double)
    OUTER(rl_outer_f4, float)
    OUTER(rl_outer_f8, double)
    ADD_ROW(rl_add_row_f4, float)
    ADD_ROW(rl_add_row_f8, double)
    """
    ctypedef struct rl_rows:
        const char *a
        const char *b
        char *c
        Py_ssize_t n, a_row, a_step, b_row, b_step
    void rl_dots_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_dots_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_cross_f4(float *, const float *, const float *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_cross_f8(double *, const double *, const double *, Py_ssize_t, Py_ssize_t) noexcept nogil
    ctypedef struct rl_outer:
        const char *a
        const char *b
        const char *row
        char *c
        Py_ssize_t m, n, a_batch, a_row, b_batch, b_step, row_step
    void rl_outer_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_outer_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_add_row_f4(float *, const float *, Py_ssize_t) noexcept nogil
    void rl_add_row_f8(double *, const double *, Py_ssize_t) noexcept nogil

cdef extern from "kernels/dot.h" nogil:
    const Py_ssize_t RL_DOT_PART
    ctypedef struct rl_dot:
        const float *a
        const float *b
        double *parts
        Py_ssize_t n
    void rl_dot_parts(void *, Py_ssize_t, Py_ssize_t)
    float rl_dot_total(const rl_dot *)

cdef extern from "numpy/arrayobject.h":
    object PyArray_MatrixProduct2(PyObject *, PyObject *, void *)

cdef extern from "kernels/product.h":
    const int *rl_family
    void rl_product_f4(const float *, Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, Py_ssize_t, float *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_product_f8(const double *, Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, Py_ssize_t, double *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_by_columns_f4(const float *, Py_ssize_t, const float *, Py_ssize_t, float *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_by_columns_f8(const double *, Py_ssize_t, const double *, Py_ssize_t, double *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    Py_ssize_t RL_PACKED

rl_family = &family

# Up to this many multiplications, BLAS on one core is not ahead; and where it divides them among several cores, and
# another program keeps one of these busy, waiting for it takes longer than the whole product.
cdef Py_ssize_t SMALL = 1 << 20

# A matrix of this size times a vector is done before BLAS, asked through NumPy, begins.
cdef Py_ssize_t SHORT = 1 << 13
# So many rows are multiplied with transposed columns as they lie.
cdef Py_ssize_t ROWS = 4
# Products that are added in float32.
cdef Py_ssize_t FEW = 64


cdef inline int kind_of(object x):
    """The type number of a float matrix that can be read as it lies, -1 of anything else."""
    cdef cnp.ndarray a
    cdef int kind
    if not cnp.PyArray_CheckExact(x):
        return -1
    a = <cnp.ndarray>x
    kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or not cnp.PyArray_ISBEHAVED_RO(a):
        return -1
    return kind if cnp.PyArray_NDIM(a) == 2 else -1


cdef void run(int kind, cnp.ndarray a, cnp.ndarray b, cnp.ndarray c) noexcept:
    """c += a @ b for a row-major c."""
    cdef Py_ssize_t step = cnp.PyArray_ITEMSIZE(a)
    cdef Py_ssize_t m = cnp.PyArray_DIM(a, 0), k = cnp.PyArray_DIM(a, 1), n = cnp.PyArray_DIM(b, 1)
    cdef Py_ssize_t ai = cnp.PyArray_STRIDE(a, 0) // step, ak = cnp.PyArray_STRIDE(a, 1) // step
    cdef Py_ssize_t bk = cnp.PyArray_STRIDE(b, 0) // step, bj = cnp.PyArray_STRIDE(b, 1) // step
    if m <= ROWS and ak == 1 and bk == 1:
        if kind == cnp.NPY_FLOAT32:
            rl_by_columns_f4(<float *>cnp.PyArray_DATA(a), ai, <float *>cnp.PyArray_DATA(b), bj, <float *>cnp.PyArray_DATA(c), m, n, k)
        else:
            rl_by_columns_f8(<double *>cnp.PyArray_DATA(a), ai, <double *>cnp.PyArray_DATA(b), bj, <double *>cnp.PyArray_DATA(c), m, n, k)
        return
    if kind == cnp.NPY_FLOAT32:
        rl_product_f4(<float *>cnp.PyArray_DATA(a), ai, ak, <float *>cnp.PyArray_DATA(b), bk, bj, <float *>cnp.PyArray_DATA(c), m, n, k)
    else:
        rl_product_f8(<double *>cnp.PyArray_DATA(a), ai, ak, <double *>cnp.PyArray_DATA(b), bk, bj, <double *>cnp.PyArray_DATA(c), m, n, k)


cdef inline bint small(cnp.ndarray a, cnp.ndarray b):
    # Columns are computed sixteen at once, also where there are fewer.
    cdef Py_ssize_t k = cnp.PyArray_DIM(a, 1), n = (cnp.PyArray_DIM(b, 1) + 15) & ~<Py_ssize_t>15
    return k * 64 <= RL_PACKED and cnp.PyArray_DIM(a, 0) * k * n <= SMALL


cdef object by_numpy(cnp.ndarray a, cnp.ndarray b):
    cdef cnp.npy_intp shape[2]
    cdef void *out = NULL
    cdef cnp.ndarray c
    if cnp.PyArray_NDIM(a) == 2 == cnp.PyArray_NDIM(b):
        shape[0], shape[1] = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 1)
        c = empty(2, shape, cnp.PyArray_TYPE(a))
        out = <void *>c
    with np.errstate(all="ignore"):
        return PyArray_MatrixProduct2(<PyObject *>a, <PyObject *>b, out)


cdef object added(cnp.ndarray a, cnp.ndarray b, const char *row, Py_ssize_t step):
    """a @ b plus a row of numbers, a different one for each row of a where `step` bytes lead to it; row may be NULL."""
    cdef int kind = cnp.PyArray_TYPE(a)
    cdef cnp.npy_intp shape[2]
    cdef cnp.ndarray c
    cdef Py_ssize_t i, width
    shape[0], shape[1] = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 1)
    if not small(a, b):
        if shape[0] == 1 or shape[1] == 1:
            # NumPy multiplies by vectors.
            return with_rows(by_numpy(a, b), row, step)
        c = empty(2, shape, kind)
        return c if multiplied(a, b, c, row, step) else with_rows(by_numpy(a, b), row, step)
    c = empty(2, shape, kind)
    width = shape[1] * cnp.PyArray_ITEMSIZE(c)
    if row == NULL:
        memset(cnp.PyArray_DATA(c), 0, shape[0] * width)
    else:
        for i in range(shape[0]):
            memcpy(<char *>cnp.PyArray_DATA(c) + i * width, row + i * step, width)
    run(kind, a, b, c)
    return c


cdef object with_rows(cnp.ndarray c, const char *row, Py_ssize_t step):
    """c, a new array, with a row added to each of its own."""
    cdef Py_ssize_t i, n = cnp.PyArray_DIM(c, 1), width = n * cnp.PyArray_ITEMSIZE(c)
    if row == NULL:
        return c
    for i in range(cnp.PyArray_DIM(c, 0)):
        if cnp.PyArray_TYPE(c) == cnp.NPY_FLOAT32:
            rl_add_row_f4(<float *>cnp.PyArray_DATA(c) + i * n, <const float *>(row + i * step), n)
        else:
            rl_add_row_f8(<double *>cnp.PyArray_DATA(c) + i * n, <const double *>(row + i * step), n)
    return c


cdef object product(object x, object y):
    """x @ y; NotImplemented unless both are float matrices of one dtype that fit."""
    cdef int kind = kind_of(x)
    if kind < 0 or kind_of(y) != kind or cnp.PyArray_DIM(<cnp.ndarray>x, 1) != cnp.PyArray_DIM(<cnp.ndarray>y, 0):
        return NotImplemented
    return added(<cnp.ndarray>x, <cnp.ndarray>y, NULL, 0)


def bmm(object x, object y):
    """x @ y for batches (B, m, k) and (B, k, n), where either B may be 1."""
    cdef cnp.ndarray a, b, c
    cdef cnp.npy_intp shape[3]
    cdef int kind
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_CheckExact(y):
        return NotImplemented
    a, b = <cnp.ndarray>x, <cnp.ndarray>y
    kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or cnp.PyArray_TYPE(b) != kind:
        return NotImplemented
    if not cnp.PyArray_ISBEHAVED_RO(a) or not cnp.PyArray_ISBEHAVED_RO(b):
        return NotImplemented
    if cnp.PyArray_NDIM(a) != 3 or cnp.PyArray_NDIM(b) != 3 or cnp.PyArray_DIM(a, 2) != cnp.PyArray_DIM(b, 1):
        return NotImplemented
    shape[0], shape[1], shape[2] = max(cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 0)), cnp.PyArray_DIM(a, 1), cnp.PyArray_DIM(b, 2)
    if cnp.PyArray_DIM(a, 0) not in (1, shape[0]) or cnp.PyArray_DIM(b, 0) not in (1, shape[0]):
        return NotImplemented
    if cnp.PyArray_SIZE(a) == 0 or cnp.PyArray_SIZE(b) == 0 or shape[1] == 1 or shape[2] == 1:
        return NotImplemented
    c = empty(3, shape, kind)
    return c if multiplied(a, b, c, NULL, 0) else NotImplemented


cdef inline object turned(object x):
    """The transpose of a matrix; anything else as it is."""
    return cnp.PyArray_Transpose(<cnp.ndarray>x, NULL) if kind_of(x) >= 0 else x


def outer(object x, object y):
    """x @ y for batches (B, m, 1) and (B, 1, n): outer products."""
    cdef cnp.ndarray a, b, c
    cdef rl_outer job
    cdef cnp.npy_intp shape[3]
    cdef int kind
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_CheckExact(y):
        return NotImplemented
    a, b = <cnp.ndarray>x, <cnp.ndarray>y
    kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or cnp.PyArray_TYPE(b) != kind:
        return NotImplemented
    if not cnp.PyArray_ISBEHAVED_RO(a) or not cnp.PyArray_ISBEHAVED_RO(b):
        return NotImplemented
    if cnp.PyArray_NDIM(a) != 3 or cnp.PyArray_NDIM(b) != 3 or cnp.PyArray_DIM(a, 0) != cnp.PyArray_DIM(b, 0):
        return NotImplemented
    if cnp.PyArray_DIM(a, 2) != 1 or cnp.PyArray_DIM(b, 1) != 1:
        return NotImplemented
    shape[0], shape[1], shape[2] = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(a, 1), cnp.PyArray_DIM(b, 2)
    c = empty(3, shape, kind)
    job.row, job.row_step, job.c = NULL, 0, <char *>cnp.PyArray_DATA(c)
    job.m, job.n = shape[1], shape[2]
    left(&job, a, cnp.PyArray_STRIDE(a, 0), cnp.PyArray_STRIDE(a, 1))
    right(&job, b, cnp.PyArray_STRIDE(b, 0), cnp.PyArray_STRIDE(b, 2))
    if job.n == 1:
        # One long row of products instead of many of one number.
        job.m, job.n = 1, shape[1]
        left(&job, b, cnp.PyArray_STRIDE(b, 0), 0)
        right(&job, a, cnp.PyArray_STRIDE(a, 0), cnp.PyArray_STRIDE(a, 1))
    multiply(&job, kind, shape[0] * job.m)
    return c


cdef inline void left(rl_outer *job, cnp.ndarray x, Py_ssize_t batch, Py_ssize_t row) noexcept:
    job.a, job.a_batch, job.a_row = <const char *>cnp.PyArray_DATA(x), batch, row


cdef inline void right(rl_outer *job, cnp.ndarray x, Py_ssize_t batch, Py_ssize_t step) noexcept:
    job.b, job.b_batch, job.b_step = <const char *>cnp.PyArray_DATA(x), batch, step


cdef void multiply(rl_outer *job, int kind, Py_ssize_t rows) noexcept:
    if rows == 0 or job.n == 0:
        return
    with nogil:
        spread(rl_outer_f4 if kind == cnp.NPY_FLOAT32 else rl_outer_f8, job, rows, 1 + 65536 // (job.n + 4))


def dots(object x, object y):
    """x @ y for batches (B, 1, n) and (B, n, 1) of a small n."""
    cdef cnp.ndarray a, b, c
    cdef cnp.npy_intp shape[3]
    cdef rl_rows job
    cdef int kind
    cdef Py_ssize_t size, count
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_CheckExact(y):
        return NotImplemented
    a, b = <cnp.ndarray>x, <cnp.ndarray>y
    kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or cnp.PyArray_TYPE(b) != kind:
        return NotImplemented
    if not cnp.PyArray_ISBEHAVED_RO(a) or not cnp.PyArray_ISBEHAVED_RO(b):
        return NotImplemented
    if cnp.PyArray_NDIM(a) != 3 or cnp.PyArray_NDIM(b) != 3 or cnp.PyArray_DIM(a, 0) != cnp.PyArray_DIM(b, 0):
        return NotImplemented
    if cnp.PyArray_DIM(a, 1) != 1 or cnp.PyArray_DIM(b, 2) != 1 or cnp.PyArray_DIM(a, 2) != cnp.PyArray_DIM(b, 1):
        return NotImplemented
    if cnp.PyArray_DIM(a, 2) > 64:
        return NotImplemented
    count, shape[1], shape[2] = cnp.PyArray_DIM(a, 0), 1, 1
    shape[0] = count
    c = empty(3, shape, kind)
    size = cnp.PyArray_ITEMSIZE(a)
    job.a, job.b, job.c = <const char *>cnp.PyArray_DATA(a), <const char *>cnp.PyArray_DATA(b), <char *>cnp.PyArray_DATA(c)
    job.n, job.a_row, job.b_row = cnp.PyArray_DIM(a, 2), cnp.PyArray_STRIDE(a, 0), cnp.PyArray_STRIDE(b, 0)
    job.a_step, job.b_step = cnp.PyArray_STRIDE(a, 2) // size, cnp.PyArray_STRIDE(b, 1) // size
    with nogil:
        spread(rl_dots_f4 if kind == cnp.NPY_FLOAT32 else rl_dots_f8, &job, count, 1 + 60000 // (job.n + 4))
    return c


def addr(object x, object y, object z, beta=1, alpha=1):
    """x + outer(y, z) for a row or matrix x."""
    cdef cnp.ndarray a, b, c, row
    cdef rl_outer job
    cdef cnp.npy_intp shape[2]
    cdef Py_ssize_t step
    cdef int kind
    if beta != 1 or alpha != 1:
        return NotImplemented
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_CheckExact(y) or not cnp.PyArray_CheckExact(z):
        return NotImplemented
    row, a, b = <cnp.ndarray>x, <cnp.ndarray>y, <cnp.ndarray>z
    kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or cnp.PyArray_TYPE(b) != kind or cnp.PyArray_TYPE(row) != kind:
        return NotImplemented
    if not cnp.PyArray_ISBEHAVED_RO(a) or not cnp.PyArray_ISBEHAVED_RO(b) or not cnp.PyArray_ISCARRAY_RO(row):
        return NotImplemented
    if cnp.PyArray_NDIM(a) != 1 or cnp.PyArray_NDIM(b) != 1:
        return NotImplemented
    shape[0], shape[1] = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 0)
    if cnp.PyArray_NDIM(row) == 1 and cnp.PyArray_DIM(row, 0) == shape[1]:
        step = 0
    elif cnp.PyArray_NDIM(row) == 2 and cnp.PyArray_DIM(row, 0) == shape[0] and cnp.PyArray_DIM(row, 1) == shape[1]:
        step = shape[1]
    else:
        return NotImplemented
    c = empty(2, shape, kind)
    job.row, job.row_step, job.c = <const char *>cnp.PyArray_DATA(row), step * cnp.PyArray_ITEMSIZE(a), <char *>cnp.PyArray_DATA(c)
    job.m, job.n = shape[0], shape[1]
    left(&job, a, 0, cnp.PyArray_STRIDE(a, 0))
    right(&job, b, 0, cnp.PyArray_STRIDE(b, 0))
    multiply(&job, kind, job.m)
    return c


def cross(object x, object y, Py_ssize_t dim):
    """The cross products along `dim` of arrays of one shape."""
    cdef cnp.ndarray a, b, c
    cdef Py_ssize_t inner = 1, k
    cdef int kind, nd
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_CheckExact(y):
        return NotImplemented
    a, b = <cnp.ndarray>x, <cnp.ndarray>y
    kind, nd = cnp.PyArray_TYPE(a), cnp.PyArray_NDIM(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or cnp.PyArray_TYPE(b) != kind:
        return NotImplemented
    if not cnp.PyArray_ISCARRAY_RO(a) or not cnp.PyArray_ISCARRAY_RO(b) or not cnp.PyArray_SAMESHAPE(a, b):
        return NotImplemented
    dim += nd if dim < 0 else 0
    for k in range(dim + 1, nd):
        inner *= cnp.PyArray_DIM(a, k)
    c = empty(nd, cnp.PyArray_DIMS(a), kind)
    if cnp.PyArray_SIZE(a) == 0:
        return c
    k = cnp.PyArray_SIZE(a) // (3 * inner)
    if kind == cnp.NPY_FLOAT32:
        rl_cross_f4(<float *>cnp.PyArray_DATA(c), <float *>cnp.PyArray_DATA(a), <float *>cnp.PyArray_DATA(b), k, inner)
    else:
        rl_cross_f8(<double *>cnp.PyArray_DATA(c), <double *>cnp.PyArray_DATA(a), <double *>cnp.PyArray_DATA(b), k, inner)
    return c


cdef class Product(Kernel):
    """x @ y."""

    cdef object call2(self, object x, object y):
        return product(x, y)


cdef class ProductWithTurnedRight(Kernel):
    """x @ y.T."""

    cdef object call2(self, object x, object y):
        return product(x, turned(y))


cdef class ProductWithTurnedLeft(Kernel):
    """x.T @ y."""

    cdef object call2(self, object x, object y):
        return product(turned(x), y)


cdef object short_rows(cnp.ndarray a, cnp.ndarray b, int kind, int dims):
    """a @ b for a vector b."""
    cdef cnp.npy_intp shape[1]
    cdef cnp.ndarray c
    cdef rl_rows job
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(a)
    shape[0] = cnp.PyArray_DIM(a, 0)
    c = empty(dims - 1, shape, kind)
    job.a, job.b, job.c = <const char *>cnp.PyArray_DATA(a), <const char *>cnp.PyArray_DATA(b), <char *>cnp.PyArray_DATA(c)
    job.n, job.a_row, job.b_row = cnp.PyArray_DIM(b, 0), cnp.PyArray_STRIDE(a, 0), 0
    job.a_step, job.b_step = cnp.PyArray_STRIDE(a, dims - 1) // size, cnp.PyArray_STRIDE(b, 0) // size
    if kind == cnp.NPY_FLOAT32:
        rl_dots_f4(&job, 0, shape[0] if dims == 2 else 1)
    else:
        rl_dots_f8(&job, 0, shape[0] if dims == 2 else 1)
    return c


cdef object long_dot(cnp.ndarray a, cnp.ndarray b):
    """a . b of float32, which BLAS adds in float32."""
    cdef cnp.npy_intp parts
    cdef cnp.ndarray x = contiguous(a), y = contiguous(b)
    cdef cnp.ndarray totals, out = empty(0, NULL, cnp.NPY_FLOAT32)
    cdef rl_dot job
    cdef double alone
    job.a, job.b, job.n = <const float *>cnp.PyArray_DATA(x), <const float *>cnp.PyArray_DATA(y), cnp.PyArray_SIZE(x)
    parts = (job.n + RL_DOT_PART - 1) // RL_DOT_PART
    if parts == 1:
        job.parts = &alone
    else:
        totals = empty(1, &parts, cnp.NPY_FLOAT64)
        job.parts = <double *>cnp.PyArray_DATA(totals)
    with nogil:
        spread(rl_dot_parts, &job, parts, 8)
    (<float *>cnp.PyArray_DATA(out))[0] = rl_dot_total(&job)
    return out


cdef class OfVectors(Kernel):
    """x @ y of a vector or matrix x and a vector y."""

    cdef int dims

    cdef object call2(self, object x, object y):
        cdef cnp.ndarray a, b
        cdef int kind
        if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_CheckExact(y):
            return NotImplemented
        a, b = <cnp.ndarray>x, <cnp.ndarray>y
        kind = cnp.PyArray_TYPE(a)
        if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or cnp.PyArray_TYPE(b) != kind:
            return NotImplemented
        if not cnp.PyArray_ISBEHAVED_RO(a) or not cnp.PyArray_ISBEHAVED_RO(b):
            return NotImplemented
        if cnp.PyArray_NDIM(b) != 1 or cnp.PyArray_NDIM(a) != self.dims:
            return NotImplemented
        if cnp.PyArray_DIM(a, self.dims - 1) != cnp.PyArray_DIM(b, 0):
            return NotImplemented
        if self.dims == 1 and kind == cnp.NPY_FLOAT32 and cnp.PyArray_SIZE(a) > FEW:
            return long_dot(a, b)
        if cnp.PyArray_SIZE(a) <= SHORT:
            return short_rows(a, b, kind, self.dims)
        out = by_numpy(a, b)
        return out if self.dims == 2 else cnp.PyArray_FROM_O(out)

    def __init__(self, int dims):
        self.dims = dims


dot = OfVectors(1)
mv = OfVectors(2)
mm = Product()
mm_nt = ProductWithTurnedRight()
mm_tn = ProductWithTurnedLeft()


def turned_mm(g, a):
    """a @ g, for the rule of an operation that gets its gradient first."""
    return product(a, g)


def turned_nt(g, b):
    """b @ g.T, likewise."""
    return product(b, turned(g))


def through_left(g, b, alpha=1, fortran=False):
    """What a matrix product sends to its left operand: g @ b.T."""
    return product(g, turned(b)) if alpha == 1 else NotImplemented


def through_columns(g, a, fortran=False):
    """What a matrix product sends to its right operand, a.T @ g; column-major as the operand is, where `fortran` says so."""
    if not fortran:
        return product(turned(a), g)
    out = product(turned(g), a)
    return out if out is NotImplemented else turned(out)


def through_right(g, a, alpha=1, fortran=False):
    """The same of a product that is multiplied by alpha."""
    return through_columns(g, a, fortran) if alpha == 1 else NotImplemented


def addmm(object x, object y, object z, beta=1, alpha=1, fortran=False):
    """x + y @ z for a row or matrix x."""
    cdef int kind = kind_of(y)
    cdef cnp.ndarray a, b, row
    cdef Py_ssize_t m, n, step
    if kind < 0 or kind_of(z) != kind or beta != 1 or alpha != 1 or not cnp.PyArray_CheckExact(x):
        return NotImplemented
    row, a, b = <cnp.ndarray>x, <cnp.ndarray>y, <cnp.ndarray>z
    m, n = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 1)
    if cnp.PyArray_DIM(a, 1) != cnp.PyArray_DIM(b, 0) or cnp.PyArray_TYPE(row) != kind or not cnp.PyArray_ISCARRAY_RO(row):
        return NotImplemented
    if cnp.PyArray_NDIM(row) == 1 and cnp.PyArray_DIM(row, 0) == n:
        step = 0
    elif cnp.PyArray_NDIM(row) == 2 and cnp.PyArray_DIM(row, 0) == m and cnp.PyArray_DIM(row, 1) == n:
        step = n * cnp.PyArray_ITEMSIZE(row)
    else:
        return NotImplemented
    return added(a, b, <const char *>cnp.PyArray_DATA(row), step)


def addmv(object x, object y, object z, beta=1, alpha=1):
    """x + y @ z for vectors x and z."""
    cdef cnp.ndarray c, row
    if beta != 1 or alpha != 1 or not cnp.PyArray_CheckExact(x):
        return NotImplemented
    out = (<OfVectors>mv).call2(y, z)
    if out is NotImplemented:
        return out
    row, c = <cnp.ndarray>x, <cnp.ndarray>out
    if cnp.PyArray_TYPE(row) != cnp.PyArray_TYPE(c) or not cnp.PyArray_ISCARRAY_RO(row) or not cnp.PyArray_SAMESHAPE(row, c):
        return NotImplemented
    if cnp.PyArray_TYPE(c) == cnp.NPY_FLOAT32:
        rl_add_row_f4(<float *>cnp.PyArray_DATA(c), <float *>cnp.PyArray_DATA(row), cnp.PyArray_SIZE(c))
    else:
        rl_add_row_f8(<double *>cnp.PyArray_DATA(c), <double *>cnp.PyArray_DATA(row), cnp.PyArray_SIZE(c))
    return c
