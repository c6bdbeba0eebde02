# cython: boundscheck=False, wraparound=False, cdivision=True
"""Views at the cost of an allocation; NumPy's own as_strided takes microseconds, a Python function a third of one."""

cimport numpy as cnp
from libc.string cimport memcpy, memset

from rushlight.kernels.buffers cimport empty, plain
from rushlight.kernels.kernel cimport Kernel

cnp.import_array()

# Elements from which on a copy is shared among threads.
cdef enum:
    LONG = 1 << 15

cdef extern from *:
    """
    /* A view of a's memory, `offset` bytes on, which keeps a alive. */
    static PyObject *rl_strided(PyArrayObject *a, int nd, npy_intp *dims, npy_intp *strides, npy_intp offset) {
        PyArray_Descr *descr = PyArray_DESCR(a);
        PyObject *view;
        Py_INCREF(descr);
        view = PyArray_NewFromDescr(&PyArray_Type, descr, nd, dims, strides, PyArray_BYTES(a) + offset,
                                    PyArray_FLAGS(a) & NPY_ARRAY_WRITEABLE, NULL);
        if (view == NULL) return NULL;
        Py_INCREF(a);
        if (PyArray_SetBaseObject((PyArrayObject *)view, (PyObject *)a) < 0) { Py_DECREF(view); return NULL; }
        return view;
    }

    /* The same memory as elements of another dtype. */
    static PyObject *rl_bits(PyArrayObject *a, PyObject *dtype) {
        Py_INCREF(dtype);
        return PyArray_View(a, (PyArray_Descr *)dtype, NULL);
    }
    """
    object rl_strided(cnp.ndarray a, int nd, cnp.npy_intp *dims, cnp.npy_intp *strides, cnp.npy_intp offset)
    object rl_bits(cnp.ndarray a, object dtype)


def strided(cnp.ndarray a, tuple shape, tuple strides, Py_ssize_t offset, Py_ssize_t unit=1):
    """An array over a's memory with the given shape, and strides and offset in units of so many bytes; nothing is checked."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef int nd = len(shape), i
    if nd > 64 or len(strides) != nd:
        raise ValueError("more than 64 dimensions, or not as many strides")
    for i in range(nd):
        dims[i] = shape[i]
        steps[i] = unit * <Py_ssize_t>strides[i]
    return rl_strided(a, nd, dims, steps, unit * offset)


def reach(tuple size, tuple stride, offset):
    """How many elements such a view reaches over, counted from where its storage begins; -1 where that is to be asked
    again in Python, for a sentence or for large numbers."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef Py_ssize_t total, i, n = len(size)
    if type(offset) is not int or len(stride) != n or not ints(size, dims) or not ints(stride, steps):
        return -1
    total = offset
    if not 0 <= total < 1 << 62:
        return -1
    for i in range(n):
        if not (0 < dims[i] < 1 << 31 and 0 <= steps[i] < 1 << 31):
            return -1
        total += (dims[i] - 1) * steps[i]
        if total < 0 or total >= 1 << 62:
            return -1
    return total + 1


def as_strided(x, *, tuple size, tuple stride, Py_ssize_t storage_offset, base_stride):
    """x, which lies in row-major order, seen by steps that are counted in elements; nothing is checked."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef int i, n = <int>len(size)
    cdef Py_ssize_t each
    if type(x) is not cnp.ndarray or base_stride is not None or not cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>x):
        return NotImplemented
    if len(stride) != n or not ints(size, dims) or not ints(stride, steps):
        return NotImplemented
    each = cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)
    for i in range(n):
        steps[i] *= each
    return rl_strided(<cnp.ndarray>x, n, dims, steps, storage_offset * each)


cdef object part_of(cnp.ndarray whole, object size, object stride, object storage_offset, object base_stride):
    """That view of an array in row-major order; None for another layout, and for what would reach beyond the array."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef cnp.npy_intp base[64]
    cdef Py_ssize_t each = cnp.PyArray_ITEMSIZE(whole), step = 1, far
    cdef int i, n, nd = cnp.PyArray_NDIM(whole)
    if type(size) is not tuple or type(stride) is not tuple or not cnp.PyArray_IS_C_CONTIGUOUS(whole):
        return None
    if base_stride is not None:
        if type(base_stride) is not tuple or len(<tuple>base_stride) != nd or not ints(<tuple>base_stride, base):
            return None
        for i in range(nd - 1, -1, -1):
            if base[i] != step:
                return None
            step *= max(cnp.PyArray_DIM(whole, i), 1)
    far = reach(<tuple>size, <tuple>stride, storage_offset)
    if far < 0 or far > cnp.PyArray_SIZE(whole):
        return None
    n = <int>len(<tuple>size)
    ints(<tuple>size, dims)
    ints(<tuple>stride, steps)
    for i in range(n):
        steps[i] *= each
    return rl_strided(whole, n, dims, steps, <Py_ssize_t>storage_offset * each)


def cut_out(g, size, stride, storage_offset, base_stride):
    """A copy of g with zeros where such a view of it would be."""
    cdef cnp.ndarray out
    if not readable(g):
        return NotImplemented
    out = empty(cnp.PyArray_NDIM(<cnp.ndarray>g), cnp.PyArray_DIMS(<cnp.ndarray>g), cnp.PyArray_TYPE(<cnp.ndarray>g))
    part = part_of(out, size, stride, storage_offset, base_stride)
    if part is None:
        return NotImplemented
    memcpy(cnp.PyArray_DATA(out), cnp.PyArray_DATA(<cnp.ndarray>g), cnp.PyArray_NBYTES(out))
    if cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>part):
        cnp.PyArray_FILLWBYTE(part, 0)
    else:
        part[...] = 0
    return out


def read_out(g, size, stride, storage_offset, base_stride):
    """A copy of such a view of g."""
    if not readable(g):
        return NotImplemented
    part = part_of(g, size, stride, storage_offset, base_stride)
    return NotImplemented if part is None else cnp.PyArray_NewCopy(part, cnp.NPY_CORDER)


cdef bint readable(object g) noexcept:
    """Whether g is an array of numbers in row-major order, and not so long that more than one thread would copy it."""
    return plain(g) and cnp.PyArray_TYPE(<cnp.ndarray>g) < cnp.NPY_OBJECT and cnp.PyArray_SIZE(<cnp.ndarray>g) < LONG


# Views as the operations of ops/shape.py make them; what they decline or NumPy refuses is NumPy's to explain.


cdef object transposed(object x, object dim0, object dim1):
    """x with two dimensions swapped."""
    if type(x) is not cnp.ndarray or type(dim0) is not int or type(dim1) is not int:
        return NotImplemented
    return swapped(<cnp.ndarray>x, dim0, dim1)


cdef object swapped(cnp.ndarray a, Py_ssize_t i, Py_ssize_t j):
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef int k, nd = cnp.PyArray_NDIM(a)
    i += nd if i < 0 else 0
    j += nd if j < 0 else 0
    if i < 0 or j < 0 or i >= nd or j >= nd:
        return NotImplemented
    for k in range(nd):
        dims[k], steps[k] = cnp.PyArray_DIM(a, k), cnp.PyArray_STRIDE(a, k)
    dims[i], dims[j] = dims[j], dims[i]
    steps[i], steps[j] = steps[j], steps[i]
    return rl_strided(a, nd, dims, steps, 0)


cdef object reversed(object x):
    """x with its dimensions in reverse order."""
    if type(x) is not cnp.ndarray:
        return NotImplemented
    if cnp.PyArray_NDIM(<cnp.ndarray>x) == 2:
        return swapped(<cnp.ndarray>x, 0, 1)
    return cnp.PyArray_Transpose(<cnp.ndarray>x, NULL)


cdef object permuted(object x, object dims):
    """x with its dimensions in the order of the tuple `dims`."""
    cdef cnp.npy_intp order[64]
    cdef cnp.PyArray_Dims wanted
    if type(x) is not cnp.ndarray or type(dims) is not tuple or not ints(<tuple>dims, order):
        return NotImplemented
    wanted.ptr = order
    wanted.len = <int>len(<tuple>dims)
    return cnp.PyArray_Transpose(<cnp.ndarray>x, &wanted)


cdef object viewed(object x, object shape):
    """The elements of x in the sizes of the tuple `shape`, of which one may be -1, where that needs no copy."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef cnp.npy_intp step
    cdef int i, n
    if type(x) is not cnp.ndarray or type(shape) is not tuple or not ints(<tuple>shape, dims):
        return NotImplemented
    n = <int>len(<tuple>shape)
    for i in range(n):
        if dims[i] < -1:
            return NotImplemented
    if not cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>x) or not fits(<cnp.ndarray>x, dims, n):
        return NotImplemented
    step = cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)
    for i in range(n - 1, -1, -1):
        steps[i] = step
        step *= dims[i] if dims[i] > 0 else 1
    return rl_strided(<cnp.ndarray>x, n, dims, steps, 0)


cdef object unsqueezed(object x, object dim):
    """x with a new dimension of size 1 before dimension `dim`."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef cnp.ndarray a
    cdef int nd, i
    cdef Py_ssize_t at
    if type(x) is not cnp.ndarray or cnp.PyArray_NDIM(<cnp.ndarray>x) >= 64 or type(dim) is not int:
        return NotImplemented
    a = <cnp.ndarray>x
    nd = cnp.PyArray_NDIM(a) + 1
    at = dim
    if at < 0:
        at += nd
    if at < 0 or at >= nd:
        return NotImplemented
    for i in range(nd):
        if i == at:
            dims[i] = 1
            steps[i] = cnp.PyArray_STRIDE(a, i) * cnp.PyArray_DIM(a, i) if i < nd - 1 else cnp.PyArray_ITEMSIZE(a)
        else:
            dims[i] = cnp.PyArray_DIM(a, i - (i > at))
            steps[i] = cnp.PyArray_STRIDE(a, i - (i > at))
    return rl_strided(a, nd, dims, steps, 0)


def squeeze(object x, *, object dim):
    """x without the dimensions of size 1 among the tuple `dim`, without any for None."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef cnp.ndarray a
    cdef int nd = 0, i
    if type(x) is not cnp.ndarray:
        return NotImplemented
    a = <cnp.ndarray>x
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, i) == 1 and (dim is None or i in <tuple>dim):
            continue
        dims[nd] = cnp.PyArray_DIM(a, i)
        steps[nd] = cnp.PyArray_STRIDE(a, i)
        nd += 1
    return rl_strided(a, nd, dims, steps, 0)


def diagonal(object x, *, Py_ssize_t offset, int dim1, int dim2):
    """The diagonal of two dimensions as the last one."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef cnp.ndarray a
    cdef int nd = 0, i
    cdef Py_ssize_t n, start
    if type(x) is not cnp.ndarray:
        return NotImplemented
    a = <cnp.ndarray>x
    for i in range(cnp.PyArray_NDIM(a)):
        if i != dim1 and i != dim2:
            dims[nd] = cnp.PyArray_DIM(a, i)
            steps[nd] = cnp.PyArray_STRIDE(a, i)
            nd += 1
    if offset >= 0:
        n = min(cnp.PyArray_DIM(a, dim1), cnp.PyArray_DIM(a, dim2) - offset)
        start = offset * cnp.PyArray_STRIDE(a, dim2)
    else:
        n = min(cnp.PyArray_DIM(a, dim1) + offset, cnp.PyArray_DIM(a, dim2))
        start = -offset * cnp.PyArray_STRIDE(a, dim1)
    if n <= 0:
        n = start = 0
    dims[nd] = n
    steps[nd] = cnp.PyArray_STRIDE(a, dim1) + cnp.PyArray_STRIDE(a, dim2)
    return rl_strided(a, nd + 1, dims, steps, start)


cdef bint fits(cnp.ndarray a, cnp.npy_intp *dims, int n):
    """Whether the sizes hold as many elements as a, which has some; the one that is -1 is worked out."""
    cdef Py_ssize_t known = 1, size = cnp.PyArray_SIZE(a)
    cdef int i, unknown = 0
    for i in range(n):
        if dims[i] == -1:
            unknown += 1
        else:
            known *= dims[i]
    if size == 0 or known <= 0 or unknown > 1:
        return False
    if not unknown:
        return size == known
    for i in range(n):
        if dims[i] == -1:
            dims[i] = size // known
    return size % known == 0


cdef bint ints(tuple values, cnp.npy_intp *out) except? 0:
    """Whether `values` are Python ints, at most 64, which are then in `out`."""
    cdef Py_ssize_t i
    if len(values) > 64:
        return False
    for i in range(len(values)):
        if type(values[i]) is not int:
            return False
        out[i] = values[i]
    return True


cdef object expanded(object x, tuple shape):
    """x seen in `shape`, as broadcasting does; NotImplemented where it does not fit, so that NumPy says why."""
    cdef cnp.npy_intp dims[32]
    cdef cnp.npy_intp strides[32]
    cdef cnp.ndarray a
    cdef int nd = len(shape), offset, i
    if type(x) is not cnp.ndarray or nd > 32:
        return NotImplemented
    a = <cnp.ndarray>x
    offset = nd - cnp.PyArray_NDIM(a)
    if offset < 0:
        return NotImplemented
    for i in range(nd):
        dims[i] = shape[i]
        if dims[i] < 0:
            return NotImplemented
        if i < offset:
            strides[i] = 0
        elif cnp.PyArray_DIM(a, i - offset) == dims[i]:
            strides[i] = cnp.PyArray_STRIDE(a, i - offset)
        elif cnp.PyArray_DIM(a, i - offset) == 1:
            strides[i] = 0
        else:
            return NotImplemented
    return rl_strided(a, nd, dims, strides, 0)


# The same as kernels, which take the parameters of the operation after its array.


cdef class Transpose(Kernel):
    cdef object call3(self, object x, object dim0, object dim1):
        return transposed(x, dim0, dim1)


cdef class T(Kernel):
    cdef object call1(self, object x):
        return reversed(x)


cdef class Permute(Kernel):
    cdef object call2(self, object x, object dims):
        return permuted(x, dims)


cdef class View(Kernel):
    cdef object call2(self, object x, object shape):
        return viewed(x, shape)


cdef class Unsqueeze(Kernel):
    cdef object call2(self, object x, object dim):
        return unsqueezed(x, dim)


cdef class Bits(Kernel):
    cdef object call2(self, object x, object dtype):
        if type(x) is not cnp.ndarray or not isinstance(dtype, cnp.dtype):
            return NotImplemented
        return rl_bits(<cnp.ndarray>x, dtype)


cdef class Expand(Kernel):
    cdef object call2(self, object x, object shape):
        return expanded(x, shape) if type(shape) is tuple else NotImplemented


transpose, t, permute, view, unsqueeze, expand = Transpose(), T(), Permute(), View(), Unsqueeze(), Expand()
view_dtype = Bits()


def unbind(x, *, Py_ssize_t dim):
    """Views of all entries along a dimension."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef cnp.ndarray a
    cdef int i, k = 0, n
    cdef Py_ssize_t place
    if type(x) is not cnp.ndarray:
        return NotImplemented
    a = <cnp.ndarray>x
    n = cnp.PyArray_NDIM(a)
    for i in range(n):
        if i != dim:
            dims[k], steps[k] = cnp.PyArray_DIM(a, i), cnp.PyArray_STRIDE(a, i)
            k += 1
    return [rl_strided(a, n - 1, dims, steps, place * cnp.PyArray_STRIDE(a, <int>dim)) for place in range(cnp.PyArray_DIM(a, <int>dim))]


def rows_together(list rows):
    """Arrays of one shape, of float32 or float64, as one array along a new first dimension; zeros where a row is None."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray first = None, row, out
    cdef Py_ssize_t size, k
    cdef int i, n
    for part in rows:
        if part is not None:
            first = part
            break
    if first is None or not cnp.PyArray_CheckExact(first) or cnp.PyArray_NDIM(first) > 63:
        return NotImplemented
    if cnp.PyArray_TYPE(first) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(first) != cnp.NPY_FLOAT64:
        return NotImplemented
    n = cnp.PyArray_NDIM(first)
    dims[0] = len(rows)
    for i in range(n):
        dims[i + 1] = cnp.PyArray_DIM(first, i)
    out = empty(n + 1, dims, cnp.PyArray_TYPE(first))
    size = cnp.PyArray_NBYTES(first)
    to = <char *>cnp.PyArray_DATA(out)
    for k in range(dims[0]):
        part = rows[k]
        if part is None:
            memset(to + k * size, 0, size)
            continue
        if not cnp.PyArray_CheckExact(part):
            return NotImplemented
        row = <cnp.ndarray>part
        if cnp.PyArray_TYPE(row) != cnp.PyArray_TYPE(first) or not cnp.PyArray_SAMESHAPE(row, first) or not cnp.PyArray_ISCARRAY_RO(row):
            return NotImplemented
        memcpy(to + k * size, cnp.PyArray_DATA(row), size)
    return out
