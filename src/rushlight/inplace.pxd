cimport cython
from numpy cimport ndarray

from rushlight.core cimport Node, Op, TensorBase, View, arrays_for, needed_of, new_node, packers_entered, recorded, wrap
from rushlight.modes cimport grad_enabled, inference_enabled

cdef extern from *:
    """
    #include <numpy/arrayobject.h>
    /* Read here: what NumPy makes of __array_interface__ crashes where it finds no memory. */
    static Py_ssize_t rl_place(PyObject *array) { return (Py_ssize_t)PyArray_DATA((PyArrayObject *)array); }
    """
    Py_ssize_t rl_place(object array)

cdef inline object place_of(object array):
    return rl_place(array) if isinstance(array, ndarray) else array.__array_interface__["data"][0]

cdef Op _as_strided, _copy_slices
cdef object _view_across, _written_across

@cython.locals(needed=cython.longlong, node=Node)
cpdef object run_inplace(Op op, TensorBase x, tuple rest, dict params)
@cython.locals(tensor=TensorBase, tracked=bint)
cdef bint written_at_once(Op op, TensorBase x, object other) except -1
cdef bint written_by_kernel(Op op, object array, list arrays, dict params) except -1
@cython.locals(view=View, base=TensorBase, scatter=Node, before=Node)
cpdef rebase(TensorBase x, Node node, int number=*)
@cython.locals(base=TensorBase, node=Node, before=Node)
cpdef Node renewed(TensorBase x)
cpdef dict storage_geometry(object array, object base)
cdef Py_ssize_t reach_of(object array) except -1
