# cython: boundscheck=False, wraparound=False, cdivision=True
"""One pass over each parameter per step: reads the gradient, moves the states, writes the parameter.

`step` takes lists of arrays and returns the positions that it declined (None: it took all), with nothing of them
written: arrays that are not C-contiguous float32, float64, complex64 or complex128, not of one dtype and size, or that
share memory. `optim_meaning` takes those. Complex numbers are taken for two real ones.
"""

cimport numpy as cnp

from rushlight.kernels.parallel cimport spread

cnp.import_array()

cdef extern from "kernels/optim.h":
    enum:
        RL_STEP_OPTIONS
        RL_STEP_STATES
    ctypedef void (*rl_step_numbers)(const double *, double *, double *) noexcept nogil
    ctypedef struct rl_step:
        const char *name
        int states
        int kept
        int options
        rl_step_numbers numbers
    ctypedef struct rl_step_call:
        const rl_step *step
        int wide
        Py_ssize_t n
        char *at[5]
        double k[12]
    const rl_step rl_steps[]
    int rl_steps_count
    void rl_step_part(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# Elements of a part that a thread takes: about 20 microseconds.
cdef Py_ssize_t LEAST = 16384

FORMULAS = {rl_steps[i].name.decode(): i for i in range(rl_steps_count)}


cdef inline char *place(object array, int kind, Py_ssize_t n, bint writes) noexcept:
    """Where n elements of that kind lie in a row; NULL for any other array."""
    if not cnp.PyArray_Check(array) or cnp.PyArray_TYPE(array) != kind or cnp.PyArray_SIZE(array) != n:
        return NULL
    if not (cnp.PyArray_ISCARRAY(array) if writes else cnp.PyArray_ISCARRAY_RO(array)):
        return NULL
    return <char *>cnp.PyArray_DATA(array)


cdef inline bint overlap(char **at, Py_ssize_t size) noexcept:
    """Whether two of the places are nearer than the arrays are long."""
    cdef int i, j
    for i in range(2 + RL_STEP_STATES):
        for j in range(i):
            if at[i] != NULL and at[j] != NULL and at[i] < at[j] + size and at[j] < at[i] + size:
                return True
    return False


cdef inline double number(object array, int kind) noexcept:
    return (<float *>cnp.PyArray_DATA(array))[0] if kind == cnp.NPY_FLOAT else (<double *>cnp.PyArray_DATA(array))[0]


cdef bint prepare(rl_step_call *call, list arrays, list numbers, const double *options, Py_ssize_t i):
    """Fill in the call for the parameter at i and move its numbers on; False, with nothing written, to decline it."""
    cdef object param = (<list>arrays[0])[i], array
    cdef int j, kind, held = call.step.states, kept = call.step.kept
    cdef int kinds[3]
    cdef double x[3]
    if not cnp.PyArray_Check(param):
        return False
    kind = cnp.PyArray_TYPE(param)
    if kind != cnp.NPY_FLOAT and kind != cnp.NPY_DOUBLE and kind != cnp.NPY_CFLOAT and kind != cnp.NPY_CDOUBLE:
        return False
    call.n = cnp.PyArray_SIZE(param)
    for j in range(2 + RL_STEP_STATES):
        call.at[j] = NULL
        if j >= 2 + held or arrays[j] is None:
            continue
        call.at[j] = place((<list>arrays[j])[i], kind, call.n, j != 1)
        if call.at[j] == NULL:
            return False
    if overlap(call.at, call.n * cnp.PyArray_ITEMSIZE(param)):
        return False
    for j in range(kept):
        array = (<list>numbers[j])[i]
        kinds[j] = cnp.PyArray_TYPE(array) if cnp.PyArray_Check(array) else -1
        if (kinds[j] != cnp.NPY_FLOAT and kinds[j] != cnp.NPY_DOUBLE) or place(array, kinds[j], 1, True) == NULL:
            return False
        x[j] = number(array, kinds[j])
    call.step.numbers(options, x, call.k)
    for j in range(kept):
        array = (<list>numbers[j])[i]
        if kinds[j] == cnp.NPY_FLOAT:
            (<float *>cnp.PyArray_DATA(array))[0] = <float>x[j]
        else:
            (<double *>cnp.PyArray_DATA(array))[0] = x[j]
    call.wide = kind == cnp.NPY_DOUBLE or kind == cnp.NPY_CDOUBLE
    if kind == cnp.NPY_CFLOAT or kind == cnp.NPY_CDOUBLE:
        call.n *= 2
    return True


def step(str formula, list arrays, list numbers, options):
    """One step: `arrays` are lists of parameters, gradients and states (or None), `numbers` of scalars kept beside them."""
    cdef rl_step_call call
    cdef double o[RL_STEP_OPTIONS]
    cdef Py_ssize_t i
    call.step = &rl_steps[<int>FORMULAS[formula]]
    if len(arrays) != 2 + call.step.states or len(numbers) != call.step.kept or len(options) != call.step.options:
        raise TypeError(f"{formula}: {len(arrays)} arrays, {len(numbers)} numbers, {len(options)} options")
    for i in range(len(options)):
        o[i] = options[i]
    declined = None
    for i in range(len(<list>arrays[0])):
        if not prepare(&call, arrays, numbers, o, i):
            declined = [] if declined is None else declined
            declined.append(i)
        elif call.n < LEAST:
            rl_step_part(&call, 0, call.n)
        else:
            with nogil:
                spread(rl_step_part, &call, call.n, LEAST)
    return declined
