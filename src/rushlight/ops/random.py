"""Random draws in the graph: whatever the parameters were, the derivative is zero, as PyTorch has it."""

import numpy as np

from ..kernels import load
from .batch_rules import as_it_is
from .copying import zero
from .declare import elementwise, renamed


@elementwise(batch=as_it_is, promote=None, x=lambda g: zero(g), sample=None)
def drawn(x, sample):
    """The sample, drawn by the parameters x or to be written over it."""
    return sample


bernoulli = renamed(drawn, "BernoulliBackward0")
poisson = renamed(drawn, "PoissonBackward0")
fills = {
    name: renamed(drawn, f"{name}Backward0")
    for name in ("Cauchy", "Exponential", "Geometric", "LogNormal", "Normal", "Random", "Uniform")
} | {"Bernoulli": renamed(drawn, "BernoulliBackward1"), "BernoulliOf": renamed(drawn, "BernoulliBackward2")}

_kernels = load("copying")
if _kernels is not None:
    for fill in fills.values():
        fill.accelerate(_kernels.write_over)


@elementwise(mean=lambda g: zero(g), std=lambda g: zero(g), noise=None, backward="NormalBackward3")
def normal(mean, std, noise):
    """Standard normal noise, stretched and moved."""
    return np.add(np.multiply(noise, std), mean)


normal_about = renamed(normal, "NormalBackward1")
normal_scaled = renamed(normal, "NormalBackward2")
