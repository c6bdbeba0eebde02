"""Which functions refuse a tensor for `out=` that has another dtype than the result, and in which words; others cast."""

from ..bounds import C_NAMES
from ..core import TensorBase
from ..dtypes import as_dtype, bool_, can_cast, of, uint8
from ..errors import coded, tensor_type
from .arguments import check_tensor_out, type_name

_EXPECTED = "Expected out tensor to have dtype {own_c}, but got {given_c} instead"
_FOUND = "Found dtype {given} but expected {own}"
_BOOLEAN = "{name} does not support non-boolean outputs."
_SCALAR_TYPE = "Expected object of scalar type {own} but got scalar type {given} for argument 'out'"
_PLACES = (
    "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether "
    "out_int32 flag is True, but we got output tensor's dtype {given} and out_int32 flag is {int32}"
)

_IN_ITS_DTYPE = """
    alias_copy argmax argmin as_strided_copy cross detach_copy diag diagonal_copy expand_copy inverse isin linalg.cholesky
    linalg.cross linalg.det linalg.eigvalsh linalg.inv linalg.lu_solve linalg.matrix_power linalg.solve linalg.svdvals
    linalg.vector_norm log_softmax msort norm permute_copy select_copy slice_copy slice_scatter softmax squeeze_copy t_copy
    transpose_copy tril triu unfold_copy unsqueeze_copy view_copy
""".split()  # noqa: SIM905
_ONE_BY_ONE = "abs bitwise_not ceil conj_physical fix floor frac neg negative round sgn sign trunc".split()  # noqa: SIM905

# What each says of any other dtype.
_REFUSALS = {
    **dict.fromkeys(_IN_ITS_DTYPE, _EXPECTED),
    **dict.fromkeys(_ONE_BY_ONE, _FOUND),
    **dict.fromkeys(("isneginf", "isposinf", "signbit"), _BOOLEAN),
    **dict.fromkeys(("chain_matmul", "multi_dot"), "multi_dot(): expected out tensor to have dtype {own_c} but got {given_c}"),
    "heaviside": "heaviside is not yet implemented for tensors with different dtypes.",
    **dict.fromkeys(("linalg.norm", "linalg.matrix_norm"), "{name} expected out tensor dtype {own} but got: {given}"),
    **dict.fromkeys(("searchsorted", "bucketize"), _PLACES),
    **dict.fromkeys(("quantile", "nanquantile"), "quantile() out tensor must be same dtype as the input tensor"),
    **dict.fromkeys(("all", "any"), "{name} only supports bool tensor for result, got: {given}"),
    "float_power": "the output given to float_power has dtype {given} but the operation's result requires dtype {own}",
    "histc": (
        "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {own_c} and hist {given_c}"
    ),
    "inner": "tensordot: Expected the output tensor to have dtype {own}, but got an output tensor with dtype {given}",
    "linalg.vecdot": "linalg.vecdot: Expected out of dtype{own} but found {given}",
    "logcumsumexp": "expected scalar_type {own} but found {given}",
    "nan_to_num": "nan_to_num: dtype of out: {given} should be same as input: {own}",
    "polar": _SCALAR_TYPE,
    "where": "Expected out type to be {own} but got {given}",
}  # fmt: skip

# What those with several results say of one of them, `part`; the others, that it must have its dtype.
_OF_PARTS = {
    **dict.fromkeys(("cummax", "cummin"), "expected scalar_type {own} but found {given}"),
    **dict.fromkeys(("linalg.eig", "linalg.lstsq"), "torch.{name}: Expected {part} to be safely castable from {own} "
        "dtype, but got {part} with dtype {given}"),
    "linalg.geqrf": "torch.geqrf: Expected {part} to be safely castable from {own} dtype, but got {part} with dtype {given}",
    "frexp": "torch.frexp() expects {part} to have {own_c} dtype but got {given_c}",
    "frexp mantissa": "torch.frexp() expects mantissa to have dtype {own_c} but got {given_c}",
    "histogram": "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {own_c} and hist "
        "{given_c}",
    "histogram bin_edges": "torch.histogram: input tensor and bin_edges tensor should have the same dtype, but got input "
        "{own_c} and bin_edges {given_c} for dimension 0",
    "kthvalue": "output values must be of same type as input",
    "kthvalue indices": "output indices must be of scalar type Long",
    **dict.fromkeys(("median", "nanmedian"), "Expected tensor for 'values' to have the same type as tensor for argument #2 "
        "'self'; but type {given_type} does not equal {own_type} (while checking arguments for median)"),
    **dict.fromkeys(("median indices", "nanmedian indices"), "Expected tensor for argument #1 'indices' to have scalar type "
        "Long; but got {given_type} instead (while checking arguments for median)"),
    "mode": "expected scalar type '{own}' but got '{given}' for {part} output",
}  # fmt: skip
_CASTING = ("linalg.geqrf", "linalg.eig", "linalg.lstsq")

# What those that cast say where they cannot.
_JOINED = "torch.cat(): input types can't be cast to the desired output type {given}"
_UNSAFE = ": Expected result to be safely castable from {own} dtype, but got result with dtype {given}"
_UNCASTABLE = {
    **dict.fromkeys(("linalg.pinv", "linalg.cond", "cholesky", "cholesky_solve"), "{name}" + _UNSAFE),
    "linalg.tensorinv": "tensorinv" + _UNSAFE,
    "linalg.matrix_rank": "torch.linalg.matrix_rank" + _UNSAFE,
    "ldexp": "ldexp can't be cast to the desired output type {given}",
}
_JOINING = frozenset(("cat", "cat_into", "concat", "stack", "hstack", "vstack", "dstack", "column_stack"))


_COMPOSED = """
    alias_copy arange as_strided_copy conj_physical detach_copy diagonal_copy expand_copy eye floor_divide full heaviside
    histogram linspace log_softmax logspace ones permute_copy randint select_copy slice_copy slice_scatter softmax
    squeeze_copy t_copy transpose_copy unfold_copy unsqueeze_copy view_copy zeros
""".split()  # noqa: SIM905
_SPECIAL = "entr erfcx i0e i1 i1e log_ndtr ndtri xlog1py zeta".split()  # noqa: SIM905

# What the call comes down to, where that has another name.
_DISPATCHED = {
    **{name: f"aten::{name}" for name in _COMPOSED},
    **{name: f"special_{name}" for name in _SPECIAL},
    **dict.fromkeys(("column_stack", "dstack", "hstack", "vstack"), "cat"),
    **dict.fromkeys(("inner", "kron", "outer"), "mul"),
    **dict.fromkeys(("float_power", "square"), "pow"),
    **dict.fromkeys(("linalg.eigh", "linalg.eigvalsh"), "_linalg_eigh"),
    **dict.fromkeys(("linalg.inv", "linalg.matrix_power"), "linalg_inv_ex"),
    **dict.fromkeys(("linalg.ldl_factor", "linalg.ldl_factor_ex"), "aten::linalg_ldl_factor_ex"),
    **dict.fromkeys(("linalg.solve", "linalg.solve_ex"), "_linalg_solve_ex"),
    **dict.fromkeys(("linalg.svd", "linalg.svdvals"), "_linalg_svd"),
    "chunk_cat": "aten::_chunk_cat", "cross": "linalg_cross", "diff": "sub", "fft_c2c": "_fft_c2c", "fft_c2r": "_fft_c2r",
    "fft_r2c": "_fft_r2c", "linalg.cholesky": "linalg_cholesky_ex", "linalg.det": "_linalg_det",
    "linalg.eigvals": "aten::linalg_eigvals", "linalg.geqrf": "geqrf", "linalg.ldl_solve": "aten::linalg_ldl_solve",
    "linalg.lu_factor": "linalg_lu_factor_ex", "linalg.ormqr": "ormqr", "linalg.slogdet": "_linalg_slogdet",
    "linalg.vecdot": "sum", "lu_solve": "linalg_lu_solve", "msort": "sort", "multi_dot": "mm", "nanmean": "nansum",
    "norm": "linalg_vector_norm", "normal_of_tensors": "normal", "qr": "linalg_qr", "take_along_dim": "gather",
}  # fmt: skip


def dispatched(name):
    """The name by which PyTorch refuses to record a call of a function with `out=`."""
    return _DISPATCHED.get(name, name.replace(".", "_"))


def full_name(function):
    """The name of a function as in PyTorch: with its namespace where that is `linalg`."""
    name = function.__name__.lstrip("_")
    return f"linalg.{name}" if ".linalg." in function.__module__ else name


def pairs(function, out, result):
    """[(tensor, what is to be written into it)]; TypeError in PyTorch's words where `out` has not the form of `result`."""
    name = full_name(function).replace(".", "_")
    if not isinstance(result, tuple):
        check_tensor_out(out, name)
        return [(out, result)]
    if not isinstance(out, (tuple, list)):
        raise TypeError(f"{name}(): argument 'out' must be tuple of Tensors, not {type_name(out)}")
    if len(out) != len(result):
        if not hasattr(result, "_fields"):
            raise RuntimeError(f"{name} expected an out= argument of size {len(result)}, got size {len(out)}")
        raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
    for place, target in enumerate(out):
        if not isinstance(target, TensorBase):
            raise TypeError(f"expected Tensor as element {place} in argument 'out', but got {type_name(target)}")
    return list(zip(out, result))


def check_dtype(name, out, result, part=None):
    """RuntimeError, of joining functions TypeError, where the result may not be written into a tensor of that dtype.

    `part` is the name of the result among several.
    """
    own, given = of(result._array.dtype), of(out._array.dtype)
    if own is given:
        return
    if part is not None:
        if name in _CASTING and can_cast(own, given):
            return
        sentence = _OF_PARTS.get(f"{name} {part}") or _OF_PARTS.get(name, _EXPECTED)
        raise _refusal(sentence, out, result, name=name, part=part)
    if name in _JOINING:
        if not can_cast(own, given):
            raise coded("RL315", TypeError(_JOINED.format(given=given.scalar_type)))
        return
    sentence = _REFUSALS.get(name)
    if sentence is None and not can_cast(own, given):
        sentence = _UNCASTABLE.get(name)
    if sentence is None or (name in ("all", "any") and given in (bool_, uint8)):
        return
    raise _refusal(sentence, out, result, name=name)


def _refusal(sentence, out, result, **words):
    own, given = of(result._array.dtype), of(out._array.dtype)
    words |= {"own": own.scalar_type, "given": given.scalar_type, "own_c": _c_name(own), "given_c": _c_name(given)}
    words |= {
        "own_type": tensor_type(result._array),
        "given_type": tensor_type(out._array),
        "int32": own.name == "int32",
    }
    return coded("RL315", RuntimeError(sentence.format(**words)))


def accumulator(out, dtype):
    """The dtype of sums and products that are written into `out`: its own, which must be `dtype` where that is given."""
    if dtype is not None:
        expected(out, as_dtype(dtype))
    return of(out._array.dtype)


def expected(out, own):
    """RuntimeError where `out` has not the dtype `own`."""
    given = of(out._array.dtype)
    if given is not own:
        raise coded("RL315", RuntimeError(_EXPECTED.format(own_c=_c_name(own), given_c=_c_name(given))))


def found(out, result):
    """RuntimeError where `out` has not the dtype of the result, in the words of what is computed element by element."""
    if out._array.dtype != result._array.dtype:
        raise _refusal(_FOUND, out, result)


def _c_name(dtype):
    return C_NAMES[dtype.name]
