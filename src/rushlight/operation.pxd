from numpy cimport ndarray

from rushlight.kernels.kernel cimport Kernel

cdef int _SHAPE, _OUT, _PARAM, _NEEDS
cdef int _AS_IT_IS, _COMMON, _FLOAT

cdef class Rule:
    cdef public object fn
    cdef public list sources
    cdef public list names
    cdef public int count
    cdef public bint passes
    cdef public int first, second
    cdef public Kernel kernel
    cdef public object fast
    cdef public long long inputs_mask
    cdef public bint uses_out
    cdef public bint uses_shapes

cdef object _settings, _SILENT
cdef object hush()
cdef speak(object before)
cpdef add_quietly(object total, object g)
cdef bint of_one_float(list arrays) except -1

cdef class Operation:
    cdef public str name
    cdef public object forward
    cdef readonly object __doc__
    cdef public Kernel kernel
    cdef public object fast
    cdef public object check
    cdef public str kind
    cdef public int arity
    cdef public bint variadic
    cdef public list rules
    cdef public Rule joint
    cdef public object push, batch
    cdef public object custom
    cdef public object shown
    cdef public int promotion
    cdef public bint elementwise
    cdef public bint commutes
    cdef public bint holomorphic
    cdef public bint quiet
    cdef public bint is_view
    cdef public bint multiple
    cdef public bint uses_shapes
    cdef public bint jointly
    cdef public bint keeps_anything
    cdef public bint wide_numbers
    cdef public tuple outputs
    cdef public tuple inputs
    cdef public tuple params
    cdef public dict defaults
    cdef public dict aliases
    cdef public type node_class
    cdef public bint differentiable
    cdef object __weakref__
    cdef object view(self, object array, dict params)
    cdef list prepared(self, list arrays)
    cdef list fits(self, list arrays, object out)
    cdef object by_kernel(self, object arrays)
    cpdef object compute(self, object arrays, dict params)
    cdef object attempt(self, object arrays, dict params)
    cdef public long long keep1, keep2, keep3, out_mask
    cpdef settle(self)
    cpdef long long asked(self, long long needed) except? -1
    cdef long long keeps(self, long long needed)
