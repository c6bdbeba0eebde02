"""Operations recorded as one node that PyTorch records as several: who looks at such a node is shown several.

`op.shown(node, x)` writes the node anew, with nodes before it for the steps that `op` takes in one. Of a tensor x that
the node kept it returns what stands for it then.
"""

from .. import core, modes
from . import shape


def with_turned_weight(of_three):
    """For a product with a weight that is transposed first: `of_three` is the same with a transposed weight."""

    def shown(node, x=None):
        edge, number, weight, version = node.more[0]
        turned = before(node, shape.t, edge, number, 1)
        kept = viewed(shape.t, weight, version, turned)
        node.more[0] = turned, 0, kept, version
        if node.shapes is not None:
            node.shapes = (*node.shapes[:2], node.shapes[2][::-1])
        node.op, node.params = of_three, of_three.defaults
        return kept if x is not None and x is weight else x

    return shown


def with_turned_right(of_two):
    """The same for a product of two."""

    def shown(node, x=None):
        weight = node.saved1
        turned = before(node, shape.t, node.edge1, node.number1, 1)
        kept = viewed(shape.t, weight, node.version1, turned)
        node.edge1, node.number1, node.saved1 = turned, 0, kept
        node.op, node.params = of_two, of_two.defaults
        return kept if x is not None and x is weight else x

    return shown


def with_row(product):
    """For a vector times a matrix: the vector as a row, their `product`, and the row as a vector again."""

    def shown(node, x=None):
        vector = node.saved0
        row = before(node, shape.unsqueeze, node.edge0, node.number0, 2)
        if row is not None:
            row.params, row.shapes = {"dim": 0}, node.shapes[:1]
        kept = viewed(shape.unsqueeze, vector, node.version0, row, dim=0)
        inner = before(node, product, row or node.edge1, 0, 1)
        inner.edge0, inner.number0, inner.saved0, inner.version0 = row, 0, kept, node.version0
        inner.edge1, inner.number1, inner.saved1, inner.version1 = node.edge1, node.number1, node.saved1, node.version1
        inner.count, inner.freed = 2, node.freed
        node.edge0, node.number0, node.saved0, node.edge1, node.saved1 = inner, 0, None, None, None
        node.count, node.shapes = 1, ((1, node.shapes[1][1]),)
        node.op, node.params = shape.squeeze_after, {"dim": (0,)}
        return kept if x is not None and x is vector else x

    return shown


def before(node, op, edge, number, place):
    """A node of `op` with one input, `place` before another in the order of recording; None of a constant."""
    if edge is None:
        return None
    new = core.new_node(op)
    new.sequence = node.sequence - place
    new.copy_line(node)
    new.edge0, new.number0, new.count, new.params = edge, number, 1, op.defaults
    return new


def viewed(op, x, version, node, **params):
    """The view that `op` would have made of a tensor when that was kept, with `node` as its history."""
    if not isinstance(x, core.TensorBase):
        return x
    flags = modes.put_grad(False)
    try:
        view = core.run_view(op, x, params or op.defaults)
    finally:
        modes.put_grad(flags & 1)
    view.view_of.version = version
    if node is not None:
        view._grad_fn, view._requires_grad = node, True
    return view
