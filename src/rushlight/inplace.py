"""In-place writes: what may be written, and what a write means for the history of a tensor and of its base."""

import numpy as np

try:
    import cython
except ImportError:
    from . import uncompiled as cython

from . import core, errors
from .core import arrays_for, needed_of, new_node, recorded, storage_geometry, wrap
from .modes import grad_enabled

if not cython.compiled:
    from numpy import ndarray

_copy_slices = None


def run_inplace(op, x, rest, params):
    """Write op(x, *rest) over x and record it, without regard to function transforms."""
    rest = tuple([wrap(r) if isinstance(r, ndarray) else r for r in rest])
    inputs = (x, *rest)
    needed = needed_of(inputs) if op.differentiable and grad_enabled() else 0
    if needed != 0:
        errors.check_inplace(x)
    array = x._array
    out = np.asarray(op.compute(arrays_for(op, inputs), params))
    errors.check_result(op, array, out)
    node = None
    if needed != 0:
        node = recorded(op, inputs, params, array, needed)
        if node.saved0 is x:
            node.saved0, node.version0 = wrap(array.copy()), 0
    np.copyto(array, out, casting="unsafe")
    x.counter().bump()
    if node is not None:
        if (op.out_mask & needed) != 0:
            node.outs = ((array, x.versions, x.versions.n),)
        rebase(x, node)
    return x


def rebase(x, node):
    """Make `node` the history of x after an in-place write, and of the base that x is a view of."""
    view = x.view_of
    if view is None:
        before = x._grad_fn
        x._grad_fn, x._requires_grad, x.output_nr = node, True, 0
        if before is not None and before.extras is not None:
            before.extras.move_retained(x, node)
        return
    base = view.base
    scatter = new_node(_copy_slices)
    scatter.put_input(0, base, False)
    scatter.edge1, scatter.number1 = node, 0
    scatter.count = 2
    scatter.params = storage_geometry(x._array, base._array)
    scatter.conjugate = base._array.dtype.kind == "c"
    base._grad_fn, base._requires_grad, base.output_nr = scatter, True, 0
    # Any version but the present one makes the view ask for a new history.
    view.version = -1


def bind(copy_slices):
    """Give this module the operation that a write through a view is for the base."""
    global _copy_slices
    _copy_slices = copy_slices


core.bind(run_inplace=run_inplace)
