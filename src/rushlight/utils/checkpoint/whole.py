"""checkpoint and checkpoint_sequential."""

import warnings
from contextlib import nullcontext

import numpy as np

from ... import casting, core, modes, saving
from ...core import Op, TensorBase
from ...node import node_class
from ...operation import Rule
from . import flags
from .frame import Frame
from .logs import Logs
from .random_state import kept_state, random_state
from .reentrant import checkpointed

_UNSAID = (
    "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling "
    "checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to "
    "preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for more details on the "
    "differences between the two variants."
)
_UNSAID_SEQUENTIAL = (
    "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In version "
    "2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is recommended, but if you need "
    "to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for more details on the "
    "differences between the two variants."
)
_CHECKS = ("default", "none")


def noop_context_fn():
    """Two contexts that do nothing: for the forward pass and for the recomputation."""
    return nullcontext(), nullcontext()


def checkpoint(
    function,
    *args,
    use_reentrant=None,
    context_fn=noop_context_fn,
    determinism_check="default",
    debug=False,
    early_stop=True,
    **kwargs,
):
    """function(*args, **kwargs), of which nothing is kept for backward but the arguments: backward calls it again.

    With `use_reentrant=False` (recommended) gradients are those without a checkpoint in every respect: for `grad`,
    `inputs=`, keyword arguments, second derivatives, nested checkpoints. The recomputation ends once it has what
    backward needs (`early_stop`). `context_fn` returns two context managers, for the first computation and for the
    later ones. With `use_reentrant=True` the call is one node, whose backward is a `backward()` of its own.

    `preserve_rng_state=False` lets the recomputation draw other random numbers. CheckpointError where it saves
    another number of tensors, or other shapes and dtypes (unless determinism_check="none"); `debug=True` lists the
    operations then.

    >>> import rushlight
    >>> from rushlight.utils.checkpoint import checkpoint
    >>> x = rushlight.tensor([0.0, 1.0], requires_grad=True)
    >>> y = checkpoint(lambda x: x.sin().exp(), x, use_reentrant=False)
    >>> y.sum().backward()
    >>> x.grad
    tensor([1.0000, 1.2534])
    """
    if use_reentrant is None:
        warnings.warn(_UNSAID, UserWarning, stacklevel=2)
        use_reentrant = True
    preserve_rng_state = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        settings = (context_fn, determinism_check, flags.debug(debug), flags.early_stop(early_stop))
        return _without_reentry(function, preserve_rng_state, settings, args, kwargs)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return checkpointed(function, preserve_rng_state, args)


def _never(g, xs):
    raise AssertionError("nothing leads to the node that keeps the inputs of a checkpoint")


def _inputs_op():
    """The operation of a node that nothing leads to: it keeps tensors as any node does, hooks included."""
    op = Op("checkpoint_inputs", _never)
    op.variadic = True
    op.joint = Rule(_never, [0], ["xs"])
    op.node_class = node_class("CheckpointInputs")
    op.settle()
    return op


_INPUTS = _inputs_op()


def _kept(tensors):
    """A node that keeps the tensors."""
    node = core.recorded(_INPUTS, tensors, {}, np.empty(0), 1)
    saving.pack(node)
    return node


def _without_reentry(function, preserve_rng_state, settings, args, kwargs):
    context_fn, determinism_check, debug, early_stop = settings
    if determinism_check not in _CHECKS:
        raise ValueError(f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}")
    logs = None
    if debug:
        if context_fn is not noop_context_fn:
            raise ValueError("debug=True is incompatible with non-default context_fn")
        logs = Logs()
        context_fn = logs.contexts
    forward_context, recompute_context = context_fn()
    if not modes.grad_enabled():
        return function(*args, **kwargs)
    state, region = kept_state(preserve_rng_state), casting.again()
    inputs = _kept(tuple([x for x in args if isinstance(x, TensorBase)]))
    others = [None if isinstance(x, TensorBase) else x for x in args]
    places = [i for i, x in enumerate(args) if isinstance(x, TensorBase)]

    def recompute():
        again = list(others)
        for k, i in enumerate(places):
            again[i] = inputs.saved_at(k)
        with random_state(state), region(), recompute_context:
            function(*again, **kwargs)

    frame = Frame(recompute, inputs, early_stop, determinism_check == "default")
    unpack = frame.unpack if logs is None else logs.told(frame.unpack)
    saving.enter(frame.pack, unpack)
    try:
        with forward_context:
            out = function(*args, **kwargs)
    finally:
        saving.leave()
    frame.forward_completed = True
    return out


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """The functions (a Sequential or a list) one after the other, in `segments` checkpoints; the last is not one.

    >>> import rushlight
    >>> from rushlight.utils.checkpoint import checkpoint_sequential
    >>> x = rushlight.zeros(1, requires_grad=True)
    >>> layers = [rushlight.exp, rushlight.sin, rushlight.exp, rushlight.cos]
    >>> checkpoint_sequential(layers, 2, x, use_reentrant=False)
    tensor([-0.6809], grad_fn=<CosBackward0>)
    """
    if use_reentrant is None:
        warnings.warn(_UNSAID_SEQUENTIAL, UserWarning, stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children()) if hasattr(functions, "children") else functions
    size = len(functions) // segments
    last = size * (segments - 1)
    for start in range(0, last, size):
        part = _in_turn(functions[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _in_turn(functions[last:])(input)


def _in_turn(functions):
    def run(input):
        for function in functions:
            input = function(input)
        return input

    return run
