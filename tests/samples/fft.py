"""Samples of the Fourier transforms. Derivatives by complex numbers are tested in test_fft.py."""

import numpy as np

from .row import Row


def _complex(*shape):
    random = np.random.default_rng(3)
    return lambda r: (random.uniform(-1, 1, shape) + 1j * random.uniform(-1, 1, shape),)


ROWS = [
    Row("fft_c2c", _complex(5), {"dim": (0,)}),
    Row("fft_c2c", _complex(2, 3, 4), {"dim": (2, 0), "normalization": 1, "forward": False}),
    Row("fft_c2c", _complex(2), {"dim": ()}),
    Row("fft_r2c", lambda r: (r(2, 6),), {"dim": (1,), "normalization": 2}),
    Row("fft_r2c", lambda r: (r(5, 2),), {"dim": (0,), "onesided": False}),
    Row("fft_r2c", lambda r: (r(3, 2, 4),), {"dim": (0, 2)}),
    Row("fft_c2r", _complex(2, 4), {"dim": (1,), "last_dim_size": 7, "normalization": 2}),
    Row("fft_c2r", _complex(4, 3, 2), {"dim": (2, 0), "last_dim_size": 6}),
    # Of sizes that kernels take.
    Row("fft_c2c", _complex(3, 30, 14), {"dim": (1, 2), "normalization": 2, "forward": False}),
    Row("fft_r2c", lambda r: (r(6, 22),), {"dim": (0, 1), "normalization": 1}),
    Row("fft_r2c", lambda r: (r(5, 24),), {"dim": (1,), "onesided": False}),
    Row("fft_c2r", _complex(9, 13), {"dim": (0, 1), "last_dim_size": 24, "normalization": 2}),
    Row("scale_pairs", lambda r: (r(2, 4),), {"dim": 1, "size": 6, "factor": 0.5}),
    Row("scale_pairs", lambda r: (r(3, 2),), {"dim": 0, "size": 5, "factor": 2.0}),
]
