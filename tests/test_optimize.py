"""rushlight.optimize.minimize: every method of SciPy, trees, bounds, constraints, what is handed back."""

import numpy as np
import pytest

import rushlight as rl

optimize = pytest.importorskip("scipy.optimize")

from rushlight.optimize import Objective, minimize  # noqa: E402

METHODS = (
    "Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP", "trust-constr",
    "dogleg", "trust-ncg", "trust-exact", "trust-krylov",
)  # fmt: skip


def rosenbrock(p):
    (x, y) = p["x"], p["rest"][0]
    return (1 - x) ** 2 + 2 * ((y - x**2) ** 2).sum()


def start(dtype=rl.float64):
    return {"x": rl.tensor(0.5, dtype=dtype), "rest": [rl.tensor([[0.3, 0.2]], dtype=dtype)]}


def test_these_are_all_methods():
    assert {method.lower() for method in METHODS} == set(optimize._minimize.MINIMIZE_METHODS)


@pytest.mark.parametrize("method", [None, *METHODS])
# What SciPy and NumPy say to each other in some of the methods.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:scipy.*")
def test_every_method_finds_the_valley(method):
    result = minimize(rosenbrock, start(), method=method)
    assert result.success, result.message
    assert list(result.x) == ["x", "rest"] and result.x["rest"][0].shape == (1, 2)
    near = {"COBYLA": 2e-2}.get(method, 2e-3)
    for leaf in (result.x["x"], result.x["rest"][0]):
        assert leaf.dtype == rl.float64 and not leaf.requires_grad
        np.testing.assert_allclose(leaf.numpy(), 1, atol=near)


def test_derivatives_are_those_of_the_function():
    a = rl.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=rl.float64)
    f = Objective(lambda p: p[0] @ a @ p[0] / 2 + (p[1] ** 3).sum(), (rl.ones(2, dtype=rl.float64), rl.ones(1)))
    np.testing.assert_allclose(f.gradient(f.x0), [4, 3, 3])
    hessian = [[3, 1, 0], [1, 2, 0], [0, 0, 6]]
    np.testing.assert_allclose(f.hessian(f.x0), hessian)
    np.testing.assert_allclose(f.product(f.x0, np.array([1.0, 2.0, 3.0])), np.array(hessian) @ [1, 2, 3])
    # The kept graph is that of the point that is asked for.
    np.testing.assert_allclose(f.hessian(2 * f.x0)[2, 2], 12)
    np.testing.assert_allclose(f.gradient(f.x0), [4, 3, 3])
    assert f.value(f.x0) == 4.5 and [leaf.dtype for leaf in f.tree(f.x0)] == [rl.float64, rl.float32]


def test_what_does_not_depend_or_is_linear_has_zeros():
    f = Objective(lambda p: p[0].sum() * 2, (rl.ones(2), rl.ones(1)))
    assert f.gradient(f.x0).tolist() == [2, 2, 0]
    assert f.hessian(f.x0).tolist() == [[0.0] * 3] * 3
    constant = Objective(lambda p: rl.tensor(3.0), rl.ones(2))
    assert constant.gradient(constant.x0).tolist() == [0, 0]


@pytest.mark.parametrize("method", ["L-BFGS-B", "TNC", "SLSQP", "trust-constr"])
def test_bounds_are_trees(method):
    upper = {"x": 0.5, "rest": None}
    result = minimize(rosenbrock, start(), method=method, bounds=(0, upper))
    np.testing.assert_allclose(result.x["x"].item(), 0.5, atol=1e-4)
    np.testing.assert_allclose(result.x["rest"][0].numpy(), 0.25, atol=1e-3)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_bounds_are_pairs_for_each_element(size):
    bounds = [(0, k + 1) for k in range(size)]
    result = minimize(lambda x: ((x - 9) ** 2).sum(), rl.zeros(size, dtype=rl.float64), bounds=bounds)
    np.testing.assert_allclose(result.x.numpy(), np.arange(1, size + 1))


@pytest.mark.parametrize("method", [None, "SLSQP", "COBYQA", "trust-constr"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning:scipy.*")
def test_nonlinear_constraints_for_every_method(method):
    inside = optimize.NonlinearConstraint(lambda p: (p**2).sum(), 0, 2)
    x0 = rl.tensor([0.5, 0.2], dtype=rl.float64)
    result = minimize(lambda p: p.sum(), x0, method=method, constraints=inside)
    np.testing.assert_allclose(result.x.numpy(), [-1, -1], atol=1e-4)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_constraints_have_derivatives(method):
    def sphere(p):
        return (p**2).sum().reshape(1) - 2

    given = {"type": "eq", "fun": sphere}
    if method == "trust-constr":
        given = optimize.NonlinearConstraint(sphere, 0, 0)
    below = optimize.LinearConstraint(np.array([[1.0, 0.0]]), -5, 5)
    x0 = rl.tensor([2.0, 0.5], dtype=rl.float64)
    result = minimize(lambda p: p.sum(), x0, method=method, constraints=[given, below])
    np.testing.assert_allclose(result.x.numpy(), [-1, -1], atol=1e-4)


def test_single_precision_arguments_and_callbacks():
    seen = []
    x0 = rl.tensor([3.0, -3.0])
    result = minimize(lambda x, c: ((x - c) ** 2).sum(), x0, args=(rl.tensor([1.0, 2.0]),), callback=seen.append)
    assert result.x.dtype == rl.float32 and result.jac.shape == (2,)
    np.testing.assert_allclose(result.x.numpy(), [1, 2], atol=1e-3)
    assert seen and all(type(x) is rl.Tensor for x in seen) and (x0 == rl.tensor([3.0, -3.0])).all()

    def halt(intermediate_result):
        assert isinstance(intermediate_result.x, rl.Tensor)
        raise StopIteration

    assert minimize(lambda x: (x**4).sum(), x0, method="BFGS", callback=halt).nit == 1


def test_wrong_functions_and_starts_are_named():
    with pytest.raises(RuntimeError, match=r"real tensor of one element, got a tensor of shape \(2,\) and"):
        minimize(lambda x: x, rl.ones(2))
    with pytest.raises(TypeError, match=r"x0 must hold floating-point tensors, got one of rushlight\.int64"):
        minimize(lambda x: x.sum(), [rl.ones(2), rl.tensor(3)])
    with pytest.raises(ValueError, match="bounds must be a pair of trees that fit x0"):
        minimize(lambda x: x[0].sum(), [rl.ones(2)], bounds=([1, 2], None))
    with pytest.raises(ValueError, match="or a pair for each element"):
        minimize(lambda x: x.sum(), rl.ones(2), bounds=[(0, 1)] * 3)
