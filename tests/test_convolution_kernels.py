"""The loops of convolutions against their meaning in Python, for each family of processors that this one can be."""

import numpy as np
import pytest

from rushlight.kernels import load
from rushlight.ops import conv

kernels = load("conv")
pytestmark = pytest.mark.skipif(kernels is None, reason="not compiled")

# (input, output channels, kernel, stride, padding, dilation, groups)
SHAPES = [
    ((3, 1, 28), 4, (5,), 1, 2, 1, 1),
    ((2, 9, 150), 5, (3,), 2, 0, 3, 1),
    ((2, 64, 8, 8), 64, (3, 3), 1, 1, 1, 1),  # lines of copied windows
    ((2, 16, 16, 16), 13, (3, 3), 1, 1, 1, 1),  # lines that are rows
    ((2, 33, 14, 14), 12, (3, 3), 1, 1, 1, 1),  # lines that reach over the end of a row
    ((2, 40, 7, 9), 3, (1, 1), 1, 0, 1, 1),
    ((2, 40, 9, 8), 20, (1, 1), 2, 0, 1, 1),
    ((3, 18, 11, 13), 7, (3, 2), (2, 3), (1, 2), (1, 2), 1),
    ((2, 24, 9, 9), 12, (3, 3), 1, 1, 2, 2),
    ((2, 6, 20, 20), 6, (3, 3), 1, 1, 1, 6),
    ((2, 6, 20, 20), 12, (3, 3), 2, 1, 1, 6),
    ((1, 9, 5, 70), 2, (4, 5), 1, (3, 1), 1, 1),
    ((2, 8, 5, 6, 7), 9, (2, 3, 3), 1, (1, 0, 1), 1, 1),
    ((2, 17, 6, 7, 9), 5, (3, 1, 2), (2, 1, 3), 1, 1, 1),
    ((1, 8, 1, 1), 8, (3, 3), 1, 1, 1, 1),
]


def drawn(*shape, dtype):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def close(found, expected):
    """Up to the rounding of sums of the sizes that are added here."""
    assert found.shape == expected.shape and found.dtype == expected.dtype
    limit = {"float32": 3e-5, "float64": 1e-13}[str(found.dtype)]
    assert np.abs(found - expected).max() <= limit * (1 + np.abs(expected).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s[0])) + f" to {s[1]}")
def test_convolutions(family, shape, dtype):
    size, out, kernel, *window, groups = shape
    stride, padding, dilation = (w if isinstance(w, tuple) else (w,) * len(kernel) for w in window)
    params = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x = drawn(*size, dtype=dtype)
    weight, bias = drawn(out, size[1] // groups, *kernel, dtype=dtype), drawn(out, dtype=dtype)
    expected = conv.convolution.forward(x, weight, bias, **params)
    close(kernels.convolution(x, weight, bias, **params), expected)
    g = drawn(*expected.shape, dtype=dtype)
    found = kernels.convolution_weight(x, g, kernel=kernel, **params)
    close(found, conv.convolution_weight.forward(x, g, kernel=kernel, **params))
    found = kernels.convolution_transpose(g, weight, None, size=size[2:], **params)
    if max(stride) > 1:
        assert found is NotImplemented
    else:
        close(found, conv.convolution_transpose.forward(g, weight, None, size=size[2:], **params))


def test_infinite_numbers_stay_in_their_windows(family):
    """Numbers beside a row, which its lines read, are in no sum."""
    x = np.ones((1, 16, 6, 6), np.float32)
    x[0, :, 0, 0] = np.inf
    out = kernels.convolution(
        x, np.ones((4, 16, 3, 3), np.float32), None, stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1
    )
    expected = np.zeros((6, 6), bool)
    expected[:2, :2] = True
    assert (np.isinf(out) == expected).all() and not np.isnan(out).any()


def test_no_other_family_is_run():
    processors = load("parallel")
    for n in (-1, processors.families()):
        with pytest.raises(ValueError):
            processors.run_family(n)
