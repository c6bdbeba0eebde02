# cython: boundscheck=False, wraparound=False, cdivision=True
"""Images and volumes of float32 and float64 read at the points of a grid, and the gradients of both.

A function returns NotImplemented for other dtypes.
"""

cimport numpy as cnp
from rushlight.kernels.buffers cimport empty, row_major
from rushlight.kernels.parallel cimport spread, span

cnp.import_array()

cdef extern from "kernels/grid.h":
    ctypedef struct rl_sampling:
        int d, mode, outside, aligned
        Py_ssize_t n, channels, points
        Py_ssize_t size[3]
        const void *x
        const void *grid
        const void *g
        void *out
        void *gx
        void *ggrid
    int RL_POINTS
    void rl_sample_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_sample_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_sample_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_sample_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}
# A part of a loop that is worth a thread: as many sums of products as this.
cdef Py_ssize_t LEAST = 1 << 14


cdef bint settle(rl_sampling *s, cnp.ndarray x, cnp.ndarray grid, str mode, str padding, bint align_corners):
    cdef int d = cnp.PyArray_NDIM(x) - 2, k
    if d not in (2, 3) or cnp.PyArray_SIZE(x) == 0 or cnp.PyArray_SIZE(grid) == 0 or cnp.PyArray_SIZE(x) >> 31:
        return False
    if cnp.PyArray_NDIM(grid) != d + 2 or cnp.PyArray_DIM(grid, 0) != cnp.PyArray_DIM(x, 0) or cnp.PyArray_DIM(grid, d + 1) != d:
        return False
    s.d, s.mode, s.outside, s.aligned = d, MODES[mode], PADDINGS[padding], align_corners
    s.n, s.channels = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1)
    s.points = cnp.PyArray_SIZE(grid) // (s.n * d)
    s.size[2] = 1
    for k in range(d):
        s.size[k] = cnp.PyArray_DIM(x, d + 1 - k)
    s.x, s.grid = cnp.PyArray_DATA(x), cnp.PyArray_DATA(grid)
    return True


cdef int kind_of(object x):
    if not isinstance(x, cnp.ndarray):
        return -1
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray>x)
    return kind if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else -1


def grid_sampler(x, grid, *, str mode, str padding, align_corners):
    """x (N, C, *spatial) at the points grid (N, *out, d): (N, C, *out)."""
    cdef rl_sampling s
    cdef int kind = kind_of(x), k, d
    cdef cnp.npy_intp shape[5]
    cdef cnp.ndarray a, points, out
    cdef span work
    if kind < 0:
        return NotImplemented
    a, points = row_major(x, kind), row_major(grid, kind)
    if points is None or not settle(&s, a, points, mode, padding, align_corners):
        return NotImplemented
    d = s.d
    shape[0], shape[1] = s.n, s.channels
    for k in range(d):
        shape[2 + k] = cnp.PyArray_DIM(points, 1 + k)
    out = empty(d + 2, shape, kind)
    s.out = cnp.PyArray_DATA(out)
    work = rl_sample_f4 if kind == cnp.NPY_FLOAT32 else rl_sample_f8
    with nogil:
        spread(work, &s, s.n * ((s.points + RL_POINTS - 1) // RL_POINTS), LEAST // (RL_POINTS * (s.channels + 4)) + 1)
    return out


def through_grid_sampler(g, x, grid, str mode, str padding, align_corners, needs):
    """The gradients of x and of the grid, None for one that nobody needs."""
    cdef rl_sampling s
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, points, given, gx = None, ggrid = None
    cdef span work
    if kind < 0:
        return NotImplemented
    a, points, given = row_major(x, kind), row_major(grid, kind), row_major(g, kind)
    if points is None or given is None or not settle(&s, a, points, mode, padding, align_corners):
        return NotImplemented
    if cnp.PyArray_SIZE(given) != s.n * s.channels * s.points:
        return NotImplemented
    s.g, s.gx, s.ggrid = cnp.PyArray_DATA(given), NULL, NULL
    if needs[0]:
        gx = cnp.PyArray_ZEROS(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind, 0)
        s.gx = cnp.PyArray_DATA(gx)
    if needs[1]:
        ggrid = empty(cnp.PyArray_NDIM(points), cnp.PyArray_DIMS(points), kind)
        s.ggrid = cnp.PyArray_DATA(ggrid)
    work = rl_through_sample_f4 if kind == cnp.NPY_FLOAT32 else rl_through_sample_f8
    with nogil:
        spread(work, &s, s.n, LEAST // (s.points * (s.channels + 4)) + 1)
    return gx, ggrid
