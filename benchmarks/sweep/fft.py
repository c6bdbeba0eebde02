"""Fourier transforms in one and two dimensions, and of frames."""

from .row import Timed, complexes, matrix, side, vector


def square(n, random):
    return complexes(side(n) ** 2, random).reshape(side(n), side(n))


def one_side(n, random):
    return complexes(n // 2 + 1, random)


ROWS = [
    Timed("fft.fft", complexes, ops=("fft_c2c",)),
    Timed("fft.ifft", complexes),
    Timed("fft.fft of real", vector, call=lambda m, x: m.fft.fft(x), ops=("fft_r2c",)),
    Timed("fft.rfft", vector, ops=("scale_pairs",)),
    Timed("fft.irfft", one_side, ops=("fft_c2r",)),
    Timed("fft.hfft", one_side),
    Timed("fft.ihfft", vector),
    Timed("fft.fft of rows", square, call=lambda m, x: m.fft.fft(x)),
    Timed("fft.fft of columns", square, call=lambda m, x: m.fft.fft(x, dim=0)),
    Timed("fft.rfft of rows", matrix, call=lambda m, x: m.fft.rfft(x)),
    Timed("fft.rfft of columns", matrix, call=lambda m, x: m.fft.rfft(x, dim=0)),
    Timed("fft.fft2", square),
    Timed("fft.rfft2", matrix),
    Timed("fft.irfft2", square),
    Timed("fft.fftshift", vector),
    Timed(
        "stft", vector,
        call=lambda m, x: m.stft(x, 128, 64, window=m.ones(128, dtype=x.dtype), return_complex=True),
    ),
    Timed(
        "istft", lambda n, random: complexes(65 * (n // 65 + 1), random).reshape(65, -1),
        call=lambda m, z: m.istft(z, 128, 64),
    ),
]  # fmt: skip
