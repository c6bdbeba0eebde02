# cython: boundscheck=False, wraparound=False, cdivision=True
"""Pooling of row-major float32 and float64 arrays over windows of their last one to three dimensions.

A function returns NotImplemented for other layouts and dtypes. Loops run over three dimensions, of which the first ones
may have size 1.
"""

cimport numpy as cnp
from libc.stdint cimport INT32_MAX, int32_t, int64_t
from libc.stdlib cimport calloc, free

cnp.import_array()

cdef extern from "kernels/pooling.h":
    ctypedef struct rl_axis:
        Py_ssize_t n, size, kernel, stride, dilation, padding
    bint rl_meetings(const rl_axis *, int32_t *, Py_ssize_t) noexcept nogil
    void rl_maxima_f4(const int32_t *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, float *, int64_t *) noexcept nogil
    void rl_maxima_f8(const int32_t *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, double *, int64_t *) noexcept nogil
    void rl_averages_f4(const rl_axis *, Py_ssize_t, const float *, const float *, Py_ssize_t, float *) noexcept nogil
    void rl_averages_f8(const rl_axis *, Py_ssize_t, const double *, const double *, Py_ssize_t, double *) noexcept nogil
    void rl_spread_f4(const rl_axis *, Py_ssize_t, const float *, const float *, Py_ssize_t, float *) noexcept nogil
    void rl_spread_f8(const rl_axis *, Py_ssize_t, const double *, const double *, Py_ssize_t, double *) noexcept nogil
    Py_ssize_t RL_TAPS

ctypedef fused real:
    float
    double


# Of larger windows there are few; then NumPy is quick enough.
cdef Py_ssize_t LARGEST_WINDOW = 64


cdef struct Plane:
    rl_axis axes[3]
    Py_ssize_t count, cells, places, taps  # planes, elements and windows of each, elements of a window


cdef bint lay(Plane *plane, cnp.ndarray x, tuple spatial, tuple size, tuple kernel, tuple stride, tuple padding,
              tuple dilation):
    """Note windows over planes of shape `spatial`; x has the planes in its leading dimensions."""
    cdef int d = len(kernel), k, at
    if d > 3 or cnp.PyArray_NDIM(x) < d or kernel[d - 1] > RL_TAPS:
        return False
    for k in range(3):
        at = k - 3 + d
        if at < 0:
            plane.axes[k] = rl_axis(1, 1, 1, 1, 1, 0)
        else:
            plane.axes[k] = rl_axis(spatial[at], size[at], kernel[at], stride[at], dilation[at], padding[at])
    plane.count = plane.cells = plane.places = plane.taps = 1
    for k in range(3):
        plane.cells *= plane.axes[k].n
        plane.places *= plane.axes[k].size
        plane.taps *= plane.axes[k].kernel
    for k in range(cnp.PyArray_NDIM(x) - d):
        plane.count *= cnp.PyArray_DIM(x, k)
    return True


cdef bint scatter(const real *g, const int64_t *indices, real *out, Py_ssize_t planes, Py_ssize_t places,
                  Py_ssize_t cells) noexcept nogil:
    """Add each entry of g at its index in its plane; False at an index outside of it."""
    cdef Py_ssize_t plane, i
    for plane in range(planes):
        for i in range(places):
            if indices[i] < 0 or indices[i] >= cells:
                return False
            out[indices[i]] += g[i]
        g += places
        indices += places
        out += cells
    return True


cdef bint usable(object x):
    """Whether x is a row-major array of float32 or float64."""
    if not isinstance(x, cnp.ndarray):
        return False
    cdef cnp.ndarray a = x
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    return cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)


cdef cnp.ndarray made(cnp.ndarray x, tuple trailing, int kind, bint zeros):
    """A new array with the leading dimensions of x and the given trailing ones."""
    cdef cnp.npy_intp shape[64]
    cdef int k, d = len(trailing), lead = cnp.PyArray_NDIM(x) - d
    for k in range(lead):
        shape[k] = cnp.PyArray_DIM(x, k)
    for k in range(d):
        shape[lead + k] = trailing[k]
    return cnp.PyArray_ZEROS(lead + d, shape, kind, 0) if zeros else cnp.PyArray_EMPTY(lead + d, shape, kind, 0)


cdef tuple trailing(cnp.ndarray x, Py_ssize_t d):
    cdef int lead = cnp.PyArray_NDIM(x) - <int>d
    return tuple([cnp.PyArray_DIM(x, lead + k) for k in range(d)])


def max_pool(x, *, tuple kernel, tuple stride, tuple padding, tuple dilation, tuple size):
    """(values, indices) of the largest entries; not of windows that are large, or that meet nothing."""
    cdef Plane at
    cdef cnp.ndarray a, values, indices
    cdef Py_ssize_t width
    cdef int32_t *table
    if not usable(x):
        return NotImplemented
    a = x
    if not lay(&at, a, trailing(a, len(kernel)), size, kernel, stride, padding, dilation):
        return NotImplemented
    if at.taps > LARGEST_WINDOW or at.cells > INT32_MAX:
        return NotImplemented
    # Zeros beyond the last place are read as well, and lead to an element that is there.
    width = (at.places + 15) & ~<Py_ssize_t>15
    table = <int32_t *>calloc(width * at.taps, sizeof(int32_t))
    if table == NULL:
        raise MemoryError
    try:
        if not rl_meetings(at.axes, table, width):
            return NotImplemented
        values = made(a, size, cnp.PyArray_TYPE(a), False)
        indices = made(a, size, cnp.NPY_INT64, False)
        if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
            rl_maxima_f4(table, width, at.taps, at.count, at.cells, at.places, <const float *>cnp.PyArray_DATA(a),
                         <float *>cnp.PyArray_DATA(values), <int64_t *>cnp.PyArray_DATA(indices))
        else:
            rl_maxima_f8(table, width, at.taps, at.count, at.cells, at.places, <const double *>cnp.PyArray_DATA(a),
                         <double *>cnp.PyArray_DATA(values), <int64_t *>cnp.PyArray_DATA(indices))
    finally:
        free(table)
    return values, indices


def avg_pool(x, counts, *, tuple kernel, tuple stride, tuple padding, tuple size):
    """The sums of windows divided by `counts`: an array of one entry, or of one for each window."""
    cdef Plane plane
    cdef cnp.ndarray a, out, divisor = counts
    cdef Py_ssize_t steps = cnp.PyArray_SIZE(divisor) > 1
    if not usable(x) or not usable(counts) or cnp.PyArray_TYPE(divisor) != cnp.PyArray_TYPE(<cnp.ndarray>x):
        return NotImplemented
    a = x
    if not lay(&plane, a, trailing(a, len(kernel)), size, kernel, stride, padding, (1,) * len(kernel)):
        return NotImplemented
    out = made(a, size, cnp.PyArray_TYPE(a), False)
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
        rl_averages_f4(plane.axes, plane.count, <const float *>cnp.PyArray_DATA(a),
                       <const float *>cnp.PyArray_DATA(divisor), steps, <float *>cnp.PyArray_DATA(out))
    else:
        rl_averages_f8(plane.axes, plane.count, <const double *>cnp.PyArray_DATA(a),
                       <const double *>cnp.PyArray_DATA(divisor), steps, <double *>cnp.PyArray_DATA(out))
    return out


def avg_unpool(g, counts, *, tuple plane, tuple kernel, tuple stride, tuple padding):
    """The adjoint of avg_pool: each entry of g divided by its count and spread over its window."""
    cdef Plane windows
    cdef cnp.ndarray a, out, divisor = counts
    cdef Py_ssize_t steps = cnp.PyArray_SIZE(divisor) > 1
    if not usable(g) or not usable(counts) or cnp.PyArray_TYPE(divisor) != cnp.PyArray_TYPE(<cnp.ndarray>g):
        return NotImplemented
    a = g
    if not lay(&windows, a, plane, trailing(a, len(kernel)), kernel, stride, padding, (1,) * len(kernel)):
        return NotImplemented
    out = made(a, plane, cnp.PyArray_TYPE(a), True)
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
        rl_spread_f4(windows.axes, windows.count, <const float *>cnp.PyArray_DATA(a),
                     <const float *>cnp.PyArray_DATA(divisor), steps, <float *>cnp.PyArray_DATA(out))
    else:
        rl_spread_f8(windows.axes, windows.count, <const double *>cnp.PyArray_DATA(a),
                     <const double *>cnp.PyArray_DATA(divisor), steps, <double *>cnp.PyArray_DATA(out))
    return out


def put(x, y, *, tuple size):
    """Zeros with trailing dimensions `size`, each entry of x added at its index in y."""
    cdef cnp.ndarray g, indices, out
    cdef Py_ssize_t planes = 1, places = 1, cells = 1, n
    cdef int k, lead
    cdef bint inside
    if not usable(x) or not isinstance(y, cnp.ndarray) or len(size) > cnp.PyArray_NDIM(<cnp.ndarray>x):
        return NotImplemented
    g, indices = x, y
    if cnp.PyArray_TYPE(indices) != cnp.NPY_INT64 or not cnp.PyArray_SAMESHAPE(g, indices):
        return NotImplemented
    if not cnp.PyArray_IS_C_CONTIGUOUS(indices) or not cnp.PyArray_ISBEHAVED_RO(indices):
        return NotImplemented
    lead = cnp.PyArray_NDIM(g) - <int>len(size)
    for k in range(cnp.PyArray_NDIM(g)):
        if k < lead:
            planes *= cnp.PyArray_DIM(g, k)
        else:
            places *= cnp.PyArray_DIM(g, k)
    for n in size:
        cells *= n
    out = made(g, size, cnp.PyArray_TYPE(g), True)
    if cnp.PyArray_TYPE(g) == cnp.NPY_FLOAT32:
        inside = scatter(<const float *>cnp.PyArray_DATA(g), <const int64_t *>cnp.PyArray_DATA(indices),
                         <float *>cnp.PyArray_DATA(out), planes, places, cells)
    else:
        inside = scatter(<const double *>cnp.PyArray_DATA(g), <const int64_t *>cnp.PyArray_DATA(indices),
                         <double *>cnp.PyArray_DATA(out), planes, places, cells)
    return out if inside else NotImplemented
