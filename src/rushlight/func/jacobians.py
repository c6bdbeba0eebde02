"""jacrev, jacfwd and hessian: whole Jacobians, a batch of rows or columns at once."""

import math
from functools import wraps

import numpy as np

from .. import core, pytree
from . import arguments
from .reverse import vjp
from .tangents import jvp
from .vmap import vmap


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """A function that computes the Jacobian of `func` row by row, backward.

    For each output and each argument of `argnums` (an int, or a tuple of them) a tensor of the shape of the output
    followed by that of the argument, in the form of the output and within it of the arguments. `chunk_size` rows are
    computed at once, by default all. With `has_aux` func returns (output, aux), and so does the result.

    >>> import rushlight
    >>> rushlight.func.jacrev(lambda x: x * x)(rushlight.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def jacobian(*args, **kwargs):
        by = arguments.chosen(args, argnums)

        def of_chosen(new):
            return func(*arguments.replaced(args, argnums, new), **kwargs)

        found = vjp(of_chosen, by, has_aux=has_aux)
        xs, spec = pytree.flatten(by)
        outs, out_spec = pytree.flatten(found[0])
        _check_real(xs, "inputs")
        _check_real(outs, "outputs")
        blocks = [_rows(found[1], outs, i, xs, chunk_size) for i in range(len(outs))]
        result = pytree.unflatten([pytree.unflatten(block, spec) for block in blocks], out_spec)
        return (result, found[2]) if has_aux else result

    return jacobian


def _check_real(tensors, role):
    for i, x in enumerate(tensors):
        if x._array.dtype.kind == "c":
            raise RuntimeError(
                f"jacrev: Expected all {role} to be real but received complex tensor at flattened input idx: {i}"
            )


def _rows(pull, outs, i, xs, chunk_size):
    """The blocks of output i, one for each argument."""
    out = outs[i]
    count = out._array.size
    if count == 0:
        return [core.wrap(np.zeros((*out.shape, *x.shape), x._array.dtype)) for x in xs]
    if count == 1:
        rows = pull.of_output(i, core.wrap(np.ones(out._array.shape, out._array.dtype)))
    else:
        basis = core.wrap(np.eye(count, dtype=out._array.dtype).reshape(count, *out._array.shape))
        rows = vmap(lambda row: pull.of_output(i, row), chunk_size=chunk_size)(basis)
    return [row.reshape((*out._array.shape, *x._array.shape)) for row, x in zip(rows, xs)]


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """The same as `jacrev`, column by column, forward: the better way where there are more outputs than inputs.

    func is called once, with tangents for all elements of the arguments; `randomness` is as in `vmap`.

    >>> import rushlight
    >>> rushlight.func.jacfwd(lambda x: x * x)(rushlight.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @wraps(func)
    def jacobian(*args, **kwargs):
        by = arguments.chosen(args, argnums)
        xs, spec = pytree.flatten(by)
        out_spec = None

        def of_chosen(new):
            return func(*arguments.replaced(args, argnums, new), **kwargs)

        def push(*basis):
            nonlocal out_spec
            found = jvp(of_chosen, (by,), (pytree.unflatten(basis, spec),), has_aux=has_aux)
            leaves, out_spec = pytree.flatten(found[1])
            return leaves, found[2:]

        sizes = [x.numel() for x in xs]
        columns, aux = vmap(push, out_dims=(0, None), randomness=randomness)(*_unit_tangents(xs, sizes))
        blocks = [pytree.unflatten(_blocks(column, xs, sizes), spec) for column in columns]
        result = pytree.unflatten(blocks, out_spec)
        return (result, aux[0]) if has_aux else result

    return jacobian


def _unit_tangents(xs, sizes):
    """For each of xs its part of the unit vectors of all together: (number of elements of all, *its shape)."""
    total, start, basis = sum(sizes), 0, []
    for x, size in zip(xs, sizes):
        part = np.eye(total, size, -start, x._array.dtype)
        basis.append(core.wrap(part.reshape(total, *x._array.shape)))
        start += size
    return basis


def _blocks(column, xs, sizes):
    """The tangents of an output along all elements of xs, as one tensor for each of xs."""
    shape, start, blocks = column._array.shape[1:], 0, []
    for x, size in zip(xs, sizes):
        rows = column if len(xs) == 1 else column[start : start + size]
        blocks.append(rows.reshape(size, math.prod(shape)).t().reshape((*shape, *x._array.shape)))
        start += size
    return blocks


def hessian(func, argnums=0):
    """A function that computes the Hessian of `func`, forward over backward.

    >>> import rushlight
    >>> rushlight.func.hessian(lambda x: (x * x * x).sum())(rushlight.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
