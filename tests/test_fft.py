"""Fourier transforms and short-time ones: values beside sums, derivatives by complex numbers, batches, refusals."""

import numpy as np
import pytest

import rushlight
from rushlight import autograd
from rushlight.ops import fft as ops

fft = rushlight.fft
COMPLEX = ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "irfft", "hfft", "irfft2", "hfft2", "irfftn", "hfftn")
REAL = ("rfft", "ihfft", "rfft2", "ihfft2", "rfftn", "ihfftn", "fft", "ifft")
NORMS = ("backward", "ortho", "forward")


def made(shape, complex_numbers, requires_grad=False, seed=0):
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, shape)
    if complex_numbers:
        x = x + 1j * random.uniform(-1, 1, shape)
    return rushlight.tensor(x).requires_grad_(requires_grad)


def by_sums(x, sign):
    """The transform along the last dimension, term by term."""
    n = x.shape[-1]
    k = np.arange(n)
    return x @ np.exp(sign * 2j * np.pi * np.outer(k, k) / n)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 15, 49, 97, 120])
def test_the_transform_is_its_sum(n):
    z, x = made((3, n), True), made((3, n), False)
    assert np.allclose(fft.fft(z).numpy(), by_sums(z.numpy(), -1))
    assert np.allclose(fft.ifft(z).numpy(), by_sums(z.numpy(), 1) / n)
    assert np.allclose(fft.fft(x).numpy(), by_sums(x.numpy(), -1))
    assert np.allclose(fft.rfft(x).numpy(), by_sums(x.numpy(), -1)[:, : n // 2 + 1])
    assert np.allclose(fft.irfft(fft.rfft(x), n).numpy(), x.numpy())
    assert np.allclose(fft.hfft(fft.ihfft(x), n).numpy(), x.numpy())


@pytest.mark.parametrize("norm", NORMS)
def test_inverses_undo_transforms(norm):
    z, x = made((3, 4, 5), True), made((3, 4, 5), False)
    assert np.allclose(fft.ifftn(fft.fftn(z, norm=norm), norm=norm).numpy(), z.numpy())
    assert np.allclose(fft.irfftn(fft.rfftn(x, norm=norm), s=(3, 4, 5), norm=norm).numpy(), x.numpy())
    assert np.allclose(fft.hfftn(fft.ihfftn(x, norm=norm), s=(3, 4, 5), norm=norm).numpy(), x.numpy())
    energy = fft.fft(z, norm="ortho").abs().square().sum()
    assert np.allclose(energy.item(), z.abs().square().sum().item())


def test_sizes_cut_off_and_fill_up():
    x = rushlight.tensor([1.0, 2.0, 3.0])
    assert fft.fft(x, n=1).tolist() == [1 + 0j]
    assert np.allclose(fft.fft(x, n=5).numpy(), np.fft.fft([1.0, 2.0, 3.0, 0.0, 0.0]))
    assert fft.fft2(rushlight.ones(2, 3, 4), s=(4, -1)).shape == (2, 4, 4)
    assert fft.rfftn(rushlight.ones(4, 6), s=(3,)).shape == (4, 2)
    assert fft.irfft(rushlight.ones(4)).shape == (6,)


def test_dtypes_follow_the_input():
    for given, result in ((rushlight.float32, rushlight.complex64), (rushlight.float64, rushlight.complex128)):
        assert fft.fft(rushlight.ones(4, dtype=given)).dtype is result
        assert fft.rfftn(rushlight.ones(4, 4, dtype=given)).dtype is result
        assert fft.irfft(rushlight.ones(4, dtype=result)).dtype is given
    for given in (rushlight.int64, rushlight.bool):
        assert fft.fft(rushlight.ones(4, dtype=given)).dtype is rushlight.complex64
    with pytest.raises(RuntimeError, match="Unsupported dtype Half"):
        fft.fft(rushlight.ones(4, dtype=rushlight.float16))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", COMPLEX)
def test_derivatives_by_complex_numbers(name, norm):
    z = made((3, 4), True, requires_grad=True)
    function = getattr(fft, name)
    assert autograd.gradcheck(lambda t: function(t, norm=norm), (z,), check_forward_ad=True, check_batched_grad=True)
    assert autograd.gradgradcheck(lambda t: function(t, norm=norm).abs().square(), (z,))


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("name", REAL)
def test_derivatives_by_real_numbers(name, size):
    x = made((3, size), False, requires_grad=True)
    function = getattr(fft, name)
    assert autograd.gradcheck(function, (x,), check_forward_ad=True, check_batched_grad=True)
    assert autograd.gradgradcheck(lambda t: function(t).abs().square(), (x,))


def test_odd_sizes_of_real_results():
    z = made((2, 3), True, requires_grad=True)
    assert autograd.gradcheck(lambda t: fft.irfft(t, n=5), (z,), check_forward_ad=True)
    assert autograd.gradcheck(lambda t: fft.hfft2(t, s=(4, 3), dim=(1, 0)), (z,), check_forward_ad=True)


def test_a_third_derivative():
    z = made((4,), True, requires_grad=True)
    loss = fft.fft(z).abs().pow(4).sum()
    (first,) = autograd.grad(loss, z, create_graph=True)
    (second,) = autograd.grad(first.abs().square().sum(), z, create_graph=True)
    (third,) = autograd.grad(second.abs().square().sum(), z)
    step = 1e-6
    moved = [z.detach() + s * step for s in (1, -1)]

    def size_of_second(t):
        t.requires_grad_()
        (g,) = autograd.grad(fft.fft(t).abs().pow(4).sum(), t, create_graph=True)
        (h,) = autograd.grad(g.abs().square().sum(), t)
        return h.abs().square().sum().item()

    difference = (size_of_second(moved[0]) - size_of_second(moved[1])) / (2 * step)
    assert difference == pytest.approx(third.real.sum().item(), rel=1e-5)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_samples_of_a_batch(dim):
    z = made((5, 3, 4), True)
    batched = rushlight.vmap(lambda t: fft.fft(t, dim=dim))(z)
    assert np.allclose(batched.numpy(), np.stack([fft.fft(t, dim=dim).numpy() for t in z]))
    one_sided = rushlight.vmap(lambda t: fft.irfftn(t, dim=(0, 1)), in_dims=2)(z)
    assert np.allclose(one_sided.numpy(), np.stack([fft.irfftn(z[..., k]).numpy() for k in range(4)]))


def test_names_in_the_graph():
    x, z = made((3, 4), False, True), made((3, 4), True, True)
    assert type(fft.fft(x).grad_fn).__name__ == "FftR2CBackward0"
    assert type(fft.fft(z).grad_fn).__name__ == "FftC2CBackward0"
    assert type(fft.irfft(z).grad_fn).__name__ == "FftC2RBackward0"
    node = fft.ifft2(z).grad_fn
    assert (node._saved_dim, node._saved_forward, node._saved_normalization) == ((0, 1), False, 2)


def test_out_is_filled():
    out = rushlight.empty(0, dtype=rushlight.complex128)
    assert fft.fft(rushlight.ones(2), out=out) is out
    assert out.tolist() == [2, 0]
    with pytest.raises(RuntimeError, match="fft expects a complex output tensor, but got Float"):
        fft.fft(rushlight.ones(2), out=rushlight.empty(2))
    with pytest.raises(RuntimeError, match="irfft expects a floating point output tensor, but got ComplexFloat"):
        fft.irfft(rushlight.ones(2), out=rushlight.empty(2, dtype=rushlight.complex64))


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: fft.fft([1.0]), TypeError, r"fft_fft\(\): argument 'input' \(position 1\) must be Tensor, not list"),
        (lambda: fft.fft(rushlight.ones(3), n=0), RuntimeError, r"Invalid number of data points \(0\) specified"),
        (lambda: fft.fft(rushlight.ones(3), dim=1), IndexError, "Dimension out of range"),
        (lambda: fft.fft(rushlight.tensor(1.0)), IndexError, "Dimension specified as -1 but tensor has no dimensions"),
        (lambda: fft.fft(rushlight.ones(3), norm="all"), RuntimeError, 'Invalid normalization mode: "all"'),
        (lambda: fft.irfft(rushlight.ones(1)), RuntimeError, r"Invalid number of data points \(0\) specified"),
        (
            lambda: fft.rfft(rushlight.ones(3) * 1j),
            RuntimeError,
            "rfft expects a real input tensor, but got ComplexFloat",
        ),
        (lambda: fft.rfftn(rushlight.ones(3) * 1j), RuntimeError, "rfftn expects a real-valued input tensor"),
        (lambda: fft.fftn(rushlight.ones(2, 2), dim=(0, -2)), RuntimeError, "FFT dims must be unique"),
        (
            lambda: fft.fftn(rushlight.ones(2), s=(2, 2)),
            RuntimeError,
            "Got shape with 2 values but input tensor only has 1",
        ),
        (lambda: fft.fft2(rushlight.ones(2, 2), s=(2,)), RuntimeError, "When given, dim and shape arguments must have"),
        (lambda: fft.irfftn(rushlight.ones(2), dim=()), RuntimeError, "irfftn must transform at least one axis"),
        (
            lambda: fft.fftfreq(3, dtype=rushlight.int64),
            RuntimeError,
            "fftfreq requires a floating point or complex dtype",
        ),
    ],
)
def test_refusals(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


def test_frequencies_and_shifts():
    assert fft.fftfreq(5, 0.5).tolist() == pytest.approx([0.0, 0.4, 0.8, -0.8, -0.4])
    assert fft.rfftfreq(5, 2.0, dtype=rushlight.float64).tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert fft.fftfreq(0).shape == (0,)
    assert fft.fftshift(rushlight.arange(5)).tolist() == [3, 4, 0, 1, 2]
    x = rushlight.arange(12).view(3, 4)
    assert fft.ifftshift(fft.fftshift(x)).equal(x)
    assert fft.fftshift(x, dim=1)[0].tolist() == [2, 3, 0, 1]


# -- kernels

SHAPES = [
    (100, 1), (70, 3), (33, 4), (20, 7), (9, 8), (10, 11), (1, 13, 14), (7, 15), (1, 64), (1, 1000), (17, 1000), (1, 8192),
    (2, 10000), (1, 30030), (1, 65536), (4, 64, 3), (3, 100, 20), (26, 7, 2), (1, 4097), (2, 3, 5, 7),
]  # fmt: skip


@pytest.mark.parametrize("precision", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_kernels_are_as_exact_as_numpy(family, shape, precision):
    if ops.fft_c2c.fast is None:
        pytest.skip("kernels are not compiled")
    z = made(shape, True).numpy().astype(np.result_type(precision, np.complex64))
    ran = []

    def compare(op, x, **params):
        result = op.fast(x, **params)
        if result is NotImplemented:
            return
        meant = op.forward(x, **params)
        ran.append(op.name)
        assert result.dtype == meant.dtype
        assert result.shape == meant.shape
        assert np.abs(result - meant).max() <= 8 * np.finfo(precision).eps * np.abs(meant).max()

    for dim in {(0,), (len(shape) - 1,), (len(shape) - 1, 0), tuple(range(len(shape)))}:
        for normalization, flag in ((0, True), (2, False)):
            compare(ops.fft_c2c, z, dim=dim, normalization=normalization, forward=flag)
            compare(ops.fft_r2c, z.real.copy(), dim=dim, normalization=normalization, onesided=flag)
            n = 2 * z.shape[dim[-1]] - 1 - flag
            if n:
                compare(ops.fft_c2r, z, dim=dim, normalization=normalization, last_dim_size=n)
    assert {"fft_c2c", "fft_r2c"} <= set(ran)


def test_kernels_read_any_layout_and_keep_their_input(family):
    z = made((40, 30), True).numpy()
    for x in (z.T, z[::2, ::-1], z[:, None, :], np.broadcast_to(z, (2, 40, 30))):
        before = x.copy()
        result = fft.fftn(rushlight.from_numpy(np.array(x))).numpy()
        assert np.allclose(ops.fft_c2c(rushlight.core.wrap(x), dim=tuple(range(x.ndim))).numpy(), result)
        assert np.allclose(result, np.fft.fftn(x))
        assert np.array_equal(x, before)


def test_numbers_of_other_kinds_are_declined():
    if ops.fft_c2c.fast is None:
        pytest.skip("kernels are not compiled")
    x = np.ones((20, 10))
    for wrong in (x, x.astype(np.float16), (x * 1j).astype(">c16"), (x * 1j)[:2, :2]):
        assert ops.fft_c2c.fast(wrong, dim=(1,), normalization=0, forward=True) is NotImplemented
        assert ops.fft_c2r.fast(wrong, dim=(1,), normalization=0, last_dim_size=18) is NotImplemented
    assert ops.fft_r2c.fast(x * 1j, dim=(1,), normalization=0, onesided=True) is NotImplemented
    assert ops.fft_c2r.fast(x * 1j, dim=(1,), normalization=0, last_dim_size=20) is NotImplemented


def test_lengths_with_large_primes_are_declined():
    if ops.fft_c2c.fast is None:
        pytest.skip("kernels are not compiled")
    z = made((17, 97), True)
    assert ops.fft_c2c.fast(z.numpy(), dim=(1,), normalization=0, forward=True) is NotImplemented
    assert np.allclose(fft.fft2(z).numpy(), np.fft.fft2(z.numpy()))


# -- frame by frame


def frames_by_sums(signal, n, hop, window):
    """Each frame times the window, transformed term by term: (frequencies, frames)."""
    starts = range(0, len(signal) - n + 1, hop)
    return np.stack([by_sums(signal[s : s + n] * window, -1) for s in starts], axis=1)


@pytest.mark.parametrize("hop", [1, 2, 5])
def test_stft_is_the_transform_of_frames(hop):
    signal, window = made((21,), False), made((6,), False, seed=1)
    whole = frames_by_sums(signal.numpy(), 6, hop, window.numpy())
    result = rushlight.stft(signal, 6, hop, window=window, center=False, return_complex=True)
    assert np.allclose(result.numpy(), whole[:4])
    result = signal.stft(6, hop, window=window, center=False, return_complex=True, onesided=False, normalized=True)
    assert np.allclose(result.numpy(), whole / np.sqrt(6))
    padded = np.pad(signal.numpy(), 3, mode="reflect")
    centred = rushlight.stft(signal, 6, hop, window=window, return_complex=False)
    assert np.allclose(centred.numpy()[..., 1], frames_by_sums(padded, 6, hop, window.numpy())[:4].imag)


def test_a_short_window_stands_in_the_middle():
    signal, window = made((2, 20), False), rushlight.tensor([0.5, 1.0, 0.5], dtype=rushlight.float64)
    wide = rushlight.tensor([0, 0, 0.5, 1.0, 0.5, 0, 0], dtype=rushlight.float64)
    short = rushlight.stft(signal, 7, 2, 3, window, return_complex=True)
    assert np.allclose(short.numpy(), rushlight.stft(signal, 7, 2, window=wide, return_complex=True).numpy())


@pytest.mark.parametrize("onesided", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
def test_istft_undoes_stft(onesided, normalized):
    window = rushlight.hann_window(8, dtype=rushlight.float64)
    signal = made((2, 30), False)
    said = {"window": window, "onesided": onesided, "normalized": normalized}
    spectrum = rushlight.stft(signal, 8, 3, return_complex=True, **said)
    back = rushlight.istft(spectrum, 8, 3, length=30, **said)
    assert np.allclose(back.numpy(), signal.numpy())


def test_derivatives_of_frames():
    signal, window = made((14,), False, True), made((6,), False, True, seed=1)
    spectrum = made((4, 5), True, True, seed=2)
    strong = (window.detach().abs() + 1).requires_grad_()
    assert autograd.gradcheck(
        lambda s, w: rushlight.stft(s, 6, 2, window=w, return_complex=True), (signal, window), check_forward_ad=True
    )
    assert autograd.gradcheck(
        lambda z, w: rushlight.istft(z, 6, 2, window=w), (spectrum, strong), check_forward_ad=True
    )
    assert autograd.gradgradcheck(lambda z: rushlight.istft(z, 6, 2).square(), (spectrum,))


def test_frames_that_do_not_fit():
    signal, window = rushlight.ones(20), rushlight.ones(8)
    with pytest.raises(RuntimeError, match="stft requires the return_complex parameter be given for real inputs"):
        rushlight.stft(signal, 8)
    with pytest.raises(RuntimeError, match="expected hop_length > 0, but got hop_length=0"):
        rushlight.stft(signal, 8, 0, window=window, return_complex=True)
    with pytest.raises(RuntimeError, match="expected 0 < n_fft < 20, but got n_fft=40"):
        rushlight.stft(signal, 40, center=False, return_complex=True)
    with pytest.raises(RuntimeError, match="expected a 1D window tensor of size equal to win_length=4"):
        rushlight.stft(signal, 8, win_length=4, window=window, return_complex=True)
    with pytest.raises(RuntimeError, match="Cannot have onesided output if window or input is complex"):
        rushlight.stft(signal * 1j, 8, window=window, onesided=True)
    with pytest.raises(RuntimeError, match="istft requires a complex-valued input tensor"):
        rushlight.istft(rushlight.ones(5, 3), 8)
    spectrum = rushlight.ones(5, 3, dtype=rushlight.complex64)
    with pytest.raises(RuntimeError, match="expected 0 < hop_length <= win_length"):
        rushlight.istft(spectrum, 8, 9)
    with pytest.raises(RuntimeError, match="window overlap add min: 1"):
        rushlight.istft(spectrum, 8, window=window * 0)


@pytest.mark.parity
@pytest.mark.parametrize("name", fft.__all__)
def test_values_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(fft, name), getattr(torch.fft, name)
    if name.endswith("freq"):
        assert ours(7, 0.1).tolist() == pytest.approx(theirs(7, 0.1).tolist())
        return
    x = made((4, 3, 6), name not in REAL).numpy()
    assert np.allclose(ours(rushlight.tensor(x)).numpy(), theirs(torch.tensor(x)).resolve_conj().numpy())
