"""Hooks of modules: functions called before and behind forward, and before and behind backward."""

import warnings
from collections import OrderedDict

from ...hooks import RemovableHandle, listed, move_first, numbered
from ...tensor import Tensor

# Hooks for every module, in the order in which they are called.
_every_pre_hook = OrderedDict()
_every_hook = OrderedDict()
_every_backward_pre_hook = OrderedDict()
_every_backward_hook = OrderedDict()
_every_older_backward_hook = OrderedDict()
_for_all = (_every_pre_hook, _every_hook, _every_backward_pre_hook, _every_backward_hook, _every_older_backward_hook)
_every_flags = {"with_kwargs": {}, "always_call": {}}

# Called when a parameter, buffer or module becomes part of a module.
_registering = {"parameter": OrderedDict(), "buffer": OrderedDict(), "module": OrderedDict()}

_OLDER = (
    "Using {}non-full backward hook{} is deprecated and will be removed in future versions. This hook will be missing "
    "some {}. Please use register_full_backward_hook to get the documented behavior."
)
_TWO_GLOBAL_KINDS = (
    "Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only one of "
    "them."
)
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
            move_first(hooks, handle.id)
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

    def _has_hooks(self):
        return bool(self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks)

    def _call_hooked(self, args, kwargs):
        """forward with all hooks; those with always_call also where something raised."""
        if not self._has_hooks():
            # All were removed: the next calls are short again.
            self.__dict__.pop("_hooked", None)
            if not any(_for_all):
                Hooked._hooked = False
        call = Call(args, kwargs)
        try:
            self._forward_hooked(call)
        except Exception:
            self._call_remaining(call)
            raise
        return call.result

    def _forward_hooked(self, call):
        args, kwargs = call.args, call.kwargs = self._before_forward(call.args, call.kwargs)
        backward = self._boundaries()
        if backward is not None:
            args = call.args = backward.enter(args)
        call.result = self.forward(*args, **kwargs)
        for flags, hooks in self._all_forward_hooks():
            for number, hook in numbered(hooks):
                call.called.add(number)
                if number in flags:
                    replaced = hook(self, args, kwargs, call.result)
                else:
                    replaced = hook(self, args, call.result)
                if replaced is not None:
                    call.result = replaced
        if backward is not None:
            if not isinstance(call.result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                    f"received {type(call.result)}",
                    stacklevel=4,
                )
            call.result = backward.leave(call.result)
        older = self._older_backward_hooks()
        if older:
            watch_last_operation(self, older, args, call.result)

    def _all_forward_hooks(self):
        return (_every_flags["with_kwargs"], _every_hook), (
            self._forward_hooks_with_kwargs,
            self._forward_hooks,
        )

    def _before_forward(self, args, kwargs):
        for hook in listed(_every_pre_hook):
            args = _as_args(hook(self, args), args)
        for number, hook in numbered(self._forward_pre_hooks):
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

    def _call_remaining(self, call):
        for kind, flags, always, hooks in (
            ("global module", _every_flags["with_kwargs"], _every_flags["always_call"], _every_hook),
            ("module", self._forward_hooks_with_kwargs, self._forward_hooks_always_called, self._forward_hooks),
        ):
            for number, hook in numbered(hooks):
                if number not in always or number in call.called:
                    continue
                given = (self, call.args, call.kwargs) if number in flags else (self, call.args)
                try:
                    replaced = hook(*given, call.result)
                except Exception as error:
                    warnings.warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced as another "
                        f"error was raised in forward: {error}",
                        stacklevel=4,
                    )
                else:
                    call.result = call.result if replaced is None else replaced

    def _boundaries(self):
        full = listed(_every_backward_hook)
        if self._is_full_backward_hook:
            full += listed(self._backward_hooks)
        before = listed(_every_backward_pre_hook, self._backward_pre_hooks)
        if not full and not before:
            return None
        from .boundaries import Boundaries

        return Boundaries(self, full, before)

    def _older_backward_hooks(self):
        older = listed(_every_older_backward_hook)
        return older if self._is_full_backward_hook is not False else older + listed(self._backward_hooks)


def watch_last_operation(module, hooks, args, result):
    """The older kind of backward hooks: on the node of the result, whatever it is."""
    tensor = result
    while not isinstance(tensor, Tensor):
        tensor = next(v for v in tensor.values() if isinstance(v, Tensor)) if isinstance(tensor, dict) else tensor[0]
    node = tensor.grad_fn
    if node is None:
        return
    for hook in hooks:
        node.register_hook(lambda given, received, hook=hook: hook(module, given, received))
    missed = _missed(args, result, node)
    if missed:
        warnings.warn(_OLDER.format(*missed), FutureWarning, stacklevel=5)


def _missed(args, result, node):
    """What the older hooks do not see of such a module, and where that lies; None where they see everything."""
    result = (result,) if isinstance(result, Tensor) else result
    if not _only_tensors(result):
        return "", "s on a Module that does not return a single Tensor or a tuple of Tensors", "of the grad_output"
    if not _only_tensors(args):
        return (
            "",
            "s on a Module that does not take as input a single Tensor or a tuple of Tensors",
            "of the grad_input",
        )
    if len({t.grad_fn for t in result if t.grad_fn is not None}) > 1:
        return "a ", " when outputs are generated by different autograd Nodes", "grad_output"
    if {t.grad_fn for t in args if t.grad_fn is not None} != {edge for edge, _ in node.next_functions}:
        return "a ", " when the forward contains multiple autograd Nodes", "grad_input"
    return None


def _only_tensors(values):
    return isinstance(values, tuple) and all(isinstance(value, Tensor) for value in values)


def _as_args(replaced, args):
    if replaced is None:
        return args
    return replaced if isinstance(replaced, tuple) else (replaced,)


class Call:
    """How far one call of a module has come."""

    def __init__(self, args, kwargs):
        self.args = args
        self.kwargs = kwargs
        self.result = None
        self.called = set()


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
    if _every_older_backward_hook:
        raise RuntimeError(_TWO_GLOBAL_KINDS)
    return _for_every_module(_every_backward_hook, hook)


def register_module_backward_hook(hook):
    """The older kind for every module: hook(module, grad_input, grad_output) sees the last operation of forward only."""
    if _every_backward_hook:
        raise RuntimeError(_TWO_GLOBAL_KINDS)
    return _for_every_module(_every_older_backward_hook, hook)


def register_module_parameter_registration_hook(hook):
    """Call hook(module, name, param) for each parameter that a module gets; a parameter it returns takes its place."""
    return RemovableHandle(_registering["parameter"], hook)


def register_module_buffer_registration_hook(hook):
    """The same for buffers: hook(module, name, buffer)."""
    return RemovableHandle(_registering["buffer"], hook)


def register_module_module_registration_hook(hook):
    """The same for modules: hook(module, name, submodule)."""
    return RemovableHandle(_registering["module"], hook)


def registered(kind, module, name, value):
    """The value to become part of `module`, after the hooks for its kind."""
    for hook in list(_registering[kind].values()):
        replaced = hook(module, name, value)
        if replaced is not None:
            value = replaced
    return value
