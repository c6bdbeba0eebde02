from cpython.contextvars cimport get_value

cdef int _GRAD, _INFERENCE, _ANOMALY, _CHECK_NAN
cdef object _flags
cdef bint _inference_seen

cdef inline int context_value(object variable) except -1:
    return get_value(variable, 1)

cpdef int flags() except -1
cpdef put_flags(int value)
cpdef bint grad_enabled() except -1
cpdef bint inference_enabled() except -1
cpdef bint anomaly_enabled() except -1
cpdef bint check_nan_enabled() except -1
cpdef int put_grad(bint on) except -1
cpdef int put_inference(bint on) except -1
cpdef int put_anomaly(bint on, bint check_nan) except -1
