"""Attention of several heads, between projections of what attends and of what is attended to."""

import math
import warnings

from ... import dtypes, spelling
from ...functions.joining import cat
from ...functions.linear import linear
from .attention import scaled_dot_product_attention
from .dropout import dropout
from .pad import pad


def multi_head_attention_forward(
    query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
    dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True, attn_mask=None,
    use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None,
    static_v=None, average_attn_weights=True, is_causal=False,
):  # fmt: skip
    """Attention of `num_heads` heads between projections: (output (L, N, E), weights (N, L, S) or None).

    query (L, N, E), key (S, N, Ek), value (S, N, Ev), or all without N. `in_proj_weight` (3 E, E) projects all three,
    or with `use_separate_proj_weight` each has its own. `bias_k` and `bias_v` (1, 1, E) and `add_zero_attn` add a
    place to attend to each; `static_k` and `static_v` (N * num_heads, S, E / num_heads) stand for the projected ones.
    `attn_mask` (L, S) or (N * num_heads, L, S), `key_padding_mask` (N, S): True is not attended to, floating ones are
    added. The weights are of all heads, (N, num_heads, L, S), without `average_attn_weights`.
    AssertionError for shapes that do not fit. (Vaswani et al., Attention Is All You Need, 2017)
    """
    unbatched = _check_batch(query, key, value, key_padding_mask, attn_mask, num_heads)
    if unbatched:
        query, key, value = [x.unsqueeze(1) for x in (query, key, value)]
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, n, width = query.shape
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _projected(query, key, value, in_proj_weight, weights, in_proj_bias)
    key_padding_mask = additive_mask(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    # The hint is trusted where nothing else is to be masked or shown.
    by_hint = is_causal and key_padding_mask is None and not need_weights
    attn_mask = None if by_hint else additive_mask(attn_mask, "attn_mask", query.dtype)
    attn_mask = _batched_mask(attn_mask, length, key.shape[0], n * num_heads)
    extra = 0
    if bias_k is not None and bias_v is not None:
        _insist(static_k is None, "bias cannot be added to static key.")
        _insist(static_v is None, "bias cannot be added to static value.")
        k, v = [cat([x, bias.expand(1, n, width)]) for x, bias in ((k, bias_k), (v, bias_v))]
        extra = 1
    else:
        _insist(bias_k is None, "bias_k is set but bias_v is None")
        _insist(bias_v is None, "bias_k is None but bias_v is set")
    size = width // num_heads
    if not (need_weights or add_zero_attn) and static_k is static_v is None:
        mask = _merged_masks(attn_mask, key_padding_mask, extra, n, num_heads, k.shape[0])
        q, k, v = [_apart(x, num_heads) for x in (q, k, v)]
        mask = mask if mask is None else mask.view(-1, num_heads if mask.shape[0] > 1 else 1, *mask.shape[1:])
        context = scaled_dot_product_attention(q, k, v, mask, dropout_p if training else 0.0, by_hint)
        out = _together(context, out_proj_weight, out_proj_bias, training)
        return out.squeeze(1) if unbatched else out, None
    q = _heads(q, n, num_heads)
    k = _heads(k, n, num_heads) if static_k is None else _static(static_k, "static_k", n * num_heads, size)
    v = _heads(v, n, num_heads) if static_v is None else _static(static_v, "static_v", n * num_heads, size)
    if add_zero_attn:
        k, v = [cat([x, x.detach().new_zeros(x.shape[0], 1, size)], 1) for x in (k, v)]
        extra += 1
    mask = _merged_masks(attn_mask, key_padding_mask, extra, n, num_heads, k.shape[1])
    if not training:
        dropout_p = 0.0
    if not need_weights:
        context = scaled_dot_product_attention(q, k, v, mask, dropout_p, by_hint)
        shares = None
    else:
        scores = (q * math.sqrt(1 / size)).matmul(k.transpose(-2, -1))
        shares = (scores if mask is None else scores + mask).softmax(-1)
        if dropout_p > 0:
            shares = dropout(shares, dropout_p)
        context = shares.matmul(v)
    out = linear(context.transpose(0, 1).reshape(length * n, width), out_proj_weight, out_proj_bias)
    out = out.view(length, n, out.shape[1])
    if need_weights:
        shares = shares.view(n, num_heads, length, k.shape[1])
        shares = shares.mean(1) if average_attn_weights else shares
    if unbatched:
        return out.squeeze(1), None if shares is None else shares.squeeze(0)
    return out, shares


def _insist(condition, message):
    if not condition:
        raise AssertionError(message)


def _shape(shape):
    return f"{spelling.spell('Size')}({list(shape)})"


def _check_batch(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Whether there is no batch; AssertionError where some inputs have one and others have not."""
    d = query.ndim
    _insist(d in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {d}-D query tensor")
    kind = "For unbatched (2-D) `query`" if d == 2 else "For batched (3-D) `query`"
    _insist(
        key.ndim == value.ndim == d,
        f"{kind}, expected `key` and `value` to be {d}-D but found {key.ndim}-D and {value.ndim}-D tensors "
        "respectively",
    )
    if key_padding_mask is not None:
        _insist(
            key_padding_mask.ndim == d - 1,
            f"{kind}, expected `key_padding_mask` to be `None` or {d - 1}-D but found {key_padding_mask.ndim}-D tensor "
            "instead",
        )
    if attn_mask is not None:
        _insist(
            attn_mask.ndim in (2, 3),
            f"{kind}, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.ndim}-D tensor instead",
        )
        wanted = (num_heads, query.shape[0], key.shape[0])
        _insist(
            d == 3 or attn_mask.ndim == 2 or tuple(attn_mask.shape) == wanted,
            f"Expected `attn_mask` shape to be {wanted} but got {_shape(attn_mask.shape)}",
        )
    return d == 2


def _check_sizes(query, key, value, embed_dim, num_heads, separate):
    width = query.shape[2]
    _insist(width == embed_dim, f"was expecting embedding dimension of {embed_dim}, but got {width}")
    _insist(width % num_heads == 0, f"embed_dim {width} not divisible by num_heads {num_heads}")
    if separate:
        _insist(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {_shape(key.shape[:2])} do not match value's {_shape(value.shape[:2])}",
        )
    else:
        _insist(
            key.shape == value.shape, f"key shape {_shape(key.shape)} does not match value shape {_shape(value.shape)}"
        )


def _projected(query, key, value, together, separate, bias):
    """Query, key and value behind their weights; what is the same tensor goes through its weights at once."""
    if separate is None:
        _insist(together is not None, "use_separate_proj_weight is False but in_proj_weight is None")
        if query is key is value:
            return _in_order(query, together, bias).chunk(3, -1)
        if key is value:
            width = query.shape[-1]
            first, others = together.split([width, 2 * width])
            first_bias, other_bias = (None, None) if bias is None else bias.split([width, 2 * width])
            return _in_order(query, first, first_bias), *_in_order(key, others, other_bias).chunk(2, -1)
        separate = together.chunk(3)
    for name, weight in zip("qkv", separate):
        _insist(weight is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None")
    inputs = (query, key, value)
    for name, x, weight in zip(("query", "key", "value"), inputs, separate):
        wanted = (query.shape[-1], x.shape[-1])
        _insist(
            tuple(weight.shape) == wanted,
            f"expecting {name} weights shape of {wanted}, but got {_shape(weight.shape)}",
        )
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return [_in_order(x, w, b) for x, w, b in zip(inputs, separate, biases)]


def additive_mask(mask, name, dtype, beside=None, beside_name=""):
    """A mask as what is added to scores: -inf where a bool one is True. Warns if it is of another kind than `beside`."""
    if mask is None:
        return None
    boolean = mask.dtype == dtypes.bool_
    _insist(boolean or mask.is_floating_point(), f"only bool and floating types of {name} are supported")
    if beside is not None and beside.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {beside_name} is deprecated. Use same type for both instead.",
            UserWarning,
            stacklevel=3,
        )
    return mask.detach().new_zeros(mask.shape, dtype=dtype).masked_fill(mask, -math.inf) if boolean else mask


def _apart(x, num_heads):
    """(S, N, E) as (N, num_heads, S, E / num_heads), in the same memory."""
    places, n, width = x._array.shape
    return x.view(places, n, num_heads, width // num_heads).permute(1, 2, 0, 3)


def _together(context, weight, bias, training):
    """What the heads (N, num_heads, L, E / num_heads) found behind their weight, (L, N, E).

    It lies by batches, as the context does, or by positions in training: what is dropped there is drawn in the order
    of memory, and PyTorch has it so.
    """
    n, heads, length, size = context._array.shape
    if not training:
        return linear(context.transpose(1, 2).reshape(n, length, heads * size), weight, bias).transpose(0, 1)
    out = linear(context.permute(2, 0, 1, 3).reshape(length * n, heads * size), weight, bias)
    return out.view(length, n, out.shape[1])


def _in_order(x, weight, bias):
    """linear of (L, N, E), without a copy where it is a transposed batch."""
    rows, batches = x._array.strides[:2]
    if batches <= rows:
        return linear(x, weight, bias)
    return linear(x.transpose(0, 1), weight, bias).transpose(0, 1)


def _batched_mask(mask, length, places, rows):
    if mask is None:
        return None
    wanted = (length, places) if mask.ndim == 2 else (rows, length, places)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the {mask.ndim}D attn_mask is {_shape(mask.shape)}, but should be {wanted}.")
    return mask if mask.ndim == 3 else mask.unsqueeze(0)


def _heads(x, n, num_heads):
    """(S, N, E) as (N * num_heads, S, E / num_heads)."""
    return x.contiguous().view(x.shape[0], n * num_heads, x.shape[2] // num_heads).transpose(0, 1)


def _static(x, name, rows, size):
    _insist(x.shape[0] == rows, f"expecting {name}.size(0) of {rows}, but got {x.shape[0]}")
    _insist(x.shape[2] == size, f"expecting {name}.size(2) of {size}, but got {x.shape[2]}")
    return x


def _merged_masks(attn_mask, key_padding_mask, extra, n, num_heads, places):
    """Both masks as one, (N * num_heads or 1, L or 1, S), zeros for the places that were added."""
    if attn_mask is not None and extra:
        attn_mask = pad(attn_mask, (0, extra))
    if key_padding_mask is None:
        return attn_mask
    if extra:
        key_padding_mask = pad(key_padding_mask, (0, extra))
    _insist(
        key_padding_mask.shape[0] == n,
        f"Expected key_padded_mask.shape[0] to be {n}, but got {key_padding_mask.shape[0]}",
    )
    _insist(
        key_padding_mask.shape[1] == places,
        f"Expected key_padded_mask.shape[1] to be {places}, but got {key_padding_mask.shape[1]}",
    )
    padding = key_padding_mask.view(n, 1, 1, places).expand(n, num_heads, 1, places).reshape(n * num_heads, 1, places)
    return padding if attn_mask is None else attn_mask + padding
