# cython: boundscheck=False, wraparound=False, cdivision=True
"""One pass over each parameter per step: reads the gradient, moves the states, writes the parameter.

A call is (formula, arrays, numbers, options): `arrays` are lists of parameters, gradients and states (or None), `numbers`
lists of scalars kept beside them, `options` floats. `step` takes all calls of a step, and all of them or none: where
there are arrays that it does not take it writes nothing and returns their places, as `declined` does (None: it takes
all): arrays that are not C-contiguous float32, float64, complex64 or complex128, not of one dtype and size, or that
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


cdef bint lie_plainly(rl_step_call *call, list arrays, list numbers, Py_ssize_t i, int *kinds):
    """Fill in the places of the parameter at i and the kinds of its numbers; False to decline it."""
    cdef object param = (<list>arrays[0])[i], array
    cdef int j, kind, held = call.step.states, kept = call.step.kept
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
    call.wide = kind == cnp.NPY_DOUBLE or kind == cnp.NPY_CDOUBLE
    if kind == cnp.NPY_CFLOAT or kind == cnp.NPY_CDOUBLE:
        call.n *= 2
    return True


cdef void count(rl_step_call *call, list numbers, const double *options, Py_ssize_t i, int *kinds):
    """Move the numbers of the parameter at i on."""
    cdef int j
    cdef double x[3]
    for j in range(call.step.kept):
        x[j] = number((<list>numbers[j])[i], kinds[j])
    call.step.numbers(options, x, call.k)
    for j in range(call.step.kept):
        array = (<list>numbers[j])[i]
        if kinds[j] == cnp.NPY_FLOAT:
            (<float *>cnp.PyArray_DATA(array))[0] = <float>x[j]
        else:
            (<double *>cnp.PyArray_DATA(array))[0] = x[j]


cdef check(str formula, const rl_step *found, list arrays, list numbers, list options):
    if len(arrays) != 2 + found.states or len(numbers) != found.kept or len(options) != found.options:
        raise TypeError(f"{formula}: {len(arrays)} arrays, {len(numbers)} numbers, {len(options)} options")


cdef find_declined(list calls):
    cdef rl_step_call call
    cdef int kinds[3]
    cdef Py_ssize_t i, k
    cdef list arrays, numbers
    left = None
    for k in range(len(calls)):
        formula, arrays, numbers, options = calls[k]
        call.step = &rl_steps[<int>FORMULAS[formula]]
        check(formula, call.step, arrays, numbers, options)
        for i in range(len(<list>arrays[0])):
            if not lie_plainly(&call, arrays, numbers, i, kinds):
                left = [] if left is None else left
                left.append((k, i))
    return left


def declined(list calls):
    """[(call, parameter)] of what `step` does not take, by number; None where it takes all."""
    return find_declined(calls)


def step(list calls):
    """Take all calls and return None, or none of them and return what `declined` does."""
    cdef rl_step_call call
    cdef int kinds[3]
    cdef double o[RL_STEP_OPTIONS]
    cdef Py_ssize_t i, k
    cdef list arrays, numbers, options
    left = find_declined(calls)
    if left is not None:
        return left
    # From here on nothing is raised, and no Python code runs that a signal could come between.
    for k in range(len(calls)):
        formula, arrays, numbers, options = <tuple>calls[k]
        call.step = &rl_steps[<int>FORMULAS[formula]]
        for i in range(len(options)):
            o[i] = options[i]
        for i in range(len(<list>arrays[0])):
            if not lie_plainly(&call, arrays, numbers, i, kinds):
                continue
            count(&call, numbers, o, i, kinds)
            if call.n < LEAST:
                rl_step_part(&call, 0, call.n)
            else:
                with nogil:
                    spread(rl_step_part, &call, call.n, LEAST)
    return None
