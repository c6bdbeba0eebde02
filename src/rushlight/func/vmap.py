"""vmap: a function of one sample as a function of a batch of them.

Every operation runs once for the whole batch (ops/batching.py). Where the function reads a value that differs between
the samples (`if`, `while`, `.item()`), the batch is split there, and the function is called again for each part.
"""

import functools

import numpy as np

from .. import pytree
from ..core import TensorBase
from ..errors import coded
from ..generator import default_generator
from ..ops import batching
from ..ops.batch_rules import full
from ..ops.hidden import Batched, Split
from ..ops.index import index_select
from ..ops.join import cat
from ..ops.shape import permute

_RANDOMNESS = ("error", "different", "same")


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """A function that calls `func` for each sample of a batch, all at once.

    `in_dims` says which dimension of each argument is the batch: an int or None for all, or a tuple with an entry for each
    argument, nested as the arguments are. Tensors in keyword arguments have their batch first. `out_dims` says the same of
    the results. `func` sees tensors without that dimension; what it returns must be tensors, in tuples, lists or dicts.

    `randomness`: "error" refuses random numbers in func, "different" draws new ones for each sample, "same" gives all
    samples the same ones. With `chunk_size` the batch is worked on in pieces of that many samples.

    An `if` or `while` on a value that differs between samples, and `.item()`, split the batch: func is called again
    from its beginning for each group of samples that agree, so its side effects are repeated.

    Raises ValueError where in_dims or out_dims do not fit, RuntimeError for random numbers with randomness="error".

    >>> import rushlight
    >>> from rushlight.func import vmap
    >>> x = rushlight.tensor([[1.0, 2.0], [3.0, -4.0]])
    >>> vmap(lambda row: row.dot(row))(x)
    tensor([ 5., 25.])
    >>> vmap(lambda row: row.sum() if row[1] > 0 else row.prod())(x)
    tensor([  3., -12.])
    """
    if randomness not in _RANDOMNESS:
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def batched(*args, **kwargs):
        batch = Batch(func, in_dims, out_dims, args, kwargs)
        parts = [None] if chunk_size is None else _pieces(batch.size, chunk_size)
        return batch.joined(_run(batch, parts, randomness))

    return batched


def _pieces(size, chunk):
    return [np.arange(at, min(at + chunk, size)) for at in range(0, size, chunk)] or [None]


def _run(batch, parts, randomness):
    """[(positions, results), ...] of all parts, those that were split included."""
    finished = []
    state = None if randomness == "error" else default_generator.get_state()
    waiting = parts[::-1]
    while waiting:
        chosen = waiting.pop()
        if state is not None and (finished or waiting):
            default_generator.set_state(state)
        level = batching.BatchLevel(batch.size, randomness, chosen)
        try:
            with level:
                finished.append((chosen, batch.called(level)))
        except Split as split:
            if split.level is not level:
                raise
            chosen = np.arange(batch.size) if chosen is None else chosen
            waiting += [chosen[group] for group in reversed(split.groups)]
    return finished


class Batch:
    """One call of a vmapped function: its inputs taken apart, and how its results are put together."""

    def __init__(self, func, in_dims, out_dims, args, kwargs):
        self.func, self.out_dims = func, out_dims
        self.leaves, self.spec = pytree.flatten((args, kwargs))
        self.dims = _checked_dims(func, in_dims, args, kwargs)
        self.size = _size(self.leaves, self.dims)
        self.leaves = [
            x if d is None else _moved(x, _wrapped(d, x._array.ndim), 0) for x, d in zip(self.leaves, self.dims)
        ]

    def called(self, level):
        """The results of the function for the samples of a level: leaves with their batch first, their dims, the spec."""
        leaves = []
        for x, dim in zip(self.leaves, self.dims):
            if dim is None:
                leaves.append(x)
                continue
            if level.chosen is not None:
                x = index_select(x, level.chosen, dim=0)
            leaves.append(batching.show(x, level))
        args, kwargs = pytree.unflatten(leaves, self.spec)
        out, spec = pytree.flatten(self.func(*args, **kwargs))
        dims = self.out_dims_for(spec)
        return [self.opened(x, dim, level) for x, dim in zip(out, dims)], dims, spec

    def out_dims_for(self, spec):
        name, dims = _name(self.func), self.out_dims
        found = pytree.broadcast_prefix(dims, spec)
        if isinstance(dims, tuple) and len(dims) == 1 and spec.kind is None:
            found = list(dims)
        if found is None:
            raise coded(
                "RL503",
                ValueError(
                    f"vmap({name}, ..., out_dims={dims})(<inputs>): out_dims is not compatible with the structure of `outputs`. "
                    f"out_dims has structure {pytree.flatten(dims)[1]} but outputs has structure {spec}."
                ),
            )
        if not all([d is None or isinstance(d, int) for d in found]):
            raise coded(
                "RL503",
                ValueError(
                    f"vmap({name}, ..., out_dims={dims}): `out_dims` must be an int, None or a python collection of ints "
                    "representing where in the outputs the vmapped dimension should appear."
                ),
            )
        return found

    def opened(self, x, dim, level):
        """A result with its batch first; as it is where its place is None."""
        if not isinstance(x, TensorBase):
            if dim is None:
                return x
            raise coded(
                "RL503",
                ValueError(
                    f"vmap({_name(self.func)}, ...): `{_name(self.func)}` must only return Tensors, got type {type(x)}. "
                    "Did you mean to set out_dims= to None for output?"
                ),
            )
        array = x._array
        shown = type(array) is Batched and array.level is level
        if dim is None:
            if shown and array.batched:
                raise coded(
                    "RL503",
                    ValueError(
                        f"vmap({_name(self.func)}, ...): `{_name(self.func)}` can not return a BatchedTensor when out_dim is None"
                    ),
                )
            return array.hidden if shown else x
        return full(array.hidden if shown else x, level.size, shown and array.batched)

    def joined(self, parts):
        """The results of all parts together, in the order of the samples, with the batch where out_dims says."""
        _, (leaves, dims, spec) = parts[0]
        if len(parts) > 1:
            leaves = self.together(parts)
        return pytree.unflatten([_placed(x, dim) for x, dim in zip(leaves, dims)], spec)

    def together(self, parts):
        positions = np.concatenate([chosen for chosen, _ in parts])
        order = np.argsort(positions)
        first = parts[0][1]
        if any([spec != first[2] for _, (_, _, spec) in parts]):
            raise coded(
                "RL505",
                ValueError(f"vmap({_name(self.func)}, ...): the results of different samples differ in structure."),
            )
        leaves = []
        for number, (x, dim) in enumerate(zip(first[0], first[1])):
            if dim is None:
                leaves.append(x)
                continue
            pieces = [found[0][number] for _, found in parts]
            shapes = {piece._array.shape[1:] for piece in pieces}
            if len(shapes) > 1:
                raise coded(
                    "RL505",
                    RuntimeError(
                        f"vmap({_name(self.func)}, ...): the results of different samples differ in shape: "
                        f"{' and '.join([str(list(shape)) for shape in sorted(shapes)])}."
                    ),
                )
            whole = cat(*pieces, dim=0, sizes=tuple([piece._array.shape[0] for piece in pieces]))
            leaves.append(index_select(whole, order, dim=0))
        return leaves


def _name(func):
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return getattr(func, "__name__", None) or repr(func)


def _checked_dims(func, in_dims, args, kwargs):
    """For each leaf of (args, kwargs) the dimension that is its batch, or None."""
    name = _name(func)
    if not isinstance(in_dims, (int, tuple, list)) or isinstance(in_dims, bool):
        raise coded(
            "RL501",
            ValueError(
                f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially nested) tuple "
                f"matching the structure of inputs, got: {type(in_dims)}."
            ),
        )
    if not args and not kwargs:
        raise coded(
            "RL502",
            ValueError(
                f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
                "function with no inputs. The latter is unsupported."
            ),
        )
    leaves, spec = pytree.flatten(args)
    dims = pytree.broadcast_prefix(tuple(in_dims) if isinstance(in_dims, list) else in_dims, spec)
    if dims is None:
        raise coded(
            "RL501",
            ValueError(
                f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of `inputs`. "
                f"in_dims has structure {pytree.flatten(in_dims)[1]} but inputs has structure {spec}."
            ),
        )
    for x, dim in zip(leaves, dims):
        _check_dim(name, in_dims, x, dim)
    named = pytree.flatten(kwargs)[0]
    return dims + [0 if isinstance(x, TensorBase) else None for x in named]


def _check_dim(name, in_dims, x, dim):
    if dim is None:
        return
    about = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim}"
    if not isinstance(dim, int):
        raise coded(
            "RL501", ValueError(f"{about} for an input but in_dim must be either an integer dimension or None.")
        )
    if not isinstance(x, TensorBase):
        raise coded(
            "RL501",
            ValueError(
                f"{about} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor arguments, please "
                "use None as the respective in_dim"
            ),
        )
    ndim = x._array.ndim
    if not -ndim <= dim < ndim:
        raise coded(
            "RL501",
            ValueError(
                f"{about} for some input, but that input is a Tensor of dimensionality {ndim} so expected in_dim to satisfy "
                f"-{ndim} <= in_dim < {ndim}."
            ),
        )


def _size(leaves, dims):
    sizes = [x._array.shape[d] for x, d in zip(leaves, dims) if d is not None]
    if not sizes:
        raise coded("RL502", ValueError("vmap: Expected at least one Tensor to vmap over"))
    if any([n != sizes[0] for n in sizes]):
        raise coded(
            "RL502",
            ValueError(
                f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped "
                "dimension"
            ),
        )
    return sizes[0]


def _wrapped(dim, ndim):
    if not -ndim <= dim < ndim:
        raise coded(
            "RL308",
            IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})"),
        )
    return dim + ndim if dim < 0 else dim


def _moved(x, source, target):
    """x with one dimension moved to another place."""
    if source == target:
        return x
    order = [d for d in range(x._array.ndim) if d != source]
    order.insert(target, source)
    return permute(x, dims=tuple(order))


def _placed(x, dim):
    """A result with its batch where it is wanted."""
    return x if dim is None else _moved(x, 0, _wrapped(dim, x._array.ndim))
