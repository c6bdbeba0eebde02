# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Places among sorted numbers, and runs of equal ones; NotImplemented for arrays that this was not made for."""

cimport numpy as cnp
from libc.stdint cimport int64_t

from rushlight.kernels.buffers cimport empty, plain
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/search.h" nogil:
    ctypedef struct rl_search:
        const char *edges
        const char *values
        int64_t *places
        Py_ssize_t n, each, rows
        int right
    void rl_search_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_search_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_search_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_search_i8(void *, Py_ssize_t, Py_ssize_t)
    Py_ssize_t rl_search_f4_runs(const float *, Py_ssize_t, int64_t *)
    Py_ssize_t rl_search_f8_runs(const double *, Py_ssize_t, int64_t *)
    Py_ssize_t rl_search_i4_runs(const int *, Py_ssize_t, int64_t *)
    Py_ssize_t rl_search_i8_runs(const int64_t *, Py_ssize_t, int64_t *)
    int RL_CELL_DIMS
    ctypedef struct rl_cells:
        const char *points
        const char *edges[8]
        Py_ssize_t bins[8]
        Py_ssize_t total
        int columns
        int64_t *places
    void rl_cells_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_cells_f8(void *, Py_ssize_t, Py_ssize_t)

cdef extern from "kernels/rows.h" nogil:
    ctypedef struct rl_rows:
        const void *x
        Py_ssize_t n, width
        int64_t *order
        int64_t *spare
        unsigned char *begins
    bint rl_rows_f4(rl_rows *)
    bint rl_rows_f8(rl_rows *)
    bint rl_rows_i8(rl_rows *)
    bint rl_rows_i4(rl_rows *)
    bint rl_rows_i2(rl_rows *)
    bint rl_rows_i1(rl_rows *)
    bint rl_rows_u1(rl_rows *)

ctypedef bint (*sorter)(rl_rows *) noexcept nogil

# Values whose search is worth a thread of its own.
cdef enum:
    LEAST = 2048


def searchsorted(edges, x, bint right=False):
    """Where each x belongs among the edges, sorted along the last dimension; a vector of them serves all x."""
    cdef rl_search s
    cdef cnp.ndarray e, v, out
    cdef int kind
    cdef span work
    if not plain(edges) or not plain(x):
        return NotImplemented
    e, v = edges, x
    kind = cnp.PyArray_TYPE(e)
    if kind != cnp.PyArray_TYPE(v) or cnp.PyArray_NDIM(e) == 0:
        return NotImplemented
    if kind == cnp.NPY_FLOAT:
        work = rl_search_f4
    elif kind == cnp.NPY_DOUBLE:
        work = rl_search_f8
    elif kind == cnp.NPY_INT64:
        work = rl_search_i8
    elif kind == cnp.NPY_INT32:
        work = rl_search_i4
    else:
        return NotImplemented
    s.n, s.right = cnp.PyArray_DIM(e, cnp.PyArray_NDIM(e) - 1), right
    out = empty(cnp.PyArray_NDIM(v), cnp.PyArray_DIMS(v), cnp.NPY_INT64)
    if cnp.PyArray_SIZE(v) == 0:
        return out
    s.rows, s.each = 1, 1
    if cnp.PyArray_NDIM(e) > 1:
        s.each = cnp.PyArray_DIM(v, cnp.PyArray_NDIM(v) - 1)
        s.rows = cnp.PyArray_SIZE(v) // s.each
        if s.rows * s.n != cnp.PyArray_SIZE(e):
            return NotImplemented
    s.edges, s.values = cnp.PyArray_BYTES(e), cnp.PyArray_BYTES(v)
    s.places = <int64_t*>cnp.PyArray_DATA(out)
    with nogil:
        spread(work, &s, cnp.PyArray_SIZE(v), LEAST)
    return out


def cell(points, *edges):
    """cell of ops/search.py."""
    cdef rl_cells s
    cdef cnp.npy_intp n
    cdef cnp.ndarray out
    cdef int kind, d
    if not plain(points) or cnp.PyArray_NDIM(points) != 2:
        return NotImplemented
    kind = cnp.PyArray_TYPE(points)
    n, s.columns = cnp.PyArray_DIM(points, 0), len(edges)
    if (kind != cnp.NPY_FLOAT and kind != cnp.NPY_DOUBLE) or s.columns != cnp.PyArray_DIM(points, 1):
        return NotImplemented
    if not 0 < s.columns <= RL_CELL_DIMS:
        return NotImplemented
    s.total = 1
    for d, e in enumerate(edges):
        if not plain(e) or cnp.PyArray_NDIM(e) != 1 or cnp.PyArray_TYPE(e) != kind or cnp.PyArray_SIZE(e) < 2:
            return NotImplemented
        s.edges[d], s.bins[d] = cnp.PyArray_BYTES(e), cnp.PyArray_SIZE(e) - 1
        s.total *= s.bins[d]
    out = empty(1, &n, cnp.NPY_INT64)
    s.points, s.places = cnp.PyArray_BYTES(points), <int64_t*>cnp.PyArray_DATA(out)
    with nogil:
        spread(rl_cells_f4 if kind == cnp.NPY_FLOAT else rl_cells_f8, &s, n, LEAST)
    return out


def runs(cnp.ndarray x not None):
    """Where the runs of equal elements of a vector begin."""
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef cnp.npy_intp n = cnp.PyArray_SIZE(x), found
    cdef cnp.ndarray begins
    if not plain(x) or cnp.PyArray_NDIM(x) != 1:
        return NotImplemented
    # One place more: the loop writes behind the last run.
    found = n + 1
    begins = empty(1, &found, cnp.NPY_INT64)
    cdef int64_t *to = <int64_t*>cnp.PyArray_DATA(begins)
    cdef void *data = cnp.PyArray_DATA(x)
    if kind == cnp.NPY_FLOAT:
        with nogil:
            found = rl_search_f4_runs(<const float*>data, n, to)
    elif kind == cnp.NPY_DOUBLE:
        with nogil:
            found = rl_search_f8_runs(<const double*>data, n, to)
    elif kind == cnp.NPY_INT64:
        with nogil:
            found = rl_search_i8_runs(<const int64_t*>data, n, to)
    elif kind == cnp.NPY_INT32:
        with nogil:
            found = rl_search_i4_runs(<const int*>data, n, to)
    else:
        return NotImplemented
    return begins[:found].copy()


cdef sorter rows_of(int kind) noexcept:
    if kind == cnp.NPY_FLOAT:
        return rl_rows_f4
    if kind == cnp.NPY_DOUBLE:
        return rl_rows_f8
    if kind == cnp.NPY_INT64:
        return rl_rows_i8
    if kind == cnp.NPY_INT32:
        return rl_rows_i4
    if kind == cnp.NPY_INT16:
        return rl_rows_i2
    if kind == cnp.NPY_INT8:
        return rl_rows_i1
    if kind == cnp.NPY_UINT8 or kind == cnp.NPY_BOOL:
        return rl_rows_u1
    return NULL


def rows(cnp.ndarray x not None):
    """The lexicographic order of the rows of a matrix, and which of them, in order, differ from the one before."""
    cdef rl_rows r
    cdef sorter work = rows_of(cnp.PyArray_TYPE(x))
    cdef cnp.npy_intp n
    cdef cnp.ndarray order, spare, begins
    cdef bint done
    if work == NULL or not plain(x) or cnp.PyArray_NDIM(x) != 2:
        return NotImplemented
    n = cnp.PyArray_DIM(x, 0)
    order, spare = empty(1, &n, cnp.NPY_INT64), empty(1, &n, cnp.NPY_INT64)
    begins = empty(1, &n, cnp.NPY_BOOL)
    r.x, r.n, r.width = cnp.PyArray_DATA(x), n, cnp.PyArray_DIM(x, 1)
    r.order, r.spare = <int64_t*>cnp.PyArray_DATA(order), <int64_t*>cnp.PyArray_DATA(spare)
    r.begins = <unsigned char*>cnp.PyArray_DATA(begins)
    with nogil:
        done = work(&r)
    return (order, begins) if done else NotImplemented
