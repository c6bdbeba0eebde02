"""What the options of optimizers may be."""

import warnings

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
    """ValueError for a learning rate that is negative, NaN or a tensor of several, TypeError for what is no number."""
    check_one(lr)
    check_at_least_zero("learning rate", lr)


def check_at_least_zero(name, value):
    """ValueError for a number that is negative or NaN, TypeError for what is none."""
    if not _at_least_zero(name.removesuffix(" value"), value):
        raise out_of_range(f"Invalid {name}: {value}")


def check_lr_sentence(lr):
    """What `check_lr` checks, in the words of the later optimizers."""
    check_one(lr)
    check_sentence(_at_least_zero("learning rate", lr), "Learning rate", ">= 0", lr)


def _at_least_zero(name, value):
    try:
        # In PyTorch's order, so that the TypeError is PyTorch's.
        return 0.0 <= value  # noqa: SIM300
    except TypeError as error:
        raise coded("RL420", TypeError(f"{error}: the {name} is {value!r}")) from None


# What schedulers of learning rates write into groups.
_SCHEDULED = {"params", "param_names", "initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum"}


def check_options(kind, group, defaults):
    """Options that are stated for a group: what __init__ checks for all, and names that are nearly those of options."""
    if "lr" in group and "lr" in defaults and not (group["lr"] is defaults["lr"] is None):
        check_lr(group["lr"])
    for name in group.keys() - defaults.keys() - _SCHEDULED:
        meant = _meant(name, defaults)
        if meant is not None:
            warnings.warn(
                f"a parameter group has the option {name!r}, which {kind} does not have: did you mean {meant!r}?",
                stacklevel=5,
            )


def _meant(name, options):
    """The option that a name is a misspelling of, or None: groups may carry names of their own."""
    if not isinstance(name, str):
        return None
    if name.lower().replace("_", "") in ("learningrate", "lrate"):
        return "lr" if "lr" in options else None
    from difflib import get_close_matches

    return next(iter(get_close_matches(name.lower(), options, 1, 0.8)), None)


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
