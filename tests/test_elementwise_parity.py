"""Elementwise operations beside PyTorch's: edges, dtypes, layouts, sizes, both derivatives, writes over operands.

Where PyTorch's result is nan ours may be a limit, and a derivative at nan may be any; everywhere else the two agree.
"""

import os
import threading

import numpy as np
import pytest

import rushlight as rl
from rushlight import kernels

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

INF, NAN = np.inf, np.nan
EDGES = [NAN, INF, -INF, 0, 1, -1, 0.5, -0.5, 1.5, -1.5, 2, 2.5, 3, -3, 1e-3, 20, 20.5, -20, 88, 89, -90, 100, -104]
EDGES += [1e4, -1e4, 1e10, -1e10, 3e38, -3e38, 6.5, -7]
TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "float16": 3e-3}

PLAIN = (
    "abs neg square reciprocal sqrt rsqrt exp expm1 exp2 log log1p sin cos atan tanh sigmoid erf erfc relu "
    "floor ceil trunc round frac sign isfinite signbit nan_to_num angle deg2rad rad2deg"
)
ACTIVATIONS = "silu mish logsigmoid softsign elu celu selu leaky_relu softplus softshrink"
PAIRS = "add sub mul div pow maximum minimum fmax fmin fmod remainder atan2 hypot copysign logaddexp xlogy lt eq"
WHOLE = "add sub mul div remainder fmod floor_divide maximum lt eq"
WRITES = "exp_ sigmoid_ tanh_ relu_ sqrt_ neg_ reciprocal_ square_ sin_ log1p_ floor_ frac_"


def functional(name, **params):
    return lambda m, x: getattr(m.nn.functional, name)(x, **params)


def plain(name, **params):
    return lambda m, x: getattr(m, name)(x, **params)


UNARY = {name: plain(name) for name in PLAIN.split()}
UNARY |= {f"functional.{name}": functional(name) for name in ACTIVATIONS.split()}
UNARY |= {
    "elu(alpha=-0.7)": functional("elu", alpha=-0.7),
    "elu(alpha=0)": functional("elu", alpha=0.0),
    "softplus(beta=-1.5)": functional("softplus", beta=-1.5),
    "softplus(threshold=-5)": functional("softplus", beta=2, threshold=-5),
    "softshrink(0)": functional("softshrink", lambd=0.0),
    "leaky_relu(-2)": functional("leaky_relu", negative_slope=-2.0),
    "threshold(nan)": functional("threshold", threshold=NAN, value=7.0),
    "gelu(tanh)": functional("gelu", approximate="tanh"),
    "clamp(1, -1)": plain("clamp", min=1, max=-1),
    "clamp(nan)": plain("clamp", min=NAN),
    "clamp(-inf, inf)": plain("clamp", min=-INF, max=INF),
    "nan_to_num(2, 1, -1)": plain("nan_to_num", nan=2, posinf=1, neginf=-1),
    "round(2)": plain("round", decimals=2),
}
NUMBERS = {
    "add": lambda m, x, v: x + v,
    "rsub": lambda m, x, v: v - x,
    "mul": lambda m, x, v: x * np.float64(v),
    "div": lambda m, x, v: x / v,
    "rdiv": lambda m, x, v: v / x,
    "pow": lambda m, x, v: x**v,
    "remainder": lambda m, x, v: x % v,
    "fmod": lambda m, x, v: m.fmod(x, v),
    "trunc": lambda m, x, v: m.div(x, v, rounding_mode="trunc"),
    "floor": lambda m, x, v: m.div(x, v, rounding_mode="floor"),
    "lerp": lambda m, x, v: m.lerp(x, x * 0.5, v),
    "addcmul": lambda m, x, v: m.addcmul(x, x, x, value=v),
    "alpha": lambda m, x, v: m.sub(x, x, alpha=v),
    "where": lambda m, x, v: m.where(x > 0, x, v),
    "copysign": lambda m, x, v: m.copysign(x, v),
    "ge": lambda m, x, v: x >= v,
}
BINARY = {name: lambda m, x, y, name=name: getattr(m, name)(x, y) for name in PAIRS.split()}
BINARY |= {
    "floor_divide": lambda m, x, y: m.floor_divide(x.detach(), y.detach()),
    "heaviside": lambda m, x, y: m.heaviside(x.detach(), y.detach()),
    "nextafter": lambda m, x, y: m.nextafter(x.detach(), y.detach()),
    "clamp": lambda m, x, y: m.clamp(x, y - 0.5, y + 0.5),
    "clamp, turned": lambda m, x, y: m.clamp(x, y + 0.5, y - 0.5),
    "lerp": lambda m, x, y: m.lerp(x, y, x - y),
    "addcdiv": lambda m, x, y: m.addcdiv(x, x, y, value=0.5),
    "where": lambda m, x, y: m.where(x > y, x, y),
}


def tensor(m, values, dtype, requires_grad=False):
    made = (m.from_numpy if m is torch else rl.from_numpy)(np.array(values, np.float64))
    return made.to(getattr(m, dtype)).requires_grad_(requires_grad)


def results(m, function, arrays, dtype):
    """The value, then the first derivatives without and with a history, then the second ones."""
    inputs = [tensor(m, a, dtype, dtype != "float16") for a in arrays]
    out = function(m, *inputs)
    found = [out]
    if not out.requires_grad:
        return found
    for create in (False, True):
        seed = m.full_like(out, 1.25)
        first = m.autograd.grad(out, inputs, seed, retain_graph=True, create_graph=create, allow_unused=True)
        found += [m.zeros_like(x) if g is None else g for g, x in zip(first, inputs)]
    bent = [g for g in first if g is not None and g.requires_grad]
    if not bent:
        return found + [m.zeros_like(x) for x in inputs]
    second = m.autograd.grad(bent, inputs, [m.full_like(g, -0.75) for g in bent], allow_unused=True)
    return found + [m.zeros_like(x) if g is None else g for g, x in zip(second, inputs)]


def agree(function, *arrays, dtype="float32", atol=1e-6):
    theirs, ours = (results(m, function, arrays, dtype) for m in (torch, rl))
    if len(theirs) != len(ours):
        theirs, ours = theirs[:1], ours[:1]
    for number, (expected, found) in enumerate(zip(theirs, ours)):
        assert str(found.dtype).rpartition(".")[2] == str(expected.dtype).rpartition(".")[2]
        expected, found = (np.asarray(x.numpy(force=True)) for x in (expected, found))
        assert found.shape == expected.shape
        compared = ~np.isnan(expected)
        if number and expected.shape == np.shape(arrays[0]):
            compared &= ~np.isnan(arrays[0])
        np.testing.assert_allclose(
            found[compared], expected[compared], TOLERANCE.get(dtype, 0), atol, err_msg=f"result {number}"
        )


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", UNARY)
def test_one_operand_at_the_edges(name, dtype):
    agree(UNARY[name], EDGES, dtype=dtype)
    agree(UNARY[name], EDGES * 12, dtype=dtype)


@pytest.mark.parametrize("value", [0, 1, 2, 3, -1, 0.5, -0.5, -1.5, 7, INF, -INF, NAN, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_at_the_edges(name, value):
    if value is True and name in ("rsub", "alpha"):
        pytest.skip("PyTorch refuses a difference with a truth value")
    few = [v for v in EDGES if not 1e9 < abs(v) < INF] if name in ("remainder", "fmod", "floor", "addcmul") else EDGES
    agree(lambda m, x: NUMBERS[name](m, x, value), few)
    agree(lambda m, x: NUMBERS[name](m, x, value), few, dtype="float64")


LAYOUTS = {
    "0-d": ((), ()),
    "empty": ((0, 5), (5,)),
    **{f"{n}": ((n,), (n,)) for n in (1, 7, 255, 256, 257, 1000, 40000)},
    "row": ((30, 20), (20,)),
    "column": ((30, 20), (30, 1)),
    "outer": ((30, 1), (1, 20)),
    "one number": ((30, 20), ()),
    "one number first": ((), (30, 20)),
    "one element": ((5,), (1, 1)),
    "large rows": ((300, 200), (200,)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_operands_of_every_layout(layout):
    draw = np.random.default_rng(0)
    x, y = (draw.standard_normal(shape).round(3) + 0.0004 for shape in LAYOUTS[layout])
    for name, function in BINARY.items():
        if not (name == "heaviside" and x.ndim != y.ndim):
            agree(function, x, y, atol=1e-4 * np.sqrt(x.size + 1))
    for cut in (
        (lambda x: x.t(), lambda x: x[::2, 1::3], lambda x: x[..., :1].expand(x.shape)) if x.ndim == y.ndim == 2 else ()
    ):
        for name in ("add", "maximum", "remainder", "lt", "hypot", "where"):
            agree(lambda m, x, y, f=BINARY[name], cut=cut: f(m, cut(x), cut(y)), x + 0 * y, y + 0 * x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(set(BINARY) - {"addcdiv", "lerp", "hypot"}))
def test_two_operands_at_the_edges(name, dtype):
    few = [v for v in EDGES if not 1e3 < abs(v) < INF]
    if name in ("pow", "logaddexp", "xlogy", "atan2"):
        few = [v for v in few if abs(v) < 30]
    x, y = np.repeat(few, len(few)), np.tile(few, len(few))
    with_value = BINARY[name] if name not in ("pow", "xlogy") else lambda m, x, y: BINARY[name](m, x, y).detach()
    agree(with_value, x, y, dtype=dtype)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_whole_numbers(dtype):
    values = [v for v in (0, 1, -1, 2, -3, 7, -7, 100, 127) if v >= 0 or dtype != "uint8"]
    x, y = np.repeat(values, len(values)), np.tile([v or 1 for v in values], len(values))
    for name in WHOLE.split():
        for repeats in (1, 900):
            theirs, ours = (
                getattr(m, name)(tensor(m, np.tile(x, repeats), dtype), tensor(m, np.tile(y, repeats), dtype)).numpy()
                for m in (torch, rl)
            )
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs), name
    product = [m.addcmul(*[tensor(m, x, dtype)] * 3, value=-2).numpy() for m in (torch, rl)]
    assert np.array_equal(*product)


def test_bfloat16_keeps_its_dtype_and_rounds_once():
    pytest.importorskip("ml_dtypes")
    for name, function in UNARY.items():
        if name not in ("signbit", "isfinite", "angle"):
            theirs, ours = (function(m, tensor(m, [NAN, 0.3, -1.7, 19.0, -30.0], "bfloat16")) for m in (torch, rl))
            assert ours.dtype == rl.bfloat16, name
            np.testing.assert_allclose(ours.float().numpy(), theirs.float().numpy(), 1.6e-2, 1e-4, err_msg=name)


def test_refusals_have_pytorchs_sentence():
    for name in ("add", "hypot", "xlogy", "complex", "copysign", "igamma"):
        said = []
        for m in (torch, rl):
            with pytest.raises(RuntimeError) as caught:
                getattr(m, name)(m.ones(3), m.ones(4))
            said.append(str(caught.value).split("\n")[0][:95])
        assert said[0][:90] in said[1], name


# -- writes over operands


SPANS = {
    "one after": lambda x: (x[1:], x[:-1]),
    "one before": lambda x: (x[:-1], x[1:]),
    "every other": lambda x: (x[::2], x[1::2]),
    "one of its own": lambda x: (x, x[2]),
    "turned": lambda x: (x[:36].view(6, 6), x[:36].view(6, 6).t()),
    "a row of its own": lambda x: (x.view(2, -1), x.view(2, -1)[1]),
}


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("n", [300, 40000])
def test_operands_that_overlap_are_read_first(span, n):
    for name in ("add_", "mul_", "div_", "pow_", "remainder_", "hypot_"):
        found = []
        for keep in (lambda y: y, lambda y: y.clone()):
            x = rl.arange(n, dtype=rl.float32) % 17 * 0.3 + 0.4
            written, read = SPANS[span](x)
            getattr(written, name)(keep(read))
            found.append(x.numpy())
        assert np.array_equal(*found), name


@pytest.mark.parametrize("n", [6, 40000])
@pytest.mark.parametrize("name", WRITES.split())
def test_a_write_by_a_kernel_has_its_history_and_version(name, n):
    for change in (lambda x: x, lambda x: x.mul_(2), lambda x: x[1:-1]):
        found = []
        for m in (torch, rl):
            x = tensor(m, np.arange(n) % 17 * 0.3 + 0.4, "float32", True)
            y = x * 0.1
            getattr(change(y), name)()
            y.backward(m.ones_like(y))
            found.append((x.grad.numpy(), y._version))
        assert found[0][1] == found[1][1]
        np.testing.assert_allclose(found[1][0], found[0][0], 1e-5, 1e-6)


# -- memory and threads


def test_kept_memory_moves_on_to_other_sizes():
    buffers = kernels.load("buffers")
    if buffers is None:
        pytest.skip("the kernels are not compiled")
    buffers.empty_cache()
    large = [rl.ones(1 << 24) + 1 for _ in range(2)]
    del large
    x = rl.ones(3 << 20)
    first = (x + 1).data_ptr()
    assert (x + 1).data_ptr() == first
    assert 0 < buffers.empty_cache() <= 128 << 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_threads_change_in_number_and_processes_fork_while_loops_run():
    before, wrong, done = rl.get_num_threads(), [], threading.Event()

    def compute(k):
        while not done.is_set():
            if not ((rl.full((70000,), float(k)) + 1).relu().numpy() == k + 1).all():
                wrong.append(k)

    workers = [threading.Thread(target=compute, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    try:
        for n in (1, 2, 3, 8, 2):
            rl.set_num_threads(n)
            pid = os.fork()
            if pid == 0:
                os._exit(0 if (rl.ones(200000) + 1).sum().item() == 400000 else 1)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        done.set()
        for worker in workers:
            worker.join()
        rl.set_num_threads(before)
    assert wrong == []
