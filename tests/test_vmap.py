"""vmap: what it gives is what a loop over the samples gives."""

import contextlib
import functools
import gc
import threading

import numpy as np
import pytest

import rushlight as rl
from rushlight import core, func, nn
from rushlight.func import grad, jacfwd, jacrev, vmap
from rushlight.nn import functional as F


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


def loop(f, *batches):
    """f for one sample after the other, stacked."""
    results = [f(*[x[k] for x in batches]) for k in range(len(batches[0]))]
    return rl.stack(results)


@pytest.fixture
def x():
    rl.manual_seed(0)
    return rl.randn(5, 3)


# -- where the batch is


def test_dimensions_of_arguments_and_results(x):
    y = rl.randn(3, 5, 2)
    out = vmap(lambda a, b: a[:, None] * b, in_dims=(0, 1), out_dims=2)(x, y)
    assert out.shape == (3, 2, 5)
    close(out.movedim(2, 0), loop(lambda a, b: a[:, None] * b, x, y.movedim(1, 0)))


def test_trees_of_arguments_and_results(x):
    def f(tree, factor, *, shift):
        return {"sum": tree["a"].sum() * factor, "parts": [tree["b"][0] + shift, factor]}

    out = vmap(f, in_dims=({"a": 0, "b": (1, None)}, None))(
        {"a": x, "b": (x.t(), "constant")}, rl.tensor(2.0), shift=rl.arange(5.0)
    )
    close(out["sum"], x.sum(1) * 2)
    close(out["parts"][0], x + rl.arange(5.0)[:, None])
    close(out["parts"][1], rl.full((5,), 2.0))


def test_a_result_without_a_batch_is_repeated_or_given_as_it_is(x):
    close(vmap(lambda r: rl.ones(2))(x), rl.ones(5, 2))
    out, constant = vmap(lambda r: (r, "text"), out_dims=(0, None))(x)
    assert constant == "text"
    close(out, x)


def test_nested(x):
    y = rl.randn(4, 3)
    outer = vmap(vmap(lambda a, b: a @ b, (None, 0)), (0, None))(x, y)
    close(outer, x @ y.t())


def test_in_pieces(x):
    for size in (1, 2, 5, 7):
        close(vmap(lambda r: r.sin().sum(), chunk_size=size)(x), x.sin().sum(1))


def test_an_empty_batch():
    assert vmap(lambda r: r.sum() * 2)(rl.zeros(0, 3)).shape == (0,)


def test_the_history_of_what_is_inside_and_outside(x):
    w = rl.randn(3, 3, requires_grad=True)
    leaf = x.clone().requires_grad_()
    vmap(lambda r: (w @ r).tanh().sum())(leaf).sum().backward()
    got = w.grad.clone(), leaf.grad.clone()
    w.grad = leaf.grad = None
    loop(lambda r: (w @ r).tanh().sum(), leaf).sum().backward()
    close(got[0], w.grad)
    close(got[1], leaf.grad)


def test_detach_and_no_grad_cut_the_history_below(x):
    leaf = x.clone().requires_grad_()
    assert not vmap(lambda r: r.detach() * 2)(leaf).requires_grad
    with rl.no_grad():
        assert not vmap(lambda r: r * 2)(leaf).requires_grad
    assert vmap(lambda r: r * r.detach())(leaf).requires_grad


# -- Python's control flow


def test_conditions_split_the_batch(x):
    def f(r):
        if r.sum() > 0:
            return r.exp() if r[0] > 0 else -r
        return r * 2

    close(vmap(f)(x), loop(f, x))
    close(vmap(grad(lambda r: f(r).sum()))(x), loop(grad(lambda r: f(r).sum()), x))


def test_loops_run_as_long_as_each_sample_needs():
    def collatz(n):
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return rl.tensor(steps)

    n = rl.arange(1, 30)
    assert vmap(collatz)(n).tolist() == [collatz(k).item() for k in n]


def test_values_that_are_read(x):
    table = {0: 1.0, 1: 10.0, 2: 100.0}
    f = lambda r: r * table[r.argmax().item()]
    close(vmap(f)(x), loop(f, x))
    g = lambda r: r + float(r[0].round())
    close(vmap(g)(x), loop(g, x))
    h = lambda r: rl.from_numpy(np.cumsum(r.numpy()))
    close(vmap(h)(x), loop(h, x))


def test_a_condition_on_both_levels(x):
    y = rl.randn(4)
    f = lambda a, b: a * b if a.sum() > b else a - b
    out = vmap(lambda a: vmap(lambda b: f(a, b))(y))(x)
    close(out, rl.stack([rl.stack([f(a, b) for b in y]) for a in x]))


def test_a_split_is_no_exception_that_a_function_can_swallow(x):
    def f(r):
        try:
            return r if r[0] > 0 else -r
        except Exception:
            return r * 0

    close(vmap(f)(x), loop(f, x))


def test_the_gradient_through_a_split_batch(x):
    leaf = x.clone().requires_grad_()
    f = lambda r: (r**2).sum() if r[0] > 0 else r.prod()
    vmap(f)(leaf).sum().backward()
    found, leaf.grad = leaf.grad, None
    loop(f, leaf).sum().backward()
    close(found, leaf.grad)


def test_results_of_different_shapes_are_refused(x):
    with pytest.raises(RuntimeError, match="differ in shape"):
        vmap(lambda r: r if r[0] > 0 else r[:2])(x)
    with pytest.raises(ValueError, match="differ in structure"):
        vmap(lambda r: r if r[0] > 0 else (r, r))(x)


# -- writes in place


def test_what_a_function_makes_it_may_fill(x):
    def f(r):
        out = rl.zeros(2, 3)
        row = out[1]
        out[0] = r
        row += r * 2
        out[1, 0] = 7.0
        return out

    close(vmap(f)(x), loop(f, x))


def test_writes_through_views_are_differentiated(x):
    w = rl.randn(3)

    def f(w, r):
        y = w * r
        y[1:].mul_(r[0])
        y.view(3)[0].add_(y[2])
        z = rl.zeros(3)
        z[0] = y.sum()
        return (z + y).pow(2).sum()

    close(vmap(grad(f), (None, 0))(w, x), rl.stack([grad(f)(w, r) for r in x]))


def test_what_was_made_outside_may_not_be_filled(x):
    shared = rl.zeros(3)
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        vmap(lambda r: shared.add_(r))(x)
    assert shared.tolist() == [0.0, 0.0, 0.0]
    part = shared[:2]
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        vmap(lambda r: part.copy_(r[:2]))(x)
    vmap(lambda r: shared.add_(1.0))(x)
    assert shared.tolist() == [1.0, 1.0, 1.0]


def test_an_argument_may_be_written(x):
    before = x.clone()
    vmap(lambda r: r.mul_(2))(x)
    close(x, before * 2)


# -- indices


def test_indices_that_differ(x):
    i = rl.tensor([0, 2, 1, -1, 0])
    many = rl.tensor([[0, 1], [1, 1], [2, 0], [0, 0], [1, 2]])
    close(vmap(lambda r, k: r[k])(x, i), loop(lambda r, k: r[k], x, i))
    close(vmap(lambda r, k: r[k] * r[:2])(x, many), loop(lambda r, k: r[k] * r[:2], x, many))
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        vmap(lambda r, k: r[k])(x, i + 1)

    def write(r, k):
        r = r.clone()
        r[k] = r.sum()
        return r

    close(vmap(write)(x, i), loop(write, x, i))


def test_a_mask_splits_the_batch(x):
    f = lambda r: r[r > 0].sum()
    close(vmap(f)(x), loop(f, x))


# -- random numbers


def test_random_numbers(x):
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(lambda r: r + rl.randn(3))(x)
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(F.dropout)(x)
    same = vmap(lambda r: rl.rand(2), randomness="same")(x)
    assert all([(row == same[0]).all() for row in same])
    different = vmap(lambda r: rl.rand(2), randomness="different")(x)
    assert len({tuple(row.tolist()) for row in different}) == 5
    dropped = vmap(F.dropout, randomness="different")(rl.ones(50, 40))
    assert 0.3 < (dropped == 0).float().mean() < 0.7
    assert (dropped[0] != dropped[1]).any()


def test_a_split_batch_has_the_numbers_it_would_have_had(x):
    def f(r):
        noise = rl.rand(())
        return noise if noise > 0.5 else -noise

    rl.manual_seed(3)
    split = vmap(f, randomness="different")(x)
    rl.manual_seed(3)
    noise = vmap(lambda r: rl.rand(()), randomness="different")(x)
    close(split, rl.where(noise > 0.5, noise, -noise))


# -- models


def test_gradients_of_each_sample_of_a_network():
    rl.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.GroupNorm(1, 2), nn.Flatten(), nn.Linear(18, 4)
    )
    x, y = rl.randn(6, 1, 8, 8), rl.randint(0, 4, (6,))
    parameters = dict(model.named_parameters())

    def loss(parameters, x, y):
        return F.cross_entropy(func.functional_call(model, parameters, (x[None],)), y[None])

    found = vmap(grad(loss), (None, 0, 0))(parameters, x, y)
    for name, g in found.items():
        close(g, rl.stack([grad(loss)(parameters, a, b)[name] for a, b in zip(x, y)]))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_a_loss_of_a_single_score(reduction):
    rl.manual_seed(0)
    x, y = rl.randn(6, 4), rl.tensor([0, 1, 2, 3, 3, 1])
    for loss in (F.cross_entropy, F.nll_loss):
        f = functools.partial(loss, reduction=reduction)
        close(vmap(f)(x, y), loop(f, x, y))
        close(vmap(grad(f))(x, y), loop(grad(f), x, y))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_networks(kind):
    rl.manual_seed(0)
    model = getattr(nn, kind)(3, 4, num_layers=2)
    x = rl.randn(5, 6, 3)
    f = lambda x: model(x)[0]
    close(vmap(f)(x), loop(f, x))
    parameters = dict(model.named_parameters())
    loss = lambda p, x: func.functional_call(model, p, (x,))[0].square().sum()
    found = vmap(grad(loss), (None, 0))(parameters, x)
    for name, g in found.items():
        close(g, rl.stack([grad(loss)(parameters, a)[name] for a in x]), 1e-4)


def test_an_ensemble():
    rl.manual_seed(0)
    models = [nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)) for _ in range(3)]
    parameters, buffers = func.stack_module_state(models)
    x = rl.randn(7, 3)
    out = vmap(lambda p, b: func.functional_call(models[0], (p, b), (x,)))(parameters, buffers)
    close(out, rl.stack([m(x) for m in models]))


def test_jacobians_of_each_sample(x):
    f = lambda r: rl.stack([r.prod(), (r**2).sum()])
    close(vmap(jacrev(f))(x), loop(jacrev(f), x))
    close(vmap(jacfwd(f))(x), loop(jacfwd(f), x))
    close(vmap(func.hessian(lambda r: f(r).sum()))(x), loop(func.hessian(lambda r: f(r).sum()), x), 1e-4)


# -- what is left behind


def test_a_tensor_that_outlives_its_vmap_is_refused(x):
    kept = []
    vmap(lambda r: kept.append(r) or r)(x)
    with pytest.raises(RuntimeError, match="outside of the vmap"):
        kept[0] + 1
    with pytest.raises(RuntimeError, match="outside of the vmap"):
        kept[0].sum().item()


def test_an_exception_ends_the_level(x):
    before = core.transforms_entered(0)
    with contextlib.suppress(ZeroDivisionError):
        vmap(lambda r: r + 1 / 0)(x)
    gc.collect()
    assert core.transforms_entered(0) == before
    close(vmap(lambda r: r * 2)(x), x * 2)


def test_threads(x):
    wrong = []

    def work(seed):
        y = rl.randn(4, 3, generator=rl.Generator().manual_seed(seed))
        for _ in range(30):
            out = vmap(grad(lambda r: (r.sin() * r).sum() if r[0] > 0 else r.sum()))(y)
            expected = rl.where(y[:, :1] > 0, y.cos() * y + y.sin(), rl.ones(()))
            if not np.allclose(out.numpy(), expected.numpy(), atol=1e-5):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_printing(x):
    shown = []
    vmap(lambda r: shown.append(repr(r)) or r)(x[:1])
    assert shown[0].startswith("BatchedTensor(lvl=1, bdim=0, value=\n    tensor([[")


# -- beside PyTorch


def add(a, b):
    return a + b


REFUSED = [
    lambda m, x: m.vmap(add, randomness="any")(x, x),
    lambda m, x: m.vmap(add, chunk_size=0)(x, x),
    lambda m, x: m.vmap(add, in_dims="a")(x, x),
    lambda m, x: m.vmap(add)(),
    lambda m, x: m.vmap(add, in_dims=(0,))(x, x),
    lambda m, x: m.vmap(add, in_dims=(1.5, 0))(x, x),
    lambda m, x: m.vmap(add)(x, 3),
    lambda m, x: m.vmap(add, in_dims=(5, 0))(x, x),
    lambda m, x: m.vmap(add)(x, x[:2]),
    lambda m, x: m.vmap(add, in_dims=None)(x, x),
    lambda m, x: m.vmap(lambda a: 3)(x),
    lambda m, x: m.vmap(add, out_dims=(0, 0))(x, x),
    lambda m, x: m.vmap(add, out_dims=None)(x, x),
    lambda m, x: m.vmap(add, out_dims=5)(x, x),
    lambda m, x: m.vmap(add, out_dims="a")(x, x),
    lambda m, x: m.vmap(lambda a: m.randn(2))(x),
    lambda m, x: m.vmap(lambda a: a + m.zeros(4))(x),
    lambda m, x: m.vmap(m.nn.BatchNorm1d(3), randomness="same")(x[:, None].expand(5, 4, 3)),
]


@pytest.mark.parity
@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refusals_are_those_of_pytorch(number, x):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as ours:
        REFUSED[number](rl, x)
    with pytest.raises(Exception) as theirs:
        REFUSED[number](torch, torch.from_numpy(x.numpy()))
    assert type(ours.value) is type(theirs.value)
    first = str(theirs.value).split("\n")[0].split(". ")[0]
    assert str(ours.value).split("\n")[0].split(". ")[0] == first.replace("torch.", "rushlight.")


PROGRAMS = [
    lambda m, f, x: f.vmap(lambda r: r.softmax(0) @ r)(x),
    lambda m, f, x: f.vmap(lambda r: m.outer(r, r).tril().sum(0), out_dims=1)(x),
    lambda m, f, x: f.vmap(f.grad(lambda r: (r[None] @ r[:, None]).sum().sqrt()))(x),
    lambda m, f, x: f.vmap(f.jacrev(lambda r: r.sin() * r.sum()))(x),
    lambda m, f, x: f.vmap(f.jacfwd(f.jacrev(lambda r: (r**3).prod())))(x),
    lambda m, f, x: f.jacrev(lambda y: f.vmap(f.grad(lambda r: (r**3).sum()))(y))(x),
    lambda m, f, x: f.grad(lambda y: f.vmap(f.grad(lambda r: r.prod()))(y).pow(2).sum())(x),
    lambda m, f, x: f.vmap(lambda r: f.jvp(lambda s: s.cumsum(0).tanh(), (r,), (r * 2,))[1])(x),
    lambda m, f, x: f.vmap(lambda r: m.stack([r, r * 2]).view(-1)[1:].unfold(0, 2, 2))(x),
    lambda m, f, x: f.vmap(lambda r: m.where(r > 0, r, r.abs().sort()[0]))(x),
    lambda m, f, x: f.vmap(lambda r: m.linalg.solve(m.diag(r.abs() + 1), r))(x),
    lambda m, f, x: f.vmap(lambda r: m.einsum("i,j->ij", r, r).logsumexp(1))(x),
    lambda m, f, x: f.vmap(lambda r: r.double() + r[0])(x),
    lambda m, f, x: f.vmap(lambda r: (r[0].double() + r).to(m.float32))(x),
]


@pytest.mark.parity
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_values_are_those_of_pytorch(number, x):
    torch = pytest.importorskip("torch")
    ours = PROGRAMS[number](rl, func, x)
    theirs = PROGRAMS[number](torch, torch.func, torch.from_numpy(x.numpy()))
    assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1]
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=2e-5, atol=2e-5)
