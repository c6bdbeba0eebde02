cimport cython

from rushlight.core cimport TensorBase, VersionCounter

@cython.locals(chosen=list, arrays=list, grads=list, param=TensorBase, grad=TensorBase)
cpdef tuple with_grads(params)
@cython.locals(states=list)
cpdef list states_of(list params, state)
@cython.locals(lists=list)
cpdef list kept_each(list states, tuple names)
@cython.locals(arrays=list, state=dict, tensor=TensorBase)
cpdef list kept(list states, str name)
@cython.locals(param=TensorBase, counter=VersionCounter)
cpdef mark_written(list params)
