"""grad, grad_and_value and vjp: functions differentiated backward."""

from functools import wraps

import numpy as np

from .. import dtypes, pytree
from ..autograd.backward import grad as gradients
from ..autograd.backward import has_history
from ..core import TensorBase, wrap
from ..errors import coded
from ..modes import grad_enabled
from . import arguments
from .history import History, fresh, recorded

_GRAD = "grad_and_value(f)(*args)"
_VJP = "vjp(f, *primals)"


def grad(func, argnums=0, has_aux=False):
    """A function that computes the gradient of `func`, whose result is a tensor of one element without dimensions.

    `argnums` says by which positional argument, or tuple of them; each is a tensor or a tree (tuples, lists, dicts) of
    them, and the gradient is of the same form. With `has_aux` func returns (output, aux), and its gradient (gradient,
    aux). RuntimeError where the output is no scalar tensor.

    >>> import rushlight
    >>> slope = rushlight.func.grad(rushlight.sin)
    >>> slope(rushlight.tensor(0.0)), rushlight.func.grad(slope)(rushlight.tensor(0.0))
    (tensor(1.), tensor(-0.))
    """

    @wraps(func)
    def gradient(*args, **kwargs):
        slopes, _, aux = _differentiated(func, argnums, has_aux, args, kwargs)
        return (slopes, aux) if has_aux else slopes

    return gradient


def grad_and_value(func, argnums=0, has_aux=False):
    """The same as `grad`, for a function that returns (gradient, value); with `has_aux` (gradient, (value, aux)).

    >>> import rushlight
    >>> rushlight.func.grad_and_value(lambda x: (x * x).sum())(rushlight.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @wraps(func)
    def gradient_and_value(*args, **kwargs):
        slopes, value, aux = _differentiated(func, argnums, has_aux, args, kwargs)
        return slopes, ((value, aux) if has_aux else value)

    return gradient_and_value


def _differentiated(func, argnums, has_aux, args, kwargs):
    """(gradients, value, aux) of func at args."""
    with recorded() as recording:
        by = arguments.chosen(args, argnums)
        leaves, spec = ([by], pytree.LEAF) if isinstance(by, TensorBase) else pytree.flatten(by)
        ys = [fresh(x) for x in leaves]
        args = arguments.replaced(args, argnums, ys[0] if spec is pytree.LEAF else pytree.unflatten(ys, spec))
        out, aux = arguments.split_aux(func(*args, **kwargs), has_aux, _GRAD)
        _check_scalar(out)
        history = History(ys, recording)
        wanted = out.requires_grad and history.wanted(out)
        slopes = gradients_or_zeros([out], ys, None, wanted, wanted)
        value = out if wanted else history.settled(out)
        if has_aux:
            aux = arguments.map_aux(history.settled, aux)
    return (slopes[0] if spec is pytree.LEAF else pytree.unflatten(slopes, spec)), value, aux


def _check_scalar(out):
    if not isinstance(out, TensorBase):
        raise coded("RL506", RuntimeError(f"{_GRAD}: Expected f(*args) to return a Tensor, got {type(out)}"))
    if out._array.ndim:
        raise coded(
            "RL506",
            RuntimeError(
                f"{_GRAD}: Expected f(*args) to return a scalar Tensor, got tensor with {out._array.ndim} dims. Maybe you "
                "wanted to use the vjp or jacrev APIs instead?"
            ),
        )


def gradients_or_zeros(outs, ys, cotangents, keep_graph, create_graph):
    """Gradients of ys, zeros for what the outputs do not depend on."""
    if cotangents is None:
        cotangents = [None] * len(outs)
    pairs = [(out, c) for out, c in zip(outs, cotangents) if has_history(out)]
    if not pairs:
        return [zeros(y) for y in ys]
    found = gradients([out for out, _ in pairs], ys, [c for _, c in pairs], keep_graph, create_graph, allow_unused=True)
    return [zeros(y) if g is None else g for g, y in zip(found, ys)]


def zeros(x, *leading):
    """Zeros in the dtype of x and of its shape, behind leading dimensions."""
    return wrap(np.zeros((*leading, *x._array.shape), x._array.dtype))


def vjp(func, *primals, has_aux=False):
    """(output of func, function of a cotangent): that function gives the products with the Jacobian, one per primal.

    Primals, outputs and cotangents are tensors or trees of them; the cotangent is of the form of the output, and the
    result is a tuple of the form of the primals. With `has_aux` func returns (output, aux), and aux comes third.

    >>> import rushlight
    >>> out, pull = rushlight.func.vjp(lambda x: x * x, rushlight.tensor([1.0, 2.0]))
    >>> pull(rushlight.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    with recorded() as recording:
        leaves, spec = pytree.flatten(primals)
        ys = [fresh(x) for x in leaves]
        result, aux = arguments.split_aux(func(*pytree.unflatten(ys, spec)), has_aux, _VJP)
        outs, out_spec = arguments.outputs(result, _VJP)
        history = History(ys, recording)
        shown = pytree.unflatten([history.settled(out) for out in outs], out_spec)
        if has_aux:
            aux = arguments.map_aux(history.settled, aux)
    for out in outs:
        if out._array.dtype.kind not in "fcV":
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                f"{dtypes.of(out._array.dtype)}"
            )
    pull = Pullback(ys, spec, outs, out_spec, history)
    return (shown, pull, aux) if has_aux else (shown, pull)


class Pullback:
    """What vjp returns: the products of a cotangent with the Jacobian."""

    def __init__(self, ys, spec, outs, out_spec, history):
        self._ys, self._spec, self._outs, self._out_spec = ys, spec, outs, out_spec
        self._history = History(ys, True)
        self._wanted = history.wanted(*outs)

    def __call__(self, cotangents, retain_graph=True, create_graph=None):
        leaves, spec = pytree.flatten(cotangents)
        if spec != self._out_spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {starred(spec)}, primal output: {starred(self._out_spec)}"
            )
        for leaf in leaves:
            if not isinstance(leaf, TensorBase):
                raise TypeError(f"gradients can be either Tensors or None, but got {type(leaf).__name__}")
        return pytree.unflatten(self._pulled(self._outs, leaves, retain_graph, create_graph), self._spec)

    def of_output(self, i, cotangent):
        """The products with the rows of output i alone, in a list."""
        return self._pulled(self._outs[i : i + 1], [cotangent], True, None)

    def _pulled(self, outs, cotangents, retain_graph, create_graph):
        if create_graph is None:
            create_graph = grad_enabled() and (self._wanted or self._history.wanted(*cotangents))
        return gradients_or_zeros(outs, self._ys, cotangents, retain_graph, create_graph)


class _Star:
    def __repr__(self):
        return "*"


def starred(spec):
    """A spec written as its tree with a star for each leaf."""
    return repr(pytree.unflatten([_Star()] * spec.count, spec))
