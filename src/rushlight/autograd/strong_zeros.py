"""Strong zero: what is exactly zero stays zero through an infinite or undefined derivative."""

import numpy as np

from ..core import wrap
from ..ops import forward as forward_mode
from ..ops.compare import isfinite
from ..ops.hidden import every
from ..ops.selection import where
from ..watching import Watcher
from .rules import arguments, fitted, floating, rule_of, through

# Not declared linear, since they add a constant; their rules are products of the gradient and another input.
_PRODUCTS = ("addmm", "addmm_nt", "addmv", "addr", "baddbmm", "addbmm", "convolution", "convolution_transpose")


class strong_zero(Watcher):
    """`with strong_zero():` a gradient that is exactly zero stays zero where the derivative is infinite or nan.

    `where(x > 0, sqrt(x), 0)` then has the gradient 0 at 0, not nan: nothing arrives at the square root from there, and
    nothing leaves it. Only the backward pass has to be inside of the block; gradients that are finite do not change.

    - Elementwise operations: each element whose incoming gradient is zero gives zero.
    - Matrix products and convolutions: in their sums, zero times an infinite or nan factor counts as zero.
    - Reductions (`std`, `norm`, `logsumexp`): each element gives zero where the gradient of its result is zero; and
      softmax, log_softmax, cumprod and logcumsumexp: where the gradient of its whole slice along `dim` is.
    - All others, custom Functions too: if the gradient is zero throughout, so are the results.
    - Derivatives of higher order, each taken inside of the block, follow the same rules.
    - Forward mode: in elementwise operations a tangent that is zero contributes zero; in all others if all tangents
      are. Writes in place are not covered in forward mode.

    An infinite derivative that meets a gradient which is not zero stays infinite.

    >>> import rushlight
    >>> x = rushlight.tensor([0.0, 4.0], requires_grad=True)
    >>> with rushlight.autograd.strong_zero():
    ...     rushlight.where(x > 0, x.sqrt(), 0).sum().backward()
    >>> x.grad
    tensor([0.0000, 0.2500])
    """

    # Calls are asked about in forward mode, where a level takes all of them the long way anyway.
    watches_calls = False

    def called(self, op, inputs, params, in_place, proceed):
        out = proceed()
        if not in_place and op.differentiable and op.custom is None and not isinstance(out, tuple):
            for level in forward_mode.levels_of(inputs):
                tangent = forward_mode.tangent_of(out, level)
                if tangent is not None and not _finite(tangent):
                    repaired = forward_mode.below(level.number, _pushed, op, inputs, params, out, level, tangent)
                    forward_mode.put_tangent(out, level, repaired)
        return out

    def pulled(self, node, g, proceed):
        with np.errstate(all="ignore"):
            results = proceed()
            if all(r is None or _finite(r) for r in results):
                return results
            return [r if r is None or _finite(r) else _repaired(node, i, g, r) for i, r in enumerate(results)]


def _finite(x):
    return not floating(x) or bool(np.isfinite(every(x._array)).all())


def _zero_throughout(parts):
    """A truth value: whether gradients or tangents are zero in all elements (of a sample, under vmap)."""
    zero = None
    for part in parts:
        if part is not None:
            whole = (part == 0).all()
            zero = whole if zero is None else zero & whole
    return zero


def _repaired(node, i, g, result):
    """The gradient of input i, not finite somewhere, without what comes from a gradient of zero."""
    op, rule = node.op, rule_of(node, i)
    if isinstance(g, list):
        return where(_zero_throughout(g), 0, result)
    if op.custom is None and rule is not None:
        if op.kind == "elementwise":
            return fitted(node, i, where(g == 0, 0, through(node, rule, g, arguments(node, rule))))
        if op.kind == "linear" or op.name in _PRODUCTS:
            result = _product(node, i, rule, g, result)
        else:
            result = _along(node, g, result)
    return where(_zero_throughout([g]), 0, result)


def _product(node, i, rule, g, result):
    """The same for sums of products: those with a zero gradient are left out.

    The sums are made with the factors that are finite, and stay as they were where another factor met a gradient. Which
    these are tells the same rule on random weights: sums of ones might cancel.
    """
    given = arguments(node, rule)
    infinite = [floating(x) and not _finite(x) for x in given]
    if not any(infinite):
        return result
    random = np.random.default_rng(0)
    finite = [where(isfinite(x), x, 0) if bad else x for x, bad in zip(given, infinite)]
    weights = [where(isfinite(x), 0, _weights(x, random)) if bad else x for x, bad in zip(given, infinite)]
    met = fitted(node, i, rule.fn(where(g == 0, 0, _weights(g, random)), *weights))
    return where(met == 0, fitted(node, i, through(node, rule, g, finite)), result)


def _weights(like, random):
    """Positive random numbers in the shape and dtype of a tensor."""
    return wrap(random.uniform(0.5, 1.5, like._array.shape).astype(like._array.dtype))


def _along(node, g, result):
    """The same for operations along dimensions, whose slices do not depend on each other."""
    params, shape, zero = node.params, result._array.shape, g == 0
    dim = params.get("dim")
    if node.count != 1 or "dim" not in params or not shape:
        return result
    if "keepdim" in params:
        dims = range(len(shape)) if dim is None or dim == () else dim if isinstance(dim, tuple) else (dim,)
        dims = {d % len(shape) for d in dims}
        return where(zero.reshape([1 if d in dims else n for d, n in enumerate(shape)]), 0, result)
    if isinstance(dim, int) and g._array.shape == shape:
        return where(zero.all(dim, keepdim=True), 0, result)
    return result


def _pushed(op, inputs, params, out, level, tangent):
    """The tangent of a result, not finite somewhere, without what comes from a tangent of zero."""
    tangents = [forward_mode.tangent_of(x, level) for x in inputs]
    if op.kind != "elementwise":
        return where(_zero_throughout(tangents), 0, tangent)
    total = None
    for t, rule in zip(tangents, op.rules):
        if t is None or rule is None:
            continue
        given = [forward_mode.argument(op, rule, k, inputs, params, out) for k in range(rule.count)]
        part = where(t == 0, 0, rule.fn(t, *given))
        total = part if total is None else total + part
    return forward_mode.like(total, out)
