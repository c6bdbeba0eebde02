# cython: boundscheck=False, wraparound=False, cdivision=True
"""Pooling of row-major float32 and float64 arrays over windows of their last one to three dimensions.

A function returns NotImplemented for other layouts and dtypes. Loops run over three dimensions, of which the first ones
may have size 1.
"""

import numpy as np

cimport numpy as cnp
from libc.stdint cimport INT32_MAX, int32_t, int64_t
from libc.stdlib cimport calloc, free
from rushlight.kernels.buffers cimport empty
from rushlight.kernels.parallel cimport family, span, spread

cnp.import_array()

ctypedef fused real:
    float
    double

cdef extern from "kernels/pooling.h":
    const int *rl_family
    ctypedef struct rl_axis:
        Py_ssize_t n, size, kernel, stride, dilation, padding
    ctypedef struct rl_pooling:
        rl_axis axes[3]
        Py_ssize_t cells, places, taps, steps, width, own
        const int32_t *table
        const int64_t *starts
        const int64_t *ends
        const void *x
        const void *counts
        void *out
        int64_t *indices
        int outside
    bint rl_by_pairs(const rl_axis *) noexcept nogil
    bint rl_meetings(const rl_axis *, int32_t *, Py_ssize_t) noexcept nogil
    Py_ssize_t RL_TAPS
    void rl_max_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_max_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_value_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_value_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_average_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_average_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_spread_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_spread_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_put_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_put_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_write_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_write_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_take_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_take_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_uneven_planes_f4(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_uneven_planes_f8(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

rl_family = &family

# Of larger windows there are few; then NumPy is quick enough.
cdef Py_ssize_t LARGEST_WINDOW = 64
# From so many steps on other threads of Python may run meanwhile, and so many are worth a thread.
cdef Py_ssize_t UNLOCK = 20000, LEAST = 1 << 14


cdef bint lay(rl_pooling *s, tuple spatial, tuple size, tuple kernel, tuple stride, tuple padding, tuple dilation):
    """Note windows over planes of shape `spatial`."""
    cdef int d = len(size), k, at
    if d > 3 or d == 0 or (kernel is not None and kernel[d - 1] > RL_TAPS):
        return False
    s.cells = s.places = s.taps = 1
    for k in range(3):
        at = k - 3 + d
        if at < 0:
            s.axes[k] = rl_axis(1, 1, 1, 1, 1, 0)
        elif kernel is None:
            s.axes[k] = rl_axis(spatial[at], size[at], 1, 1, 1, 0)
        else:
            s.axes[k] = rl_axis(spatial[at], size[at], kernel[at], stride[at], dilation[at], padding[at])
        s.cells *= s.axes[k].n
        s.places *= s.axes[k].size
        s.taps *= s.axes[k].kernel
    s.outside = 0
    return True


cdef Py_ssize_t planes_of(cnp.ndarray x, Py_ssize_t d):
    cdef Py_ssize_t count = 1
    cdef int k
    for k in range(cnp.PyArray_NDIM(x) - <int>d):
        count *= cnp.PyArray_DIM(x, k)
    return count


cdef void over(span single, span double_, cnp.ndarray x, rl_pooling *s, Py_ssize_t planes, Py_ssize_t each):
    """Run a loop over planes, each of `each` steps."""
    cdef span work = single if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32 else double_
    if planes * each < UNLOCK:
        work(s, 0, planes)
        return
    with nogil:
        spread(work, s, planes, LEAST // (each + 1) + 1)


cdef bint usable(object x):
    """Whether x is a row-major array of float32 or float64."""
    if not isinstance(x, cnp.ndarray):
        return False
    cdef cnp.ndarray a = x
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    return cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)


cdef bint index_like(object x):
    if not isinstance(x, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>x) != cnp.NPY_INT64:
        return False
    return cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>x) and cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray>x)


cdef cnp.ndarray made(cnp.ndarray x, tuple trailing, int kind, bint zeros):
    """A new array with the leading dimensions of x and the given trailing ones."""
    cdef cnp.npy_intp shape[64]
    cdef int k, d = len(trailing), lead = cnp.PyArray_NDIM(x) - d
    for k in range(lead):
        shape[k] = cnp.PyArray_DIM(x, k)
    for k in range(d):
        shape[lead + k] = trailing[k]
    return cnp.PyArray_ZEROS(lead + d, shape, kind, 0) if zeros else empty(lead + d, shape, kind)


cdef tuple trailing(cnp.ndarray x, Py_ssize_t d):
    cdef int lead = cnp.PyArray_NDIM(x) - <int>d
    return tuple([cnp.PyArray_DIM(x, lead + k) for k in range(d)])


def max_pool(x, *, tuple kernel, tuple stride, tuple padding, tuple dilation, tuple size):
    """(values, indices) of the largest entries; not of windows that are large, or that meet nothing."""
    cdef rl_pooling s
    cdef cnp.ndarray a, values, indices
    cdef int32_t *table
    cdef bint paired
    if not usable(x) or not lay(&s, trailing(x, len(size)), size, kernel, stride, padding, dilation):
        return NotImplemented
    a = x
    if s.taps > LARGEST_WINDOW or s.cells > INT32_MAX:
        return NotImplemented
    # Zeros beyond the last place are read as well, and lead to an element that is there.
    s.width = (s.places + 15) & ~<Py_ssize_t>15
    paired = rl_by_pairs(s.axes)
    table = <int32_t *>calloc(1 if paired else s.width * s.taps, sizeof(int32_t))
    if table == NULL:
        raise MemoryError
    try:
        if not paired and not rl_meetings(s.axes, table, s.width):
            return NotImplemented
        values = made(a, size, cnp.PyArray_TYPE(a), False)
        indices = made(a, size, cnp.NPY_INT64, False)
        s.table, s.x, s.out = table, cnp.PyArray_DATA(a), cnp.PyArray_DATA(values)
        s.indices = <int64_t *>cnp.PyArray_DATA(indices)
        over(rl_max_planes_f4, rl_max_planes_f8, a, &s, planes_of(a, len(size)), s.places * s.taps)
    finally:
        free(table)
    return values, indices


def max_pool_values(x, *, tuple kernel, tuple stride, tuple padding, tuple dilation, tuple size):
    """The largest entries alone."""
    cdef rl_pooling s
    cdef cnp.ndarray a, out
    if not usable(x) or not lay(&s, trailing(x, len(size)), size, kernel, stride, padding, dilation):
        return NotImplemented
    a = x
    out = made(a, size, cnp.PyArray_TYPE(a), False)
    s.x, s.out = cnp.PyArray_DATA(a), cnp.PyArray_DATA(out)
    over(rl_value_planes_f4, rl_value_planes_f8, a, &s, planes_of(a, len(size)), s.places * s.taps)
    return out


def uneven_max_pool(x, starts, ends, own, *, tuple size):
    """(values, indices) of windows that begin and end where `starts` and `ends` say, for three axes (the first ones of
    size 1 where there are fewer): (sum of sizes,), or with `own` (planes, sum of sizes)."""
    cdef rl_pooling s
    cdef cnp.ndarray a, values, indices
    cdef Py_ssize_t planes, windows
    if not usable(x) or not index_like(starts) or not index_like(ends):
        return NotImplemented
    if not lay(&s, trailing(x, len(size)), size, None, None, None, None) or not s.cells:
        return NotImplemented
    a = x
    planes = planes_of(a, len(size))
    windows = (sum(size) + 3 - len(size)) * (planes if own else 1)
    if cnp.PyArray_SIZE(<cnp.ndarray>starts) != windows or cnp.PyArray_SIZE(<cnp.ndarray>ends) != windows:
        return NotImplemented
    values = made(a, size, cnp.PyArray_TYPE(a), False)
    indices = made(a, size, cnp.NPY_INT64, False)
    s.own, s.x, s.out = own, cnp.PyArray_DATA(a), cnp.PyArray_DATA(values)
    s.indices = <int64_t *>cnp.PyArray_DATA(indices)
    s.starts = <const int64_t *>cnp.PyArray_DATA(<cnp.ndarray>starts)
    s.ends = <const int64_t *>cnp.PyArray_DATA(<cnp.ndarray>ends)
    over(rl_uneven_planes_f4, rl_uneven_planes_f8, a, &s, planes, s.cells + s.places)
    return values, indices


cdef void place(real *samples, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t length, Py_ssize_t size, Py_ssize_t wide,
                Py_ssize_t width, int64_t *starts, int64_t *ends) noexcept:
    """The windows of one axis, as fractional_starts of ops/pool.py places them, in columns of `width` a row."""
    cdef real alpha = <real>(length - wide) / <real>(size - 1) if size > 1 else <real>0, s
    cdef Py_ssize_t r, i
    cdef int64_t first
    for r in range(rows):
        s = samples[r * step]
        first = <int64_t><real>(s * alpha)
        for i in range(size):
            starts[r * width + i] = length - wide if i == size - 1 else <int64_t><real>((<real>i + s) * alpha) - first
            ends[r * width + i] = starts[r * width + i] + wide


def fractional_windows(samples, tuple lengths, tuple size, tuple kernel):
    """(starts, ends) of windows placed by samples of [0, 1), rows of two or three: for three axes, a row for each."""
    cdef cnp.ndarray a, starts, ends
    cdef Py_ssize_t d = len(size), rows, width, done, k, i, n
    cdef int64_t *s
    cdef int64_t *e
    if not usable(samples) or samples.shape[samples.ndim - 1] != d or not 2 <= d <= 3:
        return NotImplemented
    a = samples
    rows, width = cnp.PyArray_SIZE(a) // d, sum(size) + 3 - d
    starts, ends = np.zeros((rows, width), np.int64), np.ones((rows, width), np.int64)
    s, e = <int64_t *>cnp.PyArray_DATA(starts), <int64_t *>cnp.PyArray_DATA(ends)
    done = 3 - d
    for k in range(d):
        # The first sample is that of the last axis where there are two.
        i = 1 - k if d == 2 else k
        n = size[k]
        if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
            place[float](<float *>cnp.PyArray_DATA(a) + i, d, rows, lengths[k], n, kernel[k], width, s + done, e + done)
        else:
            place[double](<double *>cnp.PyArray_DATA(a) + i, d, rows, lengths[k], n, kernel[k], width, s + done, e + done)
        for i in range(rows * n):
            if s[i // n * width + done + i % n] < 0 or e[i // n * width + done + i % n] > <Py_ssize_t>lengths[k]:
                return NotImplemented
        done += n
    return starts, ends


def avg_pool(x, counts, *, tuple kernel, tuple stride, tuple padding, tuple size):
    """The sums of windows divided by `counts`: an array of one entry, or of one for each window."""
    cdef rl_pooling s
    cdef cnp.ndarray a, out, divisor = counts
    if not usable(x) or not usable(counts) or cnp.PyArray_TYPE(divisor) != cnp.PyArray_TYPE(<cnp.ndarray>x):
        return NotImplemented
    a = x
    if not lay(&s, trailing(a, len(kernel)), size, kernel, stride, padding, (1,) * len(kernel)):
        return NotImplemented
    if cnp.PyArray_SIZE(divisor) != 1 and cnp.PyArray_SIZE(divisor) != s.places:
        return NotImplemented
    out = made(a, size, cnp.PyArray_TYPE(a), False)
    s.steps, s.x, s.counts = cnp.PyArray_SIZE(divisor) > 1, cnp.PyArray_DATA(a), cnp.PyArray_DATA(divisor)
    s.out = cnp.PyArray_DATA(out)
    over(rl_average_planes_f4, rl_average_planes_f8, a, &s, planes_of(a, len(size)), s.places * s.taps)
    return out


def avg_unpool(g, counts, *, tuple plane, tuple kernel, tuple stride, tuple padding):
    """The adjoint of avg_pool: each entry of g divided by its count and spread over its window."""
    cdef rl_pooling s
    cdef cnp.ndarray a, out, divisor = counts
    if not usable(g) or not usable(counts) or cnp.PyArray_TYPE(divisor) != cnp.PyArray_TYPE(<cnp.ndarray>g):
        return NotImplemented
    a = g
    if not lay(&s, plane, trailing(a, len(kernel)), kernel, stride, padding, (1,) * len(kernel)):
        return NotImplemented
    if cnp.PyArray_SIZE(divisor) != 1 and cnp.PyArray_SIZE(divisor) != s.places:
        return NotImplemented
    out = made(a, plane, cnp.PyArray_TYPE(a), True)
    s.steps, s.x, s.counts = cnp.PyArray_SIZE(divisor) > 1, cnp.PyArray_DATA(a), cnp.PyArray_DATA(divisor)
    s.out = cnp.PyArray_DATA(out)
    over(rl_spread_planes_f4, rl_spread_planes_f8, a, &s, planes_of(a, len(plane)), s.places * s.taps)
    return out


cdef object moved(object x, object y, tuple size, bint from_places, span single, span double_):
    """From places to the cells that y names, in zeros of trailing dimensions `size`; or from cells of that size."""
    cdef rl_pooling s
    cdef cnp.ndarray a, indices, out
    cdef Py_ssize_t planes, d = len(size)
    if not usable(x) or not index_like(y) or d > cnp.PyArray_NDIM(<cnp.ndarray>x):
        return NotImplemented
    a, indices = x, y
    if cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(indices) or cnp.PyArray_SIZE(a) == 0 or cnp.PyArray_SIZE(indices) == 0:
        return NotImplemented
    planes = planes_of(indices, d)
    if planes_of(a, d) != planes or (from_places and not cnp.PyArray_SAMESHAPE(a, indices)):
        return NotImplemented
    s.places, s.cells, s.outside = cnp.PyArray_SIZE(indices) // planes, 1, 0
    for n in size:
        s.cells *= n
    out = made(a, size if from_places else trailing(indices, d), cnp.PyArray_TYPE(a), from_places)
    s.x, s.out, s.indices = cnp.PyArray_DATA(a), cnp.PyArray_DATA(out), <int64_t *>cnp.PyArray_DATA(indices)
    over(single, double_, a, &s, planes, s.places)
    return NotImplemented if s.outside else out


def put(x, y, *, tuple size):
    """Zeros with trailing dimensions `size`, each entry of x added at its index in y."""
    return moved(x, y, size, True, rl_put_planes_f4, rl_put_planes_f8)


def write(x, y, *, tuple size):
    """Zeros with trailing dimensions `size`, each entry of x written at its index in y."""
    return moved(x, y, size, True, rl_write_planes_f4, rl_write_planes_f8)


def take(x, y, *, int dims):
    """The entries of x at the indices y, in planes of the trailing `dims` dimensions."""
    if not usable(x):
        return NotImplemented
    return moved(x, y, trailing(x, dims), False, rl_take_planes_f4, rl_take_planes_f8)
