"""scipy.optimize for functions of tensors: `minimize`, and `Objective` for SciPy's other functions.

SciPy works on a vector of doubles; here a function has tensors, in lists, dictionaries or whatever `pytree` knows. Its
gradients, Hessians and Hessian-vector products are computed by differentiation. It needs SciPy: `pip install rushlight[scipy]`.
"""

import numpy as np

from . import autograd, pytree
from .core import TensorBase
from .functions.literal import as_tensor
from .missing import of_module

__all__ = ["Objective", "minimize"]

_WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_WITH_PRODUCTS = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
_WITH_HESSIAN = ("dogleg", "trust-exact")


def minimize(fun, x0, args=(), method=None, *, bounds=None, constraints=(), tol=None, callback=None, options=None):
    """scipy.optimize.minimize of a function of tensors.

    `fun(x, *args)` takes a tree like `x0` (a tensor, or tensors in tuples, lists, dictionaries) and returns a real
    tensor of one element. SciPy gets its gradient where the method uses one, Hessian-vector products for "Newton-CG",
    "trust-ncg", "trust-krylov" and "trust-constr", and the Hessian for "dogleg" and "trust-exact".

    `bounds` are SciPy's, of the flat vector (Bounds, or a pair for each element), or a pair of trees of tensors, numbers or
    None, of which each may stand for a whole branch: `(0, None)` is x >= 0. `constraints` are SciPy's, with functions
    that take the tree and return a tensor; their derivatives are added. `callback(x)` gets the tree.

    Returns SciPy's OptimizeResult: `x` and `jac` are trees of tensors with the dtypes of x0. Raises TypeError for an x0
    that holds something else than floating-point tensors or numbers, RuntimeError for a function that returns no real
    scalar, ImportError without SciPy.

    >>> import rushlight
    >>> from rushlight.optimize import minimize
    >>> def rosenbrock(p):
    ...     return (1 - p["x"]) ** 2 + 100 * (p["y"] - p["x"] ** 2) ** 2
    >>> start = {"x": rushlight.tensor(-1.2, dtype=rushlight.float64), "y": rushlight.tensor(1.0, dtype=rushlight.float64)}
    >>> result = minimize(rosenbrock, start, method="trust-ncg")
    >>> result.success, result.x["y"]
    (True, tensor(1.0000, dtype=rushlight.float64))
    """
    optimize = _scipy_optimize()
    objective = Objective(fun, x0, args)
    name = method.lower() if isinstance(method, str) else ""
    given = {}
    if name not in _WITHOUT_GRADIENT:
        given["jac"] = objective.gradient
    if name in _WITH_PRODUCTS or callable(method):
        given["hessp"] = objective.product
    if name in _WITH_HESSIAN:
        given["hess"] = objective.hessian
    result = optimize.minimize(
        objective.value,
        objective.x0,
        method=method,
        bounds=_bounds(bounds, objective, optimize),
        constraints=_constraints(constraints, objective, optimize, name),
        tol=tol,
        callback=_callback(callback, objective),
        options=options,
        **given,
    )
    result.x = objective.tree(result.x)
    if isinstance(result.get("jac"), np.ndarray):
        result.jac = objective.tree(result.jac)
    return result


class Objective:
    """A function of tensors as SciPy wants it: of a vector of doubles, with its derivatives.

    `value(x)`, `gradient(x)`, `product(x, v)` (the Hessian times v) and `hessian(x)` take and return arrays; `x0` is the
    start as a vector, and `tree(x)` puts a vector into the form of the start.

    >>> import rushlight, scipy.optimize
    >>> from rushlight.optimize import Objective
    >>> f = Objective(lambda x: ((x**2 - 4) ** 2).sum() + x.sum(), rushlight.tensor([3.0], dtype=rushlight.float64))
    >>> f.gradient(f.x0), f.hessian(f.x0)
    (array([61.]), array([[92.]]))
    >>> found = scipy.optimize.basinhopping(f.value, f.x0, niter=10, stepsize=4, minimizer_kwargs={"jac": f.gradient})
    >>> round(f.tree(found.x).item(), 2)
    -2.03
    """

    def __init__(self, fun, x0, args=()):
        self.fun, self.args = fun, args if isinstance(args, tuple) else (args,)
        leaves, self.spec = pytree.flatten(x0)
        self.like = [as_tensor(leaf).detach() for leaf in leaves]
        wrong = next((leaf.dtype for leaf in self.like if not leaf.is_floating_point()), None)
        if wrong is not None:
            raise TypeError(f"x0 must hold floating-point tensors, got one of {wrong}")
        self.x0 = self.flat(self.like)
        self._at = self._value = self._gradient = None

    def tree(self, x):
        """A vector in the form of x0: tensors of its shapes and dtypes."""
        return pytree.unflatten(self._leaves(x), self.spec)

    def flat(self, leaves):
        """Leaves in one vector of doubles; the other way round than `tree`."""
        parts = [leaf.detach().numpy().ravel() for leaf in leaves]
        return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)

    def value(self, x):
        """The function at a vector, a float."""
        with autograd.no_grad():
            return float(self._scalar(self.fun(self.tree(x), *self.args)))

    def gradient(self, x):
        """The gradient at a vector."""
        return self.flat(self._differentiated(x, False)[1])

    def product(self, x, v):
        """The Hessian at x times the vector v; the graph of the gradient at x is kept for the next one."""
        leaves, gradients = self._differentiated(x, True)
        pairs = [(g, w) for g, w in zip(gradients, self._leaves(v)) if g.requires_grad]
        if not pairs:
            return np.zeros_like(x)
        outputs, weights = zip(*pairs)
        return self.flat(autograd.grad(outputs, leaves, weights, retain_graph=True, materialize_grads=True))

    def hessian(self, x):
        """The Hessian at a vector, by a product for each of its rows."""
        return np.stack([self.product(x, row) for row in np.eye(len(x))])

    def _leaves(self, x):
        ends = np.cumsum([leaf.numel() for leaf in self.like])[:-1]
        return [
            as_tensor(part.reshape(leaf.shape)).to(leaf.dtype, copy=True)
            for part, leaf in zip(np.split(np.asarray(x), ends), self.like)
        ]

    def _differentiated(self, x, twice):
        """(leaves, gradients) at a vector; with a graph for a second derivative where it is asked for `twice`."""
        if self._at is not None and (self._at[1] or not twice) and np.array_equal(self._at[0], x):
            return self._value, self._gradient
        leaves = [leaf.requires_grad_() for leaf in self._leaves(x)]
        with autograd.enable_grad():
            out = self._scalar(self.fun(pytree.unflatten(leaves, self.spec), *self.args))
            gradients = [leaf.new_zeros(leaf.shape) for leaf in leaves]
            if out.requires_grad:
                gradients = autograd.grad(out, leaves, create_graph=twice, materialize_grads=True)
        self._at, self._value, self._gradient = (np.array(x), twice), leaves, gradients
        return leaves, gradients

    def _scalar(self, out):
        if not isinstance(out, TensorBase) or out.numel() != 1 or out.is_complex():
            what = f"a tensor of shape {tuple(out.shape)} and {out.dtype}" if isinstance(out, TensorBase) else repr(out)
            raise RuntimeError(f"the function must return a real tensor of one element, got {what}")
        return out.reshape(())


def _bounds(bounds, objective, optimize):
    if bounds is None or isinstance(bounds, optimize.Bounds):
        return bounds
    spread = [pytree.broadcast_prefix(tree, objective.spec) for tree in bounds]
    if len(spread) != 2 or None in spread:
        if len(bounds) == len(objective.x0) and all(isinstance(b, (list, tuple)) and len(b) == 2 for b in bounds):
            return bounds
        raise ValueError(f"bounds must be a pair of trees that fit x0, or a pair for each element, got {bounds!r}")
    ends = []
    for tree, none in zip(spread, (-np.inf, np.inf)):
        parts = [
            np.broadcast_to(none if end is None else np.asarray(end), tuple(like.shape)).ravel()
            for end, like in zip(tree, objective.like)
        ]
        ends.append(np.concatenate(parts))
    return optimize.Bounds(*ends)


def _constraints(constraints, objective, optimize, method):
    given = [constraints] if not isinstance(constraints, (list, tuple)) else constraints
    return [_constraint(each, objective, optimize, method) for each in given]


def _constraint(given, objective, optimize, method):
    """A constraint of SciPy with functions of vectors, and with their derivatives."""
    if isinstance(given, optimize.LinearConstraint):
        return given
    nonlinear = isinstance(given, optimize.NonlinearConstraint)
    fun, args = (given.fun, ()) if nonlinear else (given["fun"], given.get("args", ()))

    def row(weights):
        """The sum of what the function returns, times weights, as a function to be differentiated."""
        weights = np.asarray(weights, np.float64)
        return Objective(lambda x: (fun(x, *args).reshape(-1) * as_tensor(weights)).sum(), objective.tree(objective.x0))

    def value(x):
        with autograd.no_grad():
            return fun(objective.tree(x), *args).reshape(-1).numpy().astype(np.float64)

    def jacobian(x):
        return np.stack([row(unit).gradient(x) for unit in np.eye(len(value(x)))])

    if not nonlinear:
        return {"type": given["type"], "fun": value, "jac": jacobian}
    # SciPy warns of a Hessian that the method does not use.
    second = {"hess": lambda x, v: row(v).hessian(x)} if method == "trust-constr" else {}
    return optimize.NonlinearConstraint(
        value, given.lb, given.ub, jac=jacobian, keep_feasible=given.keep_feasible, **second
    )


def _callback(callback, objective):
    if callback is None:
        return None
    from inspect import signature

    if set(signature(callback).parameters) == {"intermediate_result"}:

        def of_result(intermediate_result):
            intermediate_result.x = objective.tree(intermediate_result.x)
            return callback(intermediate_result=intermediate_result)

        return of_result
    return lambda x, *state: callback(objective.tree(x), *state)


def _scipy_optimize():
    try:
        from scipy import optimize
    except ImportError:
        raise ImportError(
            "rushlight.optimize needs SciPy, which is not installed: pip install rushlight[scipy]"
        ) from None
    return optimize


__getattr__ = of_module(__name__)
