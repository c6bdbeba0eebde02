"""What the options of optimizers may be."""

from ..errors import coded
from ..tensor import Tensor


def out_of_range(sentence):
    """The ValueError for an option that no optimizer of the kind can have."""
    return coded("RL420", ValueError(sentence))


def check_one(lr):
    """ValueError for a learning rate that is a tensor of several."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise out_of_range("Tensor lr must be 1-element")


def check_lr(lr):
    """ValueError for a learning rate that is negative, not a number, or a tensor of several."""
    check_one(lr)
    check_at_least_zero("learning rate", lr)


def check_at_least_zero(name, value):
    if not value >= 0.0:
        raise out_of_range(f"Invalid {name}: {value}")


def check_sentence(holds, name, wanted, value):
    """ValueError in the words of the later optimizers, unless it holds."""
    if not holds:
        raise out_of_range(f"{name} should be {wanted} but is: {value}")


def check_betas(betas):
    """ValueError for rates outside of [0, 1), or where only one is a tensor."""
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate((betas[0], betas[1])):
        if not 0.0 <= beta < 1.0:
            raise out_of_range(f"Invalid beta parameter at index {i}: {beta}")


def check_modes(differentiable, foreach=None, fused=None):
    """RuntimeError for two ways at once."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
