"""An interrupt at any moment leaves the modes as they were: gradients are not off for ever because Ctrl-C came in no_grad."""

import copy
import pickle
import random
import signal
import time

import pytest

import rushlight as rl
from rushlight import autograd, modes, nn, optim
from rushlight.optim.swa_utils import AveragedModel

from .beneath import Failure, Same, leaf, posix


def no_grad_blocks():
    with rl.no_grad():
        pass


def inference_blocks():
    with rl.inference_mode():
        pass


@rl.no_grad()
def decorated():
    pass


@autograd.function.once_differentiable
def once(ctx, *grads):
    return grads


def functions():
    Same.apply(X)


X = leaf(1.0)
OPTIMIZER = optim.SGD([X], lr=0.1)
MODEL = nn.Linear(1, 1)
AVERAGE = AveragedModel(MODEL)
WORKS = {
    "no_grad": no_grad_blocks,
    "inference_mode": inference_blocks,
    "decorated": decorated,
    "once_differentiable": lambda: once(None, X),
    "Function": functions,
    "closure": lambda: OPTIMIZER.step(lambda: None),
    "averages": lambda: AVERAGE.update_parameters(MODEL),
}


@posix
@pytest.mark.parametrize("name", WORKS)
def test_an_interrupt_leaves_the_modes_as_they_were(compiled, name):
    if not compiled:
        pytest.skip("methods of Python's own can be interrupted before a block begins")
    work, pick, came = WORKS[name], random.Random(5), 0

    def ring(*_):
        nonlocal came
        came += 1
        raise Failure

    before, flags = signal.signal(signal.SIGALRM, ring), modes.flags()
    until = time.perf_counter() + 0.4
    try:
        while time.perf_counter() < until:
            try:
                signal.setitimer(signal.ITIMER_REAL, pick.uniform(1e-6, 1e-4))
                while True:
                    work()
            except Failure:
                pass
            assert modes.flags() == flags
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert came > 20


def test_modes_are_copied_and_pickled():
    for mode in (rl.no_grad(), rl.enable_grad(), rl.inference_mode(False)):
        for other in (copy.deepcopy(mode), pickle.loads(pickle.dumps(mode)), mode.clone()):
            assert type(other) is type(mode)
            with other:
                assert rl.is_grad_enabled() == (not isinstance(mode, rl.no_grad))
            assert rl.is_grad_enabled()


@posix
def test_an_interrupted_function_leaves_forward_derivatives_as_they_were(compiled):
    test_an_interrupt_leaves_the_modes_as_they_were(compiled, "Function")
    with autograd.forward_ad.dual_level():
        dual = autograd.forward_ad.make_dual(rl.tensor(2.0), rl.tensor(1.0))
        assert autograd.forward_ad.unpack_dual(dual * dual).tangent.item() == 4.0
