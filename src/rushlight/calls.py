"""The short way of a call with three tensors, or with a parameter, as `core.call1` and `core.call2` are for one and two."""

try:
    import cython
except ImportError:
    from . import uncompiled as cython

from . import allocation
from .core import apply, new_node, packers_entered, transforms_entered
from .modes import grad_enabled

if not cython.compiled:
    from .core import attach, fresh, plain
    from .kernels.compare import as_tensor, shape_of


def ordinary(x):
    """Whether a call with this tensor takes the short way: no transforms, no hooks of saved tensors, no subclass."""
    return transforms_entered(0) == 0 and packers_entered(0) == 0 and plain(x)


def recording(x, y, z):
    """Which of three tensors a recorded call wants gradients for, as a bit set; z may be None."""
    needed = (1 if as_tensor(x).tracked() else 0) | (2 if as_tensor(y).tracked() else 0)
    if z is not None and as_tensor(z).tracked():
        needed |= 4
    return needed if needed and grad_enabled() else 0


def call3(op, x, y, z):
    """An operation on three tensors of the same dtype, of which none needs its gradient brought to another shape."""
    if op.kernel is None or not (ordinary(x) and plain(y) and plain(z)):
        return apply(op, (x, y, z), op.defaults)
    a, b, c = as_tensor(x)._array, as_tensor(y)._array, as_tensor(z)._array
    try:
        out = op.kernel.call3(a, b, c)
    except MemoryError as error:
        allocation.refuse(op, error, (a, b, c), op.defaults)
        raise
    if out is NotImplemented:
        return apply(op, (x, y, z), op.defaults)
    tensor = fresh(out)
    needed = recording(x, y, z)
    if needed:
        node = new_node(op)
        mask = op.keeps(needed)
        node.put_first(x, (mask & 1) != 0)
        node.put_second(y, (mask & 2) != 0)
        node.put_further(z, (mask & 4) != 0)
        node.count = 3
        node.params = op.defaults
        if op.uses_shapes:
            node.shapes = (shape_of(a), shape_of(b), shape_of(c))
        attach(node, tensor, op, needed)
    return tensor


def call_with(op, x, value):
    """An operation on a tensor, with the value of its only parameter."""
    params = {op.params[0]: value}
    if op.kernel is None or not ordinary(x):
        return apply(op, (x,), params)
    array = as_tensor(x)._array
    try:
        out = op.kernel.call2(array, value)
    except MemoryError as error:
        allocation.refuse(op, error, (array,), params)
        raise
    if out is NotImplemented:
        return apply(op, (x,), params)
    tensor = fresh(out)
    if op.differentiable and as_tensor(x).tracked() and grad_enabled():
        node = new_node(op)
        node.put_first(x, (op.keep1 & 1) != 0)
        node.count = 1
        node.params = params
        if op.uses_shapes:
            node.shapes = (shape_of(array),)
        attach(node, tensor, op, 1)
    return tensor
