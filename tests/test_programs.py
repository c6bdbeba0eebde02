"""Random programs of operations, views, in-place writes, no_grad and backward, run by PyTorch and by us.

After each step all tensors agree in value, shape, version, leafness, requires_grad and gradient; where one refuses, the
other does. Operands of in-place steps are clones: of what overlaps, PyTorch reads elements that it has written already.
What docs/differences.md lists besides (reading a view whose history PyTorch has given up) ends a program without verdict.
"""

import random

import numpy as np
import pytest

import rushlight as rl

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:Use of .* on expanded tensors")]
PROGRAMS, FROM = 400, 0
KNOWN = ("single memory location", "its base or another view of its base has been modified inplace")

# Each kind of step: expressions of the module m and of two tensors.
STEPS = {
    "unary": [
        "a.sin()", "a.exp()", "a.tanh()", "-a", "a.relu()", "a.sigmoid()", "a.abs()", "a.clone()", "a.detach()",
        "a.square()",
    ],
    "binary": [
        "a + b", "a * b", "a - b", "a / (b * b + 1)", "m.maximum(a, b)", "m.where(a > b, a, b)", "3 - a", "a * 2",
        "a**2",
    ],
    "view": [
        "a[0]", "a[..., 0]", "a[1:]", "a.transpose(0, -1)", "a.reshape(-1)", "a.unsqueeze(0)", "a.expand(2, *a.shape)",
        "a[..., ::2]", "a.diagonal()", "a.unbind(0)[0]", "a.chunk(2)[-1]", "a.squeeze()", "a.movedim(0, -1)",
    ],
    "reduction": [
        "a.sum()", "a.sum(0)", "a.mean(-1)", "a.max()", "a.amax(0)", "a.prod()", "a.cumsum(0)", "a.softmax(-1)",
    ],
    "in place": [
        "a.add_(b.clone())", "a.mul_(2)", "a.mul_(b.clone())", "a.zero_()", "a.copy_(b.clone())", "a.sin_()",
        "a.sub_(b.detach().clone())", "a.clamp_(-1, 1)", "a.exp_()", "a.div_(b * b + 2)",
    ],
    "write": [
        "write(a, 0, 0.25)", "write(a, slice(1, None), b.clone())", "write(a, (..., 0), b.sum())",
        "write(a, slice(None), b.detach().clone())", "write(a, a.detach() > 0, 0.5)",
    ],
    "without gradients": [
        "quietly(m, lambda: a[0])", "quietly(m, lambda: a * 2)", "quietly(m, lambda: a.add_(1))",
    ],
    "backward": [
        "(a * 1.0).sum().backward()", "(a * 1.0).sum().backward(retain_graph=True)",
    ],
}  # fmt: skip
KINDS = ["unary"] * 4 + ["binary"] * 6 + ["view"] * 6 + ["reduction"] * 2 + ["in place"] * 5 + ["write"] * 4
KINDS += ["without gradients"] * 2 + ["backward"] * 2


def write(a, index, value):
    a[index] = value
    return a


def quietly(m, run):
    with m.no_grad():
        return run()


NAMES = {"write": write, "quietly": quietly}


def attempted(step, m, a, b):
    """(result, None) or (None, exception)."""
    try:
        return eval(step, {**NAMES, "m": m, "a": a, "b": b}), None
    except (RuntimeError, IndexError, ValueError) as error:
        return None, error


def state(t):
    """What is compared of a tensor; None where PyTorch refuses to say."""
    try:
        leaf = t.is_leaf
    except RuntimeError:
        return None
    grad = t.grad.numpy() if leaf and t.grad is not None else None
    return tuple(t.shape), t._version, t.requires_grad, leaf, grad is None, t.detach().numpy(), grad


def start(torch, choose):
    values = np.random.default_rng(choose.randrange(10**9))
    pools = {torch: [], rl: []}
    for _ in range(3):
        array = np.asarray(values.uniform(-1, 1, choose.choice([(3,), (2, 3), (3, 3), (2, 1, 3), ()])))
        tracked = choose.random() < 0.7
        for m, pool in pools.items():
            pool.append(m.from_numpy(array.copy()).requires_grad_(tracked))
    return pools


@pytest.mark.parametrize("seed", range(FROM, FROM + PROGRAMS))
def test_program(seed):
    torch = pytest.importorskip("torch")
    choose = random.Random(seed)
    pools = start(torch, choose)
    done = []
    for _ in range(choose.randint(3, 14)):
        kind = choose.choice(KINDS)
        number = choose.randrange(len(STEPS[kind]))
        i, j = choose.randrange(len(pools[rl])), choose.randrange(len(pools[rl]))
        done.append((STEPS[kind][number], i, j))
        (theirs, refused), (ours, refusal) = (
            attempted(STEPS[kind][number], m, pools[m][i], pools[m][j]) for m in (torch, rl)
        )
        if (refused is None) != (refusal is None):
            assert any(words in str(refused or refusal) for words in KNOWN), (done, refused, refusal)
            return
        if refused is not None:
            assert type(refusal) is type(refused), (done, refused, refusal)
            if kind == "backward":
                return
            continue
        if theirs is not None and not any(theirs is t for t in pools[torch]):
            pools[torch].append(theirs)
            pools[rl].append(ours)
        for want, got in zip(map(state, pools[torch]), map(state, pools[rl])):
            if want is None:
                return
            assert got[:5] == want[:5], done
            np.testing.assert_allclose(got[5], want[5], rtol=1e-6, atol=1e-8, err_msg=str(done))
            if want[6] is not None:
                np.testing.assert_allclose(got[6], want[6], rtol=1e-5, atol=1e-7, err_msg=str(done))
