# cython: boundscheck=False, wraparound=False, cdivision=True
"""The formulas of formulas.h over contiguous arrays of float32, float64 and 16-bit floats (halves.h).

Others are declined, and NumPy takes them.

A formula is called with its arrays and then its numbers, the numbers by position or by their names. An operand may
be one number for all elements.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact, PyFloat_AS_DOUBLE
from cpython.long cimport PyLong_CheckExact, PyLong_AsDouble

from rushlight.kernels.buffers cimport empty, one_number
from rushlight.kernels.halves cimport RL_HALVES, half_kind, rl_half_load, rl_half_store
from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef extern from "kernels/formulas.h":
    ctypedef void (*rl_formula_loop)(const void *, const void *, const void *, void *, const double *, Py_ssize_t) noexcept nogil
    ctypedef struct rl_formula:
        const char *name
        int arrays
        const char *numbers
        rl_formula_loop f4
        rl_formula_loop f8
    rl_formula rl_formulas[]
    int RL_FORMULAS_COUNT

cdef extern from "kernels/halves.h":
    pass

# Elements of a part that a thread takes: 10 to 50 microseconds.
cdef Py_ssize_t LEAST = 16384
# An operand that is one number is written out for this many elements, and stays in the nearest cache: those of a block
# of 16-bit floats, RL_HALVES.
DEF BLOCK = 512

ctypedef struct Call:
    rl_formula_loop loop
    const char *at[3]
    Py_ssize_t step[3]
    char *out
    Py_ssize_t item
    int half, arrays
    const double *numbers


cdef void over(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Call *c = <Call *>what
    cdef Py_ssize_t n, i = begin, block = BLOCK
    if c.step[0] and c.step[1] and c.step[2]:
        block = end - begin
    while i < end:
        n = end - i if end - i < block else block
        c.loop(c.at[0] + i * c.step[0], c.at[1] + i * c.step[1], c.at[2] + i * c.step[2], c.out + i * c.item, c.numbers, n)
        i += n


cdef void over_halves(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """The same over numbers of 16 bits; an operand that is one number has been written out as float32."""
    cdef Call *c = <Call *>what
    cdef float block[4][RL_HALVES]
    cdef const void *at[3]
    cdef Py_ssize_t n
    cdef int k
    while begin < end:
        n = end - begin if end - begin < RL_HALVES else RL_HALVES
        for k in range(c.arrays):
            at[k] = c.at[k]
            if c.step[k]:
                rl_half_load(c.half, c.at[k] + 2 * begin, block[k], n)
                at[k] = block[k]
        for k in range(c.arrays, 3):
            at[k] = at[0]
        c.loop(at[0], at[1], at[2], block[3], c.numbers, n)
        rl_half_store(c.half, block[3], c.out + 2 * begin, n)
        begin += n


cdef class Formula:
    """One formula: `arrays` operands, and numbers of the given names."""

    cdef rl_formula_loop f4
    cdef rl_formula_loop f8
    cdef int arrays
    cdef bint rounds  # its number is rounded as the arrays are
    cdef tuple names

    def __call__(self, *given, **named):
        cdef Call call
        cdef double numbers[3]
        cdef double written[3][BLOCK]
        cdef cnp.ndarray like = None, a, o
        cdef int i, kind, arrays = self.arrays
        cdef Py_ssize_t n
        cdef float single
        cdef unsigned short rounded
        for i in range(arrays):
            if isinstance(given[i], cnp.ndarray) and cnp.PyArray_NDIM(<cnp.ndarray>given[i]) > 0:
                like = <cnp.ndarray>given[i]
                break
        if like is None:
            return NotImplemented
        kind = cnp.PyArray_TYPE(like)
        call.half, call.arrays = half_kind(like), arrays
        if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64 and not call.half:
            return NotImplemented
        for i in range(3):
            if i >= arrays:
                call.at[i], call.step[i] = call.at[0], call.step[0]
            elif not operand(given[i], like, kind, &call.at[i], &call.step[i], <void *>written[i]):
                return NotImplemented
            numbers[i] = 0
        for i in range(len(self.names)):
            number = given[arrays + i] if arrays + i < len(given) else named[self.names[i]]
            if not isinstance(number, (int, float)):
                return NotImplemented
            numbers[i] = number
        if call.half and self.rounds:
            single = <float>numbers[0]
            rl_half_store(call.half, &single, &rounded, 1)
            rl_half_load(call.half, &rounded, &single, 1)
            numbers[0] = single
        o = empty(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), kind)
        call.loop = self.f8 if kind == cnp.NPY_FLOAT64 else self.f4
        call.out, call.item = <char *>cnp.PyArray_DATA(o), cnp.PyArray_ITEMSIZE(o)
        call.numbers = numbers
        n = cnp.PyArray_SIZE(like)
        if call.half:
            with nogil:
                spread(over_halves, &call, n, LEAST)
            return o
        if n < LEAST:
            over(&call, 0, n)
            return o
        with nogil:
            spread(over, &call, n, LEAST)
        return o


cdef bint operand(object x, cnp.ndarray like, int kind, const char **at, Py_ssize_t *step, void *written) except -1:
    """Where an operand is found: an array of the others' shape, or one number, written out. False for anything else."""
    cdef cnp.ndarray a
    cdef double number
    cdef bint alike
    cdef float single
    cdef int i
    if isinstance(x, cnp.ndarray):
        a = <cnp.ndarray>x
        if cnp.PyArray_TYPE(a) != kind or not cnp.PyArray_ISBEHAVED_RO(a):
            return False
        alike = cnp.PyArray_SAMESHAPE(a, like)
        if alike and not one_number(a):
            at[0], step[0] = <const char *>cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a)
            return cnp.PyArray_IS_C_CONTIGUOUS(a)
        if not alike and (cnp.PyArray_SIZE(a) != 1 or cnp.PyArray_NDIM(a) > cnp.PyArray_NDIM(like)):
            return False
        if half_kind(a):
            rl_half_load(half_kind(a), cnp.PyArray_DATA(a), &single, 1)
            number = single
        else:
            number = (<float *>cnp.PyArray_DATA(a))[0] if kind == cnp.NPY_FLOAT32 else (<double *>cnp.PyArray_DATA(a))[0]
    elif PyFloat_CheckExact(x):
        number = PyFloat_AS_DOUBLE(x)
    elif PyLong_CheckExact(x):
        number = PyLong_AsDouble(x)
    else:
        return False
    for i in range(BLOCK):
        if kind == cnp.NPY_FLOAT64:
            (<double *>written)[i] = number
        else:
            (<float *>written)[i] = <float>number
    at[0], step[0] = <const char *>written, 0
    return True


cdef Formula formula(rl_formula entry):
    cdef Formula made = Formula()
    made.f4, made.f8, made.arrays = entry.f4, entry.f8, entry.arrays
    made.rounds = entry.name in (b"add_scaled", b"sub_scaled")
    made.names = tuple((<bytes>entry.numbers).decode().split())
    return made


cdef int k
for k in range(RL_FORMULAS_COUNT):
    globals()[(<bytes>rl_formulas[k].name).decode()] = formula(rl_formulas[k])


# -- gated linear units: rows of two halves, those of the second gates of the first

ctypedef struct Halves:
    rl_formula_loop gated
    rl_formula_loop through_gate
    const char *x
    const char *g
    char *out
    Py_ssize_t half, item


cdef void gate(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Halves *s = <Halves *>what
    cdef Py_ssize_t k, size = s.half * s.item
    cdef double none[3]
    none[0] = none[1] = none[2] = 0
    cdef const char *x
    for k in range(begin, end):
        x = s.x + 2 * k * size
        s.gated(x, x + size, x, s.out + k * size, none, s.half)


cdef void through_gates(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Halves *s = <Halves *>what
    cdef Py_ssize_t k, size = s.half * s.item
    cdef double none[3]
    none[0] = none[1] = none[2] = 0
    cdef const char *x
    for k in range(begin, end):
        x = s.x + 2 * k * size
        s.gated(s.g + k * size, x + size, x, s.out + 2 * k * size, none, s.half)
        s.through_gate(s.g + k * size, x, x + size, s.out + (2 * k + 1) * size, none, s.half)


cdef cnp.ndarray halved(Halves *s, object x, Py_ssize_t dim):
    """Note where the rows of two halves of x are; x itself, None for an array that is declined."""
    cdef cnp.ndarray a
    cdef int kind, k
    if not isinstance(x, cnp.ndarray) or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>x):
        return None
    a, kind = x, cnp.PyArray_TYPE(<cnp.ndarray>x)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or cnp.PyArray_SIZE(a) == 0 or cnp.PyArray_DIM(a, dim) % 2:
        return None
    s.gated = of_gate.f4 if kind == cnp.NPY_FLOAT32 else of_gate.f8
    s.through_gate = of_gradient.f4 if kind == cnp.NPY_FLOAT32 else of_gradient.f8
    s.x, s.item, s.half = <const char *>cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a), cnp.PyArray_DIM(a, dim) // 2
    for k in range(dim + 1, cnp.PyArray_NDIM(a)):
        s.half *= cnp.PyArray_DIM(a, k)
    return a


cdef Formula of_gate = globals()["gated"]
cdef Formula of_gradient = globals()["through_gate"]


def glu(x, *, Py_ssize_t dim):
    """The first half of x along `dim` times the sigmoid of the second."""
    cdef Halves s
    cdef cnp.npy_intp shape[64]
    cdef cnp.ndarray a = halved(&s, x, dim), out
    cdef Py_ssize_t rows
    cdef int k
    if a is None:
        return NotImplemented
    for k in range(cnp.PyArray_NDIM(a)):
        shape[k] = cnp.PyArray_DIM(a, k)
    shape[dim] //= 2
    out = empty(cnp.PyArray_NDIM(a), shape, cnp.PyArray_TYPE(a))
    s.out = <char *>cnp.PyArray_DATA(out)
    rows = cnp.PyArray_SIZE(out) // s.half
    with nogil:
        spread(gate, &s, rows, LEAST // s.half + 1)
    return out


def through_glu(g, x, Py_ssize_t dim):
    cdef Halves s
    cdef cnp.ndarray a = halved(&s, x, dim), out
    cdef Py_ssize_t rows
    if a is None or not isinstance(g, cnp.ndarray) or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>g):
        return NotImplemented
    if cnp.PyArray_TYPE(<cnp.ndarray>g) != cnp.PyArray_TYPE(a) or 2 * cnp.PyArray_SIZE(<cnp.ndarray>g) != cnp.PyArray_SIZE(a):
        return NotImplemented
    out = empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a))
    s.g, s.out = <const char *>cnp.PyArray_DATA(<cnp.ndarray>g), <char *>cnp.PyArray_DATA(out)
    rows = cnp.PyArray_SIZE(<cnp.ndarray>g) // s.half
    with nogil:
        spread(through_gates, &s, rows, LEAST // (2 * s.half) + 1)
    return out
