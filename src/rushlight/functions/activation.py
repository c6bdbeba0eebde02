"""Activations, with the arguments of torch.nn.functional; `inplace=True` writes over the input."""

from .. import casting, core
from ..core import TensorBase, call1, call2
from ..dtypes import finfo, of
from ..errors import coded
from ..ops import activation as ops
from ..ops import elementwise as arithmetic
from ..ops import gate
from ..ops.complex import abs as absolute
from ..ops.trigonometric import tanh
from .arguments import check_number, check_tensor
from .making import unary, unary_inplace
from .options import SURE, check_fits, check_held

_ALPHA = 1.6732632423543772848170429916717
_SCALE = 1.0507009873554804934193349852946

sigmoid = unary(ops.sigmoid, "1 / (1 + exp(-x)).", "[0.0, 1.0]", "tensor([0.5000, 0.7311])")


def _activate(op, input, inplace, **params):
    check_tensor(input, op.name)
    for position, (name, value) in enumerate(params.items(), 2):
        if type(value) is not float and type(value) is not int and name != "approximate":
            check_number(value, op.name, position, name)
        if name != "approximate" and input._array.dtype.kind == "f":
            check_held(value, input)
    params = params or op.defaults
    return core.inplace(op, input, (), params) if inplace else core.apply(op, (input,), params)


def _plain(op, given, shown, summary):
    """An activation without parameters."""

    def function(input, inplace=False):
        if not inplace and isinstance(input, TensorBase):
            return call1(op, input)
        return _activate(op, input, inplace)

    function.__name__ = function.__qualname__ = op.name
    function.__module__ = __name__
    function.__doc__ = f"""{summary}

    >>> import rushlight
    >>> rushlight.nn.functional.{op.name}(rushlight.tensor({given}))
    {shown}
    """
    return function


relu = _plain(ops.relu, "[1.0, -1.0]", "tensor([1., 0.])", "Each element where positive, else 0.")
silu = _plain(ops.silu, "[0.0, 1.0]", "tensor([0.0000, 0.7311])", "x * sigmoid(x), known as swish.")
mish = _plain(ops.mish, "[0.0, 1.0]", "tensor([0.0000, 0.8651])", "x * tanh(softplus(x)).")
hardsigmoid = _plain(ops.hardsigmoid, "[-4.0, 0.0]", "tensor([0.0000, 0.5000])", "x / 6 + 1 / 2, clamped to [0, 1].")
hardswish = _plain(ops.hardswish, "[-4.0, 1.0]", "tensor([-0.0000, 0.6667])", "x * hardsigmoid(x).")


def relu6(input, inplace=False):
    """Each element clamped to [0, 6].

    >>> import rushlight
    >>> rushlight.nn.functional.relu6(rushlight.tensor([-1.0, 8.0]))
    tensor([0., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """Each element clamped to [min_val, max_val]. ValueError where min_val is the larger.

    >>> import rushlight
    >>> rushlight.nn.functional.hardtanh(rushlight.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    check_tensor(input, "hardtanh")
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input._array.dtype.kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if min_val < 0 and input._array.dtype.kind == "u":
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    return _activate(ops.hardtanh, input, inplace, min_val=min_val, max_val=max_val)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """Each element where positive, else times `negative_slope`.

    >>> import rushlight
    >>> rushlight.nn.functional.leaky_relu(rushlight.tensor([1.0, -1.0]), 0.1)
    tensor([ 1.0000, -0.1000])
    """
    if negative_slope == 0.01 and not inplace and isinstance(input, TensorBase):
        return call1(ops.leaky_relu, input)
    return _activate(ops.leaky_relu, input, inplace, negative_slope=negative_slope)


def elu(input, alpha=1.0, inplace=False):
    """Each element where positive, else alpha * (exp(x) - 1).

    >>> import rushlight
    >>> rushlight.nn.functional.elu(rushlight.tensor([1.0, -1.0]))
    tensor([ 1.0000, -0.6321])
    """
    if alpha == 1 and not inplace and isinstance(input, TensorBase):
        return call1(ops.elu, input)
    return _activate(ops.elu, input, inplace, alpha=alpha, scale=1.0, input_scale=1.0)


def selu(input, inplace=False):
    """elu, scaled so that a deep network keeps mean 0 and variance 1.

    >>> import rushlight
    >>> rushlight.selu(rushlight.tensor([1.0, -1.0]))
    tensor([ 1.0507, -1.1113])
    """
    return _activate(ops.elu, input, inplace, alpha=_ALPHA, scale=_SCALE, input_scale=1.0)


def celu(input, alpha=1.0, inplace=False):
    """Each element where positive, else alpha * (exp(x / alpha) - 1). RuntimeError for alpha 0.

    >>> import rushlight
    >>> rushlight.celu(rushlight.tensor([1.0, -1.0]), alpha=2.0)
    tensor([ 1.0000, -0.7869])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _activate(ops.celu, input, inplace, alpha=alpha)


def threshold(input, threshold, value, inplace=False):
    """Each element where above `threshold`, else `value`.

    >>> import rushlight
    >>> rushlight.threshold(rushlight.tensor([1.0, -1.0]), 0.0, 9.0)
    tensor([1., 9.])
    """
    check_tensor(input, "threshold")
    if input._array.dtype.kind in "iu":
        for position, (name, number) in enumerate((("threshold", threshold), ("value", value)), 2):
            check_number(number, "threshold", position, name)
            check_fits(number, input._array.dtype)
    return _activate(ops.threshold, input, inplace, threshold=threshold, value=value)


def prelu(input, weight):
    """Each element where positive, else times `weight`: one number, or one for each channel (dimension 1).

    Raises RuntimeError for another number of weights, and for different dtypes.

    >>> import rushlight
    >>> rushlight.prelu(rushlight.tensor([1.0, -1.0]), rushlight.tensor([0.25]))
    tensor([ 1.0000, -0.2500])
    """
    check_tensor(input, "prelu")
    check_tensor(weight, "prelu", 2, "weight")
    a, w = input._array, weight._array
    if a.dtype != w.dtype and casting.here():
        return prelu(*casting.low(input, weight))
    if a.dtype != w.dtype:
        names = f"{of(a.dtype).scalar_type} and {of(w.dtype).scalar_type}"
        raise RuntimeError(f"prelu: Type promoting not supported. Got {names}")
    if w.size != 1:
        if a.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = a.shape[1] if a.ndim > 1 else 1
        if channels != w.size:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{w.size} and channel size = {channels}."
            )
    if w.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {w.ndim}")
    if a.ndim != w.ndim or a.ndim > 1:
        weight = weight.reshape((1,) * min(a.ndim, 1) + (w.size,) * (a.ndim > 1) + (1,) * (a.ndim - 2))
    return ops.prelu(input, weight)


def gelu(input, approximate="none"):
    """x times the probability that a normal number is below x; approximate="tanh" is near it.

    >>> import rushlight
    >>> rushlight.nn.functional.gelu(rushlight.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8413])
    """
    if approximate == "none" and isinstance(input, TensorBase):
        return call1(ops.gelu, input)
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _activate(ops.gelu, input, False, approximate=approximate)


def softplus(input, beta=1, threshold=20):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above the threshold.

    >>> import rushlight
    >>> rushlight.nn.functional.softplus(rushlight.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """
    if beta == 1 and threshold == 20 and isinstance(input, TensorBase):
        return call1(ops.softplus, input)
    return _activate(ops.softplus, input, False, beta=beta, threshold=threshold)


def logsigmoid(input):
    """log(sigmoid(x)), accurate for large |x|.

    >>> import rushlight
    >>> rushlight.nn.functional.logsigmoid(rushlight.tensor([0.0, -100.0]))
    tensor([  -0.6931, -100.0000])
    """
    check_tensor(input, "logsigmoid")
    return call1(ops.logsigmoid, input)


def softsign(input):
    """x / (1 + |x|).

    >>> import rushlight
    >>> rushlight.nn.functional.softsign(rushlight.tensor([1.0, -3.0]))
    tensor([ 0.5000, -0.7500])
    """
    check_tensor(input, "softsign")
    return call2(arithmetic.div, input, call1(absolute, input) + 1)


def tanhshrink(input):
    """x - tanh(x).

    >>> import rushlight
    >>> rushlight.nn.functional.tanhshrink(rushlight.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """
    check_tensor(input, "tanhshrink")
    return call2(arithmetic.sub, input, call1(tanh, input))


def softshrink(input, lambd=0.5):
    """Each element moved by `lambd` towards 0, and 0 where it would pass it. RuntimeError for a negative `lambd`.

    >>> import rushlight
    >>> rushlight.nn.functional.softshrink(rushlight.tensor([1.0, -0.25]))
    tensor([0.5000, -0.0000])
    """
    if type(lambd) is float and 0 <= lambd <= SURE and isinstance(input, TensorBase):
        return call1(ops.softshrink, input) if lambd == 0.5 else core.apply(ops.softshrink, (input,), {"lambd": lambd})
    check_tensor(input, "softshrink")
    dtype = of(input._array.dtype)
    if dtype.is_floating_point and not 0 <= lambd <= finfo(dtype).max:
        raise RuntimeError(
            f"lambda must be in range [0, {finfo(dtype).max:g}] for input dtype {dtype.scalar_type}, "
            f"but found {lambd:g}"
        )
    return _activate(ops.softshrink, input, False, lambd=lambd)


def hardshrink(input, lambd=0.5):
    """Each element where outside [-lambd, lambd], else 0.

    >>> import rushlight
    >>> rushlight.nn.functional.hardshrink(rushlight.tensor([1.0, -0.25]))
    tensor([1., 0.])
    """
    return _activate(ops.hardshrink, input, False, lambd=lambd)


def glu(input, dim=-1):
    """The first half along `dim` times the sigmoid of the second. RuntimeError for an odd size.

    >>> import rushlight
    >>> rushlight.nn.functional.glu(rushlight.tensor([2.0, 0.0]))
    tensor([1.])
    """
    from .arguments import wrap_dim

    check_tensor(input, "glu")
    if input._array.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if not input.dtype.is_floating_point:
        raise coded("RL322", NotImplementedError(f"\"glu_cpu\" not implemented for '{input.dtype.scalar_type}'"))
    dim = wrap_dim(dim, input._array.ndim)
    size = input._array.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    return gate.glu(input, dim=dim)


def _writes(function):
    """The form of an activation that writes over its input."""

    def method(input, *args, **named):
        return function(input, *args, inplace=True, **named)

    method.__name__ = method.__qualname__ = function.__name__ + "_"
    method.__module__ = __name__
    method.__doc__ = f"`{function.__name__}` written over this tensor, which is returned."
    return method


relu_, threshold_, selu_, celu_, elu_ = [_writes(f) for f in (relu, threshold, selu, celu, elu)]
relu6_, hardtanh_, leaky_relu_ = [_writes(f) for f in (relu6, hardtanh, leaky_relu)]
sigmoid_ = unary_inplace(ops.sigmoid)

FUNCTIONS = (
    "celu", "celu_", "hardshrink", "prelu", "relu", "relu_", "selu", "selu_", "sigmoid", "sigmoid_", "threshold",
    "threshold_",
)  # fmt: skip
METHODS = ("hardshrink", "prelu", "relu", "relu_", "sigmoid", "sigmoid_")
INPLACE = {}
