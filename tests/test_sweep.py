"""The sweep leaves no operation out, and each of its rows runs."""

import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pytest

import rushlight
from benches import module_of
from rushlight import ops
from rushlight.ops.declare import REGISTRY

for _module in iter_modules(ops.__path__):
    import_module(f"{ops.__name__}.{_module.name}")

ROOT = Path(__file__).parent.parent
SIZE = 256
# Operations that no row times, and why.
UNTIMED = {
    "conj_gradient": "the engine turns complex gradients over with it: every complex row with a gradient has it",
    "shift": "a step of the gradients of scans, within their rows",
    "unpad": "the adjoint of padding, within its gradient",
    "pad_by": "pads as a parameter says; the same loops as constant_pad_nd",
    "zeta_slope": "a derivative that PyTorch does not have",
    "igamma_slope": "a derivative that PyTorch does not have",
    "airy_slope": "a derivative that PyTorch does not have",
    "clifford": "a derivative that PyTorch does not have",
}

# Operations by the function that is made of them, and has a row.
WITHIN = {
    "avg_pool2d": ("avg_unpool",),
    "cross_entropy": ("cross_entropy_indices", "nll_scatter"),
    "max_pool2d": ("plane_put", "plane_take", "max_pool_values"),
    "conv2d": ("convolution", "convolution_weight"),
    "conv_transpose2d": ("convolution_transpose",),
    "unfold": ("im2col",),
    "fold": ("col2im",),
    "grid_sample": ("grid_sampler",),
    "interpolate": ("resample", "resample_adjoint"),
    "batch_norm": ("native_batch_norm",),
    "group_norm": ("native_group_norm",),
    "layer_norm": ("native_layer_norm",),
    "rms_norm": ("fused_rms_norm",),
    "hermite_polynomial_h": ("polynomial",),
}


sweep = module_of("benchmarks.sweep.__main__")
ROWS = module_of("benchmarks.sweep").ROWS


def timed(row):
    """The operations that a row times: what is before the first space of its name, without the namespace, and `ops`."""
    function = row.name.partition(" ")[0].rpartition(".")[2]
    return {function, function.removesuffix("_"), *row.ops, *WITHIN.get(function, ())}


def test_every_operation_is_timed():
    covered = set().union(*map(timed, ROWS))
    assert sorted(set(REGISTRY) - covered - set(UNTIMED)) == []


def test_what_is_left_out_exists_and_is_not_timed():
    covered = set().union(*map(timed, ROWS))
    assert sorted(name for name in UNTIMED if name not in REGISTRY or name in covered) == []


def faults(rows, *modules):
    """What the rows raise at a small size, forward and with a gradient."""
    found = []
    for row in rows:
        random = np.random.default_rng(0)
        inputs = [make(SIZE, random) for make in row.inputs]
        for what in (sweep.forward, sweep.gradient) if row.grad else (sweep.forward,):
            for m in modules:
                try:
                    run = what(row, m, inputs, "float32")
                    if run is not None:
                        run()
                except Exception as error:
                    found.append(f"{row.name}, {what.__name__} in {m.__name__}: {type(error).__name__}: {error}")
    return found


def test_a_row_that_raises_is_found():
    broken = [sweep.ROWS[0].__class__("nothing of that name")]
    assert len(faults(broken, rushlight)) == 2


def test_rows_run():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert faults(ROWS, rushlight) == []


@pytest.mark.parity
def test_rows_run_in_both():
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert faults(ROWS, torch) == []
