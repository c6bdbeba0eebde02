# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Sums, means, variances, norms, products and counts over any axes; `meaning` says the same in NumPy.

Floating numbers are accumulated in float64, so a float32 result is right to its last bit even where large terms cancel;
bools and integers in int64. Long sums are added block by block, so the error hardly grows with the length, and the blocks
depend on the shape alone: results repeat exactly, on any number of threads. A function returns NotImplemented for an
array it has no loop for.
"""

cimport numpy as cnp
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from rushlight.kernels.buffers cimport empty as kept, one_number
from rushlight.kernels.halves cimport half_kind, rl_half_load, rl_half_store
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport family, spread as share

cdef extern from "kernels/sums.h" nogil:
    const int *rl_family
    const rl_fold rl_folds[7][8]
    int RL_SUM_OF, RL_NUMBERS_OF, RL_SIZE_OF, RL_SQUARE_OF, RL_DISTANCE_OF, RL_EXPONENTIAL_OF, RL_PRODUCT_OF, RL_COUNT_OF
    void rl_quotient_f4(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_quotient_f8(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_logarithm_f4(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_logarithm_f8(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_tally(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_some(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_every(const rl_job *, const char *, Py_ssize_t, Py_ssize_t) noexcept

cdef extern from "kernels/halves.h":
    pass

cnp.import_array()
rl_family = &family

cdef enum:
    MAX_AXES = 64


# ---- from arrays to jobs ----

cdef int kind_of(cnp.ndarray x) noexcept:
    """The place of a dtype in the tables of loops, -1 where there are none for it."""
    cdef int kind = cnp.PyArray_TYPE(x)
    if kind == cnp.NPY_FLOAT32:
        return 0
    if kind == cnp.NPY_FLOAT64:
        return 1
    if kind == cnp.NPY_BOOL or kind == cnp.NPY_UINT8:
        return 2
    if kind == cnp.NPY_INT8:
        return 3
    if kind == cnp.NPY_INT16:
        return 4
    if kind == cnp.NPY_INT32:
        return 5
    return 6 if kind == cnp.NPY_INT64 else -1


cdef inline bint floating(cnp.ndarray x) noexcept:
    return cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32 or cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64


cdef cnp.ndarray contiguous(object x):
    """`x` itself or a contiguous copy of it; None where it has a dtype for which there are no loops."""
    if not cnp.PyArray_CheckExact(x):
        return None
    cdef cnp.ndarray array = x
    cdef int kind = kind_of(array)
    if kind < 0:
        return None
    if cnp.PyArray_ISCARRAY_RO(array):
        return array
    return cnp.PyArray_FROMANY(array, cnp.PyArray_TYPE(array), 0, 0, cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_NOTSWAPPED)


cdef cnp.ndarray in_one_piece(object x):
    """The same where the order of elements does not matter."""
    if cnp.PyArray_CheckExact(x) and cnp.PyArray_ISFARRAY_RO(<cnp.ndarray>x) and kind_of(<cnp.ndarray>x) >= 0:
        return <cnp.ndarray>x
    return contiguous(x)


cdef bint find_form(cnp.ndarray x, uint64_t reduced, rl_job* job) noexcept:
    """Merge neighbouring axes of one kind: kept, reduced, kept, reduced. False where they alternate more often."""
    cdef Py_ssize_t sizes[4]
    cdef Py_ssize_t size
    cdef int k, slot = 0
    sizes[0] = sizes[1] = sizes[2] = sizes[3] = 1
    for k in range(cnp.PyArray_NDIM(x)):
        size = cnp.PyArray_DIM(x, k)
        if size == 1:
            continue
        if (slot & 1) != <int>((reduced >> k) & 1):
            slot += 1
        if slot > 3:
            return False
        sizes[slot] *= size
    job.count = sizes[1] * sizes[3]
    job.outer = sizes[0]
    job.columns = sizes[2]
    job.rows = sizes[1] if sizes[2] != 1 else 1
    job.run = sizes[3] if sizes[2] != 1 else job.count
    return True


cdef bint axes_of(object dim, Py_ssize_t ndim, uint64_t* reduced) except -1:
    """The axes that `dim` (as in ops.axes) means, as a bit set; False where it is out of range."""
    cdef Py_ssize_t axis
    if dim is None:
        reduced[0] = (<uint64_t>1 << ndim) - 1 if ndim < MAX_AXES else ~<uint64_t>0
        return True
    reduced[0] = 0
    for axis in (<tuple>dim if isinstance(dim, tuple) else (dim,)):
        if ndim == 0 and -1 <= axis <= 0:
            continue
        if axis < 0:
            axis += ndim
        if not 0 <= axis < ndim:
            return False
        reduced[0] |= <uint64_t>1 << axis
    return True


cdef cnp.ndarray blank(cnp.ndarray x, uint64_t reduced, bint keepdims, int kind):
    cdef cnp.npy_intp dims[MAX_AXES]
    cdef int k, ndim = 0
    for k in range(cnp.PyArray_NDIM(x)):
        if not (reduced >> k) & 1:
            dims[ndim] = cnp.PyArray_DIM(x, k)
            ndim += 1
        elif keepdims:
            dims[ndim] = 1
            ndim += 1
    return kept(ndim, dims, kind)


cdef class Reduction:
    """An array along some of its axes, ready to be folded any number of times."""

    cdef cnp.ndarray new(self, int kind):
        return blank(self.like, self.reduced, self.keepdims, kind)

    cdef int fold(self, int what, cnp.ndarray out, double divisor=1, bint root=False, cnp.ndarray centre=None) except -1:
        """Sums, products ... into `out`: floating ones are divided, integer ones are counts where `out` is int64."""
        cdef int kind = cnp.PyArray_TYPE(out)
        self.job.fold = &rl_folds[kind_of(self.x)][what]
        self.job.x = <const char*>cnp.PyArray_DATA(self.x)
        self.job.out = <char*>cnp.PyArray_DATA(out)
        self.job.centre = NULL if centre is None else <double*>cnp.PyArray_DATA(centre)
        self.job.divisor = divisor
        self.job.root = root
        if kind == cnp.NPY_FLOAT32:
            self.job.finish = rl_logarithm_f4 if what == RL_EXPONENTIAL_OF else rl_quotient_f4
        elif kind == cnp.NPY_FLOAT64:
            self.job.finish = rl_logarithm_f8 if what == RL_EXPONENTIAL_OF else rl_quotient_f8
        elif kind == cnp.NPY_INT64:
            self.job.finish = rl_tally
        else:
            self.job.finish = rl_every if root else rl_some
        return carry_out(&self.job)


cdef int carry_out(rl_job* job) except -1:
    cdef Py_ssize_t least, tasks
    cdef size_t size
    if job.count == 0:
        rl_fold_nothing(job)
        return 0
    if job.outer * job.columns == 0:
        return 0
    tasks = rl_divide(job, &least)
    size = rl_parts_size(job)
    job.parts = NULL
    if size != 0:
        job.parts = <char*>malloc(size)
        if job.parts == NULL:
            raise MemoryError()
    if job.count * job.outer * job.columns < RL_WORTH:
        rl_fold_span(job, 0, tasks)
    else:
        with nogil:
            share(rl_fold_span, job, tasks, least)
    if size != 0:
        rl_fold_parts(job)
        free(job.parts)
    return 0


cdef Reduction reduction(object x, object dim, bint keepdims):
    """None where the kernel does not apply."""
    cdef Reduction r
    cdef uint64_t reduced
    if not cnp.PyArray_CheckExact(x) or kind_of(<cnp.ndarray>x) < 0:
        return None
    r = Reduction.__new__(Reduction)
    r.like = <cnp.ndarray>x
    r.keepdims = keepdims
    if not axes_of(dim, cnp.PyArray_NDIM(r.like), &r.reduced):
        return None
    reduced = r.reduced
    r.x = r.like if cnp.PyArray_ISCARRAY_RO(r.like) else in_order(r.like, &reduced)
    return r if find_form(r.x, reduced, &r.job) else None


cdef cnp.ndarray in_order(cnp.ndarray x, uint64_t* reduced):
    """The same with its axes in the order in which they lie in memory, where results keep their order; else a copy."""
    cdef cnp.npy_intp order[MAX_AXES]
    cdef cnp.PyArray_Dims permuted
    cdef cnp.ndarray view
    cdef uint64_t moved = 0
    cdef int k, i, last = -1, ndim = cnp.PyArray_NDIM(x)
    for k in range(ndim):
        i = k
        while i > 0 and cnp.PyArray_STRIDE(x, <int>order[i - 1]) < cnp.PyArray_STRIDE(x, k):
            order[i] = order[i - 1]
            i -= 1
        order[i] = k
    for k in range(ndim):
        i = <int>order[k]
        if (reduced[0] >> i) & 1:
            moved |= <uint64_t>1 << k
        elif cnp.PyArray_DIM(x, i) != 1:
            if i < last:
                return contiguous(x)
            last = i
    permuted.ptr, permuted.len = order, ndim
    view = cnp.PyArray_Transpose(x, &permuted)
    if not cnp.PyArray_ISCARRAY_RO(view):
        return contiguous(x)
    reduced[0] = moved
    return view


cdef inline double degrees(Py_ssize_t count, double correction) noexcept:
    """The divisor of a variance. Nothing to average is nan whatever the correction."""
    return max(count - correction, 0.0) if count else 0.0


# ---- sums, means, products, counts ----

cdef object total(object x, object dim, bint keepdim, int what, bint divides):
    cdef Reduction r = reduction(x, dim, keepdim)
    cdef cnp.ndarray out
    if r is None:
        return NotImplemented
    if floating(r.x):
        out = r.new(cnp.PyArray_TYPE(r.x))
    elif divides or (what != RL_SUM_OF and what != RL_PRODUCT_OF):
        return NotImplemented
    else:
        out = r.new(cnp.NPY_INT64)
    r.fold(what, out, r.job.count if divides else 1)
    return out


def sum(x, dim=None, bint keepdim=False):
    return total(x, dim, keepdim, RL_SUM_OF, False)


def mean(x, dim=None, bint keepdim=False):
    return total(x, dim, keepdim, RL_SUM_OF, True)


def nansum(x, dim=None, bint keepdim=False):
    """The sum of what is not nan."""
    return total(x, dim, keepdim, RL_NUMBERS_OF, False)


def prod(x, dim=None, bint keepdim=False):
    return total(x, dim, keepdim, RL_PRODUCT_OF, False)


cdef object counted(object x, object dim, bint keepdim, int kind, bint every):
    cdef Reduction r = reduction(x, dim, keepdim)
    cdef cnp.ndarray out
    if r is None:
        return NotImplemented
    out = r.new(kind)
    r.fold(RL_COUNT_OF, out, 1, every)
    return out


def count_nonzero(x, dim=None, bint keepdim=False):
    return counted(x, dim, keepdim, cnp.NPY_INT64, False)


def any(x, dim=None, bint keepdim=False):
    return counted(x, dim, keepdim, cnp.NPY_BOOL, False)


def all(x, dim=None, bint keepdim=False):
    return counted(x, dim, keepdim, cnp.NPY_BOOL, True)


# ---- variances and norms ----

cdef object spread_about_mean(object x, object dim, double correction, bint keepdim, bint root, bint both):
    cdef Reduction r = reduction(x, dim, keepdim)
    cdef cnp.ndarray out, centre
    if r is None or not floating(r.x):
        return NotImplemented
    out, centre = r.new(cnp.PyArray_TYPE(r.x)), r.new(cnp.NPY_FLOAT64)
    r.fold(RL_SUM_OF, centre, r.job.count)
    r.fold(RL_DISTANCE_OF, out, degrees(r.job.count, correction), root, centre)
    if not both:
        return out
    return out, cnp.PyArray_FROMANY(centre, cnp.PyArray_TYPE(r.x), 0, 0, cnp.NPY_ARRAY_FORCECAST)


def var(x, dim=None, double correction=1, bint keepdim=False):
    return spread_about_mean(x, dim, correction, keepdim, False, False)


def std(x, dim=None, double correction=1, bint keepdim=False):
    return spread_about_mean(x, dim, correction, keepdim, True, False)


def var_mean(x, dim=None, double correction=1, bint keepdim=False):
    return spread_about_mean(x, dim, correction, keepdim, False, True)


def std_mean(x, dim=None, double correction=1, bint keepdim=False):
    return spread_about_mean(x, dim, correction, keepdim, True, True)


cdef object squares(object x, object dim, bint keepdim, int what, bint root):
    cdef Reduction r = reduction(x, dim, keepdim)
    cdef cnp.ndarray out
    if r is None or not floating(r.x):
        return NotImplemented
    out = r.new(cnp.PyArray_TYPE(r.x))
    r.fold(what, out, 1, root)
    return out


def square_sum(x, dim=None, bint keepdim=False):
    return squares(x, dim, keepdim, RL_SQUARE_OF, False)


def vector_norm(x, ord=2, dim=None, bint keepdim=False):
    """The Euclidean norm, and the sum of sizes (ord=1)."""
    if ord == 2:
        return squares(x, dim, keepdim, RL_SQUARE_OF, True)
    return squares(x, dim, keepdim, RL_SIZE_OF, False) if ord == 1 else NotImplemented


def logsumexp(x, high, dim=None, bint keepdim=False):
    """log(sum(exp(x))); `high` is the largest x of each sum."""
    cdef Reduction r = reduction(x, dim, keepdim)
    cdef cnp.ndarray out, centre
    if r is None or not floating(r.x) or r.job.count == 0 or not cnp.PyArray_CheckExact(high):
        return NotImplemented
    out = r.new(cnp.PyArray_TYPE(r.x))
    centre = cnp.PyArray_FROMANY(high, cnp.NPY_FLOAT64, 0, 0, cnp.NPY_ARRAY_CARRAY_RO)
    if cnp.PyArray_SIZE(centre) != cnp.PyArray_SIZE(out):
        return NotImplemented
    r.fold(RL_EXPONENTIAL_OF, out, 1, False, centre)
    return out


# ---- undoing a broadcast ----

cdef object repeated_sum(cnp.ndarray g, int ndim, cnp.npy_intp *dims):
    """Sums of an array of one number, in an array of those sizes."""
    cdef cnp.ndarray out = kept(ndim, dims, cnp.PyArray_TYPE(g))
    cdef Py_ssize_t k, size = cnp.PyArray_SIZE(out)
    cdef double count = cnp.PyArray_SIZE(g) // max(size, 1)
    if cnp.PyArray_TYPE(g) == cnp.NPY_FLOAT32:
        for k in range(size):
            (<float*>cnp.PyArray_DATA(out))[k] = <float>((<float*>cnp.PyArray_DATA(g))[0] * count)
    else:
        for k in range(size):
            (<double*>cnp.PyArray_DATA(out))[k] = (<double*>cnp.PyArray_DATA(g))[0] * count
    return out


cdef object sum_to_c(cnp.ndarray g, tuple shape):
    cdef cnp.npy_intp dims[MAX_AXES]
    cdef cnp.ndarray out
    cdef Reduction r
    cdef Py_ssize_t ndim = len(shape), lead = cnp.PyArray_NDIM(g) - ndim
    cdef Py_ssize_t k
    cdef uint64_t reduced = 0
    if lead < 0:
        return None
    for k in range(lead):
        reduced |= <uint64_t>1 << k
    for k in range(ndim):
        dims[k] = shape[k]
        if dims[k] == cnp.PyArray_DIM(g, <int>(lead + k)):
            continue
        if dims[k] != 1:
            return None
        reduced |= <uint64_t>1 << (lead + k)
    if reduced == 0:
        return g
    if not floating(g):
        return None
    if one_number(g):
        return repeated_sum(g, <int>ndim, dims)
    r = reduction(g, (), False)
    if r is None or not find_form(r.x, reduced, &r.job):
        return None
    out = kept(<int>ndim, dims, cnp.PyArray_TYPE(g))
    r.fold(RL_SUM_OF, out)
    return out


def sum_to(g, shape):
    if not cnp.PyArray_CheckExact(g) or not isinstance(shape, tuple):
        return NotImplemented
    out = sum_to_c(<cnp.ndarray>g, <tuple>shape)
    return NotImplemented if out is None else out


# ---- all elements at once, with nothing called in Python ----

cdef class Whole(Kernel):
    """A sum, a mean ... of all elements."""

    cdef int what
    cdef bint divides, root

    cdef object call1(self, object x):
        cdef cnp.ndarray array = in_one_piece(x), out
        cdef rl_job job
        if array is None or not floating(array):
            return NotImplemented
        out = cnp.PyArray_SimpleNew(0, NULL, cnp.PyArray_TYPE(array))
        job.fold = &rl_folds[kind_of(array)][self.what]
        job.x = <const char*>cnp.PyArray_DATA(array)
        job.out = <char*>cnp.PyArray_DATA(out)
        job.centre = NULL
        job.outer = job.rows = job.columns = 1
        job.run = job.count = cnp.PyArray_SIZE(array)
        job.divisor = job.count if self.divides else 1
        job.root = self.root
        job.finish = rl_quotient_f4 if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT32 else rl_quotient_f8
        carry_out(&job)
        return out


cdef Whole whole(int what, bint divides=False, bint root=False):
    cdef Whole kernel = Whole()
    kernel.what, kernel.divides, kernel.root = what, divides, root
    return kernel


sum_whole = whole(RL_SUM_OF)
mean_whole = whole(RL_SUM_OF, True)
nansum_whole = whole(RL_NUMBERS_OF)
prod_whole = whole(RL_PRODUCT_OF)
norm_whole = whole(RL_SQUARE_OF, False, True)


# ---- what sums and means send back ----

ctypedef fused element:
    float
    double
    unsigned short  # the bits of a 16-bit float

# outer * rows tasks; each writes `columns` runs of one number, or where there is but one its part of the run.
ctypedef struct Spreading:
    void* out
    const void* g
    int item
    bint alone
    Py_ssize_t rows, columns, run


cdef void fill_tasks(const element* g, element* out, Spreading* s, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t task, c, k
    cdef element value = g[0]
    if s.alone:
        for k in range(begin, end):
            out[k] = value
        return
    for task in range(begin, end):
        if s.run == 1:
            memcpy(out + task * s.columns, g + task // s.rows * s.columns, s.columns * sizeof(element))
            continue
        for c in range(s.columns):
            value = g[task // s.rows * s.columns + c]
            for k in range(s.run):
                out[(task * s.columns + c) * s.run + k] = value


cdef cnp.ndarray quotient(cnp.ndarray g, double divisor):
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(cnp.PyArray_NDIM(g), cnp.PyArray_DIMS(g), cnp.PyArray_TYPE(g))
    cdef Py_ssize_t k
    cdef float single
    cdef int half = half_kind(g)
    if half:
        for k in range(cnp.PyArray_SIZE(g)):
            rl_half_load(half, cnp.PyArray_BYTES(g) + 2 * k, &single, 1)
            single = <float>(single / divisor)
            rl_half_store(half, &single, cnp.PyArray_BYTES(out) + 2 * k, 1)
    elif cnp.PyArray_TYPE(g) == cnp.NPY_FLOAT32:
        for k in range(cnp.PyArray_SIZE(g)):
            (<float*>cnp.PyArray_DATA(out))[k] = <float>((<float*>cnp.PyArray_DATA(g))[k] / divisor)
    else:
        for k in range(cnp.PyArray_SIZE(g)):
            (<double*>cnp.PyArray_DATA(out))[k] = (<double*>cnp.PyArray_DATA(g))[k] / divisor
    return out


cdef void spread_span(void* what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Spreading* s = <Spreading*>what
    if s.item == 2:
        fill_tasks(<const unsigned short*>s.g, <unsigned short*>s.out, s, begin, end)
    elif s.item == 4:
        fill_tasks(<const float*>s.g, <float*>s.out, s, begin, end)
    else:
        fill_tasks(<const double*>s.g, <double*>s.out, s, begin, end)


cdef extern from *:
    """
    /* An array of one number, of steps 0 and not to be written to; the reference to `number` is taken over. */
    static PyObject *rl_repeated(PyArrayObject *number, int nd, npy_intp *dims) {
        npy_intp none[64] = {0};
        PyArray_Descr *descr = PyArray_DESCR(number);
        Py_INCREF(descr);
        PyObject *out = PyArray_NewFromDescr(&PyArray_Type, descr, nd, dims, none, PyArray_DATA(number), NPY_ARRAY_ALIGNED, NULL);
        if (out == NULL) return NULL;
        Py_INCREF(number);
        if (PyArray_SetBaseObject((PyArrayObject *)out, (PyObject *)number) < 0) { Py_DECREF(out); return NULL; }
        return out;
    }
    """
    object rl_repeated(cnp.ndarray number, int nd, cnp.npy_intp *dims)

# From this many elements on what one number sends back is that number, seen as an array: nothing is written.
cdef Py_ssize_t REPEATED_FROM = 32768


cdef object spread_out(object g, tuple shape, object dim, bint divides, bint repeats):
    """The array of that shape of which `g` is the sum, or the mean, along `dim`, all elements alike.

    Where it `repeats`, a large array of one number is that number with steps 0.
    """
    cdef cnp.npy_intp dims[MAX_AXES]
    cdef cnp.ndarray out, array
    cdef rl_job job
    cdef Spreading s
    cdef uint64_t reduced
    cdef Py_ssize_t k, tasks, each, size = 1, sums = 1, ndim = len(shape)
    if not cnp.PyArray_CheckExact(g) or ndim > MAX_AXES:
        return NotImplemented
    array = <cnp.ndarray>g
    if not (floating(array) or half_kind(array)) or not cnp.PyArray_ISCARRAY_RO(array):
        return NotImplemented
    if not axes_of(dim, ndim, &reduced):
        return NotImplemented
    for k in range(ndim):
        dims[k] = shape[k]
        size *= dims[k]
        sums *= 1 if (reduced >> k) & 1 else dims[k]
    if repeats and size >= REPEATED_FROM and sums == 1 and cnp.PyArray_SIZE(array) == 1:
        return rl_repeated(quotient(array, size) if divides else array, <int>ndim, dims)
    out = kept(<int>ndim, dims, cnp.PyArray_TYPE(array))
    if not find_form(out, reduced, &job) or cnp.PyArray_SIZE(array) != job.outer * job.columns:
        return NotImplemented
    if cnp.PyArray_SIZE(out) == 0:
        return out
    if divides:
        array = quotient(array, job.count)
    s.out = cnp.PyArray_DATA(out)
    s.g = cnp.PyArray_DATA(array)
    s.item = <int>cnp.PyArray_ITEMSIZE(array)
    s.rows, s.columns, s.run = job.rows, job.columns, job.run
    s.alone = job.outer * job.columns == 1
    tasks = cnp.PyArray_SIZE(out) if s.alone else job.outer * job.rows
    each = 1 if s.alone else job.columns * job.run
    if cnp.PyArray_SIZE(out) < RL_WORTH:
        spread_span(&s, 0, tasks)
    else:
        with nogil:
            share(spread_span, &s, tasks, RL_WORTH // max(each, 1) + 1)
    return out


cdef class Spread(Kernel):
    """What a sum, or a mean, sends back to each element; its rule gets the shape of the input, and dim."""

    cdef bint divides

    cdef object call3(self, object g, object shape, object dim):
        return spread_out(g, <tuple>shape, dim, self.divides, True) if isinstance(shape, tuple) else NotImplemented


cdef Spread spreading(bint divides):
    cdef Spread kernel = Spread()
    kernel.divides = divides
    return kernel


through_sum = spreading(False)
through_mean = spreading(True)


def spread(x, dim, shape):
    """A reduced x repeated along its reduced dimensions to `shape`."""
    return spread_out(x, <tuple>shape, dim, False, False) if isinstance(shape, tuple) else NotImplemented
