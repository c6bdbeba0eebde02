"""Variable: the name that tensors with a history had before 2018."""

from ..tensor import Tensor


class _VariableMeta(type):
    def __instancecheck__(cls, value):
        return isinstance(value, Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(tensor, requires_grad=False)` is a tensor over the same memory, and every tensor is a Variable."""

    def __new__(cls, data, requires_grad=False):
        tensor = data.detach()
        tensor.requires_grad = requires_grad
        return tensor
