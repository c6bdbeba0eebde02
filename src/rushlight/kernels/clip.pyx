# cython: boundscheck=False, wraparound=False, cdivision=True
"""The common norm of many small arrays, and their scaling, without a call for each of them.

Both take lists of C-contiguous float32 or float64 arrays, of one dtype and of at most MOST elements each, and return
NotImplemented for others.
"""

cimport numpy as cnp
from libc.math cimport sqrt

cnp.import_array()

cdef extern from *:
    """
    /* Eight sums in double precision. */
    #define SQUARES(NAME, T)                                                                            \\
        static double NAME(const T *x, Py_ssize_t n) {                                                  \\
            double s[8] = {0};                                                                          \\
            Py_ssize_t i = 0, q;                                                                        \\
            for (; i + 8 <= n; i += 8)                                                                  \\
                for (q = 0; q < 8; q++) s[q] += (double)x[i + q] * (double)x[i + q];                    \\
            for (; i < n; i++) s[0] += (double)x[i] * (double)x[i];                                     \\
            return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));                   \\
        }                                                                                               \\
        static void NAME##_scaled(T *x, Py_ssize_t n, T factor) {                                       \\
            for (Py_ssize_t i = 0; i < n; i++) x[i] *= factor;                                          \\
        }
    SQUARES(rl_sum_f4, float)
    SQUARES(rl_sum_f8, double)
    """
    double rl_sum_f4(const float *, Py_ssize_t) noexcept nogil
    double rl_sum_f8(const double *, Py_ssize_t) noexcept nogil
    void rl_sum_f4_scaled(float *, Py_ssize_t, float) noexcept nogil
    void rl_sum_f8_scaled(double *, Py_ssize_t, double) noexcept nogil

# Larger ones gain from BLAS and from threads.
MOST = 1 << 14
cdef Py_ssize_t most = MOST


cdef int kind_of(list arrays, bint writes):
    """The dtype number of all of them, -1 where they are not taken."""
    cdef int kind = -1
    cdef cnp.ndarray a
    for x in arrays:
        if not cnp.PyArray_CheckExact(x):
            return -1
        a = <cnp.ndarray>x
        if kind < 0:
            kind = cnp.PyArray_TYPE(a)
        if cnp.PyArray_TYPE(a) != kind or cnp.PyArray_SIZE(a) > most:
            return -1
        if not (cnp.PyArray_ISCARRAY(a) if writes else cnp.PyArray_ISCARRAY_RO(a)):
            return -1
    return kind if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else -1


def norm(list arrays not None):
    """The square root of the sum of the squares of all elements, added in float64."""
    cdef int kind = kind_of(arrays, False)
    cdef double total = 0
    cdef cnp.ndarray a
    if kind < 0:
        return NotImplemented
    for x in arrays:
        a = <cnp.ndarray>x
        if kind == cnp.NPY_FLOAT32:
            total += rl_sum_f4(<const float *>cnp.PyArray_DATA(a), cnp.PyArray_SIZE(a))
        else:
            total += rl_sum_f8(<const double *>cnp.PyArray_DATA(a), cnp.PyArray_SIZE(a))
    return sqrt(total)


def scale(list arrays not None, double factor):
    """Multiply all of them by a number, in place."""
    cdef int kind = kind_of(arrays, True)
    cdef cnp.ndarray a
    if kind < 0:
        return NotImplemented
    for x in arrays:
        a = <cnp.ndarray>x
        if kind == cnp.NPY_FLOAT32:
            rl_sum_f4_scaled(<float *>cnp.PyArray_DATA(a), cnp.PyArray_SIZE(a), <float>factor)
        else:
            rl_sum_f8_scaled(<double *>cnp.PyArray_DATA(a), cnp.PyArray_SIZE(a), factor)
    return None
