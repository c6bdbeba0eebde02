"""Where gradients enter and leave a module that has full backward hooks."""

import warnings

from ...autograd.function import Function
from ...modes import grad_enabled
from ...tensor import Tensor


class BackwardHookFunction(Function):
    """The same values, as the outputs of one node: hooks on it see the gradients of all together."""

    @staticmethod
    def forward(ctx, *args):
        ctx.mark_non_differentiable(*[x for x in args if not x.requires_grad])
        return args

    @staticmethod
    def backward(ctx, *grads):
        return grads

    @staticmethod
    def jvp(ctx, *tangents):
        return tangents

    @staticmethod
    def vmap(info, in_dims, *args):
        return BackwardHookFunction.apply(*args), in_dims


class Boundaries:
    """The two of one call of a module: around its inputs, and around its outputs."""

    def __init__(self, module, hooks, pre_hooks):
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.grad_outputs = None
        self.inputs = None
        self.input_count = 0

    def enter(self, args):
        """The arguments behind the boundary."""
        self.input_count = len(args)
        self.inputs, args, node = _through(args)
        if node is not None:
            node.register_hook(self._inputs_done)
        return args

    def leave(self, result):
        """The outputs behind the boundary."""
        single = not isinstance(result, tuple)
        outputs = (result,) if single else result
        self.output_count = len(outputs)
        self.outputs, outputs, node = _through(outputs)
        if node is not None:
            node.register_prehook(self._outputs_known)
        return outputs[0] if single else outputs

    def _outputs_known(self, received):
        grads = _spread(self.outputs, received, self.output_count)
        for hook in self.pre_hooks:
            replaced = hook(self.module, grads)
            if replaced is not None:
                grads = _counted(replaced, grads, "Backward pre hook returned an invalid number of grad_output")
        if self.inputs is not None:
            self.grad_outputs = grads
        elif self.hooks:
            self._without_inputs(grads)
        return tuple([grads[i] for i in self.outputs])

    def _without_inputs(self, grads):
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module."
            "register_full_backward_hook for more details.",
            stacklevel=5,
        )
        for hook in self.hooks:
            replaced = hook(self.module, (None,) * self.input_count, grads)
            if replaced is not None and not all(g is None for g in replaced):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )

    def _inputs_done(self, given, _):
        if self.grad_outputs is None:
            return None
        grads = _spread(self.inputs, given, self.input_count)
        for hook in self.hooks:
            replaced = hook(self.module, grads, self.grad_outputs)
            if replaced is not None:
                grads = _counted(replaced, grads, "Backward hook returned an invalid number of grad_input")
        self.grad_outputs = None
        return tuple([grads[i] for i in self.inputs])


def _through(values):
    """(positions of the tensors, the values with those tensors as outputs of a node, that node)."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not grad_enabled() or not any(values[i].requires_grad for i in places):
        return None, values, None
    through = BackwardHookFunction.apply(*[values[i] for i in places])
    values = list(values)
    for i, tensor in zip(places, through):
        values[i] = tensor
    return places, tuple(values), next(tensor.grad_fn for tensor in through if tensor.grad_fn is not None)


def _spread(places, values, count):
    spread = [None] * count
    for i, value in zip(places, values):
        spread[i] = value
    return tuple(spread)


def _counted(replaced, grads, sentence):
    if len(replaced) != len(grads):
        raise RuntimeError(f"{sentence}, got {len(replaced)}, but expected {len(grads)}")
    return replaced
