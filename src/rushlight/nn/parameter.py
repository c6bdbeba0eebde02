"""Parameters and buffers: the tensors that a Module owns."""

import numpy as np

from .. import core, watching
from ..device import check_cpu
from ..dtypes import as_dtype, get_default_dtype
from ..errors import coded
from ..functions.protocols import attributes
from ..tensor import Tensor


class Parameter(Tensor):
    """A tensor that a Module trains: assigned to an attribute of a module it is listed in `parameters()`.

    Shares the memory of `data`, an empty tensor by default. Requires gradients unless `requires_grad=False`;
    RuntimeError then for a dtype that has none.

    >>> import rushlight
    >>> rushlight.nn.Parameter(rushlight.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            return parameter_of(np.empty(0, get_default_dtype().numpy), requires_grad, cls)
        if type(data) is Tensor or type(data) is Parameter:
            parameter = parameter_of(data._array, requires_grad, cls)
            parameter.versions = core.detached(data, True).versions
            if watching.in_force:
                watching.note("Parameter", data, parameter)
            return parameter
        tensor = data.detach()
        # It stays of its own class; the mark tells modules what it is.
        tensor._is_param = True
        return tensor.requires_grad_(requires_grad)

    def __init__(self, *args, **kwargs):
        pass

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = parameter_of(self._array.copy(order="K"), self.requires_grad, type(self))
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        return _rebuild, (type(self), self.data, self.requires_grad, attributes(self))

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


def is_parameter(value):
    """Whether a value is a Parameter, or made one while it stays of its own subclass of Tensor."""
    return isinstance(value, Parameter) or (isinstance(value, Tensor) and getattr(value, "_is_param", False))


class _BufferType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferType):
    """A tensor that a Module keeps but does not train; with `persistent=False` it stays out of `state_dict()`.

    `Buffer(data)` is a plain Tensor over the memory of `data`, marked so that a Module knows it.
    """

    __slots__ = ()

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = core.wrap(np.empty(0, get_default_dtype().numpy))
        tensor = data.detach()
        if data.requires_grad:
            tensor.requires_grad_(True)
        tensor._is_buffer = True
        tensor.persistent = persistent
        return tensor


def parameter_of(array, requires_grad=True, cls=Parameter):
    """A Parameter over an array, which is not copied."""
    parameter = core.TensorBase.__new__(cls)
    parameter._array = array
    if core.transforms_entered(0):
        parameter.born = core.entered()
    if requires_grad:
        parameter.requires_grad_(True)
    return parameter


def empty_array(shape, device=None, dtype=None):
    """An array for a parameter or buffer, not yet filled; TypeError for sizes that are not integers."""
    if device is not None:
        check_cpu(device, "empty(): argument 'device'")
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    for i, size in enumerate(shape):
        if not hasattr(size, "__index__"):
            raise TypeError(
                f"empty(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be tuple "
                f'of ints,but got {type(size).__name__}"'
            )
        if size < 0:
            raise coded("RL338", RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(shape)}"))
    return np.empty(shape, dtype.numpy)


def empty_parameter(shape, device=None, dtype=None):
    """A Parameter of that shape, not yet filled."""
    return parameter_of(empty_array(shape, device, dtype))


def _rebuild(cls, data, requires_grad, attributes):
    parameter = cls(data, requires_grad)
    parameter.__dict__.update(attributes)
    return parameter


core.bind(parameter_class=Parameter)
