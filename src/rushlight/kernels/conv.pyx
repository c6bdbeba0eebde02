# cython: boundscheck=False, wraparound=False, cdivision=True
"""Convolutions of float32 and float64 arrays over one to three dimensions with stride 1, and their two adjoints.

A function returns NotImplemented for everything else, and for weights so large that BLAS is ahead.
"""

cimport numpy as cnp
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy
from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef extern from "kernels/windows.h":
    void rl_correlate_f4(const float *, const float *, const float *, const Py_ssize_t *, float *, float *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_correlate_f8(const double *, const double *, const double *, const Py_ssize_t *, double *, double *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_weigh_f4(const float *, Py_ssize_t, const float *, Py_ssize_t, const Py_ssize_t *, float *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_weigh_f8(const double *, Py_ssize_t, const double *, Py_ssize_t, const Py_ssize_t *, double *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil

ctypedef fused real:
    float
    double

# Weights, and the frames that are weighed together, should stay in the second cache.
cdef Py_ssize_t LARGEST_WEIGHT = 1 << 19
cdef Py_ssize_t TOGETHER = 1 << 20
# Sizes, and numbers of a frame, of which no product overflows.
cdef Py_ssize_t MOST = 1 << 31
cdef Py_ssize_t MOST_TOGETHER = 1 << 40
# Numbers computed together: 64 bytes of float32.
cdef Py_ssize_t LANES = 16


# So many multiplications are worth a thread.
cdef Py_ssize_t LEAST = 1 << 18


cdef struct Layout:
    Py_ssize_t samples, groups
    Py_ssize_t channels, rows  # of one group: of the input and of the output
    Py_ssize_t d, h, w, od, oh, ow, kd, kh, kw, dd, dh, dw  # input, output, kernel, dilation
    Py_ssize_t front, top, left  # padding; below zero where layers, rows and columns are left out
    Py_ssize_t fd, fh, fw  # of a frame
    Py_ssize_t taps, frame, length
    const Py_ssize_t *offsets
    const void *x
    const void *weight
    const void *bias
    void *out
    bint single, failed


# A loop over windows or rows of one sample.
cdef struct Sheet:
    const Layout *at
    const void *weight
    const void *bias
    const void *frame
    void *sheet
    void *total
    Py_ssize_t samples, frame_step, sheet_step
    bint failed


cdef bint plain(object x):
    """Whether x is an array of float32 or float64 with one to three spatial dimensions."""
    if not isinstance(x, cnp.ndarray):
        return False
    cdef cnp.ndarray a = x
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    return 3 <= cnp.PyArray_NDIM(a) <= 5 and cnp.PyArray_SIZE(a) > 0 and cnp.PyArray_ISNOTSWAPPED(a)


cdef bint one(tuple stride):
    for n in stride:
        if n != 1:
            return False
    return True


cdef inline Py_ssize_t along(cnp.ndarray a, int k):
    """The size of a along dimension k of three, 1 for one that it has not."""
    cdef int at = cnp.PyArray_NDIM(a) - 3 + k
    return cnp.PyArray_DIM(a, at) if at > 1 else 1


cdef inline Py_ssize_t entry(tuple values, int k, Py_ssize_t missing):
    """The entry of a tuple for dimension k of three."""
    cdef Py_ssize_t at = len(values) - 3 + k
    return values[at] if at >= 0 else missing


cdef bint settle(Layout *at, int itemsize):
    """Work out the frame; whether the sizes are some, can be counted, and make the loops the quicker way."""
    cdef Py_ssize_t least = min(at.od, at.oh, at.ow, at.kd, at.kh, at.kw, at.dd, at.dh, at.dw)
    cdef Py_ssize_t most = max(at.od, at.oh, at.ow, at.kd, at.kh, at.kw, at.dd, at.dh, at.dw)
    cdef Py_ssize_t around = max(at.front, at.top, at.left, -at.front, -at.top, -at.left)
    if least < 1 or max(most, around) > MOST:
        return False
    at.fd = at.od + at.dd * (at.kd - 1)
    at.fh = at.oh + at.dh * (at.kh - 1)
    at.fw = at.ow + at.dw * (at.kw - 1)
    if <double>at.channels * at.fd * at.fh * at.fw > MOST_TOGETHER or <double>at.kd * at.kh * at.kw > MOST:
        return False
    at.taps = at.channels * at.kd * at.kh * at.kw
    at.length = (((at.od - 1) * at.fh + at.oh - 1) * at.fw + at.ow + LANES - 1) // LANES * LANES
    at.frame = (at.channels * at.fd * at.fh * at.fw + 2 * LANES - 1) // LANES * LANES
    at.single = itemsize == 4
    return at.taps * at.rows * itemsize <= LARGEST_WEIGHT


cdef inline bint fit(const Layout *at) noexcept:
    """Whether all windows lie in the input and its padding."""
    return at.fd <= at.d + 2 * at.front and at.fh <= at.h + 2 * at.top and at.fw <= at.w + 2 * at.left


cdef inline void *aligned(void *room) noexcept nogil:
    """The first address in `room` at which a line of the cache begins."""
    return <void *>((<Py_ssize_t>room + 63) & ~<Py_ssize_t>63)


cdef Py_ssize_t *found_taps(const Layout *at) noexcept nogil:
    """How far each tap lies from where its window begins; NULL where memory is short."""
    cdef Py_ssize_t c, z, y, x, k = 0
    cdef Py_ssize_t *offsets = <Py_ssize_t *>calloc(at.taps, sizeof(Py_ssize_t))
    if offsets == NULL:
        return NULL
    for c in range(at.channels):
        for z in range(at.kd):
            for y in range(at.kh):
                for x in range(at.kw):
                    offsets[k] = ((c * at.fd + z * at.dd) * at.fh + y * at.dh) * at.fw + x * at.dw
                    k += 1
    return offsets


cdef inline void copy_rows(
    const real *source, Py_ssize_t step, real *to, Py_ssize_t to_step, Py_ssize_t rows, Py_ssize_t width
) noexcept nogil:
    """Copy rows that begin `step` numbers apart, and shall `to_step`."""
    cdef Py_ssize_t y
    if step == width and to_step == width:
        width *= rows
        rows = 1
    for y in range(rows):
        memcpy(to + y * to_step, source + y * step, width * sizeof(real))


cdef void fill(const Layout *at, const real *x, real *frame) noexcept nogil:
    """Copy one sample of a group into a frame that has zeros around it."""
    cdef Py_ssize_t c, z, first = max(0, -at.top), end = min(at.h, at.fh - at.top)
    cdef Py_ssize_t front = max(0, -at.front), back = min(at.d, at.fd - at.front)
    cdef Py_ssize_t skipped = max(0, -at.left), columns = min(at.w, at.fw - at.left) - skipped
    if columns <= 0 or end <= first:
        return
    for c in range(at.channels):
        for z in range(front, back):
            copy_rows(x + ((c * at.d + z) * at.h + first) * at.w + skipped, at.w,
                      frame + ((c * at.fd + z + at.front) * at.fh + first + at.top) * at.fw + skipped + at.left, at.fw,
                      end - first, columns)


cdef void move_rows(const Layout *at, const real *source, real *to, bint narrow) noexcept nogil:
    """Between rows as wide as the frame and rows as wide as the output (narrow: to the latter)."""
    cdef Py_ssize_t r, z, places = at.od * at.oh * at.ow, wide, tight
    for r in range(at.rows):
        for z in range(at.od):
            wide, tight = r * at.length + z * at.fh * at.fw, r * places + z * at.oh * at.ow
            if narrow:
                copy_rows(source + wide, at.fw, to + tight, at.ow, at.oh, at.ow)
            else:
                copy_rows(source + tight, at.ow, to + wide, at.fw, at.oh, at.ow)


cdef void correlate_windows(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Lines of LANES windows of one sample."""
    cdef Sheet *s = <Sheet *>what
    cdef const Layout *at = s.at
    cdef void *room = malloc((at.taps + 1) * LANES * (4 if at.single else 8))
    if room == NULL:
        s.failed = True
        return
    if at.single:
        rl_correlate_f4(<const float *>s.weight, <const float *>s.bias, <const float *>s.frame, at.offsets,
                        <float *>aligned(room), <float *>s.sheet, at.rows, at.taps, at.length, begin * LANES, end * LANES)
    else:
        rl_correlate_f8(<const double *>s.weight, <const double *>s.bias, <const double *>s.frame, at.offsets,
                        <double *>aligned(room), <double *>s.sheet, at.rows, at.taps, at.length, begin * LANES,
                        end * LANES)
    free(room)


cdef void correlate_samples(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Groups of samples."""
    cdef Layout *at = <Layout *>what
    if at.single:
        correlate(at, begin, end, <float *>at.out)
    else:
        correlate(at, begin, end, <double *>at.out)


cdef void correlate(Layout *at, Py_ssize_t begin, Py_ssize_t end, real *out) noexcept nogil:
    cdef Py_ssize_t n, g, places = at.od * at.oh * at.ow
    cdef void *room = calloc(at.frame + LANES + at.rows * at.length, sizeof(real))
    cdef real *frame = <real *>aligned(room)
    cdef Sheet s
    if room == NULL:
        at.failed = True
        return
    s.at, s.frame, s.sheet, s.failed = at, frame, frame + at.frame, False
    for n in range(begin, end):
        g = n % at.groups
        fill(at, <const real *>at.x + n * at.channels * at.d * at.h * at.w, frame)
        s.weight = <const real *>at.weight + g * at.rows * at.taps
        s.bias = NULL
        if at.bias != NULL:
            s.bias = <const real *>at.bias + g * at.rows
        spread(correlate_windows, &s, at.length // LANES, LEAST // (LANES * at.taps * at.rows) + 1)
        move_rows(at, <const real *>s.sheet, out + n * at.rows * places, True)
    if s.failed:
        at.failed = True
    free(room)


cdef void weigh_rows(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Four rows at a time of the gradient of a weight."""
    cdef Sheet *s = <Sheet *>what
    cdef const Layout *at = s.at
    cdef Py_ssize_t first = 4 * begin, rows = min(4 * end, at.rows) - 4 * begin
    if at.single:
        rl_weigh_f4(<const float *>s.frame, s.frame_step, <const float *>s.sheet + first * at.length, s.sheet_step,
                    at.offsets, <float *>s.total + first * at.taps, rows, at.taps, at.length, s.samples)
    else:
        rl_weigh_f8(<const double *>s.frame, s.frame_step, <const double *>s.sheet + first * at.length, s.sheet_step,
                    at.offsets, <double *>s.total + first * at.taps, rows, at.taps, at.length, s.samples)


cdef bint pointwise(const Layout *at) noexcept nogil:
    """Whether each window is one place of the input, so that samples are their own frames and sheets."""
    return (
        at.kd * at.kh * at.kw == 1 and not at.front and not at.top and not at.left
        and at.od == at.d and at.oh == at.h and at.ow == at.w
    )


cdef void weigh(Layout *at, const real *x, const real *y, real *total) noexcept nogil:
    """total (groups, rows, taps) = the sum of y times the taps of its windows."""
    cdef Py_ssize_t n = 0, g, k, sheet = at.rows * at.length
    cdef Py_ssize_t together = min(max(1, TOGETHER // ((at.frame + sheet) * <Py_ssize_t>sizeof(real))), at.samples)
    cdef void *room = NULL
    cdef real *frames = NULL
    cdef real *sheets = NULL
    cdef const real *own
    cdef const real *weights
    cdef Py_ssize_t x_step = at.channels * at.d * at.h * at.w, y_step = at.rows * at.od * at.oh * at.ow
    cdef bint copied = not pointwise(at)
    cdef Sheet s
    s.at, s.frame_step, s.sheet_step = at, at.frame, sheet
    if copied:
        room = calloc(together * (at.frame + sheet) + LANES, sizeof(real))
        if room == NULL:
            at.failed = True
            return
        frames = <real *>aligned(room)
        sheets = frames + together * at.frame
        s.frame, s.sheet = frames, sheets
    else:
        at.length, s.frame_step, s.sheet_step = at.od * at.oh * at.ow, at.groups * x_step, at.groups * y_step
    while n < at.samples:
        s.samples = min(together, at.samples - n)
        for g in range(at.groups):
            own, weights = x + (n * at.groups + g) * x_step, y + (n * at.groups + g) * y_step
            if copied:
                for k in range(s.samples):
                    fill(at, own + k * at.groups * x_step, frames + k * at.frame)
                    move_rows(at, weights + k * at.groups * y_step, sheets + k * sheet, False)
            else:
                s.frame, s.sheet = own, <void *>weights
            s.total = total + g * at.rows * at.taps
            spread(weigh_rows, &s, (at.rows + 3) // 4, LEAST // (4 * s.samples * at.taps * at.length) + 1)
        n += s.samples
    free(room)


cdef void turn(const Layout *at, const real *weight, real *out) noexcept nogil:
    """From (groups, channels, rows, kernel) to (groups, rows, channels, kernel), each kernel read backwards."""
    cdef Py_ssize_t g, c, r, k, size = at.kd * at.kh * at.kw
    for g in range(at.groups):
        for c in range(at.channels):
            for r in range(at.rows):
                for k in range(size):
                    out[((g * at.rows + r) * at.channels + c) * size + size - 1 - k] = weight[0]
                    weight += 1


cdef cnp.ndarray made(cnp.ndarray like, Py_ssize_t n, Py_ssize_t channels, Py_ssize_t d, Py_ssize_t h, Py_ssize_t w,
                      bint zeros):
    """A new array (n, channels, d, h, w), without d and h where `like` has none, of its dtype."""
    cdef cnp.npy_intp shape[5]
    cdef int dims = cnp.PyArray_NDIM(like)
    shape[0], shape[1], shape[2] = n, channels, d
    shape[dims - 2] = h if dims > 3 else channels
    shape[dims - 1] = w
    if zeros:
        return cnp.PyArray_ZEROS(dims, shape, cnp.PyArray_TYPE(like), 0)
    return empty(dims, shape, cnp.PyArray_TYPE(like))


cdef object correlated(Layout *at, cnp.ndarray a, cnp.ndarray w, object bias):
    cdef cnp.ndarray out, b = None
    cdef Py_ssize_t *offsets
    at.bias = NULL
    if bias is not None:
        if not isinstance(bias, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>bias) != cnp.PyArray_TYPE(a):
            return NotImplemented
        if cnp.PyArray_SIZE(<cnp.ndarray>bias) != at.groups * at.rows:
            return NotImplemented
        b = contiguous(<cnp.ndarray>bias)
        at.bias = cnp.PyArray_DATA(b)
    a, w = contiguous(a), contiguous(w)
    out = made(a, at.samples, at.groups * at.rows, at.od, at.oh, at.ow, False)
    at.x, at.weight, at.out, at.failed = cnp.PyArray_DATA(a), cnp.PyArray_DATA(w), cnp.PyArray_DATA(out), False
    offsets = found_taps(at)
    if offsets == NULL:
        raise MemoryError
    at.offsets = offsets
    with nogil:
        spread(correlate_samples, at, at.samples * at.groups, LEAST // (at.length * at.taps * at.rows) + 1)
    free(offsets)
    if at.failed:
        raise MemoryError
    return out


cdef bint meet(Layout *at, cnp.ndarray a, cnp.ndarray w, tuple dilation, Py_ssize_t groups):
    """Note what the input and the weight say; whether they are of one kind, and the input is of whole groups."""
    if cnp.PyArray_TYPE(w) != cnp.PyArray_TYPE(a) or cnp.PyArray_NDIM(w) != cnp.PyArray_NDIM(a):
        return False
    if groups < 1 or cnp.PyArray_DIM(a, 1) % groups:
        return False
    at.samples, at.groups = cnp.PyArray_DIM(a, 0), groups
    at.channels = cnp.PyArray_DIM(a, 1) // groups
    at.d, at.h, at.w = along(a, 0), along(a, 1), along(a, 2)
    at.kd, at.kh, at.kw = along(w, 0), along(w, 1), along(w, 2)
    at.dd, at.dh, at.dw = entry(dilation, 0, 1), entry(dilation, 1, 1), entry(dilation, 2, 1)
    return True


def convolution(x, weight, bias, *, tuple stride, tuple padding, tuple dilation, groups, size=None):
    """The cross-correlation of x with weight at `size` places, or at all."""
    cdef Layout at
    if not plain(x) or not plain(weight) or not one(stride) or not meet(&at, x, weight, dilation, groups):
        return NotImplemented
    if cnp.PyArray_DIM(<cnp.ndarray>weight, 1) != at.channels or cnp.PyArray_DIM(<cnp.ndarray>weight, 0) % at.groups:
        return NotImplemented
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>weight, 0) // at.groups
    at.front, at.top, at.left = entry(padding, 0, 0), entry(padding, 1, 0), entry(padding, 2, 0)
    at.od = at.d + 2 * at.front - at.dd * (at.kd - 1)
    at.oh = at.h + 2 * at.top - at.dh * (at.kh - 1)
    at.ow = at.w + 2 * at.left - at.dw * (at.kw - 1)
    if size is not None:
        at.od, at.oh, at.ow = entry(size, 0, 1), entry(size, 1, 1), entry(size, 2, 1)
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)) or not fit(&at):
        return NotImplemented
    return correlated(&at, x, weight, bias)


def convolution_transpose(x, weight, bias, *, tuple size, tuple stride, tuple padding, tuple dilation, groups):
    """The adjoint of `convolution` in its input: the correlation with weight read backwards."""
    cdef Layout at
    cdef cnp.ndarray w, turned
    if not plain(x) or not plain(weight) or not one(stride) or not meet(&at, x, weight, dilation, groups):
        return NotImplemented
    if cnp.PyArray_DIM(<cnp.ndarray>weight, 0) != cnp.PyArray_DIM(<cnp.ndarray>x, 1):
        return NotImplemented
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>weight, 1)
    at.front = at.dd * (at.kd - 1) - entry(padding, 0, 0)
    at.top = at.dh * (at.kh - 1) - entry(padding, 1, 0)
    at.left = at.dw * (at.kw - 1) - entry(padding, 2, 0)
    at.od, at.oh, at.ow = entry(size, 0, 1), entry(size, 1, 1), entry(size, 2, 1)
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)):
        return NotImplemented
    w = contiguous(<cnp.ndarray>weight)
    turned = made(w, at.groups * at.rows, at.channels, at.kd, at.kh, at.kw, False)
    if at.single:
        turn(&at, <const float *>cnp.PyArray_DATA(w), <float *>cnp.PyArray_DATA(turned))
    else:
        turn(&at, <const double *>cnp.PyArray_DATA(w), <double *>cnp.PyArray_DATA(turned))
    return correlated(&at, x, turned, bias)


def convolution_weight(x, y, *, tuple kernel, tuple stride, tuple padding, tuple dilation, groups):
    """The gradient of a weight with spatial shape `kernel`: y weighs the windows of x."""
    cdef Layout at
    cdef cnp.ndarray a, g, total
    cdef Py_ssize_t *offsets
    cdef const void *source
    cdef const void *weights
    cdef void *to
    if not plain(x) or not plain(y) or not one(stride) or not meet(&at, x, y, dilation, groups):
        return NotImplemented
    if cnp.PyArray_DIM(<cnp.ndarray>y, 0) != at.samples or cnp.PyArray_DIM(<cnp.ndarray>y, 1) % at.groups:
        return NotImplemented
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>y, 1) // at.groups
    at.od, at.oh, at.ow = at.kd, at.kh, at.kw
    at.kd, at.kh, at.kw = entry(kernel, 0, 1), entry(kernel, 1, 1), entry(kernel, 2, 1)
    at.front, at.top, at.left = entry(padding, 0, 0), entry(padding, 1, 0), entry(padding, 2, 0)
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)) or not fit(&at):
        return NotImplemented
    a, g = contiguous(<cnp.ndarray>x), contiguous(<cnp.ndarray>y)
    total = made(a, at.groups * at.rows, at.channels, at.kd, at.kh, at.kw, True)
    source, weights, to = cnp.PyArray_DATA(a), cnp.PyArray_DATA(g), cnp.PyArray_DATA(total)
    at.failed = False
    offsets = found_taps(&at)
    if offsets == NULL:
        raise MemoryError
    at.offsets = offsets
    with nogil:
        if at.single:
            weigh(&at, <const float *>source, <const float *>weights, <float *>to)
        else:
            weigh(&at, <const double *>source, <const double *>weights, <double *>to)
    free(offsets)
    if at.failed:
        raise MemoryError
    return total
