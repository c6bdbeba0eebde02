"""Sums of float32 numbers that meet in one place: kernels/wide.h."""

cdef extern from "kernels/wide.h" nogil:
    enum: RL_FEW
    enum: RL_WORTH_TWO
    enum: RL_SHORT
    Py_ssize_t RL_PAIRS(Py_ssize_t)
    bint rl_many(const unsigned char *, const unsigned char *, Py_ssize_t)
    ctypedef struct rl_copies:
        double *wide
        float *narrow
    void rl_widen(void *, Py_ssize_t, Py_ssize_t)
    void rl_narrow(void *, Py_ssize_t, Py_ssize_t)
