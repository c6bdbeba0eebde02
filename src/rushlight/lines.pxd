cdef extern from *:
    """
    #include <string.h>
    #if PY_VERSION_HEX < 0x030C0000
    #include "internal/pycore_frame.h"
    #endif
    #ifdef Py_GIL_DISABLED
    static int rl_inside(PyObject *file, PyObject *package) {
        return PyUnicode_Check(file) && PyUnicode_Tailmatch(file, package, 0, PY_SSIZE_T_MAX, -1) == 1;
    }
    #else
    /* The last file known to be the user's. A reference is held, so that its address stays its own. */
    static PyObject *rl_user_file = NULL;

    static int rl_inside(PyObject *file, PyObject *package) {
        Py_ssize_t n, m;
        const char *f, *p;
        if (file == rl_user_file) return 0;
        if (!PyUnicode_Check(file)) return 0;
        f = PyUnicode_AsUTF8AndSize(file, &n);
        p = PyUnicode_AsUTF8AndSize(package, &m);
        if (f == NULL || p == NULL) { PyErr_Clear(); return 0; }
        if (n >= m && memcmp(f, p, m) == 0) return 1;
        Py_INCREF(file);
        Py_XSETREF(rl_user_file, file);
        return 0;
    }
    #endif

    /* A new reference to the code object of the innermost frame outside of `package`, or NULL. */
    #if PY_VERSION_HEX < 0x030C0000
    /* From the interpreter's own records: asking for a frame object makes one, which takes longer than all the rest. */
    static PyObject *rl_user_code(PyObject *package, int *offset) {
        _PyInterpreterFrame *frame = PyThreadState_Get()->cframe->current_frame;
        for (; frame != NULL; frame = frame->previous) {
            if (_PyFrame_IsIncomplete(frame) || rl_inside(frame->f_code->co_filename, package)) continue;
            *offset = _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT);
            Py_INCREF(frame->f_code);
            return (PyObject *)frame->f_code;
        }
        return NULL;
    }
    #else
    static PyObject *rl_user_code(PyObject *package, int *offset) {
        PyFrameObject *frame = PyEval_GetFrame(), *back;
        PyCodeObject *code;
        if (frame == NULL) return NULL;
        Py_INCREF(frame);
        for (;;) {
            code = PyFrame_GetCode(frame);
            if (!rl_inside(code->co_filename, package)) break;
            Py_DECREF(code);
            back = PyFrame_GetBack(frame);
            Py_DECREF(frame);
            if (back == NULL) {
                /* The outermost, or there is no memory for an object of it: then the line stays unknown. */
                PyErr_Clear();
                return NULL;
            }
            frame = back;
        }
        *offset = PyFrame_GetLasti(frame);
        Py_DECREF(frame);
        return (PyObject *)code;
    }
    #endif
    """
    void *rl_user_code(object package, int *offset)

from cpython.ref cimport Py_DECREF, PyObject

cdef inline void mark_line(Line line, str package):
    cdef void *code = rl_user_code(package, &line.offset)
    if code is NULL:
        line.code = None
        return
    line.code = <object>code
    Py_DECREF(line.code)

cdef class Line:
    cdef public object code
    cdef public int offset
    cdef void mark(self)
    cpdef copy_line(self, Line other)
    cpdef line(self)
    cpdef describe(self)

cdef str PACKAGE
