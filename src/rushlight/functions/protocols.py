"""Python's own protocols: numbers, format, iteration, copies and pickles of tensors."""

import copy
import warnings

import numpy as np

from .. import core, modes, watching
from ..core import TensorBase
from ..errors import coded
from ..ops.hidden import Batched
from . import absent

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
        return bool((input == element).any())
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
    array = input.detach().clone()._array if type(input._array) is Batched else _copied_array(input._array, memo)
    result = _rebuilt(type(input), array, input.requires_grad, {})
    memo[id(input)] = result
    if input._grad is not None:
        result.grad = copy.deepcopy(input._grad, memo)
    result.__dict__.update(copy.deepcopy(attributes(input), memo))
    return result


def _copied_array(array, memo):
    """A copy with the strides of the array; of arrays in one memory, one memory again."""
    owner = array if array.base is None else array.base
    if type(owner) is not np.ndarray or not owner.flags.c_contiguous:
        return array.copy(order="K")
    whole = memo.get(id(owner))
    if whole is None:
        whole = memo[id(owner)] = owner.copy()
        # What the memo goes by must not be freed meanwhile.
        memo.setdefault(id(memo), []).append(owner)
    offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    return np.ndarray(array.shape, array.dtype, whole.reshape(-1).view(np.uint8), offset, array.strides)


def __copy__(input):
    return _rebuilt(type(input), input._array, input.requires_grad, attributes(input))


def __reduce_ex__(input, protocol):
    warn_of_hooks(input)
    return _unpickled, (type(input), *_dense(input._array), input.requires_grad, attributes(input))


def __setstate__(input, state):
    input.__dict__.update(state)


def __dir__(input):
    return sorted({*object.__dir__(input), *input.__dict__} - absent.INPLACE.keys())


def own_hooks(input):
    """The hooks that were registered on this tensor itself."""
    extras = input.hooks if input.grad_fn is None else input.grad_fn.extras
    if extras is None:
        return []
    return [hook for number, hook in extras.tensor_hooks.values() if number == input.output_nr]


def warn_of_hooks(input):
    """Say of each hook of a tensor that pickles do not hold it."""
    for hook in own_hooks(input):
        if hasattr(hook, "__torch_unserializable__"):
            continue
        warnings.warn(
            f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate the function "
            "with @torch.utils.hooks.unserializable_hook to suppress this warning",
            UserWarning,
            stacklevel=3,
        )


def _dense(array):
    """(the elements without repetition, shape, strides): what an array is pickled as."""
    if array.flags.c_contiguous:
        return array, None, None
    kept = array[tuple([slice(None) if step else slice(1) for step in array.strides])].copy(order="K")
    # Steps over elements that are left out are not kept.
    strides = [new if old else 0 for new, old in zip(kept.strides, array.strides)]
    return kept.ravel(order="K"), array.shape, tuple(strides)


def _unpickled(cls, array, shape, strides, requires_grad, attributes):
    if shape is not None:
        array = np.ndarray(shape, array.dtype, array, 0, strides)
    return _rebuilt(cls, array, requires_grad, attributes)


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
