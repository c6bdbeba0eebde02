"""Several threads at everything at once, and every result compared: `make test-free-threaded`, CROWD_SECONDS long.

    cd tests && python -m faults.crowd [--seconds 60] [--threads 6]

With or without a lock of the interpreter's. Whatever is complained of is printed, and makes the exit status 1.
"""

import argparse
import copy
import faulthandler
import gc
import importlib
import pkgutil
import sys
import time
from collections import Counter

import numpy as np

import rushlight as rl
from rushlight import autograd, nn, ops, optim
from rushlight.func import grad, jvp, vmap
from rushlight.ops.declare import REGISTRY
from samples import ROWS

from .beneath import in_threads, leaf

for _module in pkgutil.iter_modules(ops.__path__):
    importlib.import_module(f"rushlight.ops.{_module.name}")


def chains(threads):
    """Long graphs, each recorded by one thread and differentiated and freed by the next."""
    made = [None] * threads

    def record(k):
        x = y = leaf(1.0, 2.0)
        for _ in range(1500):
            y = y * 1.0 + 0.0
        made[k] = (x, y.sum())

    def differentiate(k):
        x, out = made[(k + 1) % threads]
        made[(k + 1) % threads] = None
        out.backward()
        assert x.grad.tolist() == [1.0, 1.0]

    return in_threads(threads, record) + in_threads(threads, differentiate)


def one_graph(threads):
    """All keep it but one, who frees it: the others have a result or are told."""
    x = leaf(1.0, 2.0, 3.0)
    y = x
    for _ in range(30):
        y = rl.where(y > 0, y.exp().log(), y) * 1.0
    y.retain_grad()
    out = y.sum()

    def work(k):
        for i in range(20):
            try:
                (g,) = autograd.grad(out, x, retain_graph=k != 0 or i < 10)
            except RuntimeError as error:
                assert "a second time" in str(error)
                return
            np.testing.assert_allclose(g.numpy(), 1.0, rtol=1e-12)
            assert out.grad_fn.next_functions[0][0] is y.grad_fn

    return in_threads(threads, work)


def shared_leaves(threads):
    """Gradients added up by all, while hooks come and go and the version is counted."""
    small, large = leaf(0.0), rl.zeros(40_000, dtype=rl.float64, requires_grad=True)
    written, called = rl.zeros(3), []

    def work(k):
        for _ in range(20):
            before = small.register_hook(called.append)
            after = small.register_post_accumulate_grad_hook(lambda t: called.append(t.grad))
            (large * float(k) + small * 2.0).sum().backward()
            written.add_(0.0)
            before.remove()
            after.remove()

    raised = in_threads(threads, work)
    assert small.grad.item() == threads * 20 * 2.0 * 40_000
    assert set(large.grad.tolist()) == {20.0 * sum(range(threads))}
    assert written._version == threads * 20
    assert len(called) >= threads * 40 and small.register_hook(print).id > threads * 40
    return raised


def gradients_dropped(threads):
    """.grad is read and dropped by some while others add to it."""
    net = nn.Linear(4, 4)
    optimizer = optim.SGD(net.parameters(), lr=0.0)
    given = rl.ones(2, 4)

    def work(k):
        for _ in range(60):
            if k % 3 == 0:
                optimizer.zero_grad(set_to_none=True)
            elif k % 3 == 1:
                g = net.weight.grad
                assert g is None or g.shape == (4, 4)
                net.bias.grad = None
            else:
                net(given).sum().backward()

    return in_threads(threads, work)


def trainings(threads):
    """Each thread trains a copy of one network, and all come to the same bits."""
    net = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 3))
    state, weights = copy.deepcopy(net.state_dict()), [None] * threads
    given, wanted = rl.linspace(-1, 1, 60).reshape(10, 6), rl.arange(10) % 3

    def work(k):
        own = copy.deepcopy(net)
        own.load_state_dict(state)
        optimizer = optim.Adam(own.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            nn.functional.cross_entropy(own(given), wanted).backward()
            optimizer.step()
        weights[k] = [p.tolist() for p in own.parameters()]

    raised = in_threads(threads, work)
    assert all(w == weights[0] for w in weights)
    return raised


def modes_and_transforms(threads):
    """Function transforms, watchers, packing hooks, modes and the collector, beside plain work."""
    x = rl.linspace(0.1, 1.0, 12, dtype=rl.float64).reshape(4, 3)
    doubled = (x * 2).tolist()

    def work(k):
        for i in range(12):
            kind = (k + i) % 6
            if kind == 0:
                assert vmap(grad(lambda v: (v * v).sum()))(x).tolist() == doubled
            elif kind == 1:
                assert jvp(lambda v: v * v, (x,), (rl.ones_like(x),))[1].tolist() == doubled
            elif kind == 2:
                with autograd.graph.saved_tensors_hooks(lambda t: t.numpy(), rl.tensor):
                    v = x.clone().requires_grad_()
                    (v * v).sum().backward()
                assert v.grad.tolist() == doubled
            elif kind == 3:
                with rl.inference_mode():
                    assert not (x * 2).requires_grad
                assert rl.is_grad_enabled()
            elif kind == 4:
                with autograd.profiler.profile():
                    assert (x * 2).tolist() == doubled
            else:
                gc.collect(0)
            v = x.clone().requires_grad_()
            (v * v).sum().backward()
            assert v.grad.tolist() == doubled

    return in_threads(threads, work)


def module_calls(threads):
    """One module called by all, whose hooks come and go."""
    net = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2)).double()
    given = rl.linspace(-2, 2, 15, dtype=rl.float64).reshape(3, 5)
    want = net(given).tolist()

    def work(k):
        seen = []
        for _ in range(20):
            handle = net[k % 3].register_forward_hook(lambda *_: seen.append(1))
            assert net(given).tolist() == want
            handle.remove()
            assert len(list(net.named_parameters())) == 4 and len(net.state_dict()) == 4
        assert len(seen) >= 20

    return in_threads(threads, work)


def draws(threads):
    """The default generator gives no number twice, whoever draws."""
    drawn = [None] * threads

    def work(k):
        drawn[k] = np.concatenate([rl.rand(64, dtype=rl.float64).numpy() for _ in range(20)])

    raised = in_threads(threads, work)
    assert len(np.unique(np.concatenate(drawn))) == threads * 20 * 64
    return raised


def _drawn(row):
    """The inputs of a sample, and those of them that are differentiated."""
    random, made = np.random.default_rng(3), []

    def make(*shape, positive=False, low=-1.0, high=1.0, dtype="float64"):
        low, high = (0.3, 1.7) if positive else (low, high)
        made.append(np.asarray(random.uniform(low, high, shape), dtype=dtype))
        return made[-1]

    inputs = row.inputs(make)
    return list(inputs) if isinstance(inputs, (tuple, list)) else [inputs], made


def _answers(row, inputs, made):
    """What an operation of the registry and its rules give for one of its samples, as arrays."""
    inputs, leaves, differentiable = list(inputs), [], "not differentiable" not in row.note
    for i, x in enumerate(inputs):
        if isinstance(x, np.ndarray):
            inputs[i] = rl.tensor(x)
            if differentiable and any(x is m for m in made):
                leaves.append(inputs[i].requires_grad_())
    out = REGISTRY[row.op](*inputs, **row.params)
    outs = [o for o in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(o, rl.Tensor)]
    ends = [o for o in outs if o.requires_grad]
    grads = autograd.grad([o.abs().sum() for o in ends], leaves, allow_unused=True) if ends else ()
    return [x.detach().numpy() for x in (*outs, *grads) if x is not None]


# Those that draw, and those whose result is memory that nobody set.
_ROWS = [row for row in ROWS if not any(word in row.op for word in ("dropout", "rand", "empty", "bernoulli", "rrelu"))]
_turn = [0]


def operations(threads, at_once=40):
    """Operations of the registry, some at a time: each thread has the bits that one alone has."""
    _turn[0] = (_turn[0] + at_once) % len(_ROWS)
    rows = [*_ROWS, *_ROWS][_turn[0] : _turn[0] + at_once]
    drawn = [_drawn(row) for row in rows]
    alone = [_answers(row, *given) for row, given in zip(rows, drawn)]

    def work(k):
        for i in range(at_once):
            i = (i + k * 3) % at_once
            for ours, theirs in zip(_answers(rows[i], *drawn[i]), alone[i], strict=True):
                np.testing.assert_array_equal(ours, theirs, err_msg=repr(rows[i]))

    return in_threads(threads, work)


SCENES = (
    chains,
    one_graph,
    shared_leaves,
    gradients_dropped,
    trainings,
    modes_and_transforms,
    module_calls,
    draws,
    operations,
)


def play(seconds, threads):
    """All scenes in turn until the time is over, each at least once; how often each was played, and complaints."""
    end, played, complaints = time.monotonic() + seconds, Counter(), []
    while not complaints and (not played or time.monotonic() < end):
        for scene in SCENES:
            try:
                raised = scene(threads)
            except AssertionError as error:
                raised = [error]
            complaints += [(scene.__name__, error) for error in raised]
            played[scene.__name__] += 1
    return played, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=6)
    options = parser.parse_args()
    faulthandler.enable()
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    print("The interpreter's lock is", "on." if locked else "off.")
    played, complaints = play(options.seconds, options.threads)
    print(*[f"{name} {n}" for name, n in played.items()], sep=", ")
    for name, error in complaints:
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
