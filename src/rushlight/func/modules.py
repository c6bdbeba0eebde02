"""Modules as functions of their parameters: functional_call, stack_module_state, replace_all_batch_norm_modules_."""

from ..core import TensorBase
from ..errors import coded
from ..spelling import spell


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """module(*args, **kwargs) with other tensors in the place of its parameters and buffers.

    They are given by name in a dict, or in several that share no name; what is not named is the module's own. `args`
    is a tuple, or the one argument. Tensors that the module has under several names are replaced together
    (`tie_weights`). `strict` refuses names that are missing or unknown. The module is as before afterwards; what it
    assigned to a given buffer is found in the dict.

    >>> import rushlight
    >>> from rushlight import nn
    >>> module = nn.Linear(1, 1, bias=False)
    >>> rushlight.func.functional_call(module, {"weight": rushlight.tensor([[3.0]])}, rushlight.ones(1))
    tensor([3.])
    """
    given = _merged(parameter_and_buffer_dicts)
    tensors = given
    if tie_weights or strict:
        groups = _names_of_tensors(module)
        if tie_weights:
            tensors = _tied(given, groups)
        if strict:
            _check_names(module, tensors, groups)
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    places = [_Place(module, name, tensor) for name, tensor in tensors.items()]
    try:
        for place in places:
            place.put()
        return module(*args, **({} if kwargs is None else kwargs))
    finally:
        for place in reversed(places):
            place.put_back(given)


def _merged(dicts):
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, (list, tuple)):
        raise coded(
            "RL509",
            ValueError(
                f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
            ),
        )
    if not all([isinstance(d, dict) for d in dicts]):
        raise coded("RL509", ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries"))
    merged, again = {}, []
    for d in dicts:
        again += [name for name in d if name in merged]
        merged.update(d)
    if again:
        raise coded(
            "RL509", ValueError(f"{again} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        )
    return merged


def _names_of_tensors(module):
    """Lists of names of parameters and buffers; those in one list are the same tensor."""
    groups = {}
    for named in (module.named_parameters, module.named_buffers):
        for name, tensor in named(remove_duplicate=False):
            groups.setdefault(id(tensor), []).append(name)
    return list(groups.values())


def _tied(given, groups):
    """`given` with an entry for all names of each tensor that one of them names."""
    tensors = dict(given)
    for names in groups:
        if len(names) == 1:
            continue
        found = {name: given[name] for name in names if name in given}
        if len({id(tensor) for tensor in found.values()}) > 1:
            raise coded(
                "RL509",
                ValueError(
                    f"functional_call got multiple values for keys {sorted(found)}, which are tied. Consider using "
                    "tie_weights=False"
                ),
            )
        for tensor in found.values():
            tensors.update(dict.fromkeys(names, tensor))
    return tensors


def _check_names(module, tensors, groups):
    own = {name for names in groups for name in names}
    unknown, missing = sorted(tensors.keys() - own), sorted(own - tensors.keys())
    lines = []
    for what, names in (("Unexpected", unknown), ("Missing", missing)):
        if names:
            lines.append(f"\n\t{what} key(s): " + ", ".join([f"'{name}'" for name in names]) + ".")
    if lines:
        raise coded("RL509", RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:" + "".join(lines)))


_NOTHING = object()


class _Place:
    """Where a tensor of a module is kept, and what is to be there for a while."""

    def __init__(self, module, name, tensor):
        if name == "":
            raise KeyError('tensor name can\'t be empty string ""')
        *path, self.key = name.split(".")
        for i, part in enumerate(path):
            module = _submodule(module, part, ".".join(path[: i + 1]))
        if tensor is not None and not isinstance(tensor, TensorBase):
            raise TypeError(f"{tensor} is not an instance of {spell('Tensor')}")
        self.name, self.tensor, self.before = name, tensor, _NOTHING
        self.registry = self._registry(module)

    def _registry(self, module):
        """The dict that has the tensor; an attribute that is none of parameters and buffers is kept in the object."""
        for registry in (module._parameters, module._buffers):
            if self.key in registry:
                return registry
        value = getattr(module, self.key, None)
        if value is not None and not isinstance(value, TensorBase):
            raise TypeError(f"attribute `{self.name}`: {value} is not an instance of {spell('Tensor')}")
        return module.__dict__

    def put(self):
        self.before = self.registry.get(self.key, _NOTHING)
        self.registry[self.key] = self.tensor

    def put_back(self, given):
        """Put back what was there; what the module left in its place goes to the dict of what was given."""
        now = self.registry.pop(self.key, _NOTHING) if self.before is _NOTHING else self.registry[self.key]
        if self.before is not _NOTHING:
            self.registry[self.key] = self.before
        if self.name in given and now is not _NOTHING:
            given[self.name] = now


def _submodule(module, part, path):
    value = getattr(module, part, _NOTHING)
    if value is _NOTHING:
        raise AttributeError(f"{type(module).__name__} has no attribute `{part}`")
    if not hasattr(value, "_parameters"):
        raise TypeError(f"submodule `{path}`: {value} is not an instance of {spell('nn.Module')}")
    return value


def stack_module_state(models):
    """(parameters, buffers) of several models of one class, each stacked along a new first dimension, by name.

    They are leaves: vmap over them with `functional_call` runs all models at once. RuntimeError where the models
    differ in class, mode or requires_grad, or are none.

    >>> import rushlight
    >>> from rushlight import nn
    >>> params, buffers = rushlight.func.stack_module_state([nn.Linear(2, 3) for _ in range(4)])
    >>> params["weight"].shape, buffers
    (rushlight.Size([4, 3, 2]), {})
    """
    models = list(models)
    if not models:
        raise coded("RL510", RuntimeError("stack_module_state: Expected at least one model, got 0."))
    if len({model.training for model in models}) > 1:
        raise coded(
            "RL510", RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
        )
    if len({type(model) for model in models}) > 1:
        raise coded("RL510", RuntimeError("stack_module_state: Expected all models to be of the same class."))
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(states):
    from .. import stack

    stacked = {}
    for name in states[0]:
        tensors = [state[name] for state in states]
        wanted = {tensor.requires_grad for tensor in tensors}
        if len(wanted) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        stacked[name] = stack([tensor.detach() for tensor in tensors]).requires_grad_(wanted.pop())
    return stacked


def replace_all_batch_norm_modules_(root):
    """Let all batch norms within `root` use the statistics of their batch only; returns root, changed in place.

    Running statistics are written in place, which a batch of samples cannot do to one buffer.
    """
    from ..nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
