"""Pruning: parameters multiplied by masks of zeros and ones, which are computed once and applied before each call."""

import abc
import math
import numbers
from collections.abc import Iterable

from ...functions.creation import ones_like
from ...functions.joining import cat
from ...functions.norms import vector_norm
from ...functions.random import rand, rand_like
from ...spelling import spell
from ..modules.module import _typename
from ..parameter import is_parameter

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip


class BasePruningMethod(abc.ABC):
    """Base of the methods: `compute_mask(t, default_mask)` gives the mask of a tensor, within the mask it has.

    `PRUNING_TYPE` says what a method prunes where part of the tensor is pruned already: "unstructured" single elements
    among those that are left, "structured" slices among those left along its `dim`, "global" anything.

    >>> import rushlight
    >>> from rushlight.nn.utils import prune
    >>> class Every(prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> layer = rushlight.nn.Linear(2, 2)
    >>> _ = Every.apply(layer, "weight")
    >>> layer.weight_mask
    tensor([[0., 1.],
            [0., 1.]])
    """

    def __call__(self, module, inputs):
        """The hook before forward."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abc.abstractmethod
    def compute_mask(self, t, default_mask):
        """The mask for a tensor t, or for its importance, where `default_mask` is the one that it has."""

    def apply_mask(self, module):
        """The parameter of a module times its mask."""
        original = getattr(module, f"{self._tensor_name}_orig")
        mask = getattr(module, f"{self._tensor_name}_mask")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prune the parameter `name` of a module: it is computed from `name`_orig and `name`_mask from now on.

        Returns the method, or the container of all that the parameter was pruned by.
        """
        before = _hook_of(module, name)
        method = cls(*args, **kwargs)
        method._tensor_name = name
        tensor = getattr(module, name)
        if importance_scores is None:
            importance_scores = tensor
        elif importance_scores.shape != tensor.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got "
                f"{importance_scores.shape} vs {tensor.shape}"
            )
        if before is None:
            if tensor is not None and not is_parameter(tensor):
                raise TypeError(
                    f"cannot assign '{_typename(tensor)}' object to parameter '{name}_orig' ({spell('nn.Parameter')} or "
                    "None required)"
                )
            mask = ones_like(tensor)
        else:
            mask = getattr(module, f"{name}_mask").detach().clone()
            container = PruningContainer()
            for earlier in before[1] if isinstance(before[1], PruningContainer) else [before[1]]:
                container.add_pruning_method(earlier)
            container.add_pruning_method(method)
            method = container
        mask = method.compute_mask(importance_scores.detach(), mask)
        # Nothing was written up to here, where the method may have refused.
        if before is None:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", tensor)
        else:
            del module._forward_pre_hooks[before[0]]
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """A tensor times its mask, which is computed from its values or from `importance_scores`."""
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(importance_scores, mask)

    def remove(self, module):
        """Make an ordinary parameter of the pruned one; its zeros stay."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        original = module._parameters[f"{name}_orig"]
        delattr(module, name)
        original.data = weight.detach()
        del module._parameters[f"{name}_orig"]
        del module._buffers[f"{name}_mask"]
        setattr(module, name, original)


def _hook_of(module, name):
    """(number, method) of the hook that prunes a parameter, or None."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return number, hook
    return None


class PruningContainer(BasePruningMethod):
    """The methods that a parameter was pruned by, one after the other; the last one computes the mask."""

    def __init__(self, *args):
        self._pruning_methods = ()
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        """Add a method for the same parameter."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None:
            name = getattr(self, "_tensor_name", method._tensor_name)
            if name != method._tensor_name:
                raise ValueError(
                    f"Can only add pruning methods acting on the parameter named '{name}' to PruningContainer {self}. "
                    f"Found '{method._tensor_name}'"
                )
            self._tensor_name = name
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t, default_mask):
        """What the last method leaves of the part that is not pruned yet."""
        method = self._pruning_methods[-1]
        left = _left(method, default_mask)
        mask = default_mask.to(t.dtype)
        if left is None:
            return method.compute_mask(t, mask)
        part = method.compute_mask(t[left], mask[left])
        mask = mask.clone()
        mask[left] = part
        return mask


def _left(method, mask):
    """The index of what a method is to prune within a mask; None for everything."""
    if method.PRUNING_TYPE == "global":
        return None
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    if not hasattr(method, "dim"):
        raise AttributeError(
            f"Pruning methods of PRUNING_TYPE 'structured' need to have the attribute `dim` defined; {method} has not."
        )
    dim = method.dim % mask.ndim
    kept = (mask.movedim(dim, 0).flatten(1) != 0).any(1)
    return (*[slice(None)] * dim, kept)


class Identity(BasePruningMethod):
    """Prunes nothing: a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask

    @classmethod
    def apply(cls, module, name):
        return super().apply(module, name)


class RandomUnstructured(BasePruningMethod):
    """Prunes elements at random: `amount` of them, or that share."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t, default_mask):
        n = _count(self.amount, t.numel())
        return _without(default_mask, rand_like(t).flatten().topk(n).indices) if n else default_mask.clone()

    @classmethod
    def apply(cls, module, name, amount):
        return super().apply(module, name, amount=amount)


class L1Unstructured(BasePruningMethod):
    """Prunes the elements of the smallest absolute value: `amount` of them, or that share."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t, default_mask):
        n = _count(self.amount, t.numel())
        smallest = t.abs().flatten().topk(n, largest=False).indices if n else None
        return _without(default_mask, smallest) if n else default_mask.clone()

    @classmethod
    def apply(cls, module, name, amount, importance_scores=None):
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class RandomStructured(BasePruningMethod):
    """Prunes slices along `dim` at random: `amount` of them, or that share."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount, dim=-1):
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def compute_mask(self, t, default_mask):
        _check_slices(t, self.dim)
        n = _count(self.amount, t.shape[self.dim])
        drawn = rand(t.shape[self.dim])
        return _only(default_mask, self.dim, drawn > drawn.kthvalue(n).values) if n else default_mask

    @classmethod
    def apply(cls, module, name, amount, dim=-1):
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(BasePruningMethod):
    """Prunes the slices along `dim` of the smallest norm of order `n`: `amount` of them, or that share."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount, n, dim=-1):
        _check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def compute_mask(self, t, default_mask):
        _check_slices(t, self.dim)
        size = t.shape[self.dim]
        n = _count(self.amount, size)
        if not n:
            return default_mask
        norms = _norms(t, self.n, self.dim)
        kept = norms.new_zeros(size).index_fill(0, norms.topk(size - n).indices, 1)
        return _only(default_mask, self.dim, kept)

    @classmethod
    def apply(cls, module, name, amount, n, dim, importance_scores=None):
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes by a mask that is given."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(default_mask.dtype)

    @classmethod
    def apply(cls, module, name, mask):
        return super().apply(module, name, mask=mask)


def _check_amount(amount):
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (not isinstance(amount, numbers.Integral) and amount > 1) or math.isnan(amount):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount, size):
    """How many of `size` a share or number is; ValueError for more than there are."""
    if not isinstance(amount, numbers.Integral):
        return round(amount * size)
    if amount > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return int(amount)


def _check_slices(t, dim):
    if t.ndim <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
            f"{t.shape} with {t.ndim} dims"
        )
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")


def _without(mask, places):
    """The mask with zeros at places of its elements in a row."""
    return mask.flatten().index_fill(0, places, 0).reshape(mask.shape)


def _only(mask, dim, kept):
    """The mask with zeros but in the slices along `dim` that are kept."""
    dim %= mask.ndim
    return mask * kept.to(mask.dtype).reshape(-1, *[1] * (mask.ndim - 1 - dim))


def _norms(t, n, dim):
    """The norm of each slice along `dim`; "fro" is the norm of order 2."""
    if isinstance(n, str) and n != "fro":
        raise RuntimeError(f"linalg.matrix_norm: Order {n} not supported.")
    return vector_norm(t.movedim(dim, 0).flatten(1), 2 if n == "fro" else n, dim=1)


def identity(module, name):
    """Give a parameter a mask of ones, for what prunes it later; returns the module, as all of these functions."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prune elements of a parameter at random; `amount` is a number of them, or a share in [0, 1]."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prune the elements of the smallest absolute value, or of the smallest score.

    >>> import rushlight
    >>> from rushlight.nn.utils import prune
    >>> layer = prune.l1_unstructured(rushlight.nn.Linear(2, 3), "weight", amount=0.5)
    >>> layer.weight_mask.sum()
    tensor(3.)
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight_orig']
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prune slices of a parameter along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prune the slices along `dim` of the smallest norm of order `n`, as channels of a convolution."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name, mask):
    """Prune a parameter by a mask of its shape."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prune several parameters, given as (module, name), together: the smallest of all, wherever they are.

    `pruning_method` is a class of the "unstructured" kind, and gets the keywords. TypeError for any other.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    parameters = list(parameters)
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    tensors = [getattr(module, name) for module, name in parameters]
    masks = [getattr(module, f"{name}_mask", None) for module, name in parameters]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "temp"
    importance = cat([scores.get(key, t).detach().flatten() for key, t in zip(map(tuple, parameters), tensors)])
    before = cat([(ones_like(t) if m is None else m).detach().flatten() for t, m in zip(tensors, masks)])
    mask = PruningContainer(method).compute_mask(importance, before)
    at = 0
    for (module, name), tensor in zip(parameters, tensors):
        custom_from_mask(module, name, mask[at : at + tensor.numel()].reshape(tensor.shape))
        at += tensor.numel()


def remove(module, name):
    """Make an ordinary parameter of a pruned one: its zeros stay, the mask goes. ValueError where it is not pruned."""
    found = _hook_of(module, name)
    if found is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    found[1].remove(module)
    del module._forward_pre_hooks[found[0]]
    return module


def is_pruned(module):
    """Whether a module, or one inside it, has a pruned parameter."""
    return any(
        [isinstance(hook, BasePruningMethod) for m in module.modules() for hook in m._forward_pre_hooks.values()]
    )
