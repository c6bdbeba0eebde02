"""Functions of functions: derivatives checked by mathematics, histories by what they lead to."""

import gc
import weakref

import pytest

import rushlight as rl
from rushlight import func, nn
from rushlight.func.rearranging import DimensionBindError

DOUBLE = rl.float64


def cubes(x):
    return (x * x * x).sum()


@pytest.fixture
def x():
    return rl.tensor([1.0, 2.0], dtype=DOUBLE)


# -- grad
def test_grad_of_a_polynomial(x):
    assert func.grad(cubes)(x).tolist() == [3.0, 12.0]
    assert func.grad(func.grad(func.grad(lambda t: t**4)))(rl.tensor(2.0)).item() == 48.0


def test_value_and_aux(x):
    slope, (value, aux) = func.grad_and_value(lambda t: (cubes(t), {"twice": t * 2}), has_aux=True)(x)
    assert (slope.tolist(), value.item(), aux["twice"].tolist()) == ([3.0, 12.0], 9.0, [2.0, 4.0])


def test_grad_by_several_arguments_and_trees(x):
    def loss(weights, scale, *, power):
        return (weights["a"][0] ** power * scale).sum() + weights["b"].sum()

    weights = {"a": (x,), "b": rl.ones(2, dtype=DOUBLE)}
    by_weights, by_scale = func.grad(loss, argnums=(0, 1))(weights, rl.tensor(3.0, dtype=DOUBLE), power=2)
    assert by_weights["a"][0].tolist() == [6.0, 12.0] and by_weights["b"].tolist() == [1.0, 1.0]
    assert by_scale.item() == 5.0
    assert func.grad(loss, argnums=-1)(weights, rl.tensor(3.0, dtype=DOUBLE), power=2).item() == 5.0


def test_what_is_not_used_has_zeros(x):
    assert func.grad(lambda a, b: a.sum(), argnums=1)(x, x).tolist() == [0.0, 0.0]
    assert func.grad(lambda a: rl.ones(()))(x).tolist() == [0.0, 0.0]


def test_the_same_tensor_twice_is_two_arguments(x):
    assert func.grad(lambda a, b: (a * b * b).sum())(x, x).tolist() == [1.0, 4.0]


def test_perturbations_are_not_confused():
    inner = lambda x: func.grad(lambda y: x * y)(rl.tensor(1.0))
    assert func.grad(lambda x: x * inner(x))(rl.tensor(3.0)).item() == 6.0
    forward = lambda x: func.jvp(lambda y: x * y, (rl.tensor(1.0),), (rl.tensor(1.0),))[1]
    assert func.jvp(lambda x: x * forward(x), (rl.tensor(3.0),), (rl.tensor(1.0),))[1].item() == 6.0


# -- histories
def test_a_result_has_a_history_only_where_the_callers_program_is_recorded(x):
    w = rl.ones(2, dtype=DOUBLE, requires_grad=True)
    tracked = rl.tensor([1.0, 2.0], dtype=DOUBLE, requires_grad=True)
    weighted = lambda t: (t**3 * w).sum()
    assert not func.grad(cubes)(x).requires_grad
    assert func.grad(cubes)(tracked).requires_grad
    assert func.grad(weighted)(x).requires_grad
    with rl.no_grad():
        assert not func.grad(weighted)(x).requires_grad
        assert func.grad(cubes)(tracked).tolist() == [3.0, 12.0]
    slope, (value, aux) = func.grad_and_value(lambda t: (cubes(t), w), has_aux=True)(x)
    assert (slope.requires_grad, value.requires_grad, aux.requires_grad) == (False, False, True)


def test_leaves_made_inside_are_no_history():
    """The inner gradient has a history, since x is behind it; the leaf for c must not give the outer one a history."""
    c = rl.tensor(2.0)
    outer = func.grad(lambda x: func.grad(lambda z: z * z * x)(c) * x)(rl.tensor(3.0))
    assert outer.item() == 24.0 and not outer.requires_grad


def test_gradients_of_the_result_reach_the_callers_tensors():
    w = rl.tensor([2.0, 3.0], requires_grad=True)
    slope = func.grad(lambda t: (t**2 * w).sum())(rl.tensor([1.0, 2.0]))
    slope.sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_grad_fields_are_not_touched(x):
    x.requires_grad_()
    func.grad(cubes)(x)
    func.vjp(cubes, x)[1](rl.tensor(1.0, dtype=DOUBLE))
    assert x.grad is None


def test_nothing_stays_behind(x):
    kept = []

    def f(t):
        kept.append(weakref.ref(t))
        return cubes(t)

    func.grad(f)(x)
    func.jvp(f, (x,), (x,))
    func.hessian(f)(x)
    gc.collect()
    assert [reference() for reference in kept] == [None] * len(kept)


def test_no_grad_within_is_respected(x):
    def f(t):
        with rl.no_grad():
            constant = t * t
        return (constant * t).sum()

    assert func.grad(f)(x).tolist() == [1.0, 4.0]


# -- vjp, jvp, linearize
def test_vjp_and_jvp_are_transposes(x):
    f = lambda t: {"s": t.sin() * t.sum(), "m": (t.prod(),)}
    out, pull = func.vjp(f, x)
    tangent = rl.tensor([0.3, -1.0], dtype=DOUBLE)
    again, pushed = func.jvp(f, (x,), (tangent,))
    cotangent = {"s": rl.tensor([2.0, -0.5], dtype=DOUBLE), "m": (rl.tensor(0.7, dtype=DOUBLE),)}
    (pulled,) = pull(cotangent)
    left = (pushed["s"] * cotangent["s"]).sum() + pushed["m"][0] * cotangent["m"][0]
    assert rl.allclose(left, (pulled * tangent).sum())
    assert rl.equal(out["s"], again["s"])
    _, push = func.linearize(f, x)
    assert rl.allclose(push(tangent)["s"], pushed["s"]) and rl.allclose(push(tangent)["m"][0], pushed["m"][0])


def test_linearize_calls_the_function_once(x):
    calls = []
    _, push = func.linearize(lambda t: calls.append(0) or t.exp(), x)
    push(x), push(x * 2)
    assert len(calls) == 1


def test_jvp_refuses_a_constant_where_told(x):
    assert func.jvp(lambda t: rl.ones(2), (x,), (x,))[1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="strict=True"):
        func.jvp(lambda t: rl.ones(2), (x,), (x,), strict=True)


def test_tangents_end_with_the_call(x):
    seen = []
    func.jvp(lambda t: seen.append(t) or t * t, (x,), (x,))
    assert not seen[0].tangent


def test_a_level_is_closed_when_the_function_fails(x):
    def fails(t):
        raise KeyError("no")

    with pytest.raises(KeyError):
        func.jvp(fails, (x,), (x,))
    with pytest.raises(KeyError):
        func.grad(fails)(x)
    assert func.jvp(cubes, (x,), (x,))[1].item() == 27.0


# -- forward over reverse, where rules ask for outputs
@pytest.mark.parametrize(
    "name", ["exp", "tanh", "sigmoid", "sqrt", "reciprocal", "rsqrt", "expm1", "softmax", "cumprod"]
)
def test_forward_over_reverse_knows_kept_outputs(name):
    t = rl.tensor([0.5, 1.5, 0.7], dtype=DOUBLE)
    call = lambda t: (getattr(t, name)(*((0,) if name in ("softmax", "cumprod") else ())) ** 2).prod()
    (backward,) = rl.autograd.grad(
        (func.grad(call)(s := t.clone().requires_grad_()) * rl.tensor([1.0, 2.0, 3.0], dtype=DOUBLE)).sum(), s
    )
    forward = func.jvp(func.grad(call), (t,), (rl.tensor([1.0, 2.0, 3.0], dtype=DOUBLE),))[1]
    assert rl.allclose(forward, backward)


def test_forward_over_reverse_in_place():
    def call(t):
        y = t * 2
        y.exp_()
        z = y * t
        z[0] *= 3 * t[1]
        return (z * z).sum()

    t = rl.tensor([0.5, 0.25], dtype=DOUBLE)
    forward = func.hessian(call)(t)
    backward = func.jacrev(func.jacrev(call))(t)
    assert rl.allclose(forward, backward) and forward.abs().sum() > 1


# -- whole Jacobians
@pytest.mark.parametrize("outer", [func.jacrev, func.jacfwd])
@pytest.mark.parametrize("inner", [func.jacrev, func.jacfwd])
def test_hessians_agree(x, inner, outer):
    found = outer(inner(lambda t: (t[0] ** 2 * t[1]).exp()))(x)
    e = rl.tensor(2.0, dtype=DOUBLE).exp()
    # f = exp(a^2 b) at (1, 2)
    wanted = rl.tensor([[20.0, 6.0], [6.0, 1.0]], dtype=DOUBLE) * e
    assert rl.allclose(found, wanted)


def test_jacobians_of_trees(x):
    f = lambda d, k: ({"o": d["a"] * k}, [k.sum()])
    k = rl.tensor([3.0, 4.0], dtype=DOUBLE)
    for jacobian in (func.jacrev, func.jacfwd):
        first, (second,) = jacobian(f, argnums=(0, 1))({"a": x}, k)
        assert first["o"][0]["a"].tolist() == [[3.0, 0.0], [0.0, 4.0]]
        assert first["o"][1].tolist() == [[1.0, 0.0], [0.0, 2.0]]
        assert second[0]["a"].tolist() == [0.0, 0.0] and second[1].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("chunk", [1, 2, 5, 7])
def test_chunks_of_rows_give_the_same(chunk):
    x = rl.linspace(0, 1, 5, dtype=DOUBLE)
    f = lambda t: t.sin() * t.sum()
    assert rl.allclose(func.jacrev(f, chunk_size=chunk)(x), func.jacrev(f)(x))
    with pytest.raises(ValueError, match="should be greater than 0"):
        func.jacrev(f, chunk_size=0)


def test_jacfwd_calls_the_function_once(x):
    calls = []
    func.jacfwd(lambda t: calls.append(0) or t * t)(x)
    assert len(calls) == 1


def test_jacobians_of_nothing():
    none = rl.ones(0)
    for jacobian in (func.jacrev, func.jacfwd):
        assert jacobian(lambda t: t)(none).shape == (0, 0)
        assert jacobian(lambda t: rl.ones(3) + t.sum())(none).shape == (3, 0)


# -- with batches
def test_gradients_of_each_sample_with_shared_weights():
    rows, w = rl.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), rl.tensor([1.0, 1.0])
    per_sample = func.vmap(func.grad(lambda w, row: (row @ w) ** 2), in_dims=(None, 0))(w, rows)
    assert per_sample.tolist() == [(2 * row.sum() * row).tolist() for row in rows]


def test_gradients_through_gradients_of_samples():
    rows, w = rl.tensor([[1.0, 2.0], [3.0, 4.0]]), rl.tensor([1.0, 1.0], requires_grad=True)
    loss = lambda w, row: (row @ w) ** 2
    func.vmap(func.grad(loss), in_dims=(None, 0))(w, rows).sum().backward()
    found, w.grad = w.grad, None
    sum(func.grad(loss)(w, row).sum() for row in rows).backward()
    assert rl.allclose(found, w.grad)


def test_ensembles_of_models():
    models = [nn.Linear(2, 3) for _ in range(4)]
    params, buffers = func.stack_module_state(models)
    x = rl.ones(5, 2)
    call = lambda p, b, x: func.functional_call(models[0], (p, b), (x,))
    found = func.vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    assert rl.allclose(found, rl.stack([model(x) for model in models]))
    found.sum().backward()
    assert params["bias"].grad.tolist() == [[5.0] * 3] * 4


# -- modules
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.again = self.first.weight
        self.register_buffer("count", rl.zeros(()))

    def forward(self, x, scale=1.0):
        self.count = self.count + 1
        return self.first(x) * scale + self.again.sum()


def test_functional_call_puts_everything_back():
    module = Tied()
    before = module.first.weight
    with pytest.raises(ValueError, match="no"):
        func.functional_call(nn.Sequential(module, _Fails()), {"0.first.weight": rl.ones(2, 2)}, rl.ones(2))
    out = func.functional_call(module, {"first.weight": rl.ones(2, 2)}, rl.ones(2), {"scale": 2.0})
    assert out.tolist() == [8.0, 8.0]
    assert module.first.weight is before and module.again is before


class _Fails(nn.Module):
    def forward(self, x):
        raise ValueError("no")


def test_ties():
    module, ones = Tied(), {"first.weight": rl.ones(2, 2)}
    untied = func.functional_call(module, ones, rl.ones(2), tie_weights=False)
    assert rl.allclose(untied, 2 + module.again.sum())
    with pytest.raises(ValueError, match="which are tied"):
        func.functional_call(module, {**ones, "again": rl.zeros(2, 2)}, rl.ones(2))


def test_buffers_that_a_module_assigns_are_given_back():
    module, given = Tied(), {"count": rl.tensor(5.0)}
    func.functional_call(module, given, rl.ones(2))
    assert given["count"].item() == 6.0 and module.count.item() == 0.0


def test_batch_norms_without_running_statistics():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert func.replace_all_batch_norm_modules_(net) is net
    assert net[1].running_mean is None and not net[1].track_running_stats
    assert net(rl.rand(4, 2)).mean(0).abs().max() < 1e-5


# -- the rest
@pytest.mark.parametrize(
    ("pattern", "sizes", "wanted"),
    [
        ("a b -> b a", {}, lambda x: x.t()),
        ("a b -> (b a)", {}, lambda x: x.t().reshape(-1)),
        ("a (b c) -> c a b", {"b": 2}, lambda x: x.reshape(3, 2, 2).permute(2, 0, 1)),
        ("... b -> b 1 ...", {}, lambda x: x.t().unsqueeze(1)),
        ("a ... -> (a ...)", {}, lambda x: x.reshape(-1)),
    ],
)
def test_rearrange(pattern, sizes, wanted):
    x = rl.arange(12).reshape(3, 4)
    assert rl.equal(func.rearrange(x, pattern, **sizes), wanted(x))
    batch = rl.stack([x, x + 1])
    assert rl.equal(func.vmap(lambda s: func.rearrange(s, pattern, **sizes))(batch)[1], wanted(x + 1))


@pytest.mark.parametrize("sizes", [{}, {"a": 5}])
def test_rearrange_refuses_sizes(sizes):
    with pytest.raises(DimensionBindError, match="a and b" if not sizes else "does not evenly fit"):
        func.rearrange(rl.ones(12), "(a b) -> a b", **sizes)


def test_what_is_behind_a_batch():
    seen = []
    func.vmap(lambda t: seen.append(func.debug_unwrap(t).tolist()) or t)(rl.tensor([1.0, 2.0]))
    assert seen == [[1.0, 2.0]]
    x = rl.ones(2)
    assert func.debug_unwrap(x) is x


def test_functionalize_changes_nothing(x):
    f = func.functionalize(lambda t: (t.clone().mul_(t)).sum())
    assert func.grad(f)(x).tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="invalid argument for remove=all"):
        func.functionalize(f, remove="all")
