# cython: boundscheck=False, wraparound=False, cdivision=True
"""Loops over contiguous float32 and float64 arrays, and those of float32 over numbers of 16 bits (halves.h).

Every other array is declined, and NumPy takes it.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact, PyFloat_AS_DOUBLE
from cpython.long cimport PyLong_CheckExact, PyLong_AsDouble

from rushlight.kernels.buffers cimport empty
from rushlight.kernels.halves cimport RL_BFLOAT16, RL_BINARY16, RL_HALVES, half_kind, rl_half_load, rl_half_loop2, rl_half_store
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef extern from "kernels/elementwise.h":
    ctypedef void (*loop2)(const void *, int, const void *, int, void *, Py_ssize_t) noexcept nogil
    ctypedef void (*loop1)(const void *, void *, Py_ssize_t) noexcept nogil
    ctypedef void (*loop3)(const void *, const void *, const void *, void *, Py_ssize_t) noexcept nogil
    ctypedef struct rl_unary:
        const char *name
        loop1 f4
        loop1 f8
        Py_ssize_t limit
    ctypedef struct rl_binary:
        const char *name
        loop2 f4
        loop2 f8
        Py_ssize_t limit
    ctypedef struct rl_ternary:
        const char *name
        loop3 f4
        loop3 f8
    rl_unary rl_unaries[]
    rl_binary rl_binaries[]
    rl_binary rl_comparisons[]
    rl_ternary rl_ternaries[]
    int rl_unary_count, rl_binary_count, rl_comparison_count, rl_ternary_count
    loop2 rl_powers_f4

cdef extern from "kernels/broadcast.h" nogil:
    int RL_AXES
    ctypedef struct rl_broadcast:
        loop2 loop
        const char *x
        const char *y
        char *out
        int nd
        Py_ssize_t *dims
        Py_ssize_t *order
        Py_ssize_t *sx
        Py_ssize_t *sy
        Py_ssize_t *so
        Py_ssize_t item
        int half, number, truth
    void rl_broadcast_arrange(rl_broadcast *, int)
    Py_ssize_t rl_broadcast_divide(rl_broadcast *, Py_ssize_t)
    void rl_broadcast_part(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# Elements of a part that a thread takes, 10 to 50 microseconds: a loop of two parts is shared, and lets go of the GIL.
cdef Py_ssize_t LEAST = 16384

ctypedef struct Call:
    loop1 one
    loop2 two
    loop3 three
    const char *x
    const char *y
    const char *z
    char *out
    int sx, sy
    Py_ssize_t item, item_out
    int half, number, truth


cdef void over1(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Call *c = <Call *>what
    c.one(c.x + begin * c.item, c.out + begin * c.item_out, end - begin)


cdef void over2(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Call *c = <Call *>what
    c.two(c.x + begin * c.item * c.sx, c.sx, c.y + begin * c.item * c.sy, c.sy, c.out + begin * c.item_out, end - begin)


cdef void over3(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Call *c = <Call *>what
    c.three(c.x + begin * c.item, c.y + begin * c.item, c.z + begin * c.item, c.out + begin * c.item_out, end - begin)


# The same over numbers of 16 bits.

cdef void over_halves1(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Call *c = <Call *>what
    cdef float a[RL_HALVES]
    cdef float o[RL_HALVES]
    cdef Py_ssize_t m
    while begin < end:
        m = end - begin if end - begin < RL_HALVES else RL_HALVES
        rl_half_load(c.half, c.x + 2 * begin, a, m)
        c.one(a, o, m)
        rl_half_store(c.half, o, c.out + 2 * begin, m)
        begin += m


cdef void over_halves2(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Call *c = <Call *>what
    rl_half_loop2(c.two, c.half, c.number, c.truth, c.x + 2 * begin * c.sx, c.sx, c.y + 2 * begin * c.sy, c.sy,
                  c.out + (1 if c.truth else 2) * begin, end - begin)


cdef void over_halves3(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Call *c = <Call *>what
    cdef float numbers[4][RL_HALVES]
    cdef Py_ssize_t m
    while begin < end:
        m = end - begin if end - begin < RL_HALVES else RL_HALVES
        rl_half_load(c.half, c.x + 2 * begin, numbers[0], m)
        rl_half_load(c.half, c.y + 2 * begin, numbers[1], m)
        rl_half_load(c.half, c.z + 2 * begin, numbers[2], m)
        c.three(numbers[0], numbers[1], numbers[2], numbers[3], m)
        rl_half_store(c.half, numbers[3], c.out + 2 * begin, m)
        begin += m


cdef void shared1(loop1 loop, const void *x, void *out, Py_ssize_t item, Py_ssize_t n) noexcept nogil:
    cdef Call c
    c.one, c.x, c.out, c.item, c.item_out = loop, <const char *>x, <char *>out, item, item
    spread(over1, &c, n, LEAST)


cdef void shared2(loop2 loop, const void *x, int sx, const void *y, int sy, void *out, Py_ssize_t item, Py_ssize_t item_out, Py_ssize_t n) noexcept nogil:
    cdef Call c
    c.two, c.x, c.sx, c.y, c.sy, c.out = loop, <const char *>x, sx, <const char *>y, sy, <char *>out
    c.item, c.item_out = item, item_out
    spread(over2, &c, n, LEAST)


cdef void shared3(loop3 loop, const void *x, const void *y, const void *z, void *out, Py_ssize_t item, Py_ssize_t n) noexcept nogil:
    cdef Call c
    c.three, c.x, c.y, c.z, c.out = loop, <const char *>x, <const char *>y, <const char *>z, <char *>out
    c.item, c.item_out = item, item
    spread(over3, &c, n, LEAST)


cdef inline int step_of(cnp.ndarray a):
    """1 for a contiguous array, 0 for one number seen as an array (all strides 0), -1 for anything else."""
    cdef int i
    if not cnp.PyArray_ISBEHAVED_RO(a):
        return -1
    if cnp.PyArray_IS_C_CONTIGUOUS(a):
        return 1
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDE(a, i) != 0 and cnp.PyArray_DIM(a, i) != 1:
            return -1
    return 0


cdef inline bint usable(cnp.ndarray a, int kind):
    return cnp.PyArray_TYPE(a) == kind and cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)


cdef extern from *:
    """
    /* A new array of a's dtype and shape; PyArray_EMPTY would look the dtype up again. */
    static PyObject *rl_like(PyArrayObject *a) {
        PyArray_Descr *descr = PyArray_DESCR(a);
        Py_INCREF(descr);
        return PyArray_NewFromDescr(&PyArray_Type, descr, PyArray_NDIM(a), PyArray_DIMS(a), NULL, NULL, 0, NULL);
    }
    """
    object rl_like(cnp.ndarray a)


# Larger arrays in bytes come from kept memory.
cdef Py_ssize_t KEPT_FROM = 1 << 17


cdef inline cnp.ndarray like(cnp.ndarray a):
    if cnp.PyArray_NBYTES(a) < KEPT_FROM:
        return <cnp.ndarray>rl_like(a)
    return empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a))


cdef class Binary(Kernel):
    """A loop over two operands: arrays of one shape, a row against a matrix, or a number against an array."""

    cdef loop2 f4
    cdef loop2 f8
    cdef int result
    cdef bint wide  # beside 16 bits a number is a float32; else it is rounded to them first
    cdef int declined  # kinds of 16 bits for which PyTorch rounds between the steps, as a bit set
    cdef Py_ssize_t limit

    cdef object call2(self, object x, object y):
        cdef cnp.ndarray a, b, o
        cdef int kind, sa, sb
        cdef Py_ssize_t n, rows = 1, i, width
        cdef loop2 loop
        cdef double number
        cdef float number4
        cdef const void *pa
        cdef const void *pb
        cdef char *po
        if not isinstance(x, cnp.ndarray):
            return NotImplemented
        a = <cnp.ndarray>x
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64 and self.f8 != NULL:
            loop = self.f8
        else:
            return self.halves(a, y, half_kind(a))
        if cnp.PyArray_SIZE(a) > self.limit:
            return NotImplemented
        sa = step_of(a)
        pa = cnp.PyArray_DATA(a)
        n = cnp.PyArray_SIZE(a)
        if isinstance(y, cnp.ndarray):
            b = <cnp.ndarray>y
            if cnp.PyArray_TYPE(b) != kind:
                return NotImplemented
            sb = step_of(b)
            if sa < 0 or sb < 0:
                return self.broadcast(a, b, NULL)
            pb = cnp.PyArray_DATA(b)
            if cnp.PyArray_SAMESHAPE(a, b):
                pass
            elif cnp.PyArray_NDIM(b) == 0:
                sb = 0
            elif cnp.PyArray_NDIM(a) == 0:
                sa = 0
                n = cnp.PyArray_SIZE(b)
                a = b
            elif sa == 1 and sb == 1 and n < 2 * LEAST and rows_against(a, b):
                rows = cnp.PyArray_DIM(a, 0)
            else:
                return self.broadcast(a, b, NULL)
        else:
            if PyFloat_CheckExact(y):
                number = PyFloat_AS_DOUBLE(y)
            elif PyLong_CheckExact(y):
                number = PyLong_AsDouble(y)
            else:
                return NotImplemented
            number4 = <float>number
            pb = <void *>&number4 if kind == cnp.NPY_FLOAT32 else <void *>&number
            sb = 0
            if sa < 0:
                return self.broadcast(a, None, pb)
        o = like(a) if self.result < 0 else empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), self.result)
        po = <char *>cnp.PyArray_DATA(o)
        if rows > 1:
            width = n // rows
            for i in range(rows):
                loop(<const char *>pa + i * width * cnp.PyArray_ITEMSIZE(a), 1, pb, 1, po + i * width * cnp.PyArray_ITEMSIZE(o), width)
        elif n < 2 * LEAST:
            loop(pa, sa, pb, sb, po, n)
        else:
            with nogil:
                shared2(loop, pa, sa, pb, sb, po, cnp.PyArray_ITEMSIZE(a), cnp.PyArray_ITEMSIZE(o), n)
        return o

    cdef object halves(self, cnp.ndarray a, object y, int half):
        """Operands of 16 bits."""
        cdef Call c
        cdef cnp.ndarray b = None, o, first = a
        cdef float number
        cdef Py_ssize_t n
        if not half or half & self.declined or cnp.PyArray_SIZE(a) > self.limit:
            return NotImplemented
        c.two, c.half, c.truth, c.number, c.sx, c.sy = self.f4, half, self.result >= 0, 0, step_of(a), 0
        if self.is_number(y, half, &number):
            c.number, c.y = 1, <const char *>&number
        elif isinstance(y, cnp.ndarray) and cnp.PyArray_TYPE(<cnp.ndarray>y) == cnp.PyArray_TYPE(a):
            b = <cnp.ndarray>y
            c.sy, c.y = step_of(b), <const char *>cnp.PyArray_DATA(b)
        else:
            return NotImplemented
        if c.sx < 0 or c.sy < 0:
            return self.broadcast(a, b, c.y)
        if b is not None and not cnp.PyArray_SAMESHAPE(a, b):
            if cnp.PyArray_NDIM(b) == 0:
                c.sy = 0
            elif cnp.PyArray_NDIM(a) == 0:
                c.sx, first = 0, b
            else:
                return self.broadcast(a, b, c.y)
        n = cnp.PyArray_SIZE(first)
        o = like(first) if self.result < 0 else empty(cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first), self.result)
        c.x, c.out = <const char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(o)
        if n < 2 * LEAST:
            over_halves2(&c, 0, n)
        else:
            with nogil:
                spread(over_halves2, &c, n, LEAST)
        return o

    cdef bint is_number(self, object y, int half, float *number) except -1:
        """Whether y is a number beside operands of 16 bits, and as which float32 it counts."""
        cdef unsigned short rounded
        if PyFloat_CheckExact(y):
            number[0] = <float>PyFloat_AS_DOUBLE(y)
        elif PyLong_CheckExact(y):
            number[0] = <float>PyLong_AsDouble(y)
        elif isinstance(y, cnp.ndarray) and cnp.PyArray_NDIM(<cnp.ndarray>y) == 0 and cnp.PyArray_TYPE(<cnp.ndarray>y) == cnp.NPY_FLOAT32:
            number[0] = (<float *>cnp.PyArray_DATA(<cnp.ndarray>y))[0]
        else:
            return False
        if not self.wide:
            rl_half_store(half, number, &rounded, 1)
            rl_half_load(half, &rounded, number, 1)
        return True

    cdef object broadcast(self, cnp.ndarray a, cnp.ndarray b, const void *number):
        """Operands that broadcast or are not contiguous; b is None for a number. NumPy takes what has steps backwards."""
        cdef rl_broadcast rows
        cdef cnp.npy_intp back[64]
        cdef cnp.PyArray_Dims permuted
        cdef cnp.ndarray o
        cdef Py_ssize_t step, size = 1
        cdef int k, turned = 0
        if not described(&rows, a, b, number):
            return NotImplemented
        rl_broadcast_arrange(&rows, False)
        for k in range(rows.nd):
            size *= rows.dims[k]
            turned |= rows.order[k] != k
            back[rows.order[k]] = k
        if size > self.limit:
            return NotImplemented
        o = empty(rows.nd, <cnp.npy_intp *>rows.dims, cnp.PyArray_TYPE(a) if self.result < 0 else self.result)
        permuted.ptr, permuted.len = back, rows.nd
        step = cnp.PyArray_ITEMSIZE(o)
        for k in range(rows.nd - 1, -1, -1):
            rows.so[k] = step
            step *= rows.dims[k]
        self.over_rows(&rows, o, size)
        return cnp.PyArray_Transpose(o, &permuted) if turned else o

    cdef bint broadcast_into(self, cnp.ndarray a, cnp.ndarray b, const void *number):
        """The same over a, where its rows are contiguous and b shares no part of its memory."""
        cdef rl_broadcast rows
        cdef int k
        if not described(&rows, a, b, number) or rows.nd != cnp.PyArray_NDIM(a) or (b is not None and overlap(a, b)):
            return False
        for k in range(rows.nd):
            if rows.dims[k] != cnp.PyArray_DIM(a, k) or (rows.sx[k] == 0 and rows.dims[k] != 1):
                return False
        rl_broadcast_arrange(&rows, True)
        for k in range(rows.nd):
            rows.so[k] = rows.sx[k]
        return self.over_rows(&rows, a, cnp.PyArray_SIZE(a))

    cdef bint over_rows(self, rl_broadcast *rows, cnp.ndarray o, Py_ssize_t size):
        """Carry it out; False where rows of the result are not contiguous."""
        cdef Py_ssize_t tasks = rl_broadcast_divide(rows, cnp.PyArray_ITEMSIZE(o))
        if tasks == 0:
            return False
        rows.loop = self.f8 if rows.item == sizeof(double) else self.f4
        rows.truth = self.result >= 0
        rows.out = <char *>cnp.PyArray_DATA(o)
        if size < 2 * LEAST:
            rl_broadcast_part(rows, 0, tasks)
        else:
            with nogil:
                spread(rl_broadcast_part, rows, tasks, LEAST * tasks // size + 1)
        return True

    cdef bint into2(self, object x, object y) except -1:
        cdef cnp.ndarray a, b
        cdef int kind, step = 1
        cdef loop2 loop
        cdef double number
        cdef float number4
        cdef const void *other
        if self.result >= 0 or not isinstance(x, cnp.ndarray):
            return False
        a = <cnp.ndarray>x
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64 and self.f8 != NULL:
            loop = self.f8
        else:
            return self.into_halves(a, y, half_kind(a))
        if not cnp.PyArray_ISBEHAVED(a) or cnp.PyArray_SIZE(a) > self.limit:
            return False
        if isinstance(y, cnp.ndarray):
            b = <cnp.ndarray>y
            if cnp.PyArray_TYPE(b) != kind or not cnp.PyArray_ISBEHAVED_RO(b):
                return False
            if cnp.PyArray_NDIM(b) == 0 and cnp.PyArray_NDIM(a) > 0:
                number = (<float *>cnp.PyArray_DATA(b))[0] if kind == cnp.NPY_FLOAT32 else (<double *>cnp.PyArray_DATA(b))[0]
                step = 0
            elif not cnp.PyArray_SAMESHAPE(a, b) or not alike(a, b):
                return self.broadcast_into(a, b, NULL)
            elif shifted(a, b):
                return False
            else:
                other = cnp.PyArray_DATA(b)
        elif PyFloat_CheckExact(y):
            number, step = PyFloat_AS_DOUBLE(y), 0
        elif PyLong_CheckExact(y):
            number, step = PyLong_AsDouble(y), 0
        else:
            return False
        if step == 0:
            number4 = <float>number
            other = <void *>&number4 if kind == cnp.NPY_FLOAT32 else <void *>&number
            if not cnp.PyArray_IS_C_CONTIGUOUS(a) and not cnp.PyArray_IS_F_CONTIGUOUS(a):
                return self.broadcast_into(a, None, other)
        with nogil:
            shared2(loop, cnp.PyArray_DATA(a), 1, other, step, cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a), cnp.PyArray_ITEMSIZE(a), cnp.PyArray_SIZE(a))
        return True

    cdef bint into_halves(self, cnp.ndarray a, object y, int half) except -1:
        """Operands of 16 bits: both row-major, or a number."""
        cdef Call c
        cdef cnp.ndarray b
        cdef float number
        if not half or half & self.declined or not cnp.PyArray_ISCARRAY(a) or cnp.PyArray_SIZE(a) > self.limit:
            return False
        c.two, c.half, c.truth, c.sx = self.f4, half, False, 1
        c.number, c.sy, c.y = 1, 0, <const char *>&number
        if not self.is_number(y, half, &number):
            if not isinstance(y, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>y) != cnp.PyArray_TYPE(a):
                return False
            b = <cnp.ndarray>y
            if not cnp.PyArray_SAMESHAPE(a, b) or not cnp.PyArray_ISCARRAY_RO(b) or shifted(a, b):
                return False
            c.number, c.sy, c.y = 0, 1, <const char *>cnp.PyArray_DATA(b)
        c.x = c.out = <char *>cnp.PyArray_DATA(a)
        with nogil:
            spread(over_halves2, &c, cnp.PyArray_SIZE(a), LEAST)
        return True


cdef inline bint shifted(cnp.ndarray a, cnp.ndarray b):
    """Whether two contiguous arrays of one size share a part of their memory, but do not begin together."""
    cdef Py_ssize_t between = <char *>cnp.PyArray_DATA(a) - <char *>cnp.PyArray_DATA(b)
    return between != 0 and (between if between > 0 else -between) < cnp.PyArray_NBYTES(a)


cdef inline bint alike(cnp.ndarray a, cnp.ndarray b):
    """Whether both are row-major, or both column-major."""
    if cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(b):
        return True
    return cnp.PyArray_IS_F_CONTIGUOUS(a) and cnp.PyArray_IS_F_CONTIGUOUS(b)


cdef bint overlap(cnp.ndarray a, cnp.ndarray b):
    """Whether two arrays of steps forwards may share memory."""
    cdef char *first = <char *>cnp.PyArray_DATA(a)
    cdef char *second = <char *>cnp.PyArray_DATA(b)
    return first < second + reach(b) and second < first + reach(a)


cdef Py_ssize_t reach(cnp.ndarray a):
    cdef Py_ssize_t bytes = cnp.PyArray_ITEMSIZE(a)
    cdef int k
    for k in range(cnp.PyArray_NDIM(a)):
        bytes += (cnp.PyArray_DIM(a, k) - 1) * cnp.PyArray_STRIDE(a, k)
    return bytes


cdef bint described(rl_broadcast *rows, cnp.ndarray a, cnp.ndarray b, const void *number):
    """Two arrays, or an array and a number, as rows; False where they do not broadcast, or are not for these loops."""
    cdef int na = cnp.PyArray_NDIM(a), nb = 0 if b is None else cnp.PyArray_NDIM(b), nd, k
    cdef Py_ssize_t m, n
    nd = na if na > nb else nb
    if nd > RL_AXES or not cnp.PyArray_ISBEHAVED_RO(a) or (b is not None and not cnp.PyArray_ISBEHAVED_RO(b)):
        return False
    for k in range(nd):
        m = cnp.PyArray_DIM(a, k - nd + na) if k >= nd - na else 1
        n = cnp.PyArray_DIM(b, k - nd + nb) if k >= nd - nb else 1
        if m == 0 or n == 0 or (m != n and m != 1 and n != 1):
            return False
        rows.dims[k] = n if m == 1 else m
        rows.sx[k] = 0 if m == 1 else cnp.PyArray_STRIDE(a, k - nd + na)
        rows.sy[k] = 0 if n == 1 else cnp.PyArray_STRIDE(b, k - nd + nb)
        if rows.sx[k] < 0 or rows.sy[k] < 0:
            return False
    rows.nd = nd
    rows.item = cnp.PyArray_ITEMSIZE(a)
    rows.half = half_kind(a) if rows.item == 2 else 0
    rows.number = b is None
    rows.x = <const char *>cnp.PyArray_DATA(a)
    rows.y = <const char *>number if b is None else <const char *>cnp.PyArray_DATA(b)
    return True


cdef inline bint rows_against(cnp.ndarray a, cnp.ndarray b):
    """Whether b, a vector, stands against each row of the matrix a."""
    return cnp.PyArray_NDIM(a) == 2 and cnp.PyArray_NDIM(b) == 1 and cnp.PyArray_DIM(a, 1) == cnp.PyArray_DIM(b, 0) and cnp.PyArray_DIM(a, 0) > 1


cdef void halves3(loop3 loop, cnp.ndarray a, cnp.ndarray b, cnp.ndarray c, cnp.ndarray o):
    cdef Call call
    call.three, call.half, call.out = loop, half_kind(a), <char *>cnp.PyArray_DATA(o)
    call.x, call.y, call.z = <char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(b), <char *>cnp.PyArray_DATA(c)
    with nogil:
        spread(over_halves3, &call, cnp.PyArray_SIZE(a), LEAST)


cdef void halves1(loop1 loop, cnp.ndarray a, cnp.ndarray o):
    cdef Call call
    call.one, call.half = loop, half_kind(a)
    call.x, call.out = <char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(o)
    with nogil:
        spread(over_halves1, &call, cnp.PyArray_SIZE(a), LEAST)


cdef class Ternary(Kernel):
    """A loop over three arrays of one shape."""

    cdef loop3 f4
    cdef loop3 f8

    cdef object call3(self, object x, object y, object z):
        cdef cnp.ndarray a, b, c, o
        cdef int kind
        cdef loop3 loop
        if not isinstance(x, cnp.ndarray) or not isinstance(y, cnp.ndarray) or not isinstance(z, cnp.ndarray):
            return NotImplemented
        a, b, c = <cnp.ndarray>x, <cnp.ndarray>y, <cnp.ndarray>z
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64:
            loop = self.f8
        elif half_kind(a):
            loop = self.f4
        else:
            return NotImplemented
        if not usable(a, kind) or not usable(b, kind) or not usable(c, kind):
            return NotImplemented
        if not cnp.PyArray_SAMESHAPE(a, b) or not cnp.PyArray_SAMESHAPE(a, c):
            return NotImplemented
        o = like(a)
        if cnp.PyArray_ITEMSIZE(a) == 2:
            halves3(loop, a, b, c, o)
            return o
        if cnp.PyArray_SIZE(a) < 2 * LEAST:
            loop(cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(c), cnp.PyArray_DATA(o), cnp.PyArray_SIZE(a))
            return o
        with nogil:
            shared3(loop, cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(c), cnp.PyArray_DATA(o), cnp.PyArray_ITEMSIZE(a), cnp.PyArray_SIZE(a))
        return o


cdef class Unary(Kernel):
    """A loop over one operand."""

    cdef loop1 f4
    cdef loop1 f8
    cdef Py_ssize_t limit

    cdef object call1(self, object x):
        cdef cnp.ndarray a, o
        cdef int kind
        cdef Py_ssize_t n
        cdef loop1 loop
        if not isinstance(x, cnp.ndarray):
            return NotImplemented
        a = <cnp.ndarray>x
        kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            loop = self.f4
        elif kind == cnp.NPY_FLOAT64:
            loop = self.f8
        elif half_kind(a):
            loop = self.f4
        else:
            return NotImplemented
        n = cnp.PyArray_SIZE(a)
        if n > self.limit or not usable(a, kind):
            return NotImplemented
        o = like(a)
        if cnp.PyArray_ITEMSIZE(a) == 2:
            halves1(loop, a, o)
        elif n < 2 * LEAST:
            loop(cnp.PyArray_DATA(a), cnp.PyArray_DATA(o), n)
        else:
            with nogil:
                shared1(loop, cnp.PyArray_DATA(a), cnp.PyArray_DATA(o), cnp.PyArray_ITEMSIZE(a), n)
        return o

    cdef bint into1(self, object x) except -1:
        cdef cnp.ndarray a
        cdef loop1 loop
        cdef int kind
        if not isinstance(x, cnp.ndarray):
            return False
        a = <cnp.ndarray>x
        kind = cnp.PyArray_TYPE(a)
        loop = self.f8 if kind == cnp.NPY_FLOAT64 else self.f4
        if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64 and not half_kind(a)) or cnp.PyArray_SIZE(a) > self.limit:
            return False
        if not cnp.PyArray_ISBEHAVED(a) or not (cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_IS_F_CONTIGUOUS(a)):
            return False
        if cnp.PyArray_ITEMSIZE(a) == 2:
            halves1(loop, a, a)
            return True
        with nogil:
            shared1(loop, cnp.PyArray_DATA(a), cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a), cnp.PyArray_SIZE(a))
        return True


cdef Unary same_as_power(object y):
    """The loop for a common exponent, quicker and more exact than that of powers, or None."""
    cdef double number
    if PyFloat_CheckExact(y):
        number = PyFloat_AS_DOUBLE(y)
    elif PyLong_CheckExact(y):
        number = PyLong_AsDouble(y)
    elif isinstance(y, cnp.ndarray) and cnp.PyArray_NDIM(<cnp.ndarray>y) == 0 and y.dtype.kind in "fV":
        number = float(y)
    else:
        return None
    if number == 2:
        return square
    if number == 1:
        return copy
    if number == 3:
        return cube
    if number == 0.5:
        return sqrt
    if number == -0.5:
        return rsqrt
    if number == -1:
        return reciprocal
    return None


cdef class Power(Binary):
    """x ** y, where the common exponents have loops of their own."""

    cdef object call2(self, object x, object y):
        cdef Unary special = same_as_power(y)
        return Binary.call2(self, x, y) if special is None else special.call1(x)

    cdef bint into2(self, object x, object y) except -1:
        cdef Unary special = same_as_power(y)
        return Binary.into2(self, x, y) if special is None else special.into1(x)


cdef class ManyPowers(Power):
    """The same for larger arrays: a vectorised loop of float32; float64 is left to NumPy's."""

    cdef Power few

    cdef object call2(self, object x, object y):
        if not isinstance(x, cnp.ndarray) or cnp.PyArray_SIZE(<cnp.ndarray>x) <= 64:
            return self.few.call2(x, y)
        return Power.call2(self, x, y)

    cdef bint into2(self, object x, object y) except -1:
        if not isinstance(x, cnp.ndarray) or cnp.PyArray_SIZE(<cnp.ndarray>x) <= 64:
            return self.few.into2(x, y)
        return Power.into2(self, x, y)


cdef Binary binary(rl_binary entry, int result=-1):
    cdef Binary kernel = Binary()
    kernel.f4, kernel.f8, kernel.limit, kernel.result = entry.f4, entry.f8, entry.limit, result
    kernel.wide = entry.name in (b"mul", b"div")
    kernel.declined = RL_BINARY16 if entry.name == b"through_sigmoid" else 0
    if entry.name in (b"through_reciprocal", b"through_sin", b"through_cos"):
        kernel.declined = RL_BINARY16 | RL_BFLOAT16
    return kernel


cdef Ternary ternary(rl_ternary entry):
    cdef Ternary kernel = Ternary()
    kernel.f4, kernel.f8 = entry.f4, entry.f8
    return kernel


cdef Unary unary(rl_unary entry):
    cdef Unary kernel = Unary()
    kernel.f4, kernel.f8, kernel.limit = entry.f4, entry.f8, entry.limit
    return kernel


cdef dict made = globals()
cdef int k
for k in range(rl_unary_count):
    made[(<bytes>rl_unaries[k].name).decode()] = unary(rl_unaries[k])
for k in range(rl_binary_count):
    made[(<bytes>rl_binaries[k].name).decode()] = binary(rl_binaries[k])
for k in range(rl_comparison_count):
    made[(<bytes>rl_comparisons[k].name).decode()] = binary(rl_comparisons[k], cnp.NPY_BOOL)
for k in range(rl_ternary_count):
    made[(<bytes>rl_ternaries[k].name).decode()] = ternary(rl_ternaries[k])
made["celu"] = made["elu"]

cdef Unary square = made["square"], cube = made["cube"], copy = made["copy"]
cdef Unary sqrt = made["sqrt"], rsqrt = made["rsqrt"], reciprocal = made["reciprocal"]
cdef Py_ssize_t ANY = <Py_ssize_t>1 << 62
cdef Power power = Power()
power.f4, power.f8, power.limit, power.result = (<Binary>made["pow"]).f4, (<Binary>made["pow"]).f8, ANY, -1
cdef ManyPowers powers = ManyPowers()
powers.f4, powers.f8, powers.limit, powers.result, powers.few = rl_powers_f4, NULL, ANY, -1, power
made["pow"] = powers
