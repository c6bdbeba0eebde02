# cython: boundscheck=False, wraparound=False, cdivision=True
"""Copies: in other dtypes, orders of memory and places, in part, joined. Long ones are shared among threads."""

cimport numpy as cnp
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memset

from rushlight.kernels.buffers cimport empty as kept
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport spread
from rushlight.kernels.zeros cimport FROM_SYSTEM, clear

from numpy import zeros as np_zeros

cnp.import_array()

cdef extern from "kernels/copying.h" nogil:
    ctypedef void (*rl_copier)(char *, const Py_ssize_t *, const char *, const Py_ssize_t *, Py_ssize_t, Py_ssize_t) noexcept nogil
    ctypedef struct rl_copying:
        int nd, split
        Py_ssize_t *dims
        Py_ssize_t *ts
        Py_ssize_t *fs
        char *to
        const char *source "from"
        rl_copier copier, second
    ctypedef struct rl_triangle:
        Py_ssize_t rows, columns, size, diagonal
        int upper
        char *to
        const char *source "from"
    ctypedef struct rl_joining:
        Py_ssize_t count, width, element
        const char **source "from"
        Py_ssize_t *stretch
        char *to
    bint rl_choose(int, int, rl_copier *, rl_copier *)
    rl_copier rl_raw_copier(Py_ssize_t)
    rl_copier rl_conj_c8, rl_conj_c16, rl_conj_gradient_c8, rl_conj_gradient_c16, rl_add_f4, rl_add_f8
    void rl_arrange(rl_copying *)
    void rl_copy_part(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_triangle_part(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_join_part(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

cdef extern from *:
    """
    static PyObject *rl_dtype(PyArrayObject *x) {
        Py_INCREF(PyArray_DESCR(x));
        return (PyObject *)PyArray_DESCR(x);
    }
    /* The next two take a reference to the dtype. */
    static PyObject *rl_like(PyArrayObject *x, PyArray_Descr *dtype) {
        Py_INCREF(dtype);
        return PyArray_NewLikeArray(x, NPY_KEEPORDER, dtype, 0);
    }
    static PyObject *rl_empty(int nd, npy_intp *dims, PyArray_Descr *dtype) {
        Py_INCREF(dtype);
        return PyArray_Empty(nd, dims, dtype, 0);
    }
    """
    cnp.dtype rl_dtype(cnp.ndarray x)
    cnp.ndarray rl_like(cnp.ndarray x, cnp.dtype dtype)
    cnp.ndarray rl_empty(int nd, cnp.npy_intp *dims, cnp.dtype dtype)

cdef enum:
    # The least number of bytes and of elements that are worth a thread, and of elements that are worth no GIL.
    BYTES = 1 << 17
    ELEMENTS = 1 << 15
    LONG = 1 << 13
    # Bytes of zeros up to which NumPy is as quick.
    SMALL = 1 << 16
    # Places in `kinds`.
    F4 = 6
    C8 = 8
    C16 = 9

# The numbers of RL_B1 and the others by NumPy's type number; -1 for what there are no loops for.
cdef int kinds[24]
for at in range(24):
    kinds[at] = -1
for at, number in enumerate((
    cnp.NPY_BOOL, cnp.NPY_INT8, cnp.NPY_UINT8, cnp.NPY_INT16, cnp.NPY_INT32, cnp.NPY_INT64, cnp.NPY_FLOAT32,
    cnp.NPY_FLOAT64, cnp.NPY_COMPLEX64, cnp.NPY_COMPLEX128, cnp.NPY_FLOAT16,
)):
    kinds[number] = at


cdef int kind_of(cnp.dtype dtype) except -2:
    cdef int number = dtype.type_num
    if number < 24:
        return kinds[number]
    # The only 16-bit dtype from outside of NumPy is bfloat16.
    return 11 if dtype.itemsize == 2 and dtype.kind == c"V" else -1


cdef cnp.ndarray fresh(int nd, cnp.npy_intp *dims, cnp.dtype dtype):
    """An uninitialised array in row-major order."""
    if kind_of(dtype) < 0 or not dtype.isnative:
        return rl_empty(nd, dims, dtype)
    return kept(nd, dims, dtype.type_num)


cdef cnp.ndarray fresh_like(cnp.ndarray x, cnp.dtype dtype):
    """An uninitialised array of the sizes of x, in its order of memory."""
    if not cnp.PyArray_IS_C_CONTIGUOUS(x):
        return rl_like(x, dtype)
    return fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), dtype)


def empty(shape, cnp.dtype dtype):
    """np.empty of the sizes in a tuple."""
    cdef cnp.npy_intp dims[64]
    cdef int i, nd = <int>len(shape)
    if nd > 64:
        raise ValueError("more than 64 dimensions")
    for i in range(nd):
        dims[i] = shape[i]
    return fresh(nd, dims, dtype)


def zeros(shape, cnp.dtype dtype):
    """np.zeros of the sizes in a tuple."""
    cdef cnp.ndarray out
    cdef Py_ssize_t size = dtype.itemsize
    for n in shape:
        size *= <Py_ssize_t>n
    if size < SMALL or size > FROM_SYSTEM or kind_of(dtype) < 0:
        return np_zeros(shape, dtype)
    out = empty(shape, dtype)
    clear(out)
    return out


cdef bint plain(cnp.ndarray x) noexcept:
    """Whether the memory of x may be read as the numbers of its dtype."""
    return cnp.PyArray_ISALIGNED(x) and cnp.PyArray_ISNOTSWAPPED(x) and cnp.PyArray_TYPE(x) != cnp.NPY_OBJECT


cdef bint choose(rl_copying *c, cnp.ndarray x, cnp.dtype dtype) except -1:
    """Find the loops that bring elements of x to a dtype; whether there are any."""
    if cnp.PyArray_TYPE(x) == dtype.type_num:
        return choose_raw(c, dtype.itemsize)
    return rl_choose(kind_of(rl_dtype(x)), kind_of(dtype), &c.copier, &c.second)


cdef bint choose_raw(rl_copying *c, Py_ssize_t size) noexcept:
    c.copier, c.second = rl_raw_copier(size), NULL
    return c.copier != NULL


cdef void copy(rl_copying *c, cnp.ndarray to, cnp.ndarray x):
    """Write x, which has as many dimensions or fewer and broadcasts, over `to`, by loops that were chosen."""
    cdef int nd = cnp.PyArray_NDIM(to), i, lead = nd - cnp.PyArray_NDIM(x)
    for i in range(nd):
        c.dims[i] = cnp.PyArray_DIM(to, i)
        c.ts[i] = cnp.PyArray_STRIDE(to, i)
        c.fs[i] = 0
        if i >= lead and cnp.PyArray_DIM(x, i - lead) != 1:
            c.fs[i] = cnp.PyArray_STRIDE(x, i - lead)
    c.nd, c.to, c.source = nd, cnp.PyArray_BYTES(to), cnp.PyArray_BYTES(x)
    copy_all(c, cnp.PyArray_SIZE(to))


cdef void copy_all(rl_copying *c, Py_ssize_t size):
    cdef Py_ssize_t least
    if size == 0:
        return
    rl_arrange(c)
    if size < LONG:
        rl_copy_part(c, 0, c.dims[c.split])
        return
    least = max(1, ELEMENTS // (size // c.dims[c.split]))
    with nogil:
        spread(rl_copy_part, c, c.dims[c.split], least)


def cast(x, *, cnp.dtype dtype):
    """x as another dtype, in its own order of memory."""
    cdef rl_copying c
    cdef cnp.ndarray out
    if type(x) is not cnp.ndarray or not plain(x):
        return NotImplemented
    if not dtype.isnative or not choose(&c, x, dtype):
        return NotImplemented
    out = fresh_like(x, dtype)
    copy(&c, out, x)
    return out


def clone(x, *, order="K"):
    """A copy of x in row-major order ("C") or in its own ("K")."""
    cdef rl_copying c
    cdef cnp.ndarray out
    if type(x) is not cnp.ndarray or not plain(x) or type(order) is not str:
        return NotImplemented
    if not choose_raw(&c, cnp.PyArray_ITEMSIZE(x)):
        return NotImplemented
    if order == "C":
        out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), rl_dtype(x))
    else:
        out = fresh_like(x, rl_dtype(x))
    copy(&c, out, x)
    return out


cdef object conjugate(object x, rl_copier c8, rl_copier c16):
    cdef rl_copying c
    cdef cnp.ndarray out
    cdef int number
    if type(x) is not cnp.ndarray or not plain(x):
        return NotImplemented
    number = cnp.PyArray_TYPE(x)
    if number != cnp.NPY_COMPLEX64 and number != cnp.NPY_COMPLEX128:
        return NotImplemented
    out = fresh_like(x, rl_dtype(x))
    c.copier, c.second = c8 if number == cnp.NPY_COMPLEX64 else c16, NULL
    copy(&c, out, x)
    return out


def conj(x):
    """The complex conjugate of x."""
    return conjugate(x, rl_conj_c8, rl_conj_c16)


def conj_gradient(x):
    """The same with imaginary parts that are never -0."""
    return conjugate(x, rl_conj_gradient_c8, rl_conj_gradient_c16)


def write(to, x):
    """Write x, broadcast and cast, over the array `to`; False where that is left to NumPy, and nothing is written."""
    cdef rl_copying c
    cdef int i, lead
    cdef Py_ssize_t n
    if type(to) is not cnp.ndarray or type(x) is not cnp.ndarray:
        return False
    if not plain(to) or not plain(x) or not cnp.PyArray_ISWRITEABLE(to):
        return False
    lead = cnp.PyArray_NDIM(to) - cnp.PyArray_NDIM(x)
    if lead < 0 or not choose(&c, x, rl_dtype(to)):
        return False
    for i in range(cnp.PyArray_NDIM(x)):
        n = cnp.PyArray_DIM(x, i)
        if n != 1 and n != cnp.PyArray_DIM(to, i + lead):
            return False
    if meet(to, x):
        return False
    copy(&c, to, x)
    return True


def add_over(to, x):
    """Add x to the float array `to` of its shape, whose entries may share memory; False for other arrays."""
    cdef rl_copying c
    cdef int i
    if type(to) is not cnp.ndarray or type(x) is not cnp.ndarray or cnp.PyArray_TYPE(to) != cnp.PyArray_TYPE(x):
        return False
    if cnp.PyArray_TYPE(to) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(to) != cnp.NPY_FLOAT64:
        return False
    if cnp.PyArray_NDIM(to) != cnp.PyArray_NDIM(x) or not plain(to) or not plain(x):
        return False
    for i in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_DIM(to, i) != cnp.PyArray_DIM(x, i):
            return False
        c.dims[i], c.ts[i], c.fs[i] = cnp.PyArray_DIM(x, i), cnp.PyArray_STRIDE(to, i), cnp.PyArray_STRIDE(x, i)
    c.nd, c.to, c.source, c.second = cnp.PyArray_NDIM(x), cnp.PyArray_BYTES(to), cnp.PyArray_BYTES(x), NULL
    c.copier = rl_add_f4 if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32 else rl_add_f8
    if cnp.PyArray_SIZE(x):
        rl_arrange(&c)
        rl_copy_part(&c, 0, c.dims[c.split])
    return True


cdef bint meet(cnp.ndarray x, cnp.ndarray y) noexcept:
    """Whether the stretches of memory that two arrays lie in have something in common."""
    cdef char *ends[4]
    cdef cnp.ndarray a
    cdef int k, i
    for k in range(2):
        a = y if k else x
        ends[2 * k] = cnp.PyArray_BYTES(a)
        ends[2 * k + 1] = ends[2 * k] + cnp.PyArray_ITEMSIZE(a)
        for i in range(cnp.PyArray_NDIM(a)):
            if cnp.PyArray_DIM(a, i) == 0:
                return False
            ends[2 * k + (cnp.PyArray_STRIDE(a, i) > 0)] += (cnp.PyArray_DIM(a, i) - 1) * cnp.PyArray_STRIDE(a, i)
    return ends[0] < ends[3] and ends[2] < ends[1]


def triangle(x, *, Py_ssize_t diagonal, bint upper):
    """x, of rows that follow one another in memory, with zeros above (below: `upper`) a diagonal."""
    cdef cnp.ndarray out
    if type(x) is not cnp.ndarray or not cnp.PyArray_IS_C_CONTIGUOUS(x) or cnp.PyArray_TYPE(x) == cnp.NPY_OBJECT:
        return NotImplemented
    out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), rl_dtype(x))
    write_triangle(out, x, diagonal, upper)
    return out


def cut_to_triangle(x, *, Py_ssize_t diagonal, bint upper):
    """The same written over x; False where it is not such an array, and nothing is written."""
    if type(x) is not cnp.ndarray or not cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_ISWRITEABLE(x):
        return False
    if cnp.PyArray_TYPE(x) == cnp.NPY_OBJECT:
        return False
    write_triangle(x, x, diagonal, upper)
    return True


cdef void write_triangle(cnp.ndarray out, cnp.ndarray x, Py_ssize_t diagonal, bint upper):
    cdef rl_triangle t
    cdef Py_ssize_t rows
    cdef int nd = cnp.PyArray_NDIM(x)
    if cnp.PyArray_SIZE(x) == 0:
        return
    t.rows, t.columns, t.size = cnp.PyArray_DIM(x, nd - 2), cnp.PyArray_DIM(x, nd - 1), cnp.PyArray_ITEMSIZE(x)
    t.diagonal = min(max(diagonal, -t.rows - 1), t.columns + 1)
    t.upper, t.to, t.source = upper, cnp.PyArray_BYTES(out), cnp.PyArray_BYTES(x)
    rows = cnp.PyArray_SIZE(x) // t.columns
    with nogil:
        spread(rl_triangle_part, &t, rows, max(1, BYTES // (t.columns * t.size)))


def trace(x):
    """The sum of the diagonal of a float matrix, added up in float64."""
    cdef cnp.ndarray out
    cdef Py_ssize_t i, n, step
    cdef double total = 0
    cdef int kind
    cdef char *at
    if type(x) is not cnp.ndarray or cnp.PyArray_NDIM(x) != 2 or not plain(x):
        return NotImplemented
    kind = cnp.PyArray_TYPE(x)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return NotImplemented
    at, step = cnp.PyArray_BYTES(x), cnp.PyArray_STRIDE(x, 0) + cnp.PyArray_STRIDE(x, 1)
    n = min(cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1))
    for i in range(n):
        total += (<float *>(at + i * step))[0] if kind == cnp.NPY_FLOAT32 else (<double *>(at + i * step))[0]
    out = kept(0, NULL, kind)
    if kind == cnp.NPY_FLOAT32:
        (<float *>cnp.PyArray_DATA(out))[0] = <float>total
    else:
        (<double *>cnp.PyArray_DATA(out))[0] = total
    return out


def flip(x, *, tuple dims):
    """x with its entries in reverse order along `dims`, in its own order of memory."""
    cdef rl_copying c
    cdef cnp.ndarray out
    cdef int i
    if type(x) is not cnp.ndarray or not plain(x) or not choose_raw(&c, cnp.PyArray_ITEMSIZE(x)):
        return NotImplemented
    c.nd, c.source = cnp.PyArray_NDIM(x), cnp.PyArray_BYTES(x)
    for i in range(c.nd):
        if cnp.PyArray_STRIDE(x, i) == 0:
            # Expanded: it has no order of its own.
            out = fresh(c.nd, cnp.PyArray_DIMS(x), rl_dtype(x))
            break
    else:
        out = fresh_like(x, rl_dtype(x))
    c.to = cnp.PyArray_BYTES(out)
    for i in range(c.nd):
        c.dims[i], c.ts[i], c.fs[i] = cnp.PyArray_DIM(x, i), cnp.PyArray_STRIDE(out, i), cnp.PyArray_STRIDE(x, i)
    for d in dims if c.nd else ():
        i = d
        c.source += (c.dims[i] - 1) * c.fs[i]
        c.fs[i] = -c.fs[i]
    copy_all(&c, cnp.PyArray_SIZE(out))
    return out


cdef struct Roll:
    int nd
    Py_ssize_t dims[64]
    Py_ssize_t moves[64]
    Py_ssize_t ts[64]
    Py_ssize_t fs[64]
    rl_copier copier


def roll(x, *, tuple shifts, tuple dims):
    """x with its entries moved on along each of `dims`, round the end; along all of them in a row for ()."""
    cdef Roll r
    cdef rl_copying c
    cdef cnp.ndarray out
    cdef Py_ssize_t shift
    cdef int i
    if type(x) is not cnp.ndarray or not plain(x) or not choose_raw(&c, cnp.PyArray_ITEMSIZE(x)):
        return NotImplemented
    if not dims and not cnp.PyArray_IS_C_CONTIGUOUS(x):
        return NotImplemented
    out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), rl_dtype(x))
    if cnp.PyArray_SIZE(x) == 0:
        return out
    r.nd, r.copier = cnp.PyArray_NDIM(x) if dims else 1, c.copier
    for i in range(r.nd):
        r.dims[i], r.moves[i] = cnp.PyArray_DIM(x, i) if dims else cnp.PyArray_SIZE(x), 0
        r.ts[i] = cnp.PyArray_STRIDE(out, i) if dims else cnp.PyArray_ITEMSIZE(x)
        r.fs[i] = cnp.PyArray_STRIDE(x, i) if dims else cnp.PyArray_ITEMSIZE(x)
    for shift, i in zip(shifts, dims or (0,)):
        # Of C's, the remainder of a negative number is negative.
        r.moves[i] = ((r.moves[i] + shift % r.dims[i]) % r.dims[i] + r.dims[i]) % r.dims[i]
    c.nd, c.second = r.nd, NULL
    roll_from(&r, 0, cnp.PyArray_BYTES(out), cnp.PyArray_BYTES(x), &c)
    return out


cdef void roll_from(Roll *r, int at, char *to, char *source, rl_copying *c):
    """Copy one part after the other: each moved dimension, from number `at` on, is cut in two."""
    cdef rl_copying part
    cdef Py_ssize_t size = 1, move
    cdef int i
    while at < r.nd and r.moves[at] == 0:
        c.dims[at], c.ts[at], c.fs[at] = r.dims[at], r.ts[at], r.fs[at]
        at += 1
    if at < r.nd:
        move = r.moves[at]
        c.dims[at], c.ts[at], c.fs[at] = r.dims[at] - move, r.ts[at], r.fs[at]
        roll_from(r, at + 1, to + move * r.ts[at], source, c)
        c.dims[at] = move
        roll_from(r, at + 1, to, source + (r.dims[at] - move) * r.fs[at], c)
        return
    # Arranging changes what it is given.
    part.nd, part.copier, part.second, part.to, part.source = r.nd, r.copier, NULL, to, source
    for i in range(r.nd):
        part.dims[i], part.ts[i], part.fs[i] = c.dims[i], c.ts[i], c.fs[i]
        size *= c.dims[i]
    copy_all(&part, size)


def cat(*xs, Py_ssize_t dim, tuple sizes):
    """The arrays end to end along a dimension."""
    return NotImplemented if None in sizes else join(xs, dim, False)


def stack(*xs, Py_ssize_t dim):
    """The arrays side by side along a new dimension."""
    return join(xs, dim, True)


cdef object join(tuple xs, Py_ssize_t dim, bint stacked):
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray out, first
    cdef Py_ssize_t total = 0
    cdef int i, nd
    cdef bint contiguous = True
    if len(xs) == 0 or type(xs[0]) is not cnp.ndarray or not plain(xs[0]):
        return NotImplemented
    first = xs[0]
    nd = cnp.PyArray_NDIM(first)
    if dim < 0 or dim >= nd + stacked or nd > 62:
        return NotImplemented
    for x in xs:
        if not fits_behind(first, x, nd, -1 if stacked else dim):
            return NotImplemented
        contiguous = contiguous and cnp.PyArray_IS_C_CONTIGUOUS(x)
        total += 1 if stacked else cnp.PyArray_DIM(x, <int>dim)
    for i in range(nd + stacked):
        dims[i] = total if i == dim else cnp.PyArray_DIM(first, i - (stacked and i > dim))
    out = fresh(nd + stacked, dims, rl_dtype(first))
    # Short stretches are quicker as elements with gaps between them, single elements one after the other.
    if contiguous and (dim == 0 or stretch(out, dim) >= 64 * len(xs) or (stacked and dim == nd)):
        join_bytes(xs, out, dim)
    elif not join_strided(xs, out, dim, stacked):
        return NotImplemented
    return out


cdef Py_ssize_t stretch(cnp.ndarray out, Py_ssize_t dim) noexcept:
    """How many bytes of an array the entries from a dimension on take."""
    cdef Py_ssize_t n = cnp.PyArray_ITEMSIZE(out)
    cdef int i
    for i in range(<int>dim, cnp.PyArray_NDIM(out)):
        n *= cnp.PyArray_DIM(out, i)
    return n


cdef bint fits_behind(cnp.ndarray first, x, int nd, Py_ssize_t dim):
    """Whether x is of the dtype of `first`, and differs from its sizes in one dimension at most."""
    cdef int i
    if type(x) is not cnp.ndarray or cnp.PyArray_NDIM(x) != nd or not plain(x):
        return False
    if cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(first):
        return False
    for i in range(nd):
        if i != dim and cnp.PyArray_DIM(x, i) != cnp.PyArray_DIM(first, i):
            return False
    return True


cdef object join_bytes(tuple xs, cnp.ndarray out, Py_ssize_t dim):
    """Fill `out` with stretches of contiguous arrays."""
    cdef rl_joining j
    cdef Py_ssize_t count = len(xs), lead = 1, size = cnp.PyArray_NBYTES(out), k
    cdef cnp.ndarray x
    if size == 0:
        return None
    for k in range(dim):
        lead *= cnp.PyArray_DIM(out, <int>k)
    j.count, j.width, j.to, j.element = count, size // lead, cnp.PyArray_BYTES(out), 0
    if j.width == count * cnp.PyArray_ITEMSIZE(out) and cnp.PyArray_ITEMSIZE(out) in (4, 8):
        j.element = cnp.PyArray_ITEMSIZE(out)
    j.source = <const char **>PyMem_Malloc(count * (sizeof(char *) + sizeof(Py_ssize_t)))
    if j.source == NULL:
        raise MemoryError
    j.stretch = <Py_ssize_t *>(j.source + count)
    for k in range(count):
        x = xs[k]
        j.source[k] = cnp.PyArray_BYTES(x)
        j.stretch[k] = cnp.PyArray_NBYTES(x) // lead
        if j.stretch[k] != j.element:
            j.element = 0
    if size < BYTES:
        rl_join_part(&j, 0, size)
    else:
        with nogil:
            spread(rl_join_part, &j, size, BYTES)
    PyMem_Free(j.source)


cdef bint join_strided(tuple xs, cnp.ndarray out, Py_ssize_t dim, bint stacked):
    """Fill `out` with one array after the other; False where there is no loop for such elements."""
    cdef rl_copying c
    cdef Py_ssize_t start = 0
    cdef int i, at
    cdef cnp.ndarray x
    if not choose_raw(&c, cnp.PyArray_ITEMSIZE(out)):
        return False
    for part in xs:
        x = part
        for i in range(cnp.PyArray_NDIM(x)):
            at = i + (stacked and i >= dim)
            c.dims[i], c.ts[i], c.fs[i] = cnp.PyArray_DIM(x, i), cnp.PyArray_STRIDE(out, at), cnp.PyArray_STRIDE(x, i)
        c.nd, c.source = cnp.PyArray_NDIM(x), cnp.PyArray_BYTES(x)
        c.to = cnp.PyArray_BYTES(out) + start * cnp.PyArray_STRIDE(out, <int>dim)
        copy_all(&c, cnp.PyArray_SIZE(x))
        start += 1 if stacked else cnp.PyArray_DIM(x, <int>dim)
    return True


def triangle_indices(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t offset, bint upper):
    """Rows and columns of the entries on and below (above: `upper`) a diagonal, int64 of shape (2, n)."""
    cdef cnp.npy_intp dims[2]
    cdef Py_ssize_t total = 0, r, c, cut
    cdef cnp.ndarray out
    cdef cnp.int64_t *row
    cdef cnp.int64_t *column
    for r in range(rows):
        cut = min(max(r + offset + (not upper), 0), columns)
        total += columns - cut if upper else cut
    dims[0], dims[1] = 2, total
    out = kept(2, dims, cnp.NPY_INT64)
    row = <cnp.int64_t *>cnp.PyArray_DATA(out)
    column = row + total
    with nogil:
        for r in range(rows):
            cut = min(max(r + offset + (not upper), 0), columns)
            for c in range(cut if upper else 0, columns if upper else cut):
                row[0], column[0] = r, c
                row += 1
                column += 1
    return out


# What writes over an array: the in-place forms of the operations.


cdef class Copy(Kernel):
    cdef bint into2(self, object x, object y) except -1:
        return write(x, y)


cdef class Fill(Kernel):
    cdef bint into2(self, object x, object y) except -1:
        cdef cnp.ndarray number
        cdef int kind
        if type(x) is not cnp.ndarray:
            return False
        if type(y) is cnp.ndarray:
            return cnp.PyArray_NDIM(y) == 0 and write(x, y)
        kind = kind_of(rl_dtype(x))
        # Others may not hold the number, which is for NumPy to say.
        if (type(y) is not float and type(y) is not int) or kind < F4 or kind > C16:
            return False
        number = rl_empty(0, NULL, rl_dtype(x))
        if kind == F4 or kind == C8:
            (<float *>cnp.PyArray_DATA(number))[0] = <float><double>y
            if kind == C8:
                (<float *>cnp.PyArray_DATA(number))[1] = 0
        else:
            (<double *>cnp.PyArray_DATA(number))[0] = <double>y
            if kind == C16:
                (<double *>cnp.PyArray_DATA(number))[1] = 0
        return write(x, number)


cdef class Zero(Kernel):
    cdef bint into1(self, object x) except -1:
        cdef cnp.ndarray number
        if type(x) is not cnp.ndarray:
            return False
        number = rl_empty(0, NULL, rl_dtype(x))
        memset(cnp.PyArray_DATA(number), 0, cnp.PyArray_ITEMSIZE(number))
        return write(x, number)


write_over, fill, zero = Copy(), Fill(), Zero()
