"""Random programs of operations beside PyTorch: value, dtype, shape, history, type of error, and gradients."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import COMPLEX, DTYPES, EXTREME, FLOATING, KNOWN_GAP, PLAIN, Programs, equalize, parts, shapes, tensors
from vocabulary import FAMILIES

import rushlight as rl

pytestmark = pytest.mark.parity
# A line may have two faults, of which each names one; and index_select refuses what is outside by any type.
TWO_FAULTS = re.compile("Dimension (out of range|specified)|out of DATA bounds|axis dim should be positive")
# How far apart two results of one operation on equal inputs may lie, relative to the largest.
NEAR = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 2e-5, "complex64": 2e-5}


@given(st.data())
def test_programs_of_operations(data):
    torch = pytest.importorskip("torch")
    run_program(torch, data.draw, data.draw(st.sampled_from([PLAIN, PLAIN, PLAIN, EXTREME])))


def run_program(torch, draw, table):
    program = Programs(torch, rl)
    try:
        for _ in range(draw(st.integers(1, 2))):
            begin(program, draw, table)
        for _ in range(draw(st.integers(1, 5))):
            line = program.draw_line(draw, draw(st.sampled_from(FAMILIES)))
            results = agreed(program, line)
            if results is not None:
                program.keep(results)
        differentiate(program, torch)
    except BaseException:
        program.told()
        raise


def begin(program, draw, table):
    """A leaf; most of those that can, require a gradient."""
    dtype = draw(st.sampled_from(("float64", "float32", *DTYPES)))
    line = draw(tensors(draw(shapes()), dtype, PLAIN if dtype in COMPLEX else table))
    if dtype in FLOATING + COMPLEX and draw(st.integers(0, 3)):
        line += ".requires_grad_()"
    program.keep([result for result, _ in program.step(line)])


def agreed(program, line):
    """The results of a line, equal in both; None if both refuse it, or PyTorch lacks it."""
    (want, refused), (got, refusal) = program.step(line)
    if refused is not None:
        del program.lines[-1]
        if lacking(refused) or (refusal is not None and lacking(refusal)):
            return None
        if refusal is None and empty(got):
            return None
        assert refusal is not None, f"{line}: PyTorch raises {refused!r}"
        alike = isinstance(refusal, type(refused)) or TWO_FAULTS.search(f"{refused} {refusal}")
        assert alike, f"{line}: {refused!r}, {refusal!r}"
        return None
    if refusal is not None and empty(want):
        # PyTorch looks seldom at indices, strides and dtypes of tensors without elements.
        del program.lines[-1]
        return None
    if refusal is not None:
        raise AssertionError(f"{line} raised") from refusal
    if any(str(getattr(t, "dtype", "")) == "torch.complex32" for t in parts(want)):
        del program.lines[-1]
        return None
    if "torch.i0(" in line and want.isnan().any():
        # PyTorch's is nan at infinities, ours infinite.
        del program.lines[-1]
        return None
    assert len(parts(want)) == len(parts(got)), line
    for theirs, ours in zip(parts(want), parts(got)):
        same(theirs, ours, line)
    return want, got


def empty(result):
    return all(hasattr(t, "numel") and not t.numel() for t in parts(result))


def lacking(error):
    return isinstance(error, NotImplementedError) or KNOWN_GAP.search(str(error)) is not None


def same(want, got, line):
    if not hasattr(want, "requires_grad"):
        assert str(want).replace("torch.", "") == str(got).replace("rushlight.", ""), line
        return
    kind = str(want.dtype).partition(".")[2]
    assert (str(got.dtype).partition(".")[2], tuple(got.shape)) == (kind, tuple(want.shape)), line
    assert (got.requires_grad, got.is_leaf) == (want.requires_grad, want.is_leaf), line
    near(as_array(want), as_array(got), NEAR.get(kind, 1e-9), line)
    equalize(want, got)


def as_array(tensor):
    """Its values: those of half precision as float64."""
    tensor = tensor.detach()
    if str(tensor.dtype).endswith("float16"):
        tensor = tensor.double()
    return tensor.numpy(force=True)


def near(want, got, tolerance, line):
    if want.dtype.kind in "biu":
        np.testing.assert_array_equal(got, want, err_msg=line)
        return
    if want.dtype.kind == "c":
        # Parts of a complex number that is not finite depend on the order of sums.
        known = np.isfinite(want) & np.isfinite(got)
        want, got = want[known], got[known]
    scale = float(np.abs(want[np.isfinite(want)]).max(initial=0.0))
    np.testing.assert_allclose(
        got, want, tolerance, min(tolerance * max(scale, 1e-2), 1e30), equal_nan=True, err_msg=line
    )


def differentiate(program, torch):
    """Gradients of all that has a history, by all leaves."""
    found = []
    for m, pool in program.pools.items():
        leaves = [t for t in pool.values() if t.is_leaf and t.requires_grad]
        ends = [t for t in pool.values() if not t.is_leaf and t.requires_grad]
        found.append(gradients(m, ends, leaves) if leaves and ends else ([], None))
    (want, refused), (got, refusal) = found
    if refused is not None:
        assert lacking(refused) or type(refusal) is type(refused), f"backward: {refused!r}, {refusal!r}"
        return
    if refusal is not None:
        raise AssertionError("backward raised") from refusal
    loose = max([NEAR.get(str(t.dtype).partition(".")[2], 1e-7) for t in program.first.values()])
    spread = any("var" in line or "std" in line for line in program.lines)
    for theirs, ours in zip(want, got, strict=True):
        assert (theirs is None) == (ours is None), "a gradient is None"
        if theirs is not None:
            assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
            want, got = as_array(theirs), as_array(ours)
            # Where PyTorch multiplies inf by a zero slope, a rule of ours may have left the product out.
            left = np.isnan(want)
            if spread:
                # A single number has no variance, and no slope of it; and that over dim=() is infinite in PyTorch.
                left = left | np.isinf(want)
            near(np.where(left, 0, want), np.where(left, 0, got), 10 * loose, "gradient")


def gradients(m, ends, leaves):
    weights = [((m.arange(t.numel()) % 5 + 1) / 4).reshape(t.shape).to(t.dtype) for t in ends]
    try:
        return m.autograd.grad(ends, leaves, weights, allow_unused=True), None
    except Exception as error:
        return None, error
