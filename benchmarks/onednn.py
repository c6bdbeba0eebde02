"""oneDNN beside our own kernels and PyTorch, by size: what the numbers in src/rushlight/kernels/onednn.py are taken from.

    python -m benchmarks.onednn [WORDS]

needs the packages onednn-cpu-gomp and torch. WORDS choose rows by their beginning ("convolution float32", "product"). A
row gives microseconds, and whether Rushlight asks oneDNN for such a call.
"""

import statistics
import sys

import numpy as np
import torch

import rushlight
from rushlight.kernels import onednn
from rushlight.ops import conv, matrix

from .measure import loops_of, seconds

# Samples, channels, side, channels of the result, side of the kernel, stride, groups.
CONVOLUTIONS = (
    (32, 1, 28, 8, 3, 1, 1), (1, 16, 16, 16, 3, 1, 1), (1, 16, 32, 16, 3, 1, 1), (32, 3, 32, 16, 3, 1, 1),
    (32, 8, 14, 16, 3, 1, 1), (32, 16, 14, 32, 3, 1, 1), (32, 32, 16, 32, 3, 1, 1), (32, 64, 8, 64, 3, 1, 1),
    (8, 64, 28, 64, 3, 1, 1), (8, 64, 28, 64, 1, 1, 1), (8, 64, 28, 128, 3, 2, 1), (8, 3, 64, 32, 7, 2, 1),
    (8, 256, 7, 256, 3, 1, 1), (8, 64, 28, 64, 3, 1, 64),
)  # fmt: skip
PRODUCTS = ((32, 32, 32), (64, 64, 64), (128, 128, 128), (256, 256, 256), (64, 512, 512), (512, 512, 512))
ROUNDS = 5


def in_turn(*functions):
    """The median seconds of each."""
    loops = [loops_of(function) for function in functions]
    rounds = [[seconds(f, *of) for f, of in zip(functions, loops)] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds)]


def made(shape, dtype):
    numbers = rushlight.tensor(np.random.default_rng(0).standard_normal(shape, np.float32))
    array = numbers.to(getattr(rushlight, dtype))._array
    return array, torch.tensor(numbers.numpy()).to(getattr(torch, dtype))


def asks(function, *arrays, **params):
    return function(*arrays, **params) is not NotImplemented


def unlimited(function):
    """The function without its limits of size; NotImplemented from it means that oneDNN has nothing for the call."""
    limits, none = onednn._LIMITS, {kind: ((0, 0), (0, 0)) for kind in onednn._LIMITS}

    def call(*arrays, **params):
        onednn._LIMITS = none
        try:
            return function(*arrays, **params)
        finally:
            onednn._LIMITS = limits

    return call


def own(op, arrays, params):
    """The operation without the library."""
    onednn.enabled = False
    try:
        return op.compute(arrays, params)
    finally:
        onednn.enabled = True


def compared(name, op, function, theirs, *arrays, **params):
    ask = asks(function, *arrays, **params)
    function = unlimited(function)
    calls = [lambda: own(op, arrays, params), theirs]
    if asks(function, *arrays, **params):
        calls.append(lambda: function(*arrays, **params))
    times = [f"{1e6 * t:10.0f}" for t in in_turn(*calls)]
    print(
        f"{name:48}{times[0]}{times[2] if len(times) > 2 else '-':>10}{times[1]}  {'asked' if ask else ''}", flush=True
    )


def convolutions(dtype, wanted):
    for shape in CONVOLUTIONS:
        convolution(dtype, wanted, *shape)


def convolution(dtype, wanted, n, c, side, o, k, s, groups):
    p = k // 2
    (x, tx), (w, tw) = made((n, c, side, side), dtype), made((o, c // groups, k, k), dtype)
    options = {"stride": s, "padding": p, "groups": groups}
    y, ty = made(tuple(torch.nn.functional.conv2d(tx, tw, **options).shape), dtype)
    params = {"stride": (s, s), "padding": (p, p), "dilation": (1, 1), "groups": groups}

    def back(*needs):
        return torch.ops.aten.convolution_backward(
            ty, tx, tw, None, [s, s], [p, p], [1, 1], False, [0, 0], groups, (*needs, False)
        )

    works = (
        ("convolution", conv.convolution, (x, w, None), {"size": None},
         lambda: torch.nn.functional.conv2d(tx, tw, **options)),
        ("input", conv.convolution_transpose, (y, w, None), {"size": (side, side)}, lambda: back(True, False)),
        ("weight", conv.convolution_weight, (x, y), {"kernel": (k, k)}, lambda: back(False, True)),
    )  # fmt: skip
    for kind, op, arrays, more, theirs in works:
        name = f"{kind} {dtype} {x.shape} {w.shape} / {s}"
        if wanted(name):
            compared(name, op, getattr(onednn, op.name), theirs, *arrays, **params, **more)


def products(dtype, wanted):
    for n, k, m in PRODUCTS:
        name = f"product {dtype} {(n, k)} {(k, m)}"
        if wanted(name):
            (a, ta), (b, tb) = made((n, k), dtype), made((k, m), dtype)
            compared(name, matrix.mm, onednn.product, lambda ta=ta, tb=tb: ta @ tb, a, b)


def main(words):
    if not onednn.is_available():
        sys.exit("oneDNN is not there: pip install onednn-cpu-gomp")
    torch.set_num_threads(rushlight.get_num_threads())
    print(f"{rushlight.get_num_threads()} threads")
    print(f"{'microseconds':48}{'ours':>10}{'oneDNN':>10}{'PyTorch':>10}")

    def wanted(name):
        return not words or any(name.startswith(word) for word in words)

    for dtype in ("float32", "bfloat16"):
        convolutions(dtype, wanted)
    for dtype in ("bfloat16", "float16"):
        products(dtype, wanted)


if __name__ == "__main__":
    main(sys.argv[1:])
