"""Optimizers: steps by hand and beside PyTorch, groups, states, hooks, what is refused."""

import copy
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

# For each formula: how many states, numbers beside them, and options in its order.
CASES = [
    ("sgd", 0, 0, (0.1, 0.0, 0.0, 0.0, False, False, False)),
    ("sgd", 0, 0, (0.1, 0.0, 0.0, 0.3, False, True, False)),
    ("sgd", 1, 0, (0.1, 0.9, 0.2, 0.3, False, False, False)),
    ("sgd", 1, 0, (0.1, 0.9, 0.2, 0.3, False, False, True)),
    ("sgd", 1, 0, (0.1, 0.9, 0.0, 0.0, True, True, False)),
    ("adam", 2, 1, (0.1, 0.9, 0.99, 1e-8, 0.3, False, False)),
    ("adam", 3, 1, (0.1, 0.2, 0.99, 1e-8, 0.3, True, True)),
    ("adamax", 2, 1, (0.1, 0.9, 0.99, 1e-8, 0.3, False)),
    ("adamax", 2, 1, (0.1, 0.2, 0.99, 1e-8, 0.0, True)),
    ("nadam", 2, 2, (0.1, 0.9, 0.99, 1e-8, 0.3, 0.004, False, False)),
    ("nadam", 2, 2, (0.1, 0.9, 0.99, 1e-8, 0.3, 0.1, True, True)),
    ("radam", 2, 1, (0.1, 0.9, 0.99, 1e-8, 0.3, False, False)),
    ("radam", 2, 1, (0.1, 0.9, 0.3, 1e-8, 0.3, True, True)),
    ("adagrad", 1, 1, (0.1, 0.2, 0.3, 1e-8, False)),
    ("adagrad", 1, 1, (0.1, 0.0, 0.0, 1e-8, True)),
    ("adadelta", 2, 1, (0.1, 0.9, 1e-6, 0.3, False)),
    ("adadelta", 2, 1, (0.1, 0.9, 1e-6, 0.0, True)),
    ("rmsprop", 1, 1, (0.1, 0.9, 1e-8, 0.3, 0.0, False)),
    ("rmsprop", 2, 1, (0.1, 0.9, 1e-8, 0.0, 0.8, True)),
    ("rprop", 2, 1, (0.5, 1.2, 1e-6, 50.0, False)),
    ("rprop", 2, 1, (0.5, 1.2, 0.7, 0.9, True)),
    ("asgd", 1, 3, (0.1, 0.01, 0.75, 1e6, 0.3, False)),
    ("asgd", 1, 3, (0.1, 0.01, 0.75, 1.0, 0.0, True)),
]
STATES = {"sgd": 1, "adam": 3, "rmsprop": 3, "adagrad": 1, "asgd": 1}


def drawn(formula, states, numbers, dtype, size=35):
    """A parameter, a gradient and states; and numbers beside them: a count of 3, and two between zero and one."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(size).astype(dtype) for _ in range(2 + states)]
    if np.dtype(dtype).kind == "c":
        arrays = [a + 1j * rng.standard_normal(size).astype(dtype) for a in arrays]
    arrays = [a.reshape(5, -1) for a in arrays]
    if formula not in ("sgd", "asgd", "rprop"):
        # Squares and the like are positive.
        arrays[2:] = [abs(a.real) + (1j * abs(a.imag) if a.dtype.kind == "c" else 0) for a in arrays[2:]]
        arrays = [a.astype(dtype) for a in arrays]
    arrays += [None] * (STATES.get(formula, 2) - states)
    return arrays, [np.array(n, np.float32) for n in (3, 0.6, 0.4)[:numbers]]


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(("formula", "states", "numbers", "options"), CASES)
@pytest.mark.parametrize("size", [35, 40000])
def test_a_kernel_is_its_meaning(formula, states, numbers, options, dtype, size):
    arrays, kept = drawn(formula, states, numbers, dtype, size)
    wanted, wanted_numbers = [None if a is None else a.copy() for a in arrays], [n.copy() for n in kept]
    for old, new in optim_meaning.stepped(getattr(optim_meaning, formula), wanted, wanted_numbers, options):
        old[...] = new
    lists = [None if a is None else [a] for a in arrays]
    assert compiled.step([(formula, lists, [[n] for n in kept], [*map(float, options)])]) is None
    tolerance = 3e-5 if dtype in ("float32", "complex64") else 1e-12
    for found, other in zip(arrays, wanted):
        if found is not None:
            np.testing.assert_allclose(found, other, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(kept, wanted_numbers, rtol=1e-6)


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
def test_kernels_decline_what_they_do_not_take():
    good = np.ones(4)
    strided, half, read_only, shared = np.ones(8)[::2], np.ones(4, np.float16), np.ones(4), np.ones(6)
    read_only.flags.writeable = False
    params = [good, strided, half, read_only, good.copy(), good.copy(), shared[:4]]
    grads = [good.copy(), good, half, good, good.astype(np.float32), np.ones(5), shared[2:]]
    options = [0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    calls = [("sgd", [[good.copy()], [good], None], [], options), ("sgd", [params, grads, None], [], options)]
    assert compiled.declined(calls) == compiled.step(calls) == [(1, i) for i in range(1, 7)]
    # Nothing is written where anything is declined.
    for array in (good, strided, *calls[0][1][0]):
        np.testing.assert_array_equal(array, 1)
    with pytest.raises(TypeError, match="sgd: 3 arrays, 0 numbers, 1 options"):
        compiled.step([("sgd", [params, grads, None], [], [0.1])])


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
def test_what_is_declined_has_counted_no_step():
    half, count = np.ones(4, np.float16), np.array(3, np.float32)
    options = [0.1, 0.9, 0.99, 1e-8, 0.0, 0.0, 0.0]
    assert compiled.step([("adam", [[half], [half], [half], [half], None], [[count]], options)]) == [(0, 0)]
    assert count == 3


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


def test_an_adam_state_is_no_sgd_state():
    x = with_grad([1.0], [1.0])
    momentum, adam = optim.SGD([x], momentum=0.9), optim.Adam([x])
    momentum.step()
    adam.step()
    with pytest.raises(
        ValueError, match=r"belongs to another optimizer: its options momentum, .* Adam needs betas, eps"
    ):
        adam.load_state_dict(momentum.state_dict())
    with pytest.raises(ValueError, match="its state step, exp_avg, exp_avg_sq, where Adamax needs exp_inf"):
        optim.Adamax([x]).load_state_dict(adam.state_dict())
    assert adam.state[x]["step"] == 1


def test_old_checkpoints_count_steps_in_numbers_and_have_fewer_options():
    x = with_grad([1.0], [1.0])
    optimizer = optim.NAdam([x])
    optimizer.step()
    saved = optimizer.state_dict()
    state = saved["state"][0]
    state["step"], state["mu_product"] = 1, state["mu_product"].item()
    del saved["param_groups"][0]["maximize"], saved["param_groups"][0]["decoupled_weight_decay"]
    other = optim.NAdam([x])
    other.load_state_dict(saved)
    other.step()
    assert other.state[x]["step"] == 2
    assert other.param_groups[0]["maximize"] is False


def test_counts_have_the_default_dtype_of_float64():
    rl.set_default_dtype(rl.float64)
    try:
        x = with_grad([1.0], [1.0])
        optimizer = optim.ASGD([x])
        optimizer.step()
    finally:
        rl.set_default_dtype(rl.float32)
    assert {optimizer.state[x][name].dtype for name in ("step", "eta", "mu")} == {rl.float64}


def test_rprop_by_hand():
    x = with_grad([1.0, 1.0, 1.0], [2.0, 2.0, 0.0])
    optimizer = optim.Rprop([x], lr=0.1)
    optimizer.step()
    x.grad = rl.tensor([3.0, -3.0, 1.0])
    optimizer.step()
    # On in the same direction and longer; turned: no step, but a shorter one next; from nothing: the first length.
    np.testing.assert_allclose(x.detach().numpy(), [0.9 - 0.12, 0.9, 0.9], rtol=1e-6)
    np.testing.assert_allclose(optimizer.state[x]["step_size"].numpy(), [0.12, 0.05, 0.1], rtol=1e-6)


def test_muon_makes_the_singular_values_about_one():
    rng = np.random.default_rng(0)
    values = np.linalg.svd(optim_meaning.orthogonal(rng.standard_normal((6, 9)), (3.4445, -4.775, 2.0315), 1e-7, 5))[1]
    assert 0.5 < values.min() < values.max() < 1.3


def test_sparse_adam_leaves_rows_without_gradient_alone():
    x = rl.ones(3, 2, requires_grad=True)
    optimizer = optim.SparseAdam([x], lr=0.1)
    for row in (0, 2):
        x.grad = rl.zeros(3, 2)
        x.grad[row] = 1.0
        optimizer.step()
    np.testing.assert_array_equal(x.detach().numpy()[1], 1)
    np.testing.assert_allclose(optimizer.state[x]["exp_avg"].numpy()[:, 0], [0.1, 0, 0.1], rtol=1e-6)


def test_lbfgs_finds_the_minimum_of_rosenbrock():
    x = leaf(-1.2, 1.0, dtype=rl.float64)
    optimizer = optim.LBFGS([x], max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == pytest.approx(24.2)
    np.testing.assert_allclose(x.detach().numpy(), 1, rtol=1e-4)
    assert optimizer.state[x]["n_iter"] < 60


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD"]
)
def test_gradients_flow_through_a_recorded_step(name):
    first = rl.tensor([0.5, -1.5], dtype=rl.float64, requires_grad=True)
    options = {"momentum": 0.9} if name == "SGD" else {}

    def after_two_steps(start):
        x = start.clone()
        optimizer = getattr(optim, name)([x], lr=0.1, differentiable=True, **options)
        for _ in range(2):
            x.grad = 3 * start * start + start
            optimizer.step()
        return x

    assert rl.autograd.gradcheck(after_two_steps, (first,))
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        leaf_step = getattr(optim, name)([with_grad([1.0], [1.0])], differentiable=True)
        leaf_step.step()


def test_gradients_flow_into_a_learning_rate():
    lr = rl.tensor(0.25, dtype=rl.float64, requires_grad=True)
    x = rl.tensor([1.0, 2.0], dtype=rl.float64, requires_grad=True).clone()
    x.grad = rl.tensor([3.0, 5.0], dtype=rl.float64)
    optim.SGD([x], lr=lr, differentiable=True).step()
    x.sum().backward()
    assert lr.grad.item() == -8
