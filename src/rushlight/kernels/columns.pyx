# cython: boundscheck=False, wraparound=False, cdivision=True
"""The windows of images and volumes as columns, and back, planes shared among threads."""

import numpy as np

cimport numpy as cnp

from rushlight.kernels.buffers cimport empty
from rushlight.kernels.parallel cimport span, spread

cnp.import_array()

cdef extern from "kernels/columns.h" nogil:
    ctypedef struct rl_windows:
        Py_ssize_t d, h, w, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, od, oh, ow
        void *plane
        void *columns
    void rl_im2col_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_im2col_f8(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_col2im_f4(void *, Py_ssize_t, Py_ssize_t) noexcept
    void rl_col2im_f8(void *, Py_ssize_t, Py_ssize_t) noexcept

# Elements that are worth a thread.
cdef Py_ssize_t ELEMENTS = 1 << 15


cdef bint settle(rl_windows *v, tuple size, tuple kernel, tuple dilation, tuple padding, tuple stride) except -1:
    """Take down the windows over planes of `size`; whether they are of one to three dimensions."""
    if not len(size) == len(kernel) == len(dilation) == len(padding) == len(stride):
        return False
    if len(size) == 1:
        v.d = v.kd = v.dd = v.sd = v.h = v.kh = v.dh = v.sh = 1
        v.pd = v.ph = 0
        v.w, v.kw, v.dw, v.pw, v.sw = size[0], kernel[0], dilation[0], padding[0], stride[0]
    elif len(size) == 2:
        v.d = v.kd = v.dd = v.sd = 1
        v.pd = 0
        v.h, v.w = size
        v.kh, v.kw = kernel
        v.dh, v.dw = dilation
        v.ph, v.pw = padding
        v.sh, v.sw = stride
    elif len(size) == 3:
        v.d, v.h, v.w = size
        v.kd, v.kh, v.kw = kernel
        v.dd, v.dh, v.dw = dilation
        v.pd, v.ph, v.pw = padding
        v.sd, v.sh, v.sw = stride
    else:
        return False
    v.od = (v.d + 2 * v.pd - v.dd * (v.kd - 1) - 1) // v.sd + 1
    v.oh = (v.h + 2 * v.ph - v.dh * (v.kh - 1) - 1) // v.sh + 1
    v.ow = (v.w + 2 * v.pw - v.dw * (v.kw - 1) - 1) // v.sw + 1
    return v.od > 0 and v.oh > 0 and v.ow > 0


cdef bint handled(object x, int nd) except -1:
    if type(x) is not cnp.ndarray or cnp.PyArray_NDIM(<cnp.ndarray>x) != nd or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>x):
        return False
    return cnp.PyArray_TYPE(<cnp.ndarray>x) in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64)


cdef void run(span work, rl_windows *v, Py_ssize_t planes):
    cdef Py_ssize_t each = v.kd * v.kh * v.kw * v.od * v.oh * v.ow
    with nogil:
        spread(work, v, planes, max(1, ELEMENTS // max(1, each)))


def im2col(x, *, tuple kernel, tuple dilation, tuple padding, tuple stride):
    """The windows of x (N, C, H, W) as columns (N, C * taps, positions)."""
    cdef rl_windows v
    cdef cnp.npy_intp dims[3]
    cdef cnp.ndarray a, out
    if not handled(x, 4):
        return NotImplemented
    a = <cnp.ndarray>x
    if not settle(&v, (cnp.PyArray_DIM(a, 2), cnp.PyArray_DIM(a, 3)), kernel, dilation, padding, stride):
        return NotImplemented
    dims[0], dims[1], dims[2] = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(a, 1) * v.kh * v.kw, v.oh * v.ow
    out = empty(3, dims, cnp.PyArray_TYPE(a))
    v.plane, v.columns = cnp.PyArray_DATA(a), cnp.PyArray_DATA(out)
    run(rl_im2col_f4 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else rl_im2col_f8, &v, dims[0] * cnp.PyArray_DIM(a, 1))
    return out


def col2im(x, *, tuple size, tuple kernel, tuple dilation, tuple padding, tuple stride, cnp.ndarray into=None):
    """Columns (N, C * taps, positions) added up where their windows lay in planes, or volumes, of `size`.

    `into`, a row-major array of the result's shape and dtype, is written over.
    """
    cdef rl_windows v
    cdef cnp.npy_intp dims[5]
    cdef cnp.ndarray a, out = into
    cdef Py_ssize_t taps
    if not handled(x, 3) or not settle(&v, size, kernel, dilation, padding, stride):
        return NotImplemented
    a, taps = <cnp.ndarray>x, v.kd * v.kh * v.kw
    if not taps or v.od * v.oh * v.ow != cnp.PyArray_DIM(a, 2) or cnp.PyArray_DIM(a, 1) % taps:
        return NotImplemented
    dims[2], dims[len(size)] = v.d, v.h
    dims[0], dims[1], dims[len(size) + 1] = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(a, 1) // taps, v.w
    if into is None:
        out = empty(len(size) + 2, dims, cnp.PyArray_TYPE(a))
    v.plane, v.columns = cnp.PyArray_DATA(out), cnp.PyArray_DATA(a)
    run(rl_col2im_f4 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else rl_col2im_f8, &v, dims[0] * dims[1])
    return out
