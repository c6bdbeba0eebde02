cimport cython

from rushlight.kernels.kernel cimport Kernel
from rushlight.lines cimport Line
from rushlight.modes cimport grad_enabled, inference_enabled
from rushlight.operation cimport Operation, add_quietly

from numpy cimport ndarray

cdef extern from *:
    """
    #include <numpy/arrayobject.h>
    /* Whether two arrays agree in dtype and shape. */
    static int rl_same_kind(PyObject *a, PyObject *b) {
        PyArrayObject *x = (PyArrayObject *)a, *y = (PyArrayObject *)b;
        int n;
        if (PyArray_DESCR(x) != PyArray_DESCR(y) && PyArray_TYPE(x) != PyArray_TYPE(y)) return 0;
        n = PyArray_NDIM(x);
        if (n != PyArray_NDIM(y)) return 0;
        return n == 0 || memcmp(PyArray_DIMS(x), PyArray_DIMS(y), n * sizeof(npy_intp)) == 0;
    }
    /* Whether an array is of floats or complex numbers, those of 16 bits included. */
    static int rl_differentiable(PyObject *array) {
        int kind = PyArray_DESCR((PyArrayObject *)array)->kind;
        return kind == 'f' || kind == 'c' || kind == 'V';
    }
    /* The shape of an array as a tuple. */
    static PyObject *rl_shape(PyObject *array) {
        int k, n = PyArray_NDIM((PyArrayObject *)array);
        PyObject *shape = PyTuple_New(n);
        for (k = 0; shape && k < n; k++) {
            PyObject *size = PyLong_FromSsize_t(PyArray_DIM((PyArrayObject *)array, k));
            if (!size) { Py_CLEAR(shape); break; }
            PyTuple_SET_ITEM(shape, k, size);
        }
        return shape;
    }
    """
    tuple rl_shape(object array)
    bint rl_differentiable(object array)
    bint rl_same_kind(object a, object b)

cdef extern from *:
    """
    /* Threads count with a lock of the interpreter's, or without one. */
    #ifdef Py_GIL_DISABLED
    #define RL_COUNT(counter, n) __atomic_add_fetch(&(counter), n, __ATOMIC_RELAXED)
    #else
    #define RL_COUNT(counter, n) ((counter) += n)
    #endif
    """
    long long rl_count "RL_COUNT" (long long counter, int n) noexcept

cdef extern from "kernels/heap.h":
    int rl_adopt(object cls, object compiled, int kind, Py_ssize_t dict_offset) except -1

cdef inline bint same_kind(object a, object b):
    return rl_same_kind(a, b)

cdef inline bint differentiable(object array) except -1:
    return rl_differentiable(array) if isinstance(array, ndarray) else array.dtype.kind in "fcV"

cdef inline tuple shape_of(object value):
    return rl_shape(value) if isinstance(value, ndarray) else ()

cdef long long _entered
cdef int _transforms, _packers
cdef type _tensor_class, _parameter_class
# The last node's; between two nodes there is room for the new history of a view and for nodes that are shown.
cdef long long _sequence

cdef inline long long next_sequence() noexcept:
    return rl_count(_sequence, 8)

cdef object _transform
cdef object _renewed
cdef object _run_inplace, _detach_batch, _leaf_made, _pack
cdef Op ADD, SUB, MUL, DIV, NEG, LT, LE, GT, GE, EQ, NE
cdef object POW, RSUB, RDIV, RPOW, MATMUL, GETITEM, SETITEM, DELITEM

cdef class VersionCounter(Line):
    cdef public long long n
    cpdef bump(self)

cdef class View:
    cdef public TensorBase base
    cdef public long long version
    cdef public str creation

cdef class Op(Operation):
    cdef called(self, tuple inputs)

cdef class Packed:
    pass

cdef class Node(Line):
    cdef public Op op
    cdef public long long sequence
    cdef public int count
    cdef public int outputs
    cdef public object edge0, edge1
    cdef public int number0, number1
    cdef public object saved0, saved1
    cdef public long long version0, version1
    cdef public list more
    cdef public tuple outs
    # What `outs` have in forward mode, or None.
    cdef public list tangents
    cdef public dict params
    cdef public tuple shapes
    cdef public list fits
    cdef public bint conjugate
    cdef public bint freed
    cdef public object slot
    cdef public object claimer
    cdef public object extras
    cdef object __weakref__
    cdef object edge(self, int i)
    cdef int number(self, int i) except -1
    cdef put_first(self, TensorBase tensor, bint keep)
    cdef put_second(self, TensorBase tensor, bint keep)
    cdef put_input(self, int i, object value, bint keep)
    @cython.locals(tensor=TensorBase, version=cython.longlong, number=cython.int)
    cdef put_further(self, object value, bint keep)
    @cython.locals(tensor=TensorBase, version=cython.longlong)
    cdef object saved(self, int i)
    @cython.locals(counter=VersionCounter, version=cython.longlong, tangents=list)
    cdef object saved_out(self, int k)
    @cython.locals(i=cython.int)
    cdef release(self)

cdef class TensorBase:
    cdef public object _array
    cdef public Node _grad_fn
    cdef public int output_nr
    cdef public bint _requires_grad
    cdef public bint inference
    cdef public long long born
    cdef public object _grad
    cdef public VersionCounter versions
    cdef public View view_of
    cdef public object hooks
    cdef public object tangent
    cdef public object slot
    # A dict once the user has set an attribute; kept by Python through tp_dictoffset, see kernels/heap.h.
    cdef void *attributes
    cdef object __weakref__
    cdef bint tracked(self) noexcept
    cdef long long version(self) noexcept
    cdef VersionCounter counter(self)
    cdef object source(self)
    @cython.locals(view=View, node=Node, before=Node)
    cdef Node history(self)

cdef VersionCounter new_counter()
cpdef adopt(object cls)
@cython.locals(node=Node, cls=type)
cpdef Node new_node(Op op)
@cython.locals(tensor=TensorBase)
cdef TensorBase fresh(object array)
@cython.locals(tensor=TensorBase)
cpdef TensorBase wrap(object array)
@cython.locals(tensor=TensorBase)
cpdef TensorBase restore(object array, object edge, int number, VersionCounter counter)
@cython.locals(tensor=TensorBase)
cpdef TensorBase detached(TensorBase x, bint shares_version)
cpdef object parameter_class()
cpdef object tensor_class()
cpdef object array_of(object value)
@cython.locals(kernel=Kernel)
cpdef add_into(object total, object g)
cdef bint operand(object value)
cdef bint plain(object x) noexcept
@cython.locals(kernel=Kernel, tensor=TensorBase, node=Node)
cpdef object call1(Op op, object x)
@cython.locals(kernel=Kernel, tensor=TensorBase, node=Node, needed=cython.longlong, mask=cython.longlong)
cpdef object call2(Op op, object x, object y)
cdef object apply2(Op op, object x, object y)
cpdef object apply(Op op, tuple inputs, dict params)
cpdef object run(Op op, tuple inputs, dict params)
@cython.locals(needed=cython.longlong, node=Node)
cpdef record(Op op, tuple inputs, dict params, list tensors)
cpdef TensorBase run_view(Op op, TensorBase x, dict params)
cpdef object indexed(Op op, object x, object index)
cpdef object view_by(Op op, object x, object first=*, object second=*)
@cython.locals(tensor=TensorBase, view=View, node=Node, recording=cython.bint)
cdef TensorBase viewed(Op op, TensorBase x, object array, dict params)
@cython.locals(result=TensorBase)
cpdef TensorBase as_subclass(TensorBase tensor, type cls)
cpdef list arrays_for(Op op, tuple inputs)
@cython.locals(needed=cython.longlong, i=cython.longlong)
cpdef long long needed_of(tuple inputs)
@cython.locals(node=Node, mask=cython.longlong, i=cython.longlong)
cpdef Node recorded(Op op, tuple inputs, dict params, object out, long long needed)
@cython.locals(counter=VersionCounter)
cdef attach(Node node, TensorBase tensor, Op op, long long needed)
@cython.locals(tensor=TensorBase, k=cython.int)
cdef attach_all(Node node, list tensors, Op op, long long needed)
cdef str own_creation()
cdef str creation_of(TensorBase x, str own)
@cython.locals(view=View, base=TensorBase, counter=VersionCounter, tensor=TensorBase)
cdef link_views(Op op, TensorBase x, list tensors)
cpdef object inplace(Op op, object x, tuple rest, dict params)
cpdef written(TensorBase x)
cpdef int transforms_entered(int change) except? -1
cpdef int packers_entered(int change) except? -1

cdef inline Py_ssize_t attributes_offset():
    return <Py_ssize_t>&(<TensorBase>NULL).attributes

cdef inline TensorBase as_tensor(object value):
    return <TensorBase>value
