"""Several matrix products at once, of groups of rows or columns."""

from ... import dtypes
from ...functions.joining import cat, stack
from ...ops.hidden import values
from .arguments import check_tensor, scalar_type


def grouped_mm(mat_a, mat_b, *, offs=None, bias=None, out_dtype=None):
    """One product for each group: `offs` (G,), int32, says where each ends along the dimension that is divided.

    (M, K) x (G, K, N): the rows of mat_a are divided. (G, M, K) x (K, N): the columns of mat_b. (M, K) x (K, N): what is
    summed over, with the result (G, M, N). (G, M, K) x (G, K, N): nothing, and there is no `offs`. Rows or columns
    behind the last group are zeros.

    >>> import rushlight
    >>> a, b = rushlight.ones(3, 2), rushlight.ones(2, 2, 1)
    >>> rushlight.nn.functional.grouped_mm(a, b, offs=rushlight.tensor([1, 3], dtype=rushlight.int32)).flatten()
    tensor([2., 2., 2.])
    """
    _check(mat_a, mat_b, offs, bias, out_dtype)
    if offs is None:
        return mat_a.matmul(mat_b)
    ends = [int(end) for end in values(offs._array)]
    spans = list(zip([0, *ends], ends))
    if mat_a.ndim == mat_b.ndim:
        return stack([mat_a[:, i:j].matmul(mat_b[i:j]) for i, j in spans])
    if mat_a.ndim == 2:
        parts = [mat_a[i:j].matmul(b) for (i, j), b in zip(spans, mat_b)]
        return cat([*parts, mat_a.new_zeros(mat_a.shape[0] - ends[-1], mat_b.shape[2])])
    parts = [a.matmul(mat_b[:, i:j]) for (i, j), a in zip(spans, mat_a)]
    return cat([*parts, mat_a.new_zeros(mat_a.shape[1], mat_b.shape[1] - ends[-1])], 1)


def _check(mat_a, mat_b, offs, bias, out_dtype):
    check_tensor(mat_a, "grouped_mm", 1, "mat_a")
    check_tensor(mat_b, "grouped_mm", 2, "mat_b")
    for name, x in (("mat_a", mat_a), ("mat_b", mat_b)):
        if x.dtype not in (dtypes.float32, dtypes.bfloat16, dtypes.float16):
            raise RuntimeError(f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {scalar_type(x)}")
    for name, x in (("mat_a", mat_a), ("mat_b", mat_b)):
        if x.ndim not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    if mat_a.shape[-1] != mat_b.shape[-2]:
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    both = mat_a.ndim == mat_b.ndim == 3
    if (offs is None) != both:
        raise RuntimeError("Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d")
    if both and mat_a.shape[0] != mat_b.shape[0]:
        raise RuntimeError("batched dimension has to match")
    if offs is not None:
        if offs.dtype != dtypes.int32:
            raise RuntimeError("Offsets have to be int32")
        groups = [x.shape[0] for x in (mat_a, mat_b) if x.ndim == 3]
        if groups and groups[0] != offs.shape[0]:
            raise RuntimeError("matrix batch sizes have to match")
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype is not None and out_dtype != mat_a.dtype:
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")
