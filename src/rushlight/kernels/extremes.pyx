# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The largest and the smallest elements of all, or along axes, and where they are; nan is both.

A function returns NotImplemented for an array it has no loop for, and where there is nothing to choose from.
"""

cimport numpy as cnp
from libc.stdint cimport INT32_MAX, int64_t

from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport family, spread as share
from rushlight.kernels.reduce cimport Reduction, carry_out, in_one_piece, kind_of, reduction, rl_fold, rl_job, RL_WORTH

cdef extern from "kernels/extremes.h" nogil:
    const int *rl_family
    ctypedef struct rl_search:
        const void *x
        void *values
        int64_t *places
        Py_ssize_t n, columns, tiles
        int least
    ctypedef struct rl_extremes:
        rl_fold folds[2]
        void (*copy)(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*places)(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*search)(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    const rl_extremes rl_extremes_of[7]
    Py_ssize_t RL_TILE

cnp.import_array()
rl_family = &family


cdef int find_values(Reduction r, cnp.ndarray out, bint least) except -1:
    cdef const rl_extremes* loops = &rl_extremes_of[kind_of(r.x)]
    r.job.fold = &loops.folds[least]
    r.job.finish = loops.copy
    r.job.x = <const char*>cnp.PyArray_DATA(r.x)
    r.job.out = <char*>cnp.PyArray_DATA(out)
    r.job.centre = NULL
    return carry_out(&r.job)


cdef object values_of(object x, object dim, bint keepdim, bint least):
    cdef Reduction r = reduction(x, dim, keepdim)
    cdef cnp.ndarray out
    if r is None or r.job.count == 0:
        return NotImplemented
    out = r.new(cnp.PyArray_TYPE(r.x))
    find_values(r, out, least)
    return out


def amax(x, dim=None, bint keepdim=False):
    return values_of(x, dim, keepdim, False)


def amin(x, dim=None, bint keepdim=False):
    return values_of(x, dim, keepdim, True)


def aminmax(x, dim=None, bint keepdim=False):
    cdef Reduction r = reduction(x, dim, keepdim)
    cdef cnp.ndarray low, high
    if r is None or r.job.count == 0:
        return NotImplemented
    low, high = r.new(cnp.PyArray_TYPE(r.x)), r.new(cnp.PyArray_TYPE(r.x))
    find_values(r, low, True)
    find_values(r, high, False)
    return low, high


cdef class Extreme(Kernel):
    """The largest element of all, or the smallest."""

    cdef bint least

    cdef object call1(self, object x):
        cdef cnp.ndarray array = in_one_piece(x), out
        cdef const rl_extremes* loops
        cdef rl_job job
        if array is None or cnp.PyArray_SIZE(array) == 0:
            return NotImplemented
        out = cnp.PyArray_SimpleNew(0, NULL, cnp.PyArray_TYPE(array))
        loops = &rl_extremes_of[kind_of(array)]
        job.fold = &loops.folds[self.least]
        job.finish = loops.copy
        job.x = <const char*>cnp.PyArray_DATA(array)
        job.out = <char*>cnp.PyArray_DATA(out)
        job.centre = NULL
        job.outer = job.rows = job.columns = 1
        job.run = job.count = cnp.PyArray_SIZE(array)
        carry_out(&job)
        return out


cdef Extreme extreme(bint least):
    cdef Extreme kernel = Extreme()
    kernel.least = least
    return kernel


max_whole = extreme(False)
min_whole = extreme(True)


# ---- with their places along one axis ----

cdef tuple found(object x, object dim, bint keepdim, bint least):
    """(values, places), or None."""
    cdef Reduction r
    cdef cnp.ndarray values, places
    cdef const rl_extremes* loops
    cdef rl_search s
    cdef Py_ssize_t tasks, each
    if not isinstance(dim, int):
        return None
    r = reduction(x, dim, keepdim)
    if r is None or r.job.count == 0 or r.job.count > INT32_MAX:
        return None
    values, places = r.new(cnp.PyArray_TYPE(r.x)), r.new(cnp.NPY_INT64)
    loops = &rl_extremes_of[kind_of(r.x)]
    s.x = cnp.PyArray_DATA(r.x)
    s.values = cnp.PyArray_DATA(values)
    s.places = <int64_t*>cnp.PyArray_DATA(places)
    s.n, s.columns, s.least = r.job.count, r.job.columns, least
    s.tiles = (s.columns + RL_TILE - 1) // RL_TILE
    tasks = r.job.outer * s.tiles
    each = s.n * min(s.columns, RL_TILE)
    work = loops.places if s.columns == 1 else loops.search
    if tasks * each < RL_WORTH:
        work(&s, 0, tasks)
    else:
        with nogil:
            share(work, &s, tasks, RL_WORTH // max(each, 1) + 1)
    return values, places


cdef class Place(Kernel):
    """Where the largest element of all is, or the smallest; of a few elements."""

    cdef bint least

    cdef object call1(self, object x):
        cdef cnp.ndarray array = in_one_piece(x), value, place
        cdef rl_search s
        if array is None or cnp.PyArray_SIZE(array) == 0 or cnp.PyArray_SIZE(array) > RL_WORTH:
            return NotImplemented
        value = cnp.PyArray_SimpleNew(0, NULL, cnp.PyArray_TYPE(array))
        place = cnp.PyArray_SimpleNew(0, NULL, cnp.NPY_INT64)
        s.x, s.values, s.places = cnp.PyArray_DATA(array), cnp.PyArray_DATA(value), <int64_t*>cnp.PyArray_DATA(place)
        s.n, s.columns, s.least, s.tiles = cnp.PyArray_SIZE(array), 1, self.least, 1
        rl_extremes_of[kind_of(array)].places(&s, 0, 1)
        return place


cdef Place place_of(bint least):
    cdef Place kernel = Place()
    kernel.least = least
    return kernel


argmax_whole = place_of(False)
argmin_whole = place_of(True)


def max_dim(x, dim, bint keepdim=False):
    pair = found(x, dim, keepdim, False)
    return NotImplemented if pair is None else pair


def min_dim(x, dim, bint keepdim=False):
    pair = found(x, dim, keepdim, True)
    return NotImplemented if pair is None else pair


def argmax(x, dim, bint keepdim=False):
    pair = found(x, dim, keepdim, False)
    return NotImplemented if pair is None else pair[1]


def argmin(x, dim, bint keepdim=False):
    pair = found(x, dim, keepdim, True)
    return NotImplemented if pair is None else pair[1]
