cimport numpy as cnp
from libc.stdint cimport uint64_t

cdef extern from "kernels/fold.h" nogil:
    ctypedef struct rl_fold:
        Py_ssize_t item, wide
    ctypedef struct rl_job:
        const rl_fold *fold
        const char *x
        char *out
        char *parts
        const double *centre
        void (*finish)(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept nogil
        double divisor
        int root
        Py_ssize_t outer, rows, columns, run, count
    Py_ssize_t RL_WORTH
    Py_ssize_t rl_divide(rl_job *, Py_ssize_t *)
    size_t rl_parts_size(const rl_job *)
    void rl_fold_span(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fold_parts(const rl_job *)
    void rl_fold_nothing(const rl_job *)

cdef class Reduction:
    # What is folded, its axes in the order of memory; and the array that was given, which has the shape of results.
    cdef cnp.ndarray x, like
    cdef uint64_t reduced
    cdef bint keepdims
    cdef rl_job job
    cdef cnp.ndarray new(self, int kind)
    cdef int fold(self, int what, cnp.ndarray out, double divisor=*, bint root=*, cnp.ndarray centre=*) except -1

cdef Reduction reduction(object x, object dim, bint keepdims)
cdef cnp.ndarray contiguous(object x)
cdef cnp.ndarray in_one_piece(object x)
cdef int kind_of(cnp.ndarray x) noexcept
cdef int carry_out(rl_job* job) except -1

# None where the kernel does not apply: the caller then runs kernels.meaning.
cdef object sum_to_c(cnp.ndarray g, tuple shape)
