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


# Whether x, of more than one element, is one number seen as an array: all its steps are 0.
cdef inline bint one_number(cnp.ndarray x) noexcept:
    cdef int i
    if cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_ISBEHAVED_RO(x):
        return False
    for i in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_STRIDE(x, i) != 0 and cnp.PyArray_DIM(x, i) != 1:
            return False
    return True


# x itself where its memory is as its shape and dtype say, aligned and in one piece; else a copy of it that is.
cdef inline cnp.ndarray contiguous(cnp.ndarray x):
    if cnp.PyArray_ISCARRAY_RO(x):
        return x
    return cnp.PyArray_FROMANY(x, cnp.PyArray_TYPE(x), 0, 0, cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_NOTSWAPPED)


# The same; None for what is no array of dtype number `kind`.
cdef inline cnp.ndarray row_major(object x, int kind):
    if not isinstance(x, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>x) != kind:
        return None
    return contiguous(<cnp.ndarray>x)
