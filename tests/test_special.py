"""Special functions: exact values, accuracy against SciPy, derivatives to higher orders, and PyTorch's edges."""

import math

import numpy as np
import pytest

import rushlight
from rushlight import kernels, special
from rushlight.autograd import grad, gradcheck
from rushlight.kernels import series

EPS = np.finfo(np.float64).eps
random = np.random.default_rng(3)
BOTH_SIDES = np.concatenate([random.normal(size=400) * 4, random.uniform(-20, 20, 200), [0.0, -0.0]])
POSITIVE = np.concatenate([random.uniform(0.01, 20, 400), 10.0 ** random.uniform(-10, 4, 100)])
INSIDE = random.uniform(0.001, 0.999, 500)

# Value at 1.5 to 17 digits, computed to 30 with mpmath.
GOLDEN = {
    "erfcx": 0.3215854164543175, "log_ndtr": -0.069143455612233983,
    "ndtr": 0.93319279873114193, "gammaln": -0.12078223763524522,
    "digamma": 0.036489973978576521, "i0": 1.6467231897728908,
    "i0e": 0.36743360905415834, "i1": 0.98166642857790759,
    "i1e": 0.21903938742092567, "modified_bessel_k0": 0.21380556264752574,
    "modified_bessel_k1": 0.27738780045684382, "scaled_modified_bessel_k0": 0.9582100532948965,
    "scaled_modified_bessel_k1": 1.243165873552553, "bessel_j0": 0.51182767173591813,
    "bessel_j1": 0.55793650791009964, "bessel_y0": 0.38244892379775884,
    "bessel_y1": -0.4123086269739113, "spherical_bessel_j0": 0.66499665773603629,
    "airy_ai": 0.07174949700810541,
}  # fmt: skip
SCIPY = {
    "erf": ("erf", BOTH_SIDES), "erfc": ("erfc", BOTH_SIDES), "erfcx": ("erfcx", BOTH_SIDES[BOTH_SIDES > -5]),
    "ndtr": ("ndtr", BOTH_SIDES[BOTH_SIDES > -5]), "log_ndtr": ("log_ndtr", BOTH_SIDES[BOTH_SIDES < 5]), "ndtri": ("ndtri", INSIDE),
    "erfinv": ("erfinv", 2 * INSIDE - 1), "gammaln": ("gammaln", POSITIVE), "digamma": ("digamma", POSITIVE),
    "i0": ("i0", BOTH_SIDES), "i0e": ("i0e", BOTH_SIDES), "i1": ("i1", BOTH_SIDES), "i1e": ("i1e", BOTH_SIDES),
    "modified_bessel_k0": ("k0", POSITIVE[POSITIVE < 500]), "modified_bessel_k1": ("k1", POSITIVE[POSITIVE < 500]),
    "scaled_modified_bessel_k0": ("k0e", POSITIVE), "scaled_modified_bessel_k1": ("k1e", POSITIVE),
    "bessel_j0": ("j0", BOTH_SIDES), "bessel_j1": ("j1", BOTH_SIDES), "bessel_y0": ("y0", POSITIVE),
    "bessel_y1": ("y1", POSITIVE), "airy_ai": ("airy", BOTH_SIDES[BOTH_SIDES < 10]), "entr": ("entr", POSITIVE),
}  # fmt: skip


def value(name, x):
    return getattr(special, name)(rushlight.tensor(x)).numpy()


@pytest.mark.parametrize("name", GOLDEN)
def test_values_to_the_last_digits(name):
    assert value(name, np.array([1.5]))[0] == pytest.approx(GOLDEN[name], rel=16 * EPS)


@pytest.mark.parametrize("name", SCIPY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_right_to_a_few_units_in_the_last_place(name, dtype):
    scipy = pytest.importorskip("scipy.special")
    theirs, x = SCIPY[name]
    x = x.astype(dtype)
    expected = getattr(scipy, theirs)(x.astype(np.float64))
    expected = expected[0] if theirs == "airy" else expected
    # Relative to what the function reaches near a zero; SciPy's own rounding counts too.
    size = np.maximum(np.abs(expected), 0.3 if name[:8] in ("bessel_j", "bessel_y", "digamma") else 1e-30)
    if name == "gammaln" and kernels.load("special") is None:
        # Python's own is right to so many digits of 1 alone.
        size = np.maximum(size, 1)
    if name == "airy_ai":
        size = np.maximum(size, np.where(x < 0, 0.3, 0)) * (1 + np.abs(x) ** 1.5)
    allowed = 64 * EPS if dtype is np.float64 else 4 * np.finfo(np.float32).eps
    assert np.max(np.abs(value(name, x) - expected) / size) < allowed


def test_layouts_and_half_precisions_go_through_the_same_values():
    x = rushlight.tensor([[0.5, 1.5], [2.5, 3.5]])
    assert (special.bessel_j0(x.T) == special.bessel_j0(x).T).all()
    half = special.i0(x.to(rushlight.bfloat16))
    assert half.dtype == rushlight.bfloat16 and (half == special.i0(x).to(rushlight.bfloat16)).all()
    assert special.zeta(x, 2.0)[0, 1].item() == pytest.approx(1.6123753, rel=1e-6)


@pytest.mark.parametrize("a", [0.01, 0.5, 1.0, 3.0, 20.0, 400.0])
@pytest.mark.parametrize("by", [0.2, 0.9, 1.0, 1.1, 3.0])
def test_incomplete_gamma_functions_add_up_to_one_with_right_slopes(a, by):
    a, x = rushlight.tensor([a], dtype=rushlight.float64), rushlight.tensor([a * by], dtype=rushlight.float64)
    lower, upper = rushlight.igamma(a, x), rushlight.igammac(a, x)
    assert (lower + upper).item() == pytest.approx(1, rel=4 * EPS)
    a.requires_grad_(), x.requires_grad_()
    slopes = grad(rushlight.igamma(a, x), (a, x))
    step = 1e-5 * a.item()
    for which, slope in zip((0, 1), slopes):
        moved = [[a.detach() + s * (which == 0), x.detach() + s * (which == 1)] for s in (step, -step)]
        difference = [(f(*moved[0]) - f(*moved[1])).item() / (2 * step) for f in (rushlight.igamma, rushlight.igammac)]
        assert slope.item() == pytest.approx(difference[0], rel=1e-5, abs=1e-9)
        assert slope.item() == pytest.approx(-difference[1], rel=1e-5, abs=1e-9)


def test_incomplete_gamma_values():
    scipy = pytest.importorskip("scipy.special")
    a = np.concatenate([random.uniform(0.01, 30, 300), 10.0 ** random.uniform(-4, 6, 200)])
    x = np.abs(a * (1 + random.normal(size=500) / np.sqrt(a)))
    for ours, theirs in (rushlight.igamma, scipy.gammainc), (rushlight.igammac, scipy.gammaincc):
        expected = theirs(a, x)
        got = ours(rushlight.tensor(a), rushlight.tensor(x)).numpy()
        assert np.max(np.abs(got - expected) / np.maximum(expected, 1e-200)) < (
            1e-7 if kernels.load("special") is None else 2e-12
        )


def test_edges_of_incomplete_gamma_functions():
    a = rushlight.tensor([0.0, 0.0, 1.0, -1.0, 1.0, math.inf, 1.0, math.inf])
    x = rushlight.tensor([0.0, 1.0, 0.0, 1.0, -1.0, 1.0, math.inf, math.inf])
    nan = math.nan
    np.testing.assert_array_equal(rushlight.igamma(a, x).numpy(), [nan, 1, 0, nan, nan, 0, 1, nan])
    np.testing.assert_array_equal(rushlight.igammac(a, x).numpy(), [nan, 0, 1, nan, nan, 1, 0, nan])


# The third derivatives by the first argument, computed to 40 digits with mpmath.
@pytest.mark.parametrize(
    ("a", "x", "third"),
    [(0.3, 0.1, -1.4473733285138701), (5.5, 9.0, -0.0037724397552624266), (400, 390, 3.30809956662365e-05)],
)
def test_igamma_has_derivatives_of_every_order_by_its_first_argument(a, x, third):
    a, x = (rushlight.tensor([v], dtype=rushlight.float64) for v in (a, x))
    a.requires_grad_()
    lower = slopes(lambda a: rushlight.igamma(a, x), a, 3)[0]
    upper = slopes(lambda a: rushlight.igammac(a, x), a, 3)[0]
    assert lower == pytest.approx(third, rel=1e-10) and upper == pytest.approx(-third, rel=1e-10)


def test_slopes_of_igamma_at_the_edges():
    a = rushlight.tensor([1.0, 1.0, math.inf, math.inf, -1.0], dtype=rushlight.float64, requires_grad=True)
    x = rushlight.tensor([0.0, math.inf, 1.0, math.inf, 1.0], dtype=rushlight.float64)
    for order in (1, 2):
        np.testing.assert_array_equal(slopes(lambda a: rushlight.igamma(a, x), a, order), [0, 0, 0, math.nan, math.nan])


def test_incomplete_gamma_of_vast_numbers():
    a = rushlight.tensor([1e10, 1e10, 1e10, 1e19, 1e308, 300.0], dtype=rushlight.float64, requires_grad=True)
    x = rushlight.tensor([1e10 + 1e5, 5.0, 1e300, 1e19, 1e308, 1e308], dtype=rushlight.float64)
    below, above = special.gammainc(a, x), special.gammaincc(a, x)
    first = 0.8413447460725758  # as SciPy has it
    np.testing.assert_allclose(below.detach().numpy(), [first, 0, 1, 0.5, 0.5, 1], rtol=1e-9)
    np.testing.assert_allclose(above.detach().numpy(), [1 - first, 1, 0, 0.5, 0.5, 0], rtol=1e-9)
    (slope,) = grad(below.sum(), a, create_graph=True)
    assert slope.isfinite().all()
    with pytest.raises(RuntimeError, match="beyond 1e8"):
        grad(slope.sum(), a)


# Computed to 40 digits with mpmath: where the order is large, each formula is good for few arguments.
@pytest.mark.parametrize(
    ("s", "q", "value", "slope"),
    [
        (9.0, 10.0, 1.8236735599094341e-9, -4.3474733775348914e-9),
        (30.0, 10.0, 1.0619503904151228e-30, -2.4515778883426859e-30),
        (63.0, 14.0, 6.3040509680534142e-73, -1.6642502274238454e-72),
        (1e300, 1.0, 1.0, 0.0),
        (1e300, 2.0, 0.0, 0.0),
    ],
)
def test_zeta_of_a_high_order(s, q, value, slope):
    s = rushlight.tensor([s], dtype=rushlight.float64, requires_grad=True)
    out = special.zeta(s, q)
    assert out.item() == pytest.approx(value, rel=1e-13)
    assert grad(out, s)[0].item() == pytest.approx(slope, rel=1e-13)


def test_zeta_is_as_steep_by_its_first_argument_with_and_without_its_kernel():
    s, q = np.meshgrid([1.1, 2.0, 3.5, 30.0], [0.2, 1.0, 9.5, 40.0, math.inf, -0.5])
    wide = rushlight.tensor(s, requires_grad=True)
    (slope,) = grad(special.zeta(wide, rushlight.tensor(q)).sum(), wide)
    with np.errstate(all="ignore"):
        wanted = series.zeta_slope(s, q, 1)
    np.testing.assert_allclose(slope.numpy(), wanted, rtol=1e-12)


def slopes(function, x, order):
    out = function(x)
    for _ in range(order):
        (out,) = grad(out.sum(), x, create_graph=True)
    return out.detach().numpy()


# Taylor coefficients at 0 times factorials: what quotients like J1 / x must come to.
@pytest.mark.parametrize(
    ("name", "at_zero"),
    [
        ("bessel_j0", [1, 0, -1 / 2, 0, 3 / 8]),
        ("bessel_j1", [0, 1 / 2, 0, -3 / 8, 0]),
        ("spherical_bessel_j0", [1, 0, -1 / 3, 0, 1 / 5]),
        ("i1", [0, 1 / 2, 0, 3 / 8, 0]),
    ],
)
def test_derivatives_at_zero_to_the_fourth_order(name, at_zero):
    x = rushlight.tensor([0.0], dtype=rushlight.float64, requires_grad=True)
    for order, expected in enumerate(at_zero):
        assert slopes(getattr(special, name), x, order)[0] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("name", ["i0", "i0e", "i1", "i1e"])
def test_short_polynomials_are_right_to_the_rounding_of_float(name):
    x = np.linspace(-40, 40, 20001, dtype=np.float32)
    function = getattr(special, name)
    short = function(rushlight.from_numpy(x)).numpy()
    long = function(rushlight.from_numpy(x).double()).numpy()
    assert (np.abs(short - long) <= 0.6 * np.spacing(np.abs(long).astype(np.float32))).all()


def test_bessel_functions_solve_their_equation():
    x = rushlight.tensor([0.7, 3.0, 9.5, 33.0], dtype=rushlight.float64, requires_grad=True)
    for name, order, sign in (("bessel_j1", 1, 1), ("bessel_y1", 1, 1), ("modified_bessel_k0", 0, -1), ("i1", 1, -1)):
        y, first, second = (slopes(getattr(special, name), x, k) for k in range(3))
        at = x.detach().numpy()
        rest = at * at * second + at * first + (sign * at * at - order * order) * y
        assert np.max(np.abs(rest / (at * at * y))) < 1e-11
    third = slopes(special.airy_ai, x, 3)
    np.testing.assert_allclose(
        third, special.airy_ai(x).detach().numpy() + x.detach().numpy() * slopes(special.airy_ai, x, 1)
    )


@pytest.mark.parametrize("name", [name for name in special.__all__ if "_polynomial_" in name])
def test_polynomials_are_differentiable_to_any_order(name):
    function = getattr(special, name)
    x = rushlight.tensor([-1.0, 0.3, 1.0, 2.5], dtype=rushlight.float64, requires_grad=True)
    assert gradcheck(lambda x: slopes_of(function, x), (x,))
    assert (slopes(lambda x: function(x, 4), x, 5) == 0).all()
    with pytest.raises(NotImplementedError, match=f"the derivative for 'special_{name}: n' is not implemented"):
        function(x, rushlight.tensor(2.0, requires_grad=True)).sum().backward()


def slopes_of(function, x):
    return grad(function(x, 5).sum(), x, create_graph=True)[0]


def test_degrees_of_polynomials_are_cut_to_whole_numbers():
    degrees = rushlight.tensor([-1.0, -0.5, 0.0, 2.7, 2.0])
    assert special.hermite_polynomial_h(rushlight.tensor(3.0), degrees).tolist() == [0, 1, 1, 34, 34]
    assert special.chebyshev_polynomial_t(2, rushlight.tensor([1, 2])).tolist() == [2, 7]
    assert special.chebyshev_polynomial_t(rushlight.tensor(0.5, dtype=rushlight.float64), 3000).item() == pytest.approx(
        1
    )


@pytest.mark.parametrize("name", [name for name in special.__all__ if "_polynomial_" in name])
def test_one_degree_for_all_is_the_same_as_a_degree_for_each(name):
    function, x = getattr(special, name), rushlight.tensor(random.uniform(-2, 2, 150))
    for n in (0.0, 1.0, 7.9, 130.0):
        each = function(x, rushlight.full_like(x, n))
        assert rushlight.allclose(function(x, n), each, rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in special.__all__ if "_polynomial_" in name])
def test_slopes_of_one_degree_for_all_are_those_of_a_degree_for_each(name):
    x = rushlight.tensor(random.uniform(-2, 2, 150), requires_grad=True)
    for order in (1, 3):
        each = slopes(lambda x: getattr(special, name)(x, rushlight.full_like(x, 7.0)), x, order)
        np.testing.assert_allclose(slopes(lambda x: getattr(special, name)(x, 7.0), x, order), each, rtol=1e-9)


# Close to zero, where quotients of their rules would lose digits, and from each formula to the next.
@pytest.mark.parametrize("name", ["i0", "i0e", "i1", "i1e", "bessel_j1", "spherical_bessel_j0", "modified_bessel_i1"])
def test_first_slopes_are_those_that_have_a_history(name):
    x = rushlight.tensor([0.0, -1e-9, 1e-5, -0.3, 0.69, 0.72, 7.9, 8.1, -30.0, 60.0, 2e6], requires_grad=True)
    x = x.detach().double()[: -1 if name[:2] in ("i0", "i1", "mo") else None].requires_grad_()
    (quick,) = grad(getattr(special, name)(x).sum(), x)
    (general,) = grad(getattr(special, name)(x).sum(), x, create_graph=True)
    assert np.max(np.abs(quick.numpy() - general.detach().numpy()) / (1 + np.abs(general.detach().numpy()))) < 1e-13


@pytest.mark.parametrize("name", ["erf", "erfc", "ndtr"])
@pytest.mark.parametrize("dtype", [rushlight.float32, rushlight.float64])
def test_slopes_far_out_are_zero(name, dtype):
    x = rushlight.tensor([1e3, -1e20, 3e38, math.inf], dtype=dtype, requires_grad=True)
    assert (grad(getattr(special, name)(x).sum(), x)[0] == 0).all()


def test_polygamma_far_below_zero():
    x = rushlight.tensor([-20000.25], dtype=rushlight.float64)
    assert rushlight.polygamma(2, x).item() == pytest.approx(124.0251067187, rel=1e-12)


def test_refused_dtypes():
    with pytest.raises(NotImplementedError, match="\"bessel_j0_cpu\" not implemented for 'Half'"):
        special.bessel_j0(rushlight.tensor([1.0], dtype=rushlight.float16))
    with pytest.raises(NotImplementedError, match="\"chebyshev_polynomial_t_cpu\" not implemented for 'ComplexFloat'"):
        special.chebyshev_polynomial_t(rushlight.tensor([1j]), 2)
    with pytest.raises(TypeError, match=r"igamma\(\): argument 'other' \(position 2\) must be Tensor, not float"):
        rushlight.igamma(rushlight.tensor([1.0]), 2.0)


@pytest.mark.parity
def test_parity_of_values():
    torch = pytest.importorskip("torch")
    for name in special.__all__:
        if "_polynomial_" in name:
            degrees = np.arange(12.0)
            theirs = getattr(torch.special, name)(torch.tensor(1.5).double(), torch.tensor(degrees))
            np.testing.assert_allclose(
                getattr(special, name)(1.5, rushlight.tensor(degrees)).numpy(), theirs.numpy(), rtol=1e-12
            )
        elif name in GOLDEN:
            x = np.linspace(0.3, 9.0, 50)
            theirs = getattr(torch.special, name)(torch.tensor(x)).numpy()
            np.testing.assert_allclose(value(name, x), theirs, rtol=1e-6, atol=1e-6)
