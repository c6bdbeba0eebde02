"""Windows of signals: values by hand, both kinds of length, refusals."""

import numpy as np
import pytest

import rushlight

windows = rushlight.signal.windows
PLAIN = ("bartlett", "blackman", "cosine", "exponential", "gaussian", "hamming", "hann", "kaiser", "nuttall")
OLD = ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")


@pytest.mark.parametrize("name", [name for name in windows.__all__ if name != "general_cosine"])
def test_a_symmetric_window_reads_the_same_backwards(name):
    for length in (6, 7):
        w = getattr(windows, name)(length, dtype=rushlight.float64).numpy()
        assert np.allclose(w, w[::-1])
        periodic = getattr(windows, name)(length, sym=False, dtype=rushlight.float64).numpy()
        longer = getattr(windows, name)(length + 1, dtype=rushlight.float64).numpy()
        assert np.allclose(periodic, longer[:-1])


@pytest.mark.parametrize("name", PLAIN)
def test_the_shortest(name):
    window = getattr(windows, name)
    assert window(0).shape == (0,)
    assert window(1).tolist() == [1.0]
    assert window(3, requires_grad=True).requires_grad
    assert window(3).dtype is rushlight.float32


def test_values():
    near = pytest.approx
    assert windows.bartlett(5).tolist() == near([0.0, 0.5, 1.0, 0.5, 0.0])
    assert windows.hann(5).tolist() == near([0.0, 0.5, 1.0, 0.5, 0.0])
    assert windows.hamming(3).tolist() == near([0.08, 1.0, 0.08])
    assert windows.blackman(5).tolist() == near([0.0, 0.34, 1.0, 0.34, 0.0], abs=1e-7)
    assert windows.cosine(2).tolist() == near([0.5**0.5, 0.5**0.5])
    assert windows.exponential(3, tau=2.0).tolist() == near([np.exp(-0.5), 1.0, np.exp(-0.5)])
    assert windows.exponential(3, center=0.0, sym=False).tolist() == near([1.0, np.exp(-1), np.exp(-2)])
    assert windows.gaussian(3, std=2.0).tolist() == near([np.exp(-0.125), 1.0, np.exp(-0.125)])
    assert windows.kaiser(3, beta=1.0).tolist() == near([1 / 1.2660658777520084, 1.0, 1 / 1.2660658777520084])
    assert windows.nuttall(3).tolist() == near([0.0003628, 1.0, 0.0003628], abs=1e-7)
    assert windows.general_cosine(5, a=[0.5, 0.3]).tolist() == near([0.2, 0.5, 0.8, 0.5, 0.2])
    assert windows.general_hamming(3, alpha=0.7).tolist() == near([0.4, 1.0, 0.4])


@pytest.mark.parametrize("name", OLD)
def test_functions_are_the_windows(name):
    old, new = getattr(rushlight, name), getattr(windows, name.removesuffix("_window"))
    assert np.allclose(old(6).numpy(), new(6, sym=False).numpy())
    assert np.allclose(old(6, False).numpy(), new(6).numpy())
    assert old(3, dtype=rushlight.float16).dtype is rushlight.float16
    with pytest.raises(RuntimeError, match=f"{name} requires non-negative window_length, got window_length=-1"):
        old(-1)
    with pytest.raises(RuntimeError, match=f"{name} expects floating point dtypes"):
        old(3, dtype=rushlight.int64)
    with pytest.raises(TypeError, match="must be int, not float"):
        old(3.0)


def test_more_arguments():
    assert rushlight.hamming_window(4, True, 0.5, 0.5).tolist() == pytest.approx([0.0, 0.5, 1.0, 0.5])
    assert rushlight.kaiser_window(3, False, 0.0).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: windows.hann(-1), ValueError, "general_cosine requires non-negative window length, got M=-1"),
        (lambda: windows.kaiser(3, dtype=rushlight.int64), ValueError, "kaiser expects float32 or float64 dtypes"),
        (lambda: windows.kaiser(3, beta=-1), ValueError, "beta must be non-negative, got: -1 instead."),
        (lambda: windows.gaussian(3, std=0), ValueError, "Standard deviation must be positive, got: 0 instead."),
        (lambda: windows.exponential(3, tau=0), ValueError, "Tau must be positive, got: 0 instead."),
        (lambda: windows.exponential(3, center=1), ValueError, "Center must be None for symmetric windows"),
        (lambda: windows.general_cosine(3, a=[]), ValueError, "Coefficients cannot be empty"),
        (lambda: windows.general_cosine(3, a=3), TypeError, "Coefficients must be a list/tuple"),
    ],
)
def test_refusals(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


@pytest.mark.parity
@pytest.mark.parametrize("name", PLAIN)
def test_values_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.signal.windows, name)
    for sym in (True, False):
        ours = getattr(windows, name)(9, sym=sym, dtype=rushlight.float64).numpy()
        assert np.allclose(ours, theirs(9, sym=sym, dtype=torch.float64).numpy(), rtol=1e-5)
