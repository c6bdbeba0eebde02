"""Parametrizations: a parameter or buffer of a module that is computed from others whenever it is asked for."""

import contextlib
import contextvars
import copy
from collections.abc import Sequence

from ...autograd import no_grad
from ...tensor import Tensor
from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter, is_parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip

# What was computed within a block of `cached()`, by module and name; None outside.
_cache = contextvars.ContextVar("cache", default=None)


@contextlib.contextmanager
def cached():
    """A block in which each parametrized tensor is computed once, when it is first asked for.

    >>> import rushlight
    >>> from rushlight.nn.utils import parametrizations, parametrize
    >>> layer = parametrizations.weight_norm(rushlight.nn.Linear(2, 2))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    >>> layer.weight is layer.weight
    False
    """
    outside = _cache.get()
    token = _cache.set({} if outside is None else outside)
    try:
        yield
    finally:
        _cache.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, called one after the other, and what they begin with.

    That is `original`, or `original0`, `original1` ... where `right_inverse` of the last one gives several tensors.
    Raises ValueError where what they compute is no tensor of the shape and dtype of the original (unless `unsafe`).
    """

    def __init__(self, modules, original, unsafe=False):
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            first = self._before(original)
        self.is_tensor = isinstance(first, Tensor)
        self.ntensors = 1 if self.is_tensor else len(first)
        before = original.data
        if self.is_tensor:
            if first.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {first.dtype}"
                )
            if first is not original:
                original.data = first.detach().clone()
            _register(self, "original", original)
        else:
            for i, tensor in enumerate(first):
                tensor = tensor.detach()
                if is_parameter(original):
                    tensor = Parameter(tensor, original.requires_grad)
                _register(self, f"original{i}", tensor)
        if not unsafe:
            try:
                self._check(shape, dtype)
            except BaseException:
                original.data = before
                raise

    def _before(self, value):
        """What the parametrizations would compute `value` from, as far as they say."""
        for module in reversed(self):
            if hasattr(module, "right_inverse"):
                try:
                    value = module.right_inverse(value)
                except NotImplementedError:
                    continue
        if isinstance(value, Tensor):
            return value
        told = "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
        if not isinstance(value, Sequence):
            raise ValueError(f"{told}Got {type(value).__name__}")
        for i, part in enumerate(value):
            if not isinstance(part, Tensor):
                raise ValueError(f"{told}Got element {i} of the sequence with type {type(part).__name__}.")
        return value

    def _check(self, shape, dtype):
        result = self()
        if not isinstance(result, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
        for what, before, after in (("dtype", dtype, result.dtype), ("shape", shape, result.shape)):
            if before != after:
                raise ValueError(
                    f"Registering a parametrization may not change the {what} of the tensor, unless `unsafe` flag is "
                    f"enabled.\nunparametrized {what}: {before}\nparametrized {what}: {after}"
                )

    def _originals(self):
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return {name: getattr(self, name) for name in names}

    def right_inverse(self, value):
        """Set the originals so that `value` is computed; raises where a parametrization has no `right_inverse`."""
        with no_grad():
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            originals = self._originals()
            values = self._checked(value)
            for i, ((name, original), new) in enumerate(zip(originals.items(), values)):
                if new.dtype != original.dtype:
                    which = "The tensor" if self.is_tensor else f"Tensor {i}"
                    raise ValueError(
                        f"{which} returned by `right_inverse` has dtype {new.dtype} while `{name}` has dtype "
                        f"{original.dtype}"
                    )
            for original, new in zip(originals.values(), values):
                original.data = new.detach().clone()

    def _checked(self, value):
        if self.is_tensor:
            if not isinstance(value, Tensor):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
            return [value]
        if not isinstance(value, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}.")
        if len(value) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of length "
                f"{len(value)}."
            )
        for i, part in enumerate(value):
            if not isinstance(part, Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors or reference-type opaques. Got element "
                    f"{i} of type {type(part).__name__}."
                )
        return value

    def forward(self):
        value = self[0](*self._originals().values())
        for module in list(self)[1:]:
            value = module(value)
        return value


def _register(module, name, tensor):
    if is_parameter(tensor):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _parametrized_class(base):
    """A class like `base` whose parametrized tensors are computed when they are asked for."""

    def __getattr__(self, name):
        lists = self.__dict__.get("_modules", {}).get("parametrizations", {})
        if name not in lists:
            return base.__getattr__(self, name)
        known = _cache.get()
        if known is None:
            return lists[name]()
        # The list is kept with its tensor, so that no other object gets its id.
        if (id(self), name) not in known:
            known[id(self), name] = lists[name](), lists[name]
        return known[id(self), name][0]

    def __setattr__(self, name, value):
        lists = self.__dict__.get("_modules", {}).get("parametrizations", {})
        if name not in lists or is_parameter(value):
            return base.__setattr__(self, name, value)
        lists[name].right_inverse(value)
        if _cache.get() is not None:
            _cache.get().pop((id(self), name), None)

    def __dir__(self):
        return sorted({*base.__dir__(self), *self._modules.get("parametrizations", ())})

    def __deepcopy__(self, memo):
        # Beside its class, which has no name to be found by, it is copied as any other object.
        made = getattr(base, "__deepcopy__", None)
        if made not in (None, Module.__deepcopy__):
            return made(self, memo)
        memo[id(self)] = replica = self.__class__.__new__(self.__class__)
        replica.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return replica

    def __getstate__(self):
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(). See:\n"
            "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
            "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
        )

    methods = (__getattr__, __setattr__, __dir__, __deepcopy__, __getstate__)
    fields = {method.__name__: method for method in methods}
    return type(f"Parametrized{base.__name__}", (base,), {"__module__": __name__, **fields})


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Let the parameter or buffer of that name be parametrization(original); returns the module, changed in place.

    `parametrization` is a module; further ones are called with what the earlier ones computed. Its method
    `right_inverse`, where it has one, says what to begin with, and lets the tensor be assigned to. Raises ValueError
    for a name that is no tensor of the module, and where shape or dtype would change (unless `unsafe`).

    >>> import rushlight
    >>> class Symmetric(rushlight.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).mT
    >>> layer = register_parametrization(rushlight.nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.mT).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_further(getattr(module, tensor_name), tensor_name, parametrization)
        module.parametrizations[tensor_name].append(parametrization)
        module.parametrizations[tensor_name].unsafe |= unsafe
        return module
    registry = module._buffers if tensor_name in module._buffers else module._parameters
    if registry.get(tensor_name) is None:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    parametrizations = ParametrizationList([parametrization], registry[tensor_name], unsafe=unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.__class__ = _parametrized_class(module.__class__)
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = parametrizations
    return module


def _check_further(value, name, parametrization):
    """ValueError where one more parametrization would change the shape or dtype of a tensor, or its inverse would."""
    result = parametrization(value)
    if not isinstance(result, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    for what, before, after in _changes(value, result):
        raise ValueError(
            f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
            f"enabled.\nmodule.{name}.{what}: {before}\nparametrization(module.{name}).{what}: {after}"
        )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        result = parametrization.right_inverse(value)
    except NotImplementedError:
        return
    if not isinstance(result, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(result).__name__}")
    for what, before, after in _changes(value, result):
        raise ValueError(
            f"The tensor returned by parametrization.right_inverse must have the same {what} as module.{name}, "
            f"unless the `unsafe` flag is enabled.\nmodule.{name}.{what}: {before}\nreturned {what}: {after}"
        )


def _changes(before, after):
    """In what of dtype and shape two tensors differ, with both."""
    for what in ("dtype", "shape"):
        if getattr(before, what) != getattr(after, what):
            yield what, getattr(before, what), getattr(after, what)


def is_parametrized(module, tensor_name=None):
    """Whether a module has a parametrized tensor, or one of that name."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Make an ordinary tensor of a parametrized one; returns the module, changed in place.

    It has the value that is computed, or with `leave_parametrized=False` that of the original. ValueError where there is
    no parametrization, or the original is several tensors.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations = module.parametrizations[tensor_name]
    if not leave_parametrized and not parametrizations.is_tensor:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    original = next(iter(parametrizations._originals().values()))
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
        if parametrizations.is_tensor:
            original.data = value
        else:
            original = Parameter(value, original.requires_grad) if is_parameter(original) else value
    del module.parametrizations[tensor_name]
    if len(module.parametrizations) == 0:
        del module.parametrizations
        module.__class__ = module.__class__.__bases__[0]
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module):
    """The class of a module as it was before tensors of it were parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Give `to_module` the parametrizations of another module, or of that tensor, and what they begin with.

    The parametrizations and parameters are then those of both modules. Returns `to_module`; nothing happens where
    `from_module` is not parametrized.
    """
    if not is_parametrized(from_module):
        return to_module
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        value = getattr(from_module, name)
        if not is_parametrized(from_module, name):
            raise ValueError(f"Module {from_module} does not have a parametrization on {name}")
        given = from_module.parametrizations[name]
        if getattr(to_module, name, None) is None:
            setattr(to_module, name, Parameter(value.detach().clone()))
        for parametrization in given:
            register_parametrization(to_module, name, parametrization)
        for part, original in given._originals().items():
            setattr(to_module.parametrizations[name], part, original)
    return to_module
