# cython: boundscheck=False, cdivision=True
"""Elimination and substitution: loops of our own for small matrices, the LAPACK behind numpy.linalg for larger ones.

Each function takes batches of matrices and returns new arrays, or NotImplemented for what it does not handle: numbers
that are not floating, empty matrices, and, where NumPy's LAPACK was not found, complex ones.
"""

cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from rushlight.kernels.blas cimport can_limit, free_blas, limit_blas
from rushlight.kernels.buffers cimport contiguous
from rushlight.kernels.parallel cimport span, spread

import numpy as np
from numpy.linalg import _umath_linalg

from rushlight.kernels.parallel import threads

cnp.import_array()

cdef extern from "kernels/dense.h" nogil:
    ctypedef struct rl_dense:
        int kind, upper, unit, adjoint
        Py_ssize_t m, n, columns, a_step, b_step, row, column
        void *a
        void *b
        int32_t *pivots
        int32_t *info
    void rl_lu_span_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_lu_span_f8(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_substitute_span_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_substitute_span_f8(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_cholesky_span_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_cholesky_span_f8(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_apply_span_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_apply_span_f8(void *, Py_ssize_t, Py_ssize_t) noexcept

cdef extern from "kernels/lapack.h" nogil:
    ctypedef struct rl_lapack:
        void (*getrf)(int64_t *, int64_t *, void *, int64_t *, int64_t *, int64_t *) noexcept nogil
        void (*getrs)(const char *, int64_t *, int64_t *, void *, int64_t *, int64_t *, void *, int64_t *, int64_t *, size_t) noexcept nogil
        void (*getri)(int64_t *, void *, int64_t *, int64_t *, void *, int64_t *, int64_t *) noexcept nogil
        void (*trsm)(const char *, const char *, const char *, const char *, int64_t *, int64_t *, const void *, const void *, int64_t *, void *, int64_t *, size_t, size_t, size_t, size_t) noexcept nogil
        void (*sytrf)(const char *, int64_t *, void *, int64_t *, int64_t *, void *, int64_t *, int64_t *, size_t) noexcept nogil
        void (*hetrf)(const char *, int64_t *, void *, int64_t *, int64_t *, void *, int64_t *, int64_t *, size_t) noexcept nogil
        void (*sytrs)(const char *, int64_t *, int64_t *, const void *, int64_t *, const int64_t *, void *, int64_t *, int64_t *, size_t) noexcept nogil
        void (*hetrs)(const char *, int64_t *, int64_t *, const void *, int64_t *, const int64_t *, void *, int64_t *, int64_t *, size_t) noexcept nogil
        void (*orgqr)(int64_t *, int64_t *, int64_t *, void *, int64_t *, const void *, void *, int64_t *, int64_t *) noexcept nogil
        void (*geqrf)(int64_t *, int64_t *, void *, int64_t *, void *, void *, int64_t *, int64_t *) noexcept nogil
        void (*ormqr)(const char *, const char *, int64_t *, int64_t *, int64_t *, void *, int64_t *, const void *, void *, int64_t *, void *, int64_t *, int64_t *, size_t, size_t) noexcept nogil
        void (*gelsy)(int64_t *, int64_t *, int64_t *, void *, int64_t *, void *, int64_t *, int64_t *, const void *, int64_t *, void *, int64_t *, int64_t *) noexcept nogil
    rl_lapack rl_routines[4]
    int rl_lapack_open(const char *)

cdef bint found = rl_lapack_open(_umath_linalg.__file__.encode())

# Up to this size our own loops are ahead of LAPACK.
cdef Py_ssize_t SMALL = 48

# Up to this size Cholesky's loops, which are as they stand in books, are.
cdef Py_ssize_t FEW = 24

cdef double complex ONE = 1
cdef float complex ONE_SHORT = 1


cdef int kind_of(object x):
    """0 to 3 for floats, doubles, and complex numbers of them; -1 of anything that is not handled."""
    cdef cnp.ndarray a
    cdef int kind
    if not cnp.PyArray_CheckExact(x):
        return -1
    a = <cnp.ndarray>x
    if cnp.PyArray_NDIM(a) < 2 or cnp.PyArray_SIZE(a) == 0 or not cnp.PyArray_ISBEHAVED_RO(a):
        return -1
    kind = cnp.PyArray_TYPE(a)
    if kind == cnp.NPY_FLOAT64:
        return 1
    if kind == cnp.NPY_FLOAT32:
        return 0
    if not found:
        return -1
    return 2 if kind == cnp.NPY_COMPLEX64 else 3 if kind == cnp.NPY_COMPLEX128 else -1


cdef inline Py_ssize_t rows_of(cnp.ndarray a):
    return cnp.PyArray_DIM(a, cnp.PyArray_NDIM(a) - 2)


cdef inline Py_ssize_t columns_of(cnp.ndarray a):
    return cnp.PyArray_DIM(a, cnp.PyArray_NDIM(a) - 1)


cdef inline Py_ssize_t count_of(cnp.ndarray a):
    return cnp.PyArray_SIZE(a) // (rows_of(a) * columns_of(a))


cdef inline bint square(cnp.ndarray a):
    return rows_of(a) == columns_of(a)


cdef inline cnp.ndarray turned(cnp.ndarray a):
    return a.swapaxes(-2, -1)


cdef inline bint ours(int kind, Py_ssize_t n):
    return kind < 2 and (n <= SMALL or not found)


cdef inline Py_ssize_t least(Py_ssize_t work) noexcept nogil:
    """How many matrices are worth a thread, each of them of so many multiplications."""
    return 1 + 60000 // (1 + work)


cdef void run_lu(int kind, rl_dense *job, Py_ssize_t count) noexcept:
    cdef Py_ssize_t part = least(job.m * job.n * min(job.m, job.n) // 3)
    with nogil:
        spread(rl_lu_span_f4 if kind == 0 else rl_lu_span_f8, job, count, part)


cdef void *room_for(Py_ssize_t size) except NULL:
    """Memory to work in."""
    cdef void *room = malloc(max(size, 1))
    if room == NULL:
        raise MemoryError
    return room


cdef int run_getrf(int kind, rl_dense *job, Py_ssize_t count) except -1:
    """The same of column-major matrices; LAPACK has threads of its own for large ones."""
    cdef int64_t m = job.m, n = job.n, k = min(m, n), info, j
    cdef Py_ssize_t size = 4 << (kind & 1) << (kind > 1), i
    cdef int64_t *pivots = <int64_t *>room_for(k * sizeof(int64_t))
    with nogil:
        for i in range(count):
            rl_routines[kind].getrf(&m, &n, <char *>job.a + i * job.a_step * size, &m, pivots, &info)
            job.info[i] = <int32_t>info
            for j in range(k):
                job.pivots[i * k + j] = <int32_t>pivots[j]
    free(pivots)
    return 0


def lu_factor(object x):
    """(L below U in one matrix, the row exchanged with each, counted from 1, the first zero pivot or 0)."""
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, pivots, info
    cdef rl_dense job
    if kind < 0:
        return NotImplemented
    a = <cnp.ndarray>x
    job.m, job.n = rows_of(a), columns_of(a)
    shape = x.shape[:-2]
    pivots = np.empty((*shape, min(job.m, job.n)), np.int32)
    info = np.empty(shape, np.int32)
    job.pivots, job.info = <int32_t *>cnp.PyArray_DATA(pivots), <int32_t *>cnp.PyArray_DATA(info)
    job.a_step = job.m * job.n
    if ours(kind, min(job.m, job.n)):
        a = a.copy(order="C")
        job.a = cnp.PyArray_DATA(a)
        run_lu(kind, &job, count_of(a))
        return a, pivots, info
    a = turned(a).copy(order="C")
    job.a = cnp.PyArray_DATA(a)
    run_getrf(kind, &job, count_of(a))
    return turned(a), pivots, info


cdef object paired(object x, object y):
    """Matrices and right-hand sides with equal batches (x may be one matrix for all); None where dtypes or sizes differ."""
    if kind_of(x) < 0 or kind_of(x) != kind_of(y):
        return None
    if not square(x) or rows_of(y) != columns_of(x):
        return None
    before, behind = x.shape[:-2], y.shape[:-2]
    if before == behind or not before:
        return x, y
    if not behind:
        every = np.empty((*before, *y.shape), y.dtype)
        every[...] = y
        return x, every
    lead = np.broadcast_shapes(before, behind)
    return np.broadcast_to(x, (*lead, *x.shape[-2:])), np.broadcast_to(y, (*lead, *y.shape[-2:]))


cdef cnp.ndarray laid_out(cnp.ndarray a):
    """The matrices, each row-major or column-major, one right behind the other."""
    if cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_IS_C_CONTIGUOUS(turned(a)):
        return a
    return a.copy(order="C")


cdef void set_matrix(rl_dense *job, cnp.ndarray a) noexcept:
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(a)
    cdef int nd = cnp.PyArray_NDIM(a)
    job.n = columns_of(a)
    job.a = cnp.PyArray_DATA(a)
    job.row, job.column = cnp.PyArray_STRIDE(a, nd - 2) // size, cnp.PyArray_STRIDE(a, nd - 1) // size
    if job.n == 1:
        job.row = job.column = 1
    job.a_step = 0 if count_of(a) == 1 else job.n * job.n


def solve_triangular(object a, object b, bint upper, bint left=True, bint unitriangular=False):
    """The x of a @ x = b (or x @ a = b) for triangular matrices."""
    cdef cnp.ndarray x, matrix
    cdef rl_dense job
    cdef int kind
    if not left:
        out = solve_triangular(a.swapaxes(-2, -1), b.swapaxes(-2, -1), not upper, True, unitriangular)
        return out if out is NotImplemented else turned(out)
    both = paired(a, b)
    if both is None:
        return NotImplemented
    matrix, x = laid_out(both[0]), both[1].copy(order="C")
    kind = kind_of(matrix)
    set_matrix(&job, matrix)
    job.columns, job.b, job.b_step = columns_of(x), cnp.PyArray_DATA(x), job.n * columns_of(x)
    job.upper, job.unit = upper, unitriangular
    if ours(kind, job.n):
        run_substitute(kind, &job, count_of(x))
    else:
        run_trsm(kind, &job, count_of(x))
    return x


cdef void run_substitute(int kind, rl_dense *job, Py_ssize_t count) noexcept:
    cdef Py_ssize_t part = least(job.n * job.n * job.columns // 2)
    with nogil:
        spread(rl_substitute_span_f4 if kind == 0 else rl_substitute_span_f8, job, count, part)


cdef struct Sides:
    # Right-hand sides, `unit` columns of which are a part.
    rl_dense *job
    const char *uplo
    const char *trans
    const char *diag
    const void *alpha
    Py_ssize_t size, unit, parts
    int kind


cdef void run_parts(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Row-major right-hand sides are column-major ones transposed, which stand on the other side of the matrix."""
    cdef Sides *s = <Sides *>what
    cdef int64_t n = s.job.n, columns = s.job.columns, width
    cdef Py_ssize_t part, i, first
    for part in range(begin, end):
        i, first = part // s.parts, part % s.parts * s.unit
        width = min(s.unit, columns - first)
        rl_routines[s.kind].trsm(b"R", s.uplo, s.trans, s.diag, &width, &n, s.alpha, <char *>s.job.a + i * s.job.a_step * s.size,
                                 &n, <char *>s.job.b + (i * s.job.b_step + first) * s.size, &columns, 1, 1, 1, 1)


cdef void run_trsm(int kind, rl_dense *job, Py_ssize_t count) noexcept:
    """In our own threads: OpenBLAS's look for work up to 0.1 s longer, and take a core from what comes next."""
    cdef Sides s
    cdef bint by_rows = job.column == 1, limited = can_limit()
    cdef float one_f4 = 1
    cdef double one_f8 = 1
    s.job, s.kind, s.size = job, kind, 4 << (kind & 1) << (kind > 1)
    s.uplo, s.trans = b"U" if job.upper != by_rows else b"L", b"N" if by_rows else b"T"
    s.diag, s.alpha = b"U" if job.unit else b"N", <void *>&one_f4 if kind == 0 else <void *>&one_f8
    if kind > 1:
        s.alpha = <void *>&ONE_SHORT if kind == 2 else <void *>&ONE
    s.unit = max(16, (job.columns // threads() + 15) // 16 * 16) if limited and count == 1 else job.columns
    s.parts = (job.columns + s.unit - 1) // s.unit
    if limited:
        limit_blas()
    with nogil:
        spread(run_parts, &s, count * s.parts, least(job.n * job.n * s.unit) if limited else count)
    if limited:
        free_blas()


cdef bint within(cnp.ndarray exchanged, Py_ssize_t rows) noexcept:
    """Whether all rows that are exchanged, counted from 1, are there."""
    cdef const int32_t *p = <const int32_t *>cnp.PyArray_DATA(exchanged)
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(exchanged)):
        if p[i] < 1 or p[i] > rows:
            return False
    return True


def lu_solve(object lu, object pivots, object b, bint adjoint=False):
    """The x of a @ x = b (or of a.mH @ x = b), a given by its lu_factor."""
    cdef cnp.ndarray x, matrix, exchanged
    cdef rl_dense job
    cdef int kind
    both = paired(lu, b)
    if both is None or pivots.dtype != np.int32:
        return NotImplemented
    matrix, x = laid_out(both[0]), both[1]
    exchanged = contiguous(np.broadcast_to(pivots, both[0].shape[:-1]))
    if not within(exchanged, matrix.shape[cnp.PyArray_NDIM(matrix) - 1]):
        return NotImplemented
    kind = kind_of(matrix)
    set_matrix(&job, matrix)
    job.pivots = <int32_t *>cnp.PyArray_DATA(exchanged)
    job.adjoint = adjoint
    if not ours(kind, job.n):
        return by_getrs(kind, &job, matrix, x)
    x = x.copy(order="C")
    job.columns, job.b, job.b_step = columns_of(x), cnp.PyArray_DATA(x), job.n * columns_of(x)
    run_apply(kind, &job, count_of(x))
    return x


cdef void run_apply(int kind, rl_dense *job, Py_ssize_t count) noexcept:
    cdef Py_ssize_t part = least(job.n * job.n * job.columns)
    with nogil:
        spread(rl_apply_span_f4 if kind == 0 else rl_apply_span_f8, job, count, part)


cdef object by_getrs(int kind, rl_dense *job, cnp.ndarray matrix, cnp.ndarray b):
    cdef cnp.ndarray x = turned(b).copy(order="C")
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(x), count = count_of(x), i, k
    cdef int64_t n = job.n, columns = rows_of(x), info
    cdef const char *trans = b"N" if not job.adjoint else b"T" if kind < 2 else b"C"
    cdef int64_t *pivots
    if job.column == 1 and n > 1:
        matrix = turned(turned(matrix).copy(order="C"))
        job.a = cnp.PyArray_DATA(matrix)
    pivots = <int64_t *>room_for(n * sizeof(int64_t))
    job.b = cnp.PyArray_DATA(x)
    with nogil:
        for i in range(count):
            for k in range(n):
                pivots[k] = job.pivots[(i * n if job.a_step else 0) + k]
            rl_routines[kind].getrs(trans, &n, &columns, <char *>job.a + i * job.a_step * size, &n, pivots,
                                    <char *>job.b + i * n * columns * size, &n, &info, 1)
    free(pivots)
    return turned(x)


def solve(object a, object b, bint left=True, bint vector=False, asker=""):
    """The x of a @ x = b, or x @ a = b; NotImplemented where a matrix is singular."""
    cdef int kind = kind_of(a)
    if kind < 0:
        return NotImplemented
    if vector:
        out = solve(a, b[..., None])
        return out if out is NotImplemented else out[..., 0]
    if not left:
        out = solve(a.swapaxes(-2, -1), b.swapaxes(-2, -1))
        return out if out is NotImplemented else turned(out)
    if kind_of(b) != kind or not square(a) or rows_of(b) != rows_of(a):
        return NotImplemented
    # What is row-major is the transpose for LAPACK, whose decomposition solves as well.
    adjoint = kind < 2 and not ours(kind, a.shape[-1]) and a.flags.c_contiguous
    lu, pivots, info = lu_factor(a.swapaxes(-2, -1) if adjoint else a)
    return NotImplemented if info.any() else lu_solve(lu, pivots, b, adjoint)


def inv(object x, asker=""):
    """The inverses; NotImplemented where a matrix is singular."""
    cdef int kind = kind_of(x)
    if kind < 0 or not square(x):
        return NotImplemented
    # The inverse of the transpose is the transpose of the inverse.
    turns = not ours(kind, x.shape[-1])
    lu, pivots, info = lu_factor(x.swapaxes(-2, -1) if turns else x)
    return NotImplemented if info.any() else inverted(kind, lu, pivots, turns)


cdef object inverted(int kind, cnp.ndarray lu, cnp.ndarray pivots, bint turns):
    """The inverse of what was decomposed, or of its transpose; LAPACK's works over the decomposition."""
    cdef cnp.ndarray out
    cdef Py_ssize_t n = columns_of(lu)
    if not ours(kind, n):
        out = by_getri(kind, turned(lu), pivots)
        return out if turns else turned(out)
    out = np.zeros((<object>lu).shape, lu.dtype)
    out.reshape(-1, n * n)[:, :: n + 1] = 1
    return applied(kind, lu, pivots, out)


cdef object diagonal_of(object x):
    """(the diagonals of U, the signs of the permutations, the decomposition) of an LU decomposition of x."""
    # That of the transpose has the same determinant, and takes no transposing for LAPACK.
    lu, pivots, info = lu_factor(x.swapaxes(-2, -1))
    odd = np.add.reduce(pivots != np.arange(1, x.shape[-1] + 1, dtype=np.int32), axis=-1) & 1
    return lu.diagonal(0, -2, -1), 1 - 2 * odd, lu, pivots, info


def det(object x):
    """The determinants."""
    if kind_of(x) < 0 or not square(x):
        return NotImplemented
    diagonal, signs, _, _, _ = diagonal_of(x)
    with np.errstate(all="ignore"):
        return np.asarray(np.multiply.reduce(diagonal, axis=-1) * signs.astype(x.dtype))


def slogdet(object x):
    """(signs, logarithms of the sizes) of the determinants."""
    cdef int kind = kind_of(x)
    if kind < 0 or kind > 1 or not square(x):
        return NotImplemented
    diagonal, signs, _, _, info = diagonal_of(x)
    with np.errstate(all="ignore"):
        size = np.add.reduce(np.log(np.abs(diagonal)), axis=-1)
    sign = np.multiply.reduce(np.sign(diagonal), axis=-1) * signs.astype(x.dtype)
    return np.asarray(sign), np.asarray(size)


def cofactor(object x):
    """(det(x) * inv(x).T, which matrices are too close to singular for that)."""
    cdef int kind = kind_of(x)
    if kind < 0 or not square(x):
        return NotImplemented
    diagonal, signs, lu, pivots, info = diagonal_of(x)
    with np.errstate(all="ignore"):
        size = np.multiply.reduce(diagonal, axis=-1) * signs.astype(x.dtype)
        # lu is that of the transpose, and written over by LAPACK.
        out = inverted(kind, lu, pivots, False)
        condition = np.abs(x).max((-2, -1)) * np.abs(out).max((-2, -1))
        close = (info != 0) | ~(condition * (np.finfo(x.dtype).eps * x.shape[-1]) <= 1e-2)
        return np.multiply(out, size[..., None, None], out=out), close


cdef object applied(int kind, cnp.ndarray a, cnp.ndarray pivots, cnp.ndarray out):
    cdef rl_dense job
    set_matrix(&job, a)
    job.pivots, job.adjoint = <int32_t *>cnp.PyArray_DATA(pivots), 0
    job.columns, job.b, job.b_step = job.n, cnp.PyArray_DATA(out), job.n * job.n
    run_apply(kind, &job, count_of(out))
    return out


cdef object by_getri(int kind, cnp.ndarray a, cnp.ndarray pivots):
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(a), count = count_of(a), i, k
    cdef int64_t n = columns_of(a), room = n * 64, info
    cdef int32_t *exchanged = <int32_t *>cnp.PyArray_DATA(pivots)
    cdef char *data = <char *>cnp.PyArray_DATA(a)
    cdef void *work = room_for(room * size + n * sizeof(int64_t))
    cdef int64_t *wide = <int64_t *>(<char *>work + room * size)
    with nogil:
        for i in range(count):
            for k in range(n):
                wide[k] = exchanged[i * n + k]
            rl_routines[kind].getri(&n, data + i * n * n * size, &n, wide, work, &room, &info)
    free(work)
    return a


def ldl_factor(object x, bint hermitian=False):
    """(LD, pivots, info) of symmetric (or Hermitian) matrices, as LAPACK's sytrf (hetrf) packs them below."""
    cdef int kind = kind_of(x)
    cdef cnp.ndarray a, pivots, info
    cdef Py_ssize_t size, count, i, k
    cdef int64_t n, room, failed
    cdef int64_t *wide
    cdef int32_t *exchanged
    cdef int32_t *bad
    cdef char *data
    cdef void *work
    if kind < 0 or not found or not square(x):
        return NotImplemented
    a = turned(np.tril(x)).copy(order="C")
    pivots, info = np.empty(x.shape[:-1], np.int32), np.empty(x.shape[:-2], np.int32)
    size, count, n = cnp.PyArray_ITEMSIZE(a), count_of(a), columns_of(a)
    room = n * 64
    exchanged, bad, data = <int32_t *>cnp.PyArray_DATA(pivots), <int32_t *>cnp.PyArray_DATA(info), <char *>cnp.PyArray_DATA(a)
    work = room_for(room * size + n * sizeof(int64_t))
    wide = <int64_t *>(<char *>work + room * size)
    with nogil:
        for i in range(count):
            if hermitian:
                rl_routines[kind].hetrf(b"L", &n, data + i * n * n * size, &n, wide, work, &room, &failed, 1)
            else:
                rl_routines[kind].sytrf(b"L", &n, data + i * n * n * size, &n, wide, work, &room, &failed, 1)
            bad[i] = <int32_t>failed
            for k in range(n):
                exchanged[i * n + k] = <int32_t>wide[k]
    free(work)
    return turned(a), pivots, info


cdef bint whole(const int64_t *pivots, Py_ssize_t n) noexcept:
    """Whether LAPACK may follow the pivots: rows that are there, and blocks of two that are complete."""
    cdef Py_ssize_t k = 0
    while k < n:
        if not 0 < abs(pivots[k]) <= n or (pivots[k] < 0 and (k + 1 == n or pivots[k + 1] != pivots[k])):
            return False
        k += 2 if pivots[k] < 0 else 1
    return True


def ldl_solve(object packed, object pivots, object b, bint hermitian):
    """The x of a @ x = b by what ldl_factor gave for a, in as many matrices as there are of b."""
    cdef int kind = kind_of(packed)
    cdef cnp.ndarray a, out, exchanged
    cdef Py_ssize_t i, size
    cdef int64_t n, columns, failed
    cdef char *data
    cdef char *into
    cdef int64_t *rows
    if kind < 0 or not found or kind_of(b) != kind or packed.shape[:-2] != b.shape[:-2]:
        return NotImplemented
    n, columns = packed.shape[-1], b.shape[-1]
    if not square(packed) or packed.shape[:-1] != pivots.shape or b.shape[-2] != n:
        return NotImplemented
    exchanged = pivots.astype(np.int64, order="C")
    rows = <int64_t *>cnp.PyArray_DATA(exchanged)
    for i in range(cnp.PyArray_SIZE(exchanged) // n):
        if not whole(rows + i * n, n):
            return NotImplemented
    a, out = packed.swapaxes(-2, -1).copy(order="C"), b.swapaxes(-2, -1).copy(order="C")
    size, data, into = cnp.PyArray_ITEMSIZE(a), <char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(out)
    with nogil:
        for i in range(cnp.PyArray_SIZE(a) // (n * n)):
            if hermitian:
                rl_routines[kind].hetrs(b"L", &n, &columns, data + i * n * n * size, &n, rows + i * n, into + i * n * columns * size, &n, &failed, 1)
            else:
                rl_routines[kind].sytrs(b"L", &n, &columns, data + i * n * n * size, &n, rows + i * n, into + i * n * columns * size, &n, &failed, 1)
    return (<object>out).swapaxes(-2, -1)


def ldl_layout(object pivots):
    """(order, source, block, below) of ops/ldl.py."""
    cdef Py_ssize_t n = pivots.shape[-1], i, j, k, last, p, count
    cdef int64_t *o
    cdef int64_t *s
    cdef int64_t *with_
    cdef int32_t *at
    cdef unsigned char *b
    cdef unsigned char *l
    if n == 0:
        return NotImplemented
    given = contiguous(pivots.astype(np.int32, copy=False))
    square = (*pivots.shape, n)
    order, source = np.empty(pivots.shape, np.int64), np.empty(square, np.int64)
    block, below, partner = np.zeros(square, bool), np.zeros(square, bool), np.empty(n, np.int64)
    at, o, s = <int32_t *>cnp.PyArray_DATA(given), <int64_t *>cnp.PyArray_DATA(order), <int64_t *>cnp.PyArray_DATA(source)
    b, l = <unsigned char *>cnp.PyArray_DATA(block), <unsigned char *>cnp.PyArray_DATA(below)
    with_ = <int64_t *>cnp.PyArray_DATA(partner)
    count = given.size // n
    for i in range(count):
        for j in range(n):
            o[j] = with_[j] = j
            for k in range(n):
                s[j * n + k] = j
        k = 0
        while k < n:
            last = k + 1 if at[k] < 0 and k + 1 < n else k
            with_[k], with_[last] = last, k
            p = abs(at[k]) - 1
            if not 0 <= p < n:
                return NotImplemented
            if p != last:
                o[last], o[p] = o[p], o[last]
                for j in range(k):
                    s[last * n + j], s[p * n + j] = s[p * n + j], s[last * n + j]
            k = last + 1
        for j in range(n):
            for k in range(j + 1):
                b[j * n + k] = k == j or with_[j] == k
                l[j * n + k] = not b[j * n + k]
        at, o, s, b, l = at + n, o + n, s + n * n, b + n * n, l + n * n
    return order, source, block, below


cdef struct Reflections:
    int kind
    int64_t m, n, k
    Py_ssize_t size
    char *a
    char *tau
    char *other
    bint transpose, failed


cdef void join(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Reflections *job = <Reflections *>what
    cdef int64_t room = job.n * 64, info
    cdef void *work = malloc(room * job.size + 1)
    cdef Py_ssize_t i
    if work == NULL:
        job.failed = True
        return
    for i in range(begin, end):
        rl_routines[job.kind].orgqr(&job.m, &job.n, &job.k, job.a + i * job.m * job.n * job.size, &job.m,
                                    job.tau + i * job.k * job.size, work, &room, &info)
    free(work)


def householder_product(object x, object tau):
    """The first columns of the product of reflections, one for each number in tau."""
    cdef cnp.ndarray a, factors
    cdef Reflections job
    job.kind = kind_of(x)
    if job.kind < 0 or not found or tau.dtype != x.dtype or x.shape[:-2] != tau.shape[:-1]:
        return NotImplemented
    if not tau.shape[-1] <= x.shape[-1] <= x.shape[-2]:
        return NotImplemented
    a, factors = turned(x).copy(order="C"), contiguous(tau)
    job.m, job.n, job.k, job.size = x.shape[-2], x.shape[-1], tau.shape[-1], cnp.PyArray_ITEMSIZE(a)
    job.a, job.tau = <char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(factors)
    reflect(join, &job, count_of(a))
    return turned(a)


# Where LAPACK has threads of its own for a matrix of so many numbers.
cdef Py_ssize_t LARGE = 8000


cdef int reflect(span work, Reflections *job, Py_ssize_t count) except -1:
    cdef bint large = job.m * job.n > LARGE
    cdef bint limited = large and can_limit() and count >= threads() > 1
    job.failed = False
    if limited:
        limit_blas()
    with nogil:
        if large and not limited:
            work(job, 0, count)
        else:
            spread(work, job, count, least(job.m * job.n * job.k))
    if limited:
        free_blas()
    if job.failed:
        raise MemoryError
    return 0


cdef void apply_to_others(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Rows of real numbers are columns of the transpose, to which the transpose is applied from the right."""
    cdef Reflections *job = <Reflections *>what
    cdef int64_t room = job.n * 64 + 65 * 64, info
    cdef void *work = malloc(room * job.size)
    cdef char *a
    cdef char *tau
    cdef char *other
    cdef Py_ssize_t i
    if work == NULL:
        job.failed = True
        return
    for i in range(begin, end):
        a, tau = job.a + i * job.m * job.k * job.size, job.tau + i * job.k * job.size
        other = job.other + i * job.m * job.n * job.size
        if job.kind < 2:
            rl_routines[job.kind].ormqr(b"R", b"N" if job.transpose else b"T", &job.n, &job.m, &job.k, a, &job.m, tau,
                                        other, &job.n, work, &room, &info, 1, 1)
        else:
            rl_routines[job.kind].ormqr(b"L", b"C" if job.transpose else b"N", &job.m, &job.n, &job.k, a, &job.m, tau,
                                        other, &job.m, work, &room, &info, 1, 1)
    free(work)


def ormqr(object x, object tau, object other, bint transpose=False):
    """The product of reflections, one for each number in tau, or its adjoint, by `other`."""
    cdef cnp.ndarray a, factors, out
    cdef Reflections job
    job.kind = kind_of(x)
    if job.kind < 0 or not found or not x.dtype == tau.dtype == other.dtype or not kind_of(other) == job.kind:
        return NotImplemented
    job.m, job.n, job.k = x.shape[-2], other.shape[-1], tau.shape[-1]
    if job.k == 0 or job.k > min(x.shape[-2:]) or not x.shape[:-2] == tau.shape[:-1] == other.shape[:-2] or other.shape[-2] != job.m:
        return NotImplemented
    a, factors = turned(x)[..., :job.k, :].copy(order="C"), contiguous(tau)
    out = (other if job.kind < 2 else turned(other)).copy(order="C")
    job.size, job.transpose = cnp.PyArray_ITEMSIZE(a), transpose
    job.a, job.tau = <char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(factors)
    job.other = <char *>cnp.PyArray_DATA(out)
    reflect(apply_to_others, &job, count_of(out))
    return out if job.kind < 2 else turned(out)


cdef void factor(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Reflections *job = <Reflections *>what
    cdef int64_t room = job.n * 64, info
    cdef void *work = malloc(room * job.size + 1)
    cdef Py_ssize_t i
    if work == NULL:
        job.failed = True
        return
    for i in range(begin, end):
        rl_routines[job.kind].geqrf(&job.m, &job.n, job.a + i * job.m * job.n * job.size, &job.m,
                                    job.tau + i * job.k * job.size, work, &room, &info)
    free(work)


def geqrf(object x):
    """(R and below it the vectors of reflections, their factors): a QR decomposition as LAPACK packs it."""
    cdef cnp.ndarray a, tau
    cdef Reflections job
    job.kind = kind_of(x)
    if job.kind < 0 or not found:
        return NotImplemented
    a = turned(x).copy(order="C")
    job.m, job.n, job.size = x.shape[-2], x.shape[-1], cnp.PyArray_ITEMSIZE(a)
    job.k = min(job.m, job.n)
    tau = np.empty((*x.shape[:-2], job.k), x.dtype)
    job.a, job.tau = <char *>cnp.PyArray_DATA(a), <char *>cnp.PyArray_DATA(tau)
    reflect(factor, &job, count_of(a))
    return turned(a), tau


def qr(object x, str mode="reduced"):
    """(Q, R); Q is square if the mode is "complete", and empty if it is "r"."""
    packed = geqrf(x)
    if packed is NotImplemented:
        return packed
    a, tau = packed
    m, n = x.shape[-2:]
    k = min(m, n)
    if mode == "r":
        return np.empty(0, x.dtype), np.triu(a[..., :k, :])
    if mode == "complete" and m > n:
        wide = np.zeros((*x.shape[:-2], m, m), x.dtype)
        wide[..., :n] = a
        return householder_product(wide, tau), np.triu(wide[..., :n])
    return householder_product(a[..., :k], tau), np.triu(a[..., :k, :])


def lstsq(object a, object b, double rcond):
    """(solution of the smallest norm, rank) of least squares problems, by a QR decomposition with pivots."""
    cdef int kind = kind_of(a)
    cdef cnp.ndarray matrix, x, rank
    cdef Py_ssize_t size, count, i, k
    cdef int64_t m, n, columns, room = -1, info, wide, high
    cdef int64_t *order
    cdef int64_t *ranks
    cdef char *data
    cdef char *right
    cdef double best = 0
    cdef float short_best = 0
    cdef float short_rcond = <float>rcond
    cdef const void *bound = <void *>&short_rcond if kind == 0 else <void *>&rcond
    cdef void *work
    if kind < 0 or kind > 1 or not found or kind_of(b) != kind or a.shape[:-1] != b.shape[:-1]:
        return NotImplemented
    matrix = turned(a).copy(order="C")
    m, n, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    high = max(m, n)
    # The solution is written over the right-hand side, which may be too short for it.
    x = np.zeros((*a.shape[:-2], columns, high), a.dtype)
    x[..., :m] = turned(b)
    rank = np.empty(a.shape[:-2], np.int64)
    size, count = cnp.PyArray_ITEMSIZE(matrix), count_of(matrix)
    data, right, ranks = <char *>cnp.PyArray_DATA(matrix), <char *>cnp.PyArray_DATA(x), <int64_t *>cnp.PyArray_DATA(rank)
    order = <int64_t *>room_for(n * sizeof(int64_t))
    rl_routines[kind].gelsy(&m, &n, &columns, data, &m, right, &high, order, bound, ranks,
                            <void *>&short_best if kind == 0 else <void *>&best, &room, &info)
    room = <int64_t>(short_best if kind == 0 else best)
    work = malloc(room * size)
    if work == NULL:
        free(order)
        raise MemoryError
    with nogil:
        for i in range(count):
            for k in range(n):
                order[k] = 0
            rl_routines[kind].gelsy(&m, &n, &columns, data + i * m * n * size, &m, right + i * high * columns * size, &high,
                                    order, bound, ranks + i, work, &room, &info)
    free(work)
    free(order)
    return turned(x[..., :n]), rank


def row_order(object pivots, Py_ssize_t rows):
    """Where each row comes from after the exchanges of lu_factor; NotImplemented for rows that are not there."""
    cdef cnp.ndarray exchanged = contiguous(pivots.astype(np.int32, copy=False))
    cdef cnp.ndarray out = np.empty((*pivots.shape[:-1], rows), np.int64)
    cdef int32_t *p = <int32_t *>cnp.PyArray_DATA(exchanged)
    cdef int64_t *order = <int64_t *>cnp.PyArray_DATA(out)
    cdef Py_ssize_t k = pivots.shape[-1], i, j, q, count = cnp.PyArray_SIZE(out) // rows if rows else 0
    if k > rows or not within(exchanged, rows):
        return NotImplemented
    for i in range(count):
        for j in range(rows):
            order[i * rows + j] = j
        for j in range(k):
            q = p[i * k + j] - 1
            order[i * rows + j], order[i * rows + q] = order[i * rows + q], order[i * rows + j]
    return out


def cholesky(x):
    """The lower L of x = L @ L.T for batches of small real matrices; NotImplemented, too, where one has none."""
    cdef rl_dense job
    cdef cnp.ndarray out
    cdef int kind = kind_of(x), nd
    cdef int32_t failed = 0
    if kind != 0 and kind != 1:
        return NotImplemented
    nd = cnp.PyArray_NDIM(<cnp.ndarray>x)
    job.n = cnp.PyArray_DIM(<cnp.ndarray>x, nd - 1)
    if job.n > FEW or cnp.PyArray_DIM(<cnp.ndarray>x, nd - 2) != job.n:
        return NotImplemented
    out = cnp.PyArray_NewCopy(<cnp.ndarray>x, cnp.NPY_CORDER)
    job.a, job.a_step, job.info = cnp.PyArray_DATA(out), job.n * job.n, &failed
    with nogil:
        spread(rl_cholesky_span_f4 if kind == 0 else rl_cholesky_span_f8, &job, cnp.PyArray_SIZE(out) // job.a_step,
               least(job.a_step * job.n // 3))
    return NotImplemented if failed else out
