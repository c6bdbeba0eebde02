"""What transforms that wrap tensors need, and ours hardly do: functionalize and debug_unwrap."""

from functools import wraps

from ..core import TensorBase
from ..ops.batching import Batched

_REMOVE = ("mutations", "mutations_and_views")


def functionalize(func, *, remove="mutations"):
    """The function, unchanged: it computes what it would without in-place operations.

    PyTorch rewrites them for the sake of its tracers. There are none here, and every transform differentiates and
    batches in-place operations as they are.

    >>> import rushlight
    >>> rushlight.func.functionalize(lambda x: x.clone().mul_(2))(rushlight.ones(2))
    tensor([2., 2.])
    """
    if remove not in _REMOVE:
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are "
            "'mutations' and 'mutations_and_views'."
        )

    @wraps(func)
    def same(*args, **kwargs):
        return func(*args, **kwargs)

    return same


def debug_unwrap(tensor, *, recurse=True):
    """The tensor of all samples behind one that vmap shows to a function; of nested vmaps all, or only the innermost.

    Its batch dimension comes first. Any other tensor is returned as it is. For looking at values while debugging.

    >>> import rushlight
    >>> def show(x):
    ...     print(rushlight.func.debug_unwrap(x))
    ...     return x
    >>> _ = rushlight.func.vmap(show)(rushlight.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"debug_unwrap(): argument 'tensor' must be Tensor, not {type(tensor).__name__}")
    while type(tensor._array) is Batched:
        tensor = tensor._array.hidden
        if not recurse:
            break
    return tensor
