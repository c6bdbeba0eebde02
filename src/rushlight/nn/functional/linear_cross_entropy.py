"""cross_entropy of a linear layer, at once or without ever holding the scores of all samples."""

import warnings

from ... import dtypes
from ...functions.linear import linear
from ...ops import chunked as ops
from .arguments import reduction_of
from .classification import _check_classes, cross_entropy

_POLICIES = ("accurate", "balanced", "compact", "auto")


class LinearCrossEntropyOptions:
    """How linear_cross_entropy goes through its samples in chunks, `batch_chunk_size` at a time.

    Without a size, `chunking_method` chooses: "aspect_ratio:R" takes chunks whose scores hold at most R times as many
    numbers as the input; "auto" is R = 2. The other options tell PyTorch how to accumulate gradients; here nothing is
    accumulated in the forward pass, they change nothing. ValueError for values that are none.

    >>> import rushlight
    >>> rushlight.nn.functional.LinearCrossEntropyOptions(batch_chunk_size=128).batch_chunk_size
    128
    """

    __slots__ = ("acc_dtype", "acc_policy", "allow_retain_graph", "batch_chunk_size", "chunking_method")

    def __init__(
        self, allow_retain_graph=False, batch_chunk_size=None, chunking_method="auto", acc_policy="auto", acc_dtype=None
    ):
        if batch_chunk_size is not None and batch_chunk_size <= 0:
            raise ValueError(f"batch_chunk_size must be positive int or None, got {batch_chunk_size}")
        if chunking_method is not None and chunking_method != "auto" and not _ratio(chunking_method):
            raise ValueError(f"invalid chunking_method: {chunking_method!r}")
        if acc_policy not in _POLICIES:
            raise ValueError(f"invalid acc_policy: {acc_policy!r}")
        self.allow_retain_graph = allow_retain_graph
        self.batch_chunk_size = batch_chunk_size
        self.chunking_method = chunking_method
        self.acc_policy = acc_policy
        self.acc_dtype = acc_dtype

    def __repr__(self):
        names = ("allow_retain_graph", "batch_chunk_size", "chunking_method", "acc_policy", "acc_dtype")
        return f"LinearCrossEntropyOptions({', '.join([f'{n}={getattr(self, n)!r}' for n in names])})"

    def rows(self, samples, features, classes):
        """How many samples go together."""
        if self.batch_chunk_size is not None:
            return self.batch_chunk_size
        if self.chunking_method is None:
            return max(samples, 1)
        ratio = 2 if self.chunking_method == "auto" else _ratio(self.chunking_method)
        return max(1, ratio * samples * features // max(classes, 1))


def _ratio(method):
    """R of "aspect_ratio:R"; 0 for anything else."""
    name, _, number = method.partition(":")
    return int(number) if name == "aspect_ratio" and number.isdecimal() else 0


def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None,
    label_smoothing=0.0, options=None,
):  # fmt: skip
    """cross_entropy(linear(input, linear_weight, linear_bias), target) for input (N, D) or (D,).

    `linear_weight` (C, D), or (C, d1, ..., D) for a loss at several places; the other arguments are cross_entropy's.
    With `options` the scores of a chunk of samples are made, used and let go, in both directions: memory for a chunk
    instead of N * C numbers. This can be differentiated any number of times, in both modes and under vmap.
    RuntimeError for shapes that do not fit.

    >>> import rushlight
    >>> x, w = rushlight.zeros(2, 3), rushlight.zeros(4, 3)
    >>> rushlight.nn.functional.linear_cross_entropy(x, w, rushlight.tensor([0, 3]))
    tensor(1.3863)
    """
    _check(input, linear_weight, linear_bias)
    probabilities = target.is_floating_point()
    if probabilities and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignore_index = -100 if ignore_index is None else ignore_index
    chunked = options is not None and _can_be_chunked(linear_weight, target, reduction_of(reduction), label_smoothing)
    if not chunked or input.ndim == 1:
        scores = _scores(input, linear_weight, linear_bias)
        return cross_entropy(
            scores, target, weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
        )
    samples, features = input.shape
    classes = linear_weight.shape[0]
    _check_classes(input.detach().new_empty(1).expand(samples, classes), target, weight)
    return ops.linear_cross_entropy(
        input, linear_weight, linear_bias, target, weight, ignore_index=ignore_index, reduction=reduction,
        rows=options.rows(samples, features, classes),
    )  # fmt: skip


def _check(input, linear_weight, linear_bias):
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    features = (input.shape[-1], linear_weight.shape[-1])
    if features[0] != features[1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{features[0]} and {features[1]}, respectively"
        )
    if linear_weight.ndim > 2 and input.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {features[0]}), got unbatched input with shape {tuple(input.shape)}"
        )
    wanted = tuple(linear_weight.shape[:-1])
    if linear_bias is not None and tuple(linear_bias.shape) not in (wanted, wanted[:1]):
        raise RuntimeError(f"expected linear_bias shape {wanted}, got {tuple(linear_bias.shape)}")


def _can_be_chunked(linear_weight, target, reduction, label_smoothing):
    if label_smoothing == 0 and target.dtype == dtypes.int64 and linear_weight.ndim == 2:
        return True
    warnings.warn(
        "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, "
        f"label_smoothing == 0, target.dtype == int64, out_features == (). Got reduction='{reduction}', "
        f"label_smoothing={label_smoothing}, target.dtype={target.dtype}, "
        f"out_features={tuple(linear_weight.shape[1:-1])}",
        UserWarning,
        stacklevel=3,
    )
    return False


def _scores(input, linear_weight, linear_bias):
    if linear_weight.ndim == 2:
        return linear(input, linear_weight, linear_bias)
    shape = tuple(linear_weight.shape[:-1])
    scores = linear(input, linear_weight.reshape(-1, linear_weight.shape[-1])).reshape(input.shape[0], *shape)
    if linear_bias is None:
        return scores
    return scores + linear_bias.reshape(*linear_bias.shape, *[1] * (len(shape) - linear_bias.ndim))
