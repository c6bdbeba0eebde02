"""Sums of float32 numbers that meet in one place: kernels/wide.h."""

cdef extern from "kernels/wide.h" nogil:
    enum: RL_FEW
    enum: RL_SHORT
    ctypedef struct rl_copies:
        double *wide
        float *narrow
    void rl_widen(void *, Py_ssize_t, Py_ssize_t)
    void rl_narrow(void *, Py_ssize_t, Py_ssize_t)
