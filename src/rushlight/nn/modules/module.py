"""Module: a function with parameters, and with other modules inside."""

import copy
import itertools
import warnings

import numpy as np

from ... import spelling, watching
from ...core import wrap
from ...device import check_cpu
from ...dtypes import as_dtype, bfloat16, dtype, float16, float32, float64
from ...errors import coded
from ...missing import missing
from ...spelling import spell
from ...tensor import Tensor
from ..parameter import Buffer, is_lazy, is_parameter
from .calling import OF_INPUTS, quicken
from .hooked import (
    Hooked,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
    registered,
)
from .mismatch import tell_module
from .nesting import common, finish
from .stateful import Stateful
from .unlisted import warn_of_unlisted

# Type checkers know it by its name; `typing` itself is not imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Self

    from ..parameter import Parameter

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_REGISTRIES = ("_parameters", "_buffers", "_modules")
# Methods that PyTorch's Module has and this one has not: `hasattr` says no, and asking tells why.
_ABSENT = ("compile", "ipu", "mtia", "share_memory", "xpu")

_COMPLEX = (
    "Complex modules are a new feature under active development whose design may change, and some modules might not work "
    "as expected when using complex tensors as parameters or buffers. Please file an issue at "
    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module does not work as expected."
)


class Module(Hooked, Stateful):
    """Base of all models and layers: assign parameters and modules to attributes, and define `forward`.

    What is assigned as an attribute is listed by `parameters()`, `modules()`, `state_dict()` and moved by `to()`.

    >>> import rushlight
    >>> from rushlight import nn
    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         return x * 2
    >>> Double()(rushlight.tensor([1.0, 2.0]))
    tensor([2., 4.])
    """

    training = True
    # Set in a class whose __init__ takes part in multiple inheritance: Module passes its arguments on.
    call_super_init = False
    dump_patches = False

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and (args or kwargs):
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        fields = self.__dict__
        fields["training"] = True
        fields["_parameters"] = {}
        fields["_buffers"] = {}
        fields["_non_persistent_buffers_set"] = set()
        fields["_modules"] = {}
        self._start_hooks()
        self._start_state()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        quicken(cls, Module)

    if TYPE_CHECKING:
        # Those of subclasses take what they like.
        forward: Callable[..., Any]
    else:

        def forward(self, *input):
            """What the module computes; every subclass defines it."""
            raise coded(
                "RL404",
                NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function'),
            )

    def __call__(self, *args, **kwargs) -> "Any":
        # A `try` that nothing is raised in costs nothing.
        try:
            if self._hooked:
                return self._call_hooked(args, kwargs)
            return self.forward(*args, **kwargs)
        except OF_INPUTS as error:
            tell_module(error, self, args, kwargs)
            raise

    # -- what is inside
    def __getattr__(self, name) -> "Any":
        # Reached only for what is no ordinary attribute.
        fields = self.__dict__
        parameters = fields.get("_parameters")
        if parameters is not None:
            if name in parameters:
                return parameters[name]
            if name in fields["_modules"]:
                return fields["_modules"][name]
            if name in fields["_buffers"]:
                return fields["_buffers"][name]
        elif name[0] == "_" and name[1] != "_":
            raise coded("RL401", AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'"))
        if name in _ABSENT:
            raise missing(f"'{type(self).__name__}' object", name, ())
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        if is_parameter(value):
            self._check_started("parameters")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._check_started("module")
            if name in self._parameters:
                raise _not_a_parameter(value, name)
            self._forget(name, "_modules")
            self._modules[name] = registered("module", self, name, value)
        elif isinstance(value, Tensor) and isinstance(value, Buffer) and not self._has_other(name):
            self._check_started("buffer")
            self._forget(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
        elif not self._replaced(name, value):
            object.__setattr__(self, name, value)

    def _has_other(self, name):
        """Whether `name` is a parameter or module."""
        fields = self.__dict__
        return name in fields.get("_parameters", ()) or name in fields.get("_modules", ())

    def _replaced(self, name, value):
        """Whether `name` was a parameter, module or buffer, and now is `value`."""
        fields = self.__dict__
        if name in fields.get("_parameters", ()):
            if value is not None:
                raise _not_a_parameter(value, name)
            self._parameters[name] = None
        elif name in fields.get("_modules", ()):
            if value is not None:
                raise coded(
                    "RL402",
                    TypeError(
                        f"cannot assign '{_typename(value)}' as child module '{name}' ({spell('nn.Module')} or "
                        "None expected)"
                    ),
                )
            self._modules[name] = None
        elif name in fields.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise coded(
                    "RL402",
                    TypeError(
                        f"cannot assign '{_typename(value)}' as buffer '{name}' ({spell('nn.Buffer')}, "
                        f"{spell('Tensor')} or "
                        "None expected)"
                    ),
                )
            self._buffers[name] = value
        else:
            return False
        return True

    def __delattr__(self, name):
        for registry in _REGISTRIES:
            if name in self.__dict__.get(registry, ()):
                del self.__dict__[registry][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def _check_started(self, kind):
        if "_parameters" not in self.__dict__:
            raise coded("RL401", AttributeError(f"cannot assign {kind} before Module.__init__() call"))

    def _forget(self, name, kept):
        """Take `name` out of everything but the registry `kept`, where it keeps its place."""
        fields = self.__dict__
        fields.pop(name, None)
        for registry in _REGISTRIES:
            if registry != kept:
                fields[registry].pop(name, None)
        fields["_non_persistent_buffers_set"].discard(name)

    def _check_free(self, name, kind, entries):
        _check_name(name, kind)
        if hasattr(self, name) and name not in entries:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name, param):
        """Give the module a parameter under `name`, or None in its place."""
        self._check_started("parameter")
        self._check_free(name, "parameter", self._parameters)
        if param is not None and not is_parameter(param):
            raise coded(
                "RL402",
                TypeError(
                    f"cannot assign '{_typename(param)}' object to parameter '{name}' ({spell('nn.Parameter')} or "
                    "None required)"
                ),
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = registered("parameter", self, name, param)

    def register_buffer(self, name, tensor, persistent=True):
        """Give the module a tensor that is not trained; it is part of `state_dict()` where `persistent`."""
        self._check_started("buffer")
        self._check_free(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise coded(
                "RL402",
                TypeError(
                    f"cannot assign '{_typename(tensor)}' object to buffer '{name}' ({spelling.module} Tensor or "
                    "None required)"
                ),
            )
        self._buffers[name] = registered("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name, module):
        """Give the module a child under `name`, or None in its place."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        self._check_started("module")
        self._check_free(name, "module", self._modules)
        self._modules[name] = registered("module", self, name, module)

    def register_module(self, name, module):
        """The same as `add_module`."""
        self.add_module(name, module)

    def get_submodule(self, target) -> "Module":
        """The module at a dotted path, as in "encoder.layers.0"; AttributeError where there is none."""
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Put `module` at a dotted path; with `strict` there must be one already."""
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target) -> "Parameter":
        """The parameter at a dotted path; AttributeError where there is none."""
        parameter = self._tensor_at(target)
        if not is_parameter(parameter):
            raise AttributeError(f"`{target.rpartition('.')[2]}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target) -> "Tensor":
        """The buffer at a dotted path; AttributeError where there is none."""
        buffer = self._tensor_at(target)
        path, _, name = target.rpartition(".")
        if name not in self.get_submodule(path)._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def _tensor_at(self, target):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return getattr(module, name)

    # -- all of them
    def _named_members(self, get_members_fn, prefix="", recurse=True, remove_duplicate=True):
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in get_members_fn(module):
                if value is None or value in seen:
                    continue
                if remove_duplicate:
                    seen.add(value)
                yield f"{path}.{name}" if path else name, value

    def parameters(self, recurse=True) -> "Iterator[Parameter]":
        """All parameters, each once; those of children too unless `recurse=False`.

        UserWarning for layers in plain lists and dicts, whose parameters are not among them.
        """
        if recurse:
            warn_of_unlisted(self)
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True) -> "Iterator[tuple[str, Parameter]]":
        """All (name, parameter)."""
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True) -> "Iterator[Tensor]":
        """All buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True) -> "Iterator[tuple[str, Tensor]]":
        """All (name, buffer)."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def children(self) -> "Iterator[Module]":
        """The modules directly inside, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self) -> "Iterator[tuple[str, Module]]":
        """(name, module) of the modules directly inside."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate=True) -> "Iterator[Module]":
        """This module and all inside it, each once."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True) -> "Iterator[tuple[str, Module]]":
        """(dotted path, module) of this module and all inside it."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        # Of the modules around the present one: the children still to come, and how long the path is.
        waiting, inside, path = [(self, iter(self._modules.items()), len(prefix))], {self}, prefix
        while waiting:
            module, children, length = waiting[-1]
            path = path[:length]
            for name, child in children:
                if child is None or child in memo or child in inside:
                    continue
                place = f"{path}.{name}" if path else name
                if not common(child, Module.named_modules):
                    yield from child.named_modules(memo, place, remove_duplicate)
                    continue
                if remove_duplicate:
                    memo.add(child)
                yield place, child
                inside.add(child)
                waiting.append((child, iter(child._modules.items()), len(place)))
                path = place
                break
            else:
                waiting.pop()
                inside.discard(module)

    def apply(self, fn) -> "Self":
        """Call fn(module) for all modules inside, and then for this one."""
        finish(self, self._applying(fn))
        return self

    def _applying(self, fn):
        for module in self.children():
            if common(module, Module.apply):
                yield module, module._applying(fn)
            else:
                module.apply(fn)
        fn(self)

    # -- modes
    def train(self, mode=True) -> "Self":
        """Switch this module and all inside it to training (or with False to evaluation)."""
        if not isinstance(mode, bool):
            raise coded("RL424", ValueError("training mode is expected to be boolean"))
        finish(self, self._training(mode))
        return self

    def _training(self, mode):
        self.training = mode
        for module in self.children():
            if common(module, Module.train):
                yield module, module._training(mode)
            else:
                module.train(mode)

    def eval(self) -> "Self":
        """Switch this module and all inside it to evaluation."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True) -> "Self":
        """Switch the recording of all parameters on or off."""
        for _, parameter in self.named_parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Drop the gradients of all parameters, or fill them with zeros."""
        for _, parameter in self.named_parameters():
            clear_grad(parameter, set_to_none)

    # -- dtypes and devices
    def _apply(self, fn, recurse=True):
        """Replace the data of all parameters, gradients and buffers by fn(data), in place of the old."""
        finish(self, self._replacing(fn, recurse))
        return self

    def _replacing(self, fn, recurse):
        for module in self.children() if recurse else ():
            if common(module, Module._apply):
                yield module, module._replacing(fn, True)
            else:
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            grad = parameter._grad
            parameter.data = fn(parameter.data)
            if grad is not None:
                grad.data = fn(grad.data)
        for name, buffer in self._buffers.items():
            if is_lazy(buffer):
                buffer.data = fn(buffer.data)
            elif buffer is not None:
                self._buffers[name] = fn(buffer)

    def to(self, *args, **kwargs) -> "Self":
        """Convert floating parameters and buffers: `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(tensor)`.

        The module itself is changed and returned. Raises TypeError for a dtype that is not floating or complex.
        """
        wanted = _wanted_dtype(args, dict(kwargs))
        if wanted is None:
            return self
        if not (wanted.is_floating_point or wanted.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={wanted}"
            )
        if wanted.is_complex:
            warnings.warn(_COMPLEX, stacklevel=2)
        return self._apply(lambda t: t.to(wanted) if t.is_floating_point() or t.is_complex() else t)

    def _floating_to(self, wanted):
        return self._apply(lambda t: t.to(wanted) if t.is_floating_point() else t)

    def type(self, dst_type) -> "Self":
        """Convert all parameters and buffers, of whatever dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> "Self":
        """Convert floating parameters and buffers to float32."""
        return self._floating_to(float32)

    def double(self) -> "Self":
        """Convert floating parameters and buffers to float64."""
        return self._floating_to(float64)

    def half(self) -> "Self":
        """Convert floating parameters and buffers to float16."""
        return self._floating_to(float16)

    def bfloat16(self) -> "Self":
        """Convert floating parameters and buffers to bfloat16."""
        return self._floating_to(bfloat16)

    def cpu(self) -> "Self":
        """The module itself: it is on the CPU."""
        return self

    def cuda(self, device=None):
        """Raises AssertionError: rushlight computes on the CPU."""
        check_cpu("cuda")

    def to_empty(self, *, device, recurse=True) -> "Self":
        """Replace all parameters and buffers by ones of unset values."""
        check_cpu(device)
        return self._apply(lambda t: wrap(t._array.copy()), recurse)

    # -- Python's protocols
    def _get_name(self):
        return self.__class__.__name__

    def extra_repr(self):
        """What a subclass shows of itself between its parentheses."""
        return ""

    def __repr__(self):
        parts = []
        finish(self, self._showing(parts, "\n"))
        return "".join(parts)

    def _showing(self, parts, newline):
        """Add what is shown of the module to `parts`; a `newline` begins with as many spaces as it is deep."""
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        parts.append(f"{self._get_name()}(")
        if len(lines) == 1 and not self._modules:
            parts.append(f"{lines[0]})")
            return
        inner = newline + "  "
        parts += [inner + line for line in lines]
        for name, module in self._modules.items():
            parts.append(f"{inner}({name}): ")
            before = len(parts)
            if module is not None and common(module, Module.__repr__):
                yield module, module._showing(parts, inner)
                if len(parts) == before:
                    parts.append(f"{module._get_name()}(...)")
            else:
                parts.append(repr(module).replace("\n", inner))
        parts.append(newline + ")" if lines or self._modules else ")")

    def __dir__(self):
        names = [*dir(self.__class__), *self.__dict__]
        names += itertools.chain.from_iterable(self.__dict__.get(registry, ()) for registry in _REGISTRIES)
        return sorted([name for name in names if not name[:1].isdigit()])

    def __deepcopy__(self, memo):
        # Those inside go first: a copy then finds theirs made, however deeply they are nested.
        for module in [*self.modules()][::-1]:
            if id(module) not in memo and (module is self or common(module, Module.__deepcopy__)):
                copy._reconstruct(module, memo, *module.__reduce_ex__(4))
        return memo[id(self)]

    def __setstate__(self, state):
        # A pickle of an earlier version may lack registries that came later.
        self._start_hooks()
        self._start_state()
        self.__dict__["_non_persistent_buffers_set"] = set()
        self.__dict__.update(state)


def clear_grad(tensor, set_to_none):
    """Drop a tensor's gradient, or fill it with zeros in place, cut off from its history."""
    if watching.in_force:
        watching.note("zero_grad", tensor, None)
    if set_to_none:
        tensor.grad = None
    elif tensor._grad is not None:
        grad = tensor._grad
        if grad.grad_fn is not None:
            grad.detach_()
        else:
            grad.requires_grad_(False)
        grad.zero_()


def _not_a_parameter(value, name):
    return coded(
        "RL402",
        TypeError(
            f"cannot assign '{_typename(value)}' as parameter '{name}' ({spell('nn.Parameter')} or None expected)"
        ),
    )


def _check_name(name, kind):
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
    if "." in name:
        raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""')


def _typename(value):
    """The type's name as messages have it: 'torch.FloatTensor', 'int', 'package.Class'."""
    if isinstance(value, Tensor):
        return spell(f"{value.dtype.scalar_type}Tensor")
    cls = value if isinstance(value, type) else type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _wanted_dtype(args, kwargs):
    """The dtype that arguments of `to` ask for, or None."""
    device, wanted, tensor = kwargs.pop("device", None), kwargs.pop("dtype", None), kwargs.pop("tensor", None)
    for name in kwargs:
        if name not in ("non_blocking", "copy", "memory_format"):
            raise TypeError(f"to() received an invalid combination of arguments - got an unexpected '{name}'")
    for value in args:
        if isinstance(value, Tensor):
            tensor = value
        elif isinstance(value, (dtype, np.dtype, type)):
            wanted = value
        elif value is not None and not isinstance(value, bool):
            device = value
    if device is not None:
        check_cpu(device, "to(): argument 'device'")
    if tensor is not None:
        return tensor.dtype
    return None if wanted is None else as_dtype(wanted, "to(): argument 'dtype'")


def _indented(text):
    """The text with all lines but the first moved in."""
    return text.replace("\n", "\n  ")


quicken(Module, Module)
