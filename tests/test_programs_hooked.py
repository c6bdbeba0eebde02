"""The random programs of test_programs.py with hooks, retained gradients, edges, packed values and checkpoints in them."""

import importlib
import random

import numpy as np
import pytest

import rushlight as rl
from test_programs import KINDS, KNOWN, NAMES, STEPS, attempted, start, state

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:Use of .* on expanded tensors", "ignore:The .grad attribute of a Tensor"),
]
PROGRAMS, FROM = 300, 0
# PyTorch has no edge to a view made under no_grad whose base was written to.
ALSO_KNOWN = (*KNOWN, "Expected gradient function to be set")


def hook(m, a, factor):
    """A hook, not on a view: what PyTorch loses when something is written through a view, we keep."""
    if a._is_view():
        return
    a.register_hook(lambda g: g * factor)


def packed(m, run):
    with m.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        return run()


def on_cpu(m, run):
    with m.autograd.graph.save_on_cpu():
        return run()


def mutating(m, a, b):
    x = a.clone()
    with m.autograd.graph.allow_mutation_on_saved_tensors():
        y = x.exp() * (b + 1)
        x.mul_(2)
        y.mul_(3)
        y.sum().backward(retain_graph=True)
    return y.detach()


def checkpointed(m, run, *inputs):
    checkpoint = importlib.import_module(m.__name__ + ".utils.checkpoint").checkpoint
    return checkpoint(run, *inputs, use_reentrant=False)


def by_edge(m, out, x):
    """The gradient by an edge, without the tensors themselves."""
    edge = m.autograd.graph.get_gradient_edge
    (found,) = m.autograd.grad([edge((out * 1).sum())], [edge(x)], retain_graph=True, allow_unused=True)
    # How often it was added to while it was computed is nobody's business.
    return None if found is None else found.clone()


def gathered(m, a, b):
    """The sum of what came to a hook of two tensors."""
    if not (a.requires_grad and b.requires_grad):
        return None
    a, b = a * 2, b * 3
    got = []
    with m.autograd.graph.register_multi_grad_hook([a, b], lambda grads: got.extend(g.sum() for g in grads)):
        (a.sum() * b.sum()).backward(retain_graph=True)
    return got[0] + got[1]


HOOKED = {
    "hook": [
        "hook(m, a, 2)", "hook(m, a, -0.5)", "a.retain_grad()", "a.retain_grad()",
    ],
    "edge": [
        "by_edge(m, a, b)", "by_edge(m, a * b, a)", "gathered(m, a, b)",
    ],
    "packed": [
        "packed(m, lambda: a * b)", "packed(m, lambda: a.exp() / (b * b + 1))", "packed(m, lambda: a.mul_(b.clone()))",
        "on_cpu(m, lambda: a.sigmoid() * b)", "mutating(m, a, b)",
    ],
    "checkpoint": [
        "checkpointed(m, lambda x, y: (x * y).sin(), a, b)", "checkpointed(m, lambda x: x[..., 0].exp() * b.sum(), a)",
        "checkpointed(m, lambda x: checkpointed(m, lambda y: y.tanh() * y, x * 2).exp(), a)",
        "packed(m, lambda: checkpointed(m, lambda x, y: (x - y).square(), a, b))",
    ],
}  # fmt: skip
ALL = STEPS | HOOKED
NAMES |= {f.__name__: f for f in (hook, packed, on_cpu, mutating, checkpointed, by_edge, gathered)}
CHOSEN = KINDS + ["hook"] * 4 + ["edge"] * 3 + ["packed"] * 4 + ["checkpoint"] * 4 + ["backward"] * 2


def tried(step, m, a, b):
    """The same as `attempted` where PyTorch asserts, too."""
    try:
        return attempted(step, m, a, b)
    except AssertionError as error:
        return None, error


def kept(t):
    """The gradient that a computed tensor retains."""
    return t.grad.numpy() if t.retains_grad and t.grad is not None else None


def compared(theirs, ours, done):
    """Whether PyTorch still tells all it knows; what it does tell agrees."""
    for want, got in zip(theirs, ours):
        before, after = state(want), state(got)
        if before is None:
            return False
        assert after[:5] == before[:5], done
        assert got.retains_grad == want.retains_grad, done
        for a, b in ((before[5], after[5]), (before[6], after[6]), (kept(want), kept(got))):
            assert (a is None) == (b is None), done
            if a is not None:
                np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-7, err_msg=str(done))
    return True


@pytest.mark.parametrize("seed", range(FROM, FROM + PROGRAMS))
def test_program(seed):
    torch = pytest.importorskip("torch")
    choose = random.Random(seed)
    pools = start(torch, choose)
    done = []
    for _ in range(choose.randint(5, 18)):
        kind = choose.choice(CHOSEN)
        number = choose.randrange(len(ALL[kind]))
        i, j = choose.randrange(len(pools[rl])), choose.randrange(len(pools[rl]))
        done.append((ALL[kind][number], i, j))
        (theirs, refused), (ours, refusal) = (
            tried(ALL[kind][number], m, pools[m][i], pools[m][j]) for m in (torch, rl)
        )
        if (refused is None) != (refusal is None):
            assert any(words in str(refused or refusal) for words in ALSO_KNOWN), (done, refused, refusal)
            return
        if refused is not None:
            assert type(refusal) is type(refused), (done, refused, refusal)
            if kind in ("backward", "edge", "packed"):
                return
            continue
        if theirs is not None and not any(theirs is t for t in pools[torch]):
            pools[torch].append(theirs)
            pools[rl].append(ours)
        if not compared(pools[torch], pools[rl], done):
            return
