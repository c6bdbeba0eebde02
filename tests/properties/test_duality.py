"""Random programs without PyTorch: forward mode, reverse mode, differences and second derivatives agree with each other."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import Programs, parts, shapes, tensors
from vocabulary import FAMILIES

import rushlight as rl
from rushlight.autograd import forward_ad

pytestmark = pytest.mark.filterwarnings("ignore")
# Numbers that are never equal, and away from zero and one: few steps and ties in a program.
IRREGULAR = tuple((0.2 + 0.7 * np.sqrt(np.arange(2.0, 2000.0)) % 1 * 0.7).round(4).tolist())


@given(st.data())
def test_programs_forwards_and_backwards(data):
    draw = data.draw
    program = Programs(rl)
    for _ in range(draw(st.integers(1, 2))):
        dtype = draw(st.sampled_from(["float64", "float64", "float64", "complex128"]))
        program.keep([program.step(draw(tensors(draw(shapes(3)), dtype, IRREGULAR)))[0][0]])
    leaves = list(program.first)
    for _ in range(draw(st.integers(1, 5))):
        line = program.draw_line(draw, draw(st.sampled_from(FAMILIES)))
        if written_twice(line):
            continue
        ((result, error),) = program.step(line)
        if error is not None:
            assert isinstance(error, (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError)), error
            del program.lines[-1]
            continue
        program.keep([result])
    if any(t.dtype in (rl.float16, rl.bfloat16) for t in program.first.values()):
        return
    try:
        agree(program, leaves)
    except NotImplementedError as error:
        assert "derivative for" in str(error)
    except BaseException:
        program.told()
        raise


def written_twice(line):
    """Whether a line may write to one place twice: PyTorch, and we, then give the gradient to all that were written."""
    if not re.search(r"\.scatter_?\(|index_copy", line):
        return False
    places = re.findall(r"-?\d+", line.split("torch.tensor", 1)[-1].partition(")")[0])
    return len(set(places)) < len(places)


class Function:
    """A program as a function of its leaves: its floating results are the outputs."""

    def __init__(self, program, leaves):
        self.names, self.leaves = program.names, leaves
        self.lines = program.lines[len(leaves) :]

    def __call__(self, *values):
        pool = dict(zip(self.leaves, values))
        for line in self.lines:
            names, _, text = line.partition(" = ")
            made = [t for t in parts(eval(text, {**self.names, "torch": rl, **pool})) if hasattr(t, "requires_grad")]
            pool |= zip(names.split(", "), made)
        return [t for name, t in pool.items() if name not in self.leaves and (t.is_floating_point() or t.is_complex())]


def agree(program, leaves):
    function = Function(program, leaves)
    values = [program.first[name].detach().clone().requires_grad_() for name in leaves]
    draws = np.random.default_rng(7)
    directions = [like(draws, v) for v in values]
    outputs = function(*values)
    followed = [i for i, t in enumerate(outputs) if t.requires_grad]
    if not followed:
        return
    weights = [like(draws, outputs[i]) for i in followed]
    grads = rl.autograd.grad([outputs[i] for i in followed], values, weights, create_graph=True, allow_unused=True)
    backwards = inner(grads, directions)
    tangents = forwards(function, values, directions)
    # Single precision, where a program goes through it, rounds each step by 6e-8 of its size.
    single = any([t.dtype in (rl.float32, rl.complex64) for t in program.first.values()])
    equal(inner([tangents[i] for i in followed], weights), backwards, "forward and reverse mode", single)
    assert all(t is None or not t.any() for i, t in enumerate(tangents) if i not in followed), (
        "no history, but a tangent"
    )
    second(function, values, directions, weights, followed, backwards, single)


def second(function, values, directions, weights, followed, backwards, single):
    """The derivative of the gradient along `directions`, by reverse over reverse and by forward over reverse."""

    def gradient(*values):
        outputs = function(*values)
        grads = rl.autograd.grad([outputs[i] for i in followed], values, weights, create_graph=True, allow_unused=True)
        return [v * 0 if g is None else g for v, g in zip(values, grads)]

    along = forwards(gradient, [v.detach().requires_grad_() for v in values], directions)
    if not backwards.requires_grad:
        assert all(t is None or not t.any() for t in along), "forward over reverse: no history, but a tangent"
        return
    again = rl.autograd.grad(backwards, values, allow_unused=True)
    for one, other in zip(again, along):
        one, other = [np.zeros(()) if t is None else t.detach().numpy() for t in (one, other)]
        equal(one, other, "second derivatives", single)


def like(draws, t):
    array = draws.uniform(-1, 1, tuple(t.shape))
    if t.is_complex():
        array = array + 1j * draws.uniform(-1, 1, tuple(t.shape))
    return rl.tensor(array, dtype=t.dtype)


def forwards(function, values, directions):
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(v, t) for v, t in zip(values, directions)]
        return [forward_ad.unpack_dual(out).tangent for out in function(*duals)]


def inner(ones, others):
    """The sum of products of real and imaginary parts; None is zero."""
    return sum(
        [(a.conj() * b).sum().real for a, b in zip(ones, others) if a is not None], rl.zeros((), dtype=rl.float64)
    )


def equal(one, other, what, single):
    one, other = [t.detach().numpy() if hasattr(t, "detach") else t for t in (one, other)]
    known = np.isfinite(one) & np.isfinite(other)
    one, other = np.broadcast_arrays(one, other)
    np.testing.assert_allclose(
        np.where(known, one, 0), np.where(known, other, 0), rtol=1e-4 if single else 1e-5, atol=1e-5 if single else 1e-7,
        err_msg=what,
    )  # fmt: skip
