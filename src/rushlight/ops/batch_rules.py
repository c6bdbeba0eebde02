"""Batching rules: how an operation runs for a whole batch at once, for the `batch=` of its declaration.

A rule is called as rule(op, size, inputs, batched, params). The tensors among the inputs that are `batched` have the
batch, of `size` samples, as their first dimension; dimensions and shapes in `params` are those of one sample. It returns
what `op` gives for each sample, with the batch first. Rules are made of operations, so that the result has a history.
"""

from math import prod

from ..core import TensorBase, apply
from .declare import REGISTRY
from .hidden import Unlike


class _Operations:
    """Operations by name: their modules import this one."""

    def __getattr__(self, name):
        return REGISTRY[name]


ops = _Operations()


# -- shapes of hidden tensors


def sample_shape(x, batched):
    """The shape of one sample."""
    return x._array.shape[1:] if batched else x._array.shape


def full(x, size, batched):
    """x with a batch dimension: its own, or a new one of stride 0."""
    return x if batched else ops.expand(x, shape=(size, *x._array.shape))


def all_full(size, inputs, batched):
    return [full(x, size, b) if isinstance(x, TensorBase) else x for x, b in zip(inputs, batched)]


def in_line(x, ndim):
    """x, batched, with dimensions of size 1 behind the batch, so that each sample has `ndim`."""
    while x._array.ndim <= ndim:
        x = ops.unsqueeze(x, dim=1)
    return x


def reshape(x, shape):
    """x in another shape: a view where its strides allow, else a copy."""
    if x._array.shape == shape:
        return x
    return x.reshape(shape)


def merged(x):
    """(B, N, *) as (B * N, *)."""
    shape = x._array.shape
    return reshape(x, (shape[0] * shape[1], *shape[2:]))


def parted(x, size):
    """(B * N, *) as (B, N, *)."""
    shape = x._array.shape
    return reshape(x, (size, shape[0] // size, *shape[1:]))


def channels_of_all(x):
    """(B, N, C, *) as (N, B * C, *)."""
    n = x._array.ndim
    x = ops.permute(x, dims=(1, 0, *range(2, n)))
    shape = x._array.shape
    return reshape(x, (shape[0], shape[1] * shape[2], *shape[3:]))


def samples_of_channels(x, size):
    """(N, B * C, *) as (B, N, C, *)."""
    shape = x._array.shape
    x = reshape(x, (shape[0], size, shape[1] // size, *shape[2:]))
    return ops.permute(x, dims=(1, 0, *range(2, x._array.ndim)))


def each_result(function, out):
    """function of the result, or of each of several."""
    return tuple([function(part) for part in out]) if isinstance(out, tuple) else function(out)


# -- rules


def as_it_is(op, size, inputs, batched, params):
    """For operations that take leading dimensions as they come, and treat their inputs alike."""
    return apply(op, tuple(all_full(size, inputs, batched)), params)


def aligned(op, size, inputs, batched, params):
    """For operations that broadcast: the samples' dimensions are lined up at the end."""
    return apply(op, tuple(lined_up(inputs, batched)), params)


def like_first(op, size, inputs, batched, params):
    """The same for operations whose result has the shape of their first input."""
    x = full(inputs[0], size, batched[0])
    return apply(op, tuple(lined_up([x, *inputs[1:]], [True, *batched[1:]])), params)


def lined_up(inputs, batched):
    ndim = max([x._array.ndim - b for x, b in zip(inputs, batched) if isinstance(x, TensorBase)])
    return [in_line(x, ndim) if b and isinstance(x, TensorBase) else x for x, b in zip(inputs, batched)]


def each(op, size, inputs, batched, params):
    """One sample after the other: for what is rare, or has no form that takes a batch."""
    results = []
    for k in range(size):
        chosen = [ops.getitem(x, index=(k, ...)) if b else x for x, b in zip(inputs, batched)]
        results.append(apply(op, tuple(chosen), params))
    if isinstance(results[0], tuple):
        return tuple([stacked(parts) for parts in zip(*results)])
    return stacked(results)


def stacked(parts):
    groups = {}
    for place, part in enumerate(parts):
        groups.setdefault(part._array.shape, []).append(place)
    if len(groups) > 1:
        raise Unlike(list(groups.values()))
    return ops.stack(*parts, dim=0)


def along(*dims, shapes=(), lists=()):
    """For operations along dimensions: `dims` names the parameters that hold one or several, `shapes` those that hold
    a shape. A sample without dimensions counts as one of size 1."""

    def rule(op, size, inputs, batched, params):
        inputs = all_full(size, inputs, batched)
        scalar = [isinstance(x, TensorBase) and x._array.ndim == 1 for x in inputs]
        flat = all([s for s, x in zip(scalar, inputs) if isinstance(x, TensorBase)]) if not shapes else False
        flat = flat or any([not params[name] for name in shapes])
        inputs = [ops.unsqueeze(x, dim=1) if s else x for x, s in zip(inputs, scalar)]
        moved = dict(params)
        for name in dims:
            moved[name] = shifted(params[name])
        for name in shapes:
            moved[name] = (size, 1) if flat else (size, *params[name])
        out = apply(op, tuple(inputs), moved)
        return each_result(_without_extra, out) if flat else out

    return rule


def _without_extra(x):
    """The result for samples that got a dimension of size 1."""
    return ops.squeeze(x, dim=(1,)) if x._array.ndim > 1 and x._array.shape[1] == 1 else x


def shifted(dim):
    """Dimensions of a sample as those of the batch; those counted from the end stay."""
    if isinstance(dim, (tuple, list)):
        return tuple([d + (d >= 0) for d in dim])
    return dim + (dim >= 0)


def reducing(op, size, inputs, batched, params):
    """For reductions over `dim`: an int, several, or None for all."""
    x, dim = inputs[0], params["dim"]
    ndim = x._array.ndim - 1
    if dim is None or ndim == 0:
        dim = tuple(range(1, ndim + 1))
    else:
        dim = shifted(dim)
    return apply(op, (x, *inputs[1:]), {**params, "dim": dim})


def searching(op, size, inputs, batched, params):
    """For reductions that give one place: over one dimension, or over all elements in a row for None."""
    (x,), dim = inputs, params["dim"]
    shape = x._array.shape
    if dim is not None and len(shape) > 1:
        return apply(op, (x,), {**params, "dim": shifted(dim)})
    out = apply(op, (reshape(x, (size, prod(shape[1:]))),), {**params, "dim": 1, "keepdim": False})
    return reshape(out, (size, *[1] * (len(shape) - 1))) if params["keepdim"] else out


def prefixed(*names):
    """For operations whose parameters named here are shapes or indices that start at the first dimension."""

    def rule(op, size, inputs, batched, params):
        moved = {name: (size, *params[name]) for name in names}
        return apply(op, tuple(all_full(size, inputs, batched)), {**params, **moved})

    return rule


def folded(op, size, inputs, batched, params):
    """For operations on (N, *): samples become more of the N, which all inputs have first."""
    inputs = [merged(x) if isinstance(x, TensorBase) else x for x in all_full(size, inputs, batched)]
    return each_result(lambda out: parted(out, size), apply(op, tuple(inputs), params))


def at_front(*names):
    """For basic indices: the batch is taken whole. `names` are the parameters that are shapes."""

    def rule(op, size, inputs, batched, params):
        moved = {name: (size, *params[name]) for name in names}
        moved["index"] = (slice(None), *params["index"])
        return apply(op, tuple(all_full(size, inputs, batched)), {**params, **moved})

    return rule


def reduced_loss(op, size, inputs, batched, params):
    """For losses of matching elements with a `reduction`."""
    # All in one shape: the gradient of what is the same for all samples is theirs summed up.
    inputs = lined_up(all_full(size, inputs, batched), [True] * len(inputs))
    losses = apply(op, tuple(inputs), {**params, "reduction": "none"})
    reduction = params["reduction"]
    if reduction == "none":
        return losses
    by = ops.sum if reduction == "sum" else ops.mean
    return by(losses, dim=tuple(range(1, losses._array.ndim)))
