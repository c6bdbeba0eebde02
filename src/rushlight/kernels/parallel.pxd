ctypedef void (*span)(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil

cdef void spread(span work, void *what, Py_ssize_t n, Py_ssize_t least) noexcept nogil

# The family of processors (see families.h) whose loops run.
cdef int family
