# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Sums, means and variances of float32 and float64 arrays over any axes; `meaning` says the same in NumPy.

Accumulators are float64, so a float32 result is right to its last bit even where large terms cancel. Long
sums are added block by block, so the error hardly grows with the length. The order of additions depends on the
shape alone: results repeat exactly. A function returns NotImplemented for an array it has no loop for.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t

from rushlight.kernels.kernel cimport Kernel

cdef extern from "Python.h":
    ctypedef struct PyThreadState:
        pass
    PyThreadState* PyEval_SaveThread() nogil
    void PyEval_RestoreThread(PyThreadState* state) nogil

cnp.import_array()

ctypedef fused real:
    float
    double

# A C-contiguous array whose neighbouring axes of one kind are merged: kept, reduced, kept, reduced.
cdef struct Form:
    uint64_t reduced    # bit k: axis k is reduced
    Py_ssize_t outer
    Py_ssize_t rows
    Py_ssize_t columns
    Py_ssize_t run
    Py_ssize_t count    # elements that go into each result

cdef enum:
    LANES = 8               # partial sums of a run: an addition need not wait for the one before
    LEAF = 256              # elements of a run (rows of a column) added without a level in between
    TILE = 512              # columns accumulated together: their buffers stay in the first-level cache
    NARROW = 32             # up to so many columns, several rows are taken as one wide row
    FILL_LIMIT = 4096       # up to so many elements, a filled array is cheaper than a view
    COPY_LIMIT = 65536      # a strided array of up to so many elements is copied to be contiguous
    UNLOCK = 100000         # from so many elements on, other threads may run meanwhile
    MAX_AXES = 64


# ---- runs: the reduced elements lie side by side ----

cdef inline double fold(const double* lanes) noexcept nogil:
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))


cdef inline double leaf_sum(const real* x, Py_ssize_t n) noexcept nogil:
    cdef double lanes[LANES]
    cdef double tail = 0
    cdef Py_ssize_t i, k, whole = n - n % LANES
    for i in range(whole, n):
        tail += x[i]
    if whole == 0:
        return tail
    for k in range(LANES):
        lanes[k] = x[k]
    i = LANES
    while i < whole:
        for k in range(LANES):
            lanes[k] += x[i + k]
        i += LANES
    return fold(lanes) + tail


cdef inline double leaf_squares(const real* x, Py_ssize_t n, double centre) noexcept nogil:
    cdef double lanes[LANES]
    cdef double tail = 0
    cdef Py_ssize_t i, k, whole = n - n % LANES
    for i in range(whole, n):
        tail += (x[i] - centre) * (x[i] - centre)
    if whole == 0:
        return tail
    for k in range(LANES):
        lanes[k] = 0
    i = 0
    while i < whole:
        for k in range(LANES):
            lanes[k] += (x[i + k] - centre) * (x[i + k] - centre)
        i += LANES
    return fold(lanes) + tail


cdef double run_sum(const real* x, Py_ssize_t n) noexcept nogil:
    if n <= LEAF:
        return leaf_sum(x, n)
    cdef Py_ssize_t half = (n // LEAF + 1) // 2 * LEAF
    return run_sum(x, half) + run_sum(x + half, n - half)


cdef double run_squares(const real* x, Py_ssize_t n, double centre) noexcept nogil:
    if n <= LEAF:
        return leaf_squares(x, n, centre)
    cdef Py_ssize_t half = (n // LEAF + 1) // 2 * LEAF
    return run_squares(x, half, centre) + run_squares(x + half, n - half, centre)


# ---- columns: the reduced elements lie a row apart ----

cdef void add_rows(
    const real* x, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, const double* centre, double* total
) noexcept nogil:
    """Add to `total` the sum of the rows, or of their squared distances from `centre` where it is given."""
    cdef double block[TILE]
    cdef double d0, d1
    cdef Py_ssize_t j, r = 0, stop
    while r < rows:
        stop = min(r + LEAF, rows)
        for j in range(width):
            block[j] = 0
        if centre != NULL:
            while r + 2 <= stop:
                for j in range(width):
                    d0 = x[j] - centre[j]
                    d1 = x[stride + j] - centre[j]
                    block[j] += d0 * d0 + d1 * d1
                r += 2
                x += 2 * stride
            if r < stop:
                for j in range(width):
                    block[j] += (x[j] - centre[j]) * (x[j] - centre[j])
                r += 1
                x += stride
        else:
            while r + 4 <= stop:
                for j in range(width):
                    d0 = <double>x[j] + x[stride + j]
                    d1 = <double>x[2 * stride + j] + x[3 * stride + j]
                    block[j] += d0 + d1
                r += 4
                x += 4 * stride
            while r < stop:
                for j in range(width):
                    block[j] += x[j]
                r += 1
                x += stride
        for j in range(width):
            total[j] += block[j]


cdef void column_totals(
    const real* x, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, const double* centre, double* total
) noexcept nogil:
    cdef double wide_total[2 * NARROW]
    cdef double wide_centre[2 * NARROW]
    cdef Py_ssize_t j, together = 2 * NARROW // width, wide = together * width
    for j in range(width):
        total[j] = 0
    if width != stride or together < 2 or rows < 2 * together:
        add_rows(x, rows, stride, width, centre, total)
        return
    for j in range(wide):
        wide_total[j] = 0
        wide_centre[j] = centre[j % width] if centre != NULL else 0
    add_rows(x, rows // together, wide, wide, wide_centre if centre != NULL else NULL, wide_total)
    for j in range(wide):
        total[j % width] += wide_total[j]
    add_rows(x + rows // together * wide, rows % together, width, width, centre, total)


# ---- whole arrays ----

cdef void sums(const real* x, Form f, double divisor, real* out) noexcept nogil:
    cdef double total[TILE]
    cdef double s
    cdef Py_ssize_t a, b, c, j, width, size = f.columns * f.run
    for a in range(f.outer):
        if f.run == 1 and f.columns > 1:
            c = 0
            while c < f.columns:
                width = min(<Py_ssize_t>TILE, f.columns - c)
                column_totals(x + c, f.rows, f.columns, width, NULL, total)
                for j in range(width):
                    out[c + j] = <real>(total[j] / divisor)
                c += width
        else:
            for c in range(f.columns):
                s = 0
                for b in range(f.rows):
                    s += run_sum(x + b * size + c * f.run, f.run)
                out[c] = <real>(s / divisor)
        x += f.rows * size
        out += f.columns


cdef void squares(const real* x, Form f, bint centred, double divisor, real* out, real* means) noexcept nogil:
    """Sums of squares, about the mean where `centred`; the means are written where `means` is given."""
    cdef double total[TILE]
    cdef double centre[TILE]
    cdef double m, s
    cdef Py_ssize_t a, b, c, j, width, size = f.columns * f.run
    for a in range(f.outer):
        if f.run == 1 and f.columns > 1:
            c = 0
            while c < f.columns:
                width = min(<Py_ssize_t>TILE, f.columns - c)
                if centred:
                    column_totals(x + c, f.rows, f.columns, width, NULL, centre)
                for j in range(width):
                    centre[j] = centre[j] / f.count if centred else 0
                column_totals(x + c, f.rows, f.columns, width, centre, total)
                for j in range(width):
                    out[c + j] = <real>(total[j] / divisor)
                    if means != NULL:
                        means[c + j] = <real>centre[j]
                c += width
        else:
            for c in range(f.columns):
                m = 0
                if centred:
                    for b in range(f.rows):
                        m += run_sum(x + b * size + c * f.run, f.run)
                    m = m / f.count
                s = 0
                for b in range(f.rows):
                    s += run_squares(x + b * size + c * f.run, f.run, m)
                out[c] = <real>(s / divisor)
                if means != NULL:
                    means[c] = <real>m
        x += f.rows * size
        out += f.columns
        if means != NULL:
            means += f.columns


# ---- from arrays to loops ----

cdef inline bint direct(cnp.ndarray x) noexcept:
    cdef int kind = cnp.PyArray_TYPE(x)
    return (kind == cnp.NPY_FLOAT or kind == cnp.NPY_DOUBLE) and cnp.PyArray_ISCARRAY_RO(x)


cdef cnp.ndarray usable(object x):
    """`x` itself, a contiguous copy of it where it is small, or None."""
    if not cnp.PyArray_CheckExact(x):
        return None
    cdef cnp.ndarray array = x
    if direct(array):
        return array
    cdef int kind = cnp.PyArray_TYPE(array)
    if (kind != cnp.NPY_FLOAT and kind != cnp.NPY_DOUBLE) or cnp.PyArray_SIZE(array) > COPY_LIMIT:
        return None
    return cnp.PyArray_FROMANY(array, kind, 0, 0, cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_NOTSWAPPED)


cdef bint find_form(cnp.ndarray x, uint64_t reduced, Form* form) noexcept:
    """False where the kept and reduced axes alternate too often for the loops above."""
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
    form.reduced = reduced
    form.count = sizes[1] * sizes[3]
    form.outer = sizes[0]
    form.columns = sizes[2]
    form.rows = sizes[1] if sizes[2] != 1 else 1
    form.run = sizes[3] if sizes[2] != 1 else form.count
    return True


cdef cnp.ndarray blank(cnp.ndarray x, uint64_t reduced, bint keepdims, int kind=-1):
    cdef cnp.npy_intp dims[MAX_AXES]
    cdef int k, ndim = 0
    for k in range(cnp.PyArray_NDIM(x)):
        if not (reduced >> k) & 1:
            dims[ndim] = cnp.PyArray_DIM(x, k)
            ndim += 1
        elif keepdims:
            dims[ndim] = 1
            ndim += 1
    return cnp.PyArray_SimpleNew(ndim, dims, cnp.PyArray_TYPE(x) if kind < 0 else kind)


cdef cnp.ndarray prepare(object x, object dim, Form* form):
    """The array to loop over, `form` filled in; None where the kernel does not apply. `dim` is as in ops.axes."""
    cdef cnp.ndarray array = usable(x)
    cdef uint64_t reduced = 0
    cdef Py_ssize_t axis, ndim
    if array is None:
        return None
    ndim = cnp.PyArray_NDIM(array)
    if dim is None:
        reduced = (<uint64_t>1 << ndim) - 1 if ndim < MAX_AXES else ~<uint64_t>0
    else:
        for axis in (<tuple>dim if isinstance(dim, tuple) else (dim,)):
            if ndim == 0 and -1 <= axis <= 0:
                continue
            if axis < 0:
                axis += ndim
            if not 0 <= axis < ndim:
                return None
            reduced |= <uint64_t>1 << axis
    return array if find_form(array, reduced, form) else None


cdef void fill_sums(cnp.ndarray x, Form form, double divisor, cnp.ndarray out) noexcept:
    cdef void* data = cnp.PyArray_DATA(x)
    cdef void* to = cnp.PyArray_DATA(out)
    cdef PyThreadState* unlocked = PyEval_SaveThread() if cnp.PyArray_SIZE(x) >= UNLOCK else NULL
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        sums(<const float*>data, form, divisor, <float*>to)
    else:
        sums(<const double*>data, form, divisor, <double*>to)
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)


cdef void fill_squares(
    cnp.ndarray x, Form form, bint centred, double divisor, cnp.ndarray out, cnp.ndarray means
) noexcept:
    cdef void* data = cnp.PyArray_DATA(x)
    cdef void* to = cnp.PyArray_DATA(out)
    cdef void* also = NULL if means is None else cnp.PyArray_DATA(means)
    cdef PyThreadState* unlocked = PyEval_SaveThread() if cnp.PyArray_SIZE(x) >= UNLOCK else NULL
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        squares(<const float*>data, form, centred, divisor, <float*>to, <float*>also)
    else:
        squares(<const double*>data, form, centred, divisor, <double*>to, <double*>also)
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)


cdef double degrees(Form form, double correction) noexcept:
    """The divisor of a variance. Nothing to average is nan whatever the correction."""
    return max(form.count - correction, 0.0) if form.count else 0.0


# ---- what others call ----

cdef object sum_all(cnp.ndarray x):
    cdef cnp.ndarray out
    cdef Form form
    if not direct(x):
        return None
    form.outer = form.rows = form.columns = 1
    form.run = form.count = cnp.PyArray_SIZE(x)
    out = cnp.PyArray_SimpleNew(0, NULL, cnp.PyArray_TYPE(x))
    fill_sums(x, form, 1.0, out)
    return out


cdef object sum_to_c(cnp.ndarray g, tuple shape):
    cdef cnp.npy_intp dims[MAX_AXES]
    cdef cnp.ndarray x, out
    cdef uint64_t reduced = 0
    cdef Form form
    cdef Py_ssize_t ndim = len(shape), lead = cnp.PyArray_NDIM(g) - ndim
    cdef Py_ssize_t k
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
    x = usable(g)
    if x is None or not find_form(x, reduced, &form):
        return None
    out = cnp.PyArray_SimpleNew(<int>ndim, dims, cnp.PyArray_TYPE(x))
    fill_sums(x, form, 1.0, out)
    return out


def sum(x, dim=None, bint keepdim=False):
    cdef Form form
    cdef cnp.ndarray array = prepare(x, dim, &form), out
    if array is None:
        return NotImplemented
    out = blank(array, form.reduced, keepdim)
    fill_sums(array, form, 1.0, out)
    return out


def mean(x, dim=None, bint keepdim=False):
    cdef Form form
    cdef cnp.ndarray array = prepare(x, dim, &form), out
    if array is None:
        return NotImplemented
    out = blank(array, form.reduced, keepdim)
    fill_sums(array, form, form.count, out)
    return out


def var(x, dim=None, double correction=1, bint keepdim=False):
    cdef Form form
    cdef cnp.ndarray array = prepare(x, dim, &form), out
    if array is None:
        return NotImplemented
    out = blank(array, form.reduced, keepdim)
    fill_squares(array, form, True, degrees(form, correction), out, None)
    return out


def var_mean(x, dim=None, double correction=1, bint keepdim=False):
    cdef Form form
    cdef cnp.ndarray array = prepare(x, dim, &form), out, means
    if array is None:
        return NotImplemented
    out = blank(array, form.reduced, keepdim)
    means = blank(array, form.reduced, keepdim)
    fill_squares(array, form, True, degrees(form, correction), out, means)
    return out, means


def square_sum(x, dim=None, bint keepdim=False):
    cdef Form form
    cdef cnp.ndarray array = prepare(x, dim, &form), out
    if array is None:
        return NotImplemented
    out = blank(array, form.reduced, keepdim)
    fill_squares(array, form, False, 1.0, out, None)
    return out


def sum_to(g, shape):
    if not cnp.PyArray_CheckExact(g) or not isinstance(shape, tuple):
        return NotImplemented
    out = sum_to_c(<cnp.ndarray>g, <tuple>shape)
    return NotImplemented if out is None else out


cdef class Whole(Kernel):
    """The sum, or the mean, of all elements."""

    cdef bint divides

    cdef object call1(self, object x):
        cdef cnp.ndarray array, out
        cdef Form form
        array = usable(x)
        if array is None:
            return NotImplemented
        form.outer = form.rows = form.columns = 1
        form.run = form.count = cnp.PyArray_SIZE(array)
        out = cnp.PyArray_SimpleNew(0, NULL, cnp.PyArray_TYPE(array))
        fill_sums(array, form, form.count if self.divides else 1.0, out)
        return out


cdef class Fill(Kernel):
    """What the sum, or the mean, of all elements sends back to each of them."""

    cdef bint divides

    cdef object call3(self, object g, object shape, object dim):
        cdef Py_ssize_t k, n = 1
        if dim is not None or not isinstance(shape, tuple):
            return NotImplemented
        for k in range(len(<tuple>shape)):
            n *= <Py_ssize_t>(<tuple>shape)[k]
        # A large one is better seen than made: the rule expands.
        if n > FILL_LIMIT:
            return NotImplemented
        return fill(g, shape, n if self.divides else 1.0)


cdef Fill filling(bint divides):
    cdef Fill kernel = Fill()
    kernel.divides = divides
    return kernel


cdef Whole whole(bint divides):
    cdef Whole kernel = Whole()
    kernel.divides = divides
    return kernel


sum_whole = whole(False)
mean_whole = whole(True)
def spread(x, dim, shape):
    """One number in an array of `shape`."""
    return fill(x, shape, 1.0) if dim is None else NotImplemented


fill_sum = filling(False)
fill_mean = filling(True)


cdef class Extreme(Kernel):
    """The largest element of all, or the smallest; nan where there is one."""

    cdef bint least

    cdef object call1(self, object x):
        cdef cnp.ndarray array, out
        cdef Py_ssize_t n
        array = usable(x)
        if array is None or cnp.PyArray_SIZE(array) == 0 or cnp.PyArray_SIZE(array) > COPY_LIMIT:
            return NotImplemented
        n = cnp.PyArray_SIZE(array)
        out = cnp.PyArray_SimpleNew(0, NULL, cnp.PyArray_TYPE(array))
        if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT:
            (<float*>cnp.PyArray_DATA(out))[0] = extremum(<const float*>cnp.PyArray_DATA(array), n, self.least)
        else:
            (<double*>cnp.PyArray_DATA(out))[0] = extremum(<const double*>cnp.PyArray_DATA(array), n, self.least)
        return out


cdef real extremum(const real* x, Py_ssize_t n, bint least) noexcept nogil:
    cdef real best = x[0]
    cdef Py_ssize_t i
    for i in range(n):
        if x[i] != x[i]:
            return x[i]
        if (x[i] < best) if least else (x[i] > best):
            best = x[i]
    return best


cdef void extremes(const real* x, Form f, bint least, real* values, int64_t* places) noexcept nogil:
    """The first extremum (the first nan, where there is one) of the lanes, and where it is."""
    cdef Py_ssize_t a, b, c, n = f.count, width = f.columns
    cdef real v
    for a in range(f.outer):
        for c in range(width):
            values[c] = x[c]
            places[c] = 0
        for b in range(1, n):
            for c in range(width):
                v = x[b * width + c]
                if ((v < values[c]) if least else (v > values[c])) or (v != v and values[c] == values[c]):
                    values[c] = v
                    places[c] = b
        x += n * width
        values += width
        places += width


cdef tuple extremes_of(object x, object dim, bint keepdim, bint least):
    cdef Form form
    cdef cnp.ndarray array, values, places
    if not isinstance(dim, int):
        return None
    array = prepare(x, dim, &form)
    if array is None or form.count == 0:
        return None
    values = blank(array, form.reduced, keepdim)
    places = blank(array, form.reduced, keepdim, cnp.NPY_INT64)
    if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT:
        extremes(<const float*>cnp.PyArray_DATA(array), form, least, <float*>cnp.PyArray_DATA(values), <int64_t*>cnp.PyArray_DATA(places))
    else:
        extremes(<const double*>cnp.PyArray_DATA(array), form, least, <double*>cnp.PyArray_DATA(values), <int64_t*>cnp.PyArray_DATA(places))
    return values, places


def max_dim(x, dim, bint keepdim=False):
    found = extremes_of(x, dim, keepdim, False)
    return NotImplemented if found is None else found


def min_dim(x, dim, bint keepdim=False):
    found = extremes_of(x, dim, keepdim, True)
    return NotImplemented if found is None else found


def argmax(x, dim, bint keepdim=False):
    found = extremes_of(x, dim, keepdim, False)
    return NotImplemented if found is None else found[1]


def argmin(x, dim, bint keepdim=False):
    found = extremes_of(x, dim, keepdim, True)
    return NotImplemented if found is None else found[1]


cdef Extreme extreme(bint least):
    cdef Extreme kernel = Extreme()
    kernel.least = least
    return kernel


max_whole = extreme(False)
min_whole = extreme(True)


cpdef fill(object g, object shape, double divisor=1.0):
    """An array of that shape filled with the one element of `g`, divided by `divisor`."""
    cdef cnp.npy_intp dims[MAX_AXES]
    cdef cnp.ndarray out
    cdef Py_ssize_t k, n
    cdef float f4
    cdef double f8
    if not cnp.PyArray_CheckExact(g) or cnp.PyArray_SIZE(g) != 1 or not direct(g) or not isinstance(shape, tuple):
        return NotImplemented
    for k in range(len(<tuple>shape)):
        dims[k] = shape[k]
    out = cnp.PyArray_SimpleNew(<int>len(<tuple>shape), dims, cnp.PyArray_TYPE(g))
    n = cnp.PyArray_SIZE(out)
    if cnp.PyArray_TYPE(g) == cnp.NPY_FLOAT:
        f4 = <float>((<float*>cnp.PyArray_DATA(g))[0] / divisor)
        for k in range(n):
            (<float*>cnp.PyArray_DATA(out))[k] = f4
    else:
        f8 = (<double*>cnp.PyArray_DATA(g))[0] / divisor
        for k in range(n):
            (<double*>cnp.PyArray_DATA(out))[k] = f8
    return out
