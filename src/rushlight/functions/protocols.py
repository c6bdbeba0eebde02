"""Python's own protocols: numbers, format, iteration, copies and pickles of tensors."""

import copy
import warnings

from .. import core, modes, watching
from ..core import TensorBase
from ..errors import coded

FUNCTIONS = ()
METHODS = (
    "__float__", "__int__", "__complex__", "__index__", "__format__", "__contains__", "__reversed__",
    "__deepcopy__", "__copy__", "__reduce_ex__", "__setstate__", "__dir__",
)  # fmt: skip
INPLACE = {}


def _number(input):
    if input._array.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    if watching.in_force:
        watching.note("item", input, None)
    return input._array.item()


def _real_number(input, target):
    """The element, of a complex tensor its real part where the imaginary one is zero."""
    number = _number(input)
    if not isinstance(number, complex):
        return number
    if number.imag != 0:
        raise RuntimeError(f"value cannot be converted to type {target} without overflow")
    return number.real


def __float__(input):
    if input.requires_grad and modes.grad_enabled():
        warnings.warn(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
            "Consider using tensor.detach() first.",
            UserWarning,
            stacklevel=2,
        )
    return float(_real_number(input, "double"))


def __int__(input):
    return int(_real_number(input, "int64_t"))


def __complex__(input):
    return complex(_number(input))


def __index__(input):
    if input._array.size != 1 or input._array.dtype.kind not in "biu":
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(input._array.item())


def __format__(input, spec):
    if input._array.ndim == 0 and type(input).__repr__ is core.tensor_class().__repr__:
        return format(input._array.item(), spec)
    if spec:
        raise TypeError("unsupported format string passed to Tensor.__format__")
    return repr(input)


def __contains__(input, element):
    if isinstance(element, (TensorBase, int, float, complex)):
        return bool((core.array_of(input) == core.array_of(element)).any())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")


def __reversed__(input):
    return input if input._array.ndim == 0 else input.flip(0)


def __deepcopy__(input, memo):
    if input.grad_fn is not None:
        raise coded(
            "RL131",
            RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. If "
                "you were attempting to deepcopy a module, this may be because of a parametrization that keeps a computed "
                "tensor: copy the module before its first call, or detach the tensor."
            ),
        )
    if id(input) in memo:
        return memo[id(input)]
    result = _rebuilt(type(input), input._array.copy(), input.requires_grad, {})
    memo[id(input)] = result
    if input._grad is not None:
        result.grad = copy.deepcopy(input._grad, memo)
    result.__dict__.update(copy.deepcopy(attributes(input), memo))
    return result


def __copy__(input):
    return _rebuilt(type(input), input._array, input.requires_grad, attributes(input))


def __reduce_ex__(input, protocol):
    if input.grad_fn is not None:
        warnings.warn(
            "A computed tensor is pickled without its history; pickle tensor.detach() to say so.",
            UserWarning,
            stacklevel=2,
        )
    leaf_grad = input.requires_grad and input.grad_fn is None
    return _rebuilt, (type(input), input._array, leaf_grad, attributes(input))


def __setstate__(input, state):
    input.__dict__.update(state)


def __dir__(input):
    return sorted({*object.__dir__(input), *input.__dict__})


def attributes(input):
    """What users have set on a tensor: uncompiled its fields lie in the same dictionary."""
    return {name: value for name, value in input.__dict__.items() if name not in TensorBase.__dict__}


def _rebuilt(cls, array, requires_grad, attributes):
    """A leaf of class `cls` over `array`."""
    tensor = core.wrap(array)
    if type(tensor) is not cls:
        tensor = core.as_subclass(tensor, cls)
    tensor._requires_grad = requires_grad
    tensor.__dict__.update(attributes)
    return tensor
