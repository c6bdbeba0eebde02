cimport cython

from rushlight.core cimport (
    Node, Op, TensorBase, apply, as_tensor, attach, fresh, new_node, packers_entered, plain, shape_of, transforms_entered,
)
from rushlight.modes cimport grad_enabled

cpdef bint ordinary(object x) except -1
cdef int recording(object x, object y, object z) except -1
@cython.locals(tensor=TensorBase, node=Node, needed=cython.longlong, mask=cython.longlong)
cpdef object call3(Op op, object x, object y, object z)
@cython.locals(tensor=TensorBase, node=Node)
cpdef object call_with(Op op, object x, object value)
