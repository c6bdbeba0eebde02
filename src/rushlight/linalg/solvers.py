"""Inverses, determinants, and solutions of linear equations."""

import math

import numpy as np

from ..core import TensorBase, wrap
from ..functions import return_types
from ..functions.arguments import accepts_out, check_flags, check_tensor, check_tensors, widening
from ..functions.matrix import broadcast_batches
from ..ops import batching
from ..ops import linalg as ops
from ..ops.elimination import zero_pivots
from ..ops.hidden import every
from ..ops.matrix_checks import kind
from .checks import check_equations, check_inexact, check_matrix, check_same_dtype, check_square


@widening
def inv(A):
    """The inverses of square matrices; LinAlgError for singular ones.

    >>> import rushlight
    >>> rushlight.linalg.inv(rushlight.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    check_square(A, "linalg.inv")
    check_inexact(A, "linalg.inv")
    return ops.inv(A)


@widening
def inv_ex(A, *, check_errors=False):
    """(inverse, info): info is 0, or the position of the zero pivot of a singular matrix."""
    check_square(A, "linalg.inv")
    check_flags("linalg_inv_ex", None, check_errors=check_errors)
    check_inexact(A, "linalg.inv")
    inverse = ops.inv(A, asker="linalg.inv_ex" if check_errors else "")
    return return_types.linalg_inv_ex(inverse, info_of(inverse, A, zero_pivots))


def info_of(result, A, find):
    """The int32 tensor of what went wrong with each matrix; `find` is asked only where a result is nan."""
    if np.isnan(every(result._array)).any():
        return batching.by_values(find, A)
    return wrap(np.zeros(A._array.shape[:-2], np.int32))


@accepts_out
def det(A):
    """The determinants of square matrices.

    >>> import rushlight
    >>> rushlight.linalg.det(2 * rushlight.eye(3))
    tensor(8.)
    """
    check_square(A, "linalg.det")
    check_inexact(A, "linalg.det")
    return ops.det(A)


@accepts_out
def slogdet(A):
    """(sign, logabsdet): the determinant is sign * exp(logabsdet)."""
    check_square(A, "linalg.slogdet")
    check_inexact(A, "linalg.slogdet")
    return return_types.linalg_slogdet(ops.slogdet(A))


def _is_vector(a, b):
    """Whether b is a vector for each matrix of a, by PyTorch's rule."""
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])


@widening
def solve(A, B, *, left=True):
    """The X of A @ X = B (of X @ A = B with left=False), for square A; LinAlgError where A is singular.

    >>> import rushlight
    >>> rushlight.linalg.solve(2 * rushlight.eye(2), rushlight.ones(2))
    tensor([0.5000, 0.5000])
    """
    check_flags("linalg_solve", None, left=left)
    return _solved(A, B, left, "torch.linalg.solve")


def _solved(A, B, left, asker):
    check_square(A, "linalg.solve")
    check_tensor(B, "linalg_solve", 2, "B")
    a, b = A._array, B._array
    check_same_dtype(A, B, "linalg.solve")
    check_inexact(A, "linalg.solve")
    vector = _is_vector(a, b)
    if not vector and b.ndim < 2:
        raise RuntimeError("linalg.solve: The input tensor B must have at least 2 dimensions.")
    check_equations(a, b[..., None] if vector else b, "linalg.solve", left)
    broadcast_batches(b.shape[:-1] if vector else b.shape[:-2], a.shape[:-2])
    return ops.solve(A, B, left=left, vector=vector, asker=asker)


@widening
def solve_ex(A, B, *, left=True, check_errors=False):
    """(result, info): as solve, but info says which matrices are singular."""
    check_flags("linalg_solve_ex", None, left=left, check_errors=check_errors)
    result = _solved(A, B, left, "torch.linalg.solve_ex" if check_errors else "")
    return return_types.linalg_solve_ex(result, info_of(result, A, zero_pivots))


@accepts_out
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """The same for triangular A; the other triangle is not read, nor the diagonal (of ones) if unitriangular."""
    check_square(A, "linalg.solve_triangular")
    check_tensor(B, "linalg_solve_triangular", 2, "B")
    check_matrix(B, "linalg.solve_triangular", "B")
    check_flags("linalg_solve_triangular", None, upper=upper, left=left, unitriangular=unitriangular)
    check_equations(A._array, B._array, "linalg.solve_triangular", left)
    if A._array.dtype.kind not in "fc":
        raise NotImplementedError(f"\"triangular_solve_cpu\" not implemented for '{kind(A._array)}'")
    check_same_dtype(A, B, "linalg.solve_triangular")
    broadcast_batches(B._array.shape[:-2], A._array.shape[:-2])
    return ops.solve_triangular(A, B, upper=upper, left=left, unitriangular=unitriangular)


# -- least squares


def threshold(value):
    """A tolerance given as a number or tensor, as a number or tensor."""
    return value if isinstance(value, TensorBase) else float(value)


def tolerances(A, atol, rtol):
    """(atol, rtol) with PyTorch's defaults: rounding errors, unless an absolute tolerance is given."""
    if rtol is None:
        rows, columns = A._array.shape[-2:]
        rtol = max(rows, columns) * float(np.finfo(A._array.dtype).eps)
        if atol is not None:
            positive = np.asarray(atol._array if isinstance(atol, TensorBase) else atol) > 0
            rtol = wrap(np.where(positive, 0.0, rtol)) if positive.ndim else (0.0 if positive else rtol)
    return threshold(0.0 if atol is None else atol), threshold(rtol)


@accepts_out
def pinv(A, *, atol=None, rtol=None, hermitian=False, rcond=None):
    """The pseudo-inverses of matrices; singular values up to max(atol, rtol * largest) count as zero."""
    check_tensor(A, "linalg_pinv")
    check_flags("linalg_pinv", None, hermitian=hermitian)
    if A._array.ndim < 2 or A._array.dtype.kind not in "fc" or A._array.dtype.itemsize == 2:
        raise RuntimeError(
            f"linalg.pinv({kind(A._array)}{{{list(A._array.shape)}}}): expected a tensor with 2 or more "
            "dimensions of float, "
            "double, cfloat or cdouble types"
        )
    if hermitian:
        check_square(A, "linalg.eigh")
    atol, rtol = tolerances(A, atol, rcond if rtol is None else rtol)
    for name, bound in (("atol", atol), ("rtol", rtol)):
        if isinstance(bound, TensorBase) and bound.requires_grad:
            raise RuntimeError(
                f"The function 'linalg_pinv' is not differentiable with respect to argument '{name}'. This input "
                "cannot have requires_grad True."
            )
    return ops.pinv(A, atol, rtol, hermitian=hermitian)


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@widening
def lstsq(A, B, rcond=None, *, driver=None):
    """(solution, residuals, rank, singular_values) of the least squares problem min |A @ X - B|.

    The solution is that of the smallest norm. residuals are empty unless A has more rows than columns and full rank
    (never for the default driver, "gelsy"); singular_values are those of "gelsd" and "gelss".
    """
    function = "torch.linalg.lstsq"
    check_tensor(A, "linalg_lstsq")
    check_tensor(B, "linalg_lstsq", 2, "B")
    _check_lstsq(A._array, B._array, function)
    driver = driver or "gelsy"
    if driver not in _DRIVERS:
        raise RuntimeError(f"{function}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if rcond is not None and not isinstance(rcond, (int, float)):
        raise TypeError(f"linalg_lstsq(): argument 'rcond' must be float, not {type(rcond).__name__}")
    if A._array.dtype.kind not in "fc":
        raise RuntimeError("This function doesn't handle types other than float and double")
    a = A._array
    rows, columns = a.shape[-2:]
    if rcond is None:
        rcond = max(rows, columns) * float(np.finfo(a.dtype).eps)
    vector = _is_vector(a, B._array)
    right = B.unsqueeze(-1) if vector else B
    lead = broadcast_batches(right._array.shape[:-2], a.shape[:-2])
    left = A if a.shape[:-2] == lead else A.expand(*lead, rows, columns)
    right = right if right._array.shape[:-2] == lead else right.expand(*lead, *right._array.shape[-2:])
    solution, rank = ops.lstsq(left, right, rcond=0.0 if driver == "gels" else float(rcond))
    full = bool((rank == min(rows, columns)).all())
    if driver == "gels" and not full:
        raise ops.LinAlgError(
            f"{function}: The least squares solution could not be computed because the input matrix does not "
            f"have full rank (error code: {int(every(rank._array).min()) + 1})."
        )
    residuals = A.reshape(-1)[:0].abs()
    if rows > columns and full and driver != "gelsy":
        error = (A @ solution - right).abs()
        residuals = (error * error).sum(-2)
    values = wrap(np.empty(0, a.real.dtype))
    if driver in ("gelsd", "gelss"):
        values = batching.by_values(lambda a: np.linalg.svd(a, compute_uv=False), A)
    shown = rank if driver != "gels" else wrap(np.empty(0, np.int64))
    return return_types.linalg_lstsq(solution.squeeze(-1) if vector else solution, residuals, shown, values)


def _check_lstsq(a, b, function):
    if a.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError(f"{function}: other must have at least 1 dimension.")
    if not 0 <= a.ndim - b.ndim <= 1:
        raise RuntimeError(
            f"{function}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    if a.shape[-2] != b.shape[-1 if _is_vector(a, b) else -2]:
        place = -1 if _is_vector(a, b) else -2
        raise RuntimeError(f"{function}: input.size(-2) should match other.size({place})")
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"{function}: Expected input and other to have the same dtype, but got input's dtype {kind(a)} and "
            "other's dtype "
            f"{kind(b)}"
        )


# -- tensors as matrices


@widening
def tensorsolve(A, B, dims=None):
    """The X of tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first."""
    check_tensors("linalg_tensorsolve", input=A, other=B)
    if dims is not None:
        A = A.movedim(dims, tuple(range(-len(dims), 0)))
    n = B._array.ndim
    shape = A._array.shape[n:]
    size, other = math.prod(shape), math.prod(A._array.shape[:n])
    if size != other:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            "prod(self.shape[:other.ndim]), but got "
            f"{size} != {other}"
        )
    return solve(A.reshape(size, size), B.reshape(size)).reshape(shape)


@widening
def tensorinv(A, ind=2):
    """The inverse of A as a map between its last dimensions and its first `ind`."""
    check_tensor(A, "linalg_tensorinv")
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = A._array.shape[:ind], A._array.shape[ind:]
    size, other = math.prod(last), math.prod(first)
    if size != other:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{size} != {other}"
        )
    return inv(A.reshape(size, size)).reshape((*last, *first))
