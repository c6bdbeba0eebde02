"""What products of matrices and vectors refuse, in PyTorch's words: sizes that do not fit, dtypes that differ."""

from .. import spelling
from ..dtypes import of
from ..errors import coded

# What messages of matrix products call the dtypes of numbers.
_NUMBERS = {
    "float32": "float",
    "float64": "double",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long int",
}


def number(dtype):
    """The name of a dtype's numbers in C++, as some of PyTorch's messages have it."""
    return _NUMBERS.get(dtype.name, dtype.name)


def kind(array):
    return of(array.dtype).scalar_type


def refuse_bool(array, function):
    if array.dtype.kind == "b":
        raise coded("RL322", NotImplementedError(f"\"{function}\" not implemented for 'Bool'"))


def expands(c, shape):
    """Refuse what is added where it does not broadcast to the product."""
    if c.ndim > len(shape):
        raise coded(
            "RL307",
            RuntimeError(
                f"expand({tensor_type(c)}{{{list(c.shape)}}}, size={list(shape)}): the number of sizes provided "
                f"({len(shape)}) must be greater or equal to the number of dimensions in the tensor ({c.ndim})"
            ),
        )
    lead = len(shape) - c.ndim
    for k in reversed(range(c.ndim)):
        if c.shape[k] not in (1, shape[lead + k]):
            raise coded(
                "RL307",
                RuntimeError(
                    f"The expanded size of the tensor ({shape[lead + k]}) must match the existing size "
                    f"({c.shape[k]}) at "
                    f"non-singleton dimension {lead + k}.  Target sizes: {list(shape)}.  Tensor sizes: {list(c.shape)}"
                ),
            )


def tensor_type(array):
    return f"{spelling.module}.{kind(array)}Tensor"


def fit(a, b):
    """Refuse two matrices whose sizes do not fit."""
    if a.shape[1] != b.shape[0]:
        (m, k), (p, n) = a.shape, b.shape
        raise coded("RL302", RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({m}x{k} and {p}x{n})"))


def mm(a, b):
    if a.ndim != 2:
        raise coded("RL303", RuntimeError("self must be a matrix"))
    if b.ndim != 2:
        raise coded("RL303", RuntimeError("mat2 must be a matrix"))
    fit(a, b)
    if a.dtype != b.dtype:
        raise coded(
            "RL304",
            RuntimeError(
                f"expected m1 and m2 to have the same dtype, but got: {number(of(a.dtype))} != {number(of(b.dtype))}"
            ),
        )
    refuse_bool(a, "addmm_impl_cpu_")


def bmm(a, b):
    if a.ndim != 3:
        raise coded("RL303", RuntimeError("batch1 must be a 3D tensor"))
    if b.ndim != 3:
        raise coded("RL303", RuntimeError("batch2 must be a 3D tensor"))
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise coded(
            "RL302",
            RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] but got: "
                f"[{b.shape[0]}, {b.shape[1]}]."
            ),
        )
    if a.dtype != b.dtype:
        raise coded("RL304", RuntimeError(f"expected scalar type {kind(a)} but found {kind(b)}"))
    refuse_bool(a, "bmm")


def mv(c, a, b):
    """`c` is what is added, None in mv."""
    dims = 1 if c is None else c.ndim
    if a.ndim != 2 or b.ndim != 1 or dims > 1:
        raise coded("RL303", RuntimeError(f"vector + matrix @ vector expected, got {dims}, {a.ndim}, {b.ndim}"))
    added = a.shape[0] if c is None or c.size == 1 else c.size
    if a.shape[1] != b.shape[0] or added != a.shape[0]:
        size = a.shape[0] if c is None else c.size
        raise coded(
            "RL302",
            RuntimeError(f"size mismatch, got input ({size}), mat ({a.shape[0]}x{a.shape[1]}), vec ({b.shape[0]})"),
        )
    c = b if c is None else c
    if a.dtype != b.dtype or c.dtype != a.dtype:
        raise coded(
            "RL304",
            RuntimeError(f"addmv input tensors must have the same dtype, but got {kind(c)}, {kind(a)}, and {kind(b)}"),
        )
    refuse_bool(a, "addmv_impl_cpu")


def dot(x, y):
    if x.ndim != 1 or y.ndim != 1:
        raise coded("RL303", RuntimeError(f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors"))
    if x.dtype != y.dtype:
        raise coded(
            "RL304", RuntimeError(f"dot : expected both vectors to have same dtype, but found {kind(x)} and {kind(y)}")
        )
    if x.size != y.size:
        raise coded(
            "RL302",
            RuntimeError(
                f"inconsistent tensor size, expected tensor [{x.size}] and src [{y.size}] to have the same number of "
                f"elements, but got {x.size} and {y.size} elements respectively"
            ),
        )
    refuse_bool(x, "dot")


def addmm(c, a, b):
    for name, matrix in ("mat1", a), ("mat2", b):
        if matrix.ndim != 2:
            raise coded("RL303", RuntimeError(f"{name} must be a matrix, got {matrix.ndim}-D tensor"))
    fit(a, b)
    expands(c, (a.shape[0], b.shape[1]))
    for name, first in ("self", c), ("mat1", a):
        if first.dtype != b.dtype:
            raise coded(
                "RL304", RuntimeError(f"{name} and mat2 must have the same dtype, but got {kind(first)} and {kind(b)}")
            )
    refuse_bool(a, "addmm_impl_cpu_")


def addbmm(c, a, b):
    if a.ndim != 3:
        raise coded("RL303", RuntimeError("batch1 must be a 3D tensor"))
    if b.ndim != 3:
        raise coded("RL303", RuntimeError("batch2 must be a 3D tensor"))
    if a.shape[0] != b.shape[0]:
        raise coded(
            "RL302",
            RuntimeError(f"batch1 and batch2 must have same number of batches, got {a.shape[0]} and {b.shape[0]}"),
        )
    if a.shape[2] != b.shape[1]:
        raise coded(
            "RL302",
            RuntimeError(
                f"Incompatible matrix sizes for bmm ({a.shape[1]}x{a.shape[2]} and {b.shape[1]}x{b.shape[2]})"
            ),
        )
    expands(c, (a.shape[1], b.shape[2]))
    for name, first in ("self", c), ("mat1", a):
        if first.dtype != b.dtype:
            raise coded(
                "RL304", RuntimeError(f"{name} and mat2 must have the same dtype, but got {kind(first)} and {kind(b)}")
            )
    refuse_bool(a, "addbmm")


def baddbmm(c, a, b):
    if c.dtype != a.dtype:
        names = [number(of(x.dtype)) for x in (c, a, b)]
        raise coded(
            "RL304",
            RuntimeError(
                f"Input dtypes must be the same, got: input {names[0]}, batch1: {names[1]}, batch2: {names[2]}"
            ),
        )
    bmm(a, b)
    expands(c, (a.shape[0], a.shape[1], b.shape[2]))


def addr(c, a, b):
    for name, vector in ("vec1", a), ("vec2", b):
        if vector.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {vector.ndim}-D")
    expands(c, (a.shape[0], b.shape[0]))
