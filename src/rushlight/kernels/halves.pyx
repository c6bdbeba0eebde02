"""Kernels of float32 for 16-bit floats: the arrays are brought to float32, and the results rounded once."""

cimport numpy as cnp

from rushlight.kernels.copying import cast
from rushlight.kernels.halves cimport half_kind

import numpy as np

cnp.import_array()

cdef object SINGLE = np.dtype(np.float32)


cdef class InSingle:
    """A kernel that takes 16-bit floats, too.

    `like` says of each result by its place which argument has its dtype; None leaves it in float32. Without it all
    results of float32 are of the dtype of the first 16-bit argument.
    """

    cdef object kernel
    cdef tuple like

    def __init__(self, kernel, like=None):
        self.kernel = kernel
        self.like = like

    def __call__(self, *arrays, **params):
        out = self.kernel(*arrays, **params)
        return out if out is not NotImplemented else self.widened(arrays, params)

    cdef object widened(self, tuple arrays, dict params):
        cdef object dtype = None
        cdef list wide = list(arrays)
        cdef Py_ssize_t k
        for k in range(len(wide)):
            x = wide[k]
            if isinstance(x, cnp.ndarray) and half_kind(<cnp.ndarray>x):
                dtype = x.dtype if dtype is None else dtype
                wide[k] = cast(x, dtype=SINGLE)
                if wide[k] is NotImplemented:
                    return NotImplemented
        if dtype is None:
            return NotImplemented
        out = self.kernel(*wide, **params)
        if out is NotImplemented:
            return NotImplemented
        if not isinstance(out, (tuple, list)):
            return narrowed(out, dtype)
        if self.like is None:
            return tuple([narrowed(part, dtype) for part in out])
        return tuple([narrowed(part, self.of_result(arrays, k, dtype)) for k, part in enumerate(out)])

    cdef object of_result(self, tuple arrays, Py_ssize_t k, object dtype):
        """The dtype of result k."""
        if self.like[k] is None:
            return None
        x = arrays[self.like[k]]
        return x.dtype if isinstance(x, cnp.ndarray) else dtype


cdef object narrowed(object x, object dtype):
    if dtype is None or not isinstance(x, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>x) != cnp.NPY_FLOAT32:
        return x
    return cast(x, dtype=dtype)
