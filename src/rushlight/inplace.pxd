cimport cython
from numpy cimport ndarray

from rushlight.core cimport Node, Op, TensorBase, View, arrays_for, needed_of, new_node, recorded, storage_geometry, wrap
from rushlight.modes cimport grad_enabled

cdef Op _copy_slices

@cython.locals(needed=cython.longlong, node=Node)
cpdef object run_inplace(Op op, TensorBase x, tuple rest, dict params)
@cython.locals(view=View, base=TensorBase, scatter=Node, before=Node)
cpdef rebase(TensorBase x, Node node)
