"""The extension for Fourier transforms."""

import rushlight

from ..missing import of_module as _of_module

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft",
    "rfftfreq", "rfftn",
]  # fmt: skip


def _along(name):
    def function(x, /, *, n=None, axis=-1, norm="backward"):
        return getattr(rushlight.fft, name)(x, n, axis, norm)

    return _named(function, name)


def _over(name):
    def function(x, /, *, s=None, axes=None, norm="backward"):
        return getattr(rushlight.fft, name)(x, s, axes, norm)

    return _named(function, name)


def _shift(name):
    def function(x, /, *, axes=None):
        return x.clone() if axes == () else getattr(rushlight.fft, name)(x, axes)

    return _named(function, name)


def _frequencies(name):
    def function(n, /, *, d=1.0, dtype=None, device=None):
        return getattr(rushlight.fft, name)(n, d, dtype=dtype, device=device)

    return _named(function, name)


def _named(function, name):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"rushlight.fft.{name}, as the standard has it."
    return function


fft, ifft, rfft, irfft, hfft, ihfft = map(_along, ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"))
fftn, ifftn, rfftn, irfftn = map(_over, ("fftn", "ifftn", "rfftn", "irfftn"))
fftshift, ifftshift = map(_shift, ("fftshift", "ifftshift"))
fftfreq, rfftfreq = map(_frequencies, ("fftfreq", "rfftfreq"))
__getattr__ = _of_module(__name__)
