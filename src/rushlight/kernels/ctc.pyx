# cython: boundscheck=False, wraparound=False, cdivision=True
"""Connectionist temporal classification of float32 and float64 log-probabilities, and its derivative.

A function returns NotImplemented for other dtypes, and for lengths or labels out of range.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t
from rushlight.kernels.buffers cimport empty, row_major
from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef extern from "kernels/alignments.h":
    ctypedef struct rl_ctc:
        const void *log_probs
        const int64_t *targets
        const int64_t *spans
        const int64_t *lengths
        void *losses
        void *out
        const void *g
        Py_ssize_t steps, count, classes, size, blank
        int single, zero_infinity, failed
    void rl_align(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# So many steps from state to state are worth a thread.
cdef Py_ssize_t LEAST = 1 << 12


cdef bint fits(const rl_ctc *s):
    """Whether lengths and labels are in range."""
    cdef Py_ssize_t n, i
    for n in range(s.count):
        if not (0 <= s.spans[n] <= s.steps and 0 <= s.lengths[n] <= s.size):
            return False
        for i in range(s.lengths[n]):
            if not 0 <= s.targets[n * s.size + i] < s.classes:
                return False
    return 0 <= s.blank < s.classes


cdef object aligned(object g, object log_probs, object targets, object spans, object lengths, Py_ssize_t blank,
                    bint zero_infinity):
    cdef rl_ctc s
    cdef cnp.ndarray x, t, a, b, given = None, out
    cdef cnp.npy_intp count
    cdef int kind
    if not isinstance(log_probs, cnp.ndarray) or cnp.PyArray_NDIM(<cnp.ndarray>log_probs) != 3:
        return NotImplemented
    kind = cnp.PyArray_TYPE(<cnp.ndarray>log_probs)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return NotImplemented
    x, t = row_major(log_probs, kind), row_major(targets, cnp.NPY_INT64)
    a, b = row_major(spans, cnp.NPY_INT64), row_major(lengths, cnp.NPY_INT64)
    if t is None or a is None or b is None:
        return NotImplemented
    s.steps, s.count, s.classes = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1), cnp.PyArray_DIM(x, 2)
    if cnp.PyArray_NDIM(t) != 2 or cnp.PyArray_DIM(t, 0) != s.count:
        return NotImplemented
    if cnp.PyArray_SIZE(a) != s.count or cnp.PyArray_SIZE(b) != s.count:
        return NotImplemented
    s.size, s.blank, s.single, s.zero_infinity, s.failed = cnp.PyArray_DIM(t, 1), blank, kind == cnp.NPY_FLOAT32, zero_infinity, False
    s.log_probs, s.targets = cnp.PyArray_DATA(x), <const int64_t *>cnp.PyArray_DATA(t)
    s.spans, s.lengths = <const int64_t *>cnp.PyArray_DATA(a), <const int64_t *>cnp.PyArray_DATA(b)
    if not fits(&s):
        return NotImplemented
    count = s.count
    s.out = s.losses = NULL
    if g is None:
        out = empty(1, &count, kind)
        s.losses = cnp.PyArray_DATA(out)
    else:
        given = row_major(g, kind)
        if given is None or cnp.PyArray_SIZE(given) != s.count:
            return NotImplemented
        out = empty(3, cnp.PyArray_DIMS(x), kind)
        s.g, s.out = cnp.PyArray_DATA(given), cnp.PyArray_DATA(out)
    with nogil:
        spread(rl_align, &s, s.count, LEAST // (s.steps * (2 * s.size + 1) + 1) + 1)
    if s.failed:
        raise MemoryError
    return out


def ctc_loss(log_probs, targets, input_lengths, target_lengths, *, blank, zero_infinity):
    """-log of the probability of each target: log_probs (T, N, C), targets (N, S), lengths (N,)."""
    return aligned(None, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)


def through_ctc_loss(g, log_probs, targets, input_lengths, target_lengths, out, blank, zero_infinity):
    return aligned(g, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)
