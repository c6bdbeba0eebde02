"""Which memory a tensor has and of what dtype its gradient is; functions of Python called for each element."""

import numpy as np

from .. import core, dtypes, errors
from ..core import TensorBase
from ..device import memory_format
from ..modes import grad_enabled
from ..node import extras_of_leaf
from ..ops.identity import alias
from .arguments import check_tensor

FUNCTIONS = ()
METHODS = ("as_subclass", "const_data_ptr", "dim_order", "grad_dtype", "is_pinned", "is_set_to", "is_shared")


def set_(input, source=None, storage_offset=0, size=None, stride=None):
    """Let this tensor have the memory of `source`, a tensor of the same dtype; none at all without one. In place.

    With `size` and `stride`, that part of it. RuntimeError for another dtype, for a leaf that requires a gradient, and
    where one of the two has a history: there is no derivative.

    >>> import rushlight
    >>> x, y = rushlight.ones(2), rushlight.arange(4.0)
    >>> x.set_(y).zero_()
    tensor([0., 0., 0., 0.])
    >>> y
    tensor([0., 0., 0., 0.])
    """
    if source is None:
        source = core.wrap(np.empty(0, input._array.dtype))
    check_tensor(source, "set_", 1, "source")
    errors.check_inference(input)
    if source._array.dtype != input._array.dtype:
        given, own = (errors.c_name(dtypes.of(x._array.dtype)) for x in (source, input))
        raise RuntimeError(f"Could not set tensor of type {given} to a tensor of type {own}")
    if grad_enabled() and (input.requires_grad or source.requires_grad):
        errors.check_inplace(input)
        raise errors.coded("RL129", NotImplementedError("derivative for set_ is not implemented"))
    array = source._array
    if size is not None:
        array = source.detach().as_strided(size, _contiguous(size) if stride is None else stride, storage_offset)._array
    input._array = array
    if input.view_of is not None and not input.requires_grad:
        input.view_of = input.versions = None
    core.written(input)
    return input


def _contiguous(size):
    """The steps of a tensor of that size whose elements follow one another."""
    steps = [1]
    for n in reversed(size[1:]):
        steps.insert(0, steps[0] * n)
    return steps[: len(size)]


def is_set_to(input, tensor):
    """Whether both have the same elements of the same memory."""
    check_tensor(tensor, "is_set_to", 1, "tensor")
    mine, other = (x._array.__array_interface__ for x in (input, tensor))
    return mine["data"] == other["data"] and input.shape == tensor.shape and input.stride() == tensor.stride()


def as_subclass(input, cls):
    """The same memory and history as an instance of `cls`, a subclass of Tensor. TypeError for anything else.

    >>> import rushlight
    >>> class Marked(rushlight.Tensor):
    ...     pass
    >>> rushlight.ones(2).as_subclass(Marked)
    Marked([1., 1.])
    """
    if not isinstance(cls, type):
        raise TypeError(f"cls must be a type (got {type(cls).__name__})")
    if not issubclass(cls, TensorBase):
        raise TypeError(f"cls must be a subclass of Tensor (got {cls.__name__})")
    return core.as_subclass(alias(input) if input.requires_grad else core.detached(input, True), cls)


def const_data_ptr(input):
    """`data_ptr()` for memory that is only read."""
    return input.data_ptr()


def dim_order(input, ambiguity_check=False):
    """The dimensions from the one with the largest step to the one with the smallest.

    RuntimeError with ambiguity_check=True where another order would do, because a dimension has size 1; with a list of
    memory formats, where none of them is that order.
    """
    is_list = isinstance(ambiguity_check, list) and all([isinstance(f, memory_format) for f in ambiguity_check])
    if not is_list and not isinstance(ambiguity_check, bool):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    steps, sizes = input.stride(), input._array.shape
    order = tuple(sorted(range(input.ndim), key=lambda d: -steps[d]))
    unique = len(set(steps)) == len(steps) and 1 not in sizes
    if ambiguity_check is not False and not unique:
        if not is_list or not any([_orders(f, input) for f in ambiguity_check]):
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
            )
    return order


def _orders(wanted, input):
    """Whether the elements lie in that memory format."""
    return input.contiguous(memory_format=wanted) is input


def is_pinned(input, device=None):
    """False: there is no other device to pin memory for."""
    return False


def is_shared(input):
    """False: the memory is that of this process."""
    return False


def _grad_dtype(input):
    """The dtype that gradients of this leaf are cast to, its own unless set to another; None leaves them as they come.

    >>> import rushlight
    >>> x = rushlight.ones(2, requires_grad=True)
    >>> x.grad_dtype = rushlight.float64
    >>> (x * 2).sum().backward()
    >>> x.grad
    tensor([2., 2.], dtype=rushlight.float64)
    """
    if input.grad_fn is not None:
        raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")
    return errors.grad_dtype(input)


def _set_grad_dtype(input, dtype):
    if input.grad_fn is not None:
        raise RuntimeError("grad_dtype can only be set on leaf tensors.")
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        raise RuntimeError(f"grad_dtype must be a torch.dtype or None, but got {type(dtype).__name__}")
    grad = input._grad
    if grad is not None and dtype is not None and grad.dtype != dtype:
        raise RuntimeError(
            f"Cannot set grad_dtype to '{dtype.scalar_type}' because there is already a gradient with dtype "
            f"'{errors.c_name(grad.dtype)}'. Please clear the gradient (.grad = None) before changing grad_dtype, or ensure "
            "the new grad_dtype matches the existing gradient's dtype."
        )
    extras = extras_of_leaf(input)
    extras.grad_dtype, extras.has_grad_dtype = dtype, True


grad_dtype = property(_grad_dtype, _set_grad_dtype)


def _by_element(name, count):
    """A method that calls a function for each element of this tensor and of `count` others, and keeps the results."""

    def method(input, *others_and_function):
        *others, function = others_and_function
        if any(x.requires_grad for x in (input, *others)):
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
            )
        errors.check_inference(input)
        columns = [np.broadcast_to(x._array, input._array.shape).ravel().tolist() for x in (input, *others)]
        array = np.array([function(*each) for each in zip(*columns)], input._array.dtype)
        np.copyto(input._array, array.reshape(input._array.shape))
        core.written(input)
        return input

    method.__name__ = method.__qualname__ = name
    method.__module__ = __name__
    method.__doc__ = f"`{name}(*tensors, callable)`: write callable(element, ...) over each element. Slow."
    return method


INPLACE = {"set_": set_} | {name: _by_element(name, n) for n, name in enumerate(("apply_", "map_", "map2_"))}
