# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The cross-entropy of class indices, and its gradient, in one pass over each row of float32 or float64 logits.

A function returns NotImplemented for what it has no loop for: class weights, other layouts and dtypes.
"""

cimport numpy as cnp
from libc.math cimport exp, expf, log
from libc.stdint cimport int64_t

cnp.import_array()

ctypedef fused real:
    float
    double


cdef inline real exponential(real x) noexcept nogil:
    return expf(x) if real is float else exp(x)


cdef inline real highest(const real* x, Py_ssize_t n) noexcept nogil:
    """The largest entry; nan where one is."""
    cdef real high = x[0]
    cdef Py_ssize_t i
    for i in range(1, n):
        if x[i] > high or x[i] != x[i]:
            high = x[i]
    return high


cdef inline double total(const real* x, Py_ssize_t n, real high) noexcept nogil:
    """The sum of exp(x - high)."""
    cdef double sum = 0
    cdef Py_ssize_t i
    for i in range(n):
        sum += exponential(<real>(x[i] - high))
    return sum


cdef void losses(
    const real* x, const int64_t* target, Py_ssize_t rows, Py_ssize_t classes, int64_t ignored, bint mean, bint each,
    real* out,
) noexcept nogil:
    cdef double sum = 0, loss
    cdef Py_ssize_t row, count = 0
    cdef real high
    for row in range(rows):
        loss = 0
        if target[row] != ignored:
            high = highest(x, classes)
            loss = log(total(x, classes, high)) - (x[target[row]] - high)
            count += 1
        if each:
            out[row] = <real>loss
        sum += loss
        x += classes
    if not each:
        out[0] = <real>(sum / count if mean else sum)


cdef void slopes(
    const real* x, const int64_t* target, const real* g, Py_ssize_t rows, Py_ssize_t classes, int64_t ignored,
    bint mean, bint each, real* out,
) noexcept nogil:
    cdef Py_ssize_t row, i, count = 0
    cdef real high
    cdef double share, scale
    if mean:
        for row in range(rows):
            count += target[row] != ignored
    for row in range(rows):
        if target[row] == ignored:
            for i in range(classes):
                out[i] = 0
        else:
            share = g[row] if each else g[0]
            if mean:
                share /= count
            high = highest(x, classes)
            for i in range(classes):
                out[i] = exponential(<real>(x[i] - high))
            scale = 0
            for i in range(classes):
                scale += out[i]
            scale = share / scale
            for i in range(classes):
                out[i] = <real>(out[i] * scale)
            out[target[row]] -= <real>share
        x += classes
        out += classes


cdef bint usable(object x, object target, int64_t ignored) except -1:
    """Whether the loops can read these; IndexError for a target that names no class."""
    cdef cnp.ndarray a, t
    cdef const int64_t* place
    cdef Py_ssize_t row, classes
    if not isinstance(x, cnp.ndarray) or not isinstance(target, cnp.ndarray):
        return False
    a, t = x, target
    if cnp.PyArray_NDIM(a) != 2 or cnp.PyArray_NDIM(t) != 1 or cnp.PyArray_TYPE(t) != cnp.NPY_INT64:
        return False
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    if not (cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(t)):
        return False
    if not (cnp.PyArray_ISBEHAVED_RO(a) and cnp.PyArray_ISBEHAVED_RO(t)):
        return False
    classes = cnp.PyArray_DIM(a, 1)
    if cnp.PyArray_DIM(a, 0) != cnp.PyArray_DIM(t, 0) or classes == 0:
        return False
    place = <const int64_t*>cnp.PyArray_DATA(t)
    for row in range(cnp.PyArray_DIM(t, 0)):
        if (place[row] < 0 or place[row] >= classes) and place[row] != ignored:
            raise IndexError(f"Target {place[row]} is out of bounds.")
    return True


def cross_entropy(x, target, weight, *, int64_t ignore_index, reduction):
    """The losses of the rows of x (N, C), their mean or sum."""
    if weight is not None or not usable(x, target, ignore_index):
        return NotImplemented
    cdef cnp.ndarray a = x, t = target, out
    cdef bint each = reduction == "none", mean = reduction == "mean"
    cdef cnp.npy_intp rows = cnp.PyArray_DIM(a, 0)
    out = cnp.PyArray_SimpleNew(1 if each else 0, &rows, cnp.PyArray_TYPE(a))
    cdef const int64_t* place = <const int64_t*>cnp.PyArray_DATA(t)
    cdef Py_ssize_t classes = cnp.PyArray_DIM(a, 1)
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
        losses(<const float*>cnp.PyArray_DATA(a), place, rows, classes, ignore_index, mean, each,
               <float*>cnp.PyArray_DATA(out))
    else:
        losses(<const double*>cnp.PyArray_DATA(a), place, rows, classes, ignore_index, mean, each,
               <double*>cnp.PyArray_DATA(out))
    return out


def through_cross_entropy(g, x, target, weight, int64_t ignore_index, reduction):
    """The gradient of x from that of the losses, of their mean or of their sum."""
    if weight is not None or not usable(x, target, ignore_index) or not isinstance(g, cnp.ndarray):
        return NotImplemented
    cdef cnp.ndarray a = x, t = target, share = g, out
    if cnp.PyArray_TYPE(share) != cnp.PyArray_TYPE(a) or not cnp.PyArray_IS_C_CONTIGUOUS(share):
        return NotImplemented
    if not cnp.PyArray_ISBEHAVED_RO(share):
        return NotImplemented
    cdef bint each = reduction == "none", mean = reduction == "mean"
    out = cnp.PyArray_SimpleNew(2, cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a))
    cdef const int64_t* place = <const int64_t*>cnp.PyArray_DATA(t)
    cdef Py_ssize_t rows = cnp.PyArray_DIM(a, 0), classes = cnp.PyArray_DIM(a, 1)
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
        slopes(<const float*>cnp.PyArray_DATA(a), place, <const float*>cnp.PyArray_DATA(share), rows, classes,
               ignore_index, mean, each, <float*>cnp.PyArray_DATA(out))
    else:
        slopes(<const double*>cnp.PyArray_DATA(a), place, <const double*>cnp.PyArray_DATA(share), rows, classes,
               ignore_index, mean, each, <double*>cnp.PyArray_DATA(out))
    return out
