"""The older kind of checkpoint: one node for the whole call, whose backward is a backward pass of its own."""

from ... import casting, saving
from ...autograd.backward import backward as run_backward
from ...autograd.function import Function
from ...autograd.grad_mode import enable_grad
from ...core import TensorBase
from ...node import extras_of
from .random_state import kept_state, random_state

_NO_GRAD = (
    "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` parameter to "
    ".backward(). To resolve this error, you can either set use_reentrant=False, or call .backward() without passing "
    "the `inputs` argument."
)


class CheckpointFunction(Function):
    """`CheckpointFunction.apply(function, preserve_rng_state, *args)`: what checkpoint(use_reentrant=True) calls."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.state, ctx.region = kept_state(preserve_rng_state), casting.again()
        ctx.others = [None if isinstance(x, TensorBase) else x for x in args]
        ctx.tensors = [i for i, x in enumerate(args) if isinstance(x, TensorBase)]
        ctx.save_for_backward(*[args[i] for i in ctx.tensors])
        return run_function(*args)

    @staticmethod
    def backward(ctx, *grads):
        run = saving.current_run()
        if run is not None and run.wanted is not None:
            raise RuntimeError(_NO_GRAD)
        inputs = list(ctx.others)
        for i, tensor in zip(ctx.tensors, ctx.saved_tensors):
            inputs[i] = tensor
        inputs = detach_variable(tuple(inputs))
        with random_state(ctx.state), ctx.region(), enable_grad():
            outputs = ctx.run_function(*inputs)
        outputs = (outputs,) if isinstance(outputs, TensorBase) else outputs
        pairs = [(x, g) for x, g in zip(outputs, grads) if isinstance(x, TensorBase) and x.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        run_backward([x for x, _ in pairs], [g for _, g in pairs])
        return None, None, *[x.grad if isinstance(x, TensorBase) else None for x in inputs]


def checkpointed(function, preserve_rng_state, args):
    """The function applied to args, recomputed in backward."""
    outputs = CheckpointFunction.apply(function, preserve_rng_state, *args)
    for x in outputs if isinstance(outputs, tuple) else (outputs,):
        if isinstance(x, TensorBase) and x.grad_fn is not None:
            # So that backward above knows which pass it is in.
            extras_of(x.grad_fn).packs = True
    return outputs


def detach_variable(inputs):
    """The tensors of a tuple without history, requiring gradients as before; anything else as it is."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple([_detached(x) if isinstance(x, TensorBase) else x for x in inputs])


def _detached(x):
    detached = x.detach()
    detached.requires_grad = x.requires_grad
    return detached


def check_backward_validity(inputs):
    """Warn where no input requires gradients: then the checkpoint gives none, whatever the function uses besides."""
    if any(isinstance(x, TensorBase) and x.requires_grad for x in inputs):
        return
    import warnings

    warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=2)
