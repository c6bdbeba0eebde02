# cython: boundscheck=False, wraparound=False, cdivision=True
"""What recurrent cells do with the gates of float32 and float64 arrays, and its gradient.

A function returns NotImplemented for other dtypes, and for arrays whose memory is not as their shape says.
"""

cimport numpy as cnp
from rushlight.kernels.buffers cimport contiguous, empty, plain
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/cells.h":
    ctypedef struct rl_cell:
        const void *given
        const void *kept
        const void *before
        const void *gates
        const void *after
        const void *gh
        const void *gafter
        void *out
        void *next
        void *shares
        void *gsums
        void *gkept
        void *gbefore
        Py_ssize_t n
    void rl_lstm_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_lstm_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_lstm_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_lstm_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_gru_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_gru_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_gru_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_through_gru_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# So many numbers are worth a thread.
cdef Py_ssize_t LEAST = 1 << 12


cdef bint fits(object x, int kind, Py_ssize_t size):
    return plain(x) and cnp.PyArray_TYPE(<cnp.ndarray>x) == kind and cnp.PyArray_SIZE(<cnp.ndarray>x) == size


cdef int kind_of(object c):
    """The dtype's number of a state that is not empty; -1 for one that there is no loop for."""
    cdef int kind
    if not plain(c) or cnp.PyArray_NDIM(<cnp.ndarray>c) == 0 or cnp.PyArray_SIZE(<cnp.ndarray>c) == 0:
        return -1
    kind = cnp.PyArray_TYPE(<cnp.ndarray>c)
    return kind if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else -1


cdef void over(span single, span both, int kind, rl_cell *s, Py_ssize_t size):
    cdef Py_ssize_t rows = size // s.n
    cdef span work = single if kind == cnp.NPY_FLOAT32 else both
    if size < 2 * LEAST:
        work(s, 0, rows)
        return
    with nogil:
        spread(work, s, rows, LEAST // s.n + 1)


cdef cnp.ndarray gates_for(cnp.ndarray c, int kind, int gates=4):
    """An array of c's shape with so many times as many columns."""
    cdef cnp.npy_intp shape[64]
    cdef int k, d = cnp.PyArray_NDIM(c)
    for k in range(d):
        shape[k] = cnp.PyArray_DIM(c, k)
    shape[d - 1] *= gates
    return empty(d, shape, kind)


def lstm_gates(given, kept, c):
    cdef int kind = kind_of(c)
    cdef cnp.ndarray h, following, gates
    cdef Py_ssize_t size
    cdef rl_cell s
    if kind < 0:
        return NotImplemented
    size = cnp.PyArray_SIZE(<cnp.ndarray>c)
    if not fits(given, kind, 4 * size) or not fits(kept, kind, 4 * size):
        return NotImplemented
    h = empty(cnp.PyArray_NDIM(<cnp.ndarray>c), cnp.PyArray_DIMS(<cnp.ndarray>c), kind)
    following = empty(cnp.PyArray_NDIM(<cnp.ndarray>c), cnp.PyArray_DIMS(<cnp.ndarray>c), kind)
    gates = gates_for(c, kind)
    s.n = cnp.PyArray_DIM(<cnp.ndarray>c, cnp.PyArray_NDIM(<cnp.ndarray>c) - 1)
    s.given, s.kept = cnp.PyArray_DATA(<cnp.ndarray>given), cnp.PyArray_DATA(<cnp.ndarray>kept)
    s.before, s.out = cnp.PyArray_DATA(<cnp.ndarray>c), cnp.PyArray_DATA(h)
    s.next, s.shares = cnp.PyArray_DATA(following), cnp.PyArray_DATA(gates)
    over(rl_lstm_f4, rl_lstm_f8, kind, &s, size)
    return h, following, gates


def through_lstm_gates(gh, gnext, c, following, gates):
    """The gradients of the sum of `given` and `kept`, and of c; gh and gnext may be None."""
    cdef int kind = kind_of(c)
    cdef cnp.ndarray ga, gc
    cdef Py_ssize_t size
    cdef rl_cell s
    if kind < 0:
        return NotImplemented
    size = cnp.PyArray_SIZE(<cnp.ndarray>c)
    if not fits(following, kind, size) or not fits(gates, kind, 4 * size):
        return NotImplemented
    s.gh = s.gafter = NULL
    if gh is not None:
        gh = contiguous(gh)
        if not fits(gh, kind, size):
            return NotImplemented
        s.gh = cnp.PyArray_DATA(<cnp.ndarray>gh)
    if gnext is not None:
        gnext = contiguous(gnext)
        if not fits(gnext, kind, size):
            return NotImplemented
        s.gafter = cnp.PyArray_DATA(<cnp.ndarray>gnext)
    ga = gates_for(c, kind)
    gc = empty(cnp.PyArray_NDIM(<cnp.ndarray>c), cnp.PyArray_DIMS(<cnp.ndarray>c), kind)
    s.n = cnp.PyArray_DIM(<cnp.ndarray>c, cnp.PyArray_NDIM(<cnp.ndarray>c) - 1)
    s.before, s.after = cnp.PyArray_DATA(<cnp.ndarray>c), cnp.PyArray_DATA(<cnp.ndarray>following)
    s.gates, s.gsums = cnp.PyArray_DATA(<cnp.ndarray>gates), cnp.PyArray_DATA(ga)
    s.gbefore = cnp.PyArray_DATA(gc)
    over(rl_through_lstm_f4, rl_through_lstm_f8, kind, &s, size)
    return ga, gc


def gru_gates(given, kept, h):
    cdef int kind = kind_of(h)
    cdef cnp.ndarray out, gates
    cdef Py_ssize_t size
    cdef rl_cell s
    if kind < 0:
        return NotImplemented
    size = cnp.PyArray_SIZE(<cnp.ndarray>h)
    if not fits(given, kind, 3 * size) or not fits(kept, kind, 3 * size):
        return NotImplemented
    out, gates = empty(cnp.PyArray_NDIM(<cnp.ndarray>h), cnp.PyArray_DIMS(<cnp.ndarray>h), kind), gates_for(h, kind, 3)
    s.n = cnp.PyArray_DIM(<cnp.ndarray>h, cnp.PyArray_NDIM(<cnp.ndarray>h) - 1)
    s.given, s.kept = cnp.PyArray_DATA(<cnp.ndarray>given), cnp.PyArray_DATA(<cnp.ndarray>kept)
    s.before, s.out, s.shares = cnp.PyArray_DATA(<cnp.ndarray>h), cnp.PyArray_DATA(out), cnp.PyArray_DATA(gates)
    over(rl_gru_f4, rl_gru_f8, kind, &s, size)
    return out, gates


def through_gru_gates(g, kept, h, gates):
    """The gradients of `given`, `kept` and h."""
    cdef int kind = kind_of(h)
    cdef cnp.ndarray ga, gb, gh
    cdef Py_ssize_t size
    cdef rl_cell s
    if kind < 0:
        return NotImplemented
    size, g = cnp.PyArray_SIZE(<cnp.ndarray>h), contiguous(g)
    if not fits(g, kind, size) or not fits(kept, kind, 3 * size) or not fits(gates, kind, 3 * size):
        return NotImplemented
    ga, gb = gates_for(h, kind, 3), gates_for(h, kind, 3)
    gh = empty(cnp.PyArray_NDIM(<cnp.ndarray>h), cnp.PyArray_DIMS(<cnp.ndarray>h), kind)
    s.n = cnp.PyArray_DIM(<cnp.ndarray>h, cnp.PyArray_NDIM(<cnp.ndarray>h) - 1)
    s.kept, s.before = cnp.PyArray_DATA(<cnp.ndarray>kept), cnp.PyArray_DATA(<cnp.ndarray>h)
    s.gates, s.gh = cnp.PyArray_DATA(<cnp.ndarray>gates), cnp.PyArray_DATA(<cnp.ndarray>g)
    s.gsums, s.gkept, s.gbefore = cnp.PyArray_DATA(ga), cnp.PyArray_DATA(gb), cnp.PyArray_DATA(gh)
    over(rl_through_gru_f4, rl_through_gru_f8, kind, &s, size)
    return ga, gb, gh
