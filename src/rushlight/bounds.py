"""Which dtypes, bounds and probabilities the distributions of `generator` accept, and PyTorch's refusals."""

import warnings

import numpy as np

from .dtypes import COMPLEX, FLOATING, as_dtype, get_default_dtype

LIMITS = {
    "bool": (0, 1),
    "uint8": (0, 255),
    "float16": (-65504.0, 65504.0),
    "bfloat16": (-3.3895313892515355e38, 3.3895313892515355e38),
    "float32": (-3.4028234663852886e38, 3.4028234663852886e38),
    "float64": (-1.7976931348623157e308, 1.7976931348623157e308),
} | {f"int{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)}
DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
C_NAMES = {
    "bool": "bool",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short int",
    "int32": "int",
    "int64": "long int",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "float32": "float",
    "float64": "double",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}


def narrow(values, dtype):
    """Cast float32, float64 or int64 draws to dtype; as in PyTorch, float64 reaches 16 bits by way of 32."""
    if values.dtype == dtype.numpy:
        return values
    if values.dtype.kind == "i" and dtype.itemsize > 2:
        return values.astype(dtype.numpy)
    with np.errstate(all="ignore"):
        if dtype.itemsize == 2 and dtype.category == FLOATING:
            values = values.astype(np.float32, copy=False)
        return values.astype(dtype.numpy)


def real_dtype(dtype, place):
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.category < FLOATING:
        raise NotImplementedError(f"\"{place}\" not implemented for '{dtype.scalar_type}'")
    return dtype


def floating_dtype(dtype, place):
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.category != FLOATING:
        raise NotImplementedError(f"\"{place}\" not implemented for '{dtype.scalar_type}'")
    return dtype


def continuous_dtype(dtype, distribution, spelled):
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.category != FLOATING:
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution. "
            f"dtype must be a floating point but you specified {spelled(dtype)}"
        )
    return dtype


def integer_dtype(dtype):
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.category == COMPLEX:
        raise NotImplementedError(f"\"random_kernel_cpu\" not implemented for '{dtype.scalar_type}'")
    return dtype


def _check_within(dtype, value, name):
    low, high = LIMITS[dtype.name]
    if not low <= value <= high:
        raise RuntimeError(f"{name} is out of bounds for {C_NAMES[dtype.name]}")


def check_uniform(dtype, low, high):
    _check_within(dtype, low, "from")
    _check_within(dtype, high, "to")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > LIMITS[dtype.name][1]:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{dtype.scalar_type}>::max(), but found "
            f"to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )


def check_integers(dtype, low, high):
    _check_within(dtype, low, "from")
    _check_within(dtype, high - 1, "to - 1")


def open_end(dtype, low):
    """The first integer that is too large, for a range from `low` to the dtype's largest."""
    _check_within(dtype, low, "from")
    if dtype.category != FLOATING:
        return LIMITS[dtype.name][1] + 1
    last = 1 << DIGITS[dtype.name]
    if low >= last:
        raise RuntimeError(
            "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, "
            f"but got from={low} > to_inc={last}"
        )
    return last + 1


def floating_bounds(dtype, low, high):
    """Move bounds that the dtype would round out of [low, high) to the next number inside."""
    check_integers(dtype, low, high)
    digits = DIGITS[dtype.name]
    for value, name in ((low, "from"), (high - 1, "to - 1")):
        if abs(value) > 1 << digits:
            warnings.warn(
                f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
                f"{C_NAMES[dtype.name]} can support discrete uniform distribution only within this range",
                stacklevel=4,
            )
    first, last = (int(narrow(np.float64(v), dtype)) for v in (low + 1, high - 1))
    if first < low:
        low = first + _spacing(low + 1, digits)
    if last >= high:
        high = last - _spacing(high - 1, digits)
    return low, high


def _spacing(value, digits):
    return 1 << abs(value).bit_length() - digits


def check_multinomial(probs, dtype, num_samples, replacement):
    if probs.ndim not in (1, 2) or (probs.ndim == 1 and probs.size == 0):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if dtype.category != FLOATING:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {dtype.scalar_type}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > probs.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not (np.isfinite(probs) & (probs >= 0)).all():
        raise RuntimeError(_unusable(probs, replacement and num_samples > 1))
    if (probs.sum(-1, dtype=np.float64) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def _unusable(probs, replacement):
    if not replacement:
        return "probability tensor contains either `inf`, `nan` or element < 0"
    if (probs < 0).any():
        return "invalid multinomial distribution (encountering probability entry < 0)"
    return "invalid multinomial distribution (encountering probability entry = infinity or NaN)"
