"""Autocast: in which dtype each operation computes within a region (casting.py).

Products and convolutions take float32 in the region's dtype. What loses too much in 16 bits (losses, products of
many numbers, decompositions) takes 16-bit floats in float32. All others take what they are given.
"""

import numpy as np

from .. import casting, core, modes
from ..core import Node, TensorBase
from .activation import prelu
from .copying import to_dtype
from .matrix import dot_in_matmul, mv_in_matmul
from .pad import PADS
from .pool import adaptive_max_pool3d, avg_pool3d

_FLOAT32 = np.dtype(np.float32)
# The part of the count of transforms that is not watchers or regions: see watching.py.
_TRANSFORMS = (1 << 20) - 1
# So many views, one of the other, are looked through for the leaf that they show.
_DEEP = 4
_AUTOCAST = 16


def lowered(x):
    """A tensor as the region's dtype, unless it is float64, integral or complex; anything else as it is."""
    if not isinstance(x, TensorBase):
        return x
    array, state = x._array, casting.state()
    dtype = state.dtypes["cpu"].numpy
    if array.dtype == dtype or array.dtype.kind not in "fV" or array.itemsize > 4:
        return x
    kept = None
    if x.requires_grad and state.cache_enabled and not core.transforms_entered(0) & _TRANSFORMS:
        kept = _kept(x.grad_fn or x, x.output_nr, state.cache, dtype, _DEEP)
    return to_dtype(x, dtype=dtype) if kept is None else kept


def _kept(edge, number, cache, dtype, deep):
    """The cast of a leaf, from the cache, or its view where `edge` is of a view of a leaf; None for other tensors."""
    if cache is None:
        return None
    if isinstance(edge, Node):
        return _kept_view(edge, number, cache, dtype, deep)
    if edge.view_of is not None or edge._array.dtype != _FLOAT32:
        return None
    key = (id(edge), dtype, modes.flags())
    found = cache.get(key)
    if found is not None and found[0] is edge and found[1] is edge._array and found[2] == _version(edge):
        return found[3]
    cast = to_dtype(edge, dtype=dtype)
    cache[key] = edge, edge._array, _version(edge), cast
    return cast


def _version(x):
    return 0 if x.versions is None else x.versions.n


def _kept_view(node, number, cache, dtype, deep):
    """What the same operation makes of the cast of the leaf below."""
    if not deep or node.op is None or not node.op.is_view or node.count != 1:
        return None
    edge = node.edge_at(0)
    base = None if edge is None else _kept(edge, node.number_at(0), cache, dtype, deep - 1)
    if base is None:
        return None
    views = node.op(base, **node.params)
    return views[number] if node.op.multiple else views


def widened(x):
    """A tensor of 16-bit floats as float32; anything else as it is."""
    if isinstance(x, TensorBase) and x._array.dtype.itemsize == 2 and x._array.dtype.kind in "fV":
        return to_dtype(x, dtype=_FLOAT32)
    return x


_LOWERED = "addbmm addmm attention baddbmm bmm convolution convolution_transpose matmul mm"
_WIDENED = """
    binary_cross_entropy binary_cross_entropy_with_logits cdist cholesky cross_entropy_indices ctc_loss eig eigh eigvals
    eigvalsh euclidean_dist fft_c2c fft_c2r fft_r2c fractional_max_pool2d geqrf grid_sampler householder_product
    huber_loss inv lstsq lu_factor lu_solve matrix_rank max_unpool2d mse_loss multi_margin_loss nll_loss ormqr prod qr
    smooth_l1_loss soft_margin_loss solve svd svdvals trace
"""
# What becomes of each input, by the name of the operation. `matmul` of vectors is not `mv` and `dot`, which stay.
_BY_NAME = {**dict.fromkeys(_LOWERED.split(), lowered), **dict.fromkeys(_WIDENED.split(), widened)}
_BY_OPERATION = {
    **dict.fromkeys((dot_in_matmul, mv_in_matmul, prelu), lowered),
    **dict.fromkeys((adaptive_max_pool3d, avg_pool3d), widened),
    **{op: widened for (mode, _), op in PADS.items() if mode in ("reflect", "replicate")},
}


def run(op, inputs, params, proceed):
    """proceed(op, inputs, params, False) in the dtype of the operation. What that is made of is not cast again."""
    cast = _BY_NAME.get(op.name) or _BY_OPERATION.get(op)
    if cast is None:
        return proceed(op, inputs, params, False)
    inputs = tuple([cast(x) for x in inputs])
    before = modes.put_autocast(False)
    try:
        return proceed(op, inputs, params, False)
    finally:
        modes.put_autocast((before & _AUTOCAST) != 0)


casting.run, casting.lowered, casting.widened = run, lowered, widened
