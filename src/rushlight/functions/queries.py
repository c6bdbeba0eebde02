"""Questions about tensors and dtypes that have plain answers."""

from .. import dtypes
from ..core import TensorBase
from .arguments import check_tensor


def is_tensor(obj):
    """Whether obj is a tensor."""
    return isinstance(obj, TensorBase)


def is_storage(obj):
    """Whether obj is a storage; tensors here have arrays instead."""
    return False


def numel(input):
    """The number of elements."""
    check_tensor(input, "numel")
    return input._array.size


def is_floating_point(input):
    """Whether the dtype is a floating one."""
    check_tensor(input, "is_floating_point")
    return input.dtype.is_floating_point


def is_complex(input):
    """Whether the dtype is a complex one."""
    check_tensor(input, "is_complex")
    return input.dtype.is_complex


def is_signed(input):
    """Whether the dtype holds negative numbers."""
    check_tensor(input, "is_signed")
    return input.dtype.is_signed


def is_conj(input):
    """False: conjugates are computed at once."""
    check_tensor(input, "is_conj")
    return False


def is_neg(input):
    """False: negatives are computed at once."""
    check_tensor(input, "is_neg")
    return False


def is_inference(input):
    """Whether the tensor was made in inference mode."""
    check_tensor(input, "is_inference")
    return input.inference


def is_nonzero(input):
    """Whether the one element of the tensor is not zero."""
    check_tensor(input, "is_nonzero")
    return bool(input)


def is_same_size(input, other):
    """Whether two tensors have the same shape."""
    check_tensor(input, "is_same_size")
    check_tensor(other, "is_same_size", 2, "other")
    return input._array.shape == other._array.shape


def result_type(tensor1, tensor2):
    """The dtype in which an operation on two tensors or numbers computes.

    >>> import rushlight
    >>> rushlight.result_type(rushlight.ones(2), 1)
    rushlight.float32
    """
    return dtypes.result_dtype([x._array if isinstance(x, TensorBase) else x for x in (tensor1, tensor2)])


FUNCTIONS = (
    "is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg", "is_nonzero", "is_same_size", "is_signed",
    "is_storage", "is_tensor", "numel", "result_type",
)  # fmt: skip
METHODS = ("is_conj", "is_neg", "is_nonzero", "is_same_size")
INPLACE = {}
