"""Convolutions, and products of 16-bit floats, by oneDNN where the package onednn-cpu-gomp is installed.

Each function is asked before the kernels of its operation and answers NotImplemented like them: where the library is not
there, is switched off, has nothing for the layout, or was measured to be the slower way (benchmarks/onednn.py). The
library is loaded by the first call that is large enough. RUSHLIGHT_ONEDNN=0 leaves it alone for the whole process, and
`enabled = False` from then on. A child of a process that has loaded it does without: GNU's OpenMP does not survive a fork.
"""

import math
import os

import numpy as np

from . import load

enabled = True
_library = None  # not looked for yet; False where there is none, or none that may be used
_FLOAT16, _BFLOAT16, _FLOAT32 = 1, 2, 3
_off = os.environ.get("RUSHLIGHT_ONEDNN", "") == "0"

# The product of the sizes of two arrays below which nothing needs to be asked.
SMALLEST = 1 << 19
# Where the library was ahead, with two threads: multiplications, and channels of the input that meet one of the result (of
# fewer its blocks of sixteen are mostly empty; for the gradient by weight all channels count), in float32 and with 16 bits.
_LIMITS = {
    "forward": ((3_000_000, 32), (1_500_000, 2)),
    "input": ((3_000_000, 16), (1_500_000, 8)),
    "weight": ((3_000_000, 1), (500_000, 3)),
    "product": (None, (1_000_000, 1)),
}


def library():
    """The library, loaded now if it was not; None where there is none, or none that may be used."""
    global _library
    if _library is None:
        _library = _loaded() or False
    return _library or None


def _loaded():
    if _off or load("parallel") is None or load("copying") is None:
        return None
    from . import dnnl

    path = dnnl.found()
    if path is None:
        return None
    try:
        found = dnnl.Library(path)
    except (OSError, AttributeError):
        # Of a machine that it was not built for, without OpenMP, or another library of that name.
        return None
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forked)
    return found


def _forked():
    global _library
    _library = False


def is_available():
    """Whether the library is there and can be used in this process."""
    return library() is not None


def _dtype(x):
    """oneDNN's number of a dtype, 0 for one that it is not asked for."""
    if x.dtype == np.float32:
        return _FLOAT32
    if x.dtype.itemsize == 2 and x.dtype.kind in "fV":
        return _FLOAT16 if x.dtype.kind == "f" else _BFLOAT16
    return 0


def _asked(kind, x, y, work, channels):
    """The library, where it is to compute something of two arrays of one dtype; None where not."""
    dtype = _dtype(x)
    if not enabled or _library is False or dtype == 0 or x.dtype != y.dtype or x.ndim > 5:
        return None
    least_work, least_channels = _LIMITS[kind][dtype != _FLOAT32]
    return library() if work >= least_work and channels >= least_channels else None


# -- convolutions


def _padded(size, places, kernel, stride, padding, dilation):
    """The padding at the end with which just `places` windows fit; None for less than none."""
    after = []
    for n, m, k, s, p, d in zip(size, places, kernel, stride, padding, dilation):
        fit = (n + 2 * p - d * (k - 1) - 1) // s + 1
        after.append(p if fit == m else (m - 1) * s + d * (k - 1) + 1 - n - p)
    return None if min(after) < 0 or min(padding) < 0 else tuple(after)


def _described(lib, kind, dtype, x, weight, y, bias, stride, dilation, padding, after, groups):
    """The plan of a convolution of `kind`, from the shapes of its input, weight and result."""
    from . import dnnl

    grouped = (groups, weight[0] // groups, *weight[1:]) if groups > 1 else weight
    free = [lib.layout(shape, dtype) for shape in (x, grouped, y)]
    own = [lib.layout(shape, dtype, dnnl.rows(shape)) for shape in (x, grouped, y)]
    steps = [lib.sizes(v) for v in (stride, [d - 1 for d in dilation], padding, after)]
    named = lib.layout(bias, dtype, [1]) if bias else None
    forward = lib.made(
        "primitive_desc", "convolution_forward_primitive_desc_create", lib.engine, 64, 1, free[0], free[1], named, free[2],
        *steps, lib.attributes,
    )  # fmt: skip
    if kind == "forward":
        operands = [(dnnl.SRC, own[0]), (dnnl.WEIGHTS, own[1])]
        operands += [(dnnl.BIAS, named), (dnnl.DST, own[2])] if bias else [(dnnl.DST, own[2])]
        return dnnl.Plan(lib, forward, operands)
    if kind == "input":
        description = lib.made(
            "primitive_desc", "convolution_backward_data_primitive_desc_create", lib.engine, 1, *free, *steps, forward,
            lib.attributes,
        )  # fmt: skip
        return dnnl.Plan(lib, description, [(dnnl.DIFF_DST, own[2]), (dnnl.WEIGHTS, own[1]), (dnnl.DIFF_SRC, own[0])])
    description = lib.made(
        "primitive_desc", "convolution_backward_weights_primitive_desc_create", lib.engine, 1, free[0], free[1], None,
        free[2], *steps, forward, lib.attributes,
    )  # fmt: skip
    return dnnl.Plan(lib, description, [(dnnl.SRC, own[0]), (dnnl.DIFF_DST, own[2]), (dnnl.DIFF_WEIGHTS, own[1])])


def _convolved(lib, kind, x, weight, y, arrays, stride, padding, dilation, groups, bias=None):
    """The result of one of the three, of arrays of one dtype; NotImplemented where the library has none."""
    after = _padded(x[2:], y[2:], weight[2:], stride, padding, dilation)
    if after is None:
        return NotImplemented
    dtype = arrays[0].dtype
    key = (kind, _dtype(arrays[0]), x, weight, y, bias, stride, dilation, padding, after, groups)
    plan = lib.plan(key, _described, *key)
    if plan is None:
        return NotImplemented
    out = np.empty({"forward": y, "input": x, "weight": weight}[kind], dtype)
    plan.run(*[np.ascontiguousarray(array) for array in arrays], out)
    return out


def _by_blas(x, weight):
    """Whether it is a product of matrices of float32, in which BLAS is ahead."""
    return x.dtype == np.float32 and math.prod(weight.shape[2:]) == 1


def convolution(x, weight, bias, *, stride, padding, dilation, groups, size=None):
    """The cross-correlation of x with weight at `size` places, or at all."""
    steps, kernel = math.prod(stride), weight.shape[2:]
    # Our own loops are for stride 1; without them few channels are no reason.
    channels = weight.shape[1] if steps == 1 else 16
    lib = _asked("forward", x, weight, x.size // max(1, x.shape[1]) * weight.size // steps, channels)
    if lib is None or _by_blas(x, weight) or (bias is not None and bias.dtype != x.dtype):
        return NotImplemented
    if size is None:
        along = zip(x.shape[2:], kernel, stride, padding, dilation)
        size = tuple([(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in along])
    if min(size) < 1:
        return NotImplemented
    shapes = x.shape, weight.shape, (x.shape[0], weight.shape[0], *size)
    arrays = (x, weight) if bias is None else (x, weight, bias)
    named = None if bias is None else bias.shape
    return _convolved(lib, "forward", *shapes, arrays, stride, padding, dilation, groups, named)


def convolution_transpose(x, weight, bias, *, size, stride, padding, dilation, groups):
    """The adjoint of `convolution` in its input, of spatial `size`."""
    lib = _asked("input", x, weight, x.size // max(1, x.shape[1]) * weight.size, weight.shape[1])
    if lib is None or _by_blas(x, weight) or bias is not None:
        return NotImplemented
    shapes = (x.shape[0], weight.shape[1] * groups, *size), weight.shape, x.shape
    return _convolved(lib, "input", *shapes, (x, weight), stride, padding, dilation, groups)


def convolution_weight(x, y, *, kernel, stride, padding, dilation, groups):
    """The gradient of a weight with spatial shape `kernel`, y being that of the result."""
    channels = x.shape[1] // max(1, groups)
    lib = _asked("weight", x, y, y.size * channels * math.prod(kernel), x.shape[1])
    if lib is None:
        return NotImplemented
    shapes = x.shape, (y.shape[1], channels, *kernel), y.shape
    return _convolved(lib, "weight", *shapes, (x, y), stride, padding, dilation, groups)


# -- products of matrices


def _multiplied(lib, dtype, shapes, strides):
    from . import dnnl

    left, right, out = [lib.layout(shape, dtype, steps) for shape, steps in zip(shapes, strides)]
    description = lib.made(
        "primitive_desc", "matmul_primitive_desc_create", lib.engine, left, right, None, out, lib.attributes
    )
    return dnnl.Plan(lib, description, [(dnnl.SRC, left), (dnnl.WEIGHTS, right), (dnnl.DST, out)])


def product(a, b):
    """a @ b for matrices, or as many of them on both sides, of 16-bit floats."""
    if not 2 <= a.ndim <= 3 or a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2] or a.dtype.itemsize != 2:
        return NotImplemented
    lib = _asked("product", a, b, a.size * b.shape[-1], 1)
    if lib is None:
        return NotImplemented
    a, b = _dense(a), _dense(b)
    out = np.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    shapes = a.shape, b.shape, out.shape
    strides = tuple([tuple([step // 2 for step in x.strides]) for x in (a, b, out)])
    key = ("product", _dtype(a), shapes, strides)
    plan = lib.plan(key, _multiplied, _dtype(a), shapes, strides)
    if plan is None:
        return NotImplemented
    plan.run(a, b, out)
    return out


def _dense(x):
    """x, or a copy of it in row-major order where its matrices are neither that nor the transpose of that."""
    rows, columns = x.strides[-2:]
    n, m = x.shape[-2:]
    whole = x.ndim == 2 or x.strides[0] == 2 * n * m
    if whole and ((columns == 2 and rows == 2 * m) or (rows == 2 and columns == 2 * n)):
        return x
    return np.ascontiguousarray(x)
