"""L-BFGS: quasi-Newton steps from the last few changes of the gradient."""

import numpy as np

from ..core import wrap, written
from ..tensor import Tensor
from .checks import check_lr
from .line_search import strong_wolfe
from .optimizer import Optimizer, called
from .plan import Plan

# What is kept from one step to the next.
KEPT = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


class LBFGS(Optimizer):
    """Up to `max_iter` iterations per step, each along the inverse Hessian that `history_size` changes tell of.

    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989). `step` needs a closure
    that computes the loss and its gradients anew; `line_search_fn="strong_wolfe"` chooses the lengths, else they are
    `lr`. An iteration ends the step where the largest gradient is at most `tolerance_grad`, or where the loss or the
    parameters change by less than `tolerance_change`. One group of parameters only. Raises ValueError for a second.

    >>> import rushlight
    >>> x = rushlight.tensor([4.0], requires_grad=True)
    >>> optimizer = rushlight.optim.LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((x - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(9., grad_fn=<SumBackward0>)
    >>> x
    tensor([1.], requires_grad=True)
    """

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def _needed(self, group):
        return ("func_evals", "n_iter")

    def step(self, closure):
        """Change the parameters, or none where it raises; returns what the first call of `closure()` returned."""
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = called(closure)
        before = Plan()
        before.params = self._params
        for param in self._params:
            before.put(param._array, param._array.copy())
        kept = dict(state)
        try:
            _Search(self._params, closure, group, state).run(_number(first))
        except BaseException:
            before.take()
            state.update(kept)
            raise
        return first

    def __setstate__(self, state):
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]


class _Search:
    """One step: iterations over all parameters as one vector."""

    def __init__(self, params, closure, group, state):
        self.params = params
        self.closure = closure
        self.group = group
        self.state = state
        kept = {name: _arrays(state.get(name)) for name in KEPT}
        self.d, self.t, self.last_grad, self.last_loss = (kept[n] for n in ("d", "t", "prev_flat_grad", "prev_loss"))
        self.changes, self.moves, self.weights = (list(kept[n] or ()) for n in ("old_dirs", "old_stps", "ro"))
        self.scale = 1 if kept["H_diag"] is None else kept["H_diag"]

    def run(self, loss):
        group, state = self.group, self.state
        grad, asked = self._grad(), 1
        state["func_evals"] += 1
        if _largest(grad) <= group["tolerance_grad"]:
            return
        for n in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._turn(grad)
            self.last_grad, self.last_loss = grad, loss
            lr = float(group["lr"])
            self.t = min(1.0, 1.0 / float(abs(grad).sum())) * lr if state["n_iter"] == 1 else lr
            slope = float(np.dot(grad, self.d))
            if slope > -group["tolerance_change"]:
                break
            loss, grad, count = self._move(loss, grad, slope, n < group["max_iter"])
            asked += count
            state["func_evals"] += count
            if asked >= group["max_eval"] or _largest(grad) <= group["tolerance_grad"]:
                break
            tolerance = group["tolerance_change"]
            if _largest(self.d) * abs(self.t) <= tolerance or abs(loss - self.last_loss) < tolerance:
                break
        self._keep()

    def _turn(self, grad):
        """The direction of this iteration, after learning from the last one."""
        if self.state["n_iter"] == 1:
            self.d, self.changes, self.moves, self.weights, self.scale = -grad, [], [], [], 1
            return
        change, move = grad - self.last_grad, self.d * self.t
        curvature = np.dot(change, move)
        if curvature > 1e-10:
            if len(self.changes) == self.group["history_size"]:
                for kept in (self.changes, self.moves, self.weights):
                    del kept[:1]
            self.changes.append(change)
            self.moves.append(move)
            self.weights.append(1.0 / curvature)
            self.scale = curvature / np.dot(change, change)
        q, shares = -grad, []
        for change, move, weight in zip(reversed(self.changes), reversed(self.moves), reversed(self.weights)):
            shares.append(np.dot(move, q) * weight)
            q -= shares[-1] * change
        q *= self.scale
        for change, move, weight, share in zip(self.changes, self.moves, self.weights, reversed(shares)):
            q += move * (share - np.dot(change, q) * weight)
        self.d = q

    def _move(self, loss, grad, slope, again):
        """Go along the direction: the loss and the gradient there, and how often the closure was called for them."""
        if self.group["line_search_fn"] is not None:
            before = [p._array.copy() for p in self.params]
            loss, grad, self.t, count = strong_wolfe(
                lambda t: self._measure(before, t), self.t, self.d, loss, grad, slope
            )
            self._add(self.t)
            return loss, grad, count
        self._add(self.t)
        # The last iteration would not use them.
        return (_number(called(self.closure)), self._grad(), 1) if again else (loss, grad, 0)

    def _measure(self, before, t):
        self._add(t)
        loss = _number(called(self.closure))
        grad = self._grad()
        for param, array in zip(self.params, before):
            param._array[...] = array
            written(param)
        return loss, grad

    def _add(self, t):
        at = 0
        for param in self.params:
            array = param._array
            size = array.size * (2 if array.dtype.kind == "c" else 1)
            part = self.d[at : at + size]
            array += t * (part.view(array.dtype) if array.dtype.kind == "c" else part).reshape(array.shape)
            written(param)
            at += size

    def _grad(self):
        """All gradients as one vector; zeros where there is none, and complex numbers as two."""
        return np.concatenate([_flat(p._array, None if p._grad is None else p._grad._array) for p in self.params])

    def _keep(self):
        values = (self.d, self.t, self.changes, self.moves, self.weights, self.scale, self.last_grad, self.last_loss)
        self.state.update(zip(KEPT, [*map(_tensors, values)]))


def _flat(array, grad):
    flat = np.zeros(array.size, array.dtype) if grad is None else np.ravel(grad)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def _number(loss):
    return loss.item() if isinstance(loss, Tensor) else float(loss)


def _largest(array):
    return abs(array).max() if array.size else 0.0


def _arrays(value):
    if isinstance(value, Tensor):
        return value._array
    return [_arrays(v) for v in value] if isinstance(value, list) else value


def _tensors(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return wrap(np.asarray(value))
    return [_tensors(v) for v in value] if isinstance(value, list) else value
