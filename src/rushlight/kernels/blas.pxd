cimport numpy as cnp

# Let OpenBLAS keep to the thread that calls it, until as many calls of free_blas: both are called with the GIL, and
# where it `can_limit`.
cdef bint can_limit() noexcept
cdef void limit_blas() noexcept
cdef void free_blas() noexcept

# c = a @ b for float matrices of one dtype and any strides, plus what begins at `row`, if anything: the rows of c where
# row_step is 0 get the same, and else they are so many bytes apart. The matrices may be those of three dimensions, the
# first of which may be 1 in a or b. Whether that was done: not without OpenBLAS.
cdef bint multiplied(cnp.ndarray a, cnp.ndarray b, cnp.ndarray c, const void *row, Py_ssize_t row_step) except -1
