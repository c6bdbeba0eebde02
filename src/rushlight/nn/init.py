"""Starting values for parameters: every function fills its tensor in place, unrecorded, and returns it.

The random ones draw from `generator`, by default the one that `manual_seed` sets, PyTorch's numbers in PyTorch's order.
"""

import math
import warnings

import numpy as np

from ..core import written
from ..generator import default_generator
from ..missing import of_module as _of_module

_LINEAR = (
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
)  # fmt: skip


def _fill(tensor, values):
    np.copyto(tensor._array, values, casting="unsafe")
    written(tensor)
    return tensor


def _draw_uniform(array, low, high, generator, out=None):
    return (generator or default_generator).uniform(array.shape, array.dtype, low, high, out=out)


def _draw_normal(array, mean, std, generator, out=None):
    return (generator or default_generator).normal(array.shape, array.dtype, mean, std, out=out)


def _filled(tensor, draw, *settings):
    """A tensor filled with what is drawn for it: in its own memory, where that is as draws are."""
    array = tensor._array
    if array.dtype.char not in "fd" or not array.flags.c_contiguous or not array.flags.behaved:
        return _fill(tensor, draw(array, *settings))
    draw(array, *settings, out=array)
    written(tensor)
    return tensor


def calculate_gain(nonlinearity, param=None):
    """The factor by which weights before a nonlinearity are scaled; `param` is leaky_relu's slope.

    Raises ValueError for a name it does not know.

    >>> from rushlight.nn import init
    >>> init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "selu":
        return 3 / 4
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    if param is None:
        param = 0.01
    elif isinstance(param, bool) or not isinstance(param, (int, float)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2 / (1 + param**2))


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fill with numbers drawn uniformly from [a, b)."""
    return _filled(tensor, _draw_uniform, a, b, generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fill with numbers of a normal distribution."""
    return _filled(tensor, _draw_normal, mean, std, generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fill with numbers of the normal distribution cut off outside of [a, b]."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
            "incorrect.",
            stacklevel=2,
        )
    array = tensor._array
    inside = _normal_below((b - mean) / std) - _normal_below((a - mean) / std)
    if inside > 0.3:
        return _fill(tensor, _rejected_normals(array, mean, std, a, b, generator))
    return _fill(tensor, _rejected_uniforms(array, mean, std, a, b, generator))


def _normal_below(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _rejected_normals(array, mean, std, a, b, generator):
    """Normals, drawn anew where they fall outside."""
    values = _draw_normal(array, mean, std, generator)
    outside = (values < a) | (values > b)
    while outside.any():
        np.copyto(values, _draw_normal(array, mean, std, generator), where=outside)
        outside = (values < a) | (values > b)
    return values


def _rejected_uniforms(array, mean, std, a, b, generator):
    """Uniforms, each kept with a chance in proportion to the density there: few normals would fall inside."""
    peak = (min(max(mean, a), b) - mean) / std
    values = np.empty_like(array)
    missing = np.ones(array.shape, bool)
    while missing.any():
        proposed = _draw_uniform(array, a, b, generator)
        chance = np.exp((peak**2 - ((proposed - mean) / std) ** 2) / 2)
        kept = missing & (_draw_uniform(array, 0, 1, generator) <= chance)
        values[kept] = proposed[kept]
        missing &= ~kept
    return values


def constant_(tensor, val):
    """Fill a tensor of any shape and dtype with `val`; returns it, as all of these do."""
    return _fill(tensor, val)


def ones_(tensor):
    """Fill a tensor of any shape and dtype with ones; returns it."""
    return _fill(tensor, 1)


def zeros_(tensor):
    """Fill a tensor of any shape and dtype with zeros; returns it."""
    return _fill(tensor, 0)


def eye_(tensor):
    """Ones on the diagonal of a 2-D tensor, else zeros. Raises ValueError for other ranks."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _fill(tensor, np.eye(*tensor.shape))


def dirac_(tensor, groups=1):
    """The weight of a convolution (3 to 5 dimensions) that hands its input channels on, in each of the groups."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tensor.shape
    if sizes[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = sizes[0] // groups
    values = np.zeros(sizes)
    center = tuple(size // 2 for size in sizes[2:])
    for group in range(groups):
        for d in range(min(per_group, sizes[1])):
            values[(group * per_group + d, d, *center)] = 1
    return _fill(tensor, values)


def _calculate_fan_in_and_fan_out(tensor):
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    sizes = tensor._array.shape
    field = math.prod(sizes[2:])
    return sizes[1] * field, sizes[0] * field


def _calculate_correct_fan(tensor, mode):
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform within gain * sqrt(6 / (fan_in + fan_out)). Raises ValueError for fewer than 2 dimensions."""
    bound = math.sqrt(3) * gain * math.sqrt(2 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal of deviation gain * sqrt(2 / (fan_in + fan_out)). Raises ValueError for fewer than 2 dimensions."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform within gain * sqrt(3 / fan), where `a` is leaky_relu's slope and `mode` "fan_in" or "fan_out"."""
    if _is_empty(tensor):
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal of standard deviation gain / sqrt(fan), where `a` is leaky_relu's slope."""
    if _is_empty(tensor):
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def _is_empty(tensor):
    if 0 not in tensor._array.shape:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def orthogonal_(tensor, gain=1, generator=None):
    """Orthonormal rows or columns of the tensor seen as a matrix, times `gain`.

    Raises ValueError for fewer than 2 dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    array = tensor._array
    if array.size == 0:
        return tensor
    rows = array.shape[0]
    flat = (generator or default_generator).normal((rows, array.size // rows), array.dtype)
    wide = flat.shape[0] < flat.shape[1]
    q, r = np.linalg.qr(flat.T if wide else flat)
    q *= np.sign(np.diagonal(r))
    return _fill(tensor, (q.T if wide else q).reshape(array.shape) * gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Normal, but for a share of `sparsity` in each column, which is zero. Raises ValueError unless 2-D."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0, std, generator)
    for column in range(columns):
        tensor._array[(generator or default_generator).randperm(rows)[:zeros], column] = 0
    return tensor


def _deprecated(function):
    name = function.__name__

    def old(*args, **kwargs):
        warnings.warn(
            f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    old.__name__ = old.__qualname__ = name[:-1]
    old.__doc__ = f"The former name of `{name}`."
    return old


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)

__getattr__ = _of_module(__name__)
