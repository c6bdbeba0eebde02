"""A Function under vmap: its own `vmap` rule, or its forward run on the samples as any other code is."""

from collections import namedtuple

from .. import pytree
from ..core import TensorBase
from ..ops import batching
from ..ops.shape import permute

_MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"

# What a `vmap` staticmethod is told about the batch.
VmapInfo = namedtuple("VmapInfo", ("batch_size", "randomness"))


def in_batch(cls, args, named, level, has_rule):
    """The Function applied to arguments of which some are batched at `level`, the innermost such level."""
    if cls.generate_vmap_rule and has_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
            f"staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
            f"ambiguity. {_MORE}"
        )
    if has_rule:
        return _by_own_rule(cls, args, named, level)
    if cls.generate_vmap_rule:
        return cls._applied(args, named)
    raise RuntimeError(
        f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the "
        f"vmap staticmethod or set generate_vmap_rule=True. {_MORE}"
    )


def _by_own_rule(cls, args, named, level):
    """cls.vmap on the tensors of all samples, whose batch dimension is the first, or None where they have none."""
    leaves, spec = pytree.flatten(args)
    tensors = [_at(x, level) for x in leaves]
    hidden = [x._array.hidden if isinstance(x, TensorBase) else x for x in tensors]
    dims = [0 if isinstance(x, TensorBase) and x._array.batched else None for x in tensors]
    returned = cls.vmap(
        VmapInfo(level.size, level.randomness), pytree.unflatten(dims, spec), *pytree.unflatten(hidden, spec), **named
    )
    if not isinstance(returned, tuple) or len(returned) != 2:
        count = f"{len(returned)} returns" if isinstance(returned, tuple) else f"a {type(returned)}"
        raise RuntimeError(
            "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible "
            f"with the output. Got {count} instead"
        )
    output, out_dims = returned
    leaves, spec = pytree.flatten(output)
    dims = pytree.broadcast_prefix(out_dims, spec)
    if dims is None:
        raise RuntimeError(
            "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected "
            f"out_dims={out_dims} to be compatible with the structure of `output`. {_MORE}"
        )
    return pytree.unflatten([_shown(x, dim, level) for x, dim in zip(leaves, dims)], spec)


def _at(x, level):
    return batching.at_level(x, level) if isinstance(x, TensorBase) else x


def _shown(x, dim, level):
    """An output of the rule as a tensor of the level."""
    if not isinstance(x, TensorBase):
        return x
    if dim is None:
        return batching.show(x, level, False)
    dim %= x.ndim
    order = (dim, *[d for d in range(x.ndim) if d != dim])
    return batching.show(x if dim == 0 else permute(x, dims=order), level)
