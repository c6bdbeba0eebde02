cimport numpy as cnp

# An uninitialised, C-contiguous array of a NumPy type number.
cdef cnp.ndarray empty(int nd, cnp.npy_intp *dims, int kind)


# Whether x is an array whose memory is as its shape says.
cdef inline bint plain(object x) noexcept:
    return (
        cnp.PyArray_CheckExact(x)
        and cnp.PyArray_IS_C_CONTIGUOUS(x)
        and cnp.PyArray_ISALIGNED(x)
        and cnp.PyArray_ISNOTSWAPPED(x)
    )
