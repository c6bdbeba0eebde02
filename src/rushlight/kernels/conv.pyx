# cython: boundscheck=False, wraparound=False, cdivision=True
"""Convolutions of float32 and float64 arrays over one or two dimensions with stride 1, and their two adjoints.

A function returns NotImplemented for everything else, and for weights so large that BLAS is ahead.
"""

cimport numpy as cnp
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

cnp.import_array()

cdef extern from "kernels/windows.h":
    void rl_correlate_f4(const float *, const float *, const float *, const Py_ssize_t *, float *, float *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_correlate_f8(const double *, const double *, const double *, const Py_ssize_t *, double *, double *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_weigh_f4(const float *, Py_ssize_t, const float *, Py_ssize_t, const Py_ssize_t *, float *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_weigh_f8(const double *, Py_ssize_t, const double *, Py_ssize_t, const Py_ssize_t *, double *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil

ctypedef fused real:
    float
    double

# Weights, and the frames that are weighed together, should stay in the second cache.
cdef Py_ssize_t LARGEST_WEIGHT = 1 << 19
cdef Py_ssize_t TOGETHER = 1 << 18
# Numbers computed together: 64 bytes of float32.
cdef Py_ssize_t LANES = 16


cdef struct Layout:
    Py_ssize_t samples, groups
    Py_ssize_t channels, rows  # of one group: of the input and of the output
    Py_ssize_t h, w, oh, ow, kh, kw, dh, dw  # input, output, kernel, dilation
    Py_ssize_t top, left  # padding; below zero where rows and columns are left out
    Py_ssize_t fh, fw  # of a frame
    Py_ssize_t taps, frame, length


cdef bint plain(object x):
    """Whether x is an array of float32 or float64 with one or two spatial dimensions."""
    if not isinstance(x, cnp.ndarray):
        return False
    cdef cnp.ndarray a = x
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    return 3 <= cnp.PyArray_NDIM(a) <= 4 and cnp.PyArray_SIZE(a) > 0 and cnp.PyArray_ISNOTSWAPPED(a)


cdef bint one(tuple stride):
    for n in stride:
        if n != 1:
            return False
    return True


cdef inline Py_ssize_t rows_of(cnp.ndarray a):
    """The height of an image, 1 for a line."""
    return cnp.PyArray_DIM(a, 2) if cnp.PyArray_NDIM(a) == 4 else 1


cdef inline Py_ssize_t columns_of(cnp.ndarray a):
    return cnp.PyArray_DIM(a, cnp.PyArray_NDIM(a) - 1)


cdef bint settle(Layout *at, int itemsize):
    """Work out the frame; whether the loops are the quicker way."""
    at.fh = at.oh + at.dh * (at.kh - 1)
    at.fw = at.ow + at.dw * (at.kw - 1)
    at.taps = at.channels * at.kh * at.kw
    at.length = ((at.oh - 1) * at.fw + at.ow + LANES - 1) // LANES * LANES
    at.frame = (at.channels * at.fh * at.fw + 2 * LANES - 1) // LANES * LANES
    if at.oh < 1 or at.ow < 1:
        return False
    return at.taps * at.rows * itemsize <= LARGEST_WEIGHT


cdef inline void *aligned(void *room) noexcept nogil:
    """The first address in `room` at which a line of the cache begins."""
    return <void *>((<Py_ssize_t>room + 63) & ~<Py_ssize_t>63)


cdef void find_taps(const Layout *at, Py_ssize_t *offsets) noexcept nogil:
    cdef Py_ssize_t c, y, x
    for c in range(at.channels):
        for y in range(at.kh):
            for x in range(at.kw):
                offsets[0] = (c * at.fh + y * at.dh) * at.fw + x * at.dw
                offsets += 1


cdef void fill(const Layout *at, const real *x, real *frame) noexcept nogil:
    """Copy one sample of a group into a frame that has zeros around it."""
    cdef Py_ssize_t c, y, first = max(0, -at.top), end = min(at.h, at.fh - at.top)
    cdef Py_ssize_t skipped = max(0, -at.left), columns = min(at.w, at.fw - at.left) - skipped
    if columns <= 0:
        return
    for c in range(at.channels):
        for y in range(first, end):
            memcpy(frame + (c * at.fh + y + at.top) * at.fw + skipped + at.left, x + (c * at.h + y) * at.w + skipped,
                   columns * sizeof(real))


cdef void move_rows(const Layout *at, const real *source, real *to, bint narrow) noexcept nogil:
    """Between rows as wide as the frame and rows as wide as the output (narrow: to the latter)."""
    cdef Py_ssize_t r, y, inner = at.ow if narrow else at.fw, outer = at.fw if narrow else at.ow
    cdef Py_ssize_t step = at.length if narrow else at.oh * at.ow, onward = at.oh * at.ow if narrow else at.length
    for r in range(at.rows):
        for y in range(at.oh):
            memcpy(to + r * onward + y * inner, source + r * step + y * outer, at.ow * sizeof(real))


cdef int correlate(const Layout *at, const real *x, const real *weight, real *bias, real *out) noexcept nogil:
    """out = weight at every window of x, plus bias; -1 where memory is short."""
    cdef Py_ssize_t n, g
    cdef Py_ssize_t *offsets = <Py_ssize_t *>calloc(at.taps, sizeof(Py_ssize_t))
    cdef void *room = calloc(at.frame + (at.taps + 1) * LANES + at.rows * at.length, sizeof(real))
    cdef real *frame = <real *>aligned(room)
    cdef real *packed = frame + at.frame
    cdef real *sheet = packed + at.taps * LANES
    if offsets == NULL or room == NULL:
        free(offsets)
        free(room)
        return -1
    find_taps(at, offsets)
    for n in range(at.samples):
        for g in range(at.groups):
            fill(at, x, frame)
            if real is float:
                rl_correlate_f4(weight + g * at.rows * at.taps, NULL if bias == NULL else bias + g * at.rows, frame,
                                offsets, packed, sheet, at.rows, at.taps, at.length)
            else:
                rl_correlate_f8(weight + g * at.rows * at.taps, NULL if bias == NULL else bias + g * at.rows, frame,
                                offsets, packed, sheet, at.rows, at.taps, at.length)
            move_rows(at, sheet, out, True)
            x += at.channels * at.h * at.w
            out += at.rows * at.oh * at.ow
    free(offsets)
    free(room)
    return 0


cdef int weigh(const Layout *at, const real *x, const real *y, real *total) noexcept nogil:
    """total (groups, rows, taps) = the sum of y times the taps of its windows; -1 where memory is short."""
    cdef Py_ssize_t n = 0, g, s, samples, sheet = at.rows * at.length
    cdef Py_ssize_t together = min(max(1, TOGETHER // ((at.frame + sheet) * <Py_ssize_t>sizeof(real))), at.samples)
    cdef Py_ssize_t *offsets = <Py_ssize_t *>calloc(at.taps, sizeof(Py_ssize_t))
    cdef void *room = calloc(together * (at.frame + sheet) + LANES, sizeof(real))
    cdef real *frames = <real *>aligned(room)
    cdef real *sheets = frames + together * at.frame
    cdef Py_ssize_t x_step = at.channels * at.h * at.w, y_step = at.rows * at.oh * at.ow
    if offsets == NULL or room == NULL:
        free(offsets)
        free(room)
        return -1
    find_taps(at, offsets)
    while n < at.samples:
        samples = min(together, at.samples - n)
        for g in range(at.groups):
            for s in range(samples):
                fill(at, x + ((n + s) * at.groups + g) * x_step, frames + s * at.frame)
                move_rows(at, y + ((n + s) * at.groups + g) * y_step, sheets + s * sheet, False)
            if real is float:
                rl_weigh_f4(frames, at.frame, sheets, sheet, offsets, total + g * at.rows * at.taps, at.rows, at.taps,
                            at.length, samples)
            else:
                rl_weigh_f8(frames, at.frame, sheets, sheet, offsets, total + g * at.rows * at.taps, at.rows, at.taps,
                            at.length, samples)
        n += samples
    free(offsets)
    free(room)
    return 0


cdef void turn(const Layout *at, const real *weight, real *out) noexcept nogil:
    """From (groups, channels, rows, kh * kw) to (groups, rows, channels, kh * kw), each kernel read backwards."""
    cdef Py_ssize_t g, c, r, k, size = at.kh * at.kw
    for g in range(at.groups):
        for c in range(at.channels):
            for r in range(at.rows):
                for k in range(size):
                    out[((g * at.rows + r) * at.channels + c) * size + size - 1 - k] = weight[0]
                    weight += 1


cdef cnp.ndarray made(cnp.ndarray like, Py_ssize_t n, Py_ssize_t channels, Py_ssize_t h, Py_ssize_t w, bint zeros):
    """A new array (n, channels, h, w), without h for lines, of the dtype of another."""
    cdef cnp.npy_intp shape[4]
    cdef int d = cnp.PyArray_NDIM(like)
    shape[0], shape[1], shape[2], shape[d - 1] = n, channels, h, w
    if zeros:
        return cnp.PyArray_ZEROS(d, shape, cnp.PyArray_TYPE(like), 0)
    return cnp.PyArray_EMPTY(d, shape, cnp.PyArray_TYPE(like), 0)


cdef object correlated(Layout *at, cnp.ndarray a, cnp.ndarray w, object bias):
    cdef cnp.ndarray out, b = None
    cdef void *shift = NULL
    cdef void *x
    cdef void *weight
    cdef void *to
    cdef int failed, single = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32
    if bias is not None:
        if not isinstance(bias, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>bias) != cnp.PyArray_TYPE(a):
            return NotImplemented
        b = cnp.PyArray_GETCONTIGUOUS(<cnp.ndarray>bias)
        shift = cnp.PyArray_DATA(b)
    a, w = cnp.PyArray_GETCONTIGUOUS(a), cnp.PyArray_GETCONTIGUOUS(w)
    out = made(a, at.samples, at.groups * at.rows, at.oh, at.ow, False)
    x, weight, to = cnp.PyArray_DATA(a), cnp.PyArray_DATA(w), cnp.PyArray_DATA(out)
    with nogil:
        if single:
            failed = correlate(at, <const float *>x, <const float *>weight, <float *>shift, <float *>to)
        else:
            failed = correlate(at, <const double *>x, <const double *>weight, <double *>shift, <double *>to)
    if failed:
        raise MemoryError
    return out


cdef bint meet(Layout *at, cnp.ndarray a, cnp.ndarray w, tuple dilation, Py_ssize_t groups):
    """Note what the input and the weight say; whether they are of one kind."""
    cdef int d = cnp.PyArray_NDIM(a)
    if cnp.PyArray_TYPE(w) != cnp.PyArray_TYPE(a) or cnp.PyArray_NDIM(w) != d:
        return False
    at.samples, at.groups = cnp.PyArray_DIM(a, 0), groups
    at.channels = cnp.PyArray_DIM(a, 1) // groups
    at.h, at.w, at.kh, at.kw = rows_of(a), columns_of(a), rows_of(w), columns_of(w)
    at.dh, at.dw = dilation[0] if d == 4 else 1, dilation[d - 3]
    return True


def convolution(x, weight, bias, *, tuple stride, tuple padding, tuple dilation, groups, size=None):
    """The cross-correlation of x with weight at `size` places, or at all."""
    cdef Layout at
    if not plain(x) or not plain(weight) or not one(stride) or not meet(&at, x, weight, dilation, groups):
        return NotImplemented
    cdef int d = len(dilation)
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>weight, 0) // at.groups
    at.top, at.left = padding[0] if d == 2 else 0, padding[d - 1]
    at.oh = at.h + 2 * at.top - at.dh * (at.kh - 1)
    at.ow = at.w + 2 * at.left - at.dw * (at.kw - 1)
    if size is not None:
        at.oh, at.ow = size[0] if d == 2 else 1, size[d - 1]
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)):
        return NotImplemented
    return correlated(&at, x, weight, bias)


def convolution_transpose(x, weight, bias, *, tuple size, tuple stride, tuple padding, tuple dilation, groups):
    """The adjoint of `convolution` in its input: the correlation with weight read backwards."""
    cdef Layout at
    cdef cnp.ndarray w, turned
    if not plain(x) or not plain(weight) or not one(stride) or not meet(&at, x, weight, dilation, groups):
        return NotImplemented
    cdef int d = len(dilation)
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>weight, 1)
    at.top = at.dh * (at.kh - 1) - (padding[0] if d == 2 else 0)
    at.left = at.dw * (at.kw - 1) - padding[d - 1]
    at.oh, at.ow = size[0] if d == 2 else 1, size[d - 1]
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)):
        return NotImplemented
    w = cnp.PyArray_GETCONTIGUOUS(<cnp.ndarray>weight)
    turned = made(w, at.groups * at.rows, at.channels, at.kh, at.kw, False)
    if cnp.PyArray_TYPE(w) == cnp.NPY_FLOAT32:
        turn(&at, <const float *>cnp.PyArray_DATA(w), <float *>cnp.PyArray_DATA(turned))
    else:
        turn(&at, <const double *>cnp.PyArray_DATA(w), <double *>cnp.PyArray_DATA(turned))
    return correlated(&at, x, turned, bias)


def convolution_weight(x, y, *, tuple kernel, tuple stride, tuple padding, tuple dilation, groups):
    """The gradient of a weight with spatial shape `kernel`: y weighs the windows of x."""
    cdef Layout at
    cdef cnp.ndarray a, g, total
    cdef void *source
    cdef void *weights
    cdef void *to
    cdef int failed, single
    if not plain(x) or not plain(y) or not one(stride) or not meet(&at, x, y, dilation, groups):
        return NotImplemented
    cdef int d = len(dilation)
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>y, 1) // at.groups
    at.oh, at.ow, at.kh, at.kw = at.kh, at.kw, kernel[0] if d == 2 else 1, kernel[d - 1]
    at.top, at.left = padding[0] if d == 2 else 0, padding[d - 1]
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)):
        return NotImplemented
    a, g = cnp.PyArray_GETCONTIGUOUS(<cnp.ndarray>x), cnp.PyArray_GETCONTIGUOUS(<cnp.ndarray>y)
    total = made(a, at.groups * at.rows, at.channels, at.kh, at.kw, True)
    source, weights, to = cnp.PyArray_DATA(a), cnp.PyArray_DATA(g), cnp.PyArray_DATA(total)
    single = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32
    with nogil:
        if single:
            failed = weigh(&at, <const float *>source, <const float *>weights, <float *>to)
        else:
            failed = weigh(&at, <const double *>source, <const double *>weights, <double *>to)
    if failed:
        raise MemoryError
    return total
