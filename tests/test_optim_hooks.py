"""Hooks around the steps of all optimizers, and what holds an optimizer whose steps are watched."""

import copy

import pytest

import rushlight as rl
from rushlight.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook


def sgd():
    return rl.optim.SGD([rl.ones(2)], lr=0.1)


def test_hooks_of_all_optimizers_come_around_their_own():
    calls, before = [], sgd()
    with (
        register_optimizer_step_pre_hook(lambda *_: calls.append("all before")),
        register_optimizer_step_post_hook(lambda *_: calls.append("all behind")),
    ):
        before.register_step_post_hook(lambda *_: calls.append("own behind"))
        before.register_step_pre_hook(lambda *_: calls.append("own before"))
        before.step()
        assert calls == ["all before", "own before", "own behind", "all behind"]
        calls.clear()
        for later in (sgd(), copy.deepcopy(before)):
            later.step()
        assert calls == ["all before", "all behind"] * 2
    calls.clear()
    before.step()
    assert calls == ["own before", "own behind"]


def test_they_may_give_other_arguments():
    def double(optimizer, args, kwargs):
        return (lambda: 2 * args[0](),), kwargs

    optimizer = sgd()
    with register_optimizer_step_pre_hook(double):
        assert optimizer.step(lambda: 3.0) == 6
    with (
        register_optimizer_step_pre_hook(lambda *_: 3),
        pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"),
    ):
        optimizer.step()


def test_a_step_holds_its_optimizer():
    calls = []

    def made():
        optimizer = sgd()
        optimizer.register_step_post_hook(lambda *_: calls.append(1))
        return optimizer

    made().step()
    step = made().step
    step()
    assert calls == [1, 1]


@pytest.mark.parity
def test_names():
    torch = pytest.importorskip("torch")
    from importlib import import_module

    theirs = import_module(f"{torch.__name__}.optim.optimizer").__all__
    assert not [name for name in theirs if not hasattr(import_module("rushlight.optim.optimizer"), name)]
