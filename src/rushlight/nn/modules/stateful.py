"""state_dict and load_state_dict: everything is checked before anything is written."""

import warnings
from collections import OrderedDict, namedtuple

import numpy as np

from ...core import written
from ...errors import coded
from ...hooks import RemovableHandle
from ...size import Size
from ...spelling import spell
from ...tensor import Tensor
from ..parameter import Parameter, is_lazy, is_parameter
from .nesting import common, finish
from .unlisted import warn_of_unlisted

_EXTRA = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class Stateful:
    """The parameters and persistent buffers of a module and its children, out as a dict and in again."""

    # A subclass raises it when its entries change; load_state_dict sees with which version they were saved.
    _version = 1

    def _start_state(self):
        fields = self.__dict__
        fields["_state_dict_hooks"] = OrderedDict()
        fields["_state_dict_pre_hooks"] = OrderedDict()
        fields["_load_state_dict_pre_hooks"] = OrderedDict()
        fields["_load_state_dict_post_hooks"] = OrderedDict()

    def get_extra_state(self):
        """What a subclass wants to have in `state_dict()` beside its tensors."""
        raise RuntimeError(_unreachable("get_extra_state"))

    def set_extra_state(self, state):
        """Take back what `get_extra_state` gave."""
        raise RuntimeError(_unreachable("set_extra_state"))

    def _has_extra_state(self, method):
        return getattr(type(self), method) is not getattr(Stateful, method)

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False) -> "dict":
        """All parameters and persistent buffers by their names, detached unless `keep_vars`; they share memory.

        >>> import rushlight
        >>> list(rushlight.nn.Linear(1, 1).state_dict())
        ['weight', 'bias']
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to https://pytorch.org/docs/main/"
                "generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            destination, prefix, keep_vars = (*args, *(destination, prefix, keep_vars)[len(args) :])[:3]
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
            warn_of_unlisted(self)
        return finish(self, self._saving(destination, prefix, keep_vars))

    def _saving(self, destination, prefix, keep_vars):
        local = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is None:
                continue
            if common(module, Stateful.state_dict):
                yield module, module._saving(destination, f"{prefix}{name}.", keep_vars)
            else:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, local)
            if getattr(hook, "_public", False):
                if replaced is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif replaced is not None:
                destination = replaced
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """The entries of this module alone."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                destination[prefix + name] = parameter if keep_vars or is_lazy(parameter) else parameter.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars or is_lazy(buffer) else buffer.detach()
        if self._has_extra_state("get_extra_state"):
            destination[prefix + _EXTRA] = self.get_extra_state()

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the entries into the parameters and buffers of that name; with `assign` take them in their place.

        Returns the missing and the unexpected keys; with `strict` there may be none. Raises RuntimeError that
        lists every mismatch, TypeError for what is no dict; nothing is written then.
        """
        if not hasattr(state_dict, "keys"):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = _Loading(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata
        missing, unexpected, errors = [], [], []
        keys = _IncompatibleKeys(missing, unexpected)
        finish(self, self._loading(state_dict, "", assign, missing, unexpected, errors))
        if errors or (strict and (missing or unexpected)):
            # A hook may still clear the lists of keys.
            state_dict.call_hooks(keys)
            self._refuse(strict, missing, unexpected, errors)
            state_dict.write()
        else:
            state_dict.write()
            state_dict.call_hooks(keys)
        return keys

    def _refuse(self, strict, missing, unexpected, errors):
        told = []
        if strict and missing:
            told.append(f"Missing key(s) in state_dict: {_listed(missing)}. ")
        if strict and unexpected:
            told.append(f"Unexpected key(s) in state_dict: {_listed(unexpected)}. ")
        told += errors
        if told:
            raise coded(
                "RL403",
                RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(told)),
            )

    def _loading(self, state_dict, prefix, assign, missing, unexpected, errors):
        metadata = getattr(state_dict, "_metadata", None)
        local = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local["assign_to_params_buffers"] = True
        self._load_from_state_dict(state_dict, prefix, local, True, missing, unexpected, errors)
        for name, child in self._modules.items():
            if child is not None:
                yield child, child._loading(state_dict, f"{prefix}{name}.", assign, missing, unexpected, errors)
        state_dict.hooks += [(self, hook) for hook in self._load_state_dict_post_hooks.values()]

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Check the entries of this module alone, and plan to write those that fit."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        plan = getattr(state_dict, "writes", None)
        writes = [] if plan is None else plan
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = {k: v for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set}
        own = {k: v for k, v in {**self._parameters, **own}.items() if v is not None}
        for name, tensor in own.items():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            given = state_dict[key]
            problem = _mismatch(key, tensor, given, assign)
            if problem is not None:
                error_msgs.append(problem)
            elif is_lazy(given) and is_lazy(tensor):
                continue
            elif assign:
                writes.append(_Assignment(self, name, given))
            else:
                writes.append(_Copy(tensor, given))
        self._load_extra(state_dict, prefix + _EXTRA, strict, missing_keys, unexpected_keys, writes)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + _EXTRA:
                    parts = key[len(prefix) :].split(".", 1)
                    if parts[0] not in (own if len(parts) == 1 else self._modules):
                        unexpected_keys.append(key)
        if plan is None:
            write_all(writes)

    def _load_extra(self, state_dict, key, strict, missing_keys, unexpected_keys, writes):
        if self._has_extra_state("set_extra_state"):
            if key in state_dict:
                writes.append(_ExtraState(self, state_dict[key]))
            elif strict:
                missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)

    def register_state_dict_post_hook(self, hook):
        """Call hook(module, state_dict, prefix, local_metadata) after `state_dict()`; it changes the dict in place."""
        hook._public = True
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook):
        """Call hook(module, prefix, keep_vars) before `state_dict()`."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def _register_state_dict_hook(self, hook):
        if getattr(hook, "_public", False):
            raise RuntimeError(
                "_register_state_dict_hook must not be used with hooks registered by register_state_dict_post_hook"
            )
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Call hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)."""
        return RemovableHandle(self._load_state_dict_pre_hooks, _WithModule(hook, self))

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        if with_module:
            return self.register_load_state_dict_pre_hook(hook)
        return RemovableHandle(self._load_state_dict_pre_hooks, hook)

    def register_load_state_dict_post_hook(self, hook):
        """Call hook(module, incompatible_keys) once all entries were checked; it may change the two lists."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook)


class _WithModule:
    """A hook that is given its module; a class, so that a copy of the module gets a hook with the copy."""

    def __init__(self, hook, module):
        self.hook = hook
        self.module = module

    def __call__(self, *args):
        return self.hook(self.module, *args)


class _Loading(OrderedDict):
    """A copy of a state dict, with the writes to be made once all of it was found right."""

    def __init__(self, entries):
        super().__init__(entries)
        self.writes = []
        self.hooks = []

    def write(self):
        write_all(self.writes)

    def call_hooks(self, incompatible_keys):
        for module, hook in self.hooks:
            if hook(module, incompatible_keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return "
                    "new values, if incompatible_keys need to be modified, it should be done inplace."
                )


def _mismatch(key, tensor, given, assign):
    """What is wrong with an entry, or None."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected {spell("Tensor")} or Tensor-like object '
            "from checkpoint "
            f"but received {type(given)}"
        )
    if is_lazy(tensor):
        return None
    shape, wanted = given.shape, tensor._array.shape
    if shape == wanted or (wanted == () and shape == (1,)):
        if assign or tensor._array.flags.writeable:
            return None
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {Size(wanted)} and whose dimensions '
            f"in the checkpoint are {Size(shape)}, an exception occurred : ('its memory is read-only',)."
        )
    return (
        f"size mismatch for {key}: copying a param with shape {Size(shape)} from checkpoint, the shape in "
        "current model "
        f"is {Size(wanted)}."
    )


class _Copy:
    """A tensor that is to get the values of another; `keep` what it has, so that it can be given `back`."""

    def __init__(self, tensor, given):
        self.tensor, self.given, self._before = tensor, given, None
        if not is_lazy(tensor) and tensor._array.dtype.kind != "c" and given._array.dtype.kind == "c":
            warnings.warn("Casting complex values to real discards the imaginary part", stacklevel=4)

    def keep(self):
        if not is_lazy(self.tensor):
            self._before = self.tensor._array.copy()

    def write(self):
        tensor, given = self.tensor, self.given
        if is_lazy(tensor):
            tensor.materialize(given._array.shape)
        array = given._array
        if array.dtype.kind == "c" and tensor._array.dtype.kind != "c":
            array = array.real
        with np.errstate(all="ignore"):
            np.copyto(tensor._array, array.reshape(tensor._array.shape), casting="unsafe")
        written(tensor)

    def back(self):
        if self._before is not None:
            self.tensor._array[...] = self._before
            written(self.tensor)


class _Assignment:
    """An entry that takes the place of a parameter or buffer."""

    def __init__(self, module, name, given):
        current = module._parameters.get(name)
        if current is not None:
            if not is_parameter(given):
                given = Parameter(given, requires_grad=current.requires_grad)
            elif not is_lazy(given):
                given.requires_grad_(current.requires_grad)
        self.module, self.name, self.given, self._before = module, name, given, None

    def keep(self):
        self._before = getattr(self.module, self.name)

    def write(self):
        setattr(self.module, self.name, self.given)

    def back(self):
        setattr(self.module, self.name, self._before)


class _ExtraState:
    """What a module of the user's own takes; it may refuse."""

    def __init__(self, module, state):
        self.module, self.state = module, state

    def keep(self):
        pass

    def write(self):
        self.module.set_extra_state(self.state)

    back = keep


def write_all(writes):
    """Write all, or take back what was written where a module refuses its extra state."""
    refusable = any([type(write) is _ExtraState for write in writes])
    done = []
    try:
        for write in writes:
            if refusable:
                write.keep()
            done.append(write)
            write.write()
    except BaseException:
        for write in reversed(done):
            write.back()
        raise


def _listed(keys):
    return ", ".join([f'"{key}"' for key in keys])


def _unreachable(method):
    return (
        f"Reached a code path in Module.{method}() that should never be called. Please file an issue at "
        "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
    )
