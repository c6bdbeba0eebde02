cimport numpy as cnp

# An uninitialised, C-contiguous array of a NumPy type number.
cdef cnp.ndarray empty(int nd, cnp.npy_intp *dims, int kind)
