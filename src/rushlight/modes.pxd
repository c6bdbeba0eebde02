cimport cython

from cpython.contextvars cimport PyContextVar_Set, get_value

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

cdef extern from *:
    """
    static CYTHON_UNUSED PyObject *rl_new_of(PyObject *base, PyObject *type, PyObject *none) {
        return ((PyTypeObject *)base)->tp_new((PyTypeObject *)type, none, NULL);
    }
    static newfunc rl_new_by_name;
    static PyObject *(*rl_switch)(PyObject *);
    static PyObject *rl_new_switch(PyTypeObject *type, PyObject *args, PyObject *named) {
        if (PyTuple_GET_SIZE(args) == 0 && named == NULL) return rl_switch((PyObject *)type);
        return rl_new_by_name(type, args, named);
    }
    /* Without arguments `type()` need not look for `__new__`. A class derived from it does. */
    static CYTHON_UNUSED void rl_quicken_new(PyObject *type, PyObject *(*make)(PyObject *)) {
        rl_switch = make;
        rl_new_by_name = ((PyTypeObject *)type)->tp_new;
        ((PyTypeObject *)type)->tp_new = rl_new_switch;
    }
    """
    object rl_new_of(object base, object type, tuple none)
    void rl_quicken_new(object type, object (*make)(object))

cdef inline int current_flags(object variable) except -1:
    if rl_backward_flags >= 0:
        return rl_backward_flags
    return get_value(variable, 1)

cdef inline set_variable(object variable, int value):
    PyContextVar_Set(variable, value)

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
    # Before the innermost block that the switch is in; of those around it a pair, the inner one and the rest.
    cdef public int _before
    cdef public tuple _further
    cdef public int _depth
    cdef public int _outer
    cdef public bint _on
    cdef public bint _inference
    cdef int _left(self) except -1
    cpdef int _put(self) except -1
    cpdef _restore(self, int before)

@cython.locals(switch=Switch)
cpdef object new_switch(object cls, bint on, bint inference)
cdef object no_grad_switch(object cls)
