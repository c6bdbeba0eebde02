"""Checkpoints: the same values and gradients to the bit, with less kept."""

import gc
import tracemalloc
import weakref
from functools import partial

import numpy as np
import pytest

import rushlight as rl
from beside import attempt, collect, outcome
from rushlight import nn
from rushlight.autograd import grad
from rushlight.ops.declare import REGISTRY
from rushlight.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)
from rushlight.watching import Watcher

BOTH = pytest.mark.parametrize("use_reentrant", [False, True], ids=["not reentrant", "reentrant"])


def leaf(*values):
    return rl.tensor(values, dtype=rl.float64, requires_grad=True)


def block(x):
    return (x.sin() * x).exp().softmax(-1)


def equal(a, b):
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


class Counting:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.function(*args, **kwargs)


def make_network():
    rl.manual_seed(0)
    layers = [nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Dropout(0.5), nn.LayerNorm(8)) for _ in range(3)]
    return nn.Sequential(*layers)


def trained(run):
    """(output, gradients of the input and of all weights, the number drawn next) of a network run by `run`."""
    net, x = make_network(), rl.arange(32.0).reshape(4, 8).requires_grad_()
    out = run(net, x)
    (out * rl.arange(8.0)).sum().backward()
    return out, [x.grad, *[p.grad for p in net.parameters()]], rl.rand(1)


@BOTH
def test_a_network_with_dropout_is_the_same_to_the_bit(use_reentrant):
    def run(net, x):
        for layer in net:
            x = checkpoint(layer, x, use_reentrant=use_reentrant)
        return x

    plain, kept = trained(lambda net, x: net(x)), trained(run)
    equal(plain[0], kept[0])
    for a, b in zip(plain[1], kept[1]):
        equal(a, b)
    equal(plain[2], kept[2])


@BOTH
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_a_sequence_is_the_same_to_the_bit(use_reentrant, segments):
    plain = trained(lambda net, x: net(x))
    kept = trained(lambda net, x: checkpoint_sequential(net, segments, x, use_reentrant=use_reentrant))
    for a, b in zip([plain[0], *plain[1]], [kept[0], *kept[1]]):
        equal(a, b)


@BOTH
def test_other_random_numbers_where_that_is_told(use_reentrant):
    drawn = []

    def noisy(x):
        noise = rl.rand(3, dtype=rl.float64)
        drawn.append(noise.tolist())
        return (x * noise).exp()

    x = leaf(1.0, 2.0, 3.0)
    checkpoint(noisy, x, use_reentrant=use_reentrant, preserve_rng_state=False).sum().backward()
    checkpoint(noisy, x, use_reentrant=use_reentrant).sum().backward()
    assert drawn[0] != drawn[1]
    assert drawn[2] == drawn[3]


@BOTH
def test_the_function_runs_once_more_in_each_pass(use_reentrant):
    f, x = Counting(block), leaf(1.0, 2.0)
    y = checkpoint(f, x, use_reentrant=use_reentrant).sum()
    assert f.calls == 1
    y.backward(retain_graph=True)
    assert f.calls == 2
    y.backward()
    assert f.calls == 3
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_nothing_runs_again_where_nothing_is_asked():
    f = Counting(lambda x: x + 1)
    checkpoint(f, leaf(1.0), use_reentrant=False).backward()
    with rl.no_grad():
        checkpoint(f, leaf(1.0), use_reentrant=False)
    assert f.calls == 2


@BOTH
def test_less_is_kept(use_reentrant):
    def segment(x):
        for _ in range(10):
            x = x.sin()
        return x

    def peak(run):
        x = rl.ones(50_000, dtype=rl.float64, requires_grad=True)
        gc.collect()
        tracemalloc.start()
        y = x
        for _ in range(10):
            y = run(y)
        y.sum().backward()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most / x.nbytes, x.grad

    plain, expected = peak(segment)
    kept, actual = peak(lambda x: checkpoint(segment, x, use_reentrant=use_reentrant))
    equal(expected, actual)
    # 100 values without checkpoints; with them 10 inputs and, one after the other, 10 recomputed values.
    assert plain > 100
    assert kept < 40


def test_early_stop_skips_what_backward_does_not_need():
    after = []

    def function(x):
        y = x.exp()
        after.append("end")
        return y + 1

    x = leaf(1.0)
    checkpoint(function, x, use_reentrant=False).backward()
    assert after == ["end"]
    checkpoint(function, x, use_reentrant=False, early_stop=False).backward()
    assert after == ["end"] * 3
    with set_checkpoint_early_stop(False):
        y = checkpoint(function, x, use_reentrant=False)
    y.backward()
    assert after == ["end"] * 5


def test_what_was_computed_again_goes_with_the_pass():
    seen = []

    def function(a, b):
        kept = a.exp()
        seen.append(weakref.ref(kept))
        return kept * 1, b.exp()

    a, b = leaf(1.0), leaf(2.0)
    first, second = checkpoint(function, a, b, use_reentrant=False, early_stop=False)
    grad(first, a, retain_graph=True)
    gc.collect()
    assert seen[1]() is None
    second.backward()


# -- what only the kind without reentry can do
def test_gradients_of_chosen_inputs_and_keyword_arguments():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    f = lambda x, scale, *, w, power: ((x * w) ** power * scale).sum()
    expected = grad(f(x, 2.0, w=w, power=3), (x, w))
    actual = grad(checkpoint(f, x, 2.0, w=w, power=3, use_reentrant=False), (x, w))
    for a, b in zip(expected, actual):
        equal(a, b)
    checkpoint(f, x, 2.0, w=w, power=3, use_reentrant=False).backward(inputs=[w])
    assert x.grad is None
    equal(w.grad, expected[1])


def test_second_and_third_derivatives():
    def nested(run):
        x = leaf(0.3, 0.7)
        (first,) = grad(run(x).sum(), x, create_graph=True)
        (second,) = grad((first * first).sum(), x, create_graph=True)
        (third,) = grad(second.sum(), x)
        return first, second, third

    function = lambda x: (x.sin() * x).exp()
    for a, b in zip(nested(function), nested(lambda x: checkpoint(function, x, use_reentrant=False))):
        equal(a, b)


def test_gradcheck_to_second_order():
    run = lambda x, y: checkpoint(lambda x, y: (x.exp() * y).tanh(), x, y, use_reentrant=False)
    x, y = leaf(0.2, 0.4), leaf(-0.3, 0.5)
    assert rl.autograd.gradcheck(run, (x, y))
    assert rl.autograd.gradgradcheck(run, (x, y))


def test_checkpoints_within_checkpoints():
    def tree(run, x, depth):
        if depth == 0:
            return x.sin().exp()
        return run(tree, run, run(tree, run, x, depth - 1), depth - 1) * x

    def both_orders(run):
        x = leaf(0.1, 0.5)
        (first,) = grad(run(tree, run, x, 3).sum(), x, create_graph=True)
        return first, *grad(first.sum(), x)

    plain = both_orders(lambda function, *args: function(*args))
    for a, b in zip(plain, both_orders(partial(checkpoint, use_reentrant=False))):
        equal(a, b)


def test_nothing_inside_of_an_inner_checkpoint_is_kept_by_the_outer():
    kept = []
    hooks = rl.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.tolist()) or t, lambda t: t)
    with hooks:
        checkpoint(lambda x: x.exp().sin(), leaf(1.0), use_reentrant=False)
    assert kept == [[1.0]]


def test_a_function_of_ones_own_is_computed_again():
    class Square(rl.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            assert ctx.saved_tensors[0].tolist() == ctx.saved_tensors[0].tolist()
            return 2 * g * ctx.saved_tensors[0]

    x = leaf(3.0)
    checkpoint(lambda x: Square.apply(x.exp()), x, use_reentrant=False).backward()
    assert x.grad.item() == pytest.approx(2 * np.exp(6.0))


def test_the_graph_is_freed_by_reference_counts():
    gc.disable()
    try:
        y = checkpoint(block, leaf(1.0), use_reentrant=False)
        gone = weakref.ref(y.grad_fn)
        del y
        assert gone() is None
    finally:
        gc.enable()


def test_a_value_written_in_the_recomputation_is_an_error():
    calls = []

    def function(x):
        y = x * 1
        z = y.exp()
        w = z * 2
        calls.append(1)
        if len(calls) > 1:
            z.zero_()
        return w.sin()

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        checkpoint(function, leaf(1.0), use_reentrant=False).backward()


def test_a_failed_recomputation_leaves_the_graph_as_it_was():
    fail, x = [False], leaf(2.0)

    def function(x):
        if fail[0]:
            raise KeyError("not now")
        return x.exp()

    y = checkpoint(function, x, use_reentrant=False)
    fail[0] = True
    with pytest.raises(KeyError):
        y.backward()
    assert x.grad is None
    fail[0] = False
    y.backward()
    assert x.grad.item() == np.exp(2.0)


def test_under_vmap():
    x = rl.rand(3, 2, dtype=rl.float64)
    f = lambda x: block(x).sum()
    kept = lambda x: checkpoint(block, x, use_reentrant=False).sum()
    np.testing.assert_allclose(rl.func.vmap(rl.func.grad(kept))(x).numpy(), rl.func.vmap(rl.func.grad(f))(x).numpy())


# -- where recomputation goes another way
def other_the_second_time(first, second):
    calls = []

    def function(x):
        calls.append(1)
        return (first if len(calls) == 1 else second)(x)

    return function


def test_the_error_lists_the_operations():
    function = other_the_second_time(lambda x: x.sin().sin(), lambda x: x.exp())
    with pytest.raises(CheckpointError, match="dumping logs of latest computation") as caught:
        checkpoint(function, leaf(1.0), use_reentrant=False, debug=True).backward()
    text = str(caught.value)
    assert text.count("sin(float64[1]) -> float64[1]") == 2
    assert text.count("exp(float64[1]) -> float64[1]") == 1
    assert "test_checkpoint.py" in text
    assert "different number of tensors" in str(caught.value.__cause__)
    function = other_the_second_time(lambda x: x.sin().sin(), lambda x: x.exp())
    with set_checkpoint_debug_enabled(True), pytest.raises(CheckpointError, match="dumping logs"):
        checkpoint(function, leaf(1.0), use_reentrant=False).backward()


# -- selective
def selective(policy, **options):
    return partial(create_selective_checkpoint_contexts, policy, **options)


class Recomputed(Watcher):
    """The operations of recomputations, which are those with gradients on in a pass without create_graph."""

    def __init__(self):
        self.names = []

    def called(self, op, inputs, params, in_place, proceed):
        if rl.is_grad_enabled():
            self.names.append(op.name)
        return proceed()


def test_what_the_policy_saves_is_not_computed_again():
    x = rl.rand(3, 3, dtype=rl.float64).requires_grad_()
    function = lambda x: ((x @ x).exp() @ x).sin()
    (expected,) = grad(function(x).sum(), x)
    asked = []

    def policy(ctx, op, *inputs, **params):
        asked.append((op.name, len(inputs), ctx.is_recompute, ctx.op_output.shape))
        return CheckpointPolicy.MUST_SAVE if op.name == "mm" else CheckpointPolicy.PREFER_RECOMPUTE

    computed = Recomputed()
    for told in (policy, lambda ctx, op, *inputs, **params: op.name == "mm", ["mm"], [REGISTRY["mm"]]):
        y = checkpoint(function, x, use_reentrant=False, context_fn=selective(told)).sum()
        for _ in range(2):
            computed.names.clear()
            with computed:
                (actual,) = grad(y, x, retain_graph=True)
            equal(expected, actual)
            assert computed.names == ["exp", "sin"]
    assert asked == [(name, n, False, (3, 3)) for name, n in (("mm", 2), ("exp", 1), ("mm", 2), ("sin", 1))]


def test_a_policy_names_operations():
    with pytest.raises(ValueError, match="Expected op in `op_list` to be an operation but got: no such"):
        create_selective_checkpoint_contexts(["no such"])


def test_kept_results_may_be_written_where_that_is_allowed():
    x = leaf(1.0)
    keep_all = lambda ctx, op, *inputs, **params: True
    contexts = selective(keep_all, allow_cache_entry_mutation=True)
    checkpoint(lambda x: (x * 2).mul_(3).exp(), x, use_reentrant=False, context_fn=contexts).backward()


# -- beside PyTorch
PROGRAMS = []
program = collect(PROGRAMS)


def module(m):
    if m is not rl:
        pass
    return m.utils.checkpoint


def at(m, *values):
    return m.tensor(values, dtype=m.float64, requires_grad=True)


@program
def refusals(m):
    run, x, f = module(m).checkpoint, at(m, 1.0, 2.0), lambda x: (x.sin() * x).exp()
    once = lambda **named: attempt(lambda: run(f, x, **named))
    return [
        run(f, x),
        once(use_reentrant=True, other=3),
        once(use_reentrant=True, context_fn=lambda: None),
        once(use_reentrant=True, debug=True),
        once(use_reentrant=False, determinism_check="some"),
        once(use_reentrant=False, debug=True, context_fn=lambda: None),
        attempt(lambda: m.autograd.grad(run(f, x, use_reentrant=True).sum(), x)),
        attempt(lambda: run(f, x, use_reentrant=True).sum().backward(inputs=[x])),
        attempt(lambda: run(lambda x: x.detach(), x, use_reentrant=True).sum().backward()),
        run(f, m.ones(2), use_reentrant=True),
        run(lambda x, n: (x * n, "s", None), x, 3, use_reentrant=True),
    ]


def differing(m, first, second, **named):
    def run():
        module(m).checkpoint(other_the_second_time(first, second), at(m, 1.0), use_reentrant=False, **named).backward()

    return attempt(run)


@program
def recomputation_differs(m):
    sin, twice, thrice = (lambda x: x.sin()), (lambda x: x.sin().sin()), (lambda x: x.sin().sin().sin())
    single = lambda x: x.float().sin().double()
    answers = [
        differing(m, twice, sin),
        differing(m, twice, thrice),
        differing(m, twice, thrice, early_stop=False),
        differing(m, twice, sin, early_stop=False),
        differing(m, twice, lambda x: x.float().sin().sin().double()),
        differing(m, twice, lambda x: x.float().sin().sin().double(), determinism_check="none"),
        differing(m, lambda x: single(x).sin(), twice),
    ]
    with module(m).set_checkpoint_early_stop(False):
        answers.append(differing(m, twice, thrice))
    return answers


@program
def an_argument_is_written(m):
    def run(use_reentrant):
        x = at(m, 1.0) * 1
        y = module(m).checkpoint(lambda x: x.exp(), x, use_reentrant=use_reentrant)
        x.mul_(2)
        y.backward()

    return [attempt(lambda: run(True)), attempt(lambda: run(False))]


@program
def sequences(m):
    run, x = module(m).checkpoint_sequential, at(m, 1.0)
    layers = [m.sin, m.cos, m.exp]
    return [
        run(layers, 2, x),
        run(layers, 2, x, use_reentrant=False),
        attempt(lambda: run(layers, 2, x, use_reentrant=False, other=1)),
        attempt(lambda: run(layers, 5, x, use_reentrant=False)),
    ]


@program
def small_things(m):
    part, x = module(m), at(m, 1.0)
    part.check_backward_validity([m.ones(2)])
    return [
        part.detach_variable((x, 3, m.ones(1))),
        attempt(lambda: part.detach_variable(x)),
        part.get_device_states(x),
        [policy.name for policy in part.CheckpointPolicy],
        attempt(lambda: part.create_selective_checkpoint_contexts(3)),
        issubclass(part.CheckpointError, RuntimeError),
    ]


@program
def selective_and_written(m):
    part = module(m)
    keep_all = partial(part.create_selective_checkpoint_contexts, lambda ctx, op, *args, **params: True)
    x = at(m, 1.0)
    run = lambda: part.checkpoint(lambda x: x.exp().sin_().exp(), x, use_reentrant=False, context_fn=keep_all)
    return attempt(lambda: run().backward())


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_agrees_with_pytorch(program):
    torch = pytest.importorskip("torch")
    assert outcome(rl, program) == outcome(torch, program)
