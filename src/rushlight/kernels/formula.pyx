# cython: boundscheck=False, wraparound=False, cdivision=True
"""The formulas of formulas.h over contiguous float32 and float64 arrays; others are declined, and NumPy takes them.

A formula is called with its arrays and then its numbers, the numbers by position or by their names. An operand may
be one number for all elements.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact, PyFloat_AS_DOUBLE
from cpython.long cimport PyLong_CheckExact, PyLong_AsDouble

from rushlight.kernels.buffers cimport empty
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

# Elements of a part that a thread takes: 10 to 50 microseconds.
cdef Py_ssize_t LEAST = 16384
# An operand that is one number is written out for this many elements, and stays in the nearest cache.
DEF BLOCK = 512

ctypedef struct Call:
    rl_formula_loop loop
    const char *at[3]
    Py_ssize_t step[3]
    char *out
    Py_ssize_t item
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


cdef class Formula:
    """One formula: `arrays` operands, and numbers of the given names."""

    cdef rl_formula_loop f4
    cdef rl_formula_loop f8
    cdef int arrays
    cdef tuple names

    def __call__(self, *given, **named):
        cdef Call call
        cdef double numbers[3]
        cdef double written[3][BLOCK]
        cdef cnp.ndarray like = None, a, o
        cdef int i, kind, arrays = self.arrays
        cdef Py_ssize_t n
        for i in range(arrays):
            if isinstance(given[i], cnp.ndarray) and cnp.PyArray_NDIM(<cnp.ndarray>given[i]) > 0:
                like = <cnp.ndarray>given[i]
                break
        if like is None:
            return NotImplemented
        kind = cnp.PyArray_TYPE(like)
        if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
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
        o = empty(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), kind)
        call.loop = self.f4 if kind == cnp.NPY_FLOAT32 else self.f8
        call.out, call.item = <char *>cnp.PyArray_DATA(o), cnp.PyArray_ITEMSIZE(o)
        call.numbers = numbers
        n = cnp.PyArray_SIZE(like)
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
    cdef int i
    if isinstance(x, cnp.ndarray):
        a = <cnp.ndarray>x
        if cnp.PyArray_TYPE(a) != kind or not cnp.PyArray_ISBEHAVED_RO(a):
            return False
        if cnp.PyArray_SAMESHAPE(a, like):
            at[0], step[0] = <const char *>cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a)
            return cnp.PyArray_IS_C_CONTIGUOUS(a)
        if cnp.PyArray_SIZE(a) != 1 or cnp.PyArray_NDIM(a) > cnp.PyArray_NDIM(like):
            return False
        number = (<float *>cnp.PyArray_DATA(a))[0] if kind == cnp.NPY_FLOAT32 else (<double *>cnp.PyArray_DATA(a))[0]
    elif PyFloat_CheckExact(x):
        number = PyFloat_AS_DOUBLE(x)
    elif PyLong_CheckExact(x):
        number = PyLong_AsDouble(x)
    else:
        return False
    for i in range(BLOCK):
        if kind == cnp.NPY_FLOAT32:
            (<float *>written)[i] = <float>number
        else:
            (<double *>written)[i] = number
    at[0], step[0] = <const char *>written, 0
    return True


cdef Formula formula(rl_formula entry):
    cdef Formula made = Formula()
    made.f4, made.f8, made.arrays = entry.f4, entry.f8, entry.arrays
    made.names = tuple((<bytes>entry.numbers).decode().split())
    return made


cdef int k
for k in range(RL_FORMULAS_COUNT):
    globals()[(<bytes>rl_formulas[k].name).decode()] = formula(rl_formulas[k])
