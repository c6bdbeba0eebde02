cdef extern from "kernels/slots.h":
    int rl_quicken(object cls, bint call, bint get, object (*called)(object, object, object)) except -1
    object forward "rl_forward" (object module, object args)

cdef object _long_way

cdef object called(object module, object args, object named)
