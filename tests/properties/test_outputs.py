"""Tensors for `out=` of every dtype, of other shapes, with a history, and of the memory of an input, beside PyTorch."""

import pytest

import rushlight
from beside import outcome

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]
DTYPES = ("float64", "float32", "float16", "int64", "int32", "uint8", "bool", "complex64", "complex128")
# x is a vector of three, y a matrix, places are indices.
CALLS = """
    abs(x) neg(x) floor(x) round(x) sign(x) frac(x) nan_to_num(x) isposinf(x) signbit(x) exp(x) logical_not(x) isin(x,x)
    add(x,x) mul(x,2) div(x,x) pow(x,2) float_power(x,2) eq(x,x) atan2(x,x) maximum(x,x) where(x>0,x,x) clamp(x,0,1)
    addcmul(x,x,x) cross(x,x) inner(x,x) dot(x,x) mv(y,x) matmul(y,y) addmm(y,y,y) tensordot(y,y,1) outer(x,x)
    sum(x,0) prod(x,0) cumsum(x,0) cumprod(x,0) logcumsumexp(x,0) amax(x,0) argmax(x,0) all(x,0) any(x,0) std(x,0)
    norm(x,2,0) softmax(x,0) msort(x) quantile(x,0.5) histc(x,2) searchsorted(x,x) cat([x,x]) stack([x,x]) hstack([x,x])
    take(x,places) gather(x,0,places) index_select(x,0,places) masked_select(x,x>0) index_add(x,0,places,x)
    scatter(x,0,places,x) tril(y) nonzero(x) t_copy(y) linalg.inv(y) linalg.det(y) linalg.norm(x) linalg.vector_norm(x)
    linalg.cholesky(y) linalg.pinv(y) linalg.svdvals(y) fft.fft(x) polar(x,x) zeros(3) full((3,),2.0) linspace(0,1,3)
""".split()  # noqa: SIM905


# Of other shapes, in other orders of memory, and with a history.
OUTPUTS = (
    "m.zeros(7, dtype=dtype)",
    "m.zeros(2, 2, 2, dtype=dtype)",
    "m.zeros(6, dtype=dtype)[::2]",
    "m.zeros(3, 3, dtype=dtype).T",
    "m.zeros((), dtype=dtype)",
)


def inputs(m, dtype):
    matrix = [[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 4.0]]
    return {
        "torch": m,
        "x": m.tensor([1.0, 2.0, 3.0], dtype=getattr(m, dtype)),
        "y": m.tensor(matrix, dtype=getattr(m, dtype)),
        "places": m.tensor([0, 2, 1]),
    }


def called(call, dtype, make_out):
    """A program: the call with `out=`, and whether that is what it returns."""

    def program(m):
        out = make_out(m)
        result = eval(f"torch.{call[:-1]}, out=out)", inputs(m, dtype) | {"out": out})
        return result is out, result

    return program


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("call", CALLS)
def test_dtypes(call, dtype):
    torch = pytest.importorskip("torch")
    for given in DTYPES:
        program = called(call, dtype, lambda m, given=given: m.zeros(0, dtype=getattr(m, given)))
        ours, theirs = (outcome(m, program) for m in (rushlight, torch))
        assert ours == theirs, given


@pytest.mark.parametrize("call", CALLS)
def test_shapes_and_histories(call):
    torch = pytest.importorskip("torch")
    own = str(eval(f"torch.{call}", inputs(torch, "float32")).dtype).partition(".")[2]
    for text in OUTPUTS:
        program = called(call, "float32", lambda m, text=text: eval(text, {"m": m, "dtype": getattr(m, own)}))
        ours, theirs = (outcome(m, program) for m in (rushlight, torch))
        assert ours == theirs, text
    if own.startswith(("float", "complex")):
        out = rushlight.zeros(0, dtype=getattr(rushlight, own), requires_grad=True)
        with pytest.raises(RuntimeError, match=r"\(\): functions with out=\.\.\. arguments don't support automatic"):
            called(call, "float32", lambda m: out)(rushlight)
        assert out.shape == (0,)
