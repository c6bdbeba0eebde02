"""What operations tell of a loss: broadcasting of targets, and probabilities where a loss wants something else."""

import weakref

import numpy as np

from ..core import TensorBase
from .report import line_of, user_line

_PAIRWISE = frozenset(("mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss"))
_SHAPING = frozenset(
    ("alias", "clamp", "clamp_numbers", "expand", "flatten", "getitem", "permute", "reshape", "squeeze", "t", "to_dtype",
     "transpose", "unsqueeze", "unsafe_view", "view")
)  # fmt: skip
# Loss operation: {operation that its input must not come from: (kind, code)}.
_SOFTMAX = ("softmax-before-cross_entropy", "RL606")
_TWICE = ("log_softmax-twice", "RL608")
_MISUSED = {
    "cross_entropy_indices": {"softmax": _SOFTMAX, "sigmoid": _SOFTMAX, "log_softmax": _TWICE},
    "log_softmax": {"softmax": _SOFTMAX, "log_softmax": _TWICE},
    "binary_cross_entropy_with_logits": {
        "sigmoid": ("sigmoid-before-logits-loss", "RL607"),
        "softmax": ("sigmoid-before-logits-loss", "RL607"),
    },
    "nll_loss": {"softmax": ("nll_loss-of-probabilities", "RL609")},
}


class Losses:
    """Rules on the operations that losses are made of."""

    def __init__(self, report):
        self.report = report
        self.suspected = {}

    def called(self, op, inputs, result):
        """An operation has run."""
        if op.name in _MISUSED:
            self.check_input(op.name, inputs[0])
        if op.name in _PAIRWISE and _crossed(*inputs[:2]):
            self.report.add("loss-broadcast", "RL605", user_line(), shapes=_shapes(inputs))
        elif op.name == "sub" and len(inputs) == 2 and _prediction_crossed(*inputs) and result.grad_fn is not None:
            # Only as part of a loss: reported when a backward pass comes by.
            node = result.grad_fn
            self.suspected[id(node)] = weakref.ref(node), _shapes(inputs)

    def check_input(self, name, x):
        """A loss must not get what it computes itself."""
        made_by = _source(x)
        if made_by in _MISUSED[name]:
            kind, code = _MISUSED[name][made_by]
            self.report.add(kind, code, user_line(), made_by=made_by)

    def pulled(self, node):
        """A node runs backward."""
        reference, shapes = self.suspected.get(id(node), (None, None))
        if reference is not None and reference() is node:
            self.report.add("loss-broadcast", "RL605", line_of(node), shapes=shapes)

    def stepped(self):
        """Forget what no longer lives."""
        self.suspected = {key: entry for key, entry in self.suspected.items() if entry[0]() is not None}


def _source(x):
    """The name of the operation that made x, through those that only shape or limit it."""
    node = x.grad_fn if isinstance(x, TensorBase) else None
    while node is not None and getattr(node, "op", None) is not None and node.op.name in _SHAPING:
        node = node.edge_at(0)
    op = getattr(node, "op", None)
    return None if op is None else op.name


def _own_shape(x):
    """The shape of x before it was expanded: 1 where entries share their memory."""
    array = x._array
    return tuple([1 if step == 0 else n for n, step in zip(array.shape, array.strides)])


def _crossed(a, b):
    """Whether one is a column (N, 1) and the other a row (N,), so that each was compared with each."""
    if not all(isinstance(x, TensorBase) and isinstance(x._array, np.ndarray) for x in (a, b)):
        return False
    a, b = _own_shape(a), _own_shape(b)
    column, row = (a, b) if len(a) == 2 and a[-1] == 1 else (b, a)
    return len(column) == 2 and column[1] == 1 and column[0] > 1 and row in ((column[0],), (1, column[0]))


def _prediction_crossed(a, b):
    """The same for a difference: one side is a prediction, the other a constant, and no one asked for a table."""
    if not _crossed(a, b) or a.requires_grad == b.requires_grad:
        return False
    return not any(_made_column(x) for x in (a, b))


def _made_column(x):
    """Whether x was given its dimension of size 1 on purpose, as by x[:, None]."""
    if x._array.ndim != 2 or x._array.shape[-1] != 1:
        return False
    node = x.grad_fn
    if node is None:
        return x.view_of is not None and x.view_of.base._array.ndim == 1
    return node.name().startswith("Unsqueeze")


def _shapes(inputs):
    return ", ".join(str(list(_own_shape(x))) for x in inputs[:2])
