"""Numbers of 16 bits, which loops of float32 take by blocks: kernels/halves.h."""

cimport numpy as cnp

cdef extern from "kernels/halves.h" nogil:
    enum: RL_HALVES
    enum: RL_BINARY16
    enum: RL_BFLOAT16
    void rl_half_load(int kind, const void *source, float *to, Py_ssize_t n)
    void rl_half_store(int kind, const float *source, void *to, Py_ssize_t n)
    void rl_half_loop2(
        void (*loop)(const void *, int, const void *, int, void *, Py_ssize_t) noexcept nogil, int kind, int number, int truth,
        const char *x, int sx, const char *y, int sy, char *out, Py_ssize_t n
    )


cdef inline int half_kind(cnp.ndarray a) noexcept:
    """RL_BINARY16 or RL_BFLOAT16, 0 for an array of anything else."""
    cdef int number = cnp.PyArray_TYPE(a)
    if number == cnp.NPY_FLOAT16:
        return RL_BINARY16
    # The only 16-bit dtype from outside of NumPy, whose own have lower numbers, is bfloat16.
    if number >= 256 and cnp.PyArray_ITEMSIZE(a) == 2 and (<cnp.dtype>cnp.PyArray_DESCR(a)).kind == c"V":
        return RL_BFLOAT16
    return 0
