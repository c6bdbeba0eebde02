# cython: boundscheck=False, wraparound=False, cdivision=True
"""Quotients and remainders of whole numbers; a divisor of zero is declined, for the operation to refuse."""

cimport numpy as cnp

from rushlight.kernels.buffers cimport empty
from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #include "kernels/lanes.h"
    typedef struct { const char *x, *y; char *out; Py_ssize_t step; int zero; } rl_division;

    /* Rounded down, in the type itself; the least number by -1 wraps around, as in NumPy. */
    #define RL_DIVIDE(NAME, T, E)                                                                \\
        static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                         \\
            rl_division *c = (rl_division *)what;                                                \\
            const T *a = (const T *)c->x, *b = (const T *)c->y;                                  \\
            T *o = (T *)c->out;                                                                  \\
            for (Py_ssize_t i = begin; i < end; i++) {                                           \\
                T x = a[i], y = b[i * c->step];                                                  \\
                if (y == 0) { c->zero = 1; return; }                                             \\
                if (y == -1) { o[i] = RL_BY_MINUS_ONE(T, E); continue; }                         \\
                T q = x / y, r = x % y;                                                          \\
                int down = r != 0 && (r < 0) != (y < 0);                                         \\
                o[i] = E ? r + (down ? y : 0) : q - down;                                        \\
            }                                                                                    \\
        }
    /* The same by one number, y: the quotient by way of doubles, which vectors of them find much sooner than an integer
       is divided. Exact for numbers below 2^51, where it is wrong by one at most; others go one by one. */
    #define RL_DIVIDE_BY_ONE(NAME, SLOW, T, E)                                                   \\
        RL_CLONES static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {               \\
            rl_division *c = (rl_division *)what;                                                \\
            const int64_t y = *(const T *)c->y, sign = y < 0 ? -1 : 1, d = sign * y;             \\
            const double over = 1.0 / (double)d;                                                 \\
            if (d == 0 || (uint64_t)d >> 51) { SLOW(what, begin, end); return; }                 \\
            for (Py_ssize_t next; begin < end; begin = next) {                                   \\
                const T *a = (const T *)c->x;                                                    \\
                T *o = (T *)c->out;                                                              \\
                uint64_t wide = 0;                                                               \\
                next = end - begin < 512 ? end : begin + 512;                                    \\
                for (Py_ssize_t i = begin; i < next; i++) {                                      \\
                    wide |= ((uint64_t)(int64_t)a[i] + ((uint64_t)1 << 51)) >> 52;               \\
                }                                                                                \\
                if (wide) { SLOW(what, begin, next); continue; }                                 \\
                for (Py_ssize_t i = begin; i < next; i++) {                                      \\
                    const int64_t x = sign * (int64_t)a[i];                                      \\
                    int64_t q = (int64_t)floor((double)x * over), r = x - q * d;                 \\
                    const int64_t less = r < 0, more = r >= d;                                   \\
                    q += more - less;                                                            \\
                    r += less ? d : more ? -d : 0;                                               \\
                    o[i] = (T)(E ? sign * r : q);                                                \\
                }                                                                                \\
            }                                                                                    \\
        }

    #define RL_BY_MINUS_ONE(T, E) ((E) ? 0 : (T)(0 - (uint64_t)x))
    RL_DIVIDE(rl_floored_i4, int32_t, 0)
    RL_DIVIDE(rl_floored_i8, int64_t, 0)
    RL_DIVIDE(rl_remainder_i4, int32_t, 1)
    RL_DIVIDE(rl_remainder_i8, int64_t, 1)
    RL_DIVIDE_BY_ONE(rl_floored_by_i4, rl_floored_i4, int32_t, 0)
    RL_DIVIDE_BY_ONE(rl_floored_by_i8, rl_floored_i8, int64_t, 0)
    RL_DIVIDE_BY_ONE(rl_remainder_by_i4, rl_remainder_i4, int32_t, 1)
    RL_DIVIDE_BY_ONE(rl_remainder_by_i8, rl_remainder_i8, int64_t, 1)
    """
    ctypedef struct rl_division:
        const char *x
        const char *y
        char *out
        Py_ssize_t step
        int zero
    void rl_floored_i4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_floored_i8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_remainder_i4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_remainder_i8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_floored_by_i4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_floored_by_i8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_remainder_by_i4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_remainder_by_i8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

ctypedef void (*work)(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
# Elements of a part that a thread takes: some 20 microseconds.
cdef Py_ssize_t LEAST = 8192


def floored(x, y):
    """x / y rounded down, of contiguous int32 or int64 arrays of one shape, or by one number of their dtype."""
    return divided(x, y, rl_floored_i4, rl_floored_i8, rl_floored_by_i4, rl_floored_by_i8)


def remainder(x, y):
    """What that leaves, of the sign of y."""
    return divided(x, y, rl_remainder_i4, rl_remainder_i8, rl_remainder_by_i4, rl_remainder_by_i8)


cdef object divided(x, y, work of_four, work of_eight, work four_by_one, work eight_by_one):
    cdef rl_division c
    cdef cnp.ndarray a, b, o
    cdef int kind
    if not isinstance(x, cnp.ndarray) or not isinstance(y, cnp.ndarray):
        return NotImplemented
    a, b = <cnp.ndarray>x, <cnp.ndarray>y
    kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_INT32 and kind != cnp.NPY_INT64) or cnp.PyArray_TYPE(b) != kind:
        return NotImplemented
    if not cnp.PyArray_IS_C_CONTIGUOUS(a) or not cnp.PyArray_ISBEHAVED_RO(a):
        return NotImplemented
    if not cnp.PyArray_IS_C_CONTIGUOUS(b) or not cnp.PyArray_ISBEHAVED_RO(b):
        return NotImplemented
    c.step = 0 if cnp.PyArray_NDIM(b) == 0 else 1
    if c.step and not cnp.PyArray_SAMESHAPE(a, b):
        return NotImplemented
    o = empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind)
    c.x, c.y, c.out = <const char *>cnp.PyArray_DATA(a), <const char *>cnp.PyArray_DATA(b), <char *>cnp.PyArray_DATA(o)
    c.zero = 0
    if c.step == 0:
        of_four, of_eight = four_by_one, eight_by_one
    with nogil:
        spread(of_four if kind == cnp.NPY_INT32 else of_eight, &c, cnp.PyArray_SIZE(a), LEAST)
    return NotImplemented if c.zero else o
