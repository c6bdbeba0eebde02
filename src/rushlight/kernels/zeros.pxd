"""Arrays of zeros. What is large lies in memory that is kept, and is emptied by all threads."""

cimport numpy as cnp
from libc.string cimport memset

from rushlight.kernels.buffers cimport empty
from rushlight.kernels.parallel cimport spread

# Bytes that are worth a thread of their own, and those from which on the system has pages of zeros ready.
cdef enum:
    ZEROS = 1 << 17
    FROM_SYSTEM = 1 << 26


cdef inline void empty_part(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    memset(<char *>what + begin, 0, end - begin)


cdef inline void clear(cnp.ndarray x) noexcept:
    """Zeros over an array that is in one piece."""
    if cnp.PyArray_NBYTES(x) < 2 * ZEROS:
        memset(cnp.PyArray_DATA(x), 0, cnp.PyArray_NBYTES(x))
        return
    with nogil:
        spread(empty_part, cnp.PyArray_DATA(x), cnp.PyArray_NBYTES(x), ZEROS)


cdef inline cnp.ndarray zeros(int nd, cnp.npy_intp *dims, int kind):
    """A C-contiguous array of zeros of a NumPy type number."""
    cdef Py_ssize_t size = 1
    cdef int d
    cdef cnp.ndarray out
    for d in range(nd):
        size *= dims[d]
    if size > FROM_SYSTEM // 16:
        return cnp.PyArray_ZEROS(nd, dims, kind, 0)
    out = empty(nd, dims, kind)
    clear(out)
    return out
