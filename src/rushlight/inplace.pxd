cimport cython
from numpy cimport ndarray

from rushlight.core cimport Node, Op, TensorBase, View, arrays_for, needed_of, new_node, packers_entered, recorded, wrap
from rushlight.modes cimport grad_enabled, inference_enabled

cdef extern from *:
    """
    #include <numpy/arrayobject.h>
    /* Read here: what NumPy makes of __array_interface__ crashes where it finds no memory. */
    static Py_ssize_t rl_place(PyObject *array) { return (Py_ssize_t)PyArray_DATA((PyArrayObject *)array); }
    /* The size of an element is given: to ask an array for it, NumPy would have to be imported in C. */
    static Py_ssize_t rl_reach(PyObject *array, Py_ssize_t reach) {
        PyArrayObject *a = (PyArrayObject *)array;
        for (int d = 0; d < PyArray_NDIM(a); d++) {
            if (PyArray_DIM(a, d) == 0) return 0;
            reach += (PyArray_DIM(a, d) - 1) * PyArray_STRIDE(a, d);
        }
        return reach;
    }
    static PyObject *rl_steps(PyObject *array, Py_ssize_t size) {
        PyArrayObject *a = (PyArrayObject *)array;
        PyObject *steps = PyTuple_New(PyArray_NDIM(a));
        for (int d = 0; steps && d < PyArray_NDIM(a); d++) {
            PyObject *step = PyLong_FromSsize_t(PyArray_STRIDE(a, d) / size);
            if (step == NULL) { Py_CLEAR(steps); break; }
            PyTuple_SET_ITEM(steps, d, step);
        }
        return steps;
    }
    """
    Py_ssize_t rl_place(object array)
    Py_ssize_t rl_reach(object array, Py_ssize_t itemsize)
    tuple rl_steps(object array, Py_ssize_t itemsize)

cdef inline object place_of(object array):
    return rl_place(array) if isinstance(array, ndarray) else array.__array_interface__["data"][0]

cdef inline Py_ssize_t reach_of(object array, Py_ssize_t itemsize) noexcept:
    return rl_reach(array, itemsize)

cdef inline tuple steps_of(object array, Py_ssize_t itemsize):
    return rl_steps(array, itemsize)

cdef Op _as_strided, _copy_slices
cdef object _view_across, _written_across

@cython.locals(needed=cython.longlong, node=Node)
cpdef object run_inplace(Op op, TensorBase x, tuple rest, dict params)
@cython.locals(view=View)
cdef bint guarded(TensorBase x) except -1
@cython.locals(tensor=TensorBase, tracked=bint)
cdef bint written_at_once(Op op, TensorBase x, object other) except -1
cdef bint written_by_kernel(Op op, object array, list arrays, dict params) except -1
@cython.locals(view=View, base=TensorBase, scatter=Node, before=Node)
cpdef rebase(TensorBase x, Node node, int number=*)
@cython.locals(base=TensorBase, node=Node, before=Node)
cpdef Node renewed(TensorBase x)
@cython.locals(offset=cython.Py_ssize_t, itemsize=cython.Py_ssize_t)
cpdef dict storage_geometry(object array, object base)
