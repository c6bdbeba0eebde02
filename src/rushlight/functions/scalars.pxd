from rushlight.core cimport TensorBase, as_tensor
from rushlight.kernels.literals cimport number_of

cdef list in_force

cpdef object item(object self)
