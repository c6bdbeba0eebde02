"""Averages of parameters: by hand and beside PyTorch, with buffers, batch norms and their statistics."""

import copy
import itertools

import numpy as np
import pytest

import rushlight as rl
from beside import attempt, collect, outcome
from rushlight import nn
from rushlight.optim import swa_utils


def weights_of(model):
    return [p.tolist() for p in model.parameters()]


def scalar_model(value=0.0):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


AVERAGES = {
    "equal": ({}, [8, 4, 4, 6]),
    "equal by name": ({"avg_fn": swa_utils.get_swa_avg_fn()}, [8, 4, 4, 6]),
    "equal, lists": ({"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}, [8, 4, 4, 6]),
    "exponential": ({"avg_fn": swa_utils.get_ema_avg_fn(0.75)}, [8, 6, 5.5, 7.125]),
    "exponential, lists": ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.75)}, [8, 6, 5.5, 7.125]),
    "own": ({"avg_fn": lambda averaged, current, count: averaged + current * count}, [8, 8, 16, 52]),
}


@pytest.mark.parametrize(("options", "wanted"), AVERAGES.values(), ids=AVERAGES)
def test_averages_by_hand(options, wanted):
    averaged, told = swa_utils.AveragedModel(scalar_model(), **options), []
    for value in (8.0, 0.0, 4.0, 12.0):
        averaged.update_parameters(scalar_model(value))
        told.append(averaged.module.weight.item())
    assert told == pytest.approx(wanted)
    assert averaged.n_averaged == 4 and averaged.n_averaged.dtype == rl.int64


def test_the_model_is_copied():
    model = scalar_model(2.0)
    averaged = swa_utils.AveragedModel(model)
    averaged.update_parameters(scalar_model(4.0))
    assert model.weight.item() == 2
    assert averaged.module.weight.requires_grad and averaged.module.weight.is_leaf
    assert averaged(rl.ones(1)).item() == 4
    assert averaged(input=rl.ones(1)).item() == 4


def test_updates_are_no_history():
    model = scalar_model(2.0)
    averaged = swa_utils.AveragedModel(model, avg_fn=lambda averaged, current, count: averaged + current)
    averaged.update_parameters(model)
    averaged.update_parameters(model)
    assert averaged.module.weight.grad_fn is None


def test_a_state_goes_on():
    averaged = swa_utils.AveragedModel(scalar_model())
    averaged.update_parameters(scalar_model(8.0))
    again = swa_utils.AveragedModel(scalar_model())
    again.load_state_dict(averaged.state_dict())
    again.update_parameters(scalar_model(4.0))
    assert again.module.weight.item() == 6
    assert list(again.state_dict()) == ["n_averaged", "module.weight"]
    assert copy.deepcopy(again).n_averaged == 2


def test_buffers():
    model = nn.BatchNorm1d(1)
    plain, own = swa_utils.AveragedModel(model), swa_utils.AveragedModel(model, use_buffers=True)
    for value in (4.0, 2.0):
        model.running_mean.fill_(value)
        model.num_batches_tracked.add_(2)
        plain.update_parameters(model)
        own.update_parameters(model)
    assert (plain.module.running_mean, plain.module.num_batches_tracked) == (2, 4)
    assert (own.module.running_mean, own.module.num_batches_tracked) == (3, 3)


def test_lists_of_several_dtypes():
    for make, wanted in ((swa_utils.get_swa_multi_avg_fn, 3), (lambda: swa_utils.get_ema_multi_avg_fn(0.75), 3)):
        averaged = [rl.tensor(4.0), rl.tensor(4), rl.tensor(4.0, dtype=rl.float64), rl.tensor(4 + 0j)]
        make()(averaged, [rl.zeros_like(t) for t in averaged], 3)
        assert [t.item() for t in averaged] == [wanted] * 4
        assert [t.dtype for t in averaged] == [rl.float32, rl.int64, rl.float64, rl.complex64]


def test_both_functions_are_refused():
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        swa_utils.AveragedModel(scalar_model(), avg_fn=min, multi_avg_fn=min)


@pytest.mark.parametrize("decay", [1.5, -0.1])
def test_decays(decay):
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match=rf"Invalid decay value {decay} provided\."):
            make(decay)


# -- batch norms
def batches():
    return [rl.tensor([[1.0], [3.0]]), rl.tensor([[5.0], [7.0]])]


@pytest.mark.parametrize("training", [True, False])
def test_statistics_are_those_of_all_batches(training):
    model = nn.Sequential(nn.BatchNorm1d(1, momentum=0.3)).train(training)
    model[0].running_mean.fill_(99.0)
    swa_utils.update_bn(batches(), model)
    assert (model[0].running_mean, model[0].running_var, model[0].num_batches_tracked) == (4, 2, 2)
    assert (model.training, model[0].training, model[0].momentum) == (training, training, 0.3)


def test_inputs_come_first():
    model = nn.BatchNorm1d(1)
    swa_utils.update_bn([(batch, "label") for batch in batches()], model, device="cpu")
    assert model.running_mean == 4


def test_a_model_without_batch_norm_is_not_run():
    swa_utils.update_bn(itertools.repeat("endless"), nn.Linear(1, 1))


def test_a_batch_that_raises_leaves_the_modes():
    model = nn.BatchNorm1d(1).eval()
    with pytest.raises(ValueError):
        swa_utils.update_bn([rl.ones(2)], model)
    assert (model.training, model.momentum) == (False, 0.1)


# -- SWALR
def test_annealing_goes_on_from_where_the_rate_is():
    optimizer = rl.optim.SGD([rl.ones(2)], lr=1.0)
    before = rl.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    after = swa_utils.SWALR(optimizer, swa_lr=0.1, anneal_epochs=2, anneal_strategy="linear")
    told = []
    for epoch in range(4):
        optimizer.step()
        (before if epoch < 1 else after).step()
        told.append(optimizer.param_groups[0]["lr"])
    assert told == pytest.approx([0.5, 0.3, 0.1, 0.1])


def test_refused_strategies_are_not_loaded():
    scheduler = swa_utils.SWALR(rl.optim.SGD([rl.ones(2)], lr=1.0), 0.1)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear', instead got no"):
        scheduler.load_state_dict({"anneal_epochs": 3, "_anneal_strategy": "no"})
    assert scheduler.state_dict() == before


# -- beside PyTorch
PROGRAMS = []
program = collect(PROGRAMS)
NUMBERS = np.random.default_rng(0).standard_normal((4, 6, 2)).astype(np.float32)


def net(m, momentum=0.1):
    model = m.nn.Sequential(m.nn.Linear(2, 3), m.nn.BatchNorm1d(3, momentum=momentum), m.nn.Linear(3, 1))
    with m.no_grad():
        for p in model.parameters():
            p.copy_(m.arange(1.0, p.numel() + 1).reshape(p.shape) / 4)
    return model


def moved(make, use_buffers):
    """A program that averages a model which moves, by functions that `make(m)` gives."""

    def run(m):
        model, told = net(m), []
        averaged = m.optim.swa_utils.AveragedModel(model, use_buffers=use_buffers, **make(m.optim.swa_utils))
        for i, batch in enumerate(NUMBERS):
            model(m.from_numpy(batch)).sum().backward()
            with m.no_grad():
                for p in model.parameters():
                    p.add_(p.grad, alpha=-0.1 * i)
            averaged.update_parameters(model)
            told.append([t.clone() for t in averaged.state_dict().values()])
        return told, list(averaged.state_dict()), str(averaged)

    return run


for use_buffers in (False, True):
    PROGRAMS += [
        moved(make, use_buffers)
        for make in (
            lambda u: {},
            lambda u: {"avg_fn": u.get_swa_avg_fn()},
            lambda u: {"avg_fn": u.get_ema_avg_fn(0.5)},
            lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn()},
            lambda u: {"avg_fn": lambda averaged, current, count: 0.25 * averaged + current / count},
        )
    ]
PROGRAMS.append(moved(lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()}, False))


@program
def statistics(m):
    told = []
    for momentum in (0.1, None):
        model = net(m, momentum)
        averaged = m.optim.swa_utils.AveragedModel(model)
        averaged.eval()
        m.optim.swa_utils.update_bn([m.from_numpy(batch) for batch in NUMBERS], averaged)
        told += [averaged.module[1].running_mean, averaged.module[1].running_var, averaged.module[1].momentum]
        told += [averaged.module[1].num_batches_tracked, averaged.training, averaged.module[1].training]
    return told


@program
def refused(m):
    u, optimizer = m.optim.swa_utils, m.optim.SGD([m.ones(2)], lr=0.1)
    return [
        attempt(lambda: u.get_ema_avg_fn(1.5)),
        attempt(lambda: u.get_ema_multi_avg_fn(-1)),
        attempt(lambda: u.AveragedModel(net(m), avg_fn=min, multi_avg_fn=min)),
        attempt(lambda: u.update_bn([()], net(m))),
        attempt(lambda: u.SWALR(optimizer, 0.1, anneal_epochs=-1)),
        attempt(lambda: u.SWALR(optimizer, 0.1, anneal_epochs=1.5)),
        attempt(lambda: u.SWALR(optimizer, 0.1, anneal_strategy="no")),
        attempt(lambda: u.SWALR(optimizer, [0.1, 0.2])),
        attempt(lambda: u.SWALR(optimizer, 0.1, last_epoch=3)),
        attempt(lambda: u.SWALR(3, 0.1)),
    ]


@pytest.mark.parity
@pytest.mark.parametrize("run", PROGRAMS, ids=lambda p: p.__name__)
def test_programs(run):
    torch = pytest.importorskip("torch")
    __import__("torch.optim.swa_utils")
    assert outcome(rl, run) == outcome(torch, run)


@pytest.mark.parity
def test_names():
    torch = pytest.importorskip("torch")
    assert sorted(swa_utils.__all__) == sorted(torch.optim.swa_utils.__all__)
