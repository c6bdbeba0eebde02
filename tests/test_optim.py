"""Optimizers: steps by hand and beside PyTorch, groups, states, hooks, what is refused."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import rushlight as rl
from rushlight import optim
from rushlight.kernels import load, optim_meaning

compiled = load("optim")


def leaf(*values, dtype=None):
    return rl.tensor(values, requires_grad=True, dtype=dtype)


def with_grad(values, grad):
    x = leaf(*values)
    x.grad = rl.tensor(grad)
    return x


def test_sgd_by_hand():
    x = with_grad([1.0, 2.0], [0.5, -1.0])
    optim.SGD([x], lr=0.1).step()
    np.testing.assert_allclose(x.detach().numpy(), [0.95, 2.1], rtol=1e-6)


def test_sgd_momentum_by_hand():
    x = with_grad([1.0], [1.0])
    optimizer = optim.SGD([x], lr=0.1, momentum=0.5)
    optimizer.step()
    optimizer.step()
    assert optimizer.state[x]["momentum_buffer"].item() == 1.5
    assert x.item() == pytest.approx(1 - 0.1 - 0.15)


def test_adam_by_hand():
    x = with_grad([1.0], [4.0])
    optimizer = optim.Adam([x], lr=0.1, betas=(0.5, 0.5), eps=0)
    optimizer.step()
    # The corrected means are the gradient and its square: a step of lr against the sign.
    assert x.item() == pytest.approx(0.9)
    state = optimizer.state[x]
    assert (state["step"].item(), state["exp_avg"].item(), state["exp_avg_sq"].item()) == (1, 2, 8)
    assert state["step"].dtype == rl.float32


def test_decay_of_adam_and_adamw_differ():
    for make, wanted in ((optim.Adam, 0.9), (optim.AdamW, 0.9 - 0.05)):
        x = with_grad([1.0], [1.0])
        make([x], lr=0.1, weight_decay=0.5, eps=0).step()
        assert x.item() == pytest.approx(wanted, rel=1e-6)


def test_parameters_without_gradient_stay():
    x, y = with_grad([1.0], [1.0]), leaf(5.0)
    optimizer = optim.Adam([x, y], lr=0.1)
    optimizer.step()
    assert y.item() == 5
    assert list(optimizer.state) == [x]


def test_a_step_is_noticed_by_a_graph():
    x = leaf(1.0)
    out = (x * x).sum()
    x.grad = rl.ones(1)
    optim.SGD([x], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_zero_grad():
    x = with_grad([1.0], [1.0])
    optimizer = optim.SGD([x])
    grad = x.grad
    optimizer.zero_grad(set_to_none=False)
    assert x.grad is grad
    assert grad.item() == 0
    optimizer.zero_grad()
    assert x.grad is None


def test_closure_runs_with_gradients():
    x = leaf(3.0)
    optimizer = optim.SGD([x], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with rl.no_grad():
        assert optimizer.step(closure).item() == 9
    assert x.item() == 0


def test_groups_have_options_of_their_own():
    x, y = with_grad([1.0], [1.0]), with_grad([1.0], [1.0])
    optimizer = optim.SGD([{"params": [x]}, {"params": y, "lr": 0.5}], lr=0.1)
    optimizer.step()
    assert x.item() == pytest.approx(0.9)
    assert y.item() == 0.5
    optimizer.param_groups[0]["lr"] = 1.0
    optimizer.step()
    assert x.item() == pytest.approx(-0.1)
    optimizer.add_param_group({"params": leaf(1.0)})
    assert len(optimizer.param_groups) == 3


def test_a_tensor_may_be_the_learning_rate():
    x = with_grad([1.0], [1.0])
    optim.SGD([x], lr=rl.tensor(0.25)).step()
    assert x.item() == 0.75


X = leaf(1.0)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
        (lambda: optim.SGD(X), TypeError, "params argument given to the optimizer should be an iterable"),
        (lambda: optim.SGD([X * 1]), ValueError, "can't optimize a non-leaf Tensor"),
        (
            lambda: optim.SGD([1]),
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is int",
        ),
        (lambda: optim.SGD([{"params": {X}}]), TypeError, "need to be organized in ordered collections"),
        (
            lambda: optim.SGD([{"params": X}, {"params": X}]),
            ValueError,
            "appear in more than one parameter group",
        ),
        (lambda: optim.SGD([X], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda: optim.SGD([X], lr=float("nan")), ValueError, "Invalid learning rate: nan"),
        (lambda: optim.SGD([X], lr=rl.ones(2)), ValueError, "Tensor lr must be 1-element"),
        (lambda: optim.SGD([X], momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda: optim.SGD([X], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (
            lambda: optim.SGD([X], nesterov=True),
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        (lambda: optim.Adam([X], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda: optim.Adam([X], betas=(1, 0.9)), ValueError, "Invalid beta parameter at index 0: 1"),
        (lambda: optim.AdamW([X], betas=(0.9, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
        (lambda: optim.Adam([X], betas=(0.9, rl.tensor(0.9))), ValueError, "both floats or both Tensors"),
        (
            lambda: optim.Adam([X], lr=rl.tensor(0.1), foreach=True),
            ValueError,
            "lr as a Tensor is not supported",
        ),
        (lambda: optim.Adam([("a", X), leaf(1.0)]), ValueError, "Some param names are missing"),
        (lambda: optim.SGD([X]).add_param_group(3), TypeError, "param_group must be a dict"),
        (lambda: optim.Optimizer([X], {}).step(), NotImplementedError, "^$"),
    ],
)
def test_what_is_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_duplicates_within_a_group_are_warned_of():
    with pytest.warns(UserWarning, match="optimizer contains a parameter group with duplicate parameters"):
        optim.SGD([X, X])


def test_repr():
    assert repr(optim.SGD([X], lr=0.1)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.1\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, amsgrad=True)])
@pytest.mark.parametrize("carry", [lambda s: s, lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy])
def test_a_loaded_state_goes_on_where_it_was_saved(make, carry):
    x, y = with_grad([1.0, 2.0], [0.3, -0.7]), with_grad([1.0, 2.0], [0.3, -0.7])
    first, second = make([x]), make([y])
    first.step()
    with rl.no_grad():
        y.copy_(x)
    second.load_state_dict(carry(first.state_dict()))
    first.step()
    second.step()
    np.testing.assert_array_equal(x.detach().numpy(), y.detach().numpy())


def test_states_of_other_sizes_are_refused():
    optimizer = optim.SGD([X])
    with pytest.raises(ValueError, match="different number of parameter groups"):
        optimizer.load_state_dict({"state": {}, "param_groups": []})
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})


def test_names_are_kept():
    optimizer = optim.SGD([("first", leaf(1.0)), ("second", leaf(2.0))])
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["first", "second"]


def test_step_hooks():
    x = with_grad([1.0], [1.0])
    optimizer = optim.SGD([x], lr=0.1)
    calls = []
    before = optimizer.register_step_pre_hook(lambda opt, args, kwargs: calls.append(x.item()))
    optimizer.register_step_post_hook(lambda opt, args, kwargs: calls.append(x.item()))
    optimizer.step()
    before.remove()
    optimizer.step()
    assert calls == pytest.approx([1.0, 0.9, 0.8])


# -- the kernels against their meaning

OPTIONS = list(itertools.product((0.0, 0.3), (False, True), (False, True)))


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("decay", "nesterov", "maximize"), OPTIONS)
def test_sgd_kernel_is_its_meaning(dtype, first, decay, nesterov, maximize):
    rng = np.random.default_rng(0)
    for momentum in (0.0, 0.9):
        p, g, b = rng.standard_normal((3, 5, 7)).astype(dtype)
        wanted, buffer = p.copy(), b.copy()
        options = (first, 0.1, momentum, 0.0 if nesterov else 0.2, decay, nesterov, maximize)
        optim_meaning.sgd(wanted, g, buffer if momentum else None, *options)
        assert compiled.sgd([p], [g], [b] if momentum else None, *options) is None
        np.testing.assert_allclose(p, wanted, rtol=1e-5 if dtype == "float32" else 1e-13)
        np.testing.assert_allclose(b, buffer, rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize(("decay", "decoupled", "maximize"), OPTIONS)
def test_adam_kernel_is_its_meaning(dtype, amsgrad, decay, decoupled, maximize):
    rng = np.random.default_rng(0)
    for beta1 in (0.9, 0.2):
        own = [rng.random((5, 7)).astype(dtype) for _ in range(5)] + [np.array(3, np.float32)]
        other = [a.copy() for a in own]
        options = (0.1, beta1, 0.99, 1e-8, decay, decoupled, maximize)
        p, g, m, v, top, step = other
        optim_meaning.adam(p, g, m, v, top if amsgrad else None, step, *options)
        p, g, m, v, top, step = own
        assert compiled.adam([p], [g], [m], [v], [top] if amsgrad else None, [step], *options) is None
        for found, wanted in zip(own, other):
            np.testing.assert_allclose(found, wanted, rtol=2e-5 if dtype == "float32" else 1e-12)


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
def test_kernels_decline_what_they_do_not_take():
    good = np.ones(4)
    strided, half, read_only = np.ones(8)[::2], np.ones(4, np.float16), np.ones(4)
    read_only.flags.writeable = False
    params = [good, strided, half, read_only, good.copy(), good.copy()]
    grads = [good, good, half, good, good.astype(np.float32), np.ones(5)]
    assert compiled.sgd(params, grads, None, False, 0.1, 0.0, 0.0, 0.0, False, False) == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(strided, 1)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.1)])
def test_strided_and_half_parameters_step_too(make):
    base = rl.ones(2, 3)
    views = [base.t().requires_grad_(), rl.ones(3, dtype=rl.float16, requires_grad=True)]
    plain = rl.ones(3, 2, requires_grad=True)
    for p in (*views, plain):
        p.grad = rl.full_like(p, 0.5).detach()
    optimizer = make([*views, plain])
    for _ in range(3):
        optimizer.step()
    np.testing.assert_allclose(views[0].detach().numpy(), plain.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(base.numpy(), plain.detach().numpy().T, rtol=1e-6)
    np.testing.assert_allclose(views[1].detach().numpy(), plain.detach().numpy()[:, 0], rtol=1e-2)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
        ("Adam", {"lr": 0.1, "amsgrad": True, "betas": (0.3, 0.8)}),
        ("AdamW", {"lr": 0.1, "maximize": True}),
    ],
)
def test_ten_steps_as_in_pytorch(name, options, dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    start, grads = rng.standard_normal((3, 4)).astype(dtype), rng.standard_normal((10, 3, 4)).astype(dtype)
    x, y = torch.tensor(start, requires_grad=True), rl.tensor(start, requires_grad=True)
    wanted, found = getattr(torch.optim, name)([x], **options), getattr(optim, name)([y], **options)
    for grad in grads:
        x.grad, y.grad = torch.tensor(grad), rl.tensor(grad)
        wanted.step()
        found.step()
    np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy(), rtol=1e-10 if dtype == "float64" else 2e-5)
    assert repr(found) == repr(wanted)
