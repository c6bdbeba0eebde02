"""The cross-entropy of a linear layer, a chunk of samples at a time: the scores of all are never held.

A rule makes the scores of each chunk again. It is written in operations, so it differentiates like any other.
"""

import numpy as np

from .batch_rules import each
from .declare import general
from .loss import class_weights, cross_entropy_indices, nll_loss, of_targets, ops, through_cross_entropy


def chunks(samples, rows):
    """The (start, length) of each chunk."""
    return [(start, min(rows, samples - start)) for start in range(0, samples, rows)]


def joined(parts):
    return ops.cat(*parts, dim=0, sizes=tuple([part._array.shape[0] for part in parts]))


def scores_of(x, matrix, bias):
    scores = x.matmul(matrix.mT)
    return scores if bias is None else scores + bias


def divisor(target, weight, ignore_index):
    """What "mean" divides the sum of the losses by, as a tensor."""
    if weight is not None:
        return of_targets(weight, target, ignore_index).sum()
    return ops.ne(target, ignore_index).sum()


def through_chunks(g, x, matrix, bias, target, weight, out, ignore_index, reduction, rows, needs):
    if reduction == "mean":
        g = g / divisor(target, weight, ignore_index)
    of_x, of_matrix, of_bias, of_weight = [], None, None, None
    for chunk in chunks(x.shape[0], rows):
        part, classes = x.narrow(0, *chunk), target.narrow(0, *chunk)
        scores = scores_of(part, matrix, bias)
        share = g.narrow(0, *chunk) if reduction == "none" else g
        how = "none" if reduction == "none" else "sum"
        slope = through_cross_entropy(share, scores, classes, weight, ignore_index, how)
        if needs[0]:
            of_x.append(slope.matmul(matrix))
        if needs[1]:
            of_matrix = added(of_matrix, slope.mT.matmul(part))
        if needs[2]:
            of_bias = added(of_bias, slope.sum(0))
        if needs[4]:
            of_weight = added(of_weight, weight_share(share, scores, classes, out, ignore_index, reduction))
    of_x = joined(of_x) if needs[0] else None
    return of_x, of_matrix, of_bias, None, of_weight


def added(total, part):
    return part if total is None else total + part


def weight_share(g, scores, target, out, ignore_index, reduction):
    """The gradient of the weights of classes from one chunk."""
    losses = cross_entropy_indices(scores, target, None, ignore_index=ignore_index, reduction="none")
    if reduction == "mean":
        losses = losses - out
    return to_classes(g * losses, target, scores, ignore_index)


def to_classes(values, target, scores, ignore_index):
    counts = ops.ne(target, ignore_index)
    values = ops.where(counts, values, 0.0)
    return ops.index_select_backward(values, ops.where(counts, target, 0), dim=0, shape=scores.shape[1:])


def push_chunks(
    x_t, matrix_t, bias_t, weight_t, x, matrix, bias, target, weight, out, ignore_index, reduction, rows
):  # fmt: skip
    slopes = []
    for chunk in chunks(x.shape[0], rows):
        part, classes = x.narrow(0, *chunk), target.narrow(0, *chunk)
        scores = scores_of(part, matrix, bias)
        slopes.append(pushed_scores(x_t, matrix_t, bias_t, weight_t, part, matrix, scores, classes, weight, out, chunk,
                                    ignore_index, reduction))  # fmt: skip
    moved = joined(slopes)
    if reduction == "none":
        return moved
    return moved.sum() if reduction == "sum" else moved.sum() / divisor(target, weight, ignore_index)


def pushed_scores(
    x_t, matrix_t, bias_t, weight_t, x, matrix, scores, target, weight, out, chunk, ignore_index, reduction
):  # fmt: skip
    """The tangents of the losses of one chunk."""
    total = None
    scores_t = None
    if x_t is not None:
        scores_t = x_t.narrow(0, *chunk).matmul(matrix.mT)
    if matrix_t is not None:
        scores_t = added(scores_t, x.matmul(matrix_t.mT))
    if bias_t is not None:
        scores_t = added(scores_t, bias_t.expand(scores.shape) if scores_t is None else bias_t)
    if scores_t is not None:
        scores_t = scores_t - (scores.softmax(1) * scores_t).sum(1, True)
        total = nll_loss(scores_t, target, weight, ignore_index=ignore_index, reduction="none")
    if weight_t is not None:
        losses = cross_entropy_indices(scores, target, None, ignore_index=ignore_index, reduction="none")
        if reduction == "mean":
            losses = losses - out
        total = added(total, losses * of_targets(weight_t, target, ignore_index))
    return total


@general(batch=each, joint=through_chunks, push=push_chunks, aliases={"x": "input", "matrix": "linear_weight"})
def linear_cross_entropy(x, matrix, bias, target, weight, *, ignore_index, reduction, rows):
    """The cross-entropy of x (N, D) @ matrix.T (D, C) + bias (C,) with the classes `target` (N,)."""
    losses = np.empty(x.shape[:1], x.dtype)
    for start, length in chunks(x.shape[0], rows):
        part = slice(start, start + length)
        scores = x[part] @ matrix.T
        if bias is not None:
            scores += bias
        losses[part] = cross_entropy_indices.compute(
            (scores, target[part], weight), {"ignore_index": ignore_index, "reduction": "none"}
        )
    if reduction == "none":
        return losses
    total = np.add.reduce(losses, dtype=np.float64)
    if reduction == "mean":
        weights = class_weights(target, weight, ignore_index, x.dtype)
        total = total / (target.size if weights is None else weights.sum()) if target.size else np.nan
    return np.asarray(total, x.dtype)
