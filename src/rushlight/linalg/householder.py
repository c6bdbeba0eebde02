"""Householder reflections, as QR decompositions leave them packed."""

from ..functions import return_types
from ..functions.arguments import check_flags, check_tensor, widening
from ..ops import householder as ops
from ..ops.matrix import mH
from ..ops.matrix_checks import kind


@widening
def geqrf(input):
    """(a, tau): R of the QR decomposition, and below it vectors that with tau make Q: householder_product, ormqr.

    >>> import rushlight
    >>> rushlight.geqrf(rushlight.tensor([[3.0], [4.0]])).a
    tensor([[-5.0000],
            [ 0.5000]])
    """
    check_tensor(input, "geqrf")
    if input._array.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    if input._array.dtype.kind not in "fc" or input._array.dtype.itemsize == 2:
        raise NotImplementedError(f"\"geqrf_cpu\" not implemented for '{kind(input._array)}'")
    return return_types.geqrf(*ops.geqrf(input))


@widening
def householder_product(A, tau):
    """The first columns of the product of the reflections 1 - tau[i] * v @ v.mH, v below the diagonal of column i.

    >>> import rushlight
    >>> a, tau = rushlight.geqrf(rushlight.tensor([[3.0], [4.0]]))
    >>> rushlight.linalg.householder_product(a, tau)
    tensor([[-0.6000],
            [-0.8000]])
    """
    check_tensor(A, "linalg_householder_product", name="input")
    check_tensor(tau, "linalg_householder_product", 2, "tau")
    _check(A._array, tau._array, "torch.linalg.householder_product")
    return ops.householder_product(A, tau)


@widening
def ormqr(input, tau, other, left=True, transpose=False):
    """Q @ other, or other @ Q with left=False, for the square Q of geqrf's (input, tau); its adjoint with transpose.

    >>> import rushlight
    >>> a, tau = rushlight.geqrf(rushlight.tensor([[3.0], [4.0]]))
    >>> rushlight.ormqr(a, tau, rushlight.tensor([[1.0], [0.0]]))
    tensor([[-0.6000],
            [-0.8000]])
    """
    for place, (name, x) in enumerate((("input", input), ("tau", tau), ("other", other))):
        check_tensor(x, "ormqr", place + 1, name)
    check_flags("ormqr", 4, left=left, transpose=transpose)
    _check_ormqr(input._array, tau._array, other._array, left)
    if tau._array.shape[-1] == 0:
        return other * 1
    if not left:
        # other @ Q is the adjoint of Q.mH @ other.mH.
        return mH(ops.ormqr(input, tau, mH(other), transpose=not transpose))
    return ops.ormqr(input, tau, other, transpose=transpose)


def _check(a, tau, function):
    if a.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if a.shape[-2] < a.shape[-1]:
        raise RuntimeError(f"{function}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if a.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{function}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if a.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{function}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
            f"{tau.ndim} and input.ndim is equal to {a.ndim}"
        )
    if a.shape[:-2] != tau.shape[:-1]:
        raise RuntimeError(
            f"{function}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{list(tau.shape[:-1])}"
        )
    if a.dtype != tau.dtype:
        raise RuntimeError(f"{function}: tau dtype {kind(tau)} does not match input dtype {kind(a)}")


def _check_ormqr(a, tau, other, left):
    function, place = "torch.ormqr", -2 if left else -1
    if a.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if other.ndim < 2:
        raise RuntimeError(f"{function}: other must have at least 2 dimensions.")
    if other.shape[place] != a.shape[-2]:
        raise RuntimeError(f"{function}: other.shape[{place}] must be equal to input.shape[-2]")
    if tau.ndim and tau.shape[-1] != min(other.shape[place], a.shape[-1]):
        raise RuntimeError(f"{function}: tau.shape[-1] must be equal to min(other.shape[{place}], input.shape[-1])")
    if a.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{function}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
            f"{tau.ndim} and input.ndim is equal to {a.ndim}"
        )
    if a.ndim != other.ndim:
        raise RuntimeError(
            f"{function}: Expected other to have the same number of dimensions as input, but got other.ndim equal "
            f"to {other.ndim} and input.ndim is equal to {a.ndim}"
        )
    if a.shape[:-2] != tau.shape[:-1]:
        raise RuntimeError(
            f"{function}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{list(tau.shape[:-1])}"
        )
    if a.shape[:-2] != other.shape[:-2]:
        raise RuntimeError(
            f"{function}: Expected batch dimensions of other to be equal to input.shape[:-2], but got "
            f"{list(other.shape[:-2])}"
        )
    if tau.dtype != a.dtype:
        raise RuntimeError(
            f"{function}: Expected input and tau to have the same dtype, but input has dtype{kind(a)} and tau has "
            f"dtype {kind(tau)}"
        )
    if other.dtype != a.dtype:
        raise RuntimeError(
            f"{function}: Expected input and other to have the same dtype, but input has dtype{kind(a)} and other "
            f"has dtype {kind(other)}"
        )
