# cython: boundscheck=False, wraparound=False, cdivision=True
"""The distances of the rows of a float32 or float64 table, pair by pair, or to those of another; and their gradients.

A function returns NotImplemented for other dtypes.
"""

cimport numpy as cnp
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

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
    ctypedef struct rl_tables:
        const void *x
        const void *y
        const void *g
        const void *distances
        void *out
        Py_ssize_t rows, others, width, padded, own, other
        double p
    int RL_TOGETHER, RL_OWN
    void rl_turn_f4(const float *, Py_ssize_t, Py_ssize_t, float *) noexcept nogil
    void rl_turn_f8(const double *, Py_ssize_t, Py_ssize_t, double *) noexcept nogil
    void rl_distances_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_distances_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_distances_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_distances_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_tiles_f4(const float *, Py_ssize_t, Py_ssize_t, float *) noexcept nogil
    void rl_tiles_f8(const double *, Py_ssize_t, Py_ssize_t, double *) noexcept nogil
    void rl_across_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_across_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_across_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_across_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

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


cdef cnp.ndarray stack_of_tables(object x, int kind):
    """x in row-major order, None where it is no stack of matrices of this type."""
    if not isinstance(x, cnp.ndarray) or cnp.PyArray_NDIM(<cnp.ndarray>x) < 2:
        return None
    return row_major(x, kind) if cnp.PyArray_TYPE(<cnp.ndarray>x) == kind else None


cdef bint of_pairs(cnp.ndarray a, cnp.ndarray b, cnp.ndarray pairs):
    """Whether a and b are stacks of as many tables with rows of one length, and pairs, if given, (*, P, R)."""
    cdef int i, nd = cnp.PyArray_NDIM(a)
    if nd != cnp.PyArray_NDIM(b) or cnp.PyArray_DIM(a, nd - 1) != cnp.PyArray_DIM(b, nd - 1):
        return False
    if pairs is not None and (nd != cnp.PyArray_NDIM(pairs) or cnp.PyArray_DIM(pairs, nd - 2) != cnp.PyArray_DIM(a, nd - 2)
                              or cnp.PyArray_DIM(pairs, nd - 1) != cnp.PyArray_DIM(b, nd - 2)):
        return False
    for i in range(nd - 2):
        if cnp.PyArray_DIM(a, i) != cnp.PyArray_DIM(b, i):
            return False
        if pairs is not None and cnp.PyArray_DIM(pairs, i) != cnp.PyArray_DIM(a, i):
            return False
    return True


cdef void *room(Py_ssize_t size) except NULL:
    cdef void *taken = malloc(size + 1)
    if taken == NULL:
        raise MemoryError
    return taken


cdef void *tiled(cnp.ndarray x, Py_ssize_t tables) except NULL:
    """The tables of x in tiles of RL_TOGETHER rows."""
    cdef int nd = cnp.PyArray_NDIM(x)
    cdef Py_ssize_t n = cnp.PyArray_DIM(x, nd - 2), width = cnp.PyArray_DIM(x, nd - 1), i
    cdef Py_ssize_t all_ = (n + RL_TOGETHER - 1) // RL_TOGETHER * RL_TOGETHER, size = cnp.PyArray_ITEMSIZE(x)
    cdef char *to = <char *>room(tables * all_ * width * size)
    cdef char *start = cnp.PyArray_BYTES(x)
    for i in range(tables):
        if size == 4:
            rl_tiles_f4(<const float *>(start + i * n * width * 4), n, width, <float *>(to + i * all_ * width * 4))
        else:
            rl_tiles_f8(<const double *>(start + i * n * width * 8), n, width, <double *>(to + i * all_ * width * 8))
    return to


cdef void *padded(cnp.ndarray x, Py_ssize_t width, Py_ssize_t longer) except NULL:
    """The rows of x, each with zeros behind."""
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(x), rows = cnp.PyArray_SIZE(x) // width, i
    cdef char *to = <char *>room(rows * longer * size)
    cdef char *start = cnp.PyArray_BYTES(x)
    for i in range(rows):
        memcpy(to + i * longer * size, start + i * width * size, width * size)
        memset(to + (i * longer + width) * size, 0, (longer - width) * size)
    return to


def cdist(x1, x2, *, double ord=2):
    """The distances of the rows of x1 (*, P, M) to those of x2 (*, R, M): (*, P, R)."""
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray>x1) if isinstance(x1, cnp.ndarray) else cnp.NPY_BOOL
    cdef cnp.npy_intp shape[32]
    cdef cnp.ndarray a, b, out
    cdef rl_tables s
    cdef Py_ssize_t i, nd, rows
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return NotImplemented
    a, b = stack_of_tables(x1, kind), stack_of_tables(x2, kind)
    if a is None or b is None or cnp.PyArray_NDIM(a) > 32 or not of_pairs(a, b, None):
        return NotImplemented
    nd = cnp.PyArray_NDIM(a)
    for i in range(nd):
        shape[i] = cnp.PyArray_DIM(a, i)
    s.rows, s.others, s.width, s.p = shape[nd - 2], cnp.PyArray_DIM(b, nd - 2), shape[nd - 1], ord
    shape[nd - 1] = s.others
    out = empty(nd, shape, kind)
    if cnp.PyArray_SIZE(out) == 0:
        return out
    s.x, s.out = cnp.PyArray_DATA(a), cnp.PyArray_DATA(out)
    rows = cnp.PyArray_SIZE(out) // s.others
    cdef void *tiles = tiled(b, rows // s.rows)
    s.y = tiles
    cdef span work = rl_across_f4 if kind == cnp.NPY_FLOAT32 else rl_across_f8
    with nogil:
        spread(work, &s, rows, LEAST // (s.others * s.width + 1) + 1)
    free(tiles)
    return out


cdef object pulled(object x, object y, object g, object out, double ord, bint second):
    """The gradient of x, whose rows' distances to those of y are `out`: (*, P, R), or (*, R, P) where x is the second."""
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray>x) if isinstance(x, cnp.ndarray) else cnp.NPY_BOOL
    cdef cnp.ndarray a, b, given, distances, gx
    cdef rl_tables s
    cdef int nd
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return NotImplemented
    a, b = stack_of_tables(x, kind), stack_of_tables(y, kind)
    given, distances = stack_of_tables(g, kind), stack_of_tables(out, kind)
    if a is None or b is None or given is None or distances is None:
        return NotImplemented
    for pairs in (given, distances):
        if not (of_pairs(b, a, pairs) if second else of_pairs(a, b, pairs)):
            return NotImplemented
    nd = cnp.PyArray_NDIM(a)
    s.rows, s.others = cnp.PyArray_DIM(a, nd - 2), cnp.PyArray_DIM(b, nd - 2)
    s.width, s.p = cnp.PyArray_DIM(a, nd - 1), ord
    s.own, s.other = 1 if second else s.others, s.rows if second else 1
    if s.others == 0 or cnp.PyArray_SIZE(a) == 0:
        return cnp.PyArray_ZEROS(nd, cnp.PyArray_DIMS(a), kind, 0)
    gx = empty(nd, cnp.PyArray_DIMS(a), kind)
    s.padded = (s.width + RL_OWN - 1) // RL_OWN * RL_OWN if ord == 2 else s.width
    cdef void *copy = NULL
    if s.padded != s.width:
        copy = padded(b, s.width, s.padded)
    s.x, s.y, s.out = cnp.PyArray_DATA(a), cnp.PyArray_DATA(b) if copy == NULL else copy, cnp.PyArray_DATA(gx)
    s.g, s.distances = cnp.PyArray_DATA(given), cnp.PyArray_DATA(distances)
    cdef span work = rl_through_across_f4 if kind == cnp.NPY_FLOAT32 else rl_through_across_f8
    with nogil:
        spread(work, &s, cnp.PyArray_SIZE(a) // s.width, LEAST // (s.others * s.width + 1) + 1)
    free(copy)
    return gx


def through_first(g, x1, x2, out, double ord):
    return pulled(x1, x2, g, out, ord, False)


def through_second(g, x1, x2, out, double ord):
    return pulled(x2, x1, g, out, ord, True)


# Of longer rows BLAS finds the gradient in less time, by a product: at 256 numbers in two thirds.
cdef Py_ssize_t LONG = 64


cdef bint short(object x):
    return isinstance(x, cnp.ndarray) and cnp.PyArray_DIM(<cnp.ndarray>x, cnp.PyArray_NDIM(<cnp.ndarray>x) - 1) <= LONG


def through_first_euclidean(g, x1, x2, out):
    return pulled(x1, x2, g, out, 2, False) if short(x1) else NotImplemented


def through_second_euclidean(g, x1, x2, out):
    return pulled(x2, x1, g, out, 2, True) if short(x1) else NotImplemented
