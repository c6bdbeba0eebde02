"""Convolutions and products by oneDNN give what ours give, and its absence, its failures and forks are survived."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

import rushlight as rl
from rushlight.kernels import dnnl, onednn
from rushlight.ops import conv, matrix

needed = pytest.mark.skipif(
    not onednn.is_available(), reason="onednn-cpu-gomp is not installed, or kernels are left aside"
)
EVERYTHING = {kind: ((0, 0), (0, 0)) for kind in onednn._LIMITS}


@pytest.fixture
def at_any_size(monkeypatch):
    monkeypatch.setattr(onednn, "_LIMITS", EVERYTHING)
    monkeypatch.setattr(onednn, "SMALLEST", 0)


@pytest.fixture(autouse=True)
def in_one_thread():
    """Threads of OpenMP wait for each other without giving way, which takes seconds where others need the processors."""
    before = rl.get_num_threads()
    rl.set_num_threads(1)
    yield
    rl.set_num_threads(before)


def dtype_of(name):
    return np.float32 if name == "float32" else pytest.importorskip("ml_dtypes").bfloat16


def close(got, want, name):
    assert got is not NotImplemented
    assert got.shape == want.shape and got.dtype == want.dtype
    got, want = got.astype(np.float64), want.astype(np.float64)
    assert np.abs(got - want).max() <= (1e-5 if name == "float32" else 1e-2) * np.abs(want).max()


@needed
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_a_convolution_and_its_gradients_are_ours(at_any_size, name, spatial):
    random, dtype = np.random.default_rng(spatial), dtype_of(name)
    for stride, padding, dilation, groups, bias in itertools.product((1, 2), (0, 2), (1, 2), (1, 2), (False, True)):
        x = random.standard_normal((2, 4, *(11, 8, 7)[:spatial])).astype(dtype)
        w = random.standard_normal((8, 4 // groups, *(3, 2, 3)[:spatial])).astype(dtype)
        b = random.standard_normal(8).astype(dtype) if bias else None
        params = {k: (v,) * spatial for k, v in (("stride", stride), ("padding", padding), ("dilation", dilation))}
        params["groups"] = groups
        out = conv.convolution.forward(x, w, b, **params)
        close(onednn.convolution(x, w, b, **params), out, name)
        g, size, kernel = random.standard_normal(out.shape).astype(dtype), x.shape[2:], w.shape[2:]
        want = conv.convolution_transpose.forward(g, w, None, size=size, **params)
        close(onednn.convolution_transpose(g, w, None, size=size, **params), want, name)
        want = conv.convolution_weight.forward(x, g, kernel=kernel, **params)
        close(onednn.convolution_weight(x, g, kernel=kernel, **params), want, name)


@needed
def test_a_convolution_at_fewer_places_than_fit(at_any_size):
    x, w = np.random.default_rng(0).standard_normal((2, 1, 2, 9, 9)).astype(np.float32)
    w = w.reshape(1, 2, 9, 9)[..., :3, :3]
    params = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "size": (4, 5)}
    x = x.reshape(1, 2, 9, 9)
    assert onednn.convolution(x, w, None, **params) is NotImplemented
    assert conv.convolution.compute((x, w, None), params).shape == (1, 1, 4, 5)


@needed
@pytest.mark.parametrize("shapes", [((5, 7), (7, 3)), ((4, 5, 7), (4, 7, 3)), ((1, 64), (64, 1))])
def test_products_of_bfloat16_are_ours_in_any_order_of_memory(at_any_size, shapes):
    random, dtype = np.random.default_rng(0), dtype_of("bfloat16")
    a, b = (random.standard_normal(shape).astype(dtype) for shape in shapes)
    want = np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(dtype)
    turned = [np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2) for x in (a, b)]
    strided = [np.repeat(x, 2, -1)[..., ::2] for x in (a, b)]
    for x, y in itertools.product((a, turned[0], strided[0]), (b, turned[1], strided[1])):
        close(onednn.product(x, y), want, "bfloat16")
    close(matrix.product(a, b), want, "bfloat16")


@needed
def test_small_and_other_arrays_are_declined():
    x, w = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 3, 3), np.float32)
    params = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    assert onednn.convolution(x, w, None, **params) is NotImplemented
    large, wide = np.ones((4, 32, 32, 32)), np.ones((32, 32, 3, 3))
    assert onednn.convolution(large, wide, None, **params) is NotImplemented
    large, wide = large.astype(np.float32), wide.astype(np.float32)
    assert onednn.convolution(large, wide, None, **params) is not NotImplemented
    assert onednn.convolution(large, wide[..., :1, :1], None, **params) is NotImplemented


@needed
def test_what_a_program_computes_is_the_same_with_and_without_it():
    def step():
        rl.manual_seed(0)
        layer = rl.nn.Conv2d(32, 32, 3, padding=1)
        x = rl.randn(8, 32, 16, 16, requires_grad=True)
        layer(x).square().mean().backward()
        return [x.grad, layer.weight.grad, layer.bias.grad]

    used = step()
    with rl.backends.mkldnn.flags(enabled=False):
        assert not rl.backends.mkldnn.enabled
        own = step()
    assert rl.backends.mkldnn.enabled
    for a, b in zip(used, own):
        assert rl.allclose(a, b, rtol=1e-4, atol=1e-6)
    assert not all(rl.equal(a, b) for a, b in zip(used, own))


@needed
def test_it_computes_in_as_many_threads_as_are_set(at_any_size, monkeypatch):
    asked, library = [], onednn.library()
    monkeypatch.setattr(library, "set_threads", asked.append)
    x, w = np.ones((1, 2, 4, 4), np.float32), np.ones((2, 2, 3, 3), np.float32)
    params = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    for n in (1, 3):
        rl.set_num_threads(n)
        onednn.convolution(x, w, None, **params)
    assert asked == [1, 3]


@needed
@pytest.mark.parametrize("status, error", [(1, MemoryError), (2, RuntimeError), (5, RuntimeError)])
def test_its_failures_are_raised(at_any_size, monkeypatch, status, error):
    class Failing:
        def __init__(self, functions):
            self.functions = functions

        def __getattr__(self, name):
            return (lambda *a: status) if name == "dnnl_primitive_execute" else getattr(self.functions, name)

    library = onednn.library()
    monkeypatch.setattr(library, "functions", Failing(library.functions))
    with pytest.raises(error, match=r"oneDNN.*dnnl_primitive_execute"):
        rl.nn.functional.conv2d(rl.ones(1, 2, 5, 5), rl.ones(2, 2, 3, 3))


@needed
def test_plans_are_kept_by_shape_and_are_not_many(at_any_size, monkeypatch):
    library = onednn.library()
    monkeypatch.setattr(library, "plans", {})
    monkeypatch.setattr(dnnl, "_MOST", 2)
    w = np.ones((2, 2, 3), np.float32)
    for n in (5, 6, 7, 7):
        x = np.ones((1, 2, n), np.float32)
        onednn.convolution(x, w, None, stride=(1,), padding=(1,), dilation=(1,), groups=1)
    assert [key[2] for key in library.plans] == [(1, 2, 6), (1, 2, 7)]


PROGRAM = """
import os
import numpy as np
import rushlight as rl
from rushlight.kernels import onednn
rl.set_num_threads(2)
def run():
    return rl.nn.functional.conv2d(rl.ones(4, 32, 16, 16), rl.ones(32, 32, 3, 3)).sum().item()
"""


def output(program, **environment):
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", PROGRAM + program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@needed
def test_a_forked_child_computes_without_it():
    program = """
total = run()
if os.fork() == 0:
    os._exit(0 if run() == total and not rl.backends.mkldnn.is_available() else 1)
print(os.waitstatus_to_exitcode(os.wait()[1]), rl.backends.mkldnn.is_available())
"""
    assert output(program) == ["0", "True"]


@needed
def test_it_is_loaded_late_and_can_be_left_out():
    late = "print(onednn._library)\nrl.nn.functional.conv2d(rl.ones(1, 1, 5, 5), rl.ones(1, 1, 3, 3))\nprint(onednn._library)"
    assert output(late) == ["None", "None"]
    assert output("run(); print(rl.backends.mkldnn.is_available())", RUSHLIGHT_ONEDNN="0") == ["False"]


def test_without_it_everything_runs():
    program = (
        "from rushlight.kernels import dnnl\ndnnl.found = lambda: None\nprint(run(), rl.backends.mkldnn.is_available())"
    )
    assert output(program) == [str(4.0 * 32 * 32 * 9 * 14 * 14), "False"]


def test_flags_are_pytorch_s():
    mkldnn = rl.backends.mkldnn
    with pytest.raises(RuntimeError, match="set_enabled_mkldnn expects a bool, but got int"):
        mkldnn.enabled = 1
    before = mkldnn.set_flags(_enabled=False)
    assert before == (True, False, None, "none") and not mkldnn.enabled
    mkldnn.set_flags(*before)
    assert mkldnn.enabled
