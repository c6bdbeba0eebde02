# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What masks choose: places, elements, and filling; NotImplemented (False from what writes) for other arrays."""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

from rushlight.kernels.buffers cimport contiguous, empty, plain
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/masks.h" nogil:
    enum: RL_PART
    enum: RL_MOST_DIMS
    ctypedef struct rl_chosen:
        const char *mask
        const char *x
        char *out
        int64_t *ends
        Py_ssize_t n
        int ndim
        Py_ssize_t shape[64]
        Py_ssize_t over_found, over_dims
    ctypedef struct rl_filling:
        const uint8_t *mask
        const char *x
        const char *number
        char *out
        Py_ssize_t inner, over_outer, over_inner
    void rl_count_b1(void *, Py_ssize_t, Py_ssize_t)
    void rl_count_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_count_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_count_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_count_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_places_b1(void *, Py_ssize_t, Py_ssize_t)
    void rl_places_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_places_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_places_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_places_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_select_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_select_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_select_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_select_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_masked_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_masked_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_masked_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_masked_8(void *, Py_ssize_t, Py_ssize_t)

# Parts and elements that are worth a thread of their own.
cdef enum:
    PARTS = 2
    LEAST = 65536


cdef Py_ssize_t counted(span count, rl_chosen *c, Py_ssize_t parts) noexcept nogil:
    """Find how many are chosen up to the end of each part; of all."""
    cdef Py_ssize_t p
    spread(count, c, parts, PARTS)
    for p in range(1, parts):
        c.ends[p] += c.ends[p - 1]
    return c.ends[parts - 1] if parts else 0


cdef bint begin(cnp.ndarray mask, rl_chosen *c, Py_ssize_t *parts):
    c.mask, c.n = cnp.PyArray_BYTES(mask), cnp.PyArray_SIZE(mask)
    parts[0] = (c.n + RL_PART - 1) // RL_PART
    c.ends = <int64_t*>malloc((parts[0] + 1) * sizeof(int64_t))
    return c.ends != NULL


def nonzero(x, bint by_dimension=False):
    """The places of what is not zero: an array (found, dimensions), or with `by_dimension` (dimensions, found)."""
    cdef rl_chosen c
    cdef span count, places
    cdef Py_ssize_t parts, found
    cdef cnp.npy_intp dims[2]
    cdef cnp.ndarray mask, out
    cdef int d, kind
    if not plain(x) or cnp.PyArray_NDIM(x) == 0 or cnp.PyArray_NDIM(x) > RL_MOST_DIMS:
        return NotImplemented
    mask = x
    kind, c.ndim = cnp.PyArray_TYPE(mask), cnp.PyArray_NDIM(mask)
    if kind == cnp.NPY_BOOL or kind == cnp.NPY_UINT8 or kind == cnp.NPY_INT8:
        count, places = rl_count_b1, rl_places_b1
    elif kind == cnp.NPY_FLOAT:
        count, places = rl_count_f4, rl_places_f4
    elif kind == cnp.NPY_DOUBLE:
        count, places = rl_count_f8, rl_places_f8
    elif kind == cnp.NPY_INT64:
        count, places = rl_count_i8, rl_places_i8
    elif kind == cnp.NPY_INT32:
        count, places = rl_count_i4, rl_places_i4
    else:
        return NotImplemented
    for d in range(c.ndim):
        c.shape[d] = cnp.PyArray_DIM(mask, d)
    if not begin(mask, &c, &parts):
        return NotImplemented
    try:
        with nogil:
            found = counted(count, &c, parts)
        dims[0], dims[1] = found, c.ndim
        c.over_found, c.over_dims = c.ndim, 1
        if by_dimension:
            dims[0], dims[1] = c.ndim, found
            c.over_found, c.over_dims = 1, found
        out = empty(2, dims, cnp.NPY_INT64)
        c.out = cnp.PyArray_BYTES(out)
        with nogil:
            spread(places, &c, parts, PARTS)
    finally:
        free(c.ends)
    return out


cdef span by_size(int size, span one, span two, span four, span eight) noexcept:
    return one if size == 1 else two if size == 2 else four if size == 4 else eight if size == 8 else NULL


cdef bint readable(x) noexcept:
    """Whether x is an array of numbers, wherever in memory these lie."""
    return cnp.PyArray_CheckExact(x) and cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray>x) and cnp.PyArray_TYPE(<cnp.ndarray>x) < 24 and cnp.PyArray_TYPE(<cnp.ndarray>x) != cnp.NPY_OBJECT


def select(x, mask):
    """The elements of x where a mask of its shape holds."""
    cdef rl_chosen c
    cdef Py_ssize_t parts
    cdef cnp.npy_intp found
    cdef cnp.ndarray a, m, out
    cdef span work
    if not readable(x) or not readable(mask):
        return NotImplemented
    a, m = contiguous(x), contiguous(mask)
    work = by_size(cnp.PyArray_ITEMSIZE(a), rl_select_1, rl_select_2, rl_select_4, rl_select_8)
    if cnp.PyArray_TYPE(m) != cnp.NPY_BOOL or not cnp.PyArray_SAMESHAPE(a, m) or work == NULL:
        return NotImplemented
    if cnp.PyArray_TYPE(a) >= cnp.NPY_OBJECT or not begin(m, &c, &parts):
        return NotImplemented
    try:
        with nogil:
            found = counted(rl_count_b1, &c, parts)
        out = empty(1, &found, cnp.PyArray_TYPE(a))
        c.x, c.out = cnp.PyArray_BYTES(a), cnp.PyArray_BYTES(out)
        with nogil:
            spread(work, &c, parts, PARTS)
    finally:
        free(c.ends)
    return out


def put(out, mask, source):
    """Write the elements of `source`, in order, where the mask of out's shape holds; whether that was done."""
    cdef rl_chosen c
    cdef Py_ssize_t parts, found
    cdef cnp.ndarray to, m, s
    cdef span work
    if not plain(out) or not readable(mask) or not readable(source):
        return False
    to, m, s = out, contiguous(mask), contiguous(source)
    work = by_size(cnp.PyArray_ITEMSIZE(to), rl_put_1, rl_put_2, rl_put_4, rl_put_8)
    if cnp.PyArray_TYPE(m) != cnp.NPY_BOOL or not cnp.PyArray_SAMESHAPE(to, m) or work == NULL:
        return False
    if cnp.PyArray_TYPE(to) != cnp.PyArray_TYPE(s) or not begin(m, &c, &parts):
        return False
    c.x, c.out = cnp.PyArray_BYTES(s), cnp.PyArray_BYTES(to)
    with nogil:
        found = counted(rl_count_b1, &c, parts)
        if found <= cnp.PyArray_SIZE(s):
            spread(work, &c, parts, PARTS)
    free(c.ends)
    return found <= cnp.PyArray_SIZE(s)


cdef bint steps(cnp.ndarray x, cnp.ndarray mask, rl_filling *f) noexcept:
    """How the mask lies beside x: the same, for its last dimensions, or (.., 1) for its first; whether it does."""
    cdef int d, n = cnp.PyArray_NDIM(x), lead = n - cnp.PyArray_NDIM(mask)
    cdef int first = n, last = -1
    if lead < 0:
        return False
    for d in range(n):
        if d >= lead and cnp.PyArray_DIM(mask, d - lead) != cnp.PyArray_DIM(x, d) and cnp.PyArray_DIM(mask, d - lead) != 1:
            return False
        if d >= lead and cnp.PyArray_DIM(mask, d - lead) == cnp.PyArray_DIM(x, d) and cnp.PyArray_DIM(x, d) != 1:
            first, last = min(first, d), d
    # Dimensions first to last of x are those of the mask: no broadcast one may be among them.
    for d in range(first, last + 1):
        if d < lead or cnp.PyArray_DIM(mask, d - lead) != cnp.PyArray_DIM(x, d):
            return False
    f.inner = 1
    f.over_outer, f.over_inner = 0, 0
    cdef Py_ssize_t outer = 1, behind = 1
    for d in range(n):
        if d < first:
            outer *= cnp.PyArray_DIM(x, d)
        elif d > last:
            behind *= cnp.PyArray_DIM(x, d)
    if behind == 1 or last < 0:
        # The mask is repeated.
        f.inner = max(cnp.PyArray_SIZE(x) // max(outer, 1), 1)
        f.over_inner = 1 if last >= 0 else 0
        return True
    if outer != 1:
        return False
    f.inner, f.over_outer = behind, 1
    return True


def fill(x, mask, number, bint inplace=False):
    """x (a copy, unless `inplace`) with a number, an array of one element in x's dtype, where the mask, broadcast to x, holds."""
    cdef rl_filling f
    cdef cnp.ndarray a, m, v, to
    cdef span work
    if not plain(x) or not plain(mask) or not plain(number):
        return NotImplemented
    a, m, v = x, mask, number
    work = by_size(cnp.PyArray_ITEMSIZE(a), rl_masked_1, rl_masked_2, rl_masked_4, rl_masked_8)
    if work == NULL or cnp.PyArray_TYPE(m) != cnp.NPY_BOOL or cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(v):
        return NotImplemented
    if cnp.PyArray_SIZE(v) != 1 or cnp.PyArray_TYPE(a) >= cnp.NPY_OBJECT or not steps(a, m, &f):
        return NotImplemented
    to = a if inplace else empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a))
    f.mask, f.x, f.number = <const uint8_t*>cnp.PyArray_DATA(m), cnp.PyArray_BYTES(a), cnp.PyArray_BYTES(v)
    f.out = cnp.PyArray_BYTES(to)
    with nogil:
        spread(work, &f, cnp.PyArray_SIZE(a), LEAST)
    return to
