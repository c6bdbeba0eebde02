/* What CPython gives a compiled class and withholds from a Python class derived from it: operators reached without a
   search by name, memory from a free list, and a short way out. `rl_adopt(cls, base)` gives `cls` all three. A class
   that a user derives further is an ordinary Python class again, with ordinary costs. */

#include <Python.h>
#include <stdlib.h>
#include <string.h>

#define RL_POOL 512

typedef struct {
    Py_ssize_t size;            /* tp_basicsize of what lies here */
    int count;
    PyObject *free[RL_POOL];
} rl_pool;

static rl_pool rl_pools[2];
static Py_ssize_t rl_dict_offset;
static PyTypeObject *rl_bases[2];

static PyObject *rl_take(rl_pool *pool, PyTypeObject *type, Py_ssize_t items) {
#ifndef Py_GIL_DISABLED
    if (pool->count > 0) {
        PyObject *o = pool->free[--pool->count];
        memset((char *)o + sizeof(PyObject), 0, pool->size - sizeof(PyObject));
        (void)PyObject_Init(o, type);
        PyObject_GC_Track(o);
        return o;
    }
#endif
    return PyType_GenericAlloc(type, items);
}

static void rl_give(rl_pool *pool, void *o) {
#ifndef Py_GIL_DISABLED
    if (pool->count < RL_POOL) {
        pool->free[pool->count++] = (PyObject *)o;
        return;
    }
#endif
    PyObject_GC_Del(o);
}

static PyObject *rl_alloc0(PyTypeObject *type, Py_ssize_t n) { return rl_take(&rl_pools[0], type, n); }
static PyObject *rl_alloc1(PyTypeObject *type, Py_ssize_t n) { return rl_take(&rl_pools[1], type, n); }
static void rl_free0(void *o) { rl_give(&rl_pools[0], o); }
static void rl_free1(void *o) { rl_give(&rl_pools[1], o); }

/* A long graph is freed a few objects deep; those further down wait. Python's own trashcan would let ten thousand calls
   nest since 3.13, more than the stack of a thread may hold. */
#define RL_DEEPEST 32
#ifdef _MSC_VER
#define RL_OWN static __declspec(thread)
#else
#define RL_OWN static __thread
#endif
RL_OWN int rl_depth, rl_waiting, rl_room;
RL_OWN PyObject **rl_later;

static int rl_wait_for_turn(PyObject *o) {
    if (rl_waiting == rl_room) {
        int room = rl_room ? 2 * rl_room : 64;
        PyObject **more = (PyObject **)realloc(rl_later, room * sizeof(PyObject *));
        if (more == NULL) return 0;
        rl_later = more;
        rl_room = room;
    }
    rl_later[rl_waiting++] = o;
    return 1;
}

/* As subtype_dealloc does for a class without fields of its own. */
static void rl_dealloc(PyObject *o, int kind) {
    PyTypeObject *type = Py_TYPE(o);
    PyObject_GC_UnTrack(o);
    if (rl_depth >= RL_DEEPEST && rl_wait_for_turn(o)) return;
    rl_depth++;
    if (kind == 0) Py_CLEAR(*(PyObject **)((char *)o + rl_dict_offset));
    rl_bases[kind]->tp_dealloc(o);
    Py_DECREF(type);
    while (rl_depth == 1 && rl_waiting) {
        o = rl_later[--rl_waiting];
        Py_TYPE(o)->tp_dealloc(o);
    }
    if (--rl_depth == 0 && rl_later) {
        free(rl_later);
        rl_later = NULL;
        rl_room = 0;
    }
}
static void rl_dealloc0(PyObject *o) { rl_dealloc(o, 0); }
static void rl_dealloc1(PyObject *o) { rl_dealloc(o, 1); }

/* memoryview(tensor): the class's own __buffer__, which Python before 3.12 does not look for. */
static int rl_getbuffer(PyObject *o, Py_buffer *view, int flags) {
    PyObject *memory = PyObject_CallMethod(o, "__buffer__", "i", flags);
    int failed;
    if (memory == NULL) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_SetString(PyExc_BufferError, "no buffer");
        view->obj = NULL;
        return -1;
    }
    failed = PyObject_GetBuffer(memory, view, flags);
    Py_DECREF(memory);
    return failed;
}

static PyGetSetDef rl_dict = {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL};

/* Attributes of the user's: a dict at `offset`, made when the first one is set. Cython would make one per tensor. */
static int rl_give_dict(PyTypeObject *type, Py_ssize_t offset) {
    PyObject *descr = PyDescr_NewGetSet(type, &rl_dict);
    if (descr == NULL || PyDict_SetItemString(type->tp_dict, "__dict__", descr) < 0) return -1;
    Py_DECREF(descr);
    type->tp_dictoffset = offset;
    PyType_Modified(type);
    return 0;
}

/* kind 0: tensors, kind 1: nodes. A class with fields of its own is left as it is. */
static inline int rl_adopt(PyObject *cls, PyObject *compiled, int kind, Py_ssize_t dict_offset) {
    PyTypeObject *type = (PyTypeObject *)cls, *base = (PyTypeObject *)compiled;
    if (type->tp_basicsize != base->tp_basicsize || !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) return 0;
    if (kind == 0 && type->tp_dictoffset == 0) {
        rl_dict_offset = dict_offset;
        if (rl_give_dict(type, dict_offset) < 0) return -1;
    }
    rl_pools[kind].size = base->tp_basicsize;
    rl_bases[kind] = base;
    type->tp_alloc = kind ? rl_alloc1 : rl_alloc0;
    type->tp_free = kind ? rl_free1 : rl_free0;
    type->tp_dealloc = kind ? rl_dealloc1 : rl_dealloc0;
    if (kind == 0) type->tp_as_buffer->bf_getbuffer = rl_getbuffer;
    if (base->tp_as_number && type->tp_as_number) {
        PyNumberMethods *to = type->tp_as_number, *from = base->tp_as_number;
        to->nb_add = from->nb_add;
        to->nb_subtract = from->nb_subtract;
        to->nb_multiply = from->nb_multiply;
        to->nb_true_divide = from->nb_true_divide;
        to->nb_power = from->nb_power;
        to->nb_matrix_multiply = from->nb_matrix_multiply;
    }
    return 0;
}
