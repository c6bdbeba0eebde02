"""The blocks that Jacobians are made of: rows by backward passes, one by one or as a batch, and columns forward."""

import numpy as np

from .. import core, engine
from ..core import wrap
from .backward import grad

_INDEPENDENT = "Output {} of the user-provided function is independent of input {}. This is not allowed in strict mode."
_CONSTANT = (
    "The jacobian of the user-provided function is independent of input {}. This is not allowed in strict mode when "
    "create_graph=True."
)


def rows(out, i, inputs, create_graph, strict):
    """The blocks of output i, one for each input: a backward pass for every element of the output."""
    shape, count = out._array.shape, out._array.size
    if not out.requires_grad:
        return _nothing(out, inputs)
    edge, number = out.grad_fn or out, out.output_nr
    targets = [(x.grad_fn or x, x.output_nr) for x in inputs]
    columns = [[] for _ in inputs]
    for seed in np.eye(count, dtype=out._array.dtype):
        found = engine.backward([(edge, number, wrap(seed.reshape(shape)))], True, create_graph, targets, False)
        if strict:
            _check(found, i, create_graph)
        for column, g in zip(columns, found):
            column.append(g)
    return tuple([_stacked(column, out, x, create_graph) for column, x in zip(columns, inputs)])


def _nothing(out, inputs):
    return tuple([wrap(np.zeros((*out._array.shape, *x._array.shape), x._array.dtype)) for x in inputs])


def _check(found, i, create_graph):
    for k, g in enumerate(found):
        if g is None:
            raise RuntimeError(_INDEPENDENT.format(i, k))
        if create_graph and not g.requires_grad:
            raise RuntimeError(_CONSTANT.format(k))


def _stacked(gradients, out, x, create_graph):
    """The rows as one tensor of the output's shape followed by the input's; a row of zeros for None."""
    shape = (*out._array.shape, *x._array.shape)
    if not create_graph and core.transforms_entered(0) == 0:
        block = np.zeros((len(gradients), x._array.size), x._array.dtype)
        for row, g in zip(block, gradients):
            if g is not None:
                row[:] = g._array.reshape(-1)
        return wrap(block.reshape(shape))
    if not gradients:
        return wrap(np.zeros(shape, x._array.dtype))
    from .. import stack

    none = wrap(np.zeros(x._array.shape, x._array.dtype))
    return stack([none if g is None else g for g in gradients]).reshape(shape)


def batched_rows(out, inputs, create_graph):
    """The same blocks by one backward pass for all elements at once."""
    if not out.requires_grad or out._array.size == 0:
        return _nothing(out, inputs)
    from ..func.vmap import vmap

    def pulled(seed):
        found = grad((out,), inputs, (seed,), True, create_graph, allow_unused=True, materialize_grads=True)
        return tuple(found)

    shape = out._array.shape
    seeds = np.eye(out._array.size, dtype=out._array.dtype).reshape(out._array.size, *shape)
    return tuple([g.reshape((*shape, *x._array.shape)) for g, x in zip(vmap(pulled)(wrap(seeds)), inputs)])


def columns(func, inputs):
    """For each output its blocks, one for each input: all tangents pushed forward at once. func returns a tuple."""
    from ..func.jacobians import jacfwd

    blocks = jacfwd(func, tuple(range(len(inputs))))(*[x.detach() for x in inputs])
    return tuple([tuple([block.detach() for block in row]) for row in blocks])
