"""weight_norm as it was before parametrizations: the weight is computed before each call of the module."""

import warnings

from ...functions.norms import norm_except_dim
from ...spelling import spell
from ..parameter import Parameter, is_lazy
from .reweighting import check_first, remove

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


class WeightNorm:
    """The hook that computes `name` from `name`_g and `name`_v before forward."""

    def __init__(self, name, dim):
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module):
        """g * v / |v|."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except_dim(v, 2, self.dim))

    @staticmethod
    def apply(module, name, dim):
        """Put the hook in."""
        warnings.warn(
            f"`{spell('nn.utils.weight_norm')}` is deprecated in favor of "
            f"`{spell('nn.utils.parametrizations.weight_norm')}`.",
            FutureWarning,
            stacklevel=3,
        )
        check_first(module, WeightNorm, name, "weight_norm")
        hook = WeightNorm(name, dim)
        weight = getattr(module, name)
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying weight normalization"
            )
        g = Parameter(norm_except_dim(weight.detach(), 2, hook.dim))
        del module._parameters[name]
        module.register_parameter(f"{name}_g", g)
        module.register_parameter(f"{name}_v", Parameter(weight.detach()))
        setattr(module, name, hook.compute_weight(module))
        module.register_forward_pre_hook(hook)
        return hook

    def remove(self, module):
        """Make an ordinary parameter of the weight."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[f"{self.name}_g"]
        del module._parameters[f"{self.name}_v"]
        setattr(module, self.name, Parameter(weight.detach()))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module, name="weight", dim=0):
    """Split a weight into its norm `name`_g and its direction `name`_v; returns the module, changed in place.

    The weight is computed before each call. `nn.utils.parametrizations.weight_norm` takes its place: FutureWarning.
    """
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module, name="weight"):
    """Undo `weight_norm`; ValueError where there is none."""
    remove(module, WeightNorm, name, "weight_norm")
    return module
