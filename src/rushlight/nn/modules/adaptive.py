"""A softmax over very many classes, most of them rare."""

from collections import namedtuple

from ...functions.joining import cat
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """The log-softmax of a linear map of (N, in_features) at the targets (N,), and minus its mean: (output, loss).

    Classes are sorted by how frequent they are. Those below `cutoffs[0]` are in the head, with one more entry for each
    cluster of the others, which ends at the next cutoff and is mapped through `div_value` times fewer features than the
    one before. `log_prob` gives all classes, `predict` the likeliest. ValueError for cutoffs that do not ascend, and
    RuntimeError for targets of another shape or range. (Grave et al., Efficient softmax approximation for GPUs, 2017)

    >>> import rushlight
    >>> layer = rushlight.nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs=[4, 10])
    >>> output, loss = layer(rushlight.ones(3, 16), rushlight.tensor([0, 5, 19]))
    >>> tuple(output.shape), tuple(loss.shape), tuple(layer.log_prob(rushlight.ones(3, 16)).shape)
    ((3,), (), (3, 20))
    """

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None):
        super().__init__()
        cutoffs = _checked(list(cutoffs), n_classes)
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            features = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            inner = Linear(in_features, features, False, device, dtype)
            self.tail.append(Sequential(inner, Linear(features, classes, False, device, dtype)))

    def reset_parameters(self):
        """Draw all weights anew."""
        self.head.reset_parameters()
        for inner, outer in self.tail:
            inner.reset_parameters()
            outer.reset_parameters()

    def forward(self, input_, target_):
        _check_target(input_, target_)
        alone = target_.dim() == 0
        input, target = (input_.unsqueeze(0), target_.unsqueeze(0)) if alone else (input_, target_)
        if target.numel() and not 0 <= target.min().item() <= target.max().item() < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        # Where the head has a target: its class, or the entry of its cluster.
        place = target
        parts = []
        for i, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            inside = (target >= low) & (target < high)
            place = place.masked_fill(inside, self.shortlist_size + i)
            rows = inside.nonzero().squeeze(1)
            if rows.numel():
                scores = self.tail[i](input.index_select(0, rows))
                within = (target.index_select(0, rows) - low).unsqueeze(1)
                parts.append((rows, scores.log_softmax(1).gather(1, within).squeeze(1)))
        output = self.head(input).log_softmax(1).gather(1, place.unsqueeze(1)).squeeze(1)
        for rows, more in parts:
            output = output.index_add(0, rows, more)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if alone else output, loss)

    def _get_full_log_prob(self, input, head_output):
        """Log-probabilities of all classes, from the head's scores."""
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            entry = self.shortlist_size + i
            parts.append(F.log_softmax(cluster(input), dim=1) + head[:, entry : entry + 1])
        return cat(parts, 1)

    def log_prob(self, input):
        """Log-probabilities (N, n_classes) of all classes."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input):
        """The likeliest class of each row, (N,); clusters are looked into only where the head points there."""
        head_output = self.head(input)
        output = head_output.argmax(1)
        rows = (output >= self.shortlist_size).nonzero().squeeze(1)
        if not rows.numel():
            return output
        scores = self._get_full_log_prob(input.index_select(0, rows), head_output.index_select(0, rows))
        return output.index_copy(0, rows, scores.argmax(1))


def _checked(cutoffs, n_classes):
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    ascending = all([low < high for low, high in zip(cutoffs, cutoffs[1:])])
    if not ascending or min(cutoffs) <= 0 or max(cutoffs) > n_classes - 1 or any([int(c) != c for c in cutoffs]):
        raise ValueError(
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value "
            "is between 1 and n_classes-1"
        )
    return cutoffs


def _check_target(input, target):
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.dim() == 1 and input.shape[0] != target.shape[0]:
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if input.dim() != target.dim() + 1:
        rank = target.dim()
        raise RuntimeError(
            f"{rank}D target tensor expects {rank + 1}D input tensors, but found inputs with size {input.shape}"
        )
