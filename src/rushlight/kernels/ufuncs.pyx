# cython: boundscheck=False, wraparound=False, cdivision=True
"""NumPy's own loops, run on contiguous arrays by all threads, and without NumPy's cost per call.

Over 16-bit floats for which a ufunc has no loop its loop of float32 is run, by blocks (halves.h).
"""

cimport numpy as cnp

from rushlight.kernels.halves cimport half_kind
from rushlight.kernels.kernel cimport Kernel
from rushlight.kernels.buffers cimport empty
from rushlight.kernels.parallel cimport spread

cnp.import_array()
cnp.import_ufunc()

cdef extern from *:
    """
    #include "kernels/halves.h"
    typedef struct {
        PyUFuncGenericFunction loop;
        void *data;
        const char *x, *y;
        char *out;
        npy_intp sx, sy, so;
        int half;
    } rl_ufunc_call;

    static void rl_call_ufunc1(void *what, Py_ssize_t begin, Py_ssize_t end) {
        rl_ufunc_call *c = (rl_ufunc_call *)what;
        char *args[2] = {(char *)c->x + begin * c->sx, c->out + begin * c->so};
        npy_intp n = end - begin, steps[2] = {c->sx, c->so};
        c->loop(args, &n, steps, c->data);
    }
    static void rl_call_ufunc2(void *what, Py_ssize_t begin, Py_ssize_t end) {
        rl_ufunc_call *c = (rl_ufunc_call *)what;
        char *args[3] = {(char *)c->x + begin * c->sx, (char *)c->y + begin * c->sy, c->out + begin * c->so};
        npy_intp n = end - begin, steps[3] = {c->sx, c->sy, c->so};
        c->loop(args, &n, steps, c->data);
    }
    static void rl_call_ufunc_halves(void *what, Py_ssize_t begin, Py_ssize_t end) {
        rl_ufunc_call *c = (rl_ufunc_call *)what;
        float x[RL_HALVES], y[RL_HALVES], o[RL_HALVES];
        int two = c->y != NULL, truth = c->so == 1;
        for (; begin < end; begin += RL_HALVES) {
            npy_intp n = end - begin < RL_HALVES ? end - begin : RL_HALVES;
            npy_intp steps[3] = {c->sx ? 4 : 0, two ? (c->sy ? 4 : 0) : 4, 4};
            char *out = c->out + begin * c->so, *args[3] = {(char *)x, two ? (char *)y : (char *)o, (char *)o};
            if (truth) args[1 + two] = out, steps[1 + two] = 1;
            rl_half_load(c->half, c->x + begin * c->sx, x, c->sx ? n : 1);
            if (two) rl_half_load(c->half, c->y + begin * c->sy, y, c->sy ? n : 1);
            c->loop(args, &n, steps, c->data);
            if (!truth) rl_half_store(c->half, o, out, n);
        }
    }
    """
    ctypedef struct rl_ufunc_call:
        cnp.PyUFuncGenericFunction loop
        void *data
        const char *x
        const char *y
        char *out
        cnp.npy_intp sx, sy, so
        int half
    void rl_call_ufunc1(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_call_ufunc2(void *, Py_ssize_t, Py_ssize_t) noexcept nogil
    void rl_call_ufunc_halves(void *, Py_ssize_t, Py_ssize_t) noexcept nogil

# NumPy's numbers of the types that it has loops in C for: bool to complex128, and float16.
DEF TYPES = 24
# Elements of a part: some 20 microseconds of the cheapest loop.
cdef Py_ssize_t LEAST = 32768


cdef class Loop(Kernel):
    """A ufunc of one or two operands of one type; `kinds` are the type characters of those that it may take."""

    cdef cnp.PyUFuncGenericFunction loops[TYPES]
    cdef void *data[TYPES]
    cdef int result[TYPES]
    cdef int operands
    cdef object ufunc

    def __init__(self, cnp.ufunc ufunc, str kinds="?bBhHiIlLqQefdFD"):
        cdef int i, kind, others
        cdef Py_ssize_t width = ufunc.nin + ufunc.nout
        self.ufunc = ufunc
        self.operands = ufunc.nin
        for i in range(TYPES):
            self.loops[i] = NULL
        for i in range(ufunc.ntypes):
            kind = ufunc.types[i * width]
            others = ufunc.types[i * width + ufunc.nin - 1]
            if kind < 0 or kind >= TYPES or others != kind or self.loops[kind] != NULL:
                continue
            if cnp.PyArray_DescrFromType(kind).char not in kinds:
                continue
            self.loops[kind] = ufunc.functions[i]
            self.data[kind] = ufunc.data[i]
            self.result[kind] = ufunc.types[i * width + ufunc.nin]

    cdef cnp.ndarray made(self, cnp.ndarray like, int result):
        return empty(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), result)

    cdef object halves(self, cnp.ndarray a, cnp.ndarray b, cnp.ndarray shaped, int sx, int sy):
        """Operands of 16 bits with steps of 2 bytes or 0; b is None for one."""
        cdef rl_ufunc_call call
        cdef cnp.ndarray o
        cdef int single = cnp.NPY_FLOAT32
        call.half, call.loop, call.data = half_kind(a), self.loops[single], self.data[single]
        if call.loop == NULL or not call.half:
            return NotImplemented
        if self.result[single] == single:
            o = self.made(shaped, cnp.PyArray_TYPE(a))
        elif self.result[single] == cnp.NPY_BOOL:
            o = self.made(shaped, cnp.NPY_BOOL)
        else:
            return NotImplemented
        call.x, call.sx, call.y, call.sy = <const char *>cnp.PyArray_DATA(a), sx, NULL, sy
        if b is not None:
            call.y = <const char *>cnp.PyArray_DATA(b)
        call.out, call.so = <char *>cnp.PyArray_DATA(o), cnp.PyArray_ITEMSIZE(o)
        with nogil:
            spread(rl_call_ufunc_halves, &call, cnp.PyArray_SIZE(o), LEAST)
        return o

    cdef object call1(self, object x):
        cdef rl_ufunc_call call
        cdef cnp.ndarray a, o
        cdef int kind
        cdef Py_ssize_t n
        if self.operands != 1 or not isinstance(x, cnp.ndarray):
            return NotImplemented
        a = <cnp.ndarray>x
        kind = cnp.PyArray_TYPE(a)
        if not plain(a):
            return NotImplemented
        if kind >= TYPES or self.loops[kind] == NULL:
            return self.halves(a, None, a, 2, 0)
        o = self.made(a, self.result[kind])
        call.loop, call.data = self.loops[kind], self.data[kind]
        call.x, call.sx = <const char *>cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a)
        call.out, call.so = <char *>cnp.PyArray_DATA(o), cnp.PyArray_ITEMSIZE(o)
        n = cnp.PyArray_SIZE(a)
        if n < LEAST:
            rl_call_ufunc1(&call, 0, n)
            return o
        with nogil:
            spread(rl_call_ufunc1, &call, n, LEAST)
        return o

    cdef object call2(self, object x, object y):
        cdef rl_ufunc_call call
        cdef cnp.ndarray a, b, o, shaped
        cdef int kind
        cdef Py_ssize_t n
        if self.operands != 2 or not isinstance(x, cnp.ndarray) or not isinstance(y, cnp.ndarray):
            return NotImplemented
        a, b = <cnp.ndarray>x, <cnp.ndarray>y
        kind = cnp.PyArray_TYPE(a)
        if cnp.PyArray_TYPE(b) != kind or not plain(a) or not plain(b):
            return NotImplemented
        call.sx, call.sy = cnp.PyArray_ITEMSIZE(a), cnp.PyArray_ITEMSIZE(b)
        if not cnp.PyArray_SAMESHAPE(a, b):
            if cnp.PyArray_NDIM(b) == 0:
                call.sy = 0
            elif cnp.PyArray_NDIM(a) == 0:
                call.sx = 0
            else:
                return NotImplemented
        shaped = b if call.sx == 0 else a
        if kind >= TYPES or self.loops[kind] == NULL:
            return self.halves(a, b, shaped, <int>call.sx, <int>call.sy)
        o = self.made(shaped, self.result[kind])
        call.loop, call.data = self.loops[kind], self.data[kind]
        call.x, call.y = <const char *>cnp.PyArray_DATA(a), <const char *>cnp.PyArray_DATA(b)
        call.out, call.so = <char *>cnp.PyArray_DATA(o), cnp.PyArray_ITEMSIZE(o)
        n = cnp.PyArray_SIZE(o)
        if n < LEAST:
            rl_call_ufunc2(&call, 0, n)
            return o
        with nogil:
            spread(rl_call_ufunc2, &call, n, LEAST)
        return o


cdef inline bint plain(cnp.ndarray a):
    return cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_ISBEHAVED_RO(a)
