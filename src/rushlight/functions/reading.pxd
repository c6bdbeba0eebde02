cimport cython

from rushlight.core cimport (
    Op, TensorBase, indexed, inplace, plain, record, same_kind, transforms_entered, wrap, written,
)
from rushlight.modes cimport grad_enabled

cdef extern from *:
    """
    #include <numpy/arrayobject.h>
    static int rl_one_piece(PyObject *array) { return PyArray_ISCARRAY((PyArrayObject *)array); }
    """
    bint rl_one_piece(object array)

cdef inline bint one_piece(object array):
    return rl_one_piece(array)

cdef Op ALIAS, SELECT, SLICE, UNSQUEEZE, INDEX, COPY
cdef object _INT64, _kernels, _long_way, _long_write, _translated
cdef Py_ssize_t _LONG

cpdef object getitem(object x, object index)
@cython.locals(tensor=TensorBase)
cdef object gathered(TensorBase x, object index)
@cython.locals(tensor=TensorBase)
cdef tuple key_of(object index)
cpdef setitem(TensorBase x, object index, object value)
@cython.locals(tensor=TensorBase, traced=cython.bint)
cdef bint written_shortly(TensorBase x, object index, object value) except -1
cdef bint copied_to(object array, object index, object source) except -1
@cython.locals(op=Op, view=TensorBase)
cdef bint written_with_history(TensorBase x, object index, TensorBase value) except -1
@cython.locals(op=Op, found=Op, dots=cython.int)
cpdef Op last_applied(object index)
cdef Op entry(object part, Op for_slice)
cdef bint whole(object part)
cdef bint lasting(slice part)
cdef bint number(object n)
cpdef tuple basic_key(object index)
