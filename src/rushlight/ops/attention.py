"""Scaled dot-product attention as one operation, which keeps the weights for its derivatives."""

import functools
import math

import numpy as np

from ..kernels import load
from .batch_rules import as_it_is
from .declare import general
from .matrix import added, is_narrow, matmul, mT, product
from .softmax import softmax, through_softmax


@functools.lru_cache(maxsize=32)
def later(length, places):
    """Where a place lies behind the position that attends."""
    return np.triu(np.ones((length, places), bool), 1)


def _through(g, query, key, value, weights, factor, needs):
    """What is masked has weight 0, and so passes nothing on."""
    to_out, to_weights = g
    if to_out is not None:
        to_weights = added(*[part for part in (to_weights, matmul(to_out, mT(value))) if part is not None])
    to_scores = through_softmax(to_weights, weights, -1) * factor
    return (
        matmul(to_scores, key) if needs[0] else None,
        matmul(mT(to_scores), query) if needs[1] else None,
        matmul(mT(weights), to_out) if needs[2] and to_out is not None else None,
    )


def _push(query, key, value, weights, query_t, key_t, value_t, factor):
    moved, of_scores = [], []
    if query_t is not None:
        of_scores.append(matmul(query_t, mT(key)))
    if key_t is not None:
        of_scores.append(matmul(query, mT(key_t)))
    weights_t = None
    if of_scores:
        weights_t = through_softmax(added(*of_scores) * factor, weights, -1)
        moved.append(matmul(weights_t, value))
    if value_t is not None:
        moved.append(matmul(weights, value_t))
    return added(*moved), weights_t


@general(
    batch=as_it_is,
    outputs=("out", "weights"),
    backward="ScaledDotProductFlashAttentionForCpuBackward0",
    joint=_through,
    push=_push,
)
def attention(query, key, value, *, factor, causal):
    """softmax(factor * query @ key.T) @ value for (*, L, E), (*, S, E) and (*, S, V), and the softmax itself.

    With `causal` position i sees positions up to i.
    """
    if is_narrow(query):
        wide = [x.astype(np.float32) for x in (query, key, value)]
        return tuple([x.astype(query.dtype) for x in attention.forward(*wide, factor=factor, causal=causal)])
    scores = product(query * query.dtype.type(factor), key.swapaxes(-1, -2))
    if causal:
        np.copyto(scores, -math.inf, where=later(*scores.shape[-2:]))
    weights = softmax.compute([scores], {"dim": scores.ndim - 1})
    return product(weights, value), weights


def _through_arrays(g, query, key, value, weights, factor, needs):
    to_out = g[0]
    if g[1] is not None or weights.dtype.char not in "fd":
        return NotImplemented
    to_out = to_out._array
    to_scores = _kernels.through_softmax(np.matmul(to_out, value.swapaxes(-1, -2)), weights, dim=weights.ndim - 1)
    if to_scores is NotImplemented:
        return NotImplemented
    to_scores *= to_scores.dtype.type(factor)
    return (
        np.matmul(to_scores, key) if needs[0] else None,
        np.matmul(to_scores.swapaxes(-1, -2), query) if needs[1] else None,
        np.matmul(weights.swapaxes(-1, -2), to_out) if needs[2] else None,
    )


_kernels = load("softmax")
if _kernels is not None:
    attention.accelerate(joint=_through_arrays)
