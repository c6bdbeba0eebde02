"""Hooks of modules: functions called before and behind forward, and before and behind backward."""

import warnings
from collections import OrderedDict

from ...hooks import RemovableHandle
from ...modes import grad_enabled
from ...ops.identity import boundary
from ...tensor import Tensor

# Hooks for every module, in the order in which they are called.
_every_pre_hook = OrderedDict()
_every_hook = OrderedDict()
_every_backward_pre_hook = OrderedDict()
_every_backward_hook = OrderedDict()
_every_flags = {"with_kwargs": {}, "always_call": {}}

_TWO_KINDS = (
    "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them."
)


class Hooked:
    """The hooks of one module. A call looks at nothing but `_hooked` until the first one is registered."""

    _hooked = False

    def _start_hooks(self):
        fields = self.__dict__
        fields["_forward_pre_hooks"] = OrderedDict()
        fields["_forward_pre_hooks_with_kwargs"] = {}
        fields["_forward_hooks"] = OrderedDict()
        fields["_forward_hooks_with_kwargs"] = {}
        fields["_forward_hooks_always_called"] = {}
        fields["_backward_pre_hooks"] = OrderedDict()
        fields["_backward_hooks"] = OrderedDict()
        fields["_is_full_backward_hook"] = None

    def _add_hook(self, hooks, hook, prepend=False):
        self.__dict__["_hooked"] = True
        handle = RemovableHandle(hooks, hook)
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call hook(module, args) before each forward; what it returns replaces the arguments.

        With `with_kwargs` it is hook(module, args, kwargs), returning None or (args, kwargs).
        """
        handle = self._add_hook(self._forward_pre_hooks, hook, prepend)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call hook(module, args, output) after each forward; what it returns replaces the output.

        With `with_kwargs` it is hook(module, args, kwargs, output); with `always_call` it is called even where
        forward raised.
        """
        handle = self._add_hook(self._forward_hooks, hook, prepend)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call hook(module, grad_output) when the gradients of the output are known; it may replace them."""
        return self._add_hook(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call hook(module, grad_input, grad_output) when those of the inputs are known; it may replace them."""
        if self._is_full_backward_hook is False:
            raise RuntimeError(_TWO_KINDS)
        self.__dict__["_is_full_backward_hook"] = True
        return self._add_hook(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook):
        """The older kind: hook(module, grad_input, grad_output) sees the last operation of forward only."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_TWO_KINDS)
        self.__dict__["_is_full_backward_hook"] = False
        return self._add_hook(self._backward_hooks, hook)

    def _call_hooked(self, args, kwargs):
        """forward with all hooks; those with always_call also where something raised."""
        called = set()
        try:
            return self._forward_hooked(args, kwargs, called)
        except Exception:
            self._call_remaining(args, kwargs, called)
            raise

    def _forward_hooked(self, args, kwargs, called):
        args, kwargs = self._before_forward(args, kwargs)
        backward = self._boundaries()
        if backward is not None:
            args = backward.enter(args)
        result = self.forward(*args, **kwargs)
        for flags, hooks in self._all_forward_hooks():
            for number, hook in list(hooks.items()):
                called.add(number)
                if number in flags:
                    replaced = hook(self, args, kwargs, result)
                else:
                    replaced = hook(self, args, result)
                if replaced is not None:
                    result = replaced
        if backward is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                    f"received {type(result)}",
                    stacklevel=4,
                )
            result = backward.leave(result)
        if self._is_full_backward_hook is False and self._backward_hooks:
            self._watch_last_operation(result)
        return result

    def _all_forward_hooks(self):
        return (_every_flags["with_kwargs"], _every_hook), (
            self._forward_hooks_with_kwargs,
            self._forward_hooks,
        )

    def _before_forward(self, args, kwargs):
        for hook in list(_every_pre_hook.values()):
            args = _as_args(hook(self, args), args)
        for number, hook in list(self._forward_pre_hooks.items()):
            if number not in self._forward_pre_hooks_with_kwargs:
                args = _as_args(hook(self, args), args)
                continue
            replaced = hook(self, args, kwargs)
            if replaced is None:
                continue
            if not (isinstance(replaced, tuple) and len(replaced) == 2):
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {replaced}."
                )
            args, kwargs = replaced
        return args, kwargs

    def _call_remaining(self, args, kwargs, called):
        for flags, always, hooks in (
            (_every_flags["with_kwargs"], _every_flags["always_call"], _every_hook),
            (self._forward_hooks_with_kwargs, self._forward_hooks_always_called, self._forward_hooks),
        ):
            for number, hook in list(hooks.items()):
                if number not in always or number in called:
                    continue
                try:
                    hook(self, args, kwargs, None) if number in flags else hook(self, args, None)
                except Exception as error:
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception that was silenced "
                        "as another "
                        f"error was raised in forward: {error}",
                        stacklevel=4,
                    )

    def _boundaries(self):
        full = list(_every_backward_hook.values())
        if self._is_full_backward_hook:
            full += self._backward_hooks.values()
        before = [*_every_backward_pre_hook.values(), *self._backward_pre_hooks.values()]
        return Boundaries(self, full, before) if full or before else None

    def _watch_last_operation(self, result):
        tensor = result
        while not isinstance(tensor, Tensor):
            tensor = (
                next(v for v in tensor.values() if isinstance(v, Tensor)) if isinstance(tensor, dict) else tensor[0]
            )
        if tensor.grad_fn is None:
            return
        for hook in self._backward_hooks.values():
            tensor.grad_fn.register_hook(lambda given, received, hook=hook: hook(self, given, received))


class Boundaries:
    """Where gradients enter and leave a module: one operation around its outputs, one around its inputs."""

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
        places, args = self._through(args, self._inputs_done)
        self.inputs = places
        return args

    def leave(self, result):
        """The outputs behind the boundary."""
        single = not isinstance(result, tuple)
        outputs = (result,) if single else result
        self.output_count = len(outputs)
        self.outputs, outputs = self._through(outputs, self._outputs_known)
        return outputs[0] if single else outputs

    def _through(self, values, hook):
        places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        if not grad_enabled() or not any(values[i].requires_grad for i in places):
            return None, values
        through = boundary(*[values[i] for i in places])
        node = next(t.grad_fn for t in through if t.grad_fn is not None)
        node.register_hook(hook)
        values = list(values)
        for i, tensor in zip(places, through):
            values[i] = tensor
        return places, tuple(values)

    def _outputs_known(self, _, received):
        grads = _spread(self.outputs, received, self.output_count)
        for hook in self.pre_hooks:
            replaced = hook(self.module, grads)
            if replaced is None:
                continue
            grads = _checked(replaced, grads, "Backward pre hook returned an invalid number of grad_output")
        if self.inputs is not None:
            self.grad_outputs = grads
        elif self.hooks:
            self._without_inputs(grads)
        return tuple(grads[i] for i in self.outputs)

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
                    "Backward hook for Modules where no input requires gradient should always return None or "
                    "None for all "
                    "gradients."
                )

    def _inputs_done(self, given, _):
        if self.grad_outputs is None:
            return None
        grads = _spread(self.inputs, given, self.input_count)
        for hook in self.hooks:
            replaced = hook(self.module, grads, self.grad_outputs)
            if replaced is not None:
                grads = _checked(replaced, grads, "Backward hook returned an invalid number of grad_input")
        self.grad_outputs = None
        return tuple(grads[i] for i in self.inputs)


def _as_args(replaced, args):
    if replaced is None:
        return args
    return replaced if isinstance(replaced, tuple) else (replaced,)


def _spread(places, values, count):
    spread = [None] * count
    for i, value in zip(places, values):
        spread[i] = value
    return tuple(spread)


def _checked(replaced, grads, sentence):
    replaced = replaced if isinstance(replaced, tuple) else (replaced,)
    if len(replaced) != len(grads):
        raise RuntimeError(f"{sentence}, got {len(replaced)}, but expected {len(grads)}")
    return replaced


def _for_every_module(hooks, hook):
    Hooked._hooked = True
    return RemovableHandle(hooks, hook)


def register_module_forward_pre_hook(hook):
    """Call hook(module, args) before the forward of every module."""
    return _for_every_module(_every_pre_hook, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call hook(module, args, output) after the forward of every module."""
    handle = _for_every_module(_every_hook, hook)
    if with_kwargs:
        _every_flags["with_kwargs"][handle.id] = True
    if always_call:
        _every_flags["always_call"][handle.id] = True
    return handle


def register_module_full_backward_pre_hook(hook):
    """Call hook(module, grad_output) before the backward of every module."""
    return _for_every_module(_every_backward_pre_hook, hook)


def register_module_full_backward_hook(hook):
    """Call hook(module, grad_input, grad_output) after the backward of every module."""
    return _for_every_module(_every_backward_hook, hook)
