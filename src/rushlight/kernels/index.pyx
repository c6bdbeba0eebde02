# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Gathers and scattered additions along one dimension, and the check that indices lie within it.

An array is seen as (outer, n, inner), n along the dimension. Sums go in the order of the indices, as in PyTorch.
A function that has no loop for an array, or meets an index outside, says so, and NumPy does it or refuses it:
False comes from what writes, NotImplemented from the rest.
"""

cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint64_t

cnp.import_array()

cdef enum:
    BLOCK = 1024

ctypedef fused number:
    float
    double
    int64_t

ctypedef fused element:
    int32_t
    int64_t


cdef bint usable(object x) noexcept:
    return (
        cnp.PyArray_CheckExact(x)
        and cnp.PyArray_IS_C_CONTIGUOUS(x)
        and cnp.PyArray_ISALIGNED(x)
        and cnp.PyArray_ISNOTSWAPPED(x)
        and cnp.PyArray_NDIM(x) > 0
    )


cdef Py_ssize_t span(cnp.ndarray x, int first, int last) noexcept:
    """The product of the sizes of dimensions first to last - 1."""
    cdef Py_ssize_t n = 1
    cdef int d
    for d in range(first, last):
        n *= cnp.PyArray_DIM(x, d)
    return n


cdef bint alike_but(cnp.ndarray a, cnp.ndarray b, int dim) noexcept:
    """Whether the shapes agree in every dimension other than `dim`."""
    cdef int d
    if cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(b):
        return False
    for d in range(cnp.PyArray_NDIM(a)):
        if d != dim and cnp.PyArray_DIM(a, d) != cnp.PyArray_DIM(b, d):
            return False
    return True


cdef Py_ssize_t search_outside(const int64_t* at, Py_ssize_t size, int64_t low, int64_t high) noexcept nogil:
    """Block by block without a branch inside, which the compiler turns into vector instructions."""
    cdef Py_ssize_t k, start = 0, stop
    cdef uint64_t width = high - low
    cdef bint wrong
    while start < size:
        stop = min(start + BLOCK, size)
        wrong = False
        for k in range(start, stop):
            wrong |= <uint64_t>(at[k] - low) >= width
        if wrong:
            for k in range(start, stop):
                if at[k] < low or at[k] >= high:
                    return k
        start = stop
    return -1


def first_outside(cnp.ndarray index not None, Py_ssize_t low, Py_ssize_t high):
    """The flat position of the first index below `low` or not below `high`; -1 where there is none."""
    cdef cnp.ndarray flat = index
    if cnp.PyArray_TYPE(index) != cnp.NPY_INT64:
        flat = index.astype("int64")
    if not cnp.PyArray_IS_C_CONTIGUOUS(flat) or not cnp.PyArray_ISALIGNED(flat):
        flat = cnp.PyArray_Copy(flat)
    return search_outside(<const int64_t*>cnp.PyArray_DATA(flat), cnp.PyArray_SIZE(flat), low, high)


cdef void add_along_loop(
    number* out, const int64_t* index, const number* source, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t count, Py_ssize_t inner
) noexcept nogil:
    cdef Py_ssize_t o, k, j, at
    cdef number* row
    for o in range(outer):
        for k in range(count):
            at = index[k]
            row = out + (at if at >= 0 else at + n) * inner
            if inner == 1:
                row[0] += source[0]
            else:
                for j in range(inner):
                    row[j] += source[j]
            source += inner
        out += n * inner


def add_along(cnp.ndarray out not None, int dim, cnp.ndarray index not None, cnp.ndarray source not None):
    """out[..., index[k], ...] += source[..., k, ...]; whether that was done. Negative ones count back."""
    cdef int kind = cnp.PyArray_TYPE(out), ndim = cnp.PyArray_NDIM(out)
    cdef Py_ssize_t outer, n, inner, count = cnp.PyArray_SIZE(index)
    if not usable(out) or kind != cnp.PyArray_TYPE(source) or not alike_but(out, source, dim):
        return False
    if cnp.PyArray_DIM(source, dim) != count or cnp.PyArray_TYPE(index) != cnp.NPY_INT64 or not usable(index):
        return False
    if not usable(source):
        source = cnp.PyArray_Copy(source)
    outer, n, inner = span(out, 0, dim), cnp.PyArray_DIM(out, dim), span(out, dim + 1, ndim)
    cdef void* to = cnp.PyArray_DATA(out)
    cdef const void* data = cnp.PyArray_DATA(source)
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    if search_outside(at, count, -n, n) >= 0:
        return False
    if kind == cnp.NPY_FLOAT:
        with nogil:
            add_along_loop[float](<float*>to, at, <const float*>data, outer, n, count, inner)
    elif kind == cnp.NPY_DOUBLE:
        with nogil:
            add_along_loop[double](<double*>to, at, <const double*>data, outer, n, count, inner)
    elif kind == cnp.NPY_INT64:
        with nogil:
            add_along_loop[int64_t](<int64_t*>to, at, <const int64_t*>data, outer, n, count, inner)
    else:
        return False
    return True


cdef void scatter_add_loop(
    number* out, const int64_t* index, const number* source, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t count, Py_ssize_t inner
) noexcept nogil:
    cdef Py_ssize_t o, k, j
    for o in range(outer):
        if inner == 1:
            for k in range(count):
                out[index[k]] += source[k]
        else:
            for k in range(count):
                for j in range(inner):
                    out[index[k * inner + j] * inner + j] += source[k * inner + j]
        index += count * inner
        source += count * inner
        out += n * inner


def scatter_add(cnp.ndarray out not None, int dim, cnp.ndarray index not None, cnp.ndarray source not None):
    """out[i][index[i][k][j]][j] += source[i][k][j]; whether that was done."""
    cdef int kind = cnp.PyArray_TYPE(out), ndim = cnp.PyArray_NDIM(out)
    cdef Py_ssize_t outer, n, inner, count
    if not usable(out) or kind != cnp.PyArray_TYPE(source) or not alike_but(out, index, dim):
        return False
    if not alike_but(index, source, -1) or cnp.PyArray_TYPE(index) != cnp.NPY_INT64:
        return False
    if not usable(source):
        source = cnp.PyArray_Copy(source)
    if not usable(index):
        index = cnp.PyArray_Copy(index)
    outer, n, inner = span(out, 0, dim), cnp.PyArray_DIM(out, dim), span(out, dim + 1, ndim)
    count = cnp.PyArray_DIM(index, dim)
    cdef void* to = cnp.PyArray_DATA(out)
    cdef const void* data = cnp.PyArray_DATA(source)
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    if search_outside(at, outer * count * inner, 0, n) >= 0:
        return False
    if kind == cnp.NPY_FLOAT:
        with nogil:
            scatter_add_loop[float](<float*>to, at, <const float*>data, outer, n, count, inner)
    elif kind == cnp.NPY_DOUBLE:
        with nogil:
            scatter_add_loop[double](<double*>to, at, <const double*>data, outer, n, count, inner)
    elif kind == cnp.NPY_INT64:
        with nogil:
            scatter_add_loop[int64_t](<int64_t*>to, at, <const int64_t*>data, outer, n, count, inner)
    else:
        return False
    return True


cdef void gather_loop(
    const element* x, const int64_t* index, element* out, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t count, Py_ssize_t inner
) noexcept nogil:
    cdef Py_ssize_t o, k, j
    for o in range(outer):
        if inner == 1:
            for k in range(count):
                out[k] = x[index[k]]
        else:
            for k in range(count):
                for j in range(inner):
                    out[k * inner + j] = x[index[k * inner + j] * inner + j]
        index += count * inner
        out += count * inner
        x += n * inner


def gather(cnp.ndarray x not None, int dim, cnp.ndarray index not None):
    """out[i][k][j] = x[i][index[i][k][j]][j] for elements of four or eight bytes."""
    cdef int size = cnp.PyArray_ITEMSIZE(x), ndim = cnp.PyArray_NDIM(x)
    cdef Py_ssize_t outer, n, inner, count
    cdef cnp.ndarray out
    if size != 4 and size != 8 or cnp.PyArray_TYPE(index) != cnp.NPY_INT64:
        return NotImplemented
    if not usable(x) or not alike_but(x, index, dim):
        return NotImplemented
    if not usable(index):
        index = cnp.PyArray_Copy(index)
    outer, n, inner = span(x, 0, dim), cnp.PyArray_DIM(x, dim), span(x, dim + 1, ndim)
    count = cnp.PyArray_DIM(index, dim)
    out = cnp.PyArray_SimpleNew(ndim, cnp.PyArray_DIMS(index), cnp.PyArray_TYPE(x))
    cdef const void* data = cnp.PyArray_DATA(x)
    cdef void* to = cnp.PyArray_DATA(out)
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    if search_outside(at, outer * count * inner, 0, n) >= 0:
        return NotImplemented
    if size == 4:
        with nogil:
            gather_loop[int32_t](<const int32_t*>data, at, <int32_t*>to, outer, n, count, inner)
    else:
        with nogil:
            gather_loop[int64_t](<const int64_t*>data, at, <int64_t*>to, outer, n, count, inner)
    return out


cdef void scatter_loop(
    element* out, const int64_t* index, const element* source, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t count, Py_ssize_t inner
) noexcept nogil:
    cdef Py_ssize_t o, k, j
    for o in range(outer):
        for k in range(count):
            for j in range(inner):
                out[index[k * inner + j] * inner + j] = source[k * inner + j]
        index += count * inner
        source += count * inner
        out += n * inner


def scatter(cnp.ndarray out not None, int dim, cnp.ndarray index not None, cnp.ndarray source not None):
    """out[i][index[i][k][j]][j] = source[i][k][j] for elements of four or eight bytes; whether that was done."""
    cdef int size = cnp.PyArray_ITEMSIZE(out), ndim = cnp.PyArray_NDIM(out)
    cdef Py_ssize_t outer, n, inner, count
    if size != 4 and size != 8 or cnp.PyArray_TYPE(out) != cnp.PyArray_TYPE(source):
        return False
    if not usable(out) or not alike_but(out, index, dim) or not alike_but(index, source, -1):
        return False
    if cnp.PyArray_TYPE(index) != cnp.NPY_INT64:
        return False
    if not usable(source):
        source = cnp.PyArray_Copy(source)
    if not usable(index):
        index = cnp.PyArray_Copy(index)
    outer, n, inner = span(out, 0, dim), cnp.PyArray_DIM(out, dim), span(out, dim + 1, ndim)
    count = cnp.PyArray_DIM(index, dim)
    cdef void* to = cnp.PyArray_DATA(out)
    cdef const void* data = cnp.PyArray_DATA(source)
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    if search_outside(at, outer * count * inner, 0, n) >= 0:
        return False
    if size == 4:
        with nogil:
            scatter_loop[int32_t](<int32_t*>to, at, <const int32_t*>data, outer, n, count, inner)
    else:
        with nogil:
            scatter_loop[int64_t](<int64_t*>to, at, <const int64_t*>data, outer, n, count, inner)
    return True
