# cython: boundscheck=False, wraparound=False, cdivision=True
"""Batch, layer, group and RMS norm of float32 and float64 arrays, and their gradients, in a few passes over each part.

A function returns NotImplemented for other dtypes. `through_` functions give the gradients of the input, the weight and
the bias, None for one that nobody needs, from the gradient of the normalized output alone.
"""

cimport numpy as cnp
from libc.math cimport sqrt
from libc.string cimport memset
from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/normal.h":
    int RL_BESIDE
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
    double rl_weighed_both_f4(const float *, const float *, const float *, Py_ssize_t, float, double *) noexcept nogil
    double rl_weighed_both_f8(const double *, const double *, const double *, Py_ssize_t, double, double *) noexcept nogil
    double rl_weighed_along_f4(const float *, const float *, const float *, Py_ssize_t, float) noexcept nogil
    double rl_weighed_along_f8(const double *, const double *, const double *, Py_ssize_t, double) noexcept nogil
    void rl_weighed_back_f4(const float *, const float *, const float *, Py_ssize_t, float, float, float, float, float *) noexcept nogil
    void rl_weighed_back_f8(const double *, const double *, const double *, Py_ssize_t, double, double, double, double, double *) noexcept nogil
    void rl_columns_f4(const float *, Py_ssize_t, Py_ssize_t, int, float *, float *) noexcept nogil
    void rl_columns_f8(const double *, Py_ssize_t, Py_ssize_t, int, double *, double *) noexcept nogil
    void rl_scale_columns_f4(const float *, Py_ssize_t, Py_ssize_t, int, const float *, const float *, const float *, float *) noexcept nogil
    void rl_scale_columns_f8(const double *, Py_ssize_t, Py_ssize_t, int, const double *, const double *, const double *, double *) noexcept nogil
    void rl_along_columns_f4(const float *, const float *, Py_ssize_t, Py_ssize_t, int, const float *, double *, double *) noexcept nogil
    void rl_along_columns_f8(const double *, const double *, Py_ssize_t, Py_ssize_t, int, const double *, double *, double *) noexcept nogil
    void rl_along_rows_f4(const float *, const float *, Py_ssize_t, Py_ssize_t, int, const float *, const float *, double *, double *) noexcept nogil
    void rl_along_rows_f8(const double *, const double *, Py_ssize_t, Py_ssize_t, int, const double *, const double *, double *, double *) noexcept nogil
    void rl_back_columns_f4(const float *, const float *, Py_ssize_t, Py_ssize_t, int, const float *, const float *, const float *, const float *, float *) noexcept nogil
    void rl_back_columns_f8(const double *, const double *, Py_ssize_t, Py_ssize_t, int, const double *, const double *, const double *, const double *, double *) noexcept nogil

ctypedef fused real:
    float
    double

# From so many numbers on other threads of Python may run meanwhile, and so many are worth a thread.
cdef Py_ssize_t UNLOCK = 20000, LEAST = 1 << 14


cdef struct Work:
    Py_ssize_t outer, channels, inner  # samples, channels, entries of a channel in a sample
    Py_ssize_t groups, n  # groups of channels; entries that are standardized together
    bint training
    bint centred  # rows are standardized about their means, not about zero
    double eps
    const void *g
    const void *x
    const void *weight
    const void *bias
    void *mean
    void *var
    void *out
    void *gx
    void *gw
    void *gb
    double *sums


cdef inline double summed(const real *x, Py_ssize_t n) noexcept nogil:
    if real is float:
        return rl_sum_f4(x, n)
    else:
        return rl_sum_f8(x, n)


cdef inline double spread_of(const real *x, Py_ssize_t n, real centre) noexcept nogil:
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
        rl_scale_f4(x, n, centre, <real>by, <real>shift, out)
    else:
        rl_scale_f8(x, n, centre, <real>by, <real>shift, out)


cdef inline void back(
    const real *g, const real *x, Py_ssize_t n, real centre, double a, double b, double c, real *out
) noexcept nogil:
    if real is float:
        rl_back_f4(g, x, n, centre, <real>a, <real>b, <real>c, out)
    else:
        rl_back_f8(g, x, n, centre, <real>a, <real>b, <real>c, out)


cdef inline double at(const real *x, Py_ssize_t i, double missing) noexcept nogil:
    return missing if x == NULL else x[i]


cdef void batch(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *out) noexcept nogil:
    """Each channel by itself; mean and var are written in training, and read else."""
    cdef Py_ssize_t a, c, n = s.inner, step = s.channels * s.inner
    cdef real *mean = <real *>s.mean
    cdef real *var = <real *>s.var
    cdef double total, rstd
    for c in range(begin, end):
        if s.training:
            total = 0
            for a in range(s.outer):
                total += summed(x + a * step + c * n, n)
            mean[c] = <real>(total / (s.outer * n))
            total = 0
            for a in range(s.outer):
                total += spread_of(x + a * step + c * n, n, mean[c])
            var[c] = <real>(total / (s.outer * n))
        rstd = 1 / sqrt(var[c] + s.eps)
        for a in range(s.outer):
            scale(x + a * step + c * n, n, mean[c], rstd * at(<const real *>s.weight, c, 1),
                  at(<const real *>s.bias, c, 0), out + a * step + c * n)


cdef void batch_columns(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *out) noexcept nogil:
    """The same for channels that are columns, RL_BESIDE of them at once."""
    cdef Py_ssize_t b, c
    cdef int q, w
    cdef real *mean = <real *>s.mean
    cdef real *var = <real *>s.var
    cdef real by[64]
    cdef real shift[64]
    for b in range(begin, end):
        c = b * RL_BESIDE
        w = <int>min(<Py_ssize_t>RL_BESIDE, s.channels - c)
        if s.training:
            if real is float:
                rl_columns_f4(x + c, s.outer, s.channels, w, mean + c, var + c)
            else:
                rl_columns_f8(x + c, s.outer, s.channels, w, mean + c, var + c)
        for q in range(w):
            by[q] = <real>(at(<const real *>s.weight, c + q, 1) / sqrt(var[c + q] + s.eps))
            shift[q] = <real>at(<const real *>s.bias, c + q, 0)
        if real is float:
            rl_scale_columns_f4(x + c, s.outer, s.channels, w, mean + c, by, shift, out + c)
        else:
            rl_scale_columns_f8(x + c, s.outer, s.channels, w, mean + c, by, shift, out + c)


cdef void through_batch(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *gx) noexcept nogil:
    cdef Py_ssize_t a, c, n = s.inner, step = s.channels * s.inner, here
    cdef const real *g = <const real *>s.g
    cdef const real *mean = <const real *>s.mean
    cdef double rstd, total, slope, by, count = s.outer * n
    for c in range(begin, end):
        rstd = 1 / sqrt((<const real *>s.var)[c] + s.eps)
        total = slope = 0
        for a in range(s.outer):
            here = a * step + c * n
            total += summed(g + here, n)
            slope += along(g + here, x + here, n, mean[c])
        if s.gw != NULL:
            (<real *>s.gw)[c] = <real>(slope * rstd)
        if s.gb != NULL:
            (<real *>s.gb)[c] = <real>total
        if gx == NULL:
            continue
        by = rstd * at(<const real *>s.weight, c, 1)
        if not s.training:
            total = slope = 0
        for a in range(s.outer):
            here = a * step + c * n
            back(g + here, x + here, n, mean[c], by, -by * rstd * rstd * slope / count, -by * total / count, gx + here)


cdef void through_columns(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *gx) noexcept nogil:
    """through_batch for channels that are columns."""
    cdef Py_ssize_t b, c
    cdef int q, w
    cdef const real *g = <const real *>s.g
    cdef const real *mean = <const real *>s.mean
    cdef double total[64]
    cdef double slope[64]
    cdef double rstd, away
    cdef real by[64]
    cdef real tilt[64]
    cdef real shift[64]
    for b in range(begin, end):
        c = b * RL_BESIDE
        w = <int>min(<Py_ssize_t>RL_BESIDE, s.channels - c)
        if real is float:
            rl_along_columns_f4(g + c, x + c, s.outer, s.channels, w, mean + c, total, slope)
        else:
            rl_along_columns_f8(g + c, x + c, s.outer, s.channels, w, mean + c, total, slope)
        for q in range(w):
            rstd = 1 / sqrt((<const real *>s.var)[c + q] + s.eps)
            if s.gw != NULL:
                (<real *>s.gw)[c + q] = <real>(slope[q] * rstd)
            if s.gb != NULL:
                (<real *>s.gb)[c + q] = <real>total[q]
            away = rstd * at(<const real *>s.weight, c + q, 1)
            by[q] = <real>away
            tilt[q] = <real>(-away * rstd * rstd * slope[q] / s.outer) if s.training else 0
            shift[q] = <real>(-away * total[q] / s.outer) if s.training else 0
        if gx == NULL:
            continue
        if real is float:
            rl_back_columns_f4(g + c, x + c, s.outer, s.channels, w, mean + c, by, tilt, shift, gx + c)
        else:
            rl_back_columns_f8(g + c, x + c, s.outer, s.channels, w, mean + c, by, tilt, shift, gx + c)


cdef void rows(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *out) noexcept nogil:
    """Each row by itself, with a weight and a bias for each place in it."""
    cdef Py_ssize_t r, n = s.n
    cdef real *mean = <real *>s.mean
    cdef real *var = <real *>s.var
    cdef real rstd
    for r in range(begin, end):
        mean[r] = <real>(summed(x + r * n, n) / n) if s.centred else 0
        var[r] = <real>(spread_of(x + r * n, n, mean[r]) / n)
        rstd = <real>(1 / sqrt(var[r] + s.eps))
        if real is float:
            rl_affine_f4(x + r * n, n, mean[r], rstd, <const real *>s.weight, <const real *>s.bias, out + r * n)
        else:
            rl_affine_f8(x + r * n, n, mean[r], rstd, <const real *>s.weight, <const real *>s.bias, out + r * n)


cdef void through_rows(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *gx) noexcept nogil:
    cdef Py_ssize_t r, n = s.n
    cdef double rstd, total, slope
    cdef const real *g = <const real *>s.g + begin * n
    cdef const real *w = <const real *>s.weight
    cdef real mean
    x += begin * n
    gx += begin * n
    for r in range(begin, end):
        rstd, mean = 1 / sqrt((<const real *>s.var)[r] + s.eps), (<const real *>s.mean)[r]
        if w == NULL:
            total, slope = summed(g, n) if s.centred else 0, along(g, x, n, mean)
            back(g, x, n, mean, rstd, -rstd * rstd * rstd * slope / n, -rstd * total / n, gx)
        elif real is float:
            total = rl_weighed_both_f4(g, w, x, n, mean, &slope) if s.centred else 0
            if not s.centred:
                slope = rl_weighed_along_f4(g, w, x, n, mean)
            rl_weighed_back_f4(g, w, x, n, mean, <real>rstd, <real>(-rstd * rstd * rstd * slope / n),
                               <real>(-rstd * total / n), gx)
        else:
            total = rl_weighed_both_f8(g, w, x, n, mean, &slope) if s.centred else 0
            if not s.centred:
                slope = rl_weighed_along_f8(g, w, x, n, mean)
            rl_weighed_back_f8(g, w, x, n, mean, rstd, -rstd * rstd * rstd * slope / n, -rstd * total / n, gx)
        g += n
        x += n
        gx += n


cdef void affine_rows(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *rstd) noexcept nogil:
    """The gradients of weight and bias, RL_BESIDE places of a row at once."""
    cdef Py_ssize_t b, c
    cdef int q, w
    cdef const real *g = <const real *>s.g
    cdef double total[64]
    cdef double slope[64]
    for b in range(begin, end):
        c = b * RL_BESIDE
        w = <int>min(<Py_ssize_t>RL_BESIDE, s.n - c)
        if real is float:
            rl_along_rows_f4(g + c, x + c, s.outer, s.n, w, <const real *>s.mean, rstd, total, slope)
        else:
            rl_along_rows_f8(g + c, x + c, s.outer, s.n, w, <const real *>s.mean, rstd, total, slope)
        for q in range(w):
            if s.gw != NULL:
                (<real *>s.gw)[c + q] = <real>slope[q]
            if s.gb != NULL:
                (<real *>s.gb)[c + q] = <real>total[q]


cdef void parts(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *out) noexcept nogil:
    """Each group of channels of each sample by itself."""
    cdef Py_ssize_t p, c, channel, width = s.channels // s.groups, n = width * s.inner
    cdef real *mean = <real *>s.mean
    cdef real *var = <real *>s.var
    cdef double rstd
    x += begin * n
    out += begin * n
    for p in range(begin, end):
        mean[p] = <real>(summed(x, n) / n)
        var[p] = <real>(spread_of(x, n, mean[p]) / n)
        rstd = 1 / sqrt(var[p] + s.eps)
        for c in range(width):
            channel = p % s.groups * width + c
            scale(x, s.inner, mean[p], rstd * at(<const real *>s.weight, channel, 1),
                  at(<const real *>s.bias, channel, 0), out)
            x += s.inner
            out += s.inner


cdef void through_parts(const Work *s, Py_ssize_t begin, Py_ssize_t end, const real *x, real *gx) noexcept nogil:
    """Leaves what each channel of each sample adds to the gradients of weight and bias in s.sums."""
    cdef Py_ssize_t p, c, channel, m = s.inner, width = s.channels // s.groups, n = width * m
    cdef const real *g = <const real *>s.g + begin * n
    cdef const real *w = <const real *>s.weight
    cdef double *sums
    cdef double rstd, total, slope
    cdef real mean
    x += begin * n
    for p in range(begin, end):
        rstd, mean = 1 / sqrt((<const real *>s.var)[p] + s.eps), (<const real *>s.mean)[p]
        total = slope = 0
        for c in range(width):
            channel = p % s.groups * width + c
            sums = s.sums + 2 * (p * width + c)
            sums[0], sums[1] = summed(g + c * m, m), along(g + c * m, x + c * m, m, mean)
            total += sums[0] * at(w, channel, 1)
            slope += sums[1] * at(w, channel, 1)
            sums[1] *= rstd
        if gx != NULL:
            for c in range(width):
                back(g + c * m, x + c * m, m, mean, rstd * at(w, p % s.groups * width + c, 1),
                     -rstd * rstd * rstd * slope / n, -rstd * total / n, gx + p * n + c * m)
        g += n
        x += n


cdef void batch_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    batch(s, begin, end, <const float *>s.x, <float *>s.out)


cdef void batch_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    batch(s, begin, end, <const double *>s.x, <double *>s.out)


cdef void batch_columns_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    batch_columns(s, begin, end, <const float *>s.x, <float *>s.out)


cdef void batch_columns_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    batch_columns(s, begin, end, <const double *>s.x, <double *>s.out)


cdef void through_batch_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_batch(s, begin, end, <const float *>s.x, <float *>s.gx)


cdef void through_batch_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_batch(s, begin, end, <const double *>s.x, <double *>s.gx)


cdef void through_columns_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_columns(s, begin, end, <const float *>s.x, <float *>s.gx)


cdef void through_columns_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_columns(s, begin, end, <const double *>s.x, <double *>s.gx)


cdef void rows_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    rows(s, begin, end, <const float *>s.x, <float *>s.out)


cdef void rows_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    rows(s, begin, end, <const double *>s.x, <double *>s.out)


cdef void through_rows_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_rows(s, begin, end, <const float *>s.x, <float *>s.gx)


cdef void through_rows_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_rows(s, begin, end, <const double *>s.x, <double *>s.gx)


cdef void affine_rows_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    affine_rows(s, begin, end, <const float *>s.x, <float *>s.out)


cdef void affine_rows_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    affine_rows(s, begin, end, <const double *>s.x, <double *>s.out)


cdef void parts_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    parts(s, begin, end, <const float *>s.x, <float *>s.out)


cdef void parts_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    parts(s, begin, end, <const double *>s.x, <double *>s.out)


cdef void through_parts_f4(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_parts(s, begin, end, <const float *>s.x, <float *>s.gx)


cdef void through_parts_f8(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef const Work *s = <const Work *>what
    through_parts(s, begin, end, <const double *>s.x, <double *>s.gx)


cdef void over(span single, span double_, int kind, Work *s, Py_ssize_t n, Py_ssize_t each):
    """Run a loop of n steps on `each` numbers, in threads where they are many."""
    cdef span work = single if kind == cnp.NPY_FLOAT32 else double_
    if n * each < UNLOCK:
        work(s, 0, n)
        return
    with nogil:
        spread(work, s, n, LEAST // each + 1)


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


cdef inline bint each_has(Py_ssize_t n, object x, object y, object z=None, object u=None):
    """Whether what is not missing has n elements."""
    for array in (x, y, z, u):
        if array is not None and cnp.PyArray_SIZE(<cnp.ndarray>array) != n:
            return False
    return True


cdef inline cnp.ndarray packed(object x):
    """x in row-major order; None as it is."""
    return None if x is None else contiguous(<cnp.ndarray>x)


cdef inline void *data(cnp.ndarray x):
    return NULL if x is None else cnp.PyArray_DATA(x)


cdef cnp.ndarray vector(Py_ssize_t n, int kind):
    cdef cnp.npy_intp size = n
    return cnp.PyArray_ZEROS(1, &size, kind, 0)


cdef cnp.ndarray like(cnp.ndarray x):
    return empty(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))


cdef Work work_on(cnp.ndarray x, double eps):
    """How x (N, C, *) is made up."""
    cdef Work s
    memset(&s, 0, sizeof(Work))
    s.outer, s.channels = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1)
    s.inner = cnp.PyArray_SIZE(x) // (s.outer * s.channels)
    s.training, s.eps, s.x = True, eps, data(x)
    return s


cdef inline Py_ssize_t blocks(Py_ssize_t n):
    """Of RL_BESIDE columns."""
    return (n + RL_BESIDE - 1) // RL_BESIDE


def batch_norm(x, weight, bias, running_mean, running_var, *, training, eps):
    """(out, mean, var) of x (N, C, *), by the statistics of each channel or by the running ones."""
    cdef int kind = kind_of(x, weight, bias, running_mean, running_var)
    cdef cnp.ndarray a, w, b, mean, var, out
    cdef Work s
    if kind < 0:
        return NotImplemented
    a, w, b = packed(x), packed(weight), packed(bias)
    s = work_on(a, eps)
    s.training = training
    if not each_has(s.channels, w, b) or (not training and not each_has(s.channels, running_mean, running_var)):
        return NotImplemented
    mean = vector(s.channels, kind) if training else packed(running_mean)
    var = vector(s.channels, kind) if training else packed(running_var)
    out = like(a)
    s.weight, s.bias, s.mean, s.var, s.out = data(w), data(b), data(mean), data(var), data(out)
    if s.inner == 1:
        over(batch_columns_f4, batch_columns_f8, kind, &s, blocks(s.channels), s.outer * RL_BESIDE)
    else:
        over(batch_f4, batch_f8, kind, &s, s.channels, s.outer * s.inner)
    shape = (1, s.channels) + (1,) * (x.ndim - 2)
    return out, mean.reshape(shape), var.reshape(shape)


def through_batch_norm(g, x, weight, bias_shape, mean, var, training, eps, needs):
    cdef int kind = kind_of(x, weight, g, mean, var)
    cdef cnp.ndarray a, d, w, m, v, gx, gw, gb
    cdef Work s
    if kind < 0:
        return NotImplemented
    a, d, w, m, v = packed(x), packed(g), packed(weight), packed(mean), packed(var)
    s = work_on(a, eps)
    s.training = training
    if not each_has(s.channels, w, m, v) or not cnp.PyArray_SAMESHAPE(a, d):
        return NotImplemented
    gx = like(a) if needs[0] else None
    gw, gb = vector(s.channels, kind) if needs[1] else None, vector(s.channels, kind) if needs[2] else None
    s.g, s.weight, s.mean, s.var, s.gx, s.gw, s.gb = data(d), data(w), data(m), data(v), data(gx), data(gw), data(gb)
    if s.inner == 1:
        over(through_columns_f4, through_columns_f8, kind, &s, blocks(s.channels), s.outer * RL_BESIDE)
    else:
        over(through_batch_f4, through_batch_f8, kind, &s, s.channels, s.outer * s.inner)
    return gx, gw, gb, None, None


cdef object over_rows(object x, object weight, object bias, int dims, double eps, bint centred):
    """(out, mean, var) of x, standardized over its trailing `dims` dimensions together."""
    cdef int kind = kind_of(x, weight, bias)
    cdef cnp.ndarray a, w, b, mean, var, out
    cdef Work s
    if kind < 0:
        return NotImplemented
    a, w, b = packed(x), packed(weight), packed(bias)
    s = work_on(a, eps)
    lead = x.ndim - dims
    s.n = 1
    for size in x.shape[lead:]:
        s.n *= size
    s.outer = cnp.PyArray_SIZE(a) // s.n
    if not each_has(s.n, w, b):
        return NotImplemented
    mean, var, out = vector(s.outer, kind), vector(s.outer, kind), like(a)
    s.weight, s.bias, s.mean, s.var, s.out = data(w), data(b), data(mean), data(var), data(out)
    s.centred = centred
    over(rows_f4, rows_f8, kind, &s, s.outer, s.n)
    shape = x.shape[:lead] + (1,) * dims
    return out, mean.reshape(shape), var.reshape(shape)


def layer_norm(x, weight, bias, *, dims, eps):
    """(out, mean, var) of x, standardized over its trailing `dims` dimensions together."""
    return over_rows(x, weight, bias, dims, eps, True)


def rms_norm(x, weight, *, dims, eps):
    """(out, power): x divided by the root of its mean square, and that mean."""
    found = over_rows(x, weight, None, dims, eps, False)
    return found if found is NotImplemented else (found[0], found[2])


def through_layer_norm(g, x, weight, bias_shape, mean, var, dims, eps, needs):
    return through_over_rows(g, x, weight, mean, var, dims, eps, needs, True)


def through_rms_norm(g, x, weight, power, dims, eps, needs):
    needs = (needs[0], needs[1], False)
    cdef cnp.ndarray centre
    if not isinstance(power, cnp.ndarray):
        return NotImplemented
    centre = cnp.PyArray_ZEROS(cnp.PyArray_NDIM(power), cnp.PyArray_DIMS(power), cnp.PyArray_TYPE(power), 0)
    found = through_over_rows(g, x, weight, centre, power, dims, eps, needs, False)
    return found if found is NotImplemented else found[:2]


cdef object through_over_rows(
    object g, object x, object weight, object mean, object var, int dims, double eps, object needs, bint centred
):
    cdef int kind = kind_of(x, weight, g, mean, var)
    cdef cnp.ndarray a, d, w, m, v, rstd, gx, gw, gb
    cdef Work s
    if kind < 0:
        return NotImplemented
    a, d, w, m, v = packed(x), packed(g), packed(weight), packed(mean), packed(var)
    s = work_on(a, eps)
    shape = x.shape[x.ndim - dims :]
    s.n = 1
    for size in shape:
        s.n *= size
    s.outer = cnp.PyArray_SIZE(a) // s.n
    if not each_has(s.n, w, None) or not each_has(s.outer, m, v) or not cnp.PyArray_SAMESHAPE(a, d):
        return NotImplemented
    gx = like(a) if needs[0] else None
    gw, gb = vector(s.n, kind) if needs[1] else None, vector(s.n, kind) if needs[2] else None
    s.g, s.weight, s.mean, s.var, s.gx, s.gw, s.gb = data(d), data(w), data(m), data(v), data(gx), data(gw), data(gb)
    s.centred = centred
    if gx is not None:
        over(through_rows_f4, through_rows_f8, kind, &s, s.outer, s.n)
    if gw is not None or gb is not None:
        rstd = packed(((v + v.dtype.type(eps)) ** -0.5))
        s.out = data(rstd)
        over(affine_rows_f4, affine_rows_f8, kind, &s, blocks(s.n), s.outer * RL_BESIDE)
    return gx, None if gw is None else gw.reshape(shape), None if gb is None else gb.reshape(shape)


def group_norm(x, weight, bias, *, groups, eps):
    """(out, mean, var) of x (N, C, *), standardized over each of `groups` equal parts of its channels."""
    cdef int kind = kind_of(x, weight, bias)
    cdef cnp.ndarray a, w, b, mean, var, out
    cdef Work s
    cdef Py_ssize_t count
    if kind < 0:
        return NotImplemented
    a, w, b = packed(x), packed(weight), packed(bias)
    s = work_on(a, eps)
    s.groups = groups
    if groups < 1 or s.channels % s.groups or not each_has(s.channels, w, b):
        return NotImplemented
    count = s.outer * s.groups
    mean, var, out = vector(count, kind), vector(count, kind), like(a)
    s.weight, s.bias, s.mean, s.var, s.out = data(w), data(b), data(mean), data(var), data(out)
    over(parts_f4, parts_f8, kind, &s, count, cnp.PyArray_SIZE(a) // count)
    return out, mean.reshape(s.outer, groups, 1), var.reshape(s.outer, groups, 1)


def through_group_norm(g, x, weight, bias_shape, mean, var, groups, eps, needs):
    cdef int kind = kind_of(x, weight, g, mean, var)
    cdef cnp.ndarray a, d, w, m, v, sums, gx, gw = None, gb = None
    cdef Work s
    cdef Py_ssize_t count
    if kind < 0:
        return NotImplemented
    a, d, w, m, v = packed(x), packed(g), packed(weight), packed(mean), packed(var)
    s = work_on(a, eps)
    s.groups = groups
    count = s.outer * s.groups
    if not each_has(s.channels, w, None) or not each_has(count, m, v) or not cnp.PyArray_SAMESHAPE(a, d):
        return NotImplemented
    gx = like(a) if needs[0] else None
    sums = vector(2 * s.outer * s.channels, cnp.NPY_FLOAT64)
    s.g, s.weight, s.mean, s.var, s.gx, s.sums = data(d), data(w), data(m), data(v), data(gx), <double *>data(sums)
    over(through_parts_f4, through_parts_f8, kind, &s, count, cnp.PyArray_SIZE(a) // count)
    if needs[1] or needs[2]:
        both = sums.reshape(s.outer, s.channels, 2).sum(0).astype(a.dtype)
        gw, gb = packed(both[:, 1]) if needs[1] else None, packed(both[:, 0]) if needs[2] else None
    return gx, gw, gb
