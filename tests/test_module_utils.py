"""The rest of nn.utils: older norms of weights, unset modules, layouts, gradients cut off, parameters as a vector."""

import copy
import importlib
import pickle
import subprocess
import sys

import pytest

import rushlight as rl
from beside import collect
from rushlight import nn
from test_module_parity import run, told

PROGRAMS = []
program = collect(PROGRAMS)


def layer(m, n=3, k=2, bias=False):
    linear = m.nn.Linear(k, n, bias=bias)
    linear.weight.data = ((m.arange(1.0, n * k + 1) ** 2 * 0.37) % 1 - 0.4).reshape(n, k)
    return linear


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@program
def older_weight_norm(m):
    U = m.nn.utils
    for dim in (0, 1, -1, None):
        linear = layer(m)
        yield (
            U.weight_norm(linear, dim=dim) is linear,
            repr(linear),
            state(linear),
            type(linear.weight).__name__,
            linear.weight.detach(),
        )
        linear(m.ones(2, 2)).sum().backward()
        yield (
            [p.grad for p in linear.parameters()],
            [n for n, _ in linear.named_parameters()],
            len(linear._forward_pre_hooks),
        )
        with m.no_grad():
            linear.weight_g.mul_(2)
        linear(m.ones(2, 2))
        yield linear.weight.detach(), told(lambda: U.weight_norm(linear))
        yield (
            U.remove_weight_norm(linear) is linear,
            state(linear),
            type(linear.weight).__name__,
            len(linear._forward_pre_hooks),
        )
        yield told(lambda: U.remove_weight_norm(linear))
    yield told(lambda: U.weight_norm(layer(m), "nope")), told(lambda: U.weight_norm(m.nn.LazyLinear(2)))
    yield told(lambda: U.weight_norm(layer(m), dim=2))[:40], told(lambda: copy.deepcopy(U.weight_norm(layer(m))))[:60]
    hook = importlib.import_module(m.__name__ + ".nn.utils.weight_norm").WeightNorm("weight", None)
    yield hook.name, hook.dim, state(pickle.loads(pickle.dumps(U.weight_norm(layer(m)))))


@program
def older_spectral_norm(m):
    U = m.nn.utils
    for options in ({}, {"n_power_iterations": 3}, {"dim": 1}, {"eps": 1e-3}):
        m.manual_seed(1)
        linear = layer(m)
        yield (
            U.spectral_norm(linear, **options) is linear,
            repr(linear),
            state(linear),
            type(linear.weight).__name__,
            linear.weight.detach(),
        )
        linear(m.ones(2, 2)).sum().backward()
        yield (
            linear.weight.detach(),
            state(linear),
            [p.grad for p in linear.parameters()],
            [n for n, _ in linear.named_buffers()],
        )
        linear.eval()
        linear(m.ones(2, 2))
        yield (
            linear.weight.detach(),
            state(linear),
            told(lambda: U.spectral_norm(linear)),
            dict(linear.state_dict()._metadata[""]),
        )
        other = U.spectral_norm(layer(m), **options)
        yield repr(other.load_state_dict(linear.state_dict())), state(other), len(linear._state_dict_hooks)
        yield (
            U.remove_spectral_norm(linear) is linear,
            state(linear),
            type(linear.weight).__name__,
            len(linear._forward_pre_hooks),
        )
        yield told(lambda: U.remove_spectral_norm(linear)), len(linear._state_dict_hooks), list(linear.buffers())
    yield told(lambda: U.spectral_norm(layer(m), "nope")), told(lambda: U.spectral_norm(layer(m), n_power_iterations=0))
    yield (
        tuple(U.spectral_norm(m.nn.ConvTranspose1d(2, 3, 2)).weight_u.shape),
        tuple(U.spectral_norm(m.nn.Conv2d(2, 3, 2)).weight_v.shape),
    )
    linear = U.spectral_norm(m.nn.LayerNorm(2))
    yield (
        linear(m.ones(1, 2)).shape == (1, 2),
        list(linear.state_dict()),
        list(copy.deepcopy(linear.eval()).state_dict()),
    )
    yield told(lambda: U.spectral_norm(layer(m), "bias")), told(lambda: U.spectral_norm(m.nn.LazyLinear(2)))


@program
def spectral_norm_of_old_states(m):
    U = m.nn.utils
    m.manual_seed(2)
    linear = U.spectral_norm(layer(m))
    linear(m.ones(1, 2))
    old = linear.state_dict()
    old._metadata[""] = {"version": 1}
    sigma = linear.weight_u @ linear.weight_orig @ linear.weight_v
    old["weight"] = linear.weight_orig.detach() / sigma.detach()
    del old["weight_v"]
    other = U.spectral_norm(layer(m))
    yield repr(other.load_state_dict(old)), state(other), other.eval()(m.ones(1, 2))
    missing = linear.state_dict()
    del missing["weight_v"]
    yield told(lambda: other.load_state_dict(missing))


@program
def unset(m):
    U = m.nn.utils
    m.manual_seed(3)
    linear = U.skip_init(m.nn.Linear, 2, 3)
    yield (
        m.rand(2),
        repr(linear),
        U.skip_init(m.nn.Linear, 2, 3, device="cpu", dtype=m.float64).weight.dtype == m.float64,
    )
    yield told(lambda: U.skip_init(m.nn.ReLU)), told(lambda: U.skip_init(3)), told(lambda: U.skip_init(m.nn.Sequential))
    yield (
        repr(U.skip_init(m.nn.BatchNorm1d, 3)),
        told(lambda: U.skip_init(m.nn.Linear, 2)),
        repr(U.skip_init(m.nn.LSTM, 2, 3, num_layers=2)),
    )


@program
def layouts(m):
    U = m.nn.utils
    model = m.nn.Sequential(m.nn.Conv2d(2, 3, 2), m.nn.ConvTranspose2d(3, 2, 2), m.nn.Linear(1, 1))
    weights = list(model.parameters())
    x = m.ones(1, 2, 4, 1)
    before = model(x)
    yield (
        U.convert_conv2d_weight_memory_format(model, m.channels_last) is model,
        [p.stride() for p in model.parameters()],
    )
    yield [p is q for p, q in zip(weights, model.parameters())], (model(x) - before).abs().max() < 1e-6
    volumes = m.nn.Sequential(m.nn.Conv3d(2, 3, 2), m.nn.ConvTranspose3d(3, 2, 2), m.nn.Conv2d(2, 2, 2))
    U.convert_conv3d_weight_memory_format(volumes, m.channels_last_3d)
    yield [p.stride() for p in volumes.parameters()]


@program
def stateless(m):
    S = importlib.import_module(m.__name__ + ".nn.utils.stateless")
    linear = m.nn.Linear(1, 1)
    given = {"weight": m.full((1, 1), 3.0), "bias": m.ones(1)}
    yield S.functional_call(linear, given, m.ones(1)), S.functional_call(linear, given, (), {"input": m.ones(2, 1)})
    yield told(lambda: S.functional_call(linear, {"weight": m.ones(1, 1), "nope": m.ones(1)}, m.ones(1), strict=True))


@program
def vectors(m):
    U = m.nn.utils
    linear = layer(m, bias=True)
    vector = U.parameters_to_vector(linear.parameters())
    yield (
        vector.shape == (9,),
        vector.requires_grad,
        U.vector_to_parameters(m.arange(9.0), linear.parameters()),
        state(linear),
    )
    yield (
        U.vector_to_parameters(m.arange(12.0), linear.parameters()),
        state(linear),
        U.vector_to_parameters(m.arange(9.0, dtype=m.float64), linear.parameters()),
    )
    yield (
        state(linear),
        told(lambda: U.vector_to_parameters(3, linear.parameters())),
        told(lambda: U.vector_to_parameters(m.ones(3), linear.parameters())),
    )
    yield told(lambda: U.parameters_to_vector([])), told(lambda: U.vector_to_parameters([1.0], linear.parameters()))
    yield linear.weight.requires_grad, linear.weight.is_leaf, type(linear.weight).__name__


@program
def clipping(m):
    U = m.nn.utils

    def given(scale=1.0):
        a, b, c = m.nn.Parameter(m.ones(2)), m.nn.Parameter(m.ones(3)), m.nn.Parameter(m.ones(1))
        a.grad, b.grad = m.tensor([3.0, -4.0]) * scale, m.tensor([0.0, 12.0, 0.0]) * scale
        return [a, b, c]

    for kind in (2.0, 1, 3.5, float("inf"), -float("inf"), 0, "inf"):
        for limit in (1.0, 100.0, 0.0, "2"):
            p = given()
            yield kind, told(lambda: U.clip_grad_norm_(p, limit, kind)), p[0].grad, p[1].grad, p[2].grad
    yield (
        U.clip_grad_norm_([], 1.0),
        U.clip_grad_norm_(given()[2], 1.0),
        U.clip_grad_norm_(given()[0], 1.0),
        U.clip_grad_norm_(iter(given()), 1.0),
    )
    p = given(float("nan"))
    yield told(lambda: U.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)), U.clip_grad_norm_(p, 1.0), p[0].grad
    p = given(float("inf"))
    yield told(lambda: U.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)), U.clip_grad_norm_(p, 1.0), p[0].grad
    p = given()
    yield (
        U.get_total_norm([q.grad for q in p[:2]]),
        U.get_total_norm([]),
        U.get_total_norm(p[0].grad, norm_type=1.0),
        U.get_total_norm([m.ones(2, dtype=m.float64), m.ones(1)]),
    )
    yield (
        U.clip_grads_with_norm_(p, 1.0, m.tensor(13.0)),
        p[0].grad,
        U.clip_grads_with_norm_(p[1], 6.0, m.tensor(12.0)),
        p[1].grad,
    )
    yield U.clip_grads_with_norm_([], 1.0, m.tensor(1.0)), U.clip_grad_norm(given(), 1.0)
    for value in (5.0, 0, "3"):
        p = given()
        yield told(lambda: U.clip_grad_value_(p, value)), p[0].grad, p[1].grad
    yield U.clip_grad_value_(given()[0], 1.0), told(lambda: U.clip_grad_value_(given(), -1.0))
    double = m.nn.Parameter(m.ones(2, dtype=m.float64))
    double.grad = m.ones(2, dtype=m.float64)
    yield U.clip_grad_norm_([*given(), double], 1.0), double.grad, U.get_total_norm([m.ones(2, dtype=m.complex64) * 3j])


@pytest.mark.parity
@pytest.mark.parametrize("p", PROGRAMS, ids=lambda p: p.__name__)
def test_a_program_does_the_same(p):
    torch = pytest.importorskip("torch")
    theirs, ours = run(torch, p), run(rl, p)
    assert ours == theirs


# -- what differs from PyTorch on purpose, and what holds without it


def test_too_short_a_vector_writes_nothing():
    linear = nn.Linear(2, 3)
    before = linear.weight.tolist()
    with pytest.raises(RuntimeError, match=r"shape '\[3\]' is invalid for input of size 1"):
        nn.utils.vector_to_parameters(rl.zeros(7), linear.parameters())
    assert linear.weight.tolist() == before


def test_the_vector_is_copied():
    linear = nn.Linear(2, 3)
    vector = rl.zeros(9)
    nn.utils.vector_to_parameters(vector, linear.parameters())
    vector.fill_(1)
    assert not linear.weight.detach().any()


def test_functions_and_modules_of_one_name():
    """`weight_norm` is a function of nn.utils and a module within it, also where torch means rushlight."""
    program = """
import rushlight
rushlight.as_torch()
import torch
from torch.nn.utils.weight_norm import WeightNorm
import torch.nn.utils.spectral_norm
import torch.nn.utils.prune as prune
import torch.nn.utils.parametrize as parametrize
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils import spectral_norm
assert callable(torch.nn.utils.weight_norm) and callable(torch.nn.utils.spectral_norm), torch.nn.utils.weight_norm
assert callable(spectral_norm)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
