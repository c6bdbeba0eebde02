cimport cython
from cpython.exc cimport PyErr_CheckSignals
from numpy cimport ndarray

from rushlight.core cimport Node, Op, TensorBase, add_into, array_of, same_kind, transforms_entered, wrap, as_tensor, VersionCounter
from rushlight.operation cimport Rule
from rushlight.modes cimport anomaly_enabled, check_nan_enabled, enter_backward, leave_backward

cdef extern from *:
    """
    #include <numpy/arrayobject.h>
    static npy_intp rl_elements(PyArrayObject *a) {
        npy_intp count = 1;
        for (int i = 0; i < PyArray_NDIM(a); i++) count *= PyArray_DIM(a, i);
        return count;
    }
    /* Whether an array owns its memory, or is all of an array that does and that nobody else holds: a transpose of a
       transpose. NumPy's interface is not imported here, so nothing of it is called. */
    static int rl_whole(PyArrayObject *a) {
        PyArrayObject *base = (PyArrayObject *)PyArray_BASE(a);
        if (base == NULL) return PyArray_CHKFLAGS(a, NPY_ARRAY_OWNDATA);
        return Py_TYPE(base) == Py_TYPE(a) && Py_REFCNT(base) == 1 && PyArray_BASE(base) == NULL
            && PyArray_CHKFLAGS(base, NPY_ARRAY_OWNDATA) && PyArray_DESCR(base) == PyArray_DESCR(a)
            && rl_elements(base) == rl_elements(a);
    }
    /* Whether the array has no other holder and can serve as somebody's .grad as it is. */
    static int rl_alone(PyObject *tensor, PyObject *array) {
        PyArrayObject *a = (PyArrayObject *)array;
        return Py_REFCNT(tensor) == 1 && Py_REFCNT(array) == 1 && PyArray_IS_C_CONTIGUOUS(a) && PyArray_ISWRITEABLE(a)
            && rl_whole(a);
    }
    /* A slot is looked at and taken in two steps, which need a lock of the interpreter's. */
    #ifdef Py_GIL_DISABLED
    #define RL_SLOTS_USED 0
    #else
    #define RL_SLOTS_USED 1
    #endif
    /* Whether the elements, of which there are several, are one number in memory. */
    static int rl_one_number(PyObject *array) {
        PyArrayObject *a = (PyArrayObject *)array;
        if (PyArray_IS_C_CONTIGUOUS(a)) return 0;
        for (int i = 0; i < PyArray_NDIM(a); i++)
            if (PyArray_STRIDE(a, i) != 0 && PyArray_DIM(a, i) != 1) return 0;
        return 1;
    }
    static int rl_plain(PyObject *array) { return PyArray_ISCARRAY((PyArrayObject *)array); }
    /* A scalar one of the same shape and dtype; None where the array is no scalar of float32 or float64. */
    static PyObject *rl_one_like(PyObject *array) {
        PyArrayObject *a = (PyArrayObject *)array, *one;
        int i, kind = PyArray_TYPE(a);
        for (i = 0; i < PyArray_NDIM(a); i++)
            if (PyArray_DIM(a, i) != 1) Py_RETURN_NONE;
        if (kind != NPY_FLOAT && kind != NPY_DOUBLE) Py_RETURN_NONE;
        one = (PyArrayObject *)PyObject_CallMethod(array, "copy", NULL);
        if (one == NULL) return NULL;
        if (kind == NPY_FLOAT) *(float *)PyArray_DATA(one) = 1;
        else *(double *)PyArray_DATA(one) = 1;
        return (PyObject *)one;
    }
    """
    object rl_one_like(object array)
    bint rl_alone(void *tensor, void *array)
    bint rl_plain(object array)
    bint rl_one_number(object array)
    bint slots_used "RL_SLOTS_USED"

cdef inline int check_signals() except -1:
    return PyErr_CheckSignals()

cdef inline long long bytes_of(object value):
    return (<ndarray>value).nbytes if isinstance(value, ndarray) else 0

cdef inline bint plain(object array):
    return rl_plain(array)

cdef inline bint one_number(object array):
    return rl_one_number(array)

cdef inline object one_like(object array):
    return rl_one_like(array)

cdef inline bint sole_owner(Pending pending):
    return rl_alone(<void *>pending.grad, <void *>pending.grad._array)

# The same of a gradient that one variable holds.
cdef inline bint alone(TensorBase g):
    return rl_alone(<void *>g, <void *>g._array)

cdef int _SHAPE, _OUT, _PARAM, _NEEDS, _TRANSFORMS
cdef long long KEPT_FOR_A_RETRY
cdef object CONJ, SUM_TO, TO_DTYPE, COPY_GRAD, _commit

cdef class Pending:
    cdef Run run
    cdef Node node
    cdef TensorBase leaf
    # What is to become leaf.grad, or what the gradient is to be added to.
    cdef TensorBase new, total
    cdef long long order
    cdef TensorBase grad
    cdef list grads
    cdef bint owned

cdef class Run:
    cdef bint keep_graph, create_graph, on_arrays, anomaly
    cdef object watchers
    cdef Pending top
    cdef list heap
    cdef dict elsewhere
    cdef list leaves
    cdef list passed
    cdef readonly long long passed_bytes
    cdef readonly object stopped
    cdef list retained
    cdef set needed
    cdef readonly dict wanted
    cdef list captured
    cdef public dict gathered
    cdef object __weakref__
    cdef begin(self, bint keep_graph, bint create_graph)
    cdef wait(self, Pending pending)
    cdef restrict(self, list roots, list targets)
    cdef bint visits(self, object edge) except -1
    @cython.locals(pending=Pending)
    cdef send(self, object edge, int number, TensorBase g)
    @cython.locals(pending=Pending)
    cdef Pending claim_leaf(self, TensorBase leaf)
    cdef set_aside(self, object edge, Pending pending)
    @cython.locals(pending=Pending)
    cdef forget_leaves(self)
    @cython.locals(pending=Pending)
    cdef Pending claim(self, Node node)
    @cython.locals(pending=Pending)
    cdef walk(self)
    cdef forget(self, Pending pending)
    cdef visit(self, Node node, object g)
    cdef bint seen(self, Node node)
    @cython.locals(passed=list, node=Node)
    cdef let_go(self)
    cdef visit_watched(self, Node node, object g)
    @cython.locals(i=cython.int)
    cdef bint leads_on(self, Node node) except -1
    cdef bint capture(self, Node node, object g) except -1
    @cython.locals(i=cython.int, op=Op)
    cdef pull(self, Node node, object g)
    @cython.locals(pending=Pending)
    cdef object whole(self, object g)
    cdef bint has_received(self, object edge, int number) except -1
    @cython.locals(half=TensorBase)
    cdef pull_square(self, Node node, object g)
    @cython.locals(rule=Rule)
    cdef object result(self, Node node, Op op, int i, object g)
    cpdef object results(self, Node node, object g)
    @cython.locals(op=Op, rule=Rule)
    cdef object joint_results(self, Node node, object g)
    @cython.locals(i=cython.int)
    cdef send_all(self, Node node, object results)
    @cython.locals(leaf=TensorBase, pending=Pending)
    cdef finish_leaves(self, bint accumulate)
    @cython.locals(node=Node)
    cdef list release(self)
    @cython.locals(node=Node, pending=Pending)
    cdef abandon(self, object error)
    @cython.locals(leaf=TensorBase, pending=Pending)
    cdef commit(self)
    @cython.locals(leaf=TensorBase, pending=Pending)
    cdef prepare_and_put(self, list ready)
    @cython.locals(leaf=TensorBase, pending=Pending, counter=VersionCounter, first=VersionCounter)
    cdef put_gradients(self, list ready)
    @cython.locals(i=Py_ssize_t, pair=tuple)
    cdef put_retained(self)
    cdef object prepared(self, TensorBase leaf, Pending pending)

cdef put_grad(TensorBase tensor, object g)
@cython.locals(run=Run)
cpdef object backward(list roots, bint keep_graph, bint create_graph, list targets, bint accumulate)
@cython.locals(node=Node, i=cython.int, needed=set, seen=set, stack=list)
cdef set leading_to(list edges, dict targets)
@cython.locals(total=cython.longlong, entry=tuple)
cdef long long kept_bytes(Node node) except -1
@cython.locals(tensor=TensorBase)
cdef long long bytes_beside(object value, object edge) except -1
cpdef object conj(object g)
cpdef object fit(object g, object want)
@cython.locals(i=Py_ssize_t, parent=Py_ssize_t, above=Pending)
cdef push(list heap, Pending item)
@cython.locals(i=Py_ssize_t, n=Py_ssize_t, child=Py_ssize_t, last=Pending, first=Pending, below=Pending, other=Pending)
cdef Pending pop(list heap)
cpdef bint backward_from_scalar(TensorBase tensor, bint keep_graph) except -1
cdef object call_rule(Rule rule, Node node, object g)
cdef object call_rule_kernel(Rule rule, Node node, object g)
cpdef object fetch(Node node, Rule rule, int i, int source)
