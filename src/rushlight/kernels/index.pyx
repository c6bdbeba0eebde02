# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Reading, writing and adding rows of an array that arrays of indices name, and the check that indices lie within it.

An array is seen as (outer, places, inner): the dimensions that are indexed lie together, and are one of `places`.
Negative indices count back. Sums go in the order of the indices. A function that has no loop for an array, or meets
an index outside, says so, and NumPy does it or refuses it: False comes from what writes, NotImplemented from the rest.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from rushlight.kernels.buffers cimport contiguous, empty, plain
from rushlight.kernels.parallel cimport span, spread
from rushlight.kernels.zeros cimport ZEROS, clear
from rushlight.kernels.wide cimport RL_FEW, RL_PAIRS, RL_SHORT, RL_WORTH_TWO, rl_copies, rl_many, rl_narrow, rl_widen

from rushlight.kernels.copying import write as write_over

cnp.import_array()

cdef extern from "kernels/points.h" nogil:
    void rl_copy(char *, const char *, Py_ssize_t)
    void rl_meet(void *, Py_ssize_t, Py_ssize_t)
    void rl_open(void *, Py_ssize_t, Py_ssize_t)
    void rl_add_wide(void *, Py_ssize_t, Py_ssize_t)
    void rl_close(void *, Py_ssize_t, Py_ssize_t)
    void rl_add_short(void *, Py_ssize_t, Py_ssize_t)
    enum: RL_MOST_INDICES
    enum: RL_BLOCK
    ctypedef struct rl_points:
        char *table
        char *rows
        float *narrow
        Py_ssize_t outer, count, inner, itemsize, places
        int indices
        const int64_t *index[8]
        int64_t size[8]
        int by_count, by_inner, strict, anew, outside, often, shift
        Py_ssize_t heaps
        double factor
    enum: RL_WEIGHTS
    ctypedef struct rl_weights:
        const int64_t *at
        const void *weights
        double *tables
        Py_ssize_t count, places
    void rl_weigh_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_weigh_f8(void *, Py_ssize_t, Py_ssize_t)
    bint rl_resolve(const rl_points *, Py_ssize_t, Py_ssize_t, int64_t *)
    ctypedef struct rl_range:
        const int64_t *index
        int64_t low
        uint64_t width
        int outside
    void rl_within(void *, Py_ssize_t, Py_ssize_t)
    void rl_read_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_read_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_read_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_read_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_read_rows(void *, Py_ssize_t, Py_ssize_t)
    void rl_write_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_write_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_write_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_write_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_fill_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_fill_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_fill_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_fill_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_add_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_add_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_add_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_add_i8(void *, Py_ssize_t, Py_ssize_t)

# Elements that are worth a thread of their own.
cdef enum:
    LEAST = 32768


cdef Py_ssize_t sizes(cnp.ndarray x, int first, int last) noexcept:
    """The product of the sizes of dimensions first to last - 1."""
    cdef Py_ssize_t n = 1
    cdef int d
    for d in range(first, last):
        n *= cnp.PyArray_DIM(x, d)
    return n


def first_outside(cnp.ndarray index not None, Py_ssize_t low, Py_ssize_t high):
    """The flat position of the first index below `low` or not below `high`; -1 where there is none."""
    cdef cnp.ndarray flat = index
    cdef rl_range r
    cdef Py_ssize_t k, n = cnp.PyArray_SIZE(index)
    if cnp.PyArray_TYPE(index) != cnp.NPY_INT64:
        flat = index.astype("int64")
    if not plain(flat):
        flat = cnp.PyArray_Copy(flat)
    r.index, r.low, r.width, r.outside = <const int64_t*>cnp.PyArray_DATA(flat), low, <uint64_t>(high - low), 0
    with nogil:
        spread(rl_within, &r, n, 4 * LEAST)
    if r.outside:
        for k in range(n):
            if r.index[k] < low or r.index[k] >= high:
                return k
    return -1


cdef bint points(cnp.ndarray table, int dim, tuple indices, rl_points *p) except -1:
    """Describe a table whose dimensions from `dim` on are indexed; whether that can be said."""
    cdef int d, m = len(indices), ndim = cnp.PyArray_NDIM(table)
    cdef cnp.ndarray index
    cdef object shape = None
    if m == 0 or m > RL_MOST_INDICES or dim + m > ndim or not plain(table):
        return False
    for d in range(m):
        index = indices[d]
        if cnp.PyArray_TYPE(index) != cnp.NPY_INT64 or not plain(index):
            return False
        if d and not cnp.PyArray_SAMESHAPE(index, <cnp.ndarray>indices[0]):
            return False
        p.index[d], p.size[d] = <const int64_t*>cnp.PyArray_DATA(index), cnp.PyArray_DIM(table, dim + d)
    p.table, p.itemsize, p.indices = cnp.PyArray_BYTES(table), cnp.PyArray_ITEMSIZE(table), m
    p.strict = p.outside = 0
    p.outer, p.places, p.inner = sizes(table, 0, dim), sizes(table, dim, dim + m), sizes(table, dim + m, ndim)
    p.count = cnp.PyArray_SIZE(<cnp.ndarray>indices[0])
    return True


cdef bint fits(cnp.ndarray table, int dim, int m, cnp.ndarray rows, cnp.ndarray index) noexcept:
    """Whether rows have the shape that reading the table gives."""
    cdef int d, k = cnp.PyArray_NDIM(index), ndim = cnp.PyArray_NDIM(table)
    if cnp.PyArray_NDIM(rows) != ndim - m + k:
        return False
    for d in range(dim):
        if cnp.PyArray_DIM(rows, d) != cnp.PyArray_DIM(table, d):
            return False
    for d in range(k):
        if cnp.PyArray_DIM(rows, dim + d) != cnp.PyArray_DIM(index, d):
            return False
    for d in range(dim + m, ndim):
        if cnp.PyArray_DIM(rows, d - m + k) != cnp.PyArray_DIM(table, d):
            return False
    return True


# Bytes first to last of an array are those of x.
cdef struct Stretch:
    char *out
    char *x
    Py_ssize_t first, last


cdef void stretched(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Stretch *s = <Stretch *>what
    cdef Py_ssize_t low = min(max(s.first, begin), end), high = max(min(s.last, end), low)
    memset(s.out + begin, 0, low - begin)
    rl_copy(s.out + low, s.x + (low - s.first), high - low)
    memset(s.out + high, 0, end - high)


def put_in_zeros(x, shape, index):
    """Zeros of a shape with the array x where a basic index points."""
    cdef Stretch stretch
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray out, part
    cdef int d, nd = <int>len(shape)
    if not cnp.PyArray_CheckExact(x) or nd > 64 or cnp.PyArray_TYPE(<cnp.ndarray>x) >= cnp.NPY_OBJECT:
        return NotImplemented
    for d in range(nd):
        dims[d] = shape[d]
    out = empty(nd, dims, cnp.PyArray_TYPE(<cnp.ndarray>x))
    part = (<object>out)[index]
    if plain(part) and plain(x) and cnp.PyArray_SAMESHAPE(part, <cnp.ndarray>x):
        stretch.out, stretch.x = cnp.PyArray_BYTES(out), cnp.PyArray_BYTES(<cnp.ndarray>x)
        stretch.first = cnp.PyArray_BYTES(part) - stretch.out
        stretch.last = stretch.first + cnp.PyArray_NBYTES(part)
        with nogil:
            spread(stretched, &stretch, cnp.PyArray_NBYTES(out), ZEROS)
        return out
    clear(out)
    if not write_over(part, x):
        (<object>out)[index] = x
    return out


def read(cnp.ndarray table not None, int dim, tuple indices not None, bint strict=False):
    """table[:, .., *indices] with the arrays of indices, of one shape, from dimension `dim` on.

    Where it is strict no index may be negative.
    """
    cdef rl_points p
    cdef span work
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray index, out
    cdef int d, k, m = len(indices), ndim = cnp.PyArray_NDIM(table)
    cdef int kind = cnp.PyArray_TYPE(table)
    if not (kind < cnp.NPY_OBJECT or kind == cnp.NPY_FLOAT16) or m == 0:
        return NotImplemented
    if dim + m <= ndim and cnp.PyArray_SIZE(<cnp.ndarray>indices[0]) >= sizes(table, dim, dim + m):
        # It is read from end to end, so it may be copied; an expanded one could have any size.
        table = contiguous(table)
    if not points(table, dim, indices, &p):
        return NotImplemented
    p.strict = strict
    index = indices[0]
    k = cnp.PyArray_NDIM(index)
    if ndim - m + k > 32:
        return NotImplemented
    for d in range(dim):
        dims[d] = cnp.PyArray_DIM(table, d)
    for d in range(k):
        dims[dim + d] = cnp.PyArray_DIM(index, d)
    for d in range(dim + m, ndim):
        dims[d - m + k] = cnp.PyArray_DIM(table, d)
    if p.outer == 0 and p.count:
        # No row is read, so no index would be looked at.
        return NotImplemented
    out = empty(ndim - m + k, dims, kind)
    if cnp.PyArray_SIZE(out) == 0 and p.count == 0:
        return out
    p.rows = cnp.PyArray_BYTES(out)
    work = rl_read_rows
    if p.inner == 1:
        if p.itemsize == 4:
            work = rl_read_4
        elif p.itemsize == 8:
            work = rl_read_8
        elif p.itemsize == 1:
            work = rl_read_1
        elif p.itemsize == 2:
            work = rl_read_2
    with nogil:
        spread(work, &p, p.outer * p.count, max(1, LEAST // max(p.inner, 1)))
    return NotImplemented if p.outside else out


cdef bint divided(span work, rl_points *p, bint one_number=False) noexcept:
    """Do the work of a writer; whether all indices were inside."""
    cdef Py_ssize_t steps = p.outer * p.count * p.inner
    p.by_count = one_number and p.outer == 1 and p.inner == 1
    if p.by_count:
        with nogil:
            spread(work, p, p.count, LEAST)
        return not p.outside
    p.by_inner = p.outer < 8 and p.inner >= 16
    cdef Py_ssize_t n = p.inner if p.by_inner else p.outer
    if steps == 0 and p.count == 0:
        return True
    with nogil:
        spread(work, p, n, max(1, LEAST * n // max(steps, 1)))
    return not p.outside


cdef bint apart(cnp.ndarray x, cnp.ndarray y) noexcept:
    """Whether two arrays that are each in one piece share no memory."""
    cdef char *a = cnp.PyArray_BYTES(x)
    cdef char *b = cnp.PyArray_BYTES(y)
    return a + cnp.PyArray_NBYTES(x) <= b or b + cnp.PyArray_NBYTES(y) <= a


cdef bint sure(cnp.ndarray table, tuple indices, cnp.ndarray rows, rl_points *p):
    """Whether nothing that is read lies in the table, and all indices are inside."""
    cdef Py_ssize_t k
    cdef int64_t at[RL_BLOCK]
    for index in indices:
        if not apart(table, <cnp.ndarray>index):
            return False
    if not apart(table, rows):
        return False
    for k in range(0, p.count, RL_BLOCK):
        if not rl_resolve(p, k, min(p.count - k, <Py_ssize_t>RL_BLOCK), at):
            return False
    return True


def write(cnp.ndarray table not None, int dim, tuple indices not None, cnp.ndarray rows not None, bint unchecked=False):
    """table[:, .., *indices] = rows, of the shape that reading gives; whether that was done.

    What is `unchecked` is looked at first, and left alone where an index is outside or the arrays share memory.
    """
    cdef rl_points p
    if cnp.PyArray_TYPE(table) != cnp.PyArray_TYPE(rows) or not points(table, dim, indices, &p):
        return False
    if not plain(rows) or not fits(table, dim, len(indices), rows, <cnp.ndarray>indices[0]):
        return False
    if unchecked and not sure(table, indices, rows, &p):
        return False
    p.rows = cnp.PyArray_BYTES(rows)
    if p.itemsize == 4:
        return divided(rl_write_4, &p)
    if p.itemsize == 8:
        return divided(rl_write_8, &p)
    if p.itemsize == 1:
        return divided(rl_write_1, &p)
    return p.itemsize == 2 and divided(rl_write_2, &p)


def fill(cnp.ndarray table not None, int dim, tuple indices not None, cnp.ndarray value not None):
    """table[:, .., *indices] = value, an array of one element in the table's dtype; whether that was done."""
    cdef rl_points p
    if cnp.PyArray_TYPE(table) != cnp.PyArray_TYPE(value) or not points(table, dim, indices, &p):
        return False
    if cnp.PyArray_SIZE(value) != 1 or not plain(value):
        return False
    p.rows = cnp.PyArray_BYTES(value)
    if p.itemsize == 4:
        return divided(rl_fill_4, &p, True)
    if p.itemsize == 8:
        return divided(rl_fill_8, &p, True)
    if p.itemsize == 1:
        return divided(rl_fill_1, &p, True)
    return p.itemsize == 2 and divided(rl_fill_2, &p, True)


cdef bint often(rl_points *p):
    """Whether a row is named more than RL_FEW times; False, too, where an index is outside."""
    cdef rl_points own = p[0]
    cdef cnp.ndarray counts
    cdef unsigned char *count
    cdef cnp.npy_intp size
    cdef Py_ssize_t halves = 2 if p.count >= RL_WORTH_TWO else 1
    if p.count <= RL_FEW:
        return False
    if p.count > RL_FEW * p.places:
        return True
    own.often, own.shift, own.heaps = False, 0, RL_PAIRS(p.places)
    if own.heaps > 16 * p.count:
        # So many that few rows fall in one heap.
        own.shift, own.heaps = 52, 4096
        while own.heaps < 4 * p.count:
            own.shift, own.heaps = own.shift - 1, 2 * own.heaps
    size = halves * own.heaps
    counts = empty(1, &size, cnp.NPY_UINT8)
    count, own.table = <unsigned char *>cnp.PyArray_DATA(counts), cnp.PyArray_BYTES(counts)
    with nogil:
        memset(count, 0, size)
        spread(rl_meet, &own, p.count, p.count // halves)
        return own.often or (halves == 2 and not own.outside and rl_many(count, count + own.heaps, own.heaps))


cdef bint added_wide(cnp.ndarray table, rl_points *p):
    """Rows of float32 numbers (pairs of them, if complex) added in float64; whether all indices were inside."""
    cdef int kind = cnp.NPY_FLOAT64 if cnp.PyArray_TYPE(table) == cnp.NPY_FLOAT else cnp.NPY_COMPLEX128
    cdef cnp.ndarray wide = empty(cnp.PyArray_NDIM(table), cnp.PyArray_DIMS(table), kind)
    cdef Py_ssize_t size = p.outer * p.places * p.inner
    cdef rl_copies copies
    copies.wide, copies.narrow = <double *>cnp.PyArray_DATA(wide), <float *>cnp.PyArray_DATA(table)
    p.table, p.narrow = cnp.PyArray_BYTES(wide), copies.narrow
    if p.count < p.places // 4:
        return divided(rl_open, p) and divided(rl_add_wide, p) and divided(rl_close, p)
    with nogil:
        spread(rl_widen, &copies, size, LEAST)
    if not divided(rl_add_wide, p):
        return False
    with nogil:
        spread(rl_narrow, &copies, size, LEAST)
    return True


cdef bint added(cnp.ndarray table, rl_points *p, int kind):
    """Add rows to a table; whether that was done."""
    cdef span work
    if kind == cnp.NPY_COMPLEX64 or kind == cnp.NPY_COMPLEX128:
        p.inner *= 2
    if kind == cnp.NPY_FLOAT or kind == cnp.NPY_COMPLEX64:
        work = rl_add_f4
        if p.inner == 1 and p.places <= RL_SHORT and p.count > RL_FEW and p.count >= p.places // 4:
            if p.anew:
                clear(table)
            return divided(rl_add_short, p)
        if often(p):
            if p.anew:
                clear(table)
            return added_wide(table, p)
    elif kind == cnp.NPY_DOUBLE or kind == cnp.NPY_COMPLEX128:
        work = rl_add_f8
    elif kind == cnp.NPY_INT64:
        work = rl_add_i8
    elif kind == cnp.NPY_INT32:
        work = rl_add_i4
    else:
        return False
    return by_rows(work, p)


cdef bint by_rows(span work, rl_points *p) noexcept:
    """Add to a table of which each thread has some rows; whether all indices were inside."""
    cdef Py_ssize_t rows = p.outer * p.places, steps = p.outer * p.inner * (p.count + (p.places if p.anew else 0))
    cdef Py_ssize_t least = max(1, LEAST * rows // max(steps, 1))
    if p.count * 512 > p.places * p.inner:
        # All look at all of the indices, which is to be much less than what they add.
        least = max(least, rows // 4 if p.inner >= 16 else rows // 2 if p.outer == 1 else p.places)
    with nogil:
        spread(work, p, rows, least)
    return not p.outside


def add(cnp.ndarray table not None, int dim, tuple indices not None, cnp.ndarray rows not None, factor=1, bint strict=False):
    """table[:, .., *indices] += factor * rows, as often as a row is named; whether that was done."""
    cdef rl_points p
    cdef int kind = cnp.PyArray_TYPE(table)
    if kind != cnp.PyArray_TYPE(rows) or not points(table, dim, indices, &p):
        return False
    if not plain(rows) or not fits(table, dim, len(indices), rows, <cnp.ndarray>indices[0]):
        return False
    if factor != 1 and (kind == cnp.NPY_INT64 or kind == cnp.NPY_INT32 or type(factor) is complex):
        return False
    p.rows, p.factor, p.strict, p.anew = cnp.PyArray_BYTES(rows), factor, strict, False
    return added(table, &p, kind)


def add_new(shape, int dim, tuple indices not None, cnp.ndarray rows not None, bint strict=False):
    """Zeros of a shape, to which rows are added in that way."""
    cdef rl_points p
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray table
    cdef int d, nd = <int>len(shape), kind = cnp.PyArray_TYPE(rows)
    if nd == 0 or nd > 64 or not cnp.PyArray_ISBEHAVED_RO(rows):
        return NotImplemented
    for d in range(nd):
        dims[d] = shape[d]
    table = empty(nd, dims, kind)
    if not points(table, dim, indices, &p) or not fits(table, dim, len(indices), rows, <cnp.ndarray>indices[0]):
        return NotImplemented
    rows = contiguous(rows)
    p.rows, p.factor, p.strict, p.anew = cnp.PyArray_BYTES(rows), 1, strict, True
    return table if added(table, &p, kind) else NotImplemented


def weighed(cnp.ndarray x not None, cnp.ndarray weights not None, Py_ssize_t places):
    """The sums, in float64, of the weights of each number below `places` in x, a row that has no others."""
    cdef rl_weights s
    cdef cnp.npy_intp dims[2]
    cdef cnp.ndarray out
    cdef int kind = cnp.PyArray_TYPE(weights)
    if (kind != cnp.NPY_FLOAT and kind != cnp.NPY_DOUBLE) or cnp.PyArray_TYPE(x) != cnp.NPY_INT64:
        return NotImplemented
    s.count, s.places = cnp.PyArray_SIZE(x), places
    dims[0], dims[1] = max(1, (s.count + RL_WEIGHTS - 1) // RL_WEIGHTS), places
    if not plain(x) or not plain(weights) or dims[0] > 1 and places > RL_WEIGHTS // 4:
        return NotImplemented
    out = empty(2, dims, cnp.NPY_DOUBLE)
    s.at, s.weights = <const int64_t *>cnp.PyArray_DATA(x), cnp.PyArray_DATA(weights)
    s.tables = <double *>cnp.PyArray_DATA(out)
    with nogil:
        spread(rl_weigh_f4 if kind == cnp.NPY_FLOAT else rl_weigh_f8, &s, dims[0], 1)
    return (<object>out)[0] if dims[0] == 1 else (<object>out).sum(0)
