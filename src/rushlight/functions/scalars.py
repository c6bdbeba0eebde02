"""Numbers out of tensors: what loops ask for at each step, compiled."""

try:
    import cython
except ImportError:
    from .. import uncompiled as cython

from .. import errors, watching
from ..core import TensorBase
from ..watching import in_force

if not cython.compiled:
    from ..kernels.compare import as_tensor, number_of


@cython.binding(True)
def item(self):
    """The one element as a Python number."""
    if not isinstance(self, TensorBase):
        raise errors.not_tensor(self, "item")
    array = as_tensor(self)._array
    number = number_of(array)
    if number is NotImplemented and array.size != 1:
        raise errors.coded("RL319", RuntimeError(f"a Tensor with {array.size} elements cannot be converted to Scalar"))
    if in_force:
        watching.note("item", self, None)
    return array.item() if number is NotImplemented else number


@cython.binding(True)
def __bool__(self):
    if not isinstance(self, TensorBase):
        raise errors.not_tensor(self, "is_nonzero")
    array = as_tensor(self)._array
    number = number_of(array)
    if number is NotImplemented and array.size != 1:
        many = "no values" if array.size == 0 else "more than one value"
        raise errors.coded("RL320", RuntimeError(f"Boolean value of Tensor with {many} is ambiguous"))
    if in_force:
        watching.note("bool", self, None)
    return bool(array.item() if number is NotImplemented else number)
