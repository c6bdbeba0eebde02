"""set_flush_denormal: denormal numbers as zero, in all threads of a loop, until it is taken back."""

import platform
import threading

import numpy as np
import pytest

import rushlight as rl
from rushlight import kernels

CAN = kernels.load("parallel") is not None and platform.machine() in ("x86_64", "aarch64")
pytestmark = pytest.mark.skipif(not CAN, reason="the kernels are not compiled, or not for this processor")

SMALL = {rl.float32: 2e-38, rl.float64: 1e-308}


@pytest.fixture
def flushed():
    assert rl.set_flush_denormal(True) is True
    yield
    assert rl.set_flush_denormal(False) is True


@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("n", [1, 1_000_000])
def test_results_and_operands_are_zero(flushed, dtype, n):
    x = rl.full((n,), SMALL[dtype], dtype=dtype)
    below = x * 0.1
    assert (below == 0).all()
    rl.set_flush_denormal(False)
    below = x * 0.1
    assert (below > 0).all()
    rl.set_flush_denormal(True)
    assert (below * 1e10 == 0).all()


def test_all_threads_of_a_loop_follow_their_caller():
    before, n = rl.get_num_threads(), 4_000_000
    x = rl.full((n,), 2e-38)
    rl.set_num_threads(4)
    try:
        (x * 2).sum()
        for flush in (True, False, True, False):
            rl.set_flush_denormal(flush)
            assert ((x * 0.1) == 0).sum() == (n if flush else 0)
    finally:
        rl.set_flush_denormal(False)
        rl.set_num_threads(before)


def test_a_thread_has_the_mode_of_its_own():
    found = []
    go = threading.Event()

    def work():
        go.wait(10)
        found.append(float((rl.full((4,), 2e-38) * 0.1)[0]))

    thread = threading.Thread(target=work)
    thread.start()
    rl.set_flush_denormal(True)
    try:
        go.set()
        thread.join()
        later = threading.Thread(target=work)
        later.start()
        later.join()
    finally:
        rl.set_flush_denormal(False)
    assert found[0] == float(np.float32(2e-38) * np.float32(0.1))
    assert found[1] == 0


def test_gradients_follow_it(flushed):
    x = rl.full((4,), 2e-38, requires_grad=True)
    (x * 0.1).sum().backward(rl.tensor(2e-38))
    assert (x.grad == 0).all()


@pytest.mark.parametrize("mode", [1, "yes", None])
def test_only_bools(mode):
    with pytest.raises(RuntimeError, match=f"flush_denormal expects a bool, but got {type(mode).__name__}"):
        rl.set_flush_denormal(mode)
