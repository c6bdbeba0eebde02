# cython: boundscheck=False, wraparound=False, cdivision=True
"""where() over contiguous arrays of any type of 1, 2, 4, 8 or 16 bytes, and floats times a mask.

Others are declined, and NumPy takes them.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact, PyFloat_AS_DOUBLE
from cpython.long cimport PyLong_CheckExact, PyLong_AsDouble

from rushlight.kernels.buffers cimport empty, one_number
from rushlight.kernels.halves cimport half_kind
from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef extern from *:
    """
    #include "kernels/halves.h"
    #include "kernels/lanes.h"
    #include <stdint.h>
    typedef struct { uint64_t a, b; } rl_two_words;
    typedef struct { const unsigned char *mask; const char *x, *y; char *out; Py_ssize_t item; int sx, sy; } rl_choice;

    /* An operand has step 1, or 0 where it is one number. Both are read before one is chosen: without branches the compiler
       chooses many at once. */
    #define RL_CHOOSE(NAME, T)                                                                   \\
        RL_CLONES static void NAME(const rl_choice *c, Py_ssize_t begin, Py_ssize_t end) {       \\
            const unsigned char *m = c->mask; Py_ssize_t i;                                      \\
            const T *a = (const T *)c->x, *b = (const T *)c->y, p = *a, q = *b;                  \\
            T *restrict o = (T *)c->out;                                                         \\
            if (c->sx && c->sy) for (i = begin; i < end; i++) { T u = a[i], v = b[i]; o[i] = m[i] ? u : v; } \\
            else if (c->sx) for (i = begin; i < end; i++) { T u = a[i]; o[i] = m[i] ? u : q; }   \\
            else if (c->sy) for (i = begin; i < end; i++) { T v = b[i]; o[i] = m[i] ? p : v; }   \\
            else for (i = begin; i < end; i++) o[i] = m[i] ? p : q;                              \\
        }
    RL_CHOOSE(rl_choose1, uint8_t)
    RL_CHOOSE(rl_choose2, uint16_t)
    RL_CHOOSE(rl_choose4, uint32_t)
    RL_CHOOSE(rl_choose8, uint64_t)
    RL_CHOOSE(rl_choose16, rl_two_words)
    static void rl_choose(void *what, Py_ssize_t begin, Py_ssize_t end) {
        const rl_choice *c = (const rl_choice *)what;
        if (begin >= end) return;
        if (c->item == 4) rl_choose4(c, begin, end);
        else if (c->item == 8) rl_choose8(c, begin, end);
        else if (c->item == 1) rl_choose1(c, begin, end);
        else if (c->item == 2) rl_choose2(c, begin, end);
        else rl_choose16(c, begin, end);
    }

    typedef struct { const unsigned char *mask; const char *x; char *out; double scale; int half; } rl_scaling;
    #define RL_SCALE(NAME, T)                                                                    \\
        RL_CLONES static void NAME(const unsigned char *m, const T *x, T *o, T s, Py_ssize_t n) { \\
            for (Py_ssize_t i = 0; i < n; i++) o[i] = x[i] * (m[i] ? s : 0);                     \\
        }
    RL_SCALE(rl_scale4, float)
    RL_SCALE(rl_scale8, double)
    static void rl_scale_f4(void *what, Py_ssize_t begin, Py_ssize_t end) {
        const rl_scaling *c = (const rl_scaling *)what;
        rl_scale4(c->mask + begin, (const float *)c->x + begin, (float *)c->out + begin, (float)c->scale, end - begin);
    }
    static void rl_scale_f8(void *what, Py_ssize_t begin, Py_ssize_t end) {
        const rl_scaling *c = (const rl_scaling *)what;
        rl_scale8(c->mask + begin, (const double *)c->x + begin, (double *)c->out + begin, c->scale, end - begin);
    }
    static void rl_scale_halves(void *what, Py_ssize_t begin, Py_ssize_t end) {
        const rl_scaling *c = (const rl_scaling *)what;
        float x[RL_HALVES], o[RL_HALVES];
        for (; begin < end; begin += RL_HALVES) {
            Py_ssize_t n = end - begin < RL_HALVES ? end - begin : RL_HALVES;
            rl_half_load(c->half, c->x + 2 * begin, x, n);
            rl_scale4(c->mask + begin, x, o, (float)c->scale, n);
            rl_half_store(c->half, o, c->out + 2 * begin, n);
        }
    }
    """
    ctypedef struct rl_scaling:
        const unsigned char *mask
        const char *x
        char *out
        double scale
        int half
    void rl_scale_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_scale_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_scale_halves(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    ctypedef struct rl_choice:
        const unsigned char *mask
        const char *x
        const char *y
        char *out
        Py_ssize_t item
        int sx, sy
    void rl_choose(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# Elements of a part that a thread takes.
cdef Py_ssize_t LEAST = 16384


cdef inline bint usable(cnp.ndarray a):
    return cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)


def where(mask, x, y):
    """x where the mask holds, else y: arrays of the mask's shape and one type, one of them perhaps a number."""
    cdef rl_choice c
    cdef cnp.ndarray m, a, o
    cdef int kind
    cdef double numbers[2]
    cdef float numbers4[2]
    cdef Py_ssize_t n
    if not isinstance(mask, cnp.ndarray):
        return NotImplemented
    m = <cnp.ndarray>mask
    if cnp.PyArray_TYPE(m) != cnp.NPY_BOOL or not usable(m):
        return NotImplemented
    a = <cnp.ndarray>x if isinstance(x, cnp.ndarray) else <cnp.ndarray>y if isinstance(y, cnp.ndarray) else None
    if a is None:
        return NotImplemented
    kind = cnp.PyArray_TYPE(a)
    c.item = cnp.PyArray_ITEMSIZE(a)
    if kind > cnp.NPY_CDOUBLE and kind != cnp.NPY_FLOAT16 or c.item not in (1, 2, 4, 8, 16):
        return NotImplemented
    c.sx = chosen(m, x, kind, &numbers[0], &numbers4[0], &c.x)
    c.sy = chosen(m, y, kind, &numbers[1], &numbers4[1], &c.y)
    if c.sx < 0 or c.sy < 0:
        return NotImplemented
    o = empty(cnp.PyArray_NDIM(m), cnp.PyArray_DIMS(m), kind)
    c.mask, c.out = <const unsigned char *>cnp.PyArray_DATA(m), <char *>cnp.PyArray_DATA(o)
    n = cnp.PyArray_SIZE(m)
    if n < 2 * LEAST:
        rl_choose(&c, 0, n)
        return o
    with nogil:
        spread(rl_choose, &c, n, LEAST)
    return o


cdef int chosen(cnp.ndarray m, object x, int kind, double *number, float *number4, const char **p) except -2:
    """The step and address of an operand of `where`; -1 where it is of another kind."""
    if isinstance(x, cnp.ndarray):
        if cnp.PyArray_TYPE(<cnp.ndarray>x) != kind:
            return -1
        p[0] = <const char *>cnp.PyArray_DATA(<cnp.ndarray>x)
        if one_number(<cnp.ndarray>x):
            return 0 if cnp.PyArray_SAMESHAPE(m, <cnp.ndarray>x) else -1
        if not usable(<cnp.ndarray>x):
            return -1
        if cnp.PyArray_NDIM(<cnp.ndarray>x) == 0:
            return 0
        return 1 if cnp.PyArray_SAMESHAPE(m, <cnp.ndarray>x) else -1
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return -1
    if PyFloat_CheckExact(x):
        number[0] = PyFloat_AS_DOUBLE(x)
    elif PyLong_CheckExact(x):
        number[0] = PyLong_AsDouble(x)
    else:
        return -1
    number4[0] = <float>number[0]
    p[0] = <const char *>number4 if kind == cnp.NPY_FLOAT32 else <const char *>number
    return 0


def masked_scale(x, mask, double scale):
    """x times `scale` where the mask holds, times zero elsewhere: contiguous arrays of one shape."""
    cdef rl_scaling c
    cdef cnp.ndarray a, m, o
    cdef int kind
    if not isinstance(x, cnp.ndarray) or not isinstance(mask, cnp.ndarray):
        return NotImplemented
    a, m = <cnp.ndarray>x, <cnp.ndarray>mask
    if not usable(a) or not usable(m) or cnp.PyArray_TYPE(m) != cnp.NPY_BOOL or not cnp.PyArray_SAMESHAPE(a, m):
        return NotImplemented
    kind, c.half = cnp.PyArray_TYPE(a), half_kind(a)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64 and not c.half:
        return NotImplemented
    o = empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind)
    c.mask, c.x = <const unsigned char *>cnp.PyArray_DATA(m), <const char *>cnp.PyArray_DATA(a)
    c.out, c.scale = <char *>cnp.PyArray_DATA(o), scale
    with nogil:
        spread(rl_scale_halves if c.half else rl_scale_f4 if kind == cnp.NPY_FLOAT32 else rl_scale_f8, &c,
               cnp.PyArray_SIZE(a), LEAST)
    return o
