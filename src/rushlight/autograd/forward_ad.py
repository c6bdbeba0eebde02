"""Forward-mode differentiation: dual numbers, as torch.autograd.forward_ad has them."""

from collections import namedtuple
from contextlib import ContextDecorator

from ..core import TensorBase
from ..errors import coded
from ..ops import forward
from ..ops.identity import alias

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))

_open = []


def enter_dual_level():
    """Open a level; there is one at a time."""
    if _open:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _open.append(forward.Level())
    return 0


def exit_dual_level(*, level=None):
    """Close the level: all tangents made since are dropped."""
    if not _open:
        raise coded("RL134", RuntimeError("Dual level must be a positive number."))
    if level:
        raise coded(
            "RL134",
            RuntimeError(
                "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
            ),
        )
    _open.pop().close()


class dual_level(ContextDecorator):
    """`with dual_level():` opens a level of forward differentiation; as a decorator, for each call.

    >>> import rushlight
    >>> import rushlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(rushlight.tensor(3.0), rushlight.tensor(1.0))
    ...     fwAD.unpack_dual(x * x).tangent
    tensor(6.)
    """

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *_):
        exit_dual_level()


def make_dual(tensor, tangent, *, level=None):
    """A tensor of the same values that carries `tangent` (of the same shape)."""
    current = _current("make_dual")
    if level:
        raise coded("RL134", RuntimeError("Invalid level given to _make_dual"))
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise coded("RL135", ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}"))
    if not (tangent.is_floating_point() or tangent.is_complex()):
        raise coded("RL135", ValueError(f"Expected tangent to be floating point or complex, but got: {tangent.dtype}"))
    if tensor._array.shape != tangent._array.shape:
        raise coded(
            "RL135",
            RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is "
                f"not supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size "
                f"{list(tangent.shape)}."
            ),
        )
    if forward.tangent_of(tensor, current) is not None:
        raise coded(
            "RL135",
            RuntimeError(
                "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not "
                "supported."
            ),
        )
    dual = forward.primal(alias, (tensor,), {})
    forward.put_tangent(dual, current, tangent)
    return dual


def unpack_dual(tensor, *, level=None):
    """(primal, tangent) of a tensor; the tangent is None where it has none."""
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"_unpack_dual(): argument 'dual' (position 1) must be Tensor, not {type(tensor).__name__}")
    if not _open:
        return UnpackedDualTensor(tensor, None)
    tangent = forward.tangent_of(tensor, _open[-1])
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    primal = forward.primal(alias, (tensor,), {})
    # A view of what was written has the tangent of that; this one has none.
    primal.tangent = {_open[-1]: None}
    return UnpackedDualTensor(primal, tangent)


def _current(function):
    if not _open:
        raise coded(
            "RL134",
            RuntimeError(
                "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
            ),
        )
    return _open[-1]
