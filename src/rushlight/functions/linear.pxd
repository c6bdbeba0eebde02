from rushlight.calls cimport call3, ordinary, recording
from rushlight.core cimport Op, TensorBase, as_tensor, call2, fresh, plain
from rushlight.kernels.kernel cimport Kernel

cimport cython

cdef Op _WITH_BIAS, _WITHOUT

@cython.locals(kernel=Kernel)
cdef object shortly(object x, object w, object b)
