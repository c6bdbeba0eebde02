# cython: boundscheck=False, wraparound=False, cdivision=True
"""Special functions over contiguous float32 and float64 arrays of one shape; every other array is declined.

Each is within a few units in the last place of its dtype (away from its zeros), computed in double except where
float is enough; the sources of the formulas stand in the headers special_*.h. `through_NAME(g, ...)` is the gradient
of NAME.
"""

cimport numpy as cnp

from rushlight.kernels.buffers cimport empty
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/special_loops.h" nogil:
    ctypedef struct rl_job
    ctypedef void (*rl_loop)(const rl_job *, Py_ssize_t, Py_ssize_t) noexcept nogil
    ctypedef struct rl_job:
        rl_loop loop
        const void *inputs "in"[3]
        void *out
        Py_ssize_t step
        long order
        long family
        double factor
    ctypedef struct rl_entry:
        const char *name
        rl_loop f4
        rl_loop f8
        int count
        int stepped
        Py_ssize_t least
    const rl_entry RL_SPECIAL[]
    void rl_run(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept
    int RL_MOST_SLOPES

# Shorter loops are over before another thread could have used the interpreter.
cdef Py_ssize_t NOGIL_FROM = 1000


cdef class Loop(Kernel):
    """A loop over one, two or three arrays; `order`, `family` and `factor` are its further parameters."""

    cdef rl_entry entry
    cdef long order
    cdef long family
    cdef double factor

    cdef object call1(self, object x):
        return self.over(1, x, x, x)

    cdef object call2(self, object x, object y):
        return self.over(2, x, y, y)

    cdef object call3(self, object x, object y, object z):
        return self.over(3, x, y, z)

    cdef object over(self, int count, object x, object y, object z):
        cdef rl_job job
        cdef cnp.ndarray a, b, c, out
        cdef Py_ssize_t n
        if count != self.entry.count or not isinstance(x, cnp.ndarray) or not isinstance(y, cnp.ndarray) or not isinstance(z, cnp.ndarray):
            return NotImplemented
        a, b, c = <cnp.ndarray>x, <cnp.ndarray>y, <cnp.ndarray>z
        cdef int kind = cnp.PyArray_TYPE(a)
        if kind == cnp.NPY_FLOAT32:
            job.loop = self.entry.f4
        elif kind == cnp.NPY_FLOAT64:
            job.loop = self.entry.f8
        else:
            return NotImplemented
        if not usable(a, kind):
            return NotImplemented
        job.step = 1
        if count > 1 and not (usable(b, kind) and cnp.PyArray_SAMESHAPE(a, b)):
            if not self.entry.stepped or cnp.PyArray_NDIM(b) != 0 or not usable(b, kind):
                return NotImplemented
            job.step = 0
        if count > 2 and not (usable(c, kind) and cnp.PyArray_SAMESHAPE(a, c)):
            return NotImplemented
        out = empty(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind)
        n = cnp.PyArray_SIZE(a)
        job.inputs[0], job.inputs[1], job.inputs[2] = cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(c)
        job.out = cnp.PyArray_DATA(out)
        job.order, job.family, job.factor = self.order, self.family, self.factor
        if n < NOGIL_FROM:
            job.loop(&job, 0, n)
        else:
            with nogil:
                spread(rl_run, &job, n, self.entry.least)
        return out


cdef inline bint usable(cnp.ndarray a, int kind) noexcept:
    return cnp.PyArray_TYPE(a) == kind and cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)


cdef Loop made(rl_entry entry):
    cdef Loop loop = Loop()
    loop.entry = entry
    return loop


cdef dict found = {}
cdef int i = 0
while RL_SPECIAL[i].name is not NULL:
    found[RL_SPECIAL[i].name.decode()] = made(RL_SPECIAL[i])
    i += 1
globals().update(found)


def polygamma_of(long n, double factor):
    """The kernel of factor * zeta(n + 1, x)."""
    cdef Loop loop = made((<Loop>found["polygamma"]).entry)
    loop.order, loop.factor = n, factor
    return loop


def clifford_of(double order, long sign):
    """The kernel of Clifford's function of that order."""
    cdef Loop loop = made((<Loop>found["clifford"]).entry)
    loop.factor, loop.order = order, sign
    return loop


def polynomial_of(long family, long order):
    """The kernel of the order-th derivative of a family's polynomials at (x, n); None for an order too high."""
    if order > RL_MOST_SLOPES:
        return None
    cdef Loop loop = made((<Loop>found["polynomial"]).entry)
    loop.family, loop.order = family, order
    return loop
