"""Sizes that are negative, that no int64 counts, or that no memory has: refused before anything is allocated."""

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.nn import functional as F

# Each makes a tensor of n entries, or more.
CREATORS = {
    "empty": lambda m, n: m.empty(n),
    "zeros": lambda m, n: m.zeros(n),
    "zeros of no elements": lambda m, n: m.zeros(0, n, n),
    "ones": lambda m, n: m.ones(n),
    "full": lambda m, n: m.full((n,), 1.0),
    "eye": lambda m, n: m.eye(2, n),
    "arange": lambda m, n: m.arange(n),
    "linspace": lambda m, n: m.linspace(0, 1, n),
    "logspace": lambda m, n: m.logspace(0, 1, n),
    "rand": lambda m, n: m.rand(n),
    "randn": lambda m, n: m.randn(n),
    "randint": lambda m, n: m.randint(5, (n,)),
    "randperm": lambda m, n: m.randperm(n),
    "normal": lambda m, n: m.normal(0.0, 1.0, (n,)),
    "empty_strided": lambda m, n: m.empty_strided((n,), (1,)),
    "empty_strided, steps": lambda m, n: m.empty_strided((2,), (n,)),
    "empty_permuted": lambda m, n: m.empty_permuted((n,), (0,)),
    "new_zeros": lambda m, n: m.ones(1).new_zeros(n),
    "new_empty": lambda m, n: m.ones(1).new_empty(n),
    "new_full": lambda m, n: m.ones(1).new_full((n,), 1.0),
    "new_empty_strided": lambda m, n: m.ones(1).new_empty_strided((n,), (1,)),
    "Tensor": lambda m, n: m.Tensor(n),
    "FloatTensor": lambda m, n: m.FloatTensor(n),
    "new": lambda m, n: m.ones(1).new(n),
    "resize_": lambda m, n: m.ones(1).resize_(n),
    "tril_indices": lambda m, n: m.tril_indices(n, n),
    "triu_indices": lambda m, n: m.triu_indices(n, 1, 1 - n),
    "hann_window": lambda m, n: m.hann_window(n),
    "signal.windows": lambda m, n: m.signal.windows.gaussian(n),
    "fftfreq": lambda m, n: m.fft.fftfreq(n),
    "rfftfreq": lambda m, n: m.fft.rfftfreq(2 * n),
    "Linear": lambda m, n: m.nn.Linear(n, 2),
    "Embedding": lambda m, n: m.nn.Embedding(n, 2),
    "Conv1d": lambda m, n: m.nn.Conv1d(1, n, 1),
}
# Each makes a large tensor of a small one.
GROWERS = {
    "repeat": lambda m, n: m.ones(2).repeat(n),
    "repeat, both": lambda m, n: m.ones(2).repeat(n, n),
    "tile": lambda m, n: m.ones(2).tile(n),
    "repeat_interleave": lambda m, n: m.ones(2).repeat_interleave(n),
    "pad": lambda m, n: m.nn.functional.pad(m.ones(2), (0, n)),
    "pad, both ends": lambda m, n: m.nn.functional.pad(m.ones(2), (n, n)),
    "pad, replicate": lambda m, n: m.nn.functional.pad(m.ones(1, 2), (0, n), mode="replicate"),
    "one_hot": lambda m, n: m.nn.functional.one_hot(m.tensor([0, 1]), n),
    "interpolate": lambda m, n: m.nn.functional.interpolate(m.ones(1, 1, 2), size=n),
    "interpolate, factor": lambda m, n: m.nn.functional.interpolate(m.ones(1, 1, 2), scale_factor=float(n)),
    "interpolate, linear": lambda m, n: m.nn.functional.interpolate(m.ones(1, 1, 2), size=n, mode="linear"),
    "interpolate, area": lambda m, n: m.nn.functional.interpolate(m.ones(1, 1, 2), size=n, mode="area"),
    "unfold": lambda m, n: m.nn.functional.unfold(m.ones(1, 1, 2, 2), 1, padding=n),
    "conv1d": lambda m, n: m.nn.functional.conv1d(m.ones(1, 1, 2), m.ones(1, 1, 1), padding=n),
    "conv_transpose1d": lambda m, n: m.nn.functional.conv_transpose1d(m.ones(1, 1, 2), m.ones(1, 1, 1), stride=n),
    "adaptive_avg_pool1d": lambda m, n: m.nn.functional.adaptive_avg_pool1d(m.ones(1, 1, 2), n),
    "adaptive_max_pool1d": lambda m, n: m.nn.functional.adaptive_max_pool1d(m.ones(1, 1, 2), n),
    "affine_grid": lambda m, n: m.nn.functional.affine_grid(m.ones(1, 2, 3), [1, 1, n, n], align_corners=False),
    "diag_embed": lambda m, n: m.diag_embed(m.ones(2), offset=n),
    "diagflat": lambda m, n: m.diagflat(m.ones(2), n),
    "vander": lambda m, n: m.vander(m.ones(2), n),
    "bincount": lambda m, n: m.bincount(m.tensor([1]), minlength=n),
    "fft": lambda m, n: m.fft.fft(m.ones(2), n=n),
    "multinomial": lambda m, n: m.multinomial(m.ones(2), n, replacement=True),
    "tensor_split": lambda m, n: m.tensor_split(m.ones(2), n),
}  # fmt: skip
# Views that take no memory, of which the next function would make a copy.
OF_VIEWS = {
    "outer": lambda x: rl.outer(x, x),
    "kron": lambda x: rl.kron(x, x),
    "clone": lambda x: x.clone(),
    "add": lambda x: x + 1,
    "cat": lambda x: rl.cat([x, x]),
    "stack": lambda x: rl.stack([x, x]),
    "cumsum": lambda x: x.cumsum(0),
    "cdist": lambda x: rl.cdist(x[:, None], x[:, None]),
    "block_diag": lambda x: rl.block_diag(x[:, None], x[:, None]),
    "zeros_like": lambda x: rl.zeros_like(x),
    "einsum": lambda x: rl.einsum("i,j->ij", x, x),
}


def peak():
    """The most memory that this process has had, in KiB; 0 where nobody counts it."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def refusal(run):
    """What `run` raises: ValueError or MemoryError, and no memory is touched before."""
    before = peak()
    with pytest.raises((ValueError, MemoryError)) as caught:
        run()
    assert peak() - before < 64 << 10
    return caught.value


@pytest.mark.parametrize("n", [2**62, 2**63], ids=["2**62", "2**63"])
@pytest.mark.parametrize("name", [*CREATORS, *GROWERS])
def test_more_than_an_int64_counts(name, n):
    if (name, n) in (("arange", 2**63), ("randperm", 2**63)):
        pytest.skip("refused as a number that no int64 holds")
    error = refusal(lambda: (CREATORS | GROWERS)[name](rl, n))
    assert name == "tensor_split" or isinstance(error, RuntimeError), "PyTorch's type"
    assert ("[" in str(error) and "GiB" in str(error)) or "strides=[" in str(error)


@pytest.mark.parametrize("name", [*CREATORS, *GROWERS])
def test_more_than_memory_has(name):
    """Four TiB and more; two to the power of 80 where it is squared."""
    if name == "zeros of no elements":
        pytest.skip("none are asked for")
    error = refusal(lambda: (CREATORS | GROWERS)[name](rl, 2**40))
    assert "shape" in str(error) or "Storage size calculation overflowed" in str(error)
    assert "GiB" in str(error) or "TiB" in str(error)


@pytest.mark.parametrize("name", OF_VIEWS)
def test_of_a_view_that_takes_no_memory(name):
    x = rl.ones(1).expand(2**41)
    refusal(lambda: OF_VIEWS[name](x))


@pytest.mark.parametrize("n", [2**62, 2**63])
def test_views_of_more_than_an_int64_counts(n):
    x = rl.ones(1)
    for run in (lambda: x.expand(n), lambda: rl.broadcast_to(x, (n,)), lambda: x.as_strided((n, 4), (0, 0))):
        assert isinstance(refusal(run), RuntimeError)
    for run in (
        lambda: x.view(n),
        lambda: x.reshape(n),
        lambda: x.as_strided((2,), (n,)),
        lambda: x.as_strided((1,), (1,), n),
    ):
        with pytest.raises(RuntimeError):
            run()


@pytest.mark.parametrize("name", [*CREATORS, *GROWERS])
def test_negative_sizes(name):
    """Some take a negative number as cropping or as another diagonal; no one takes it as a size."""
    taken = ("one_hot", "pad", "pad, both ends", "pad, replicate", "diag_embed", "diagflat")
    if name in taken:
        return
    with pytest.raises((RuntimeError, ValueError)):
        (CREATORS | GROWERS)[name](rl, -1)


@pytest.mark.parametrize("name", ["outer", "add", "clone", "cat", "exp", "matmul"])
def test_the_shape_of_what_views_ask_for_is_told(name):
    x = rl.ones(1).expand(2**41)
    run = {
        "exp": lambda: x.exp(),
        "matmul": lambda: rl.ones(1, 1).expand(2**21, 2) @ rl.ones(1, 1).expand(2, 2**21),
        **OF_VIEWS,
    }[name]
    error = refusal(run if name in ("exp", "matmul") else lambda: run(x))
    assert isinstance(error, RuntimeError), "PyTorch's type"
    assert "2199023255552]" in str(error) or "2097152]" in str(error) or "4398046511104]" in str(error)


@pytest.mark.parametrize("counts", [[2**62] * 4, [2**62] * 2, [2**62, 1]])
def test_counts_of_repeat_interleave_are_added_first(counts):
    error = refusal(lambda: rl.ones(len(counts)).repeat_interleave(rl.tensor(counts)))
    assert f"sizes=[{sum(counts)}]" in str(error)
    assert isinstance(refusal(lambda: rl.ones(2).repeat_interleave(2**40)), rl.OutOfMemoryError)


def test_choices_and_products_are_counted_first():
    x = rl.ones(20_000)
    assert isinstance(refusal(lambda: rl.combinations(x, 4)), MemoryError)
    assert isinstance(refusal(lambda: rl.combinations(x, 9)), ValueError)
    thousand = rl.ones(1000)
    assert isinstance(refusal(lambda: rl.cartesian_prod(*[thousand] * 5)), MemoryError)
    assert isinstance(refusal(lambda: rl.cartesian_prod(*[thousand] * 7)), ValueError)
    assert rl.combinations(rl.arange(4), 3).tolist() == [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]
    assert rl.combinations(rl.arange(2), 3, True).tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]]
    assert rl.combinations(rl.arange(2), 3).shape == rl.combinations(rl.ones(0), 3).shape == (0, 3)


def test_the_error_has_both_names():
    """PyTorch's programs look for RuntimeError, those of NumPy for MemoryError and ValueError."""
    for kind in (RuntimeError, MemoryError, rl.OutOfMemoryError):
        with pytest.raises(kind, match=r"4096 GiB for a tensor of shape \[1099511627776\]"):
            rl.empty(2**40)
    for kind in (RuntimeError, ValueError):
        with pytest.raises(kind, match="Storage size calculation overflowed with sizes="):
            rl.empty(2**31, 2**31, 2)


def test_a_refused_resize_leaves_the_tensor():
    x = rl.arange(3.0)
    for n in (2**40, 2**62, -1):
        with pytest.raises(RuntimeError):
            x.resize_(n)
    assert x.tolist() == [0.0, 1.0, 2.0]


def test_a_refused_layer_leaves_the_generator():
    before = rl.get_rng_state()
    for make in (lambda: nn.Linear(2**40, 2), lambda: rl.randn(2**62), lambda: F.dropout(rl.ones(1).expand(2**41))):
        refusal(make)
    assert rl.get_rng_state().equal(before)


# Those whose sentence is PyTorch's own.
SAME = {
    "overflow": lambda m: m.empty(2**31, 2**31, 2),
    "zeros": lambda m: m.zeros(2**62),
    "negative": lambda m: m.empty(2, -1),
    "negative zeros": lambda m: m.zeros(-1),
    "linspace": lambda m: m.linspace(0, 1, 2**62),
    "hann_window": lambda m: m.hann_window(2**62),
    "strides": lambda m: m.empty_strided((2,), (2**62,)),
    "as_strided, beyond": lambda m: m.ones(4).as_strided((3,), (2,)),
    "as_strided, offset": lambda m: m.ones(4).as_strided((2,), (1,), 3),
    "as_strided, negative": lambda m: m.ones(4).as_strided((2,), (-1,), 3),
    "as_strided, size": lambda m: m.ones(4).as_strided((-2,), (1,)),
    "as_strided, ranks": lambda m: m.ones(4).as_strided((2, 2), (1,)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", SAME)
def test_the_sentence_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as theirs:
        SAME[name](torch)
    with pytest.raises(type(theirs.value)) as ours:
        SAME[name](rl)
    assert str(ours.value).startswith(str(theirs.value).split("\n")[0])
