"""Questions about tensors and dtypes that have plain answers."""

from .. import dtypes
from ..core import TensorBase
from .arguments import check_tensor


def is_tensor(obj):
    """Whether obj is a tensor."""
    return isinstance(obj, TensorBase)


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


def result_type(tensor=None, other=None, *, scalar=None, scalar1=None, scalar2=None):
    """The dtype in which an operation on two tensors or numbers computes; these may be given by several names.

    >>> import rushlight
    >>> rushlight.result_type(rushlight.ones(2), 1)
    rushlight.float32
    """
    given = [x for x in (tensor, other, scalar, scalar1, scalar2) if x is not None]
    if len(given) != 2:
        raise TypeError(f"result_type() takes two tensors or numbers, but {len(given)} were given")
    return dtypes.result_dtype([x._array if isinstance(x, TensorBase) else x for x in given])


def get_device(input):
    """-1: the tensor is on the CPU."""
    check_tensor(input, "get_device")
    return -1


def typename(obj, /):
    """The name of a tensor's type, of a class or of what an object is an instance of, with its module.

    >>> import rushlight
    >>> rushlight.typename(rushlight.ones(2))
    'rushlight.FloatTensor'
    """
    if isinstance(obj, TensorBase):
        return obj.type()
    named = obj if getattr(obj, "__qualname__", None) else type(obj)
    module = getattr(named, "__module__", None) or ""
    return named.__qualname__ if module in ("", "builtins") else f"{module}.{named.__qualname__}"


def _never(name, what):
    return property(lambda input: False, doc=f"False: {what}.")


FUNCTIONS = (
    "is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg", "is_nonzero", "is_same_size", "is_signed",
    "get_device", "is_tensor", "numel", "result_type", "typename",
)  # fmt: skip
METHODS = ("is_conj", "is_neg", "is_nonzero", "is_same_size")
INPLACE = {
    f"is_{name}": _never(name, f"there are no tensors on {name} devices")
    for name in ("ipu", "maia", "mps", "mtia", "vulkan", "xla", "xpu")
} | {
    "is_mkldnn": _never("mkldnn", "tensors have one layout"),
    "is_nested": _never("nested", "tensors are not nested"),
    "is_distributed": lambda input: False,
    "name": property(lambda input: None, doc="None."),
}
