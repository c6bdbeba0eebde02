# cython: boundscheck=False, wraparound=False, cdivision=True
"""A view by strides at the cost of an allocation; NumPy's own as_strided takes microseconds."""

cimport numpy as cnp

cnp.import_array()

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
    """
    object rl_strided(cnp.ndarray a, int nd, cnp.npy_intp *dims, cnp.npy_intp *strides, cnp.npy_intp offset)


def strided(cnp.ndarray a, tuple shape, tuple strides, Py_ssize_t offset):
    """An array over a's memory with the given shape, and strides and offset in bytes; nothing is checked."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef int nd = len(shape), i
    if nd > 64 or len(strides) != nd:
        raise ValueError("more than 64 dimensions, or not as many strides")
    for i in range(nd):
        dims[i] = shape[i]
        steps[i] = strides[i]
    return rl_strided(a, nd, dims, steps, offset)
