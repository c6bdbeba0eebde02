"""Scaled dot-product attention as one operation, which keeps no weights: derivatives compute them again.

The kernel goes through the weights a tile at a time, so that memory is linear in the lengths (Milakov and Gimelshein,
Online normalizer calculation for softmax, 2018; Dao et al., FlashAttention, 2022).
"""

import functools
import math

import numpy as np

from ..core import apply, wrap
from ..kernels import load, meaning
from .batch_rules import all_full, in_line
from .compare import logical_not
from .copying import sum_to
from .declare import general
from .exponential import exp
from .matrix import added, column, is_narrow, matmul, mT, product
from .reduce import sum
from .select import masked_fill


@functools.lru_cache(maxsize=32)
def later(length, places):
    """Where a place lies behind the position that attends."""
    return np.triu(np.ones((length, places), bool), 1)


def _weights(query, key, mask, lse, factor, causal):
    """The softmax of the scores, by the logarithms of its sums."""
    scores = matmul(query * factor, mT(key))
    if mask is not None:
        truths = mask._array.dtype.kind == "b"
        scores = masked_fill(scores, logical_not(mask), -math.inf) if truths else scores + mask
    if causal:
        scores = masked_fill(scores, wrap(later(*scores.shape[-2:])), -math.inf)
    return exp(scores - column(lse))


def _through(g, query, key, value, mask, out, lse, factor, causal, needs):
    """What is masked has weight 0, and so passes nothing on."""
    to_out, to_lse = g
    weights = _weights(query, key, mask, lse, factor, causal)
    away = [] if to_lse is None else [column(to_lse)]
    if to_out is not None:
        away.append(matmul(to_out, mT(value)) - sum(to_out * out, dim=out.ndim - 1, keepdim=True))
    to_scores = weights * added(*away)
    of_query = of_key = of_value = of_mask = None
    if needs[0]:
        of_query = matmul(to_scores, key) * factor
    if needs[1]:
        of_key = sum_to(matmul(mT(to_scores), query) * factor, shape=key.shape)
    if needs[2] and to_out is not None:
        of_value = sum_to(matmul(mT(weights), to_out), shape=value.shape)
    if needs[3]:
        of_mask = sum_to(to_scores, shape=mask.shape)
    return of_query, of_key, of_value, of_mask


def _push(query, key, value, mask, out, lse, query_t, key_t, value_t, mask_t, factor, causal):
    weights = _weights(query, key, mask, lse, factor, causal)
    moved, of_scores = [], [mask_t]
    if query_t is not None:
        of_scores.append(matmul(query_t, mT(key)) * factor)
    if key_t is not None:
        of_scores.append(matmul(query, mT(key_t)) * factor)
    lse_t = None
    if any([part is not None for part in of_scores]):
        weights_t = weights * added(*of_scores)
        lse_t = sum(weights_t, dim=lse.ndim)
        moved.append(matmul(weights_t, value) - column(lse_t) * out)
    if value_t is not None:
        moved.append(matmul(weights, value_t))
    return added(*moved), lse_t


def _samples(op, size, inputs, batched, params):
    """The mask, which may be of fewer dimensions, is lined up with the scores at the end."""
    *inputs, mask = inputs
    if batched[3]:
        mask = in_line(mask, max([x._array.ndim - b for x, b in zip(inputs, batched)]))
    return apply(op, (*all_full(size, inputs, batched), mask), params)


@general(
    batch=_samples,
    outputs=("out", "lse"),
    backward="ScaledDotProductFlashAttentionForCpuBackward0",
    joint=_through,
    push=_push,
)
def attention(query, key, value, mask, *, factor, causal):
    """softmax(factor * query @ key.T + mask) @ value for (*, L, E), (*, S, E) and (*, S, V), and the logarithms (*, L)
    of what the softmax divides by.

    The batches of key and value may have 1 where query has more. The mask is bool (what is False is not seen), of the
    dtype of query, or None, and broadcasts to (*, L, S); with `causal` position i sees positions up to i. Who sees
    nothing gets zeros, and an infinite logarithm, so that exp(score - lse) is 0.
    """
    if is_narrow(query):
        wide = [x if x is None or x.dtype.kind == "b" else x.astype(np.float32) for x in (query, key, value, mask)]
        return tuple([x.astype(query.dtype) for x in attention.forward(*wide, factor=factor, causal=causal)])
    scores = product(query * query.dtype.type(factor), key.swapaxes(-1, -2))
    if mask is not None:
        scores = np.where(mask, scores, scores.dtype.type(-math.inf)) if mask.dtype.kind == "b" else scores + mask
    if causal:
        np.copyto(scores, -math.inf, where=later(*scores.shape[-2:]))
    high = np.max(scores, -1, keepdims=True, initial=-math.inf)
    nothing = high == -math.inf
    weights = np.exp(np.subtract(scores, np.where(nothing, 0, high)))
    total = meaning.sum_to(weights, high.shape)
    total = np.where(nothing, 1, total)
    weights /= total
    lse = np.where(nothing, math.inf, high + np.log(total))[..., 0]
    return _beside(product(weights.astype(value.dtype, copy=False), value)), lse.astype(query.dtype, copy=False)


def _beside(out):
    """Of four dimensions, the heads of one position lie side by side, as PyTorch has them."""
    return np.ascontiguousarray(out.swapaxes(1, 2)).swapaxes(1, 2) if out.ndim == 4 else out


def _through_arrays(g, query, key, value, mask, out, lse, factor, causal, needs):
    to_out, to_lse = [None if x is None else x._array for x in g]
    if to_out is None or needs[3]:
        return NotImplemented
    found = _kernels.through_attention(to_out, to_lse, query, key, value, mask, out, lse, factor, causal, needs)
    if found is NotImplemented:
        return NotImplemented
    return [x if x is None else meaning.sum_to(x, y.shape) for x, y in zip(found, (query, key, value))] + [None]


_kernels = load("attention")
if _kernels is not None:
    attention.accelerate(_kernels.attention, joint=_through_arrays)
