/* What Python does when a module is called or asked for an attribute, without its searches for `__call__` and
   `__getattr__`. A class has both while they are Module's own; assigning to one of these names gives it Python's again. */

#ifndef RL_SLOTS_H
#define RL_SLOTS_H

#include <Python.h>

static PyObject *(*rl_called)(PyObject *, PyObject *, PyObject *);
static PyObject *rl_forward_name, *rl_getattr_name, *rl_registries[3];

/* A parameter, module or buffer of a module, borrowed; NULL where there is none, or with an error. */
static PyObject *rl_inside(PyObject *fields, PyObject *name) {
    for (int k = 0; k < 3; k++) {
        PyObject *found, *registry = PyDict_GetItemWithError(fields, rl_registries[k]);
        if (registry == NULL || !PyDict_Check(registry)) return NULL;
        found = PyDict_GetItemWithError(registry, name);
        if (found != NULL || PyErr_Occurred()) return found;
    }
    return NULL;
}

/* module.name: as object's, and then what is inside of the module. The class's `__getattr__` says what is missing. */
static PyObject *rl_attribute(PyObject *self, PyObject *name) {
    PyObject *found, *fields, *getattr;
    if (_PyType_Lookup(Py_TYPE(self), name) != NULL) {
        found = PyObject_GenericGetAttr(self, name);
        if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
        PyErr_Clear();
    } else {
        fields = PyObject_GenericGetDict(self, NULL);
        if (fields == NULL) return NULL;
        found = PyDict_GetItemWithError(fields, name);
        if (found == NULL && !PyErr_Occurred()) found = rl_inside(fields, name);
        Py_XINCREF(found);
        Py_DECREF(fields);
        if (found != NULL || PyErr_Occurred()) return found;
    }
    getattr = _PyType_Lookup(Py_TYPE(self), rl_getattr_name);
    if (getattr == NULL) return PyErr_Format(PyExc_AttributeError, "%U", name);
    Py_INCREF(getattr);
    found = PyObject_CallFunctionObjArgs(getattr, self, name, NULL);
    Py_DECREF(getattr);
    return found;
}

#define RL_MOST_ARGUMENTS 6

/* module.forward(*args): a function of the class is called as it is, without a bound method. */
static PyObject *rl_forward(PyObject *self, PyObject *args) {
    PyObject *stack[RL_MOST_ARGUMENTS + 2], *forward = _PyType_Lookup(Py_TYPE(self), rl_forward_name), *fields, *own, *out;
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    if (forward != NULL && PyType_HasFeature(Py_TYPE(forward), Py_TPFLAGS_METHOD_DESCRIPTOR) && n <= RL_MOST_ARGUMENTS) {
        fields = PyObject_GenericGetDict(self, NULL);
        if (fields == NULL) return NULL;
        own = PyDict_GetItemWithError(fields, rl_forward_name);
        Py_DECREF(fields);
        if (own == NULL) {
            if (PyErr_Occurred()) return NULL;
            stack[1] = self;
            for (Py_ssize_t k = 0; k < n; k++) stack[k + 2] = PyTuple_GET_ITEM(args, k);
            Py_INCREF(forward);
            out = PyObject_Vectorcall(forward, stack + 1, (size_t)(n + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
            Py_DECREF(forward);
            return out;
        }
    }
    forward = PyObject_GetAttr(self, rl_forward_name);
    if (forward == NULL) return NULL;
    out = PyObject_Call(forward, args, NULL);
    Py_DECREF(forward);
    return out;
}

/* Without keywords there is no dict, which compiled code cannot be given. */
static PyObject *rl_call(PyObject *self, PyObject *args, PyObject *named) {
    return rl_called(self, args, named == NULL ? Py_None : named);
}

/* Without the interpreter's lock others may change a dict while it is read: there everything stays Python's. */
static inline int rl_quicken(PyObject *cls, int call, int get, PyObject *(*called)(PyObject *, PyObject *, PyObject *)) {
#ifndef Py_GIL_DISABLED
    PyTypeObject *type = (PyTypeObject *)cls;
    if (rl_forward_name == NULL) {
        rl_called = called;
        rl_getattr_name = PyUnicode_InternFromString("__getattr__");
        rl_registries[0] = PyUnicode_InternFromString("_parameters");
        rl_registries[1] = PyUnicode_InternFromString("_modules");
        rl_registries[2] = PyUnicode_InternFromString("_buffers");
        rl_forward_name = PyUnicode_InternFromString("forward");
        if (!rl_getattr_name || !rl_registries[0] || !rl_registries[1] || !rl_registries[2] || !rl_forward_name) return -1;
    }
    if (call) type->tp_call = rl_call;
    if (get) type->tp_getattro = rl_attribute;
    PyType_Modified(type);
#endif
    return 0;
}

#endif
