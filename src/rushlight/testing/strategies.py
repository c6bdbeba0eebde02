"""Strategies of Hypothesis: tensors and dtypes. They need Hypothesis and its NumPy part: `pip install hypothesis`."""

import numpy as np

from .. import dtypes as _dtypes
from ..functions.literal import from_numpy
from ..missing import of_module

__all__ = ["dtypes", "tensors"]

_named = {dtype.name: dtype for dtype in _dtypes.DTYPES}
_FLOATING = (_dtypes.float32, _dtypes.float64)


def dtypes(*, floating=True, complex=False, integer=True, bool=True, half=False):
    """Rushlight's dtypes of the kinds that are asked for; `half` are float16 and bfloat16.

    >>> from hypothesis import find
    >>> from rushlight.testing import strategies
    >>> find(strategies.dtypes(floating=False, bool=False), lambda dtype: dtype.itemsize == 4)
    rushlight.int32
    """
    kinds = {
        "bool": bool, "uint8": integer, "int8": integer, "int16": integer, "int32": integer, "int64": integer,
        "float32": floating, "float64": floating, "float16": half, "bfloat16": half, "complex64": complex,
        "complex128": complex,
    }  # fmt: skip
    return _hypothesis().sampled_from([_named[name] for name, wanted in kinds.items() if wanted])


def tensors(shapes=None, dtypes=_FLOATING, *, elements=None, requires_grad=False, strided=False):
    """Tensors to try a property with.

    `shapes` is a shape or a strategy of shapes (at most 4 dimensions of up to 5 where it is left out), `dtypes` a dtype,
    several, or a strategy. `elements` is a strategy of numbers, or a dictionary of what hypothesis.extra.numpy.from_dtype
    takes (`min_value`, `allow_nan` ...); floats are finite where it is left out. `requires_grad` is a truth value or a
    strategy, and means nothing for integers. With `strided=True` some are views that are not contiguous.

    >>> from hypothesis import find
    >>> from rushlight.testing import strategies
    >>> find(strategies.tensors((3,), elements={"min_value": -1, "max_value": 1}), lambda x: x.sum() > 0.5).shape
    rushlight.Size([3])
    """
    st, numpy = _hypothesis(), _arrays()
    shapes = numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5) if shapes is None else shapes
    if isinstance(dtypes, _dtypes.dtype):
        dtypes = (dtypes,)
    dtypes = dtypes if isinstance(dtypes, st.SearchStrategy) else st.sampled_from(list(dtypes))
    wants = requires_grad if isinstance(requires_grad, st.SearchStrategy) else st.just(requires_grad)

    @st.composite
    def drawn(draw):
        dtype = draw(dtypes)
        shape = tuple(draw(shapes) if isinstance(shapes, st.SearchStrategy) else shapes)
        order = draw(st.permutations(range(len(shape)))) if strided else list(range(len(shape)))
        step = draw(st.integers(1, 2)) if strided else 1
        # bfloat16 is not NumPy's: what it holds is drawn as float16, in its range.
        name = {"bfloat16": "float16"}.get(dtype.name, dtype.name)
        given = {"allow_nan": False, "allow_infinity": False} if elements is None else elements
        if isinstance(given, dict):
            given = numpy.from_dtype(np.dtype(name), **_fitting(given, name))
        inner = [shape[i] for i in order]
        if inner:
            inner[-1] *= step
        x = from_numpy(draw(numpy.arrays(name, tuple(inner), elements=given))).to(dtype)
        if inner:
            x = x[..., ::step]
        x = x.permute([order.index(i) for i in range(len(shape))])
        grad = draw(wants) and (dtype.is_floating_point or dtype.is_complex)
        return x.requires_grad_() if grad else x

    return drawn()


def _fitting(options, name):
    """Those of the options that mean something for a dtype."""
    if name.startswith(("float", "complex")):
        return options
    return {k: v for k, v in options.items() if not k.startswith("allow_") and name != "bool"}


def _hypothesis():
    try:
        from hypothesis import strategies
    except ImportError:
        raise ImportError(
            "rushlight.testing.strategies needs Hypothesis, which is not installed: pip install hypothesis"
        ) from None
    return strategies


def _arrays():
    from hypothesis.extra import numpy

    return numpy


__getattr__ = of_module(__name__)
