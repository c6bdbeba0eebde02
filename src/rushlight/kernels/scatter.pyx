# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Gathers, scatters and scattered reductions along one dimension, with an index for each element.

An array is seen as (outer, places, inner), `places` along the dimension. Values that meet in one place meet in the
order of the indices. What has no loop here, or has an index outside of 0 .. places - 1, is NumPy's to do or to refuse:
False comes from what writes, NotImplemented from `gather`.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t
from libc.string cimport memset

from rushlight.kernels.buffers cimport empty, plain
from rushlight.kernels.parallel cimport span, spread
from rushlight.kernels.zeros cimport clear
from rushlight.kernels.wide cimport RL_FEW, RL_PAIRS, RL_SHORT, RL_WORTH_TWO, rl_copies, rl_many, rl_narrow, rl_widen

cnp.import_array()

cdef extern from "kernels/scatter.h" nogil:
    void rl_meet(void *, Py_ssize_t, Py_ssize_t)
    void rl_meet_along(void *, Py_ssize_t, Py_ssize_t)
    void rl_open(void *, Py_ssize_t, Py_ssize_t)
    void rl_wide_sum(void *, Py_ssize_t, Py_ssize_t)
    void rl_close(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_short(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_short_new(void *, Py_ssize_t, Py_ssize_t)
    enum: RL_BY_OUTER
    enum: RL_BY_INNER
    enum: RL_BY_COUNT
    ctypedef struct rl_grid:
        char *table
        char *rows
        float *narrow
        const int64_t *index
        Py_ssize_t outer, places, count, inner, over_outer, over_count, over_inner
        int divided, outside, often
    void rl_gather_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_gather_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_gather_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_gather_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_scatter_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_scatter_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_scatter_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_scatter_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_1(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_2(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_4(void *, Py_ssize_t, Py_ssize_t)
    void rl_put_8(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_new_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_new_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_new_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_sum_new_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_prod_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_prod_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_prod_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_prod_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_amax_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_amax_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_amax_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_amax_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_amin_f4(void *, Py_ssize_t, Py_ssize_t)
    void rl_amin_f8(void *, Py_ssize_t, Py_ssize_t)
    void rl_amin_i4(void *, Py_ssize_t, Py_ssize_t)
    void rl_amin_i8(void *, Py_ssize_t, Py_ssize_t)
    void rl_count(void *, Py_ssize_t, Py_ssize_t)

# Elements that are worth a thread of their own.
cdef enum:
    LEAST = 16384


cdef bint of_a_vector(cnp.ndarray index, int dim) noexcept:
    """Whether an index is the same for all elements at one place of `dim`, as a vector that was expanded is."""
    cdef int d
    for d in range(cnp.PyArray_NDIM(index)):
        if d != dim and cnp.PyArray_DIM(index, d) != 1 and cnp.PyArray_STRIDE(index, d) != 0:
            return False
    return cnp.PyArray_STRIDE(index, dim) % <Py_ssize_t>sizeof(int64_t) == 0 and cnp.PyArray_ISALIGNED(index)


cdef cnp.ndarray described(cnp.ndarray table, int dim, cnp.ndarray index, rl_grid *g):
    """Describe table and index; the index, which is to be kept alive meanwhile, or None where that cannot be said."""
    cdef int d, ndim = cnp.PyArray_NDIM(table)
    if not plain(table) or ndim == 0 or cnp.PyArray_NDIM(index) != ndim or cnp.PyArray_TYPE(index) != cnp.NPY_INT64:
        return None
    g.outer = g.inner = 1
    for d in range(ndim):
        if d != dim and cnp.PyArray_DIM(table, d) != cnp.PyArray_DIM(index, d):
            return None
        if d < dim:
            g.outer *= cnp.PyArray_DIM(table, d)
        elif d > dim:
            g.inner *= cnp.PyArray_DIM(table, d)
    g.places, g.count, g.outside = cnp.PyArray_DIM(table, dim), cnp.PyArray_DIM(index, dim), 0
    g.over_outer, g.over_count, g.over_inner = g.count * g.inner, g.inner, 1
    if not plain(index):
        if of_a_vector(index, dim):
            g.over_outer, g.over_inner = 0, 0
            g.over_count = cnp.PyArray_STRIDE(index, dim) // <Py_ssize_t>sizeof(int64_t)
        else:
            index = cnp.PyArray_Copy(index)
    g.table, g.index = cnp.PyArray_BYTES(table), <const int64_t*>cnp.PyArray_DATA(index)
    return index


cdef bint divided(span work, rl_grid *g, bint reads) noexcept:
    """Do the work; whether all indices were inside."""
    cdef Py_ssize_t steps = g.outer * g.count * g.inner, n = g.outer
    if steps == 0:
        return True
    g.divided = RL_BY_OUTER
    if g.outer < 8 and g.inner >= 32:
        g.divided, n = RL_BY_INNER, g.inner
    elif g.outer < 8 and reads:
        g.divided, n = RL_BY_COUNT, g.count
    with nogil:
        spread(work, g, n, max(1, LEAST * n // steps))
    return not g.outside


def gather(cnp.ndarray x not None, int dim, cnp.ndarray index not None):
    """out[i][k][j] = x[i][index[i][k][j]][j]"""
    cdef rl_grid g
    cdef int size = cnp.PyArray_ITEMSIZE(x), kind = cnp.PyArray_TYPE(x)
    cdef cnp.ndarray out
    if not (kind < cnp.NPY_OBJECT or kind == cnp.NPY_FLOAT16) or size > 8:
        return NotImplemented
    index = described(x, dim, index, &g)
    if index is None:
        return NotImplemented
    out = empty(cnp.PyArray_NDIM(index), cnp.PyArray_DIMS(index), kind)
    g.rows = cnp.PyArray_BYTES(out)
    if divided(rl_gather_4 if size == 4 else rl_gather_8 if size == 8 else rl_gather_1 if size == 1 else rl_gather_2, &g, True):
        return out
    return NotImplemented


def scatter(cnp.ndarray out not None, int dim, cnp.ndarray index not None, cnp.ndarray source not None):
    """out[i][index[i][k][j]][j] = source[i][k][j], or the one element of a 0-dim source; whether that was done."""
    cdef rl_grid g
    cdef int size = cnp.PyArray_ITEMSIZE(out)
    if cnp.PyArray_TYPE(out) != cnp.PyArray_TYPE(source) or size > 8:
        return False
    cdef bint number = cnp.PyArray_NDIM(source) == 0
    if not number and not cnp.PyArray_SAMESHAPE(index, source):
        return False
    index = described(out, dim, index, &g)
    if index is None:
        return False
    if not plain(source):
        source = cnp.PyArray_Copy(source)
    g.rows = cnp.PyArray_BYTES(source)
    if number:
        return divided(rl_put_4 if size == 4 else rl_put_8 if size == 8 else rl_put_1 if size == 1 else rl_put_2, &g, False)
    return divided(
        rl_scatter_4 if size == 4 else rl_scatter_8 if size == 8 else rl_scatter_1 if size == 1 else rl_scatter_2, &g, False
    )


cdef span[4] sums = [rl_sum_f4, rl_sum_f8, rl_sum_i4, rl_sum_i8]
cdef span[4] new_sums = [rl_sum_new_f4, rl_sum_new_f8, rl_sum_new_i4, rl_sum_new_i8]
cdef span[4] products = [rl_prod_f4, rl_prod_f8, rl_prod_i4, rl_prod_i8]
cdef span[4] largest = [rl_amax_f4, rl_amax_f8, rl_amax_i4, rl_amax_i8]
cdef span[4] smallest = [rl_amin_f4, rl_amin_f8, rl_amin_i4, rl_amin_i8]


cdef bint often(rl_grid *g):
    """Whether more than RL_FEW values meet in one place; False, too, where an index is outside."""
    cdef rl_grid own = g[0]
    cdef cnp.ndarray counts
    cdef unsigned char *count
    cdef cnp.npy_intp size
    cdef Py_ssize_t pairs = RL_PAIRS(g.places), halves = 2 if g.count >= RL_WORTH_TWO else 1
    if g.count <= RL_FEW:
        return False
    if g.count > RL_FEW * g.places:
        return True
    if g.over_inner == 0 and g.over_outer == 0:
        own.outer = own.inner = 1
    cdef bint along = own.outer == 1 and own.inner == 1
    size = halves * pairs if along else own.outer * own.places * own.inner
    counts = empty(1, &size, cnp.NPY_UINT8)
    count, own.table, own.often = <unsigned char *>cnp.PyArray_DATA(counts), cnp.PyArray_BYTES(counts), False
    memset(count, 0, size)
    if not along:
        divided(rl_meet, &own, False)
        return own.often
    with nogil:
        spread(rl_meet_along, &own, g.count, g.count // halves)
        return own.often or (halves == 2 and not own.outside and rl_many(count, count + pairs, pairs))


cdef bint summed_wide(cnp.ndarray out, rl_grid *g):
    """Sums of float32 in float64; whether all indices were inside."""
    cdef cnp.ndarray wide = empty(cnp.PyArray_NDIM(out), cnp.PyArray_DIMS(out), cnp.NPY_FLOAT64)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(out)
    cdef rl_copies copies
    copies.wide, copies.narrow = <double *>cnp.PyArray_DATA(wide), <float *>cnp.PyArray_DATA(out)
    g.table, g.narrow = cnp.PyArray_BYTES(wide), copies.narrow
    if g.count < g.places // 4:
        return divided(rl_open, g, False) and divided(rl_wide_sum, g, False) and divided(rl_close, g, False)
    with nogil:
        spread(rl_widen, &copies, size, LEAST)
    if not divided(rl_wide_sum, g, False):
        return False
    with nogil:
        spread(rl_narrow, &copies, size, LEAST)
    return True


cdef int place_of(int kind) noexcept:
    """Of a dtype among the loops; -1 for one that they are not for."""
    if kind == cnp.NPY_FLOAT:
        return 0
    if kind == cnp.NPY_DOUBLE:
        return 1
    if kind == cnp.NPY_INT32:
        return 2
    return 3 if kind == cnp.NPY_INT64 else -1


cdef bint summed(cnp.ndarray out, int which, rl_grid *g, bint new):
    """Add to an array, which is emptied before where it is `new`; whether all indices were inside."""
    if which == 0 and g.inner == 1 and g.places <= RL_SHORT and g.count > RL_FEW and g.count >= g.places // 4:
        return divided(rl_sum_short_new if new else rl_sum_short, g, False)
    cdef bint wide = which == 0 and often(g), by_inner = g.outer < 8 and g.inner >= 32
    if new and not wide and not by_inner and g.outer * g.count * g.inner:
        g.divided = RL_BY_OUTER
        with nogil:
            spread(new_sums[which], g, g.outer, LEAST // ((g.places + g.count) * g.inner) + 1)
        return not g.outside
    if new:
        clear(out)
    if wide:
        return summed_wide(out, g)
    return divided(sums[which], g, False)


def sum_new(shape, int dim, cnp.ndarray index not None, cnp.ndarray source not None):
    """Zeros of a shape, to which `source` is added."""
    cdef rl_grid g
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray out
    cdef int d, nd = <int>len(shape), kind = cnp.PyArray_TYPE(source), which = place_of(kind)
    if which < 0 or nd == 0 or nd > 64 or not cnp.PyArray_SAMESHAPE(index, source):
        return NotImplemented
    for d in range(nd):
        dims[d] = shape[d]
    out = empty(nd, dims, kind)
    index = described(out, dim, index, &g)
    if index is None:
        return NotImplemented
    if not plain(source):
        source = cnp.PyArray_Copy(source)
    g.rows = cnp.PyArray_BYTES(source)
    return out if summed(out, which, &g, True) else NotImplemented


def reduce(cnp.ndarray out not None, int dim, cnp.ndarray index not None, cnp.ndarray source not None, str how):
    """`source` reduced into `out` by sum, prod, amax or amin; whether that was done."""
    cdef rl_grid g
    cdef int kind = cnp.PyArray_TYPE(out), which
    if kind != cnp.PyArray_TYPE(source) or not cnp.PyArray_SAMESHAPE(index, source):
        return False
    which = place_of(kind)
    if which < 0:
        return False
    index = described(out, dim, index, &g)
    if index is None:
        return False
    if not plain(source):
        source = cnp.PyArray_Copy(source)
    g.rows = cnp.PyArray_BYTES(source)
    if how == "sum":
        return summed(out, which, &g, False)
    if how == "prod":
        return divided(products[which], &g, False)
    if how == "amax":
        return divided(largest[which], &g, False)
    return how == "amin" and divided(smallest[which], &g, False)


def count(cnp.ndarray out not None, int dim, cnp.ndarray index not None):
    """Add 1 to an int64 array at each index; whether that was done."""
    cdef rl_grid g
    cdef int64_t one = 1
    if cnp.PyArray_TYPE(out) != cnp.NPY_INT64:
        return False
    index = described(out, dim, index, &g)
    if index is None:
        return False
    g.rows = <char *>&one
    return divided(rl_count, &g, False)
