# The element of an array that has one, of NumPy's own numbers; NotImplemented of anything else.
cdef object number_of(object array)
