"""The dtypes, the default one, and PyTorch's rules of promotion; knows NumPy and no tensors."""

import builtins

import numpy as np

from .spelling import spell

BOOL, INTEGRAL, FLOATING, COMPLEX = range(4)


class dtype:
    """The type of a tensor's elements. The twelve instances are all there are; compare them with `is`.

    `numpy` is the NumPy dtype, `category` orders bool < integral < floating < complex, `scalar_type` is the
    name that PyTorch's messages use ("Float" for float32).

    >>> import rushlight
    >>> rushlight.float32.itemsize
    4
    """

    __module__ = "rushlight"
    __slots__ = (
        "category",
        "index",
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "name",
        "numpy",
        "scalar_type",
    )

    def __new__(cls, *args, **kwargs):
        raise TypeError(f"cannot create '{spell('dtype')}' instances")

    def __getattr__(self, name):
        # Reached only for a slot never set: bfloat16's NumPy dtype, which waits for its first use.
        if name == "numpy":
            return _load_bfloat16()
        if name == "dtype":
            # Where numpy.dtype(...) looks.
            return self.numpy
        raise AttributeError(f"'{spell('dtype')}' object has no attribute '{name}'")

    @property
    def char(self) -> str:
        """NumPy's letter for it, by which scipy.sparse finds the dtype of a product."""
        return self.numpy.char

    def __repr__(self):
        return spell(self.name)

    def __reduce__(self):
        return self.name

    def to_real(self) -> "dtype":
        """The dtype of the real part; a real dtype is its own."""
        if self is complex64:
            return float32
        if self is complex128:
            return float64
        return self

    def to_complex(self) -> "dtype":
        """The complex dtype whose parts hold this one; float16 and bfloat16 give complex64.

        Raises RuntimeError for bool and the integral dtypes.
        """
        if self.category < FLOATING:
            raise RuntimeError(f"Unknown Complex ScalarType for {self.scalar_type}")
        return complex128 if self is float64 or self is complex128 else complex64


def _make(name, scalar_type, category, itemsize, is_signed=True):
    self = object.__new__(dtype)
    self.index = len(DTYPES)
    self.name = name
    self.scalar_type = scalar_type
    self.category = category
    self.itemsize = itemsize
    self.is_signed = is_signed
    self.is_floating_point = category == FLOATING
    self.is_complex = category == COMPLEX
    DTYPES.append(self)
    if name != "bfloat16":
        self.numpy = np.dtype(name)
        _BY_NUMPY[self.numpy] = self
    return self


def _load_bfloat16():
    try:
        import ml_dtypes
    except ImportError as error:
        raise ImportError("bfloat16 needs the package ml_dtypes: pip install ml_dtypes") from error
    bfloat16.numpy = np.dtype(ml_dtypes.bfloat16)
    _BY_NUMPY[bfloat16.numpy] = bfloat16
    return bfloat16.numpy


DTYPES: list[dtype] = []
_BY_NUMPY: dict[np.dtype, dtype] = {}

bool_ = _make("bool", "Bool", BOOL, 1, is_signed=False)
uint8 = _make("uint8", "Byte", INTEGRAL, 1, is_signed=False)
int8 = _make("int8", "Char", INTEGRAL, 1)
int16 = _make("int16", "Short", INTEGRAL, 2)
int32 = _make("int32", "Int", INTEGRAL, 4)
int64 = _make("int64", "Long", INTEGRAL, 8)
float16 = _make("float16", "Half", FLOATING, 2)
bfloat16 = _make("bfloat16", "BFloat16", FLOATING, 2)
float32 = _make("float32", "Float", FLOATING, 4)
float64 = _make("float64", "Double", FLOATING, 8)
complex64 = _make("complex64", "ComplexFloat", COMPLEX, 8)
complex128 = _make("complex128", "ComplexDouble", COMPLEX, 16)

# The public names that are not names of this module, some because they would hide a builtin.
ALIASES = {
    "bool": bool_,
    "short": int16,
    "int": int32,
    "long": int64,
    "half": float16,
    "float": float32,
    "double": float64,
    "cfloat": complex64,
    "cdouble": complex128,
}
NAMES = {d.name: d for d in DTYPES} | ALIASES
_BY_PYTHON_TYPE = {builtins.bool: bool_, int: int64, float: float64, complex: complex128}


# -- from NumPy, strings and Python types


def of(np_dtype: np.dtype) -> dtype:
    """Return the dtype of an array whose NumPy dtype is `np_dtype`.

    Raises TypeError for a dtype that tensors do not have, ValueError for a foreign byte order.
    """
    found = _BY_NUMPY.get(np_dtype)
    return found if found is not None else _of_unlisted(np_dtype)


def _of_unlisted(np_dtype):
    if np_dtype.name == "bfloat16":
        _load_bfloat16()
        return bfloat16
    if not np_dtype.isnative and np_dtype.newbyteorder("=") in _BY_NUMPY:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte "
            "orders is currently not supported. Convert it first: array.astype(array.dtype.newbyteorder('='))"
        )
    raise TypeError(
        f"can't convert np.ndarray of type numpy.{np_dtype.type.__name__}. The only supported types are: "
        "float64, float32, float16, bfloat16, complex64, complex128, int64, int32, int16, int8, uint8, "
        "and bool."
    )


def as_dtype(x, asker: str = "argument 'dtype'") -> dtype:
    """Return the dtype that `x` names: a dtype, a NumPy dtype or scalar type, a string, or a Python type.

    A string means what it means as an attribute of the module ("float" is float32, as `torch.float` is), with
    or without "torch." before it; else NumPy reads it ("f8"). The Python type float is float64. `asker` opens
    the sentence of the TypeError raised for anything else, as in "zeros(): argument 'dtype'".
    """
    if type(x) is dtype:
        return x
    if isinstance(x, str):
        found = _of_string(x)
    elif isinstance(x, np.dtype):
        found = _of_numpy(x)
    elif isinstance(x, type):
        found = _BY_PYTHON_TYPE.get(x) or (_of_numpy(np.dtype(x)) if issubclass(x, np.generic) else None)
    else:
        found = None
    if found is None:
        raise TypeError(f"{asker} must be {spell('dtype')}, not {type(x).__name__}: {x!r:.80}")
    return found


def _of_string(text):
    found = NAMES.get(text.removeprefix("torch.").removeprefix("rushlight."))
    if found is not None:
        return found
    try:
        return _of_numpy(np.dtype(text))
    except TypeError:
        return None


def _of_numpy(np_dtype):
    try:
        return of(np_dtype)
    except (TypeError, ValueError):
        return None


# -- the default dtype

# What a Python scalar of each category counts as; the last two follow the default dtype.
_SCALAR_DTYPES = [bool_, int64, float32, complex64]


def get_default_dtype() -> dtype:
    """The floating dtype of tensors made from Python floats; float32 unless set otherwise."""
    return _SCALAR_DTYPES[FLOATING]


def set_default_dtype(d: dtype, /) -> None:
    """Make `d` the default floating dtype, in all threads. Raises TypeError unless `d` is a floating dtype.

    >>> import rushlight
    >>> rushlight.set_default_dtype(rushlight.float32)
    """
    if type(d) is not dtype:
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type, "
            f"not {type(d).__name__} ({d!r})"
        )
    if d.category != FLOATING:
        raise TypeError(f"only floating-point types are supported as the default type, not {d!r}")
    _SCALAR_DTYPES[FLOATING] = d
    _SCALAR_DTYPES[COMPLEX] = d.to_complex()


def default_complex() -> dtype:
    """The complex dtype of tensors made from Python complex numbers."""
    return _SCALAR_DTYPES[COMPLEX]


# -- promotion


def _promote(a, b):
    """The smallest dtype that both can be turned into without loss of category or range."""
    low, high = sorted((a, b), key=lambda d: (d.category, d.itemsize))
    if low is high:
        return high
    if low.category != high.category:
        both_inexact = low.category == FLOATING and high.category == COMPLEX
        return _promote(high.to_real(), low).to_complex() if both_inexact else high
    if low.itemsize == high.itemsize:  # two halves, or uint8 and int8
        return float32 if high.category == FLOATING else int16
    return high


def _outrank(high, low):
    """The dtype of `high` beside operands of lower rank: these can raise its category, not its size."""
    if low.category <= high.category:
        return high
    return high.to_complex() if high.category == FLOATING else _promote(high, low)


_PROMOTED = [[_promote(a, b) for b in DTYPES] for a in DTYPES]
_OUTRANKED = [[_outrank(high, low) for low in DTYPES] for high in DTYPES]


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the smallest dtype that holds both.

    >>> import rushlight
    >>> rushlight.promote_types(rushlight.uint8, rushlight.int8)
    rushlight.int16
    """
    a = as_dtype(type1, "promote_types(): argument 'type1' (position 1)")
    b = as_dtype(type2, "promote_types(): argument 'type2' (position 2)")
    return _PROMOTED[a.index][b.index]


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether results of dtype `from_` may be written to a tensor of dtype `to`: never into a lower category.

    >>> import rushlight
    >>> rushlight.can_cast(rushlight.float32, rushlight.int64)
    False
    """
    a = as_dtype(from_, "can_cast(): argument 'from_' (position 1)")
    b = as_dtype(to, "can_cast(): argument 'to' (position 2)")
    return a.category <= b.category


_SCALAR_CATEGORIES = {builtins.bool: BOOL, int: INTEGRAL, float: FLOATING, complex: COMPLEX}
_KIND_CATEGORIES = {"b": BOOL, "u": INTEGRAL, "i": INTEGRAL, "f": FLOATING, "c": COMPLEX}


def result_dtype(operands) -> dtype:
    """Return the dtype in which an operation on `operands` computes.

    Operands are arrays (with dimensions, or 0-dim) and Python or NumPy scalars. Arrays with dimensions come
    first; 0-dim arrays, then scalars, only raise the category. Raises TypeError for any other operand.
    """
    if len(operands) == 2:
        x, y = operands
        if type(x) is type(y) is np.ndarray:
            return of(x.dtype) if x.dtype is y.dtype else _result_of_arrays(x, y)
        # An array with a scalar, in either order.
        if type(x) is np.ndarray and (category := _SCALAR_CATEGORIES.get(type(y))) is not None:
            return _result_beside_scalar(of(x.dtype), category)
        if type(y) is np.ndarray and (category := _SCALAR_CATEGORIES.get(type(x))) is not None:
            return _result_beside_scalar(of(y.dtype), category)
    ranks = [None, None, None]  # arrays with dimensions, 0-dim arrays, scalars
    for operand in operands:
        rank, d = _rank(operand)
        held = ranks[rank]
        ranks[rank] = d if held is None else _PROMOTED[held.index][d.index]
    result = None
    for d in ranks:
        if d is not None:
            result = d if result is None else _OUTRANKED[result.index][d.index]
    if result is None:
        raise ValueError("result_dtype() needs at least one operand")
    return result


def _result_of_arrays(x, y):
    a, b = of(x.dtype), of(y.dtype)
    if (x.ndim == 0) == (y.ndim == 0):
        return _PROMOTED[a.index][b.index]
    return _OUTRANKED[a.index][b.index] if x.ndim else _OUTRANKED[b.index][a.index]


def _result_beside_scalar(d, category):
    return d if category <= d.category else _OUTRANKED[d.index][_SCALAR_DTYPES[category].index]


def _rank(operand):
    category = scalar_category(operand)
    if category is not None:
        return 2, _SCALAR_DTYPES[category]
    if not hasattr(operand, "ndim"):
        raise TypeError(f"result_type(): expected Tensors and Numbers, but got {type(operand).__name__}")
    return (0 if operand.ndim else 1), of(operand.dtype)


def scalar_category(x) -> int | None:
    """The category of a Python or NumPy scalar (its subclasses included), None for anything else."""
    category = _SCALAR_CATEGORIES.get(type(x))
    if category is not None:
        return category
    if isinstance(x, np.generic):
        return FLOATING if x.dtype.name == "bfloat16" else _KIND_CATEGORIES.get(x.dtype.kind)
    for python_type, category in _SCALAR_CATEGORIES.items():
        if isinstance(x, python_type):
            return category
    return None


# -- limits

# Bits of the fraction, largest exponent, decimal resolution.
_FLOAT_FORMATS = {
    float16: (10, 15, 1e-3),
    bfloat16: (7, 127, 1e-2),
    float32: (23, 127, 1e-6),
    float64: (52, 1023, 1e-15),
}


class finfo:
    """The limits of a floating dtype, by default the default one; a complex dtype has those of its parts.

    Attributes: `bits`, `eps`, `max`, `min`, `tiny`, `smallest_normal` (the same), `resolution`, and `dtype`,
    its name. Raises TypeError for other dtypes.

    >>> import rushlight
    >>> rushlight.finfo(rushlight.float32).eps
    1.1920928955078125e-07
    """

    __module__ = "rushlight"
    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")
    __hash__ = None

    def __init__(self, type=None):
        if type is None:
            type = get_default_dtype()
        d = as_dtype(type, "finfo(): argument 'type' (position 1)")
        if d.category < FLOATING:
            name = spell("finfo")
            raise TypeError(f"{name}() requires a floating point input type. Use {spell('iinfo')} to handle '{name}'")
        d = d.to_real()
        fraction, exponent, self.resolution = _FLOAT_FORMATS[d]
        self.dtype = d.name
        self.bits = 8 * d.itemsize
        self.eps = 2.0**-fraction
        self.max = (2.0 - self.eps) * 2.0**exponent
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - exponent)

    def __eq__(self, other):
        return self.dtype == other.dtype if isinstance(other, finfo) else NotImplemented

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integral dtype: `bits`, `min`, `max`, and `dtype`, its name; TypeError for others.

    >>> import rushlight
    >>> rushlight.iinfo(rushlight.uint8).max
    255
    """

    __module__ = "rushlight"
    __slots__ = ("bits", "dtype", "max", "min")
    __hash__ = None

    def __init__(self, type):
        d = as_dtype(type, "iinfo(): argument 'type' (position 1)")
        name = spell("iinfo")
        if d is bool_:
            raise TypeError(f"{d!r} is not supported by {name}")
        if d.category != INTEGRAL:
            raise TypeError(f"{name}() requires an integer input type. Use {spell('finfo')} to handle '{name}'")
        self.dtype = d.name
        self.bits = 8 * d.itemsize
        value_bits = self.bits - d.is_signed
        self.max = 2**value_bits - 1
        self.min = -(2**value_bits) if d.is_signed else 0

    def __eq__(self, other):
        return self.dtype == other.dtype if isinstance(other, iinfo) else NotImplemented

    def __repr__(self):
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
