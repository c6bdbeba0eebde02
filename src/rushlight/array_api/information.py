"""What dtypes and devices there are, and which results have which dtype."""

import rushlight

from ..core import TensorBase
from ..device import check_cpu
from .types import KINDS, is_kind


class __array_namespace_info__:
    """Inspection, as the standard has it: capabilities, devices, dtypes."""

    def capabilities(self):
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        return rushlight.get_default_device()

    def devices(self):
        return [rushlight.device("cpu")]

    def default_dtypes(self, *, device=None):
        floating = rushlight.get_default_dtype()
        return {
            "real floating": floating,
            "complex floating": rushlight.promote_types(floating, rushlight.complex64),
            "integral": rushlight.int64,
            "indexing": rushlight.int64,
        }

    def dtypes(self, *, device=None, kind=None):
        kinds = ("bool", "numeric") if kind is None else kind if isinstance(kind, tuple) else (kind,)
        return {dtype.name: dtype for each in kinds for dtype in KINDS[each]}


def astype(x, dtype, /, *, copy=True, device=None):
    """x in another dtype; a copy also where it is that one already, unless `copy` is false."""
    if device is not None:
        check_cpu(device, "astype(): argument 'device'")
    if x.is_complex() and not dtype.is_complex:
        raise TypeError(f"complex arrays cannot become {dtype}: take the real part by real(x)")
    return x.to(dtype, copy=copy)


def _dtype(x):
    return x.dtype if isinstance(x, TensorBase) else x


def can_cast(from_, to, /):
    """Whether promotion leads from a dtype, or that of an array, to another of its kind, or from real to complex."""
    from_ = _dtype(from_)
    alike = any([is_kind(from_, kind) and is_kind(to, kind) for kind in ("bool", "integral")])
    floats = not (
        is_kind(to, "bool") or is_kind(to, "integral") or is_kind(from_, "bool") or is_kind(from_, "integral")
    )
    return (alike or floats) and rushlight.promote_types(from_, to) == to


def finfo(type, /):
    return rushlight.finfo(_dtype(type))


def iinfo(type, /):
    return rushlight.iinfo(_dtype(type))


def isdtype(dtype, kind):
    """Whether a dtype is another, or is of a kind such as "real floating", or one of several in a tuple."""
    if isinstance(kind, tuple):
        return any([isdtype(dtype, each) for each in kind])
    if not isinstance(kind, str):
        return dtype == kind
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    return is_kind(dtype, kind)


def result_type(*arrays_and_dtypes):
    """The dtype that promotion leads to; numbers only decide the kind."""
    numbers = [x for x in arrays_and_dtypes if isinstance(x, (bool, int, float, complex))]
    dtypes = [_dtype(x) for x in arrays_and_dtypes if not isinstance(x, (bool, int, float, complex))]
    if not dtypes:
        raise ValueError("result_type needs an array or a dtype")
    found = dtypes[0]
    for dtype in dtypes[1:]:
        found = rushlight.promote_types(found, dtype)
    for number in numbers:
        found = rushlight.result_type(rushlight.empty(1, dtype=found), number)
    return found
