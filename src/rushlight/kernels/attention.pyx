# cython: boundscheck=False, wraparound=False, cdivision=True
"""Scaled dot-product attention of float32 and float64 arrays, and its gradients, a tile of the weights at a time.

A function returns NotImplemented for other dtypes, for empty arrays, and for shapes that do not fit.
"""

cimport numpy as cnp
from libc.stdlib cimport free, malloc

from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.parallel cimport family, span, spread

from rushlight.kernels.parallel import threads

cnp.import_array()

cdef extern from "kernels/attention.h":
    const int *rl_family
    int RL_QUERIES
    int RL_KEYS
    ctypedef struct rl_rows_of:
        char *data
        const Py_ssize_t *heads
        Py_ssize_t row
    ctypedef struct rl_attention:
        rl_rows_of q
        rl_rows_of k
        rl_rows_of v
        rl_rows_of g
        rl_rows_of out
        rl_rows_of gq
        rl_rows_of gk
        rl_rows_of gv
        rl_rows_of mask
        Py_ssize_t mask_column
        void *lse
        const void *glse
        Py_ssize_t heads, length, places, size, width, chunk
        double factor
        int causal, truths, failed
    void rl_attend_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_attend_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_heads_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_heads_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_queries_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_queries_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_keys_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_keys_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

rl_family = &family

# One or two queries leave most of a vector empty: with more keys than this BLAS is ahead.
cdef Py_ssize_t MOST_KEYS = 256

# Products of numbers that are worth a thread: 30 microseconds of them.
cdef Py_ssize_t LEAST = 1 << 20


cdef cnp.ndarray by_rows(object x, int kind):
    """x, or a copy of it, with the numbers of each row side by side; None for what is no array of that dtype."""
    cdef cnp.ndarray a
    cdef Py_ssize_t size
    cdef int nd
    if not cnp.PyArray_CheckExact(x) or cnp.PyArray_TYPE(<cnp.ndarray>x) != kind or cnp.PyArray_NDIM(<cnp.ndarray>x) < 2:
        return None
    a, nd, size = <cnp.ndarray>x, cnp.PyArray_NDIM(<cnp.ndarray>x), cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)
    if not cnp.PyArray_ISBEHAVED_RO(a) or cnp.PyArray_STRIDE(a, nd - 1) != size or cnp.PyArray_STRIDE(a, nd - 2) % size:
        return contiguous(a if cnp.PyArray_ISBEHAVED_RO(a) and cnp.PyArray_IS_C_CONTIGUOUS(a) else a.copy())
    return a


cdef inline Py_ssize_t behind(cnp.ndarray x, int k):
    """The size of its dimension k from the last."""
    return cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - k)


cdef bint heads_of(cnp.ndarray x, cnp.ndarray like, Py_ssize_t *heads):
    """Where the matrices of x begin, broadcast to the heads of `like`; whether they can be."""
    cdef int nd = cnp.PyArray_NDIM(like) - 2, lead = cnp.PyArray_NDIM(like) - cnp.PyArray_NDIM(x), d
    cdef Py_ssize_t steps[64]
    cdef Py_ssize_t at[64]
    cdef Py_ssize_t where = 0, i = 0
    if lead < 0:
        return False
    for d in range(nd):
        at[d] = steps[d] = 0
        if d < lead or cnp.PyArray_DIM(x, d - lead) == 1:
            continue
        if cnp.PyArray_DIM(x, d - lead) != cnp.PyArray_DIM(like, d):
            return False
        steps[d] = cnp.PyArray_STRIDE(x, d - lead)
    while True:
        heads[i] = where
        i += 1
        d = nd - 1
        while d >= 0:
            at[d] += 1
            where += steps[d]
            if at[d] < cnp.PyArray_DIM(like, d):
                break
            where -= at[d] * steps[d]
            at[d] = 0
            d -= 1
        if d < 0:
            return True


cdef bint place(rl_rows_of *rows, cnp.ndarray x, cnp.ndarray like, Py_ssize_t *heads):
    rows.data, rows.heads = <char *>cnp.PyArray_DATA(x), heads
    rows.row = cnp.PyArray_STRIDE(x, cnp.PyArray_NDIM(x) - 2) // cnp.PyArray_ITEMSIZE(x)
    return heads_of(x, like, heads)


cdef cnp.ndarray room(cnp.ndarray like, Py_ssize_t length, Py_ssize_t size, bint beside):
    """A new array with the batch of `like`. `beside`: of four dimensions, the heads of one position lie side by side,
    so that they can be merged without a copy."""
    cdef cnp.npy_intp shape[64]
    cdef int k, nd = cnp.PyArray_NDIM(like)
    for k in range(nd - 2):
        shape[k] = cnp.PyArray_DIM(like, k)
    shape[nd - 2], shape[nd - 1] = length, size
    if not beside or nd != 4:
        return empty(nd, shape, cnp.PyArray_TYPE(like))
    shape[1], shape[2] = shape[2], shape[1]
    return cnp.PyArray_SwapAxes(empty(nd, shape, cnp.PyArray_TYPE(like)), 1, 2)


cdef bint place_mask(rl_attention *job, cnp.ndarray mask, cnp.ndarray like, int kind, Py_ssize_t *heads):
    """Whether the mask is of truth values or of numbers of the dtype, and broadcasts to the scores."""
    cdef int nd = cnp.PyArray_NDIM(mask)
    cdef Py_ssize_t rows = 1 if nd < 2 else cnp.PyArray_DIM(mask, nd - 2), columns
    job.truths = cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL
    if nd < 2 or not cnp.PyArray_ISBEHAVED_RO(mask) or not (job.truths or cnp.PyArray_TYPE(mask) == kind):
        return False
    columns = cnp.PyArray_DIM(mask, nd - 1)
    if (rows != 1 and rows != job.length) or (columns != 1 and columns != job.places):
        return False
    job.mask.data, job.mask.heads = <char *>cnp.PyArray_DATA(mask), heads
    job.mask.row = 0 if rows == 1 else cnp.PyArray_STRIDE(mask, nd - 2)
    job.mask_column = 0 if columns == 1 else cnp.PyArray_STRIDE(mask, nd - 1)
    return heads_of(mask, like, heads)


cdef class Job:
    """The arrays of one call, and where their heads are."""

    cdef rl_attention s
    cdef Py_ssize_t *heads
    cdef cnp.ndarray q, k, v
    cdef object mask
    cdef int kind

    def __dealloc__(self):
        free(self.heads)

    cdef bint begin(self, object query, object key, object value, object mask, double factor, bint causal) except -1:
        """Whether these are arrays that fit."""
        cdef rl_attention *s = &self.s
        if not isinstance(query, cnp.ndarray):
            return False
        self.kind = cnp.PyArray_TYPE(<cnp.ndarray>query)
        if self.kind != cnp.NPY_FLOAT32 and self.kind != cnp.NPY_FLOAT64:
            return False
        self.q, self.k, self.v = [by_rows(x, self.kind) for x in (query, key, value)]
        if self.q is None or self.k is None or self.v is None:
            return False
        s.length, s.size, s.places, s.width = behind(self.q, 2), behind(self.q, 1), behind(self.k, 2), behind(self.v, 1)
        if behind(self.k, 1) != s.size or behind(self.v, 2) != s.places:
            return False
        if cnp.PyArray_SIZE(self.q) == 0 or cnp.PyArray_SIZE(self.k) == 0 or cnp.PyArray_SIZE(self.v) == 0:
            return False
        if s.length <= 2 and s.places > MOST_KEYS:
            return False
        s.heads = cnp.PyArray_SIZE(self.q) // (s.length * s.size)
        s.factor, s.causal, s.failed = factor, causal, 0
        self.heads = <Py_ssize_t *>malloc(9 * s.heads * sizeof(Py_ssize_t))
        if self.heads == NULL:
            raise MemoryError
        if not place(&s.q, self.q, self.q, self.table(0)) or not place(&s.k, self.k, self.q, self.table(1)):
            return False
        if not place(&s.v, self.v, self.q, self.table(2)):
            return False
        self.mask = mask
        if mask is None:
            return True
        return cnp.PyArray_CheckExact(mask) and place_mask(s, <cnp.ndarray>mask, self.q, self.kind, self.table(3))

    cdef Py_ssize_t *table(self, int i):
        return self.heads + i * self.s.heads

    cdef int run(self, span single, span both, Py_ssize_t units, Py_ssize_t work) except -1:
        """`work` is how many products one unit is."""
        cdef span loop = single if self.kind == cnp.NPY_FLOAT32 else both
        cdef rl_attention *s = &self.s
        if units * work < 2 * LEAST:
            loop(s, 0, units)
        else:
            with nogil:
                spread(loop, s, units, LEAST // work + 1)
        if s.failed:
            raise MemoryError
        return 0


def attention(query, key, value, mask, *, factor, causal):
    """(out, lse): the logarithm of the sum of each row's exponentials, infinite where nothing may be attended to."""
    cdef Job job = Job()
    cdef rl_attention *s = &job.s
    cdef cnp.ndarray out, lse
    cdef Py_ssize_t block
    if not job.begin(query, key, value, mask, factor, causal):
        return NotImplemented
    out, lse = room(job.q, s.length, s.width, True), empty(cnp.PyArray_NDIM(job.q) - 1, cnp.PyArray_DIMS(job.q), job.kind)
    place(&s.out, out, job.q, job.table(4))
    s.lse = cnp.PyArray_DATA(lse)
    block = min(s.length, <Py_ssize_t>RL_QUERIES)
    job.run(rl_attend_f4, rl_attend_f8, s.heads * ((s.length + RL_QUERIES - 1) // RL_QUERIES),
            block * s.places * (s.size + s.width))
    return out, lse


cdef cnp.ndarray gradient(Job job, rl_rows_of *rows, cnp.ndarray x, Py_ssize_t length, Py_ssize_t size, int table):
    """Room for the gradient of x, laid out as x is."""
    cdef bint beside = cnp.PyArray_NDIM(x) == 4 and cnp.PyArray_STRIDE(x, 1) < cnp.PyArray_STRIDE(x, 2)
    cdef cnp.ndarray out = room(job.q, length, size, beside)
    place(rows, out, job.q, job.table(table))
    return out


def through_attention(to_out, to_lse, query, key, value, mask, out, lse, factor, causal, needs):
    """The gradients of query, key and value, with the batch of query each; to_lse may be None."""
    cdef Job job = Job()
    cdef rl_attention *s = &job.s
    cdef cnp.ndarray g, o, sums, given = None, gq = None, gk = None, gv = None
    cdef Py_ssize_t products, pieces
    if not job.begin(query, key, value, mask, factor, causal):
        return NotImplemented
    g, o = by_rows(to_out, job.kind), by_rows(out, job.kind)
    if g is None or o is None or not cnp.PyArray_SAMESHAPE(g, o):
        return NotImplemented
    sums = contiguous(lse)
    if to_lse is not None:
        given = contiguous(to_lse)
        s.glse = cnp.PyArray_DATA(given)
    s.lse = cnp.PyArray_DATA(sums)
    place(&s.g, g, job.q, job.table(4))
    place(&s.out, o, job.q, job.table(5))
    if needs[0]:
        gq = gradient(job, &s.gq, job.q, s.length, s.size, 6)
    if needs[1]:
        gk = gradient(job, &s.gk, job.k, s.places, s.size, 7)
    if needs[2]:
        gv = gradient(job, &s.gv, job.v, s.places, s.width, 8)
    products = s.length * s.places * (3 * s.size + 2 * s.width)
    pieces = threads()
    # Of few heads the queries are divided, and then the keys, though weights and what they get are computed twice.
    if s.heads >= pieces or s.heads * products < 4 * LEAST or min(s.length, s.places) < 2 * RL_KEYS:
        job.run(rl_through_heads_f4, rl_through_heads_f8, s.heads, products)
        return gq, gk, gv
    through_parts(job, s.gq, products)
    return gq, gk, gv


cdef int through_parts(Job job, rl_rows_of gq, Py_ssize_t products) except -1:
    cdef rl_attention *s = &job.s
    cdef rl_rows_of gk = s.gk, gv = s.gv
    if gq.data != NULL:
        s.gk.data = s.gv.data = NULL
        s.chunk = RL_QUERIES
        divided(job, rl_through_queries_f4, rl_through_queries_f8, s.length, products)
    if gk.data != NULL or gv.data != NULL:
        s.gq.data, s.gk, s.gv = NULL, gk, gv
        s.chunk = 4 * RL_KEYS
        divided(job, rl_through_keys_f4, rl_through_keys_f8, s.places, products)
    return 0


cdef int divided(Job job, span single, span both, Py_ssize_t n, Py_ssize_t products) except -1:
    cdef Py_ssize_t chunks = (n + job.s.chunk - 1) // job.s.chunk
    job.run(single, both, job.s.heads * chunks, products // chunks)
    return 0
