# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Losses of float32 and float64 arrays and their gradients: of classes, and of pairs of numbers.

A function returns NotImplemented for other dtypes, for class indices that are not int64 and for pairs of two shapes.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from rushlight.kernels.buffers cimport empty, row_major
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/losses.h":
    ctypedef struct rl_classes:
        const void *x
        const void *g
        const void *weight
        const int64_t *target
        void *out
        double *losses
        double scale
        Py_ssize_t outer, n, inner
        int64_t ignored
        int logits, each
    ctypedef struct rl_pairs:
        const void *x
        const void *y
        const void *g
        void *out
        double *parts
        double p, scale
        Py_ssize_t n
        int each
    int RL_ABREAST, RL_RUN
    void rl_class_rows_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_class_rows_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_class_columns_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_class_columns_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_slope_rows_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_slope_rows_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_slope_columns_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_slope_columns_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_mse_loss_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_mse_loss_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_mse_loss_slope_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_mse_loss_slope_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_smooth_l1_loss_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_smooth_l1_loss_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_smooth_l1_loss_slope_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_smooth_l1_loss_slope_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_huber_loss_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_huber_loss_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_huber_loss_slope_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_huber_loss_slope_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_logits_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_logits_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_logits_slope_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_logits_slope_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# From so many numbers on other threads of Python may run meanwhile, and so many are worth a thread.
cdef Py_ssize_t UNLOCK = 20000, LEAST = 1 << 14


cdef inline int kind_of(object x):
    if not isinstance(x, cnp.ndarray):
        return -1
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray>x)
    return kind if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else -1


cdef inline double number(cnp.ndarray x):
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        return (<const float *>cnp.PyArray_DATA(x))[0]
    return (<const double *>cnp.PyArray_DATA(x))[0]


# -- classes


cdef bint settle(rl_classes *s, tuple shape, object target, int64_t ignored) except -1:
    """Note the layout; IndexError for a target that names no class."""
    cdef cnp.ndarray t
    cdef Py_ssize_t i, k, count
    if not isinstance(target, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>target) != cnp.NPY_INT64:
        return False
    t = target
    if not cnp.PyArray_ISCARRAY_RO(t) or len(shape) < 2 or cnp.PyArray_NDIM(t) != len(shape) - 1:
        return False
    s.outer, s.n, s.inner = shape[0], shape[1], 1
    for k in range(2, len(shape)):
        s.inner *= shape[k]
    count = cnp.PyArray_SIZE(t)
    if count != s.outer * s.inner or count == 0 or s.n == 0:
        return False
    s.target, s.ignored = <const int64_t *>cnp.PyArray_DATA(t), ignored
    for i in range(count):
        if (s.target[i] < 0 or s.target[i] >= s.n) and s.target[i] != ignored:
            raise IndexError(f"Target {s.target[i]} is out of bounds.")
    return True


cdef double total_weight(const rl_classes *s, bint single) noexcept nogil:
    """The sum of the weights of the targets' classes."""
    cdef Py_ssize_t i
    cdef double total = 0
    for i in range(s.outer * s.inner):
        if s.target[i] == s.ignored:
            continue
        if s.weight == NULL:
            total += 1
        elif single:
            total += (<const float *>s.weight)[s.target[i]]
        else:
            total += (<const double *>s.weight)[s.target[i]]
    return total


cdef void over(span rows, span columns, rl_classes *s):
    """Run the loop for rows, or for columns, on all."""
    cdef Py_ssize_t lines = s.outer, line = s.n
    if s.inner > 1:
        lines *= (s.inner + RL_ABREAST - 1) // RL_ABREAST
        line *= min(s.inner, <Py_ssize_t>RL_ABREAST)
    if not s.logits:
        line = line // s.n + 1
    if lines * line < UNLOCK:
        (rows if s.inner == 1 else columns)(s, 0, lines)
        return
    with nogil:
        spread(rows if s.inner == 1 else columns, s, lines, LEAST // line + 1)


cdef object losses(object x, object target, object weight, int64_t ignored, object reduction, bint logits):
    cdef rl_classes s
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, w = None, out
    cdef Py_ssize_t i, count
    cdef double total = 0
    cdef bint single = kind == cnp.NPY_FLOAT32
    if kind < 0 or not settle(&s, x.shape, target, ignored):
        return NotImplemented
    a = row_major(x, kind)
    if weight is not None:
        w = row_major(weight, kind)
        if w is None or cnp.PyArray_SIZE(w) != s.n:
            return NotImplemented
    s.x, s.weight, s.logits = cnp.PyArray_DATA(a), NULL if w is None else cnp.PyArray_DATA(w), logits
    count = s.outer * s.inner
    s.losses = <double *>malloc(count * sizeof(double))
    if s.losses == NULL:
        raise MemoryError
    try:
        if single:
            over(rl_class_rows_f4, rl_class_columns_f4, &s)
        else:
            over(rl_class_rows_f8, rl_class_columns_f8, &s)
        if reduction == "none":
            out = empty(cnp.PyArray_NDIM(<cnp.ndarray>target), cnp.PyArray_DIMS(<cnp.ndarray>target), kind)
            for i in range(count):
                if single:
                    (<float *>cnp.PyArray_DATA(out))[i] = <float>s.losses[i]
                else:
                    (<double *>cnp.PyArray_DATA(out))[i] = s.losses[i]
        else:
            for i in range(count):
                total += s.losses[i]
            if reduction == "mean":
                total /= total_weight(&s, single)
            out = scalar(total, kind)
    finally:
        free(s.losses)
    return out


cdef cnp.ndarray scalar(double value, int kind):
    cdef cnp.npy_intp none = 0
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(0, &none, kind, 0)
    if kind == cnp.NPY_FLOAT32:
        (<float *>cnp.PyArray_DATA(out))[0] = <float>value
    else:
        (<double *>cnp.PyArray_DATA(out))[0] = value
    return out


cdef object slopes(object g, object x, tuple shape, object target, object weight, int64_t ignored, object reduction):
    """The gradient of scores x; without x that of log-probabilities, of which only the shape matters."""
    cdef rl_classes s
    cdef int kind = kind_of(g), k
    cdef cnp.ndarray a = None, w = None, given, out
    cdef cnp.npy_intp dims[64]
    if kind < 0 or not settle(&s, shape, target, ignored):
        return NotImplemented
    given = row_major(g, kind)
    if x is not None:
        a = row_major(x, kind)
        if a is None:
            return NotImplemented
    if weight is not None:
        w = row_major(weight, kind)
        if w is None or cnp.PyArray_SIZE(w) != s.n:
            return NotImplemented
    s.each = reduction == "none"
    if cnp.PyArray_SIZE(given) != (s.outer * s.inner if s.each else 1):
        return NotImplemented
    s.x, s.weight, s.logits = NULL if a is None else cnp.PyArray_DATA(a), NULL if w is None else cnp.PyArray_DATA(w), x is not None
    s.g, s.scale = cnp.PyArray_DATA(given), 1
    if not s.each:
        s.scale = number(given)
        if reduction == "mean":
            s.scale /= total_weight(&s, kind == cnp.NPY_FLOAT32)
    for k in range(len(shape)):
        dims[k] = shape[k]
    out = empty(len(shape), dims, kind)
    s.out = cnp.PyArray_DATA(out)
    if kind == cnp.NPY_FLOAT32:
        over(rl_slope_rows_f4, rl_slope_columns_f4, &s)
    else:
        over(rl_slope_rows_f8, rl_slope_columns_f8, &s)
    return out


def cross_entropy(x, target, weight, *, int64_t ignore_index, reduction):
    """The losses of scores x (N, C, *), their mean or sum."""
    return losses(x, target, weight, ignore_index, reduction, True)


def through_cross_entropy(g, x, target, weight, int64_t ignore_index, reduction):
    """The gradient of x from that of the losses, of their mean or of their sum."""
    return slopes(g, x, x.shape, target, weight, ignore_index, reduction)


def nll_loss(x, target, weight, *, int64_t ignore_index, reduction):
    """The losses of log-probabilities x (N, C, *), their mean or sum."""
    return losses(x, target, weight, ignore_index, reduction, False)


def nll_scatter(x, target, weight, *, tuple size, int64_t ignore_index, reduction):
    """The gradient of log-probabilities of shape `size` from that of the losses, x."""
    return slopes(x, None, size, target, weight, ignore_index, reduction)


# -- pairs


cdef object pairs(object x, object y, double p, object reduction, span single, span double_):
    cdef rl_pairs s
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, b, out
    cdef Py_ssize_t runs, i
    cdef double total = 0
    cdef span work = single if kind == cnp.NPY_FLOAT32 else double_
    if kind < 0 or not isinstance(y, cnp.ndarray) or not cnp.PyArray_SAMESHAPE(<cnp.ndarray>x, <cnp.ndarray>y):
        return NotImplemented
    a, b = row_major(x, kind), row_major(y, kind)
    s.n = cnp.PyArray_SIZE(a)
    if b is None or s.n == 0:
        return NotImplemented
    s.x, s.y, s.p, s.each, s.parts, s.out = cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), p, reduction == "none", NULL, NULL
    runs = (s.n + RL_RUN - 1) // RL_RUN
    if s.each:
        out = empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind)
        s.out = cnp.PyArray_DATA(out)
    else:
        s.parts = <double *>malloc(runs * sizeof(double))
        if s.parts == NULL:
            raise MemoryError
    if s.n < UNLOCK:
        work(&s, 0, runs)
    else:
        with nogil:
            spread(work, &s, runs, LEAST // RL_RUN)
    if s.each:
        return out
    for i in range(runs):
        total += s.parts[i]
    free(s.parts)
    return scalar(total / s.n if reduction == "mean" else total, kind)


cdef object through_pairs(object g, object x, object y, double p, object reduction, span single, span double_):
    cdef rl_pairs s
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, b, given, out
    cdef span work = single if kind == cnp.NPY_FLOAT32 else double_
    if kind < 0 or not isinstance(y, cnp.ndarray) or not cnp.PyArray_SAMESHAPE(<cnp.ndarray>x, <cnp.ndarray>y):
        return NotImplemented
    a, b, given = row_major(x, kind), row_major(y, kind), row_major(g, kind)
    if b is None or given is None or cnp.PyArray_SIZE(a) == 0:
        return NotImplemented
    s.n, s.each, s.p = cnp.PyArray_SIZE(a), reduction == "none", p
    if cnp.PyArray_SIZE(given) != (s.n if s.each else 1):
        return NotImplemented
    s.x, s.y, s.g, s.scale = cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(given), 1
    if not s.each:
        s.scale = number(given) / (s.n if reduction == "mean" else 1)
    out = empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind)
    s.out = cnp.PyArray_DATA(out)
    if s.n < UNLOCK:
        work(&s, 0, s.n)
    else:
        with nogil:
            spread(work, &s, s.n, LEAST)
    return out


def mse_loss(x, y, *, reduction):
    return pairs(x, y, 0, reduction, rl_mse_loss_f4, rl_mse_loss_f8)


def through_mse_loss(g, x, y, x_shape, reduction):
    return through_pairs(g, x, y, 0, reduction, rl_mse_loss_slope_f4, rl_mse_loss_slope_f8)


def smooth_l1_loss(x, y, *, reduction, beta):
    return pairs(x, y, beta, reduction, rl_smooth_l1_loss_f4, rl_smooth_l1_loss_f8)


def through_smooth_l1_loss(g, x, y, x_shape, reduction, beta):
    return through_pairs(g, x, y, beta, reduction, rl_smooth_l1_loss_slope_f4, rl_smooth_l1_loss_slope_f8)


def huber_loss(x, y, *, reduction, delta):
    return pairs(x, y, delta, reduction, rl_huber_loss_f4, rl_huber_loss_f8)


def through_huber_loss(g, x, y, x_shape, reduction, delta):
    return through_pairs(g, x, y, delta, reduction, rl_huber_loss_slope_f4, rl_huber_loss_slope_f8)


def binary_cross_entropy_with_logits(x, y, weight, pos_weight, *, reduction):
    if weight is not None or pos_weight is not None:
        return NotImplemented
    return pairs(x, y, 0, reduction, rl_logits_f4, rl_logits_f8)


def through_logits(g, x, y, weight, pos_weight, x_shape, reduction):
    if weight is not None or pos_weight is not None:
        return NotImplemented
    return through_pairs(g, x, y, 0, reduction, rl_logits_slope_f4, rl_logits_slope_f8)
