cimport cython

from rushlight.core cimport Op, indexed

cdef Op ALIAS, SELECT, SLICE, UNSQUEEZE
cdef object _long_way, _translated

cpdef object getitem(object x, object index)
@cython.locals(op=Op, found=Op, dots=cython.int)
cpdef Op last_applied(object index)
cdef Op entry(object part, Op for_slice)
cdef bint whole(object part)
cdef bint lasting(slice part)
cdef bint number(object n)
cpdef tuple basic_key(object index)
