# cython: boundscheck=False, wraparound=False, cdivision=True
"""Pooling of row-major float32 and float64 arrays over windows of their last one to three dimensions.

A function returns NotImplemented for other layouts and dtypes. Loops run over three dimensions, of which the first ones
may have size 1.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport INFINITY
from libc.stdint cimport int64_t

cnp.import_array()

ctypedef fused real:
    float
    double


cdef struct Axis:
    Py_ssize_t n, size, step  # elements, windows, and the distance of two elements of a window
    Py_ssize_t *first  # of each window the first element inside of the plane
    Py_ssize_t *end  # and one beyond its last


cdef struct Plane:
    Axis axes[3]
    Py_ssize_t count, cells, places  # planes, their elements, and windows on each
    Py_ssize_t *bounds


cdef bint lay(Plane *plane, cnp.ndarray x, tuple spatial, tuple size, tuple kernel, tuple stride, tuple padding,
              tuple dilation) except -1:
    """Where the windows over planes of shape `spatial` lie; x has the planes in its leading dimensions."""
    cdef int d = len(kernel), k
    cdef Py_ssize_t i, n, o, s, p, r, start, total = 0, beyond
    cdef Py_ssize_t *at
    cdef Axis *axis
    if d > 3 or cnp.PyArray_NDIM(x) < d:
        return False
    for k in range(3):
        axis = &plane.axes[k]
        axis.n = axis.size = axis.step = 1
        if k >= 3 - d:
            axis.n, axis.size, axis.step = spatial[k - 3 + d], size[k - 3 + d], dilation[k - 3 + d]
        total += axis.size
    plane.count = 1
    for k in range(cnp.PyArray_NDIM(x) - d):
        plane.count *= cnp.PyArray_DIM(x, k)
    plane.cells = plane.axes[0].n * plane.axes[1].n * plane.axes[2].n
    plane.places = plane.axes[0].size * plane.axes[1].size * plane.axes[2].size
    plane.bounds = at = <Py_ssize_t *>PyMem_Malloc(2 * total * sizeof(Py_ssize_t) + 1)
    if at == NULL:
        raise MemoryError
    for k in range(3):
        axis = &plane.axes[k]
        axis.first, axis.end = at, at + axis.size
        at += 2 * axis.size
        if k < 3 - d:
            axis.first[0], axis.end[0] = 0, 1
            continue
        s, p, n, r = stride[k - 3 + d], padding[k - 3 + d], kernel[k - 3 + d], dilation[k - 3 + d]
        for i in range(axis.size):
            start = o = i * s - p
            if start < 0:
                start += (r - 1 - start) // r * r
            beyond = o + (n - 1) * r + 1
            axis.first[i], axis.end[i] = start, beyond if beyond < axis.n else axis.n
    return True


cdef void maxima(Plane *plane, const real *x, real *values, int64_t *indices) noexcept nogil:
    """The largest entry of each window, a nan above all, and its index in the plane."""
    cdef Axis *a = &plane.axes[0]
    cdef Axis *b = &plane.axes[1]
    cdef Axis *c = &plane.axes[2]
    cdef Py_ssize_t count, i, j, k, u, v, w, at, row
    cdef real best, value
    cdef bint better
    for count in range(plane.count):
        for i in range(a.size):
            for j in range(b.size):
                for k in range(c.size):
                    best = -INFINITY
                    at = (a.first[i] * b.n + b.first[j]) * c.n + c.first[k]
                    u = a.first[i]
                    while u < a.end[i]:
                        v = b.first[j]
                        while v < b.end[j]:
                            row = (u * b.n + v) * c.n
                            w = c.first[k]
                            while w < c.end[k]:
                                value = x[row + w]
                                better = (value > best) | (value != value)
                                best = value if better else best
                                at = row + w if better else at
                                w += c.step
                            v += b.step
                        u += a.step
                    values[0] = best
                    indices[0] = at
                    values += 1
                    indices += 1
        x += plane.cells


cdef void sums(Plane *plane, const real *x, const real *counts, Py_ssize_t steps, real *out) noexcept nogil:
    """The sum of each window, divided by its count."""
    cdef Axis *a = &plane.axes[0]
    cdef Axis *b = &plane.axes[1]
    cdef Axis *c = &plane.axes[2]
    cdef Py_ssize_t count, i, j, k, u, v, w, place
    cdef const real *row
    cdef real total
    for count in range(plane.count):
        place = 0
        for i in range(a.size):
            for j in range(b.size):
                for k in range(c.size):
                    total = 0
                    for u in range(a.first[i], a.end[i]):
                        for v in range(b.first[j], b.end[j]):
                            row = x + (u * b.n + v) * c.n
                            for w in range(c.first[k], c.end[k]):
                                total += row[w]
                    out[0] = total / counts[place]
                    out += 1
                    place += steps
        x += plane.cells


cdef void spread(Plane *plane, const real *g, const real *counts, Py_ssize_t steps, real *out) noexcept nogil:
    """Each entry of g, divided by its count, added to all of its window."""
    cdef Axis *a = &plane.axes[0]
    cdef Axis *b = &plane.axes[1]
    cdef Axis *c = &plane.axes[2]
    cdef Py_ssize_t count, i, j, k, u, v, w, place
    cdef real *row
    cdef real share
    for count in range(plane.count):
        place = 0
        for i in range(a.size):
            for j in range(b.size):
                for k in range(c.size):
                    share = g[0] / counts[place]
                    g += 1
                    place += steps
                    for u in range(a.first[i], a.end[i]):
                        for v in range(b.first[j], b.end[j]):
                            row = out + (u * b.n + v) * c.n
                            for w in range(c.first[k], c.end[k]):
                                row[w] += share
        out += plane.cells


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
    """(values, indices) of the largest entries."""
    cdef Plane plane
    cdef cnp.ndarray a, values, indices
    if not usable(x):
        return NotImplemented
    a = x
    if not lay(&plane, a, trailing(a, len(kernel)), size, kernel, stride, padding, dilation):
        return NotImplemented
    try:
        values = made(a, size, cnp.PyArray_TYPE(a), False)
        indices = made(a, size, cnp.NPY_INT64, False)
        if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
            maxima(&plane, <const float *>cnp.PyArray_DATA(a), <float *>cnp.PyArray_DATA(values),
                   <int64_t *>cnp.PyArray_DATA(indices))
        else:
            maxima(&plane, <const double *>cnp.PyArray_DATA(a), <double *>cnp.PyArray_DATA(values),
                   <int64_t *>cnp.PyArray_DATA(indices))
    finally:
        PyMem_Free(plane.bounds)
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
    try:
        out = made(a, size, cnp.PyArray_TYPE(a), False)
        if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
            sums(&plane, <const float *>cnp.PyArray_DATA(a), <const float *>cnp.PyArray_DATA(divisor), steps,
                 <float *>cnp.PyArray_DATA(out))
        else:
            sums(&plane, <const double *>cnp.PyArray_DATA(a), <const double *>cnp.PyArray_DATA(divisor), steps,
                 <double *>cnp.PyArray_DATA(out))
    finally:
        PyMem_Free(plane.bounds)
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
    try:
        out = made(a, plane, cnp.PyArray_TYPE(a), True)
        if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
            spread(&windows, <const float *>cnp.PyArray_DATA(a), <const float *>cnp.PyArray_DATA(divisor), steps,
                   <float *>cnp.PyArray_DATA(out))
        else:
            spread(&windows, <const double *>cnp.PyArray_DATA(a), <const double *>cnp.PyArray_DATA(divisor), steps,
                   <double *>cnp.PyArray_DATA(out))
    finally:
        PyMem_Free(windows.bounds)
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
