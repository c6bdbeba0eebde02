"""Distances and similarities between vectors, and vectors brought to length one."""

from ... import dtypes
from ...functions.arguments import check_flags, check_number, wrap_dim
from ...ops import distance as ops
from ...ops.copying import to_dtype
from .arguments import check_tensor, kind_of, scalar_type


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """`input` divided by its p-norm along `dim`, or by eps where that is larger.

    >>> import rushlight
    >>> rushlight.nn.functional.normalize(rushlight.tensor([3.0, 4.0]), dim=0)
    tensor([0.6000, 0.8000])
    """
    check_tensor(input, "normalize")
    check_number(eps, "clamp_min", 2, "min")
    length = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    if out is None:
        return input / length
    from ... import div

    return div(input, length, out=out)


def cosine_similarity(x1, x2, dim=1, eps=1e-08):
    """The cosine of the angle between x1 and x2 along `dim`; lengths below eps count as eps.

    >>> import rushlight
    >>> rushlight.nn.functional.cosine_similarity(rushlight.tensor([3.0, 4.0]), rushlight.tensor([4.0, 3.0]), dim=0)
    tensor(0.9600)
    """
    check_tensor(x1, "cosine_similarity", 1, "x1")
    check_tensor(x2, "cosine_similarity", 2, "x2")
    if eps < 0:
        raise RuntimeError(f"eps must be non-negative, got: {eps:g}")
    common = dtypes.result_dtype([x1._array, x2._array])
    if not common.is_floating_point:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {common.scalar_type}")
    x1, x2 = [x if x.dtype == common else to_dtype(x, dtype=common.numpy) for x in (x1, x2)]
    shape = (x1 * x2).shape if x1.shape != x2.shape else x1.shape
    x1, x2 = [x if x.shape == shape else x.expand(shape) for x in (x1, x2)]
    dim = wrap_dim(dim, len(shape))
    units = [x / x.norm(2, dim, keepdim=True).clamp_min(eps) for x in (x1, x2)]
    return (units[0] * units[1]).sum(dim)


def pairwise_distance(x1, x2, p=2.0, eps=1e-06, keepdim=False):
    """The p-norm of x1 - x2 + eps along the last dimension.

    >>> import rushlight
    >>> rushlight.nn.functional.pairwise_distance(rushlight.tensor([[3.0, 4.0]]), rushlight.zeros(1, 2))
    tensor([5.0000])
    """
    check_tensor(x1, "pairwise_distance", 1, "x1")
    check_tensor(x2, "pairwise_distance", 2, "x2")
    if type(keepdim) is not bool:
        check_flags("pairwise_distance", 5, keepdim=keepdim)
    return (x1 - x2 + eps).norm(p, x1.ndim - 1 if x1.ndim >= x2.ndim else x2.ndim - 1, keepdim)


def pdist(input, p=2.0):
    """The p-norm distances between the rows of `input` (N, M), for each pair i < j: N (N - 1) / 2 of them.

    >>> import rushlight
    >>> rushlight.nn.functional.pdist(rushlight.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    check_tensor(input, "pdist")
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if kind_of(input) != "f":
        raise RuntimeError(f"pdist only supports floating-point dtypes, got: {scalar_type(input)}")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    return ops.pdist(input, ord=float(p))
