cdef class Kernel:
    cdef object call1(self, object x)
    cdef object call2(self, object x, object y)
    cdef bint into2(self, object x, object y) except -1
