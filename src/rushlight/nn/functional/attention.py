"""Scaled dot-product attention."""

import math

from ... import casting, core, dtypes
from ...core import TensorBase
from ...ops.attention import attention, later
from .arguments import check_flags, check_tensor, check_tensors
from .dropout import dropout


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    """softmax(query @ key.T * scale + mask) @ value, for (*, L, E), (*, S, E) and (*, S, V).

    `attn_mask`: bool (True takes part) or floating (added), broadcast to (*, L, S); `is_causal` lets position i see
    positions up to i. `scale` is 1 / sqrt(E) where it is None. `enable_gqa` repeats the heads of key and value.

    >>> import rushlight
    >>> q = rushlight.zeros(1, 2, 4)
    >>> rushlight.nn.functional.scaled_dot_product_attention(q, q, rushlight.tensor([[[1.0], [3.0]]]))
    tensor([[[2.],
             [2.]]])
    """
    if type(is_causal) is not bool or type(enable_gqa) is not bool:
        check_flags("scaled_dot_product_attention", 6, is_causal=is_causal)
        check_flags("scaled_dot_product_attention", None, enable_gqa=enable_gqa)
    if casting.in_force:
        query, key, value, attn_mask = casting.low(query, key, value, attn_mask)
    _check(query, key, value, attn_mask, is_causal)
    factor = 1 / math.sqrt(query._array.shape[-1] or 1) if scale is None else scale
    if dropout_p <= 0 and _alike(query, key, value, attn_mask, enable_gqa):
        return _attention(query, key, value, attn_mask, factor, is_causal)
    if enable_gqa:
        key, value = _repeated(query, key), _repeated(query, value)
    if query._array.itemsize == 2 and query.is_floating_point():
        return _in_float32(query, key, value, attn_mask, dropout_p, is_causal, factor)
    root = math.sqrt(abs(factor))
    scores = (query * (root if factor >= 0 else -root)).matmul(key.transpose(-2, -1) * root)
    if is_causal:
        scores = scores.masked_fill(core.wrap(later(query.shape[-2], key.shape[-2])), -math.inf)
    if attn_mask is None:
        weights = scores.softmax(-1)
    else:
        weights = _masked_softmax(scores, attn_mask)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    return weights.matmul(value)


def _in_float32(query, key, value, mask, *settings):
    """The same of tensors of 16-bit floats, rounded once."""
    wide = [x.float() for x in (query, key, value)]
    mask = mask.float() if mask is not None and mask.is_floating_point() else mask
    return casting.call_off(scaled_dot_product_attention, (*wide, mask, *settings), {}).to(query.dtype)


def _alike(query, key, value, mask, grouped):
    """Whether arrays are floating, of the same batches, and of sizes that fit; `grouped` lets query have more heads."""
    q, k, v = query._array, key._array, value._array
    if q.dtype.kind not in "fV" or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        return False
    batch = q.shape[:-2]
    if k.shape[:-2] != v.shape[:-2] or q.ndim != k.ndim:
        return False
    if k.shape[:-2] != batch:
        heads = k.shape[-3] if q.ndim > 2 else 0
        if not grouped or not heads or batch[-1] % heads or k.shape[:-3] != batch[:-1]:
            return False
    if mask is None:
        return True
    if mask.dtype not in (dtypes.bool_, query.dtype) or not 2 <= mask.ndim <= q.ndim:
        return False
    wanted = (*batch, q.shape[-2], k.shape[-2])[q.ndim - mask.ndim :]
    return all([size in (1, other) for size, other in zip(mask._array.shape, wanted)])


def _attention(query, key, value, mask, factor, causal):
    if query._array.dtype.itemsize == 2:
        wide = [x if x is None or x.dtype == dtypes.bool_ else x.float() for x in (query, key, value, mask)]
        return casting.call_off(_attention, (*wide, factor, causal), {}).to(query.dtype)
    heads = query._array.shape[:-2]
    if heads == key._array.shape[:-2]:
        return attention(query, key, value, mask, factor=factor, causal=causal)[0]
    # Each head of key and value stands before the group of heads in query that attend to it.
    groups = (key._array.shape[-3], -1)
    if mask is not None and mask.ndim > 2:
        mask = mask.unsqueeze(-3) if mask.shape[-3] == 1 else mask.unflatten(-3, groups)
    query, key, value = query.unflatten(-3, groups), key.unsqueeze(-3), value.unsqueeze(-3)
    return attention(query, key, value, mask, factor=factor, causal=causal)[0].flatten(-4, -3)


def _masked_softmax(scores, attn_mask):
    """The softmax of masked scores; zeros where nothing may be attended to, and no gradient there."""
    if attn_mask.dtype == dtypes.bool_:
        scores = scores.masked_fill(attn_mask.logical_not(), -math.inf)
    else:
        scores = scores + attn_mask
    nothing = (scores.detach() == -math.inf).all(-1, keepdim=True)
    return scores.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)


def _check(query, key, value, attn_mask, is_causal):
    if not (isinstance(query, TensorBase) and isinstance(key, TensorBase) and isinstance(value, TensorBase)):
        check_tensors("scaled_dot_product_attention", query=query, key=key, value=value)
    if not query._array.dtype == key._array.dtype == value._array.dtype and not casting.here():
        names = [_c_name(x.dtype) for x in (query, key, value)]
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {names[0]} key.dtype: "
            f"{names[1]} "
            f"and value.dtype: {names[2]} instead."
        )
    if min(query._array.ndim, key._array.ndim, value._array.ndim) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim} "
            "key.dim: "
            f"{key.ndim} and value.dim: {value.ndim} instead."
        )
    if attn_mask is None:
        return
    check_tensor(attn_mask, "scaled_dot_product_attention", 4, "attn_mask")
    if attn_mask.dtype not in (dtypes.bool_, dtypes.float32, query.dtype):
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{_c_name(attn_mask.dtype)} and  query.dtype: {_c_name(query.dtype)} instead."
        )
    if is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")


def _c_name(dtype):
    names = {"Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int"}
    return names.get(dtype.scalar_type, dtype.scalar_type.lower())


def _repeated(query, x):
    """The heads of x, each repeated so that there are as many as in query."""
    heads, own = query.shape[-3], x.shape[-3]
    if own == 0 or heads % own:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    return x.repeat_interleave(heads // own, -3) if heads != own else x
