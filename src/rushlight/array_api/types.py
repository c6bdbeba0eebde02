"""The dtypes of the standard that rushlight has, by kind."""

from ..dtypes import DTYPES

_NAMED = {dtype.name: dtype for dtype in DTYPES}

bool, uint8, int8, int16, int32, int64 = map(_NAMED.get, ("bool", "uint8", "int8", "int16", "int32", "int64"))
float32, float64, complex64, complex128 = map(_NAMED.get, ("float32", "float64", "complex64", "complex128"))

KINDS = {
    "bool": (bool,),
    "signed integer": (int8, int16, int32, int64),
    "unsigned integer": (uint8,),
    "real floating": (float32, float64),
    "complex floating": (complex64, complex128),
}
KINDS["integral"] = (*KINDS["signed integer"], *KINDS["unsigned integer"])
KINDS["numeric"] = (*KINDS["integral"], *KINDS["real floating"], *KINDS["complex floating"])


def is_kind(dtype, kind):
    """Whether a dtype is of a kind of the standard; 16-bit floats, which it has not, count as real floating."""
    if kind in ("real floating", "numeric") and dtype.is_floating_point:
        return True
    return dtype in KINDS[kind]
