# cython: boundscheck=False, wraparound=False, cdivision=True
"""One pass over a parameter per step: reads the gradient, moves the state, writes the parameter.

Each function takes lists of arrays, and returns the positions that it declined (or None): arrays that are not
C-contiguous float32 or float64, or not of one dtype and size. `optim_meaning` takes those.
"""

cimport numpy as cnp
from libc.math cimport pow, sqrt

cnp.import_array()

cdef extern from *:
    """
    #include <math.h>
    #define SGD(NAME, T)                                                                                              \\
        static void NAME(T *restrict p, const T *restrict g, T *restrict b, int first, Py_ssize_t n, double lr_,      \\
                         double momentum_, double dampening_, double decay_, int nesterov, int maximize) {            \\
            const T lr = (T)lr_, momentum = (T)momentum_, rest = (T)(1 - dampening_), decay = (T)decay_;              \\
            Py_ssize_t i;                                                                                             \\
            for (i = 0; i < n; i++) {                                                                                 \\
                T d = maximize ? -g[i] : g[i];                                                                        \\
                if (decay != 0) d += decay * p[i];                                                                    \\
                if (b) {                                                                                              \\
                    T moved = first ? d : momentum * b[i] + rest * d;                                                 \\
                    b[i] = moved;                                                                                     \\
                    d = nesterov ? d + momentum * moved : moved;                                                      \\
                }                                                                                                     \\
                p[i] -= lr * d;                                                                                       \\
            }                                                                                                         \\
        }
    SGD(rl_sgd_f4, float)
    SGD(rl_sgd_f8, double)

    #define ADAM(NAME, T, SQRT)                                                                                       \\
        static void NAME(T *restrict p, const T *restrict g, T *restrict m, T *restrict v, T *restrict top,           \\
                         Py_ssize_t n, double step_size_, double correction_, double beta1, double beta2,             \\
                         double eps_, double decay_, double shrink_, int maximize) {                                  \\
            const T size = (T)-step_size_, correction = (T)correction_, eps = (T)eps_, decay = (T)decay_;             \\
            const T shrink = (T)shrink_, w = (T)(1 - beta1), b1 = (T)beta1, b2 = (T)beta2, w2 = (T)(1 - beta2);       \\
            const int near = w < (T)0.5;                                                                              \\
            Py_ssize_t i;                                                                                             \\
            for (i = 0; i < n; i++) {                                                                                 \\
                T d = maximize ? -g[i] : g[i], x = p[i] * shrink, first = m[i], second;                               \\
                d += decay * x;                                                                                       \\
                first = near ? first + w * (d - first) : d - (d - first) * b1;                                        \\
                second = v[i] * b2 + w2 * d * d;                                                                      \\
                m[i] = first;                                                                                         \\
                v[i] = second;                                                                                        \\
                if (top) {                                                                                            \\
                    second = (second > top[i] || second != second) ? second : top[i];                                 \\
                    top[i] = second;                                                                                  \\
                }                                                                                                     \\
                p[i] = x + size * first / (SQRT(second) / correction + eps);                                          \\
            }                                                                                                         \\
        }
    ADAM(rl_adam_f4, float, sqrtf)
    ADAM(rl_adam_f8, double, sqrt)
    """
    void rl_sgd_f4(float *, const float *, float *, int, Py_ssize_t, double, double, double, double, int, int) noexcept nogil
    void rl_sgd_f8(double *, const double *, double *, int, Py_ssize_t, double, double, double, double, int, int) noexcept nogil
    void rl_adam_f4(float *, const float *, float *, float *, float *, Py_ssize_t, double, double, double, double, double,
                    double, double, int) noexcept nogil
    void rl_adam_f8(double *, const double *, double *, double *, double *, Py_ssize_t, double, double, double, double, double,
                    double, double, int) noexcept nogil


cdef inline bint fits(object array, int kind, Py_ssize_t n):
    """Whether an array can be written as n elements of that kind in a row."""
    return cnp.PyArray_Check(array) and cnp.PyArray_TYPE(array) == kind and cnp.PyArray_SIZE(array) == n and cnp.PyArray_ISCARRAY(array)


cdef inline bint readable(object array, int kind, Py_ssize_t n):
    return cnp.PyArray_Check(array) and cnp.PyArray_TYPE(array) == kind and cnp.PyArray_SIZE(array) == n and cnp.PyArray_ISCARRAY_RO(array)


cdef inline int kind_of(object array):
    """NPY_FLOAT or NPY_DOUBLE, -1 for all that these loops do not take."""
    cdef int kind
    if not cnp.PyArray_Check(array) or not cnp.PyArray_ISCARRAY(array):
        return -1
    kind = cnp.PyArray_TYPE(array)
    return kind if kind == cnp.NPY_FLOAT or kind == cnp.NPY_DOUBLE else -1


def sgd(list params, list grads, list buffers, bint first, double lr, double momentum, double dampening,
        double weight_decay, bint nesterov, bint maximize):
    """A step of gradient descent; `buffers` is None without momentum, `first` says that they are still unset."""
    cdef Py_ssize_t i, n
    cdef int kind
    cdef void *p
    cdef void *g
    cdef void *b = NULL
    declined = None
    for i in range(len(params)):
        param, grad = params[i], grads[i]
        kind = kind_of(param)
        n = cnp.PyArray_SIZE(param) if kind >= 0 else 0
        if kind < 0 or not readable(grad, kind, n) or (buffers is not None and not fits(buffers[i], kind, n)):
            declined = [] if declined is None else declined
            declined.append(i)
            continue
        p, g = cnp.PyArray_DATA(param), cnp.PyArray_DATA(grad)
        if buffers is not None:
            b = cnp.PyArray_DATA(buffers[i])
        if kind == cnp.NPY_FLOAT:
            if n < 32768:
                rl_sgd_f4(<float *>p, <float *>g, <float *>b, first, n, lr, momentum, dampening, weight_decay, nesterov, maximize)
            else:
                with nogil:
                    rl_sgd_f4(<float *>p, <float *>g, <float *>b, first, n, lr, momentum, dampening, weight_decay, nesterov, maximize)
        else:
            with nogil:
                rl_sgd_f8(<double *>p, <double *>g, <double *>b, first, n, lr, momentum, dampening, weight_decay, nesterov, maximize)
    return declined


def adam(list params, list grads, list means, list squares, list tops, list steps, double lr, double beta1, double beta2,
         double eps, double weight_decay, bint decoupled, bint maximize):
    """A step of Adam; `tops` (largest second moments) is None without amsgrad. Counts `steps`, float32 scalars, up."""
    cdef Py_ssize_t i, n
    cdef int kind
    cdef double t, step_size, correction
    cdef double decay = 0 if decoupled else weight_decay
    cdef double shrink = 1 - lr * weight_decay if decoupled else 1
    cdef void *p
    cdef void *g
    cdef void *m
    cdef void *v
    cdef void *top = NULL
    declined = None
    for i in range(len(params)):
        param, grad, mean, square, step = params[i], grads[i], means[i], squares[i], steps[i]
        kind = kind_of(param)
        n = cnp.PyArray_SIZE(param) if kind >= 0 else 0
        if (
            kind < 0 or not readable(grad, kind, n) or not fits(mean, kind, n) or not fits(square, kind, n)
            or not fits(step, cnp.NPY_FLOAT, 1) or (tops is not None and not fits(tops[i], kind, n))
        ):
            declined = [] if declined is None else declined
            declined.append(i)
            continue
        p, g = cnp.PyArray_DATA(param), cnp.PyArray_DATA(grad)
        m, v = cnp.PyArray_DATA(mean), cnp.PyArray_DATA(square)
        if tops is not None:
            top = cnp.PyArray_DATA(tops[i])
        t = (<float *>cnp.PyArray_DATA(step))[0] + 1
        (<float *>cnp.PyArray_DATA(step))[0] = <float>t
        step_size = lr / (1 - pow(beta1, t))
        correction = sqrt(1 - pow(beta2, t))
        if kind == cnp.NPY_FLOAT:
            if n < 32768:
                rl_adam_f4(<float *>p, <float *>g, <float *>m, <float *>v, <float *>top, n, step_size, correction, beta1, beta2,
                           eps, decay, shrink, maximize)
            else:
                with nogil:
                    rl_adam_f4(<float *>p, <float *>g, <float *>m, <float *>v, <float *>top, n, step_size, correction, beta1,
                               beta2, eps, decay, shrink, maximize)
        else:
            with nogil:
                rl_adam_f8(<double *>p, <double *>g, <double *>m, <double *>v, <double *>top, n, step_size, correction, beta1,
                           beta2, eps, decay, shrink, maximize)
    return declined
