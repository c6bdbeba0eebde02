"""Every optimizer beside PyTorch: ten steps over its options, states, state dicts both ways, reprs, errors."""

import inspect
import re
import warnings

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

OPTIONS = {
    "SGD": [
        {},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ],
    "Adam": [{}, {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True, "betas": (0.3, 0.8)}, {"fused": True}],
    "AdamW": [{}, {"lr": 0.1, "weight_decay": 0.2, "maximize": True, "amsgrad": True}],
    "Adamax": [{}, {"lr": 0.1, "weight_decay": 0.1, "betas": (0.3, 0.8), "maximize": True}],
    "NAdam": [
        {},
        {"lr": 0.1, "weight_decay": 0.1, "momentum_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "RAdam": [
        {},
        {"lr": 0.1, "betas": (0.7, 0.9), "weight_decay": 0.1},
        {"lr": 0.1, "betas": (0.7, 0.95), "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.1, "initial_accumulator_value": 0.3, "maximize": True},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.6, "weight_decay": 0.1, "maximize": True}],
    "RMSprop": [
        {},
        {"lr": 0.05, "alpha": 0.7, "weight_decay": 0.1, "momentum": 0.8},
        {"centered": True, "momentum": 0.5, "maximize": True},
        {"centered": True},
    ],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (0.05, 0.2), "maximize": True}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.1, "maximize": True}],
    "Adafactor": [
        {},
        {"lr": 0.3, "beta2_decay": -0.5, "eps": (1e-3, 1e-2), "d": 2.0, "weight_decay": 0.1, "maximize": True},
    ],
    "Muon": [
        {},
        {"lr": 0.1, "nesterov": False, "weight_decay": 0.0, "ns_steps": 3},
        {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw", "momentum": 0.5},
    ],
}
CASES = [(name, options) for name, several in OPTIONS.items() for options in several]
REAL_ONLY = ("Adafactor", "Muon")
TOLERANCE = {"float32": 2e-5, "complex64": 2e-5, "float64": 1e-7}


def shapes(name):
    if name == "Muon":
        return (3, 4), (5, 2)
    # PyTorch's Adafactor divides by the number of elements.
    return ((3, 4), (), (2, 3, 2)) if name == "Adafactor" else ((3, 4), (), (2, 3, 2), (0,))


class Pair:
    """The same optimizer of both over the same parameters."""

    def __init__(self, name, options, dtype="float32", start=None):
        rng = np.random.default_rng(1)
        drawn = [np.asarray(self.draw(rng, s, dtype)) for s in shapes(name)] if start is None else start
        self.rng = rng
        self.params = [[m.nn.Parameter(m.tensor(a)) for a in drawn] for m in (torch, rl)]
        made = []
        for m, params in zip((torch, rl), self.params):
            made.append(getattr(m.optim, name)([{"params": params[:1]}, {"params": params[1:], "lr": 0.02}], **options))
        self.theirs, self.ours = made

    @staticmethod
    def draw(rng, shape, dtype):
        drawn = rng.standard_normal(shape)
        return (drawn + 1j * rng.standard_normal(shape) if dtype == "complex64" else drawn).astype(dtype)

    def step(self, times):
        for n in range(times):
            for i, (x, y) in enumerate(zip(*self.params)):
                grad = np.asarray(self.draw(self.rng, tuple(x.shape), str(x.dtype).split(".")[1]))
                x.grad, y.grad = (None, None) if n == 2 and i == 1 else (torch.tensor(grad), rl.tensor(grad))
            self.theirs.step()
            self.ours.step()

    def check(self, tolerance):
        for x, y in zip(*self.params):
            np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy(), rtol=tolerance, atol=tolerance)
        wanted, found = self.theirs.state_dict(), self.ours.state_dict()
        assert found["param_groups"] == wanted["param_groups"]
        assert list(found["state"]) == list(wanted["state"])
        for number, state in wanted["state"].items():
            assert list(found["state"][number]) == list(state)
            for key, value in state.items():
                ours = found["state"][number][key]
                assert str(ours.dtype).split(".")[1] == str(value.dtype).split(".")[1]
                np.testing.assert_allclose(ours.numpy(), value.numpy(), rtol=tolerance, atol=tolerance)


def carried(value, to):
    """A state dict of one library as one of the other."""
    if isinstance(value, dict):
        return {key: carried(v, to) for key, v in value.items()}
    if isinstance(value, list):
        return [carried(v, to) for v in value]
    return to.tensor(value.numpy()) if hasattr(value, "numpy") else value


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_ten_steps(name, options, dtype):
    if dtype == "complex64" and (name in REAL_ONLY or "fused" in options):
        pytest.skip("refused by PyTorch")
    pair = Pair(name, options, dtype)
    pair.step(10)
    pair.check(TOLERANCE[dtype])
    assert repr(pair.ours) == repr(pair.theirs)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_states_go_both_ways(name, options):
    pair = Pair(name, options, "float64")
    pair.step(5)
    saved = pair.theirs.state_dict(), pair.ours.state_dict()
    swapped = Pair(name, options, "float64", [x.detach().numpy().copy() for x in pair.params[0]])
    swapped.rng = pair.rng
    swapped.theirs.load_state_dict(carried(saved[1], torch))
    swapped.ours.load_state_dict(carried(saved[0], rl))
    swapped.step(5)
    swapped.check(1e-6)


@pytest.mark.parametrize("name", [*OPTIONS, "LBFGS", "SparseAdam"])
def test_signatures(name):
    ours, theirs = (inspect.signature(getattr(m.optim, name)).parameters for m in (rl, torch))
    assert [(p.name, p.default, p.kind) for p in ours.values()] == [
        (p.name, p.default, p.kind) for p in theirs.values()
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 2},
        {"max_eval": 6},
    ],
)
def test_lbfgs(options):
    ran = []
    for m in (torch, rl):
        x = m.nn.Parameter(m.tensor([-1.2, 1.0], dtype=m.float64))
        y = m.nn.Parameter(m.tensor([[0.5], [2.0]], dtype=m.float64))
        optimizer = m.optim.LBFGS([x, y], lr=0.02, **options)

        def closure(x=x, y=y, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ((1 - x) ** 2).sum() + 100 * ((y[:, 0] - x**2) ** 2).sum()
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(4)]
        ran.append((losses, x, y, optimizer))
    (wanted, a, b, theirs), (found, x, y, ours) = ran
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_allclose(x.detach().numpy(), a.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(y.detach().numpy(), b.detach().numpy(), rtol=1e-6)
    assert repr(ours) == repr(theirs)
    there, here = theirs.state_dict()["state"][0], ours.state_dict()["state"][0]
    # "al" is scratch of one iteration.
    assert set(there) - {"al"} == set(here)
    assert (there["func_evals"], there["n_iter"]) == (here["func_evals"], here["n_iter"])
    theirs.load_state_dict(carried(ours.state_dict(), torch))
    ours.load_state_dict(carried(theirs.state_dict(), rl))


def test_sparse_adam():
    rng = np.random.default_rng(0)
    table, looked_up = rng.standard_normal((7, 3)), rng.integers(0, 7, (6, 3))
    weights = []
    for m in (torch, rl):
        layer = m.nn.Embedding.from_pretrained(m.tensor(table), freeze=False, sparse=True)
        optimizer = m.optim.SparseAdam(layer.parameters(), lr=0.1, eps=1e-3)
        for rows in looked_up:
            optimizer.zero_grad()
            (layer(m.tensor(rows)) ** 2).sum().backward()
            optimizer.step()
        weights.append(layer.weight.detach().numpy())
        state = optimizer.state_dict()["state"][0]
        assert (list(state), state["step"]) == (["step", "exp_avg", "exp_avg_sq"], 6)
    np.testing.assert_allclose(weights[1], weights[0], rtol=1e-10)


BAD = {
    "lr": [-1.0, (1.0, 1.0), "x"],
    "eps": [-1.0, (-1.0, 0.1), (None, -0.1)],
    "weight_decay": [-1.0],
    "betas": [(1.0, 0.9), (0.9, -1.0)],
    "momentum": [-1.0],
    "momentum_decay": [-1.0],
    "lr_decay": [-1.0],
    "initial_accumulator_value": [-1.0],
    "rho": [-0.5, 1.5],
    "alpha": [-1.0],
    "etas": [(1.0, 0.5), (0.0, 1.5)],
    "beta2_decay": [0.5],
    "d": [0.5],
    "adjust_lr_fn": ["x"],
    "ns_steps": [100],
    "ns_coefficients": [(1.0, 2.0)],
    "nesterov": [True],
    "line_search_fn": ["x"],
}


def said(m, name, options):
    """What a library says of options, at the latest when a step is taken; None if nothing."""
    x = m.nn.Parameter(m.ones(2, 2))
    x.grad = m.ones(2, 2)
    options = {k: m.tensor(v) if k == "lr" and isinstance(v, tuple) else v for k, v in options.items()}
    try:
        optimizer = getattr(m.optim, name)([x], **options)
        optimizer.step(lambda: (x * x).sum())
    except Exception as error:
        return type(error).__name__, str(error)
    return None


@pytest.mark.parametrize("name", [*OPTIONS, "LBFGS"])
def test_errors(name):
    taken = inspect.signature(getattr(torch.optim, name)).parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, values in BAD.items():
            for value in values if key in taken else ():
                if key == "eps" and isinstance(value, tuple) != (name == "Adafactor"):
                    continue
                wanted, found = said(torch, name, {key: value}), said(rl, name, {key: value})
                if value == "x" and key == "lr":
                    # Python's own sentence names the comparison.
                    wanted, found = wanted[0], found[0]
                assert found == wanted, (key, value)


def test_parameters_that_muon_and_lbfgs_refuse():
    for m in (torch, rl):
        with pytest.raises(
            ValueError, match="Muon only supports 2D parameters whereas we found a parameter with size: "
        ):
            m.optim.Muon([m.nn.Parameter(m.ones(3))])
        with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
            m.optim.LBFGS([{"params": [m.nn.Parameter(m.ones(3))]}, {"params": [m.nn.Parameter(m.ones(3))]}])
        for name in REAL_ONLY:
            x = m.nn.Parameter(m.ones(2, 2, dtype=m.complex64))
            x.grad = m.ones(2, 2, dtype=m.complex64)
            with pytest.raises(RuntimeError, match=f"{name} does not support complex parameters"):
                getattr(m.optim, name)([x]).step()


def test_other_parameters_for_a_while():
    seen = []
    for m in (torch, rl):
        own, other = m.nn.Parameter(m.ones(2)), m.nn.Parameter(m.zeros(2))
        own.grad, other.grad = m.ones(2), m.full((2,), 2.0)
        optimizer = m.optim.Adam([own], lr=0.5)
        swap = m.optim.swap_in_optimizer_params_and_state
        with pytest.raises(RuntimeError, match="requires initialized optimizer state"), swap(optimizer, {}, {}):
            pass
        optimizer.step()
        saved = optimizer.state_dict()
        saved["param_groups"][0]["lr"] = 0.25
        for params, state, sentence in (
            ({}, saved, "to match optimizer.param_groups ordering"),
            ({"x": other}, {"state": {}}, "to be a list of param-group dicts, got NoneType"),
            ({"x": other}, {"state": {}, "param_groups": []}, "a different number of parameter groups"),
        ):
            with pytest.raises(RuntimeError, match=re.escape(sentence)), swap(optimizer, params, state):
                pass
        with swap(optimizer, {"x": other}, saved):
            optimizer.step()
        assert optimizer.param_groups[0]["params"][0] is own
        seen.append([*own.tolist(), *other.tolist(), saved["state"][0]["step"].item(), optimizer.param_groups[0]["lr"]])
    assert seen[1] == pytest.approx(seen[0])


# PyTorch takes the first momentum for a constant, and in these the second step changes what the first one has saved.
CONSTANT = [case for case in CASES if "momentum" in case[1] and case[0] == "SGD"]
ONE_STEP = ("Adamax", "Rprop")


@pytest.mark.parametrize(
    ("name", "options"),
    [case for case in CASES if case[0] not in REAL_ONLY and "fused" not in case[1] and case not in CONSTANT],
)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradients_through_steps(name, options, dtype):
    rng = np.random.default_rng(2)
    start, slope = (
        rng.standard_normal(4) + (1j * rng.standard_normal(4) if dtype == "complex128" else 0) for _ in "ab"
    )
    steps = 1 if name in ONE_STEP or "amsgrad" in options or "centered" in options else 3
    grads = []
    for m in (torch, rl):
        first, grad = m.tensor(start, requires_grad=True), m.tensor(slope, requires_grad=True)
        x = first.clone()
        optimizer = getattr(m.optim, name)([x], differentiable=True, **options)
        for n in range(steps):
            x.grad = grad * (n + 1) + first
            optimizer.step()
        (x * x.conj()).real.sum().backward()
        grads.append((first.grad.numpy(), grad.grad.numpy()))
    # PyTorch's Adam corrects in float32 here.
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-4, atol=1e-4)
