# cython: boundscheck=False, wraparound=False
"""Arrays of Python's numbers: lists of floats, and lists of such lists of one length. And a number of an array."""

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from rushlight.kernels.buffers cimport empty

cnp.import_array()

# A row of more numbers is left to NumPy, which other threads and signals may interrupt.
cdef Py_ssize_t MOST = 1 << 16


cdef bint put_row(PyObject *row, Py_ssize_t n, int kind, char *to) noexcept:
    """Whether `row` is a list of n floats, which then are at `to`."""
    cdef Py_ssize_t k
    cdef double number
    cdef PyObject *item
    if not PyList_CheckExact(<object>row) or PyList_GET_SIZE(<object>row) != n:
        return False
    for k in range(n):
        item = PyList_GET_ITEM(<object>row, k)
        if not PyFloat_CheckExact(<object>item):
            return False
        number = PyFloat_AS_DOUBLE(<object>item)
        if kind == cnp.NPY_FLOAT32:
            (<float *>to)[k] = <float>number
        else:
            (<double *>to)[k] = number
    return True


def floats(list data, dtype):
    """An array of float32 or float64 numbers from a list of floats, or of lists of floats."""
    cdef int kind = (<cnp.dtype>dtype).type_num
    cdef cnp.npy_intp shape[2]
    cdef Py_ssize_t n = PyList_GET_SIZE(data), k
    cdef PyObject *first
    cdef cnp.ndarray out
    cdef char *to
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or n == 0 or n > MOST:
        return NotImplemented
    shape[0] = n
    first = PyList_GET_ITEM(data, 0)
    if PyFloat_CheckExact(<object>first):
        out = empty(1, shape, kind)
        return out if put_row(<PyObject *>data, n, kind, <char *>cnp.PyArray_DATA(out)) else NotImplemented
    if not PyList_CheckExact(<object>first):
        return NotImplemented
    shape[1] = PyList_GET_SIZE(<object>first)
    if shape[1] == 0 or n * shape[1] > MOST:
        return NotImplemented
    out = empty(2, shape, kind)
    to = <char *>cnp.PyArray_DATA(out)
    for k in range(n):
        if not put_row(PyList_GET_ITEM(data, k), shape[1], kind, to):
            return NotImplemented
        to += shape[1] * cnp.PyArray_ITEMSIZE(out)
    return out


cdef object number_of(object array):
    cdef cnp.ndarray a
    if not cnp.PyArray_CheckExact(array):
        return NotImplemented
    a = <cnp.ndarray>array
    if cnp.PyArray_SIZE(a) != 1 or cnp.PyArray_TYPE(a) >= cnp.NPY_OBJECT:
        return NotImplemented
    return cnp.PyArray_GETITEM(a, <char *>cnp.PyArray_DATA(a))
