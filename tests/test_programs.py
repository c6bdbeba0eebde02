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

# Each kind of step: functions of the module and of two tensors.
STEPS = {
    "unary": [
        lambda m, a, b: a.sin(), lambda m, a, b: a.exp(), lambda m, a, b: a.tanh(), lambda m, a, b: -a,
        lambda m, a, b: a.relu(), lambda m, a, b: a.sigmoid(), lambda m, a, b: a.abs(), lambda m, a, b: a.clone(),
        lambda m, a, b: a.detach(), lambda m, a, b: a.square(),
    ],
    "binary": [
        lambda m, a, b: a + b, lambda m, a, b: a * b, lambda m, a, b: a - b, lambda m, a, b: a / (b * b + 1),
        lambda m, a, b: m.maximum(a, b), lambda m, a, b: m.where(a > b, a, b), lambda m, a, b: 3 - a,
        lambda m, a, b: a * 2, lambda m, a, b: a**2,
    ],
    "view": [
        lambda m, a, b: a[0], lambda m, a, b: a[..., 0], lambda m, a, b: a[1:], lambda m, a, b: a.transpose(0, -1),
        lambda m, a, b: a.reshape(-1), lambda m, a, b: a.unsqueeze(0), lambda m, a, b: a.expand(2, *a.shape),
        lambda m, a, b: a[..., ::2], lambda m, a, b: a.diagonal(), lambda m, a, b: a.unbind(0)[0],
        lambda m, a, b: a.chunk(2)[-1], lambda m, a, b: a.squeeze(), lambda m, a, b: a.movedim(0, -1),
    ],
    "reduction": [
        lambda m, a, b: a.sum(), lambda m, a, b: a.sum(0), lambda m, a, b: a.mean(-1), lambda m, a, b: a.max(),
        lambda m, a, b: a.amax(0), lambda m, a, b: a.prod(), lambda m, a, b: a.cumsum(0), lambda m, a, b: a.softmax(-1),
    ],
    "in place": [
        lambda m, a, b: a.add_(b.clone()), lambda m, a, b: a.mul_(2), lambda m, a, b: a.mul_(b.clone()), lambda m, a, b: a.zero_(),
        lambda m, a, b: a.copy_(b.clone()), lambda m, a, b: a.sin_(), lambda m, a, b: a.sub_(b.detach().clone()),
        lambda m, a, b: a.clamp_(-1, 1), lambda m, a, b: a.exp_(), lambda m, a, b: a.div_(b * b + 2),
    ],
    "write": [
        lambda m, a, b: write(a, 0, 0.25), lambda m, a, b: write(a, slice(1, None), b.clone()),
        lambda m, a, b: write(a, (..., 0), b.sum()), lambda m, a, b: write(a, slice(None), b.detach().clone()),
        lambda m, a, b: write(a, a.detach() > 0, 0.5),
    ],
    "without gradients": [
        lambda m, a, b: quietly(m, lambda: a[0]), lambda m, a, b: quietly(m, lambda: a * 2),
        lambda m, a, b: quietly(m, lambda: a.add_(1)),
    ],
    "backward": [
        lambda m, a, b: (a * 1.0).sum().backward(), lambda m, a, b: (a * 1.0).sum().backward(retain_graph=True),
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


def attempted(step, m, a, b):
    """(result, None) or (None, exception)."""
    try:
        return step(m, a, b), None
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
        done.append((kind, number, i, j))
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
