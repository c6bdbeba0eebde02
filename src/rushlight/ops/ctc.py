"""Connectionist temporal classification: the probability of a target under all its alignments with the input.

A target of S labels becomes 2 S + 1 states, a blank before, between and after its labels. `alphas` sums the paths that
reach each state, `betas` those that leave it, in logarithms; together they say how likely the input is in each state.
"""

import numpy as np

from .. import core
from ..kernels import load
from .batch_rules import all_full, merged, parted
from .compare import logical_and
from .declare import general
from .exponential import logaddexp
from .join import stack
from .pad import constant_pad_nd
from .scatter import gather, scatter_add
from .selection import where
from .softmax import softmax

# The logarithm of no probability: finite, so that differences of two of them are numbers.
NEVER = -1e30
WHILE = "(while checking arguments for ctc_loss_allocate_outputs)"


def samples_merged(op, size, inputs, batched, params):
    """A batch of batches is a larger batch."""
    log_probs, *rest = all_full(size, inputs, batched)
    steps, classes = log_probs.shape[1], log_probs.shape[3]
    log_probs = log_probs.transpose(0, 1).reshape(steps, -1, classes)
    return parted(op(log_probs, *map(merged, rest), **params), size)


# ---- forward, on arrays


def check(log_probs, targets, input_lengths, target_lengths):
    """Lengths and labels out of range are refused."""
    steps, _, classes = log_probs.shape
    for name, array in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if array.min(initial=0) < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {array[array < 0][0]} {WHILE}")
    if target_lengths.max(initial=0) > targets.shape[1]:
        raise RuntimeError(
            f"Expected tensor to have size at least {target_lengths.max()} at dimension 1, but got size "
            f"{targets.shape[1]} for argument #2 'targets' {WHILE}"
        )
    if input_lengths.max(initial=0) > steps:
        wrong = input_lengths[input_lengths > steps][0]
        raise RuntimeError(f"Expected input_lengths to have value at most {steps}, but got value {wrong} {WHILE}")
    used = targets[np.arange(targets.shape[1]) < target_lengths[:, None]]
    if used.size and (used.min() < 0 or used.max() >= classes):
        raise IndexError(f"Target {used[(used < 0) | (used >= classes)][0]} is out of bounds.")


def moved_on(a, by):
    """What lies `by` states before each state."""
    out = np.full_like(a, NEVER)
    out[:, by:] = a[:, : max(a.shape[1] - by, 0)]
    return out


@general(
    batch=samples_merged,
    log_probs=lambda g, log_probs, targets, input_lengths, target_lengths, out, blank, zero_infinity: (
        g.unsqueeze(-1) * slope(log_probs, targets, input_lengths, target_lengths, out, blank, zero_infinity)
    ),
    push=lambda log_probs_t, log_probs, targets, input_lengths, target_lengths, out, blank, zero_infinity: (
        slope(log_probs, targets, input_lengths, target_lengths, out, blank, zero_infinity) * log_probs_t
    ).sum((0, 2)),
    aliases={"out": "result0"},
)
def ctc_loss(log_probs, targets, input_lengths, target_lengths, *, blank, zero_infinity=False):
    """-log of the probability of each target: log_probs (T, N, C), targets (N, S), lengths (N,).

    The derivative is that of log-probabilities which come from a log-softmax, as PyTorch has it: exp(log_probs) is in
    it, whose sum is constant for these. `zero_infinity` makes the derivative of an infinite loss zero, not nan.
    """
    check(log_probs, targets, input_lengths, target_lengths)
    count, size = targets.shape
    state = np.arange(2 * size + 1)
    labels = np.full((count, 2 * size + 1), blank)
    labels[:, 1::2] = np.where(np.arange(size) < target_lengths[:, None], targets, blank)
    skips = np.zeros(labels.shape, bool)
    skips[:, 2:] = labels[:, 2:] != labels[:, :-2]
    ends = np.abs(state - 2 * target_lengths[:, None] + 0.5) < 1
    loss = np.where(target_lengths == 0, -0.0, np.inf)
    a = np.where(state < 2, 0, NEVER).astype(log_probs.dtype)
    for t in range(input_lengths.max(initial=0)):
        if t:
            a = np.logaddexp(np.logaddexp(a, moved_on(a, 1)), np.where(skips, moved_on(a, 2), NEVER))
        a = a + np.maximum(np.take_along_axis(log_probs[t], labels, 1), NEVER)
        total = np.logaddexp.reduce(np.where(ends, a, NEVER), axis=1)
        loss = np.where(input_lengths == t + 1, np.where(total < NEVER / 2, np.inf, -total), loss)
    return loss.astype(log_probs.dtype, copy=False)


_kernels = load("ctc")
if _kernels is not None:
    ctc_loss.accelerate(_kernels.ctc_loss, log_probs=_kernels.through_ctc_loss)


# ---- derivative, on tensors


def slope(log_probs, targets, input_lengths, target_lengths, loss, blank, zero_infinity):
    """The derivative (T, N, C) of each loss: exp(log_probs), less how likely each label is given the target."""
    steps = log_probs.shape[0]
    labels, ends = states(targets, target_lengths.unsqueeze(-1), blank)
    skips = logical_and(labels != constant_pad_nd(labels, pad=(2, -2), value=0), counted(labels.shape[1]) >= 2)
    index = labels.unsqueeze(0).expand(steps, *labels.shape)
    emitted = gather(log_probs, index, dim=2).clamp(min=NEVER)
    along = alphas(emitted, skips) + betas(emitted, skips, ends, input_lengths.unsqueeze(-1))
    # The paths through all states of one time are all paths there are.
    likely = softmax(along - emitted, dim=2)
    given = scatter_add(log_probs.new_zeros(log_probs.shape), index, likely, dim=2)
    value = where((loss == np.inf).unsqueeze(-1), 0.0 if zero_infinity else np.nan, log_probs.exp() - given)
    within = counted(steps).unsqueeze(-1) < input_lengths
    return where(within.unsqueeze(-1), value, 0.0)


def counted(n):
    return core.wrap(np.arange(n))


def states(targets, lengths, blank):
    """The labels (N, 2 S + 1) of the states, and in which of them a path may end."""
    labels = where(counted(targets.shape[1]) < lengths, targets, blank)
    between = stack(labels * 0 + blank, labels, dim=2).reshape(targets.shape[0], 2 * targets.shape[1])
    labels = constant_pad_nd(between, pad=(0, 1), value=blank)
    after_last = counted(labels.shape[1]) - 2 * lengths
    return labels, logical_and(after_last >= -1, after_last <= 0)


def shifted(a, by):
    """What lies `by` states before each state (after it, where `by` is negative)."""
    return constant_pad_nd(a, pad=(by, -by), value=NEVER)


def alphas(emitted, skips):
    """The logarithm of the paths into each state at each time, with what is emitted there."""
    a = where(counted(skips.shape[1]) < 2, emitted.select(0, 0), NEVER)
    rows = [a]
    for t in range(1, emitted.shape[0]):
        skipped = where(skips, shifted(a, 2), NEVER)
        a = emitted.select(0, t) + logaddexp(logaddexp(a, shifted(a, 1)), skipped)
        rows.append(a)
    return stack(*rows, dim=0)


def betas(emitted, skips, ends, spans):
    """The logarithm of the paths from each state at each time to an end, with what is emitted there."""
    may_skip = constant_pad_nd(skips, pad=(-2, 2), value=False)
    b = emitted.select(0, 0).detach() * 0 + NEVER
    rows = []
    for t in reversed(range(emitted.shape[0])):
        now = emitted.select(0, t)
        skipped = where(may_skip, shifted(b, -2), NEVER)
        b = now + logaddexp(logaddexp(b, shifted(b, -1)), skipped)
        b = where(spans == t + 1, where(ends, now, NEVER), b)
        rows.append(b)
    return stack(*rows[::-1], dim=0)
