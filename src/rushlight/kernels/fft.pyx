# cython: boundscheck=False, cdivision=True
"""Fourier transforms of complex64 and complex128, and of float32 and float64, along any dimensions.

A length is declined if a prime factor of it is over 31. Short transforms are done several at once (fft.h). A long one, or one
that is alone, is n = rows * columns numbers in a matrix: transforms along its columns, a turn of each entry, transforms
along its rows (Bailey, "FFTs in external or hierarchical memory", 1990), so that each is short and has company.
"""

cimport numpy as cnp
from libc.stdlib cimport free

from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.parallel cimport family, spread

from math import prod as math_prod

import numpy as np

cnp.import_array()

cdef extern from "kernels/fft.h" nogil:
    const int *rl_family
    ctypedef struct rl_fft_layout:
        Py_ssize_t groups, count, in_group, in_lane, in_step, out_group, out_lane, out_step
    ctypedef struct rl_fft_roots:
        double *near
        double *far
    ctypedef struct rl_fft_plan:
        void *twiddles
    int RL_FFT_PLAIN, RL_FFT_ONE_SIDE, RL_FFT_BOTH_SIDES, RL_FFT_FROM_SIDE
    ctypedef struct rl_fft_job:
        const rl_fft_plan *plan
        const rl_fft_roots *roots
        const void *lanes
        const rl_fft_roots *real
        int kind, failed
        const void *x
        void *y
        double scale
        rl_fft_layout at
    ctypedef struct rl_fft_rows_job:
        const rl_fft_roots *roots
        const void *x
        void *y
        double scale
        int kind
    ctypedef struct rl_fft_columns_job:
        Py_ssize_t n, width
        const void *x
        void *y
    int rl_fft_factors(Py_ssize_t n, int *radix)
    int rl_fft_make_roots(rl_fft_roots *, Py_ssize_t n, double sign)
    int rl_fft_make_plan_f4(rl_fft_plan *, Py_ssize_t n, double sign)
    int rl_fft_make_plan_f8(rl_fft_plan *, Py_ssize_t n, double sign)
    void *rl_fft_make_lanes_f4(const rl_fft_roots *, Py_ssize_t n)
    void *rl_fft_make_lanes_f8(const rl_fft_roots *, Py_ssize_t n)
    void rl_fft_work_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fft_work_f8(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fft_split_rows_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fft_split_rows_f8(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fft_join_rows_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fft_join_rows_f8(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fft_part_columns_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_fft_part_columns_f8(void *, Py_ssize_t, Py_ssize_t) noexcept

rl_family = &family

# Above this the two places of a block of lanes no longer fit a core's cache.
cdef Py_ssize_t LONG = 4096
# Numbers that a thread takes at least, 20 microseconds or more.
cdef Py_ssize_t PART = 16384
# Of fewer numbers in all NumPy's transform is as quick.
cdef Py_ssize_t FEW = 64


cdef class Roots:
    cdef rl_fft_roots roots

    def __cinit__(self, Py_ssize_t n, double sign):
        if not rl_fft_make_roots(&self.roots, n, sign):
            raise MemoryError

    def __dealloc__(self):
        free(self.roots.near)
        free(self.roots.far)


cdef class Plan:
    """A transform of n numbers with lanes: the factors, and roots of unity for each pass."""

    cdef rl_fft_plan plan

    def __cinit__(self, Py_ssize_t n, double sign, bint double_precision):
        cdef int made
        if double_precision:
            made = rl_fft_make_plan_f8(&self.plan, n, sign)
        else:
            made = rl_fft_make_plan_f4(&self.plan, n, sign)
        if not made:
            raise MemoryError

    def __dealloc__(self):
        free(self.plan.twiddles)


cdef class Steps:
    """The two steps of a long transform."""

    cdef Py_ssize_t rows, columns
    cdef Plan first, second
    cdef Roots roots
    cdef void *lanes

    def __cinit__(self, Py_ssize_t n, double sign, bint double_precision):
        self.rows = divisor(n)
        self.columns = n // self.rows
        self.first = plan_of(self.rows, sign, double_precision)
        self.second = plan_of(self.columns, sign, double_precision)
        self.roots = roots_of(n, sign)
        if double_precision:
            self.lanes = rl_fft_make_lanes_f8(&self.roots.roots, self.rows)
        else:
            self.lanes = rl_fft_make_lanes_f4(&self.roots.roots, self.rows)
        if self.lanes == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.lanes)


cdef Py_ssize_t divisor(Py_ssize_t n) noexcept:
    """The largest divisor of n up to its root, 1 of a prime; of those near it one that leaves a multiple of 8."""
    cdef Py_ssize_t d = 1, largest = 1, even = 1
    while d * d <= n:
        if n % d == 0:
            largest = d
            if n // d % 8 == 0:
                even = d
        d += 1
    return even if even * 4 >= largest else largest


# Plans that were used lately: (kind, n, sign, precision) to what was made. Not declared a dict, of which Cython would
# borrow an entry that another thread, where the interpreter has no lock, may drop meanwhile.
cdef object plans = {}
cdef Py_ssize_t MOST = 64


cdef object kept(tuple key, object made):
    if len(plans) >= MOST:
        plans.clear()
    plans[key] = made
    return made


cdef Roots roots_of(Py_ssize_t n, double sign):
    key = ("roots", n, sign)
    found = plans.get(key)
    return kept(key, Roots(n, sign)) if found is None else found


cdef Plan plan_of(Py_ssize_t n, double sign, bint double_precision):
    key = ("plan", n, sign, double_precision)
    found = plans.get(key)
    return kept(key, Plan(n, sign, double_precision)) if found is None else found


cdef Steps steps_of(Py_ssize_t n, double sign, bint double_precision):
    key = ("steps", n, sign, double_precision)
    found = plans.get(key)
    return kept(key, Steps(n, sign, double_precision)) if found is None else found


cdef int run(rl_fft_job *job, bint double_precision, Py_ssize_t n) except -1:
    """All transforms of a job, each of n numbers."""
    cdef Py_ssize_t lanes = 4 if double_precision else 8
    cdef Py_ssize_t blocks = (job.at.count + lanes - 1) // lanes * job.at.groups
    cdef Py_ssize_t least = PART // (n * lanes) + 1
    job.failed = 0
    with nogil:
        if double_precision:
            spread(rl_fft_work_f8, job, blocks, least)
        else:
            spread(rl_fft_work_f4, job, blocks, least)
    if job.failed:
        raise MemoryError
    return 0


cdef bint is_long(Py_ssize_t rows, Py_ssize_t n, bint double_precision) noexcept:
    """Whether transforms are done in two steps."""
    return (n > LONG or (rows < (4 if double_precision else 8) and n >= 64)) and divisor(n) > 1


cdef int along(void *x, void *y, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner, double sign, double scale, bint double_precision) except -1:
    """Transforms along the middle dimension of x, (outer, n, inner), to y, which may be x."""
    cdef rl_fft_job job
    cdef rl_fft_layout *at = &job.at
    cdef Py_ssize_t step = 16 if double_precision else 8, row, offset
    cdef Plan plan
    if is_long(outer * inner, n, double_precision):
        for row in range(outer * inner):
            offset = (row // inner * n * inner + row % inner) * step
            in_steps(<char *>x + offset, <char *>y + offset, n, inner, sign, scale, double_precision)
        return 0
    plan = plan_of(n, sign, double_precision)
    job.plan, job.roots, job.lanes, job.real, job.kind = &plan.plan, NULL, NULL, NULL, RL_FFT_PLAIN
    job.x, job.y, job.scale = x, y, scale
    if inner >= outer or inner * step >= 64:
        at.groups, at.count, at.in_group, at.in_lane = outer, inner, n * inner, 1
    else:
        at.groups, at.count, at.in_group, at.in_lane = inner, outer, 1, n * inner
    at.in_step = inner
    at.out_group, at.out_lane, at.out_step = at.in_group, at.in_lane, at.in_step
    return run(&job, double_precision, n)


cdef int in_steps(void *x, void *y, Py_ssize_t n, Py_ssize_t apart, double sign, double scale, bint double_precision) except -1:
    """One transform of numbers that are `apart` from each other, in two steps."""
    cdef rl_fft_job job
    cdef rl_fft_layout *at = &job.at
    cdef Steps steps = steps_of(n, sign, double_precision)
    cdef cnp.npy_intp size = n
    cdef cnp.ndarray kept = empty(1, &size, cnp.NPY_COMPLEX128 if double_precision else cnp.NPY_COMPLEX64)
    cdef void *between = cnp.PyArray_DATA(kept)
    job.real, job.kind = NULL, RL_FFT_PLAIN
    at.groups, at.in_group, at.out_group = 1, 0, 0
    job.plan, job.roots, job.lanes, job.scale = &steps.first.plan, &steps.roots.roots, steps.lanes, 1
    job.x, job.y = x, between
    at.count, at.in_lane, at.in_step = steps.columns, apart, steps.columns * apart
    at.out_lane, at.out_step = 1, steps.columns
    run(&job, double_precision, steps.rows)
    job.plan, job.roots, job.scale = &steps.second.plan, NULL, scale
    job.x, job.y = between, y
    at.count, at.in_lane, at.in_step = steps.rows, steps.columns, 1
    at.out_lane, at.out_step = apart, steps.rows * apart
    run(&job, double_precision, steps.columns)
    return 0


cdef int real_rows(void *x, void *y, Py_ssize_t rows, Py_ssize_t n, int kind, double scale, bint double_precision) except -1:
    """Between rows of n real numbers, n even, and one side or both of their transforms."""
    cdef rl_fft_job job
    cdef rl_fft_rows_job whole
    cdef rl_fft_layout *at = &job.at
    cdef Py_ssize_t half = n // 2, step = 16 if double_precision else 8, row
    cdef double sign = 1 if kind == RL_FFT_FROM_SIDE else -1
    cdef Py_ssize_t side = n if kind == RL_FFT_BOTH_SIDES else half + 1
    cdef Roots roots = roots_of(n, sign)
    cdef Plan plan
    if not is_long(rows, half, double_precision):
        plan = plan_of(half, sign, double_precision)
        job.plan, job.roots, job.lanes, job.real, job.kind = &plan.plan, NULL, NULL, &roots.roots, kind
        job.x, job.y, job.scale = x, y, scale
        at.groups, at.count, at.in_group, at.out_group, at.in_step, at.out_step = 1, rows, 0, 0, 1, 1
        at.in_lane, at.out_lane = (side, half) if kind == RL_FFT_FROM_SIDE else (half, side)
        return run(&job, double_precision, half)
    whole.roots, whole.x, whole.y, whole.scale, whole.kind = &roots.roots, x, y, scale, kind
    if kind == RL_FFT_FROM_SIDE:
        with nogil:
            spread(rl_fft_join_rows_f8 if double_precision else rl_fft_join_rows_f4, &whole, rows, 1)
        return along(y, y, rows, half, 1, sign, 1, double_precision)
    for row in range(rows):
        in_steps(<char *>x + row * half * step, <char *>y + row * side * step, half, 1, sign, 1, double_precision)
    with nogil:
        spread(rl_fft_split_rows_f8 if double_precision else rl_fft_split_rows_f4, &whole, rows, 1)
    return 0


cdef bint divides(Py_ssize_t n) noexcept:
    """Whether a length has small prime factors only."""
    cdef int radix[64]
    return n == 1 or rl_fft_factors(n, radix) > 0


cdef bint handled(object x, object dim, bint complex_numbers):
    """Whether x is an array of floats or of complex numbers whose lengths along `dim` divide."""
    cdef int kind
    cdef cnp.ndarray a
    if not cnp.PyArray_CheckExact(x):
        return False
    a = <cnp.ndarray>x
    kind = cnp.PyArray_TYPE(a)
    if complex_numbers and kind != cnp.NPY_COMPLEX64 and kind != cnp.NPY_COMPLEX128:
        return False
    if not complex_numbers and kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return False
    if cnp.PyArray_SIZE(a) < FEW or not cnp.PyArray_ISNOTSWAPPED(a):
        return False
    for d in dim:
        if not divides(cnp.PyArray_DIM(a, d)):
            return False
    return True


cdef int through(cnp.ndarray x, cnp.ndarray y, int d, double sign, double scale) except -1:
    """Transforms along dimension d of the contiguous x to y, of the same shape, which may be x."""
    cdef Py_ssize_t outer = 1, inner = 1
    cdef int k
    for k in range(cnp.PyArray_NDIM(x)):
        if k < d:
            outer *= cnp.PyArray_DIM(x, k)
        elif k > d:
            inner *= cnp.PyArray_DIM(x, k)
    return along(
        cnp.PyArray_DATA(x), cnp.PyArray_DATA(y), outer, cnp.PyArray_DIM(x, d), inner, sign, scale,
        cnp.PyArray_TYPE(x) == cnp.NPY_COMPLEX128,
    )


cdef double scale_of(double points, int normalization) noexcept:
    if normalization == 0:
        return 1
    return points**-0.5 if normalization == 1 else 1 / points


cdef cnp.ndarray transformed(cnp.ndarray x, object dim, double sign, double scale):
    """A new array: x, of complex numbers, transformed along each of `dim`."""
    cdef cnp.ndarray given = contiguous(x)
    cdef cnp.ndarray out = empty(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))
    for d in reversed(dim):
        through(given, out, d, sign, scale)
        given, scale = out, 1
    return out


def c2c(object x, object dim, int normalization, bint forward):
    """fft_c2c of ops/fft.py."""
    cdef double points = 1
    if not dim or not handled(x, dim, True):
        return NotImplemented
    for d in dim:
        points *= cnp.PyArray_DIM(<cnp.ndarray>x, d)
    return transformed(<cnp.ndarray>x, dim, -1 if forward else 1, scale_of(points, normalization))


cdef cnp.ndarray between(cnp.ndarray x, Py_ssize_t n, Py_ssize_t last, int kind, int number, double scale):
    """A new array of type `number`, its last dimension of `last` entries: x between n real numbers and their transform."""
    cdef int ndim = cnp.PyArray_NDIM(x), k
    cdef Py_ssize_t rows = 1
    cdef cnp.npy_intp shape[64]
    cdef cnp.ndarray given = contiguous(x), out
    for k in range(ndim - 1):
        shape[k] = cnp.PyArray_DIM(x, k)
        rows *= shape[k]
    shape[ndim - 1] = last
    out = empty(ndim, shape, number)
    real_rows(
        cnp.PyArray_DATA(given), cnp.PyArray_DATA(out), rows, n, kind, scale,
        number == cnp.NPY_FLOAT64 or number == cnp.NPY_COMPLEX128,
    )
    return out


cdef cnp.ndarray by_pairs(cnp.ndarray x, int d, double scale):
    """One side of the transforms of real numbers along dimension d, two neighbours done as one complex number."""
    cdef cnp.ndarray given = contiguous(x), pairs, out
    cdef bint double_precision = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64
    cdef int number = cnp.NPY_COMPLEX128 if double_precision else cnp.NPY_COMPLEX64
    cdef int ndim = cnp.PyArray_NDIM(x), k
    cdef Py_ssize_t outer = 1, inner = 1, n = cnp.PyArray_DIM(x, d)
    cdef cnp.npy_intp shape[64]
    cdef cnp.npy_intp half = cnp.PyArray_SIZE(x) // 2
    cdef rl_fft_columns_job job
    for k in range(ndim):
        shape[k] = cnp.PyArray_DIM(x, k)
        if k < d:
            outer *= shape[k]
        elif k > d:
            inner *= shape[k]
    shape[d] = n // 2 + 1
    pairs, out = empty(1, &half, number), empty(ndim, shape, number)
    along(cnp.PyArray_DATA(given), cnp.PyArray_DATA(pairs), outer, n, inner // 2, -1, scale * 0.5, double_precision)
    job.n, job.width, job.x, job.y = n, inner // 2, cnp.PyArray_DATA(pairs), cnp.PyArray_DATA(out)
    with nogil:
        spread(
            rl_fft_part_columns_f8 if double_precision else rl_fft_part_columns_f4, &job,
            outer * (n // 2 + 1), PART // inner + 1,
        )
    return out


def r2c(object x, object dim, int normalization, bint onesided):
    """fft_r2c of ops/fft.py."""
    cdef double points = 1, scale
    cdef Py_ssize_t n
    if not dim or not handled(x, dim, False):
        return NotImplemented
    for d in dim:
        points *= x.shape[d]
    scale = scale_of(points, normalization)
    last = dim[-1]
    n = x.shape[last]
    if last == x.ndim - 1 and n % 2 == 0 and (onesided or len(dim) == 1):
        number = cnp.NPY_COMPLEX64 if x.itemsize == 4 else cnp.NPY_COMPLEX128
        kind = RL_FFT_ONE_SIDE if onesided else RL_FFT_BOTH_SIDES
        out = between(<cnp.ndarray>x, n, n // 2 + 1 if onesided else n, kind, number, scale)
        for d in dim[:-1]:
            through(out, out, d, -1, 1)
        return out
    if onesided and math_prod(x.shape[last + 1 :]) % 2 == 0:
        out = by_pairs(<cnp.ndarray>x, last, scale)
        for d in dim[:-1]:
            through(out, out, d, -1, 1)
        return out
    out = transformed(x.astype(np.complex64 if x.itemsize == 4 else np.complex128), dim, -1, scale)
    if not onesided:
        return out
    return out[(slice(None),) * last + (slice(n // 2 + 1),)].copy()


def c2r(object x, object dim, int normalization, Py_ssize_t last_dim_size):
    """fft_c2r of ops/fft.py."""
    cdef double points = last_dim_size, scale
    cdef Py_ssize_t n = last_dim_size
    if not dim or not handled(x, dim[:-1], True) or not divides(n):
        return NotImplemented
    last, others = dim[-1], dim[:-1]
    if x.shape[last] != n // 2 + 1:
        return NotImplemented
    for d in others:
        points *= x.shape[d]
    scale = scale_of(points, normalization)
    if others:
        x = transformed(x, others, 1, 1)
    if last == x.ndim - 1 and n % 2 == 0:
        number = cnp.NPY_FLOAT32 if x.itemsize == 8 else cnp.NPY_FLOAT64
        return between(<cnp.ndarray>x, n, n, RL_FFT_FROM_SIDE, number, scale)
    before = (slice(None),) * last
    full = np.empty((*x.shape[:last], n, *x.shape[last + 1 :]), x.dtype)
    full[(*before, slice(n // 2 + 1))] = x
    np.conjugate(x[(*before, slice((n - 1) // 2, 0, -1))], out=full[(*before, slice(n // 2 + 1, None))])
    through(full, full, last, 1, scale)
    return full.real.copy()
