# cython: boundscheck=False, wraparound=False, cdivision=True
"""Matrix products by NumPy's BLAS, called in each thread of ours for a part of the result.

Threads of OpenBLAS's own look for work for milliseconds after a product, and take a processor from the loops that follow.
"""

cimport cython
cimport numpy as cnp

from rushlight.kernels.parallel cimport spread

from numpy.linalg import _umath_linalg

from rushlight.kernels.parallel import threads

cnp.import_array()

cdef extern from "kernels/blas.h" nogil:
    ctypedef struct rl_product:
        const char *a
        const char *b
        const char *row
        char *c
        Py_ssize_t m, n, k, a_step, b_step, c_step, row_step, a_batch, b_batch, c_batch, parts, unit
        bint a_turned, b_turned, wide, is_double
    int (*rl_blas_threads)() noexcept nogil
    void (*rl_set_blas_threads)(int) noexcept nogil
    bint rl_blas_open(const char *)
    void rl_multiply(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

cdef bint found = rl_blas_open(_umath_linalg.__file__.encode())

# So many multiplications are worth a thread's while.
cdef Py_ssize_t LEAST = 1 << 20
# A part of a matrix is a multiple of so many rows or columns.
cdef Py_ssize_t UNIT = 16

cdef int limits = 0, blas_threads = 0
cdef object guard = object()


cdef bint can_limit() noexcept:
    return found


cdef void limit_blas() noexcept:
    global limits, blas_threads
    with cython.critical_section(guard):
        if limits == 0:
            blas_threads = rl_blas_threads()
            rl_set_blas_threads(1)
        limits += 1


cdef void free_blas() noexcept:
    global limits
    with cython.critical_section(guard):
        limits -= 1
        if limits == 0:
            rl_set_blas_threads(blas_threads)


cdef inline Py_ssize_t size_of(cnp.ndarray x, bint turned) noexcept:
    """How many rows its matrices have, or columns where they lie by columns."""
    return cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - (1 if turned else 2))


cdef inline Py_ssize_t step_of(cnp.ndarray x, bint turned) noexcept:
    """What BLAS takes as the distance of rows, or of columns where it lies by columns: of one alone any that is enough."""
    if size_of(x, turned) > 1:
        return cnp.PyArray_STRIDE(x, cnp.PyArray_NDIM(x) - (1 if turned else 2))
    return max(size_of(x, not turned), 1) * cnp.PyArray_ITEMSIZE(x)


cdef inline bint lies(cnp.ndarray x, bint turned) noexcept:
    """Whether the numbers of each row (or column, where `turned`) lie side by side, and no two of them overlap."""
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(x), width = size_of(x, not turned), step = step_of(x, turned)
    if width > 1 and cnp.PyArray_STRIDE(x, cnp.PyArray_NDIM(x) - (2 if turned else 1)) != size:
        return False
    return step >= width * size and step % size == 0


cdef inline cnp.ndarray readable(cnp.ndarray x, bint *turned):
    """x, or a copy of it, as BLAS takes it."""
    turned[0] = not lies(x, False)
    if not turned[0] or lies(x, True):
        return x
    turned[0] = False
    return cnp.PyArray_GETCONTIGUOUS(x)


cdef inline Py_ssize_t batch_of(cnp.ndarray x) noexcept:
    """How far its matrices are apart."""
    return cnp.PyArray_STRIDE(x, 0) if cnp.PyArray_NDIM(x) == 3 and cnp.PyArray_DIM(x, 0) > 1 else 0


cdef bint multiplied(cnp.ndarray a, cnp.ndarray b, cnp.ndarray c, const void *row, Py_ssize_t row_step) except -1:
    cdef rl_product job
    cdef Py_ssize_t samples = cnp.PyArray_DIM(c, 0) if cnp.PyArray_NDIM(c) == 3 else 1, most, least
    if not found:
        return False
    a, b = readable(a, &job.a_turned), readable(b, &job.b_turned)
    job.is_double = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT64
    job.m, job.n, job.k = size_of(c, False), size_of(c, True), size_of(a, True)
    job.a, job.b, job.c = <char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(b), <char *>cnp.PyArray_DATA(c)
    job.a_step, job.b_step, job.c_step = step_of(a, job.a_turned), step_of(b, job.b_turned), step_of(c, False)
    job.a_batch, job.b_batch, job.c_batch = batch_of(a), batch_of(b), batch_of(c)
    job.row, job.row_step = <const char *>row, row_step
    # What is not divided each part rearranges for itself, which takes least of the smaller matrix, and of few parts.
    job.wide, most = job.n > job.m, max(job.m, job.n)
    job.unit = most if samples >= 2 * threads() else min(most, UNIT)
    job.parts = (most + job.unit - 1) // job.unit
    least = max(LEAST * job.parts // (job.m * job.n * job.k) + 1, 1 if job.parts == 1 else samples * job.parts // threads())
    limit_blas()
    with nogil:
        spread(rl_multiply, &job, samples * job.parts, least)
    free_blas()
    return True
