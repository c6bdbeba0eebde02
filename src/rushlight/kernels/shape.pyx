# cython: boundscheck=False, wraparound=False, cdivision=True
"""Views made without NumPy's Python-level helpers, which cost microseconds."""

cimport numpy as cnp

cnp.import_array()

cdef extern from *:
    """
    /* A view of a with other dimensions and strides, which keeps a alive. */
    static PyObject *rl_view(PyArrayObject *a, int nd, npy_intp *dims, npy_intp *strides) {
        PyArray_Descr *descr = PyArray_DESCR(a);
        PyObject *view;
        Py_INCREF(descr);
        view = PyArray_NewFromDescr(&PyArray_Type, descr, nd, dims, strides, PyArray_DATA(a),
                                    PyArray_FLAGS(a) & NPY_ARRAY_WRITEABLE, NULL);
        if (view == NULL) return NULL;
        Py_INCREF(a);
        if (PyArray_SetBaseObject((PyArrayObject *)view, (PyObject *)a) < 0) { Py_DECREF(view); return NULL; }
        return view;
    }
    """
    object rl_view(cnp.ndarray a, int nd, cnp.npy_intp *dims, cnp.npy_intp *strides)


def expand(object x, *, tuple shape):
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
    return rl_view(a, nd, dims, strides)
