import copy
import importlib.util
import pickle
import re
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from rushlight import generator as module
from rushlight.generator import Generator
from rushlight.kernels import twister

FLOATS = ["float16", "float32", "float64"] + ["bfloat16"] * (importlib.util.find_spec("ml_dtypes") is not None)
INTS = ["uint8", "int8", "int16", "int32", "int64"]
SIZES = [*range(41), 100, 1000]
SEEDS = [0, 1, 2**40 + 5, -3]


def seeded(seed=0):
    return Generator().manual_seed(seed)


# -- numbers that PyTorch printed


def test_golden_uniform():
    np.testing.assert_array_equal(
        seeded(42).uniform(3), np.float32([0.8822692632675171, 0.9150039553642273, 0.38286375999450684])
    )
    np.testing.assert_array_equal(seeded(42).uniform(2, "float64"), [0.05815448596142969, 0.06291016742457756])


def test_golden_normal():
    np.testing.assert_array_equal(
        seeded(42).normal(3), np.float32([0.33669036626815796, 0.12880940735340118, 0.23446236550807953])
    )
    np.testing.assert_array_equal(
        seeded(42).normal(17)[[0, 1, 16]],
        np.float32([1.9269152879714966, -0.1595974713563919, -0.3097267746925354]),
    )


def test_golden_integers():
    np.testing.assert_array_equal(seeded(42).randint(0, 100, 4), [42, 67, 76, 14])
    np.testing.assert_array_equal(seeded(42).randperm(6), [0, 3, 2, 4, 1, 5])


def test_golden_words():
    # The first words of MT19937 seeded with 5489, as its authors publish them.
    g = seeded(5489)
    assert [g.random(), g.random()] == [3499211612, 581869302]
    assert seeded(5489).random64() == 3499211612 << 32 | 581869302


# -- what the distributions mean


def test_moments():
    g = seeded(3)
    n = 200_000
    u, z = g.uniform(n, "float64", -1.0, 3.0), g.normal(n, "float32", 2.0, 0.5)
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 0.02
    assert abs(z.mean() - 2) < 0.01 and abs(z.std() - 0.5) < 0.01
    assert abs(g.exponential(n, "float64", 4.0).mean() - 0.25) < 0.01
    assert abs(np.median(g.cauchy(n, "float64", 3.0, 2.0)) - 3) < 0.05
    assert abs(np.log(g.log_normal(n, "float64", 0.5, 0.25)).std() - 0.25) < 0.01
    assert abs(g.geometric(0.2, n).mean() - 5) < 0.05
    assert abs(g.bernoulli(0.3, n).mean() - 0.3) < 0.01
    assert np.unique(g.randint(-2, 3, n)).tolist() == [-2, -1, 0, 1, 2]


def test_permutations():
    for n in (0, 1, 2, 1000):
        assert sorted(seeded(n).randperm(n)) == list(range(n))


def test_multinomial_follows_the_weights():
    weights = np.float32([0, 1, 0, 3])
    drawn = seeded(1).multinomial(weights, 10_000, replacement=True)
    assert set(drawn.tolist()) == {1, 3}
    assert abs((drawn == 3).mean() - 0.75) < 0.02
    rows = seeded(1).multinomial(np.ones((500, 4)), 4)
    assert (np.sort(rows, axis=1) == np.arange(4)).all()
    assert seeded(1).multinomial(weights, 2).tolist() in ([1, 3], [3, 1])


def test_shapes_and_dtypes():
    g = seeded()
    for dtype in ["float16", "float32", "float64", "complex64", "complex128"]:
        for draw in (g.uniform, g.normal):
            array = draw((2, 0, 3), dtype)
            assert array.shape == (2, 0, 3) and array.dtype == dtype
            assert draw((2, 3), dtype).shape == (2, 3) and draw((), dtype).shape == ()
    assert g.randint(0, 5, (2, 2), "int8").dtype == np.int8
    assert g.bernoulli(np.full((2, 1), 0.5), (2, 3)).shape == (2, 3)


def test_rounding_never_reaches_the_open_end():
    assert seeded().uniform(10_000, "float16").max() < 1
    one = np.float32(1)
    assert seeded().uniform(10_000, "float32", 1.0, np.nextafter(one, np.float32(2))).max() == 1


@pytest.mark.parametrize("n", [3, 20])
@pytest.mark.parametrize("mean, std", [(1e300, 1), (0, 1e300), (0, np.inf), (0, 0)])
def test_extreme_normals_do_not_warn(n, mean, std):
    drawn = seeded().normal(n, "float32", mean, std)
    assert (drawn == 0).all() if std == 0 else np.isinf(drawn).all()


# -- the state


def test_seeds():
    g = Generator()
    assert g.initial_seed() == 67280421310721
    assert g.manual_seed(5) is g and g.initial_seed() == 5
    assert seeded(-1).initial_seed() == 2**64 - 1
    assert seeded(2**32 + 7).random() == seeded(7).random()
    assert g.seed() == g.initial_seed()
    assert g.device.type == "cpu"


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seed_out_of_range(seed):
    g = seeded(9)
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        g.manual_seed(seed)
    assert g.initial_seed() == 9


@pytest.mark.parametrize("seed", [1.0, "1", None, True])
def test_seed_of_wrong_type(seed):
    with pytest.raises(RuntimeError, match="manual_seed expected a long, but got"):
        Generator().manual_seed(seed)


@pytest.mark.parametrize("used", [0, 1, 623, 624, 625, 1248])
def test_state_round_trip(used):
    g = seeded(11)
    g.uniform(used)
    g.normal(3)
    for other in (g.clone_state(), copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert other.initial_seed() == 11
        np.testing.assert_array_equal(other.get_state(), g.get_state())
        np.testing.assert_array_equal(other.normal(5), g.clone_state().normal(5))


def test_restoring_a_state_repeats_the_stream():
    g = seeded(4)
    g.normal(1)
    state = g.get_state()
    first = g.normal(20), g.normal(2)
    assert g.set_state(state) is g
    for a, b in zip(first, (g.normal(20), g.normal(2))):
        np.testing.assert_array_equal(a, b)


def test_states_that_are_refused():
    g = seeded(4)
    state = g.get_state().numpy()
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056"):
        g.set_state(state[:-1])
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        g.set_state(np.zeros_like(state))
    with pytest.raises(TypeError, match=r"RNG state must be a torch.ByteTensor"):
        g.set_state(state.astype(np.float32))
    with pytest.raises(TypeError, match=r"expected a torch.ByteTensor, but got int"):
        g.set_state(3)
    np.testing.assert_array_equal(g.get_state(), state)


def test_threads_share_one_stream():
    g, n, drawn = seeded(8), 300, []

    def draw():
        for _ in range(n):
            drawn.extend(g.randint(0, 2**62, 7).tolist())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(drawn) == sorted(seeded(8).randint(0, 2**62, 4 * n * 7).tolist())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_fork_while_another_thread_draws():
    program = """
import os, threading
from rushlight.generator import default_generator as g
stop = False
def draw():
    while not stop:
        g.normal(20_000)
thread = threading.Thread(target=draw)
thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        g.normal(3)
        os._exit(0)
    os.waitpid(child, 0)
stop = True
thread.join()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)


# -- the kernels against their meaning


def engines():
    kernels = pytest.importorskip("rushlight.kernels.random")
    pair = []
    for engine in (kernels, twister):
        words = np.empty(625, np.uint32)
        engine.seed(words, 99)
        pair.append((engine, words))
    return pair


@pytest.mark.parametrize(
    "name, dtype, args",
    [
        ("raw32", np.uint32, ()),
        ("raw64", np.uint64, ()),
        ("uniform_float32", np.float32, (0.0, 1.0)),
        ("uniform_float32", np.float32, (-1.25, 3.5)),
        ("uniform_float64", np.float64, ()),
        ("normal_float32", np.float32, (0.0, 1.0)),
        ("normal_float32", np.float32, (0.25, float(np.float32(1.7)))),
        ("normal_float64", np.float64, (0.3, 1.7)),
        ("normal_pairs", np.float64, ()),
        ("integers", np.int64, (10, -3, False)),
        ("integers", np.int64, (2**40 + 7, -9, True)),
        ("integers", np.int64, (0, 0, True)),
        ("integers", np.int64, (2**64 - 1, -(2**63), True)),
        ("permute", np.int64, (False,)),
        ("permute", np.int64, (True,)),
    ],
)
@pytest.mark.parametrize("n", [0, 16, 16 * 400])
def test_kernel_is_its_meaning(name, dtype, args, n):
    (kernels, words), (plain, plain_words) = engines()
    for _ in range(3):
        out, plain_out = np.empty(n, dtype), np.empty(n, dtype)
        getattr(kernels, name)(words, out, *args)
        getattr(plain, name)(plain_words, plain_out, *args)
        np.testing.assert_array_equal(out, plain_out)
        np.testing.assert_array_equal(words, plain_words)


@pytest.mark.parametrize("n", [17, 16 * 40 + 15])
@pytest.mark.parametrize(
    "name, dtype, args",
    [("normal_float32", np.float32, (True,)), ("normal_float32", np.float32, (False,)), ("normal_float64", float, ())],
)
def test_kernel_draws_the_last_normal_numbers_anew_as_its_meaning_does(name, dtype, args, n):
    test_kernel_is_its_meaning(name, dtype, (0.25, 1.5, *args), n)


@pytest.mark.parametrize("scale, shift", [(1.7, 0.3), (1e-3, -7.0), (3.3e5, 1.1), (2.0, 0.0), (np.inf, 1.0)])
def test_fused_kernel_is_its_meaning(scale, shift):
    (kernels, words), (plain, _) = engines()
    x = np.empty(20_000)
    kernels.normal_pairs(words, x)
    y = x.copy()
    kernels.fused(x, scale, shift)
    plain.fused(y, scale, shift)
    np.testing.assert_array_equal(x, y)


def test_fused_rounds_once():
    from fractions import Fraction

    x = seeded(5).normal(2000, "float64")
    once = [float(Fraction(v) * Fraction(1.7) + Fraction(0.3)) for v in x.tolist()]
    assert (x * 1.7 + 0.3 != once).any()
    module.twister.fused(x, 1.7, 0.3)
    np.testing.assert_array_equal(x, once)


@pytest.mark.parametrize("name", ["log", "log1p", "sin", "cos", "tan", "exp"])
def test_libm_kernel_is_its_meaning(name):
    (kernels, words), (plain, _) = engines()
    x = np.empty((50, 40))
    kernels.uniform_float64(words, x.reshape(-1))
    x[0, :2] = 0, 1000
    np.testing.assert_array_equal(kernels.libm(name, x[:, ::2]), plain.libm(name, x[:, ::2]))


# -- errors

REFUSED = [
    (NotImplementedError, "\"check_uniform_bounds\" not implemented for 'Long'", "uniform", (2, "int64")),
    (RuntimeError, "found from=2 > to=1", "uniform", (2, "float32", 2, 1)),
    (RuntimeError, "to is out of bounds for c10::Half", "uniform", (2, "float16", 0, 70000)),
    (RuntimeError, "from is out of bounds for float", "uniform", (2, "float32", np.nan, 1)),
    (RuntimeError, "but found to=3e+38 and from=-3e+38 which", "uniform", (2, "float32", -3e38, 3e38)),
    (NotImplementedError, "\"normal_kernel_cpu\" not implemented for 'Byte'", "normal", (2, "uint8")),
    (RuntimeError, "normal expects std >= 0.0, but found std -1", "normal", (2, None, 0, -1)),
    (RuntimeError, "expects lambda > 0.0, but found lambda=0", "exponential", (2, None, 0)),
    (RuntimeError, "must be a floating point but you specified Long", "exponential", (2, "int64")),
    (RuntimeError, "must be a floating point but you specified long int", "cauchy", (2, "int64")),
    (RuntimeError, "cauchy_ expects sigma > 0.0, but found sigma=0", "cauchy", (2, None, 0, 0)),
    (RuntimeError, "log_normal_ expects std > 0.0, but found std=0", "log_normal", (2, None, 0, 0)),
    (RuntimeError, "geometric_ expects p to be in (0, 1), but got p=1", "geometric", (1, 2)),
    (RuntimeError, "bernoulli_ expects p to be in [0, 1], but got p=2", "bernoulli", (2, 2)),
    (RuntimeError, "Expected p_in >= 0 && p_in <= 1 to be true", "bernoulli", (np.array([2.0]),)),
    (NotImplementedError, "bernoulli_tensor_cpu_p_", "bernoulli", (np.array([1]),)),
    (RuntimeError, "but got from=5 >= to=5", "randint", (5, 5, 2)),
    (RuntimeError, "from is out of bounds for unsigned char", "randint", (-1, 3, 2, "uint8")),
    (RuntimeError, "to - 1 is out of bounds for bool", "randint", (0, 3, 2, "bool")),
    (RuntimeError, "from=16777221 > to_inc=16777216", "randint", (2**24 + 5, None, 2, "float32")),
    (RuntimeError, "check_random_bounds handles only integral", "randint", (0, 3, 2, "complex64")),
    (NotImplementedError, '"random_kernel_cpu" not implemented', "random_", (2, "complex64")),
    (RuntimeError, "negative dimension -1: [-1]", "randperm", (-1,)),
    (RuntimeError, "value cannot be converted to type uint8_t", "randperm", (300, "uint8")),
    (RuntimeError, "n cannot be greater than 2049 for Half type.", "randperm", (5000, "float16")),
    (RuntimeError, "sum of probabilities <= 0", "multinomial", (np.zeros(2), 1)),
    (RuntimeError, "either `inf`, `nan` or element < 0", "multinomial", (np.array([-1.0, 2]), 1)),
    (RuntimeError, "entry = infinity or NaN", "multinomial", (np.array([np.inf, 2]), 2, True)),
    (RuntimeError, "encountering probability entry < 0", "multinomial", (np.array([-1.0, 2]), 2, True)),
    (RuntimeError, "cannot sample n_sample > prob_dist.size(-1)", "multinomial", (np.ones(2), 3)),
    (RuntimeError, "cannot sample n_sample <= 0 samples", "multinomial", (np.ones(2), 0)),
    (RuntimeError, "prob_dist must be 1 or 2 dim", "multinomial", (np.ones((2, 2, 2)), 1)),
    (RuntimeError, "only supports floating-point dtypes", "multinomial", (np.array([1, 1]), 1)),
]


@pytest.mark.parametrize("error, words, name, args", REFUSED)
def test_errors_leave_the_stream_alone(error, words, name, args):
    g = seeded()
    before = g.get_state()
    with pytest.raises(error, match=re.escape(words)):
        getattr(g, name)(*args)
    np.testing.assert_array_equal(g.get_state(), before)


def test_coarse_integers_warn():
    with pytest.warns(UserWarning, match=r"to - 1 is out of bounds \[-\(2\^24\), 2\^24\]"):
        seeded().randint(0, 2**26, 2, "float32")


# -- the same streams as PyTorch


class Both:
    """One seed here and in PyTorch; each draw goes on where the last ended."""

    def __init__(self, seed):
        self.torch = pytest.importorskip("torch")
        self.mine, self.theirs = seeded(seed), self.torch.Generator().manual_seed(seed)

    def same(self, ours, expected):
        if expected.dtype == self.torch.bfloat16:
            ours, expected = ours.view(np.int16), expected.view(self.torch.int16)
        np.testing.assert_array_equal(ours, expected.numpy())
        np.testing.assert_array_equal(self.mine.get_state(), self.theirs.get_state().numpy())


@pytest.fixture(params=SEEDS)
def both(request):
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("PyTorch rounds products and sums separately here")
    return Both(request.param)


@pytest.fixture
def without_mkl():
    torch = pytest.importorskip("torch")
    probe = torch.Generator().manual_seed(0)
    torch.empty(1).bernoulli_(0.5, generator=probe)
    if probe.get_state()[16] != 2:
        pytest.skip("PyTorch draws these from MKL here")


@pytest.mark.parity
@pytest.mark.parametrize("dtype", [*FLOATS, "complex64", "complex128"])
def test_parity_uniform_and_normal(both, dtype):
    torch = pytest.importorskip("torch")
    g, theirs, t = both.mine, both.theirs, getattr(torch, dtype)
    for n in SIZES:
        both.same(g.uniform(n, dtype), torch.rand(n, dtype=t, generator=theirs))
        expected = torch.empty(n, dtype=t).uniform_(-1.1, 3.3, generator=theirs)
        both.same(g.uniform(n, dtype, -1.1, 3.3), expected)
        both.same(g.normal(n, dtype), torch.randn(n, dtype=t, generator=theirs))
        if t.is_complex:
            continue
        expected = torch.empty(n, dtype=t).normal_(0.5, 1.7, generator=theirs)
        both.same(g.normal(n, dtype, 0.5, 1.7), expected)
        expected = torch.empty(2 * n, dtype=t)[::2].normal_(0.5, 1.7, generator=theirs)
        both.same(g.normal(n, dtype, 0.5, 1.7, contiguous=False), expected)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", FLOATS)
def test_parity_continuous(both, without_mkl, dtype):
    torch = pytest.importorskip("torch")
    for n in SIZES:
        for name, args in (("exponential", (2.5,)), ("cauchy", (0.5, 2.5)), ("log_normal", (0.5, 1.5))):
            expected = torch.empty(n, dtype=getattr(torch, dtype))
            getattr(expected, name + "_")(*args, generator=both.theirs)
            both.same(getattr(both.mine, name)(n, dtype, *args), expected)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["bool", *INTS, *FLOATS])
def test_parity_discrete(both, without_mkl, dtype):
    torch = pytest.importorskip("torch")
    g, theirs, t = both.mine, both.theirs, getattr(torch, dtype)
    high = 2 if dtype == "bool" else 100
    for n in SIZES:
        both.same(g.random_(n, dtype), torch.empty(n, dtype=t).random_(generator=theirs))
        expected = torch.randint(1, high, (n,), dtype=t, generator=theirs)
        both.same(g.randint(1, high, n, dtype), expected)
        expected = torch.empty(n, dtype=t).random_(1, None, generator=theirs)
        both.same(g.randint(1, None, n, dtype), expected)
        expected = torch.empty(n, dtype=t).bernoulli_(0.3, generator=theirs)
        both.same(g.bernoulli(0.3, n, dtype), expected)
        if dtype == "bool":
            continue
        expected = torch.empty(n, dtype=t).geometric_(0.3, generator=theirs)
        both.same(g.geometric(0.3, n, dtype), expected)
        if n <= 100:
            both.same(g.randperm(n, dtype), torch.randperm(n, dtype=t, generator=theirs))


@pytest.mark.parity
@pytest.mark.parametrize("span", [2**28 - 1, 2**28, 2**32, 2**40, 2**63 - 1])
def test_parity_wide_integers(both, span):
    torch = pytest.importorskip("torch")
    for low in (0, -7, -(2**63)):
        high = min(low + span, 2**63 - 1)
        for n in (1, 15, 700):
            expected = torch.randint(low, high, (n,), generator=both.theirs)
            both.same(both.mine.randint(low, high, n), expected)
    expected = torch.empty(9, dtype=torch.int64).random_(-(2**63), None, generator=both.theirs)
    both.same(both.mine.randint(-(2**63), None, 9), expected)


COARSE = [(0, 2**26), (2**25 + 1, 2**27), (-(2**26) - 6, 2**27), (0, 60000), (3, 1000)]


@pytest.mark.parity
@pytest.mark.parametrize("low, high", COARSE)
@pytest.mark.parametrize("dtype", FLOATS[1:])
def test_parity_coarse_integers(both, low, high, dtype):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = torch.empty(200, dtype=getattr(torch, dtype))
        both.same(both.mine.randint(low, high, 200, dtype), expected.random_(low, high, generator=both.theirs))


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(1,), (5,), (17,), (3, 50)])
@pytest.mark.parametrize("dtype", FLOATS)
def test_parity_of_probabilities(both, without_mkl, dtype, shape):
    torch = pytest.importorskip("torch")
    g, theirs = both.mine, both.theirs
    chances = torch.linspace(0.01, 1, int(np.prod(shape))).reshape(shape).to(getattr(torch, dtype))
    p = chances.float().numpy().astype(g.uniform(0, dtype).dtype) if dtype != "float64" else chances.numpy()
    both.same(g.bernoulli(p), torch.bernoulli(chances, generator=theirs))
    for count, again in ((1, False), (1, True), (30, True)):
        both.same(g.multinomial(p, count, again), torch.multinomial(chances, count, again, generator=theirs))
    if dtype in ("float32", "float64"):
        both.same(g.multinomial(p, shape[-1]), torch.multinomial(chances, shape[-1], generator=theirs))


@pytest.mark.parity
def test_parity_of_states():
    torch = pytest.importorskip("torch")
    theirs = torch.Generator().manual_seed(21)
    torch.randn(3, generator=theirs)
    mine = Generator().set_state(theirs.get_state())
    np.testing.assert_array_equal(mine.get_state(), theirs.get_state().numpy())
    np.testing.assert_array_equal(mine.normal(4), torch.randn(4, generator=theirs).numpy())
    theirs.set_state(torch.from_numpy(mine.get_state().numpy()))
    expected = torch.empty(5, dtype=torch.int64).random_(generator=theirs)
    np.testing.assert_array_equal(mine.random_(5, "int64"), expected.numpy())


# -- counts


def test_golden_counts():
    np.testing.assert_array_equal(seeded(42).poisson(np.array([0.0, 1.0, 5.0, 100.0])), [0, 0, 2, 101])
    counts, chances = np.array([10.0, 1000.0, 3.0, 0.0]), np.array([0.5, 0.25, 0.9, 0.5])
    np.testing.assert_array_equal(seeded(42).binomial(counts, chances), [2, 220, 3, 0])


def test_counts_of_kernel_and_meaning_are_the_same():
    random = np.random.default_rng(1)
    rates = np.concatenate([random.uniform(0, 12, 300), random.uniform(10, 2000, 300)])
    trials, chances = random.integers(0, 500, 600).astype(float), random.uniform(-0.1, 1.1, 600)
    found = []
    for engine, words in engines():
        poisson, binomial = rates.copy(), trials.copy()
        engine.poisson(words, poisson)
        engine.binomial(words, binomial, chances)
        found.append((poisson, binomial, words))
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_counts_have_the_mean_and_the_variance_of_their_distribution():
    for rate in (3.0, 50.0):
        drawn = seeded(1).poisson(np.full(40_000, rate))
        assert abs(drawn.mean() - rate) < 5 * (rate / 40_000) ** 0.5
        assert abs(drawn.var() / rate - 1) < 0.05
    for n, p in ((12.0, 0.3), (400.0, 0.4), (400.0, 0.9)):
        drawn = seeded(1).binomial(np.full(40_000, n), np.full(40_000, p))
        assert abs(drawn.mean() - n * p) < 5 * (n * p * (1 - p) / 40_000) ** 0.5
        assert abs(drawn.var() / (n * p * (1 - p)) - 1) < 0.05


def test_counts_of_what_has_none():
    for rate in (-1.0, np.nan, np.inf):
        with pytest.raises(RuntimeError, match="invalid Poisson rate, expected rate to be non-negative"):
            seeded().poisson(np.array([1.0, rate]))
    with pytest.raises(NotImplementedError, match="\"poisson_cpu\" not implemented for 'Long'"):
        seeded().poisson(np.array([1]))
    odd = np.array([[np.nan, 0.5], [2.0, np.nan], [5.0, 1.5], [5.0, -1.0], [np.inf, 0.5], [-3.0, 0.5]])
    np.testing.assert_array_equal(seeded().binomial(odd[:, 0], odd[:, 1]), [np.nan, np.nan, 5, 0, np.inf, 0])


@pytest.mark.parity
def test_counts_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(2)
    for dtype in ("float32", "float64"):
        rates = random.uniform(0, 40, 500).astype(dtype)
        trials, chances = random.integers(0, 300, 500).astype(dtype), random.uniform(0, 1, 500).astype(dtype)
        theirs = torch.Generator().manual_seed(5)
        ours = seeded(5)
        np.testing.assert_array_equal(ours.poisson(rates), torch.poisson(torch.from_numpy(rates), theirs))
        expected = torch.binomial(torch.from_numpy(trials), torch.from_numpy(chances), theirs)
        np.testing.assert_array_equal(ours.binomial(trials, chances), expected)
