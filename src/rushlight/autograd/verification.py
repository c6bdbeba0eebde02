"""Every derivative checked while it is used: <v, J u> = <J' v, u> for the gradient v at hand and a random u."""

from weakref import WeakKeyDictionary

import numpy as np

from .. import modes, watching
from ..core import TensorBase, wrap
from ..generator import default_generator
from ..ops import forward as forward_mode
from ..ops.hidden import Batched
from .rules import floating

# How far both numbers may differ, relative to the sizes of the products that they are sums of.
_RTOL = {"float64": 1e-5, "float32": 1e-3, "float16": 5e-2, "bfloat16": 2e-1}
# Operations whose derivative is not that of their forward, because PyTorch has it so.
_BY_CONVENTION = ("normal", "ctc_loss")
# These read one triangle of a symmetric matrix, and their derivative is that for steps which keep it symmetric.
_SYMMETRIC = ("cholesky", "eigh")


class DerivativeError(RuntimeError):
    """What verify raises when a derivative is wrong."""


class verify(watching.Watcher):
    """`with verify():` checks the derivative of every operation that runs backward, custom Functions too.

    In a backward pass each operation turns its gradient v into J' v, J being its Jacobian. For a random direction u,
    <J' v, u> must be <v, J u>. J u comes from the forward alone, in float64: linear operations are applied to u, all others
    give finite differences (forward mode would not do, since elementwise operations use the same rules there). At a
    kink, such as that of abs at 0, anything between the slopes of both sides is right. A disagreement raises
    DerivativeError, which names the line, the operation and both numbers; no `.grad` has changed then.

    The forward pass has to be inside of the block too, since most operations do not keep their inputs. `skip` names
    operations and Functions not to be checked, such as a straight-through estimator. The tolerances are for the
    difference of both numbers: `rtol` relative to the length of the vector of products that they are sums of (1e-5 for
    float64, 1e-3 for float32), `atol` absolute (0). What was not checked, and why, is in `skipped`.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], requires_grad=True)
    >>> with rushlight.autograd.verify() as check:
    ...     (x.sin() * x).sum().backward()
    >>> check.checked, check.skipped
    (3, {})
    """

    def __init__(self, *, rtol=None, atol=0.0, skip=()):
        self.checked = 0
        self.skipped = {}
        self._rtol, self._atol = rtol, atol
        self._skip = (skip,) if isinstance(skip, str) else tuple(skip)
        self._calls = WeakKeyDictionary()
        self._random = np.random.default_rng(0)

    def called(self, op, inputs, params, in_place, proceed):
        tracked = any(isinstance(x, TensorBase) and x.requires_grad for x in inputs)
        if not (tracked and op.differentiable and modes.grad_enabled()):
            return proceed()
        if any(isinstance(x, TensorBase) and type(x._array) is Batched for x in inputs):
            return proceed()
        before = [_copied(x) for x in inputs]
        out = proceed()
        node = node_of(op, out, in_place)
        if node is not None:
            self._calls[node] = _Call(op, before, params)
        return out

    def pulled(self, node, g, proceed):
        results = proceed()
        name = called_name(node)
        if name not in self._skip and node.op.name not in _BY_CONVENTION:
            reason = self._check(node, g, results)
            if reason is None:
                self.checked += 1
            else:
                self.skipped[name] = reason
        return results

    def __exit__(self, kind, *rest):
        super().__exit__(kind, *rest)
        if kind is None and self.skipped and not self.checked:
            import warnings

            name, reason = next(iter(self.skipped.items()))
            warnings.warn(f"verify() checked nothing. {name}: {reason}.", UserWarning, stacklevel=2)

    def _check(self, node, g, results):
        """None where the derivative of this node is right; why it cannot be checked; DerivativeError."""
        if any(isinstance(r, TensorBase) and type(r._array) is Batched for r in results):
            return "it ran under vmap"
        call = self._calls.get(node) or _from_kept(node, results)
        if call is None:
            return "its inputs are not known, since it ran before the block began, or under vmap"
        given = g if isinstance(g, list) else [g]
        vs = [None if v is None else _lifted(v._array) for v in given]
        at = [i for i in range(node.count) if _asked(node, i, results[i]) and floating(call.inputs[i])]
        pulled = {i: None if results[i] is None else _lifted(results[i]._array) for i in at}
        values = [*vs, *pulled.values(), *[call.inputs[i]._array for i in at]]
        if not all(a is None or np.isfinite(a).all() for a in values):
            helps = any(v is not None and (v == 0).any() for v in vs) and any(
                r is not None and np.isnan(r).any() for r in pulled.values()
            )
            return "there are values that are not finite" + ("; strong_zero() may help" if helps else "")
        dtypes = [x._array.real.dtype for x in [*given, *[call.inputs[i] for i in at]] if x is not None]
        rtol = self._rtol or max([_RTOL.get(dtype.name, 1e-3) for dtype in dtypes], default=0)
        us = {i: self._direction(call.inputs[i]._array) for i in at}
        if node.op.name in _SYMMETRIC:
            us = {i: (u + u.conj().swapaxes(-1, -2)) / 2 for i, u in us.items()}
        eps = max([np.finfo(dtype).eps for dtype in dtypes if dtype.kind == "f"], default=1e-2)
        difference = _difference(call, vs, pulled, us, rtol, self._atol, eps)
        if difference is None or isinstance(difference, str):
            return difference
        alone = {i: _difference(call, vs, {i: pulled[i]}, {i: us[i]}, rtol, self._atol, eps) for i in at}
        wrong = [i for i, found in alone.items() if isinstance(found, tuple)]
        raise _error(node, call, difference, wrong)

    def _direction(self, x):
        """A random direction, each element of the size of its input, so that a small step stays small."""
        u = self._random.uniform(-1, 1, x.shape)
        if x.dtype.kind == "c":
            u = u + 1j * self._random.uniform(-1, 1, x.shape)
        size = np.abs(_lifted(x))
        return u * np.where(size == 0, 1, size)


def _asked(node, i, result):
    """Whether the gradient of input i was asked for: a pass to some of the leaves leaves out what does not lead there."""
    if node.edge_at(i) is None:
        return False
    if result is not None or node.op.custom is not None:
        return True
    return node.op.joint is None and node.op.rules[i] is None


class _Call:
    """An operation with the inputs that it had."""

    def __init__(self, op, inputs, params):
        self.op, self.inputs, self.params = op, inputs, params

    def outputs(self, moved):
        """The floating outputs, None for the others, with the inputs in `moved` replaced by these arrays.

        The others are brought to double precision too: most operations want one dtype.
        """
        inputs = [moved.get(i, _lifted(x._array) if floating(x) else x) for i, x in enumerate(self.inputs)]
        inputs = [wrap(np.array(x, order="K")) if isinstance(x, (np.ndarray, np.generic)) else x for x in inputs]
        if self.op.custom is None:
            out = self.op(*inputs, **self.params)
        else:
            inputs = [_copied(x) for x in inputs]
            out = self.op.node_class._function._applied(tuple(inputs), self.params)
        return [o if floating(o) else None for o in (out if isinstance(out, tuple) else (out,))]


def called_name(node):
    """What people call the operation of a node: mul, or the class of a custom Function."""
    return node.op.name.removesuffix("Backward") if node.op.custom is not None else node.op.name


def _copied(x):
    """The values of an input as they are now."""
    if isinstance(x, TensorBase):
        return wrap(x._array.copy(order="K"))
    return x.copy() if isinstance(x, np.ndarray) else x


def _lifted(a):
    """An array in double precision."""
    if a.dtype.kind == "c":
        return a.astype(np.complex128)
    return a.astype(np.float64) if a.dtype.kind in "fV" else a


def node_of(op, out, in_place):
    """The node that a call has left behind."""
    for x in out if isinstance(out, tuple) else (out,):
        if not isinstance(x, TensorBase):
            continue
        # A write through a view is recorded for its base, as a node between the two.
        node = x.view_of.base._grad_fn if in_place and x.view_of is not None else x.grad_fn
        if in_place and x.view_of is not None and node is not None:
            node = node.edge_at(1)
        if node is not None and getattr(node, "op", None) is op:
            return node
    return None


def _from_kept(node, results):
    """The same from what a node of before the block keeps, where that is all; of a linear one the shapes are enough."""
    if node.op.custom is not None or node.freed or node.params is None:
        return None
    inputs = []
    for i in range(node.count):
        value = node.saved_at(i)
        if value is None and node.op.kind == "linear" and results[i] is not None:
            value = wrap(np.zeros_like(results[i]._array))
        if value is None:
            return None
        inputs.append(_copied(value))
    return _Call(node.op, inputs, node.params)


def _difference(call, vs, pulled, us, rtol, atol, eps):
    """None where <J' v, u> is <v, J u>; why that cannot be told; or both numbers, and how the second was found.

    `eps` is the resolution of the dtype in which the program computed.
    """
    left = sum(float((r.conj() * us[i]).real.sum()) for i, r in pulled.items() if r is not None)
    # Errors of rounding are independent of u, so they add up like the lengths of vectors.
    size = _length([r * us[i] for i, r in pulled.items() if r is not None])
    before, draws = modes.put_grad(False), default_generator.get_state()
    try:
        with watching.paused(), np.errstate(all="ignore"):
            found = _pushed(call, vs, us) if call.op.kind == "linear" else None
            low, high, noise, way = found or _differences(call, vs, us, eps)
    except (ArithmeticError, IndexError, LookupError, RuntimeError, TypeError, ValueError) as error:
        return f"its forward does not run in float64 ({type(error).__name__}: {error})"
    finally:
        modes.put_grad(before & 1)
        default_generator.set_state(draws)
    if way is None:
        return "its forward gives something else each time"
    margin = atol + rtol * max(size, abs(low), abs(high)) + noise
    if low - margin <= left <= high + margin:
        return None
    return left, (low + high) / 2, way


def _pushed(call, vs, us):
    """<v, J u> by a linear operation itself; None where it does not take tangents."""
    level = forward_mode.Level()
    try:
        moved = {}
        for i, u in us.items():
            moved[i] = wrap(_lifted(call.inputs[i]._array))
            forward_mode.put_tangent(moved[i], level, wrap(u))
        outputs = call.outputs(moved)
        tangents = [None if out is None else forward_mode.tangent_of(out, level) for out in outputs]
    except NotImplementedError:
        return None
    finally:
        level.close()
    parts = [(v.conj() * _lifted(t._array)).real for v, t in zip(vs, tangents) if v is not None and t is not None]
    total, size = sum(float(p.sum()) for p in parts), _length(parts)
    return total, total, size * 1e-7, "the operation applied to u"


def _differences(call, vs, us, given_eps):
    """The least and the largest <v, J u> that differences to either side give, and what rounding may add to them."""
    xs = {i: _lifted(call.inputs[i]._array) for i in us}
    now, again = call.outputs(xs), call.outputs(xs)
    if not all(a is None or np.array_equal(a._array, b._array, equal_nan=True) for a, b in zip(now, again)):
        return 0, 0, 0, None
    eps = max((np.finfo(o._array.dtype).eps if o._array.dtype.kind in "fc" else 1e-2) for o in now if o is not None)
    slopes, noise = [], 0.0
    for step in (eps ** (1 / 3), 3 * eps ** (1 / 3)):
        up = call.outputs({i: x + step * us[i] for i, x in xs.items()})
        down = call.outputs({i: x - step * us[i] for i, x in xs.items()})
        slopes.append([_products(v, a, b, step) for v, a, b in zip(vs, up, now)])
        slopes.append([_products(v, a, b, step) for v, a, b in zip(vs, now, down)])
        sizes = [
            float((np.abs(v) * np.abs(_lifted(a._array))).sum())
            for v, a in zip(vs, now)
            if v is not None and a is not None
        ]
        noise = max(noise, 8 * eps / step * sum(sizes))
    # A rule may use the result as it was rounded: near 1, what sigmoid has left of its slope is lost by that.
    reach = min(100.0, max([1.0, *[float(np.abs(u).max(initial=0)) for u in us.values()]]))
    rounded = _length([v * _lifted(a._array) for v, a in zip(vs, now) if v is not None and a is not None])
    noise += given_eps * reach * rounded
    low = high = 0.0
    for column in zip(*slopes):
        if column[0] is None:
            continue
        least, most = np.fmin.reduce(column), np.fmax.reduce(column)
        low += float(np.where(np.isnan(least), -np.inf, least).sum())
        high += float(np.where(np.isnan(most), np.inf, most).sum())
    return low, high, noise, "a difference of the forward"


def _length(parts):
    """The Euclidean length of all elements of several arrays."""
    return float(np.sqrt(sum(float(np.square(np.abs(part)).sum()) for part in parts)))


def _products(v, up, down, step):
    """v times the slope between two outputs, by element."""
    if v is None or up is None:
        return None
    return (v.conj() * (_lifted(up._array) - _lifted(down._array))).real / step


def _error(node, call, difference, wrong):
    """DerivativeError: both numbers, the line, and the inputs whose derivative is wrong alone."""
    left, right, way = difference
    custom = node.op.custom is not None
    names = [
        f"argument {i + 1}" if custom or i >= len(call.op.inputs) else f"input '{call.op.inputs[i]}'" for i in wrong
    ]
    respect = f" with respect to {' and '.join(names)}" if names else ""
    error = DerivativeError(
        f"The derivative of {called_name(node)}{respect} is wrong: <J'v, u> is {left:.6g} by its backward, but <v, J u> is "
        f"{right:.6g} by {way}. It was recorded at {node.describe()}"
    )
    error.add_note("v is the gradient that it received, J its Jacobian and u a random direction; both must be equal.")
    return error
