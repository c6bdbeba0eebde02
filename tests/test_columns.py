"""The windows of images as columns, and back: the kernels beside their Python meaning."""

import itertools
import math

import numpy as np
import pytest

from rushlight.ops import conv

kernels = pytest.importorskip("rushlight.kernels.columns", reason="needs the compiled kernels")

GEOMETRIES = [
    {"kernel": kernel, "dilation": dilation, "padding": padding, "stride": stride}
    for kernel, dilation, padding, stride in itertools.product(
        [(1, 1), (2, 3), (3, 2)], [(1, 1), (2, 1), (1, 3)], [(0, 0), (1, 2), (3, 4)], [(1, 1), (2, 3), (5, 2)]
    )
]


def drawn(*shape, dtype):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("window", GEOMETRIES, ids=str)
def test_columns_and_back(window, dtype):
    size = (5, 7)
    x = drawn(2, 3, *size, dtype=dtype)
    if min(conv.window_count(size, window["kernel"], window["stride"], window["padding"], window["dilation"])) < 1:
        assert kernels.im2col(x, **window) is NotImplemented
        return
    columns = kernels.im2col(x, **window)
    np.testing.assert_array_equal(columns, conv.im2col.forward(x, **window))
    g = drawn(*columns.shape, dtype=dtype)
    # The same sums in the same order.
    np.testing.assert_array_equal(kernels.col2im(g, size=size, **window), conv.col2im.forward(g, size=size, **window))


def test_many_planes_are_shared_among_threads():
    window = {"kernel": (3, 3), "dilation": (1, 1), "padding": (1, 1), "stride": (1, 1)}
    x = drawn(4, 16, 40, 40, dtype="float32")
    columns = kernels.im2col(x, **window)
    np.testing.assert_array_equal(columns, conv.im2col.forward(x, **window))
    back = kernels.col2im(columns, size=(40, 40), **window)
    np.testing.assert_array_equal(back, conv.col2im.forward(columns, size=(40, 40), **window))


VOLUMES = [
    {"kernel": kernel, "dilation": dilation, "padding": padding, "stride": stride}
    for kernel, dilation, padding, stride in itertools.product(
        [(1, 2, 3), (3, 2, 1)], [(1, 1, 1), (2, 1, 1)], [(0, 0, 0), (2, 1, 0)], [(1, 2, 3), (2, 1, 2)]
    )
]


@pytest.mark.parametrize("window", VOLUMES, ids=str)
def test_columns_of_volumes_added_up(window):
    size = (6, 5, 7)
    places = conv.window_count(size, *[window[name] for name in ("kernel", "stride", "padding", "dilation")])
    g = drawn(2, 3 * math.prod(window["kernel"]), math.prod(places), dtype="float32")
    np.testing.assert_array_equal(kernels.col2im(g, size=size, **window), conv.col2im.forward(g, size=size, **window))


@pytest.mark.parametrize("stride, padding, dilation", [(1, 0, 1), (2, 1, 1), (3, 2, 2)])
def test_columns_of_rows_added_up(stride, padding, dilation):
    window = {"kernel": (3,), "dilation": (dilation,), "padding": (padding,), "stride": (stride,)}
    places = conv.window_count((11,), (3,), (stride,), (padding,), (dilation,))
    g = drawn(2, 4 * 3, *places, dtype="float64")
    np.testing.assert_array_equal(kernels.col2im(g, size=(11,), **window), conv.col2im.forward(g, size=(11,), **window))


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_strided_volumes_transposed_in_blocks(block, monkeypatch):
    if conv._kernels is None:
        pytest.skip("the kernels are off")
    monkeypatch.setattr(conv, "_BLOCK", block)
    window = {"size": (7, 8, 6), "stride": (2, 3, 1), "padding": (1, 0, 1), "dilation": (1, 1, 2), "groups": 2}
    given = [drawn(*shape, dtype="float64") for shape in ((3, 4, 4, 3, 4), (4, 3, 3, 2, 3), (6,))]
    expected = conv.convolution_transpose.forward(*given, **window)
    found = conv._convolution_transpose(*given, **window)
    np.testing.assert_allclose(found, expected, 1e-12, 1e-12)


def test_what_the_kernels_leave_to_python():
    window = {"kernel": (2, 2), "dilation": (1, 1), "padding": (0, 0), "stride": (1, 1)}
    assert kernels.im2col(drawn(1, 1, 3, 3, dtype="float16"), **window) is NotImplemented
    assert kernels.im2col(drawn(1, 1, 3, 6, dtype="float32")[..., ::2], **window) is NotImplemented
    assert kernels.col2im(drawn(1, 4, 5, dtype="float32"), size=(3, 3), **window) is NotImplemented
