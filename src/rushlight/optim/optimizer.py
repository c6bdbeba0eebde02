"""What all optimizers share: groups of parameters, their options, their state."""

import warnings
from collections import OrderedDict, defaultdict
from copy import deepcopy
from functools import wraps
from weakref import WeakSet

from .. import modes, watching
from ..core import wrap
from ..errors import coded
from ..hooks import RemovableHandle, listed
from ..nn.modules.module import _typename, clear_grad
from ..tensor import Tensor
from .checks import check_options

# Type checkers know it by its name; `typing` itself is not imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

required = object()

# Hooks around the steps of all optimizers, and those that there are.
_pre_hooks, _post_hooks, _optimizers = OrderedDict(), OrderedDict(), WeakSet()

# Options that checkpoints of old releases do not have.
LATER = (
    "amsgrad",
    "capturable",
    "decoupled_weight_decay",
    "differentiable",
    "foreach",
    "fused",
    "initial_accumulator_value",
    "maximize",
    "nesterov",
)


class Optimizer:
    """Base of all optimizers: changes parameters in `step()` by their gradients.

    `params` is an iterable of tensors, of (name, tensor), or of dicts, each a group with options of its own;
    `defaults` are the options for groups that do not say otherwise. Raises TypeError and ValueError for anything
    but leaf tensors, and for none at all.
    """

    def __init__(self, params, defaults):
        if isinstance(params, Tensor):
            raise coded(
                "RL419",
                TypeError(
                    "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                    + _typename(params)
                ),
            )
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._start_hooks()
        groups = list(params)
        if not groups:
            raise coded("RL417", ValueError("optimizer got an empty parameter list"))
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(dict(group))

    def _start_hooks(self):
        _optimizers.add(self)
        if _pre_hooks or _post_hooks:
            self._watch_step()
        self._optimizer_step_pre_hooks = OrderedDict()
        self._optimizer_step_post_hooks = OrderedDict()
        self._optimizer_state_dict_pre_hooks = OrderedDict()
        self._optimizer_state_dict_post_hooks = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks = OrderedDict()
        self._optimizer_load_state_dict_post_hooks = OrderedDict()

    # -- groups
    def add_param_group(self, param_group):
        """Add a dict of "params" and of options that differ from the defaults."""
        if not isinstance(param_group, dict):
            raise coded("RL419", TypeError(f"param_group must be a dict, but got {type(param_group)}"))
        if "params" not in param_group:
            raise coded("RL419", KeyError("params"))
        check_options(type(self).__name__, param_group, self.defaults)
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise coded(
                "RL419",
                TypeError(
                    "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                    "will change between runs. Please use a list instead."
                ),
            )
        params, names = _without_names(list(params))
        group = {**param_group, "params": params}
        if names:
            group["param_names"] = names
        for param in params:
            self._check_param(param)
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            group.setdefault(name, default)
        self._check_group(group)
        self.param_groups.append(group)

    def _check_param(self, param):
        if not isinstance(param, Tensor):
            raise coded(
                "RL419", TypeError(f"optimizer can only optimize Tensors, but one of the params is {_typename(param)}")
            )
        # A recorded step changes what is computed, and one whose gradient is kept can be stepped on.
        if not (self.defaults.get("differentiable") or param.is_leaf or param.retains_grad):
            raise coded("RL418", ValueError("can't optimize a non-leaf Tensor"))

    def _check_group(self, group):
        params = group["params"]
        if len({id(p) for p in params}) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause "
                "an error; see "
                "github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        present = {id(p) for other in self.param_groups for p in other["params"]}
        if not present.isdisjoint(id(p) for p in params):
            raise coded("RL421", ValueError("some parameters appear in more than one parameter group"))
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            with_or_without = "with" if "param_names" in group else "without"
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{with_or_without} names to the optimizer"
            )

    # -- steps
    def zero_grad(self, set_to_none=True):
        """Drop the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            if set_to_none and not watching.in_force:
                for param in group["params"]:
                    param.grad = None
            else:
                for param in group["params"]:
                    clear_grad(param, set_to_none)

    def step(self, closure=None) -> "Any":
        """Change all parameters that have a gradient; returns what `closure()` returned, called first where given."""
        raise NotImplementedError

    def register_step_pre_hook(self, hook):
        """Call hook(optimizer, args, kwargs) before each step; it may return (args, kwargs) to use instead."""
        self._watch_step()
        return RemovableHandle(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call hook(optimizer, args, kwargs) after each step."""
        self._watch_step()
        return RemovableHandle(self._optimizer_step_post_hooks, hook)

    def _watch_step(self, optimizer_of=None):
        # A step is wrapped once, when someone first watches it; what is put in its place later is trusted to call it.
        if "_step_watched" not in self.__dict__:
            self._step_watched = self.step = _watched(self, optimizer_of or (lambda: self))

    # -- states
    def state_dict(self) -> "dict[str, Any]":
        """The state and the groups' options; parameters are counted through the groups.

        >>> import rushlight
        >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=0.1)
        >>> optimizer.state_dict()["param_groups"][0]["params"]
        [0]
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers = {}
        groups = []
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers.setdefault(id(p), len(numbers)) for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: value for k, value in self.state.items()}
        state_dict = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        return state_dict

    def load_state_dict(self, state_dict):
        """Take what `state_dict()` gave.

        ValueError where the groups or tensors are not of the same sizes, or where another optimizer has made it; all is
        as it was then.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise coded("RL422", ValueError("loaded state dict has a different number of parameter groups"))
        if any(len(own["params"]) != len(saved["params"]) for own, saved in zip(self.param_groups, groups)):
            raise coded(
                "RL422",
                ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                ),
            )
        params = {}
        for own, saved in zip(self.param_groups, groups):
            params.update(zip(saved["params"], own["params"]))
            self._check_loaded(own, saved, state_dict["state"])
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in params:
                state[params[key]] = _loaded(value, params[key])
            else:
                state[key] = value
        for own, saved in zip(self.param_groups, groups):
            saved["params"] = own["params"]
            if "param_names" in own and "param_names" not in saved:
                saved["param_names"] = own["param_names"]
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def _check_loaded(self, own, saved, states):
        """ValueError for a saved group, or the state of one of its parameters, that another optimizer has made."""
        missing = [key for key in self.defaults if key not in saved and key not in LATER]
        strange = [key for key in saved if key not in own]
        # An optimizer of somebody else's may fill in what is missing.
        if missing and (strange or type(self).__module__.startswith(__package__ + ".")):
            raise self._of_another("options", strange or saved, missing)
        options = {**self.defaults, **saved}
        for number, param in zip(saved["params"], own["params"]):
            kept = states.get(number)
            if not kept:
                continue
            missing = [name for name in self._needed(options) if name not in kept]
            if missing:
                raise self._of_another("state", kept, missing)
            self._check_shapes(number, param, kept, self._shaped(options))

    def _check_shapes(self, number, param, kept, names):
        for name in names:
            value = kept.get(name)
            if isinstance(value, Tensor) and value.shape != param.shape:
                raise coded(
                    "RL422",
                    ValueError(
                        f"loaded state dict belongs to other parameters: {name} of parameter {number} has the shape "
                        f"{tuple(value.shape)}, and the parameter {tuple(param.shape)}"
                    ),
                )

    def _of_another(self, what, there, missing):
        there, missing = ", ".join(map(str, there)), ", ".join(missing)
        return coded(
            "RL422",
            ValueError(
                f"loaded state dict belongs to another optimizer: its {what} {there}, where {type(self).__name__} needs "
                f"{missing}"
            ),
        )

    def _needed(self, group):
        """The names that the state of a parameter must have once it has been stepped."""
        return ()

    def _shaped(self, group):
        """Of these the names of tensors that have the shape of the parameter."""
        return ()

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call hook(optimizer) before `state_dict()`."""
        return _registered(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call hook(optimizer, state_dict) after `state_dict()`; what it returns replaces the dict."""
        return _registered(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call hook(optimizer, state_dict) before `load_state_dict()`; what it returns replaces the dict."""
        return _registered(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call hook(optimizer) after `load_state_dict()`."""
        return _registered(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # -- Python's protocols
    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        if "_optimizer_step_pre_hooks" not in self.__dict__:
            self._start_hooks()
        for group in self.param_groups:
            for key in LATER:
                if key in self.defaults:
                    group.setdefault(key, self.defaults[key])

    def __repr__(self):
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            if i:
                lines.append("")
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _watched(optimizer, optimizer_of):
    """`step` with the hooks around it; it leaves the note `_opt_called`, by which schedulers see that it was called.

    `optimizer_of()` is the optimizer: a weak reference where something else holds it, so that the two make no cycle.
    """
    run = _unbound(optimizer.step, optimizer)

    @wraps(run)
    def watched(*args, **kwargs):
        optimizer = optimizer_of()
        if optimizer is None:
            raise ReferenceError("the optimizer of this step is gone")
        optimizer._opt_called = True
        if _pre_hooks or optimizer._optimizer_step_pre_hooks:
            args, kwargs = _after_pre_hooks(optimizer, run, args, kwargs)
        result = run(optimizer, *args, **kwargs)
        if _post_hooks or optimizer._optimizer_step_post_hooks:
            for hook in listed(optimizer._optimizer_step_post_hooks, _post_hooks):
                hook(optimizer, args, kwargs)
        return result

    return watched


def _unbound(step, optimizer):
    """`step` as a function of the optimizer: a bound method would hold the optimizer that holds it."""
    if getattr(step, "__self__", None) is optimizer:
        return step.__func__
    return lambda _, *args, **kwargs: step(*args, **kwargs)


def _after_pre_hooks(optimizer, run, args, kwargs):
    """The arguments of a step when the hooks before it have had them."""
    for hook in listed(_pre_hooks, optimizer._optimizer_step_pre_hooks):
        replaced = hook(optimizer, args, kwargs)
        if replaced is None:
            continue
        if not (isinstance(replaced, tuple) and len(replaced) == 2):
            raise RuntimeError(f"{run} must return None or a tuple of (new_args, new_kwargs), but got {replaced}.")
        args, kwargs = replaced
    return args, kwargs


def register_optimizer_step_pre_hook(hook):
    """Call hook(optimizer, args, kwargs) before each step of any optimizer, ahead of the optimizer's own hooks.

    >>> import rushlight
    >>> from rushlight.optim.optimizer import register_optimizer_step_pre_hook
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=0.1)
    >>> with register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: print(type(optimizer).__name__)):
    ...     optimizer.step()
    SGD
    """
    return _registered_everywhere(_pre_hooks, hook)


def register_optimizer_step_post_hook(hook):
    """Call hook(optimizer, args, kwargs) after each step of any optimizer, behind the optimizer's own hooks."""
    return _registered_everywhere(_post_hooks, hook)


def _registered_everywhere(hooks, hook):
    for optimizer in list(_optimizers):
        optimizer._watch_step()
    return RemovableHandle(hooks, hook)


def called(closure) -> "Any":
    """What `closure()` returns, gradients on; None without one."""
    if closure is None:
        return None
    before = modes.flags()
    try:
        modes.put_grad(True)
        return closure()
    finally:
        modes.put_flags(before)


def begin(state, start, *what):
    """Fill in an empty state by start(state, *what): wholly, or not at all where that fails."""
    begun = {}
    start(begun, *what)
    state.update(begun)


def scalar(value=0.0, single=False):
    """A tensor without dimensions, as step counts are kept: float32, or float64 where that is the default."""
    import numpy as np

    from ..dtypes import float64, get_default_dtype

    return wrap(np.array(value, np.float64 if get_default_dtype() is float64 and not single else np.float32))


def _registered(hooks, hook, prepend):
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _without_names(params):
    """The tensors, and the names where they came as (name, tensor)."""
    named = [isinstance(p, tuple) for p in params]
    if not any(named):
        return params, []
    if not all(named):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return [param for _, param in params], [name for name, _ in params]


def _loaded(value, param, key=None):
    """A saved state; its tensors take the dtype of the parameter that they belong to, but for step counts."""
    if isinstance(value, Tensor):
        if key != "step" and param.is_floating_point():
            return value.detach().clone().to(param.dtype)
        return value.detach().clone()
    if isinstance(value, dict):
        return {k: _loaded(v, param, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_loaded(v, param) for v in value)
    return value
