"""`out=` that does not fit the result, and numbers that the dtype cannot hold: refused in PyTorch's words, nothing written."""

import re
import warnings

import pytest

import rushlight as rl
from beside import first_sentence, outcome

# What is called, and what is said of it. See `tensors` for the names.
REFUSED = """
m.add(x, x, out="a"): TypeError: add(): argument 'out' must be Tensor, not str
m.sin(x, out=(f,)): TypeError: sin(): argument 'out' must be Tensor, not tuple
m.zeros(2, out="a"): TypeError: zeros(): argument 'out' must be Tensor, not str
m.cumsum(x, 0, out="a"): TypeError: cumsum(): argument 'out' must be Tensor, not str
m.gather(x, 0, i, out="a"): TypeError: gather(): argument 'out' must be Tensor, not str
m.topk(x, 1, out=f): TypeError: topk(): argument 'out' must be tuple of Tensors, not Tensor
m.topk(x, 1, out=(f,)): TypeError: expected tuple of 2 elements but got 1
m.linalg.svd(x, out=(f, f)): TypeError: expected tuple of 3 elements but got 2
m.topk(x, 1, out=(d, i)): RuntimeError: Expected out tensor to have dtype float, but got double instead
m.sort(x, out=(f, f)): RuntimeError: Expected out tensor to have dtype long int, but got float instead
m.max(x, 0, out=(f, f)): RuntimeError: Expected out tensor to have dtype long int, but got float instead
m.linalg.qr(x, out=(f, d)): RuntimeError: Expected out tensor to have dtype float, but got double instead
m.cummax(x, 0, out=(f, f)): RuntimeError: expected scalar_type Long but found Float
m.mode(x, 0, out=(f, f)): RuntimeError: expected scalar type 'Long' but got 'Float' for indices output
m.kthvalue(x, 1, 0, out=(f, d)): RuntimeError: output indices must be of scalar type Long
m.median(x, 0, out=(d, i)): RuntimeError: Expected tensor for 'values' to have the same type
m.median(x, 0, out=(f, f)): RuntimeError: Expected tensor for argument #1 'indices' to have scalar type Long
m.frexp(x, out=(f, f)): RuntimeError: torch.frexp() expects exponent to have int dtype but got float
m.frexp(x, out=(d, i)): RuntimeError: torch.frexp() expects mantissa to have dtype float but got double
m.histogram(x, 3, out=(f, d)): RuntimeError: torch.histogram: input tensor and bin_edges tensor
m.geqrf(x, out=(f, i)): RuntimeError: torch.geqrf: Expected tau to be safely castable from Float dtype, but got tau with dtype Long
m.linalg.eig(x, out=(d, d)): RuntimeError: torch.linalg.eig: Expected eigenvalues to be safely castable from ComplexFloat dtype
m.diag(x, out=d): RuntimeError: Expected out tensor to have dtype float, but got double instead
m.slice_scatter(x, x, out=d): RuntimeError: Expected out tensor to have dtype float, but got double instead
m.linalg.multi_dot([x, x], out=d): RuntimeError: multi_dot(): expected out tensor to have dtype float but got double
m.lerp(x, x, x, out=d): RuntimeError: Found dtype Double but expected Float
m.clamp_min(x, 0, out=d): RuntimeError: Found dtype Double but expected Float
m.heaviside(x, x, out=d): RuntimeError: heaviside is not yet implemented for tensors with different dtypes
m.arange(3, out=d, dtype=m.float32): RuntimeError: dtype Float does not match dtype of out parameter (Double)
m.arange(3, out=d > 1): NotImplementedError: "arange_cpu" not implemented for 'Bool'
m.linspace(0, 1, 3, out=d, dtype=m.float32): RuntimeError: dtype Float does not match dtype of out parameter (Double)
m.fft.fftfreq(3, out=d, dtype=m.float32): RuntimeError: dtype Float does not match dtype of out parameter (Double)
m.abs(x, out=f[:1, :1].expand(2, 2)): RuntimeError: unsupported operation: more than one element of the written-to tensor
m.topk(x, 2, out=(f, i[:1, :1].expand(2, 2))): RuntimeError: unsupported operation: more than one element of the written-to tensor
m.zeros(2, 2, out=g): RuntimeError: aten::zeros(): functions with out=... arguments don't support automatic differentiation
m.linalg.det(x, out=g): RuntimeError: _linalg_det(): functions with out=... arguments don't support automatic differentiation
m.square(x, out=g): RuntimeError: pow(): functions with out=... arguments don't support automatic differentiation
m.fft.rfft(g, out=e(m.complex64)): RuntimeError: _fft_r2c(): functions with out=... arguments don't support automatic
m.logsumexp(x, None): TypeError: logsumexp(): argument 'dim' (position 2) must be tuple of ints, not NoneType
m.addmm(f, x, x, beta=1e300): RuntimeError: value cannot be converted to type float without overflow
m.addmm(f, x, x, alpha=2**70): OverflowError: int too big to convert
m.addmm(f, x, x, alpha="a"): TypeError: addmm(): argument 'alpha' must be Number, not str
m.addmv(f[0], x, x[0], alpha=1e300): RuntimeError: value cannot be converted to type float without overflow
m.addr(f, x[0], x[0], beta=1e300): RuntimeError: value cannot be converted to type float without overflow
m.baddbmm(f, x[None], x[None], beta=1e300): RuntimeError: value cannot be converted to type float without overflow
m.addbmm(f, x[None], x[None], beta=1e300): RuntimeError: value cannot be converted to type float without overflow
f.addmm_(x, x, beta=1e300): RuntimeError: value cannot be converted to type float without overflow
f.clamp_(1e300): RuntimeError: value cannot be converted to type float without overflow
f.clamp_min_(1e300): RuntimeError: value cannot be converted to type float without overflow
f.lerp_(x, 1e300): RuntimeError: value cannot be converted to type float without overflow
m.where(x > 0, x, 1e300): RuntimeError: value cannot be converted to type float without overflow
m.where(x > 0, 2**70, x): OverflowError: int too big to convert
m.where(x > 0, i.int(), 2**40): RuntimeError: value cannot be converted to type int without overflow
m.clamp(x, 0, 1e300): RuntimeError: value cannot be converted to type float without overflow
m.clamp(x.half(), 0, 1e5): RuntimeError: value cannot be converted to type c10::Half without overflow
m.clamp(i, 2**63): RuntimeError: value cannot be converted to type int64_t without overflow
m.clamp_max(i.int(), 2**40): RuntimeError: value cannot be converted to type int without overflow
m.lerp(x, x, 1e300): RuntimeError: value cannot be converted to type float without overflow
m.linspace(0, 1e300, 3): RuntimeError: value cannot be converted to type float without overflow
m.arange(0, 2**70): OverflowError: int too big to convert
m.threshold(x, 1e300, 2.0): RuntimeError: value cannot be converted to type float without overflow
m.nn.functional.leaky_relu(x, 1e300): RuntimeError: value cannot be converted to type float without overflow
m.nn.functional.hardtanh(x, -1e300, 1e300): RuntimeError: value cannot be converted to type float without overflow
m.nn.functional.pad(x, (1, 1), value=1e300): RuntimeError: value cannot be converted to type float without overflow
"""
REFUSED = [line.split(": ", 2) for line in REFUSED.split("\n") if line]

TAKEN = """
m.diag(x, out=f)
m.diag(x[0], out=e(m.float32))
m.slice_scatter(x, x[:1], 0, 1, out=f)
m.linalg.multi_dot([x, x, x], out=f)
m.linalg.lstsq(x, x, out=(f, e(m.float32), e(m.int64), e(m.float32))).solution
m.clamp(x, x, x, out=d)
m.lerp(x, x, 0.5, out=d)
m.lerp(x, x, m.tensor(0.5), out=d)
m.clamp(x, -m.inf, m.inf)
m.clamp(x, min=m.nan)
m.clamp(i, 0, 1.5)
m.where(x > 0, x, m.inf)
m.where(x > 0, i, 2**40)
m.arange(3, out=m.ones(2, 2))
m.arange(3, out=e(m.float32))
m.topk(x, 1, out=(e(m.float32), e(m.int64)))[0]
m.cumsum(x, 0, out=d)
"""
TAKEN = [line for line in TAKEN.split("\n") if line]


def tensors(m):
    """The names that the calls know."""
    x = m.tensor([[4.0, 1.0], [2.0, 3.0]])
    return {
        "m": m, "x": x, "f": m.full((2, 2), 7.0), "d": m.full((2, 2), 7.0, dtype=m.float64), "i": m.full((2, 2), 0),
        "g": m.full((2, 2), 7.0, requires_grad=True),
        "e": lambda dtype: m.empty(0, dtype=dtype),
    }  # fmt: skip


def refusal(m, call):
    """What the call raises, and whether nothing was written."""
    names = tensors(m)
    before = [names[name].numpy().tobytes() for name in "xfdi"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as caught:
            eval(call, names)
    said = f"{type(caught.value).__name__}: {re.sub(r'rushlight', 'torch', str(caught.value))}"
    return said, before == [names[name].numpy().tobytes() for name in "xfdi"]


@pytest.mark.parametrize(("call", "kind", "sentence"), REFUSED)
def test_refused(call, kind, sentence):
    said, untouched = refusal(rl, call)
    assert said.startswith(f"{kind}: {sentence}")
    assert untouched


@pytest.mark.parity
@pytest.mark.parametrize("call", [call for call, _, _ in REFUSED])
def test_refused_as_in_pytorch(call):
    torch = pytest.importorskip("torch")
    theirs = first_sentence(refusal(torch, call)[0])
    if "invalid combination of arguments" not in theirs:
        assert first_sentence(refusal(rl, call)[0]) == theirs


@pytest.mark.parity
@pytest.mark.parametrize("call", TAKEN)
def test_taken_as_in_pytorch(call):
    torch = pytest.importorskip("torch")
    ours, theirs = [outcome(m, lambda m: eval(call, tensors(m))) for m in (rl, torch)]
    assert ours == theirs
