cdef class Kernel:
    cdef object call1(self, object x)
    cdef object call2(self, object x, object y)
    cdef object call3(self, object x, object y, object z)
    cdef bint into2(self, object x, object y) except -1
    cdef bint into1(self, object x) except -1
