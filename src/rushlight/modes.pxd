from cpython.contextvars cimport get_value

cdef int _GRAD, _INFERENCE, _ANOMALY, _NAN_PASSES, _AUTOCAST
cdef object _flags
cdef bint _inference_seen

cdef extern from *:
    """
    /* The modes of the backward pass that this thread is in, -1 outside of one. No other task can run in this thread
       before the pass ends, so they need no context variable, which costs 0.3 us to set and set back. */
    #if defined(_MSC_VER)
    static __declspec(thread) int rl_backward_flags = -1;
    #else
    static __thread int rl_backward_flags = -1;
    #endif
    """
    int rl_backward_flags

cdef inline int current_flags(object variable) except -1:
    if rl_backward_flags >= 0:
        return rl_backward_flags
    return get_value(variable, 1)

cdef inline bint put_in_backward(int value):
    global rl_backward_flags
    if rl_backward_flags < 0:
        return False
    rl_backward_flags = value
    return True

cdef inline int enter_backward_in_c(bint create_graph, int value):
    global rl_backward_flags
    cdef int before = rl_backward_flags
    rl_backward_flags = value
    return before

cdef inline void leave_backward_in_c(int before):
    global rl_backward_flags
    rl_backward_flags = before

cpdef int flags() except -1
cpdef put_flags(int value)
cpdef bint grad_enabled() except -1
cpdef bint inference_enabled() except -1
cpdef bint anomaly_enabled() except -1
cpdef bint check_nan_enabled() except -1
cpdef bint autocast_enabled() except -1
cpdef int put_autocast(bint on) except -1
cpdef int put_grad(bint on) except -1
cpdef int put_inference(bint on) except -1
cpdef int put_anomaly(bint on, bint check_nan) except -1
cpdef int enter_backward(bint create_graph) except? -2
cpdef leave_backward(int before)

cdef class Switch:
    cdef object __weakref__
    cdef public list _before
    cdef public int _outer
    cdef public bint _on
    cdef public bint _inference
    cpdef int _put(self) except -1
    cpdef _restore(self, int before)
