"""The functions of rushlight as the Python array API standard (2024.12) names them: what `x.__array_namespace__()` returns.

Libraries that are written for the standard ask an array for this module and call nothing else. Results are recorded
and differentiable as everywhere; docs/ecosystem.md says what the standard asks for and is not here.
https://data-apis.org/array-api/2024.12/
"""

from math import e, inf, nan, pi

from ..missing import of_module as _of_module
from . import fft, linalg
from .creation import (
    arange,
    asarray,
    empty,
    empty_like,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    meshgrid,
    ones,
    ones_like,
    tril,
    triu,
    zeros,
    zeros_like,
)
from .elementwise import *
from .information import __array_namespace_info__, astype, can_cast, finfo, iinfo, isdtype, result_type
from .manipulation import (
    broadcast_arrays,
    broadcast_shapes,
    broadcast_to,
    concat,
    expand_dims,
    flip,
    moveaxis,
    permute_dims,
    repeat,
    reshape,
    roll,
    squeeze,
    stack,
    take,
    take_along_axis,
    tile,
    unstack,
)
from .products import matmul, matrix_transpose, tensordot, vecdot
from .reductions import (
    all,
    any,
    argmax,
    argmin,
    count_nonzero,
    cumulative_prod,
    cumulative_sum,
    diff,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    var,
)
from .searching import (
    argsort,
    isin,
    nonzero,
    searchsorted,
    sort,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
)
from .types import bool, complex64, complex128, float32, float64, int8, int16, int32, int64, uint8

__array_api_version__ = "2024.12"
newaxis = None
__getattr__ = _of_module(__name__)
__all__ = sorted(
    {n for n in globals() if not n.startswith("_")} - {"creation", "elementwise", "information", "manipulation", "products"}
    - {"reductions", "searching", "types"} | {"__array_api_version__", "__array_namespace_info__"}
)  # fmt: skip
