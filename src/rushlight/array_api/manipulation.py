"""Shapes, joining, and taking elements."""

import rushlight

from .elementwise import together


def broadcast_arrays(*arrays):
    return tuple(rushlight.broadcast_tensors(*arrays))


def broadcast_shapes(*shapes):
    return tuple(rushlight.broadcast_shapes(*shapes))


def broadcast_to(x, /, shape):
    return rushlight.broadcast_to(x, tuple(shape))


def concat(arrays, /, *, axis=0):
    """Arrays behind each other along an axis; flattened first where it is None."""
    arrays = _of_one_dtype(arrays)
    return rushlight.cat([x.reshape(-1) for x in arrays]) if axis is None else rushlight.cat(arrays, axis)


def _of_one_dtype(arrays):
    arrays = list(arrays)
    for i in range(1, len(arrays)):
        arrays[0], _ = together(arrays[0], arrays[i])
    return [x.to(arrays[0].dtype) for x in arrays]


def expand_dims(x, /, axis=0):
    if not -x.ndim - 1 <= axis <= x.ndim:
        raise IndexError(f"axis {axis} is out of bounds for an array of {x.ndim} dimensions")
    return x.unsqueeze(axis)


def flip(x, /, *, axis=None):
    if axis is None:
        axis = tuple(range(x.ndim))
    return x.flip((axis,) if isinstance(axis, int) else tuple(axis))


def moveaxis(x, source, destination, /):
    return rushlight.movedim(x, source, destination)


def permute_dims(x, /, axes):
    return x.permute(tuple(axes))


def repeat(x, repeats, /, *, axis=None):
    return rushlight.repeat_interleave(x, repeats, dim=axis)


def reshape(x, /, shape, *, copy=None):
    """x in another shape; ValueError where copy=False and it must be copied."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if copy:
        return x.clone().reshape(shape)
    if copy is False:
        try:
            return x.view(shape)
        except RuntimeError as error:
            raise ValueError(f"reshape with copy=False: {error}") from None
    return x.reshape(shape)


def roll(x, /, shift, *, axis=None):
    if axis is None:
        return rushlight.roll(x, shift)
    if axis == ():
        return x.clone()
    shifts = shift if isinstance(shift, tuple) else (shift,) * (1 if isinstance(axis, int) else len(axis))
    return rushlight.roll(x, shifts, (axis,) if isinstance(axis, int) else tuple(axis))


def squeeze(x, /, axis):
    """x without axes of size 1; ValueError for one of another size."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    wrong = [i for i in axes if x.shape[i] != 1]
    if wrong:
        raise ValueError(f"cannot squeeze axis {wrong[0]}, whose size is {x.shape[wrong[0]]}")
    return rushlight.squeeze(x, axes)


def stack(arrays, /, *, axis=0):
    return rushlight.stack(_of_one_dtype(arrays), axis)


def take(x, indices, /, *, axis=None):
    """Elements along an axis, which may be left out where there is one."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take needs an axis for an array of {x.ndim} dimensions")
        axis = 0
    axis %= x.ndim
    taken = rushlight.index_select(
        x, axis, indices.reshape(-1) % x.shape[axis] if x.shape[axis] else indices.reshape(-1)
    )
    return taken.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def take_along_axis(x, indices, /, *, axis=-1):
    sizes = list(rushlight.broadcast_shapes(*(_without(a.shape, axis) for a in (x, indices))))
    whole = [(*sizes[: axis % x.ndim], a.shape[axis], *sizes[axis % x.ndim :]) for a in (x, indices)]
    return rushlight.take_along_dim(x.expand(whole[0]), indices.expand(whole[1]).long() % x.shape[axis], axis)


def _without(shape, axis):
    shape = list(shape)
    del shape[axis]
    return shape


def tile(x, repetitions, /):
    return rushlight.tile(x, tuple(repetitions))


def unstack(x, /, *, axis=0):
    return tuple(rushlight.unbind(x, axis))
