"""Checkpoints that keep the results of some operations: a policy says which."""

from enum import Enum
from functools import partial

from ... import core
from ...core import TensorBase
from ...operation import Operation
from ...ops.declare import REGISTRY
from ...watching import Watcher


class CheckpointPolicy(Enum):
    """What a policy answers for an operation. MUST and PREFER mean the same here, and so do SAVE and CPU_OFFLOAD."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_RECOMPUTED = (CheckpointPolicy.MUST_RECOMPUTE, CheckpointPolicy.PREFER_RECOMPUTE)


class SelectiveCheckpointContext:
    """The first argument of a policy: whether this is the recomputation, and what the operation gave."""

    def __init__(self, *, is_recompute, op_output=None):
        self.is_recompute = is_recompute
        self.op_output = op_output


def create_selective_checkpoint_contexts(policy_fn_or_list, allow_cache_entry_mutation=False):
    """The `context_fn` of a checkpoint that keeps some results: with functools.partial, `policy_fn_or_list` filled in.

    It is a list of operations whose results are kept (of `rushlight.ops.declare.REGISTRY`, or their names), or a
    function `policy(ctx, op, *inputs, **params)` that returns a CheckpointPolicy. RuntimeError in backward where a kept
    result was written in place, unless `allow_cache_entry_mutation`.

    >>> import rushlight
    >>> from functools import partial
    >>> from rushlight.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
    >>> x = rushlight.eye(2).requires_grad_()
    >>> keep_products = partial(create_selective_checkpoint_contexts, ["mm"])
    >>> y = checkpoint(lambda x: (x @ x).exp(), x, use_reentrant=False, context_fn=keep_products)
    """
    if isinstance(policy_fn_or_list, list):
        policy = partial(_listed, {_operation(op) for op in policy_fn_or_list})
    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    kept = {}
    return Keeping(policy, kept), Reusing(kept, allow_cache_entry_mutation)


def _operation(op):
    if isinstance(op, str) and op in REGISTRY:
        return REGISTRY[op]
    if not isinstance(op, Operation):
        raise ValueError(f"Expected op in `op_list` to be an operation but got: {op} of type {type(op)}.")
    return op


def _listed(ops, ctx, op, *inputs, **params):
    return op in ops


def _can_be_kept(op, in_place):
    return not in_place and not op.is_view and op.custom is None


class Keeping(Watcher):
    """Asks the policy about the operations of the forward pass, and keeps what it says."""

    def __init__(self, policy, kept):
        self.policy = policy
        self.kept = kept

    def called(self, op, inputs, params, in_place, proceed):
        out = proceed()
        answer = self.policy(SelectiveCheckpointContext(is_recompute=False, op_output=out), op, *inputs, **params)
        if isinstance(answer, bool):
            answer = CheckpointPolicy.MUST_SAVE if answer else CheckpointPolicy.PREFER_RECOMPUTE
        saves = answer not in _RECOMPUTED and _can_be_kept(op, in_place)
        self.kept.setdefault(op, []).append(_detached(out) if saves else None)
        return out


class Reusing(Watcher):
    """Gives in the recomputation what was kept, recorded like a result of the operation."""

    def __init__(self, kept, allow_mutation):
        self.kept = kept
        self.allow_mutation = allow_mutation

    def __enter__(self):
        self.calls = {}
        return super().__enter__()

    def called(self, op, inputs, params, in_place, proceed):
        number = self.calls.get(op, 0)
        self.calls[op] = number + 1
        kept = self.kept.get(op, ())
        if number >= len(kept) or kept[number] is None:
            return proceed()
        for tensor, version in kept[number]:
            if tensor._version != version and not self.allow_mutation:
                raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
        outs = [core.detached(tensor, True) for tensor, _ in kept[number]]
        core.record(op, inputs, params, outs)
        return tuple(outs) if op.multiple else outs[0]


def _detached(out):
    """[(tensor, version), ...] of the results of an operation."""
    outs = out if isinstance(out, tuple) else (out,)
    return [(x, x._version) for x in [core.detached(x, True) for x in outs if isinstance(x, TensorBase)]]
