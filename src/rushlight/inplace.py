"""In-place writes: what may be written, and what a write means for the history of a tensor and of its base."""

import numpy as np

try:
    import cython
except ImportError:
    from . import uncompiled as cython

from . import core, errors
from .core import TensorBase, arrays_for, needed_of, new_node, packers_entered, recorded, wrap
from .modes import grad_enabled
from .saving import pack

if not cython.compiled:
    from numpy import ndarray

# In-place operations whose result does not depend on what was there.
_OVERWRITING = ("copy", "fill", "zero")

_as_strided = _copy_slices = _view_across = _written_across = None


def run_inplace(op, x, rest, params):
    """Write op(x, *rest) over x and record it, without regard to function transforms."""
    if len(rest) == 1 and written_at_once(op, x, rest[0]):
        return x
    rest = tuple([wrap(r) if isinstance(r, ndarray) else r for r in rest])
    inputs = (x, *rest)
    array = x._array
    needed = needed_of(inputs) if op.differentiable and grad_enabled() and array.dtype.kind in "fcV" else 0
    if needed != 0 and guarded(x):
        errors.check_inplace(x)
    if x.inference:
        errors.check_inference(x)
    arrays = arrays_for(op, inputs)
    if (needed == 0 or not op.keeps_anything) and written_by_kernel(op, array, arrays, params):
        x.counter().bump()
        if needed != 0:
            rebase(x, recorded(op, inputs, params, array, needed))
        return x
    out = np.asarray(op.compute(arrays, params))
    errors.check_result(op, array, out)
    node = None
    if needed != 0:
        node = recorded(op, inputs, params, array, needed)
        if arrays[0] is not array:
            # It was computed in the dtype of a wider operand, which its gradient is not to keep.
            node.fits = node.fits or [None] * len(inputs)
            node.fits[0] = (None, array.dtype)
        if node.saved0 is x:
            node.saved0, node.version0 = wrap(array.copy()), 0
        if packers_entered(0) != 0:
            pack(node)
    np.copyto(array, out, casting="unsafe")
    x.counter().bump()
    if node is not None:
        if (op.out_mask & needed) != 0:
            node.outs = ((array, x.versions, x.versions.n),)
            if packers_entered(0) != 0:
                pack(node)
        rebase(x, node)
    return x


def guarded(x):
    """Whether a recorded write may be one that history forbids."""
    view = x.view_of
    if view is None:
        return x._requires_grad and x._grad_fn is None
    return view.creation != "" or view.base._grad_fn is None


def written_at_once(op, x, other):
    """The usual case of two tensors, or of a tensor and a float: a kernel, and nothing to record; whether it was that."""
    if op.kernel is None or op.params or x.inference:
        return False
    tracked = x.tracked()
    array = other
    if isinstance(other, TensorBase):
        tensor = other
        array, tracked = tensor._array, tracked or tensor.tracked()
    elif type(other) is not float:
        return False
    if tracked and grad_enabled():
        return False
    if op.check is not None:
        op.check(x._array, array)
    if not op.kernel.into2(x._array, array):
        return False
    x.counter().bump()
    return True


def written_by_kernel(op, array, arrays, params):
    """Let the kernel write the result over `array` itself, without a second array; whether it did."""
    if arrays[0] is not array:
        return False
    if op.params:
        into = getattr(op.fast, "into", None)
        return into is not None and into(array, **params)
    if op.kernel is None:
        return False
    if len(arrays) == 1:
        return op.kernel.into1(array)
    return len(arrays) == 2 and op.kernel.into2(array, arrays[1])


def rebase(x, node, number=0):
    """Make output `number` of `node` the history of x after a write, and of the base that x is a view of."""
    view = x.view_of
    if view is None:
        before = x._grad_fn
        x._grad_fn, x._requires_grad, x.output_nr = node, True, number
        if before is not None and before.extras is not None:
            before.extras.move_retained(x, node, number)
        return
    base, before = view.base, view.base._grad_fn
    if node.op.name in _OVERWRITING:
        # What the view was before, which the base has a history of, gets zeros only.
        node.edge0 = None
        if node.count == 1 or node.edge1 is None:
            node = None
    if x._array.dtype == base._array.dtype:
        scatter = new_node(_copy_slices)
        scatter.put_input(0, base, False)
        scatter.edge1, scatter.number1 = node, number
        scatter.count = 2
        scatter.params = storage_geometry(x._array, base._array)
        scatter.conjugate = base._array.dtype.kind == "c"
    else:
        scatter = _written_across(x, base, node, number)
    base._grad_fn, base._requires_grad, base.output_nr = scatter, True, 0
    if before is not None and before.extras is not None:
        before.extras.move_retained(base, scatter)
    # Any version but the present one makes the view ask for a new history.
    view.version = -1
    if x._grad_fn is not None and x._grad_fn.extras is not None:
        x.history()


def renewed(x):
    """A new history for a view whose storage was written since it got the one it has."""
    base, before = x.view_of.base, x._grad_fn
    if x.view_of.creation == "custom":
        raise errors.base_written(x, before)
    if x._array.dtype == base._array.dtype:
        node = new_node(_as_strided)
        node.put_input(0, base, False)
        node.params = storage_geometry(x._array, base._array)
        node.shapes = (base._array.shape,)
        node.count = 1
        # It may be made while a node that comes after it is: its place is right behind the base's own history.
        node.sequence = 1 + (0 if base._grad_fn is None else base._grad_fn.sequence)
    else:
        node = _view_across(x, base)
    if before is not None and before.extras is not None:
        before.extras.move_retained(x, node)
    return node


def storage_geometry(array, base):
    """Where `array` lies within the storage of `base`, in elements: the parameters of as_strided."""
    offset, itemsize = place_of(array) - place_of(base), array.itemsize
    if array.size and not 0 <= offset <= reach_of(base, itemsize) - reach_of(array, itemsize):
        raise errors.parted()
    return {
        "size": array.shape,
        "stride": steps_of(array, itemsize),
        "storage_offset": offset // itemsize,
        "base_stride": steps_of(base, itemsize),
    }


def bind(as_strided, copy_slices, view_across, written_across):
    """Give this module what a view is of its base, and a write through it for the base; also where dtypes differ."""
    global _as_strided, _copy_slices, _view_across, _written_across
    _as_strided, _copy_slices, _view_across, _written_across = as_strided, copy_slices, view_across, written_across


if not cython.compiled:

    def place_of(array):
        return array.__array_interface__["data"][0]

    def reach_of(array, itemsize):
        """How many bytes of memory lie between the first and the last of an array, these included."""
        return itemsize + sum([(n - 1) * s for n, s in zip(array.shape, array.strides)]) if array.size else 0

    def steps_of(array, itemsize):
        """The strides in elements."""
        return tuple([s // itemsize for s in array.strides])


core.bind(run_inplace=run_inplace, renewed=renewed)
