# cython: boundscheck=False, wraparound=False, cdivision=True
"""Batch, layer and group norm of float32 and float64 arrays, and their gradients, in a few passes over each part.

A function returns NotImplemented for other dtypes. `through_` functions give the gradients of the input, the weight and
the bias, None for one that nobody needs, from the gradient of the normalized output alone.
"""

cimport numpy as cnp
from libc.math cimport sqrt

cnp.import_array()

cdef extern from "kernels/normal.h":
    double rl_sum_f4(const float *, Py_ssize_t) noexcept nogil
    double rl_sum_f8(const double *, Py_ssize_t) noexcept nogil
    double rl_spread_f4(const float *, Py_ssize_t, float) noexcept nogil
    double rl_spread_f8(const double *, Py_ssize_t, double) noexcept nogil
    double rl_along_f4(const float *, const float *, Py_ssize_t, float) noexcept nogil
    double rl_along_f8(const double *, const double *, Py_ssize_t, double) noexcept nogil
    void rl_scale_f4(const float *, Py_ssize_t, float, float, float, float *) noexcept nogil
    void rl_scale_f8(const double *, Py_ssize_t, double, double, double, double *) noexcept nogil
    void rl_affine_f4(const float *, Py_ssize_t, float, float, const float *, const float *, float *) noexcept nogil
    void rl_affine_f8(const double *, Py_ssize_t, double, double, const double *, const double *, double *) noexcept nogil
    void rl_back_f4(const float *, const float *, Py_ssize_t, float, float, float, float, float *) noexcept nogil
    void rl_back_f8(const double *, const double *, Py_ssize_t, double, double, double, double, double *) noexcept nogil
    void rl_weighted_f4(const float *, const float *, const float *, Py_ssize_t, float, float, float *, float *, float *) noexcept nogil
    void rl_weighted_f8(const double *, const double *, const double *, Py_ssize_t, double, double, double *, double *, double *) noexcept nogil

ctypedef fused real:
    float
    double

# Channels with fewer entries in a sample are brought together first.
cdef Py_ssize_t SHORT = 8


cdef inline double summed(const real *x, Py_ssize_t n) noexcept nogil:
    if real is float:
        return rl_sum_f4(x, n)
    else:
        return rl_sum_f8(x, n)


cdef inline double spread(const real *x, Py_ssize_t n, real centre) noexcept nogil:
    if real is float:
        return rl_spread_f4(x, n, centre)
    else:
        return rl_spread_f8(x, n, centre)


cdef inline double along(const real *g, const real *x, Py_ssize_t n, real centre) noexcept nogil:
    if real is float:
        return rl_along_f4(g, x, n, centre)
    else:
        return rl_along_f8(g, x, n, centre)


cdef inline void scale(const real *x, Py_ssize_t n, real centre, double by, double shift, real *out) noexcept nogil:
    if real is float:
        rl_scale_f4(x, n, centre, <float>by, <float>shift, out)
    else:
        rl_scale_f8(x, n, centre, by, shift, out)


cdef inline void back(
    const real *g, const real *x, Py_ssize_t n, real centre, double a, double b, double c, real *out
) noexcept nogil:
    if real is float:
        rl_back_f4(g, x, n, centre, <float>a, <float>b, <float>c, out)
    else:
        rl_back_f8(g, x, n, centre, a, b, c, out)


cdef inline double at(const real *x, Py_ssize_t i, double missing) noexcept nogil:
    return missing if x == NULL else x[i]


cdef struct Shape:
    Py_ssize_t outer, channels, inner  # samples, channels, entries of a channel in a sample
    bint training
    double eps


cdef void batch(const Shape *s, const real *x, const real *weight, const real *bias, real *mean, real *var, real *out) noexcept nogil:
    """Each channel by itself; mean and var are written in training, and read else."""
    cdef Py_ssize_t a, c, n = s.inner, step = s.channels * s.inner
    cdef double total, rstd
    for c in range(s.channels):
        if s.training:
            total = 0
            for a in range(s.outer):
                total += summed(x + a * step, n)
            mean[c] = <real>(total / (s.outer * n))
            total = 0
            for a in range(s.outer):
                total += spread(x + a * step, n, mean[c])
            var[c] = <real>(total / (s.outer * n))
        rstd = 1 / sqrt(var[c] + s.eps)
        for a in range(s.outer):
            scale(x + a * step, n, mean[c], rstd * at(weight, c, 1), at(bias, c, 0), out + a * step)
        x += n
        out += n


cdef void through_batch(
    const Shape *s, const real *g, const real *x, const real *weight, const real *mean, const real *var, real *gx,
    real *gw, real *gb
) noexcept nogil:
    cdef Py_ssize_t a, c, n = s.inner, step = s.channels * s.inner
    cdef double rstd, total, slope, by, count = s.outer * n
    for c in range(s.channels):
        rstd = 1 / sqrt(var[c] + s.eps)
        total = slope = 0
        for a in range(s.outer):
            total += summed(g + a * step, n)
            slope += along(g + a * step, x + a * step, n, mean[c])
        if gw != NULL:
            gw[c] = <real>(slope * rstd)
        if gb != NULL:
            gb[c] = <real>total
        if gx != NULL:
            by = rstd * at(weight, c, 1)
            if not s.training:
                total = slope = 0
            for a in range(s.outer):
                back(g + a * step, x + a * step, n, mean[c], by, -by * rstd * rstd * slope / count, -by * total / count,
                     gx + a * step)
            gx += n
        g += n
        x += n


cdef void rows(
    Py_ssize_t count, Py_ssize_t n, double eps, const real *x, const real *weight, const real *bias, real *mean,
    real *var, real *out
) noexcept nogil:
    """Each row by itself, with a weight and a bias for each place in it."""
    cdef Py_ssize_t r
    cdef double rstd
    for r in range(count):
        mean[r] = <real>(summed(x, n) / n)
        var[r] = <real>(spread(x, n, mean[r]) / n)
        rstd = 1 / sqrt(var[r] + eps)
        if real is float:
            rl_affine_f4(x, n, mean[r], <float>rstd, weight, bias, out)
        else:
            rl_affine_f8(x, n, mean[r], rstd, weight, bias, out)
        x += n
        out += n


cdef void through_rows(
    Py_ssize_t count, Py_ssize_t n, double eps, const real *g, const real *x, const real *weight, const real *mean,
    const real *var, real *room, real *gx, real *gw, real *gb
) noexcept nogil:
    """`room` holds a row."""
    cdef Py_ssize_t r
    cdef double rstd, total, slope
    cdef const real *weighted
    for r in range(count):
        rstd = 1 / sqrt(var[r] + eps)
        if real is float:
            rl_weighted_f4(g, x, weight, n, mean[r], <float>rstd, room, gw, gb)
        else:
            rl_weighted_f8(g, x, weight, n, mean[r], rstd, room, gw, gb)
        if gx != NULL:
            weighted = g if weight == NULL else room
            total, slope = summed(weighted, n), along(weighted, x, n, mean[r])
            back(weighted, x, n, mean[r], rstd, -rstd * rstd * rstd * slope / n, -rstd * total / n, gx)
            gx += n
        g += n
        x += n


cdef void parts(
    const Shape *s, Py_ssize_t groups, const real *x, const real *weight, const real *bias, real *mean, real *var,
    real *out
) noexcept nogil:
    """Each group of channels of each sample by itself."""
    cdef Py_ssize_t p, c, channel, width = s.channels // groups, n = width * s.inner
    cdef double rstd
    for p in range(s.outer * groups):
        mean[p] = <real>(summed(x, n) / n)
        var[p] = <real>(spread(x, n, mean[p]) / n)
        rstd = 1 / sqrt(var[p] + s.eps)
        for c in range(width):
            channel = p % groups * width + c
            scale(x, s.inner, mean[p], rstd * at(weight, channel, 1), at(bias, channel, 0), out)
            x += s.inner
            out += s.inner


cdef void through_parts(
    const Shape *s, Py_ssize_t groups, const real *g, const real *x, const real *weight, const real *mean,
    const real *var, real *gx, real *gw, real *gb
) noexcept nogil:
    cdef Py_ssize_t p, c, channel, m = s.inner, width = s.channels // groups, n = width * m
    cdef double rstd, total, slope, sum_g, sum_gx
    for p in range(s.outer * groups):
        rstd = 1 / sqrt(var[p] + s.eps)
        total = slope = 0
        for c in range(width):
            channel = p % groups * width + c
            sum_g, sum_gx = summed(g + c * m, m), along(g + c * m, x + c * m, m, mean[p])
            if gw != NULL:
                gw[channel] += <real>(sum_gx * rstd)
            if gb != NULL:
                gb[channel] += <real>sum_g
            total += sum_g * at(weight, channel, 1)
            slope += sum_gx * at(weight, channel, 1)
        if gx != NULL:
            for c in range(width):
                channel = p % groups * width + c
                back(g + c * m, x + c * m, m, mean[p], rstd * at(weight, channel, 1),
                     -rstd * rstd * rstd * slope / n, -rstd * total / n, gx + c * m)
            gx += n
        g += n
        x += n


cdef inline bint alike(object x, int kind):
    """Whether x is missing, or an array of dtype number `kind`."""
    return x is None or (isinstance(x, cnp.ndarray) and cnp.PyArray_TYPE(<cnp.ndarray>x) == kind)


cdef int kind_of(object x, object weight, object bias, object mean=None, object var=None):
    """The dtype number of all, -1 where they differ or have no loops."""
    cdef int kind
    if not isinstance(x, cnp.ndarray) or cnp.PyArray_NDIM(<cnp.ndarray>x) < 2 or cnp.PyArray_SIZE(<cnp.ndarray>x) == 0:
        return -1
    kind = cnp.PyArray_TYPE(<cnp.ndarray>x)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return -1
    if not (alike(weight, kind) and alike(bias, kind) and alike(mean, kind) and alike(var, kind)):
        return -1
    return kind


cdef inline cnp.ndarray packed(object x):
    """x in row-major order; None as it is."""
    return None if x is None else cnp.PyArray_GETCONTIGUOUS(<cnp.ndarray>x)


cdef inline void *data(cnp.ndarray x):
    return NULL if x is None else cnp.PyArray_DATA(x)


cdef cnp.ndarray vector(Py_ssize_t n, int kind):
    cdef cnp.npy_intp size = n
    return cnp.PyArray_ZEROS(1, &size, kind, 0)


cdef cnp.ndarray like(cnp.ndarray x):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)


cdef Shape shape_of(cnp.ndarray x, double eps):
    """How x (N, C, *) is made up."""
    cdef Shape s
    s.outer, s.channels = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1)
    s.inner = cnp.PyArray_SIZE(x) // (s.outer * s.channels)
    s.training, s.eps = True, eps
    return s


cdef cnp.ndarray by_channel(cnp.ndarray x):
    """x (N, C, *) as (C, N, *), each channel in one piece."""
    return packed(x.swapaxes(0, 1))


def batch_norm(x, weight, bias, running_mean, running_var, *, training, eps):
    """(out, mean, var) of x (N, C, *), by the statistics of each channel or by the running ones."""
    cdef int kind = kind_of(x, weight, bias, running_mean, running_var)
    cdef cnp.ndarray a, w, b, mean, var, out
    cdef Shape s
    cdef bint turned
    if kind < 0:
        return NotImplemented
    w, b = packed(weight), packed(bias)
    s = shape_of(x, eps)
    s.training = training
    turned = s.inner < SHORT and s.outer > 1
    a = by_channel(x) if turned else packed(x)
    if turned:
        s.outer, s.inner = 1, s.outer * s.inner
    mean = vector(s.channels, kind) if training else packed(running_mean)
    var = vector(s.channels, kind) if training else packed(running_var)
    out = like(a)
    if kind == cnp.NPY_FLOAT32:
        batch(&s, <const float *>data(a), <const float *>data(w), <const float *>data(b), <float *>data(mean),
              <float *>data(var), <float *>data(out))
    else:
        batch(&s, <const double *>data(a), <const double *>data(w), <const double *>data(b), <double *>data(mean),
              <double *>data(var), <double *>data(out))
    shape = (1, s.channels) + (1,) * (x.ndim - 2)
    return packed(out.swapaxes(0, 1)) if turned else out, mean.reshape(shape), var.reshape(shape)


def through_batch_norm(g, x, weight, bias_shape, mean, var, training, eps, needs):
    cdef int kind = kind_of(x, weight, g, mean, var)
    cdef cnp.ndarray a, d, w, m, v, gx, gw, gb
    cdef Shape s
    cdef bint turned
    if kind < 0:
        return NotImplemented
    w, m, v = packed(weight), packed(mean), packed(var)
    s = shape_of(x, eps)
    s.training = training
    turned = s.inner < SHORT and s.outer > 1
    a, d = (by_channel(x), by_channel(g)) if turned else (packed(x), packed(g))
    if turned:
        s.outer, s.inner = 1, s.outer * s.inner
    gx = like(a) if needs[0] else None
    gw, gb = vector(s.channels, kind) if needs[1] else None, vector(s.channels, kind) if needs[2] else None
    if kind == cnp.NPY_FLOAT32:
        through_batch(&s, <const float *>data(d), <const float *>data(a), <const float *>data(w),
                      <const float *>data(m), <const float *>data(v), <float *>data(gx), <float *>data(gw),
                      <float *>data(gb))
    else:
        through_batch(&s, <const double *>data(d), <const double *>data(a), <const double *>data(w),
                      <const double *>data(m), <const double *>data(v), <double *>data(gx), <double *>data(gw),
                      <double *>data(gb))
    return packed(gx.swapaxes(0, 1)) if turned and gx is not None else gx, gw, gb, None, None


def layer_norm(x, weight, bias, *, dims, eps):
    """(out, mean, var) of x, standardized over its trailing `dims` dimensions together."""
    cdef int kind = kind_of(x, weight, bias)
    cdef cnp.ndarray a, w, b, mean, var, out
    cdef Py_ssize_t n, count
    if kind < 0:
        return NotImplemented
    a, w, b = packed(x), packed(weight), packed(bias)
    shape = x.shape[: x.ndim - dims] + (1,) * dims
    n = 1
    for size in x.shape[x.ndim - dims :]:
        n *= size
    count = cnp.PyArray_SIZE(a) // n
    mean, var, out = vector(count, kind), vector(count, kind), like(a)
    if kind == cnp.NPY_FLOAT32:
        rows(count, n, <double>eps, <const float *>data(a), <const float *>data(w), <const float *>data(b),
             <float *>data(mean), <float *>data(var), <float *>data(out))
    else:
        rows(count, n, <double>eps, <const double *>data(a), <const double *>data(w), <const double *>data(b),
             <double *>data(mean), <double *>data(var), <double *>data(out))
    return out, mean.reshape(shape), var.reshape(shape)


def through_layer_norm(g, x, weight, bias_shape, mean, var, dims, eps, needs):
    cdef int kind = kind_of(x, weight, g, mean, var)
    cdef cnp.ndarray a, d, w, m, v, room, gx, gw, gb
    cdef Py_ssize_t n = 1, count
    if kind < 0:
        return NotImplemented
    a, d, w, m, v = packed(x), packed(g), packed(weight), packed(mean), packed(var)
    shape = x.shape[x.ndim - dims :]
    for size in shape:
        n *= size
    count = cnp.PyArray_SIZE(a) // n
    room = vector(n, kind)
    gx = like(a) if needs[0] else None
    gw, gb = vector(n, kind) if needs[1] else None, vector(n, kind) if needs[2] else None
    if kind == cnp.NPY_FLOAT32:
        through_rows(count, n, <double>eps, <const float *>data(d), <const float *>data(a), <const float *>data(w),
                     <const float *>data(m), <const float *>data(v), <float *>data(room), <float *>data(gx),
                     <float *>data(gw), <float *>data(gb))
    else:
        through_rows(count, n, <double>eps, <const double *>data(d), <const double *>data(a), <const double *>data(w),
                     <const double *>data(m), <const double *>data(v), <double *>data(room), <double *>data(gx),
                     <double *>data(gw), <double *>data(gb))
    return gx, None if gw is None else gw.reshape(shape), None if gb is None else gb.reshape(shape)


def group_norm(x, weight, bias, *, groups, eps):
    """(out, mean, var) of x (N, C, *), standardized over each of `groups` equal parts of its channels."""
    cdef int kind = kind_of(x, weight, bias)
    cdef cnp.ndarray a, w, b, mean, var, out
    cdef Shape s
    cdef Py_ssize_t count = groups
    if kind < 0:
        return NotImplemented
    a, w, b = packed(x), packed(weight), packed(bias)
    s = shape_of(a, eps)
    mean, var, out = vector(s.outer * count, kind), vector(s.outer * count, kind), like(a)
    if kind == cnp.NPY_FLOAT32:
        parts(&s, count, <const float *>data(a), <const float *>data(w), <const float *>data(b), <float *>data(mean),
              <float *>data(var), <float *>data(out))
    else:
        parts(&s, count, <const double *>data(a), <const double *>data(w), <const double *>data(b),
              <double *>data(mean), <double *>data(var), <double *>data(out))
    return out, mean.reshape(s.outer, count, 1), var.reshape(s.outer, count, 1)


def through_group_norm(g, x, weight, bias_shape, mean, var, groups, eps, needs):
    cdef int kind = kind_of(x, weight, g, mean, var)
    cdef cnp.ndarray a, d, w, m, v, gx, gw, gb
    cdef Shape s
    if kind < 0:
        return NotImplemented
    a, d, w, m, v = packed(x), packed(g), packed(weight), packed(mean), packed(var)
    s = shape_of(a, eps)
    gx = like(a) if needs[0] else None
    gw, gb = vector(s.channels, kind) if needs[1] else None, vector(s.channels, kind) if needs[2] else None
    if kind == cnp.NPY_FLOAT32:
        through_parts(&s, <Py_ssize_t>groups, <const float *>data(d), <const float *>data(a), <const float *>data(w),
                      <const float *>data(m), <const float *>data(v), <float *>data(gx), <float *>data(gw),
                      <float *>data(gb))
    else:
        through_parts(&s, <Py_ssize_t>groups, <const double *>data(d), <const double *>data(a),
                      <const double *>data(w), <const double *>data(m), <const double *>data(v), <double *>data(gx),
                      <double *>data(gw), <double *>data(gb))
    return gx, gw, gb
