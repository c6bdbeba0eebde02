# cython: boundscheck=False, wraparound=False, cdivision=True
"""Loops over contiguous float32 and float64 arrays; every other array is declined, and NumPy takes it."""

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact, PyFloat_AS_DOUBLE
from cpython.long cimport PyLong_CheckExact, PyLong_AsDouble

from rushlight.kernels.kernel cimport Kernel

cnp.import_array()

cdef extern from *:
    """
    #include <math.h>
    typedef void (*loop2)(const void *, int, const void *, int, void *, Py_ssize_t);
    typedef void (*loop1)(const void *, void *, Py_ssize_t);
    typedef void (*loop3)(const void *, const void *, const void *, void *, Py_ssize_t);

    /* A loop sees each operand with step 1 (an array) or 0 (one number for all). */
    #define BINARY(NAME, T, R, EXPR)                                                             \\
        static void NAME(const void *pa, int sa, const void *pb, int sb, void *po, Py_ssize_t n) { \\
            const T *a = (const T *)pa, *b = (const T *)pb; R *o = (R *)po; Py_ssize_t i; T x, y; \\
            if (sa && sb) for (i = 0; i < n; i++) { x = a[i]; y = b[i]; o[i] = EXPR; }           \\
            else if (sa) { y = *b; for (i = 0; i < n; i++) { x = a[i]; o[i] = EXPR; } }          \\
            else if (sb) { x = *a; for (i = 0; i < n; i++) { y = b[i]; o[i] = EXPR; } }          \\
            else if (n) { x = *a; y = *b; R r = EXPR; for (i = 0; i < n; i++) o[i] = r; }        \\
        }
    #define UNARY(NAME, T, EXPR)                                                                 \\
        static void NAME(const void *pa, void *po, Py_ssize_t n) {                               \\
            const T *a = (const T *)pa; T *o = (T *)po; Py_ssize_t i;                            \\
            for (i = 0; i < n; i++) { T x = a[i]; o[i] = EXPR; }                                 \\
        }
    #define TERNARY_OF(NAME, T, EXPR)                                                            \\
        static void NAME(const void *pa, const void *pb, const void *pc, void *po, Py_ssize_t n) { \\
            const T *a = (const T *)pa, *b = (const T *)pb, *c = (const T *)pc; T *o = (T *)po;  \\
            for (Py_ssize_t i = 0; i < n; i++) { T x = a[i], y = b[i], z = c[i]; o[i] = EXPR; }  \\
        }
    #define TERNARY(NAME, EXPR) TERNARY_OF(NAME##_f4, float, EXPR) TERNARY_OF(NAME##_f8, double, EXPR)
    #define ARITHMETIC(NAME, EXPR) BINARY(NAME##_f4, float, float, EXPR) BINARY(NAME##_f8, double, double, EXPR)
    #define COMPARISON(NAME, EXPR) BINARY(NAME##_f4, float, unsigned char, EXPR) BINARY(NAME##_f8, double, unsigned char, EXPR)
    #define FUNCTION(NAME, E4, E8) UNARY(NAME##_f4, float, E4) UNARY(NAME##_f8, double, E8)

    ARITHMETIC(rl_add, x + y)
    ARITHMETIC(rl_sub, x - y)
    ARITHMETIC(rl_rsub, y - x)
    ARITHMETIC(rl_mul, x * y)
    ARITHMETIC(rl_div, x / y)
    ARITHMETIC(rl_maximum, (x > y || x != x) ? x : y)
    ARITHMETIC(rl_minimum, (x < y || x != x) ? x : y)
    BINARY(rl_pow_f4, float, float, powf(x, y))
    BINARY(rl_pow_f8, double, double, pow(x, y))
    COMPARISON(rl_lt, x < y)
    COMPARISON(rl_le, x <= y)
    COMPARISON(rl_gt, x > y)
    COMPARISON(rl_ge, x >= y)
    COMPARISON(rl_eq, x == y)
    COMPARISON(rl_ne, x != y)
    /* Gradients that go through where an input or output says so. */
    ARITHMETIC(rl_through_relu, y > 0 ? x : 0)
    ARITHMETIC(rl_through_sigmoid, x * (1 - y) * y)
    ARITHMETIC(rl_through_tanh, x * (1 - y * y))

    TERNARY(rl_tanh_bend, x * y * z * -2)
    TERNARY(rl_sigmoid_bend, x * y * (1 - z * 2))
    ARITHMETIC(rl_through_square, x * 2 * y)
    ARITHMETIC(rl_through_sqrt, x / (2 * y))
    ARITHMETIC(rl_through_reciprocal, -x * (y * y))
    ARITHMETIC(rl_through_abs, x * ((y > 0) - (y < 0)))
    BINARY(rl_through_sin_f4, float, float, x * cosf(y))
    BINARY(rl_through_sin_f8, double, double, x * cos(y))
    BINARY(rl_through_cos_f4, float, float, -x * sinf(y))
    BINARY(rl_through_cos_f8, double, double, -x * sin(y))
    #define SILU_SLOPE(s) (s) * (1 + y * (1 - (s)))
    static inline float rl_logistic4(float y) { return 1 / (1 + expf(-y)); }
    static inline double rl_logistic8(double y) { return 1 / (1 + exp(-y)); }
    BINARY(rl_through_silu_f4, float, float, x * (SILU_SLOPE(rl_logistic4(y))))
    BINARY(rl_through_silu_f8, double, double, x * (SILU_SLOPE(rl_logistic8(y))))
    BINARY(rl_through_gelu_f4, float, float, x * ((1 + erff(y * 0.70710678f)) / 2 + y * expf(y * y * -0.5f) * 0.39894228f))
    BINARY(rl_through_gelu_f8, double, double, x * ((1 + erf(y * 0.70710678118654752440)) / 2 + y * exp(y * y * -0.5) * 0.39894228040143267794))

    FUNCTION(rl_neg, -x, -x)
    FUNCTION(rl_abs, fabsf(x), fabs(x))
    FUNCTION(rl_square, x * x, x * x)
    FUNCTION(rl_reciprocal, 1 / x, 1 / x)
    FUNCTION(rl_sqrt, sqrtf(x), sqrt(x))
    FUNCTION(rl_rsqrt, 1 / sqrtf(x), 1 / sqrt(x))
    FUNCTION(rl_relu, (x > 0 || x != x) ? x : 0, (x > 0 || x != x) ? x : 0)
    FUNCTION(rl_exp, expf(x), exp(x))
    FUNCTION(rl_log, logf(x), log(x))
    FUNCTION(rl_sin, sinf(x), sin(x))
    FUNCTION(rl_cos, cosf(x), cos(x))
    FUNCTION(rl_tanh, tanhf(x), tanh(x))
    FUNCTION(rl_erf, erff(x), erf(x))
    FUNCTION(rl_sigmoid, 1 / (1 + expf(-x)), 1 / (1 + exp(-x)))
    FUNCTION(rl_copy, x, x)
    FUNCTION(rl_cube, x * x * x, x * x * x)
    FUNCTION(rl_expm1, expm1f(x), expm1(x))
    FUNCTION(rl_log1p, log1pf(x), log1p(x))
    FUNCTION(rl_log2, log2f(x), log2(x))
    FUNCTION(rl_log10, log10f(x), log10(x))
    FUNCTION(rl_tan, tanf(x), tan(x))
    FUNCTION(rl_sinh, sinhf(x), sinh(x))
    FUNCTION(rl_cosh, coshf(x), cosh(x))
    FUNCTION(rl_asin, asinf(x), asin(x))
    FUNCTION(rl_acos, acosf(x), acos(x))
    FUNCTION(rl_atan, atanf(x), atan(x))
    FUNCTION(rl_erfc, erfcf(x), erfc(x))
    FUNCTION(rl_lgamma, (float)lgamma(x), lgamma(x))

    /* Activations with the parameters that they have by default. Times zero, -inf counts as the lowest number. */
    #define SOFTPLUS4(x) ((x) > 20 ? (x) : log1pf(expf(x)))
    #define SOFTPLUS8(x) ((x) > 20 ? (x) : log1p(exp(x)))
    FUNCTION(rl_logsigmoid, (x < 0 ? x : (x != x ? x : 0)) - log1pf(expf(-fabsf(x))), (x < 0 ? x : (x != x ? x : 0)) - log1p(exp(-fabs(x))))
    FUNCTION(rl_softplus, SOFTPLUS4(x), SOFTPLUS8(x))
    FUNCTION(rl_silu, x == -INFINITY ? -0.0f : x / (1 + expf(-x)), x == -INFINITY ? -0.0 : x / (1 + exp(-x)))
    FUNCTION(rl_mish, x == -INFINITY ? -0.0f : x * tanhf(SOFTPLUS4(x)), x == -INFINITY ? -0.0 : x * tanh(SOFTPLUS8(x)))
    FUNCTION(rl_gelu, x == -INFINITY ? -0.0f : x * (1 + erff(x * 0.70710678f)) / 2, x == -INFINITY ? -0.0 : x * (1 + erf(x * 0.70710678118654752440)) / 2)
    FUNCTION(rl_leaky_relu, x > 0 ? x : x * 0.01f, x > 0 ? x : x * 0.01)
    FUNCTION(rl_elu, x > 0 ? x : expm1f(x), x > 0 ? x : expm1(x))
    FUNCTION(rl_hardsigmoid, (x <= -3 ? 0 : x >= 3 ? 6 : x + 3) / 6, (x <= -3 ? 0 : x >= 3 ? 6 : x + 3) / 6)
    FUNCTION(rl_hardswish, x == -INFINITY ? -0.0f : x * ((x <= -3 ? 0 : x >= 3 ? 6 : x + 3) / 6), x == -INFINITY ? -0.0 : x * ((x <= -3 ? 0 : x >= 3 ? 6 : x + 3) / 6))
    """
    ctypedef void (*loop2)(const void *, int, const void *, int, void *, Py_ssize_t) noexcept nogil
    ctypedef void (*loop1)(const void *, void *, Py_ssize_t) noexcept nogil
    loop2 rl_through_square_f4, rl_through_square_f8, rl_through_sqrt_f4, rl_through_sqrt_f8
    loop2 rl_through_reciprocal_f4, rl_through_reciprocal_f8, rl_through_abs_f4, rl_through_abs_f8
    loop2 rl_through_sin_f4, rl_through_sin_f8, rl_through_cos_f4, rl_through_cos_f8
    loop2 rl_through_silu_f4, rl_through_silu_f8, rl_through_gelu_f4, rl_through_gelu_f8
    loop2 rl_add_f4, rl_add_f8, rl_sub_f4, rl_sub_f8, rl_rsub_f4, rl_rsub_f8, rl_mul_f4, rl_mul_f8
    loop2 rl_div_f4, rl_div_f8, rl_maximum_f4, rl_maximum_f8, rl_minimum_f4, rl_minimum_f8
    loop2 rl_pow_f4, rl_pow_f8, rl_lt_f4, rl_lt_f8, rl_le_f4, rl_le_f8
    loop2 rl_gt_f4, rl_gt_f8, rl_ge_f4, rl_ge_f8, rl_eq_f4, rl_eq_f8
    loop2 rl_ne_f4, rl_ne_f8, rl_through_relu_f4, rl_through_relu_f8, rl_through_sigmoid_f4, rl_through_sigmoid_f8
    loop2 rl_through_tanh_f4, rl_through_tanh_f8
    ctypedef void (*loop3)(const void *, const void *, const void *, void *, Py_ssize_t) noexcept nogil
    loop3 rl_tanh_bend_f4, rl_tanh_bend_f8, rl_sigmoid_bend_f4, rl_sigmoid_bend_f8
    loop1 rl_neg_f4, rl_neg_f8, rl_abs_f4, rl_abs_f8, rl_square_f4, rl_square_f8
    loop1 rl_reciprocal_f4, rl_reciprocal_f8, rl_sqrt_f4, rl_sqrt_f8, rl_rsqrt_f4, rl_rsqrt_f8
    loop1 rl_relu_f4, rl_relu_f8, rl_exp_f4, rl_exp_f8, rl_log_f4, rl_log_f8
    loop1 rl_sin_f4, rl_sin_f8, rl_cos_f4, rl_cos_f8, rl_tanh_f4, rl_tanh_f8
    loop1 rl_erf_f4, rl_erf_f8, rl_sigmoid_f4, rl_sigmoid_f8, rl_copy_f4, rl_copy_f8
    loop1 rl_cube_f4, rl_cube_f8, rl_expm1_f4, rl_expm1_f8, rl_log1p_f4, rl_log1p_f8
    loop1 rl_log2_f4, rl_log2_f8, rl_log10_f4, rl_log10_f8, rl_tan_f4, rl_tan_f8
    loop1 rl_sinh_f4, rl_sinh_f8, rl_cosh_f4, rl_cosh_f8, rl_asin_f4, rl_asin_f8
    loop1 rl_acos_f4, rl_acos_f8, rl_atan_f4, rl_atan_f8, rl_erfc_f4, rl_erfc_f8
    loop1 rl_lgamma_f4, rl_lgamma_f8, rl_logsigmoid_f4, rl_logsigmoid_f8, rl_softplus_f4, rl_softplus_f8
    loop1 rl_silu_f4, rl_silu_f8, rl_mish_f4, rl_mish_f8, rl_gelu_f4, rl_gelu_f8
    loop1 rl_leaky_relu_f4, rl_leaky_relu_f8, rl_elu_f4, rl_elu_f8, rl_hardsigmoid_f4, rl_hardsigmoid_f8
    loop1 rl_hardswish_f4, rl_hardswish_f8

# NumPy's vectorised exp, log, sin ... win over the C library's from about this many elements.
cdef Py_ssize_t SCALAR_LIMIT = 256
# A column-major operand is copied up to this many elements: NumPy is ahead beyond.
cdef Py_ssize_t TURNED_LIMIT = 1 << 14
# Larger broadcasts are left to NumPy, which lets other threads run meanwhile.
cdef Py_ssize_t BROADCAST_LIMIT = 1 << 20
# Smaller loops are over before another thread could have used the interpreter.
cdef Py_ssize_t NOGIL_FROM = 20000


cdef inline int step_of(cnp.ndarray a):
    """1 for a contiguous array, 0 for one number seen as an array (all strides 0), -1 for anything else."""
    cdef int i
    if not cnp.PyArray_ISBEHAVED_RO(a):
        return -1
    if cnp.PyArray_IS_C_CONTIGUOUS(a):
        return 1
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDE(a, i) != 0 and cnp.PyArray_DIM(a, i) != 1:
            return -1
    return 0


cdef inline bint usable(cnp.ndarray a, int kind):
    return cnp.PyArray_TYPE(a) == kind and cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)


cdef extern from *:
    """
    /* A new array of a's dtype and shape; PyArray_EMPTY would look the dtype up again. */
    static PyObject *rl_like(PyArrayObject *a) {
        PyArray_Descr *descr = PyArray_DESCR(a);
        Py_INCREF(descr);
        return PyArray_NewFromDescr(&PyArray_Type, descr, PyArray_NDIM(a), PyArray_DIMS(a), NULL, NULL, 0, NULL);
    }
    """
    object rl_like(cnp.ndarray a)


cdef class Binary(Kernel):
    """A loop over two operands: arrays of one shape, a row against a matrix, or a number against an array."""

    cdef loop2 f4
    cdef loop2 f8
    cdef int result

    cdef object call2(self, object x, object y):
        cdef cnp.ndarray a, b, o
        cdef int kind, sa, sb
        cdef Py_ssize_t n, rows = 1, i, width
        cdef loop2 loop
        cdef double number
        cdef float number4
        cdef const void *pa
        cdef const void *pb
        cdef char *po
        if not isinstance(x, cnp.ndarray):
            return NotImplemented
        a = <cnp.ndarray>x
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64:
            loop = self.f8
        else:
            return NotImplemented
        sa = step_of(a)
        if sa < 0:
            return self.turned(x, y)
        pa = cnp.PyArray_DATA(a)
        n = cnp.PyArray_SIZE(a)
        if isinstance(y, cnp.ndarray):
            b = <cnp.ndarray>y
            if cnp.PyArray_TYPE(b) != kind:
                return NotImplemented
            sb = step_of(b)
            if sb < 0:
                return self.turned(x, y)
            pb = cnp.PyArray_DATA(b)
            if cnp.PyArray_SAMESHAPE(a, b):
                pass
            elif cnp.PyArray_NDIM(b) == 0:
                sb = 0
            elif cnp.PyArray_NDIM(a) == 0:
                sa = 0
                n = cnp.PyArray_SIZE(b)
                a = b
            elif sa == 1 and sb == 1 and rows_against(a, b):
                rows = cnp.PyArray_DIM(a, 0)
            else:
                return self.broadcast(a, b, kind)
        else:
            if PyFloat_CheckExact(y):
                number = PyFloat_AS_DOUBLE(y)
            elif PyLong_CheckExact(y):
                number = PyLong_AsDouble(y)
            else:
                return NotImplemented
            number4 = <float>number
            pb = <void *>&number4 if kind == cnp.NPY_FLOAT32 else <void *>&number
            sb = 0
        o = <cnp.ndarray>rl_like(a) if self.result < 0 else <cnp.ndarray>cnp.PyArray_EMPTY(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), self.result, 0)
        po = <char *>cnp.PyArray_DATA(o)
        if rows > 1:
            width = n // rows
            for i in range(rows):
                loop(<const char *>pa + i * width * cnp.PyArray_ITEMSIZE(a), 1, pb, 1, po + i * width * cnp.PyArray_ITEMSIZE(o), width)
        elif n < NOGIL_FROM:
            loop(pa, sa, pb, sb, po, n)
        else:
            with nogil:
                loop(pa, sa, pb, sb, po, n)
        return o


    cdef object turned(self, object x, object y):
        """The same where an operand is not contiguous: matrices that are column-major, and whatever has whole rows."""
        cdef cnp.ndarray a, b
        if not isinstance(y, cnp.ndarray):
            return NotImplemented
        a, b = <cnp.ndarray>x, <cnp.ndarray>y
        if cnp.PyArray_TYPE(b) != cnp.PyArray_TYPE(a):
            return NotImplemented
        if cnp.PyArray_NDIM(a) != 2 or not cnp.PyArray_SAMESHAPE(a, b) or cnp.PyArray_SIZE(a) > TURNED_LIMIT:
            return self.broadcast(a, b, cnp.PyArray_TYPE(a))
        if cnp.PyArray_IS_F_CONTIGUOUS(a) and cnp.PyArray_IS_F_CONTIGUOUS(b):
            out = self.call2(cnp.PyArray_Transpose(a, NULL), cnp.PyArray_Transpose(b, NULL))
            return out if out is NotImplemented else cnp.PyArray_Transpose(<cnp.ndarray>out, NULL)
        if cnp.PyArray_IS_F_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(b):
            return self.call2(cnp.PyArray_NewCopy(a, cnp.NPY_CORDER), b)
        if cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_F_CONTIGUOUS(b):
            return self.call2(a, cnp.PyArray_NewCopy(b, cnp.NPY_CORDER))
        return self.broadcast(a, b, cnp.PyArray_TYPE(a))

    cdef object broadcast(self, cnp.ndarray a, cnp.ndarray b, int kind):
        """Arrays that broadcast, row by row along the last dimension, where each row is contiguous or one number."""
        cdef int na = cnp.PyArray_NDIM(a), nb = cnp.PyArray_NDIM(b), nd, k
        cdef cnp.npy_intp dims[8]
        cdef cnp.npy_intp da[8]
        cdef cnp.npy_intp db[8]
        cdef cnp.npy_intp at[8]
        cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(a), m, n, rows = 1, i, width
        cdef const char *pa = <const char *>cnp.PyArray_DATA(a)
        cdef const char *pb = <const char *>cnp.PyArray_DATA(b)
        cdef char *po
        cdef int sa, sb
        cdef cnp.ndarray o
        cdef loop2 loop = self.f4 if kind == cnp.NPY_FLOAT32 else self.f8
        nd = na if na > nb else nb
        if nd == 0 or nd > 8 or not cnp.PyArray_ISBEHAVED_RO(a) or not cnp.PyArray_ISBEHAVED_RO(b):
            return NotImplemented
        for k in range(nd):
            m = cnp.PyArray_DIM(a, k - nd + na) if k >= nd - na else 1
            n = cnp.PyArray_DIM(b, k - nd + nb) if k >= nd - nb else 1
            if m != n and m != 1 and n != 1:
                return NotImplemented
            dims[k] = n if m == 1 else m
            da[k] = 0 if m == 1 else cnp.PyArray_STRIDE(a, k - nd + na)
            db[k] = 0 if n == 1 else cnp.PyArray_STRIDE(b, k - nd + nb)
            at[k] = 0
        width = dims[nd - 1]
        if width <= 1 or not (da[nd - 1] == 0 or da[nd - 1] == item) or not (db[nd - 1] == 0 or db[nd - 1] == item):
            return NotImplemented
        sa, sb = da[nd - 1] != 0, db[nd - 1] != 0
        for k in range(nd - 1):
            rows *= dims[k]
        if rows * width > BROADCAST_LIMIT:
            return NotImplemented
        o = <cnp.ndarray>cnp.PyArray_SimpleNew(nd, dims, kind if self.result < 0 else self.result)
        po = <char *>cnp.PyArray_DATA(o)
        item = width * cnp.PyArray_ITEMSIZE(o)
        for i in range(rows):
            loop(pa, sa, pb, sb, po, width)
            po += item
            k = nd - 2
            while k >= 0:
                at[k] += 1
                pa += da[k]
                pb += db[k]
                if at[k] < dims[k]:
                    break
                pa -= da[k] * dims[k]
                pb -= db[k] * dims[k]
                at[k] = 0
                k -= 1
        return o

    cdef bint into2(self, object x, object y) except -1:
        cdef cnp.ndarray a, b
        cdef int kind
        cdef loop2 loop
        if self.result >= 0 or not isinstance(x, cnp.ndarray) or not isinstance(y, cnp.ndarray):
            return False
        a, b = <cnp.ndarray>x, <cnp.ndarray>y
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64:
            loop = self.f8
        else:
            return False
        if cnp.PyArray_TYPE(b) != kind or not cnp.PyArray_ISBEHAVED(a) or not cnp.PyArray_ISBEHAVED_RO(b) or not cnp.PyArray_SAMESHAPE(a, b):
            return False
        if cnp.PyArray_IS_C_CONTIGUOUS(a):
            if not cnp.PyArray_IS_C_CONTIGUOUS(b):
                b = <cnp.ndarray>cnp.PyArray_NewCopy(b, cnp.NPY_CORDER)
        elif cnp.PyArray_IS_F_CONTIGUOUS(a):
            if not cnp.PyArray_IS_F_CONTIGUOUS(b):
                b = <cnp.ndarray>cnp.PyArray_NewCopy(b, cnp.NPY_FORTRANORDER)
        else:
            return False
        loop(cnp.PyArray_DATA(a), 1, cnp.PyArray_DATA(b), 1, cnp.PyArray_DATA(a), cnp.PyArray_SIZE(a))
        return True


cdef inline bint rows_against(cnp.ndarray a, cnp.ndarray b):
    """Whether b, a vector, stands against each row of the matrix a."""
    return cnp.PyArray_NDIM(a) == 2 and cnp.PyArray_NDIM(b) == 1 and cnp.PyArray_DIM(a, 1) == cnp.PyArray_DIM(b, 0) and cnp.PyArray_DIM(a, 0) > 1


cdef class Ternary(Kernel):
    """A loop over three arrays of one shape."""

    cdef loop3 f4
    cdef loop3 f8

    cdef object call3(self, object x, object y, object z):
        cdef cnp.ndarray a, b, c, o
        cdef int kind
        cdef loop3 loop
        if not isinstance(x, cnp.ndarray) or not isinstance(y, cnp.ndarray) or not isinstance(z, cnp.ndarray):
            return NotImplemented
        a, b, c = <cnp.ndarray>x, <cnp.ndarray>y, <cnp.ndarray>z
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64:
            loop = self.f8
        else:
            return NotImplemented
        if not usable(a, kind) or not usable(b, kind) or not usable(c, kind):
            return NotImplemented
        if not cnp.PyArray_SAMESHAPE(a, b) or not cnp.PyArray_SAMESHAPE(a, c):
            return NotImplemented
        o = <cnp.ndarray>rl_like(a)
        loop(cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(c), cnp.PyArray_DATA(o), cnp.PyArray_SIZE(a))
        return o


cdef class Unary(Kernel):
    """A loop over one operand."""

    cdef loop1 f4
    cdef loop1 f8
    cdef Py_ssize_t limit

    cdef object call1(self, object x):
        cdef cnp.ndarray a, o
        cdef int kind
        cdef Py_ssize_t n
        cdef loop1 loop
        if not isinstance(x, cnp.ndarray):
            return NotImplemented
        a = <cnp.ndarray>x
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64:
            loop = self.f8
        else:
            return NotImplemented
        n = cnp.PyArray_SIZE(a)
        if n > self.limit or not usable(a, kind):
            return NotImplemented
        o = <cnp.ndarray>rl_like(a)
        if n < NOGIL_FROM:
            loop(cnp.PyArray_DATA(a), cnp.PyArray_DATA(o), n)
        else:
            with nogil:
                loop(cnp.PyArray_DATA(a), cnp.PyArray_DATA(o), n)
        return o


cdef class Power(Binary):
    """x ** y, where the common exponents have quicker loops."""

    cdef object call2(self, object x, object y):
        cdef double number
        if PyFloat_CheckExact(y):
            number = PyFloat_AS_DOUBLE(y)
        elif PyLong_CheckExact(y):
            number = PyLong_AsDouble(y)
        else:
            return Binary.call2(self, x, y)
        if number == 2:
            return (<Unary>square).call1(x)
        if number == 1:
            return (<Unary>copy).call1(x)
        if number == 3:
            return (<Unary>cube).call1(x)
        if number == 0.5:
            return (<Unary>sqrt).call1(x)
        if number == -0.5:
            return (<Unary>rsqrt).call1(x)
        if number == -1:
            return (<Unary>reciprocal).call1(x)
        return Binary.call2(self, x, y)


cdef Binary binary(loop2 f4, loop2 f8, int result=-1):
    cdef Binary kernel = Binary()
    kernel.f4, kernel.f8, kernel.result = f4, f8, result
    return kernel


cdef Ternary ternary(loop3 f4, loop3 f8):
    cdef Ternary kernel = Ternary()
    kernel.f4, kernel.f8 = f4, f8
    return kernel


cdef Unary unary(loop1 f4, loop1 f8, Py_ssize_t limit=SCALAR_LIMIT):
    cdef Unary kernel = Unary()
    kernel.f4, kernel.f8, kernel.limit = f4, f8, limit
    return kernel


cdef Py_ssize_t ANY = <Py_ssize_t>1 << 62

add = binary(rl_add_f4, rl_add_f8)
sub = binary(rl_sub_f4, rl_sub_f8)
rsub = binary(rl_rsub_f4, rl_rsub_f8)
mul = binary(rl_mul_f4, rl_mul_f8)
div = binary(rl_div_f4, rl_div_f8)
cdef Power power = Power()
power.f4, power.f8, power.result = rl_pow_f4, rl_pow_f8, -1
pow = power
maximum = binary(rl_maximum_f4, rl_maximum_f8)
minimum = binary(rl_minimum_f4, rl_minimum_f8)
lt = binary(rl_lt_f4, rl_lt_f8, cnp.NPY_BOOL)
le = binary(rl_le_f4, rl_le_f8, cnp.NPY_BOOL)
gt = binary(rl_gt_f4, rl_gt_f8, cnp.NPY_BOOL)
ge = binary(rl_ge_f4, rl_ge_f8, cnp.NPY_BOOL)
eq = binary(rl_eq_f4, rl_eq_f8, cnp.NPY_BOOL)
ne = binary(rl_ne_f4, rl_ne_f8, cnp.NPY_BOOL)
through_relu = binary(rl_through_relu_f4, rl_through_relu_f8)
through_sigmoid = binary(rl_through_sigmoid_f4, rl_through_sigmoid_f8)
through_tanh = binary(rl_through_tanh_f4, rl_through_tanh_f8)
tanh_bend = ternary(rl_tanh_bend_f4, rl_tanh_bend_f8)
sigmoid_bend = ternary(rl_sigmoid_bend_f4, rl_sigmoid_bend_f8)
through_square = binary(rl_through_square_f4, rl_through_square_f8)
through_sqrt = binary(rl_through_sqrt_f4, rl_through_sqrt_f8)
through_reciprocal = binary(rl_through_reciprocal_f4, rl_through_reciprocal_f8)
through_abs = binary(rl_through_abs_f4, rl_through_abs_f8)
through_sin = binary(rl_through_sin_f4, rl_through_sin_f8)
through_cos = binary(rl_through_cos_f4, rl_through_cos_f8)
through_silu = binary(rl_through_silu_f4, rl_through_silu_f8)
through_gelu = binary(rl_through_gelu_f4, rl_through_gelu_f8)

neg = unary(rl_neg_f4, rl_neg_f8, ANY)
abs = unary(rl_abs_f4, rl_abs_f8, ANY)
square = unary(rl_square_f4, rl_square_f8, ANY)
reciprocal = unary(rl_reciprocal_f4, rl_reciprocal_f8, ANY)
sqrt = unary(rl_sqrt_f4, rl_sqrt_f8, ANY)
rsqrt = unary(rl_rsqrt_f4, rl_rsqrt_f8, ANY)
relu = unary(rl_relu_f4, rl_relu_f8, ANY)
copy = unary(rl_copy_f4, rl_copy_f8, ANY)
exp = unary(rl_exp_f4, rl_exp_f8)
log = unary(rl_log_f4, rl_log_f8)
sin = unary(rl_sin_f4, rl_sin_f8)
cos = unary(rl_cos_f4, rl_cos_f8)
tanh = unary(rl_tanh_f4, rl_tanh_f8)
erf = unary(rl_erf_f4, rl_erf_f8, ANY)
sigmoid = unary(rl_sigmoid_f4, rl_sigmoid_f8)
cube = unary(rl_cube_f4, rl_cube_f8, ANY)
expm1 = unary(rl_expm1_f4, rl_expm1_f8)
log1p = unary(rl_log1p_f4, rl_log1p_f8)
log2 = unary(rl_log2_f4, rl_log2_f8)
log10 = unary(rl_log10_f4, rl_log10_f8)
tan = unary(rl_tan_f4, rl_tan_f8)
sinh = unary(rl_sinh_f4, rl_sinh_f8)
cosh = unary(rl_cosh_f4, rl_cosh_f8)
asin = unary(rl_asin_f4, rl_asin_f8)
acos = unary(rl_acos_f4, rl_acos_f8)
atan = unary(rl_atan_f4, rl_atan_f8)
erfc = unary(rl_erfc_f4, rl_erfc_f8, ANY)
lgamma = unary(rl_lgamma_f4, rl_lgamma_f8, ANY)
logsigmoid = unary(rl_logsigmoid_f4, rl_logsigmoid_f8)
softplus = unary(rl_softplus_f4, rl_softplus_f8)
silu = unary(rl_silu_f4, rl_silu_f8)
mish = unary(rl_mish_f4, rl_mish_f8)
gelu = unary(rl_gelu_f4, rl_gelu_f8, ANY)
leaky_relu = unary(rl_leaky_relu_f4, rl_leaky_relu_f8, ANY)
elu = unary(rl_elu_f4, rl_elu_f8)
hardsigmoid = unary(rl_hardsigmoid_f4, rl_hardsigmoid_f8, ANY)
hardswish = unary(rl_hardswish_f4, rl_hardswish_f8, ANY)
celu = elu
