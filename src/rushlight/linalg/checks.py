"""What the functions of linear algebra refuse, in PyTorch's words."""

from ..errors import coded
from ..functions.arguments import check_tensor
from ..ops.matrix_checks import kind


def check_matrix(x, function, name="A"):
    """Refuse what is not a tensor of two dimensions or more."""
    check_tensor(x, function.replace(".", "_"), name=name)
    if x._array.ndim < 2:
        raise RuntimeError(f"{function}: The input tensor {name} must have at least 2 dimensions.")


def check_square(x, function, name="A"):
    """Refuse matrices that are not square."""
    check_matrix(x, function, name)
    rows, columns = x._array.shape[-2:]
    if rows != columns:
        raise coded(
            "RL331",
            RuntimeError(
                f"{function}: {name} must be batches of square matrices, but they are {rows} by {columns} matrices"
            ),
        )


def check_inexact(x, function):
    """Refuse dtypes without fractions, and half precision."""
    dtype = x._array.dtype
    if dtype.kind not in "fcV":
        raise RuntimeError(f"{function}: Expected a floating point or complex tensor as input. Got {kind(x._array)}")
    if dtype.itemsize == 2:
        raise RuntimeError(f"{function}: Low precision dtypes not supported. Got {kind(x._array)}")


def check_equations(a, b, function, left):
    """Refuse a right-hand side whose rows (columns where the unknown is on the left) do not fit the matrix."""
    size = a.shape[-1]
    if b.shape[-2 if left else -1] == size:
        return
    equation = "AX = B" if left else "XA = B"
    raise RuntimeError(
        f"{function}: Incompatible shapes of A and B for the equation {equation} ({a.shape[-2]}x{a.shape[-1]} and "
        f"{b.shape[-2]}x{b.shape[-1]})"
    )


def check_same_dtype(a, b, function):
    if a._array.dtype != b._array.dtype:
        raise RuntimeError(
            f"{function}: Expected A and B to have the same dtype, but found A of type {kind(a._array)} and B "
            "of type "
            f"{kind(b._array)} instead"
        )
