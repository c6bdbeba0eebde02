# cython: boundscheck=False, wraparound=False, cdivision=True
"""Choices and clamps over contiguous float32 and float64 arrays; others are declined, and NumPy takes them."""

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact, PyFloat_AS_DOUBLE
from cpython.long cimport PyLong_CheckExact, PyLong_AsDouble

cnp.import_array()

cdef extern from *:
    """
    typedef void (*loopn)(const void *, const void *, void *, Py_ssize_t, double, double);

    /* With up to two numbers, p and q; the second operand is absent (of the first's address) in a forward. */
    #define NUMBERED(NAME, EXPR) NUMBERED_(NAME##_f4, float, EXPR) NUMBERED_(NAME##_f8, double, EXPR)
    #define NUMBERED_(NAME, T, EXPR)                                                             \\
        static void NAME(const void *pa, const void *pb, void *po, Py_ssize_t n, double p_, double q_) { \\
            const T *a = (const T *)pa, *b = (const T *)pb; T *o = (T *)po; Py_ssize_t i;        \\
            T p = (T)p_, q = (T)q_; (void)p; (void)q;                                            \\
            for (i = 0; i < n; i++) { T x = a[i], y = b[i]; (void)y; o[i] = EXPR; }              \\
        }
    #define FROM_P (x < p || p != p ? p : x)
    NUMBERED(rl_clip, FROM_P > q || q != q ? q : FROM_P)
    NUMBERED(rl_leaky, x > 0 ? x : x * p)
    NUMBERED(rl_threshold, x <= p ? q : x)
    NUMBERED(rl_through_clip, (y >= p && y <= q) ? x : 0)
    NUMBERED(rl_through_hardtanh, (y <= p || y >= q) ? 0 : x)
    NUMBERED(rl_through_leaky, y > 0 ? x : x * p)
    NUMBERED(rl_through_threshold, y <= p ? 0 : x)

    /* x where the mask holds, else y; an operand has step 1, or 0 where it is one number. */
    #define WHERE(NAME, T)                                                                       \\
        static void NAME(const void *pm, const void *pa, int sa, const void *pb, int sb, void *po, Py_ssize_t n) { \\
            const unsigned char *m = (const unsigned char *)pm; Py_ssize_t i;                    \\
            const T *a = (const T *)pa, *b = (const T *)pb; T *o = (T *)po;                      \\
            for (i = 0; i < n; i++) o[i] = m[i] ? a[i * sa] : b[i * sb];                         \\
        }
    WHERE(rl_where_f4, float)
    WHERE(rl_where_f8, double)
    """
    ctypedef void (*loopn)(const void *, const void *, void *, Py_ssize_t, double, double) noexcept nogil
    void rl_where_f4(const void *, const void *, int, const void *, int, void *, Py_ssize_t) noexcept nogil
    void rl_where_f8(const void *, const void *, int, const void *, int, void *, Py_ssize_t) noexcept nogil
    loopn rl_clip_f4, rl_clip_f8, rl_leaky_f4, rl_leaky_f8, rl_threshold_f4, rl_threshold_f8
    loopn rl_through_clip_f4, rl_through_clip_f8, rl_through_leaky_f4, rl_through_leaky_f8
    loopn rl_through_hardtanh_f4, rl_through_hardtanh_f8, rl_through_threshold_f4, rl_through_threshold_f8


cdef inline bint usable(cnp.ndarray a, int kind):
    return cnp.PyArray_TYPE(a) == kind and cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)


cdef class Numbered:
    """A loop over an array, or a gradient and an array, with up to two numbers."""

    cdef loopn f4
    cdef loopn f8

    def __call__(self, x, double p, double q=0, y=None):
        cdef cnp.ndarray a, b, o
        cdef int kind
        cdef loopn loop
        if not isinstance(x, cnp.ndarray) or (y is not None and not isinstance(y, cnp.ndarray)):
            return NotImplemented
        a = <cnp.ndarray>x
        b = a if y is None else <cnp.ndarray>y
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64:
            loop = self.f8
        else:
            return NotImplemented
        if not usable(a, kind) or not usable(b, kind) or not cnp.PyArray_SAMESHAPE(a, b):
            return NotImplemented
        o = <cnp.ndarray>cnp.PyArray_EMPTY(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind, 0)
        loop(cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(o), cnp.PyArray_SIZE(a), p, q)
        return o


def where(mask, x, y):
    """x where the mask holds, else y: arrays of the mask's shape, one of them perhaps a number."""
    cdef cnp.ndarray m, a, o
    cdef int kind, sx, sy
    cdef double numbers[2]
    cdef float numbers4[2]
    cdef const void *px
    cdef const void *py
    if not isinstance(mask, cnp.ndarray):
        return NotImplemented
    m = <cnp.ndarray>mask
    if not usable(m, cnp.NPY_BOOL):
        return NotImplemented
    a = <cnp.ndarray>x if isinstance(x, cnp.ndarray) else <cnp.ndarray>y if isinstance(y, cnp.ndarray) else None
    if a is None:
        return NotImplemented
    kind = cnp.PyArray_TYPE(a)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return NotImplemented
    sx = chosen(m, x, kind, &numbers[0], &numbers4[0], &px)
    sy = chosen(m, y, kind, &numbers[1], &numbers4[1], &py)
    if sx < 0 or sy < 0:
        return NotImplemented
    o = <cnp.ndarray>cnp.PyArray_EMPTY(cnp.PyArray_NDIM(m), cnp.PyArray_DIMS(m), kind, 0)
    if kind == cnp.NPY_FLOAT32:
        rl_where_f4(cnp.PyArray_DATA(m), px, sx, py, sy, cnp.PyArray_DATA(o), cnp.PyArray_SIZE(m))
    else:
        rl_where_f8(cnp.PyArray_DATA(m), px, sx, py, sy, cnp.PyArray_DATA(o), cnp.PyArray_SIZE(m))
    return o


cdef int chosen(cnp.ndarray m, object x, int kind, double *number, float *number4, const void **p) except -2:
    """The step and address of an operand of `where`; -1 where it is of another kind."""
    if isinstance(x, cnp.ndarray):
        if not usable(<cnp.ndarray>x, kind) or not cnp.PyArray_SAMESHAPE(m, <cnp.ndarray>x):
            return -1
        p[0] = cnp.PyArray_DATA(<cnp.ndarray>x)
        return 1
    if PyFloat_CheckExact(x):
        number[0] = PyFloat_AS_DOUBLE(x)
    elif PyLong_CheckExact(x):
        number[0] = PyLong_AsDouble(x)
    else:
        return -1
    number4[0] = <float>number[0]
    p[0] = <const void *>number4 if kind == cnp.NPY_FLOAT32 else <const void *>number
    return 0


cdef Numbered numbered(loopn f4, loopn f8):
    cdef Numbered kernel = Numbered()
    kernel.f4, kernel.f8 = f4, f8
    return kernel


clip = numbered(rl_clip_f4, rl_clip_f8)
leaky = numbered(rl_leaky_f4, rl_leaky_f8)
threshold = numbered(rl_threshold_f4, rl_threshold_f8)
through_clip = numbered(rl_through_clip_f4, rl_through_clip_f8)
through_hardtanh = numbered(rl_through_hardtanh_f4, rl_through_hardtanh_f8)
through_leaky = numbered(rl_through_leaky_f4, rl_through_leaky_f8)
through_threshold = numbered(rl_through_threshold_f4, rl_through_threshold_f8)
