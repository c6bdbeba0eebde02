"""Schedulers by hand: rates of each, states, order of steps, copies, what is freed and what stays as it was."""

import copy
import gc
import pickle
import subprocess
import sys
import warnings
import weakref

import pytest

import rushlight as rl
from rushlight.optim import lr_scheduler as schedulers
from rushlight.optim.swa_utils import SWALR


def sgd(lr=1.0, **options):
    return rl.optim.SGD([rl.ones(2)], lr=lr, **options)


def rates(scheduler, epochs):
    """The rates of the first epochs of an optimizer of one group."""
    told = []
    for _ in range(epochs):
        told.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return pytest.approx(told)


def tenth(epoch):
    return 0.1**epoch


def three_quarters(epoch):
    return 0.75


CASES = [
    (schedulers.LambdaLR, {"lr_lambda": tenth}, [1, 0.1, 0.01]),
    (schedulers.MultiplicativeLR, {"lr_lambda": three_quarters}, [1, 0.75, 0.5625]),
    (schedulers.StepLR, {"step_size": 2, "gamma": 0.5}, [1, 1, 0.5, 0.5, 0.25]),
    (schedulers.MultiStepLR, {"milestones": [1, 3, 3], "gamma": 0.5}, [1, 0.5, 0.5, 0.125, 0.125]),
    (schedulers.ConstantLR, {"factor": 0.5, "total_iters": 2}, [0.5, 0.5, 1, 1]),
    (schedulers.LinearLR, {"start_factor": 0.25, "total_iters": 3}, [0.25, 0.5, 0.75, 1, 1]),
    (schedulers.ExponentialLR, {"gamma": 0.5}, [1, 0.5, 0.25]),
    (schedulers.PolynomialLR, {"total_iters": 4, "power": 2}, [1, 0.5625, 0.25, 0.0625, 0, 0]),
    (schedulers.CosineAnnealingLR, {"T_max": 2, "eta_min": 0.5}, [1, 0.75, 0.5, 0.75, 1, 0.75]),
    (schedulers.CosineAnnealingWarmRestarts, {"T_0": 2, "T_mult": 2}, [1, 0.5, 1, 0.8535534, 0.5, 0.1464466, 1]),
    (schedulers.CyclicLR, {"base_lr": 0.25, "max_lr": 0.75, "step_size_up": 2}, [0.25, 0.5, 0.75, 0.5, 0.25, 0.5]),
    (
        schedulers.OneCycleLR,
        {"max_lr": 1.0, "total_steps": 6, "pct_start": 0.5, "anneal_strategy": "linear", "div_factor": 10.0},
        [0.1, 0.55, 1, 0.66667, 0.33334, 1e-5],
    ),
    (SWALR, {"swa_lr": 0.5, "anneal_epochs": 2, "anneal_strategy": "linear"}, [1, 0.75, 0.5, 0.5]),
]
each = pytest.mark.parametrize(("kind", "options", "wanted"), CASES, ids=[kind.__name__ for kind, *_ in CASES])


@each
def test_rates_by_hand(kind, options, wanted):
    optimizer = sgd(momentum=0.9)
    scheduler = kind(optimizer, **options)
    if kind is schedulers.OneCycleLR:
        scheduler.step, step = lambda: scheduler.last_epoch < 5 and step(), scheduler.step
    assert rates(scheduler, len(wanted)) == wanted


def test_plateau_by_hand():
    optimizer = sgd()
    scheduler = schedulers.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1, min_lr=0.3)
    told = []
    for loss in (3, 2, 2, 2, 2, 2, 2, 2, 1):
        scheduler.step(loss)
        told.append((optimizer.param_groups[0]["lr"], scheduler.num_bad_epochs, scheduler.in_cooldown))
    assert told == [
        (1, 0, False), (1, 0, False), (1, 1, False), (0.5, 0, True), (0.5, 0, False), (0.5, 1, False),
        (0.3, 0, True), (0.3, 0, False), (0.3, 0, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "measure", "better"),
    [("min", "rel", 0.89, True), ("min", "rel", 0.91, False), ("max", "rel", 1.11, True), ("max", "rel", 1.09, False),
     ("min", "abs", 0.89, True), ("min", "abs", 0.91, False), ("max", "abs", 1.11, True), ("max", "abs", 1.09, False)],
)  # fmt: skip
def test_what_improves(mode, threshold_mode, measure, better):
    scheduler = schedulers.ReduceLROnPlateau(sgd(), mode, threshold=0.1, threshold_mode=threshold_mode)
    scheduler.step(1.0)
    scheduler.step(rl.tensor(measure))
    assert (scheduler.num_bad_epochs == 0) == better


def test_momentum_goes_the_other_way():
    for kind, options in ((rl.optim.SGD, {"momentum": 0.9}), (rl.optim.Adam, {})):
        optimizer = kind([rl.ones(2)], lr=1.0, **options)
        scheduler = schedulers.CyclicLR(optimizer, 0.25, 0.75, 2, base_momentum=0.5, max_momentum=0.9)
        told = []
        for _ in range(4):
            group = optimizer.param_groups[0]
            told.append(group["momentum"] if options else group["betas"][0])
            optimizer.step()
            scheduler.step()
        assert told == pytest.approx([0.9, 0.7, 0.5, 0.7])
        assert options or group["betas"][1] == 0.999


def test_a_sequence_and_a_chain():
    optimizer = sgd()
    first, second = schedulers.ConstantLR(optimizer, 0.1, 5), schedulers.ExponentialLR(optimizer, 0.5)
    assert rates(schedulers.SequentialLR(optimizer, [first, second], [2]), 5) == [0.1, 0.1, 1, 0.5, 0.25]
    optimizer = sgd()
    parts = [schedulers.ConstantLR(optimizer, 0.5, 2), schedulers.ExponentialLR(optimizer, 0.5)]
    assert rates(schedulers.ChainedScheduler(parts), 4) == [0.5, 0.25, 0.25, 0.125]


def test_sequences_and_chains_begin_anew_when_their_turn_comes():
    optimizer = sgd()
    first = schedulers.ConstantLR(optimizer, 0.1, 9)
    inner = schedulers.SequentialLR(
        optimizer, [schedulers.StepLR(optimizer, 1, 0.5), schedulers.ExponentialLR(optimizer, 0.25)], [2]
    )
    outer = schedulers.SequentialLR(optimizer, [first, inner], [2])
    assert rates(outer, 7) == [0.1, 0.1, 1, 0.5, 1, 0.25, 0.0625]
    optimizer = sgd()
    first = schedulers.ConstantLR(optimizer, 0.1, 9)
    parts = [schedulers.ConstantLR(optimizer, 0.5, 2), schedulers.ExponentialLR(optimizer, 0.5)]
    outer = schedulers.SequentialLR(optimizer, [first, schedulers.ChainedScheduler(parts)], [2])
    assert rates(outer, 6) == [0.1, 0.1, 0.5, 0.25, 0.25, 0.125]


def test_restarts_are_found_for_any_epoch():
    # 1 + 3 + 9 + ...: log() of these numbers is not exact.
    scheduler = schedulers.CosineAnnealingWarmRestarts(sgd(), T_0=1, T_mult=3)
    for rounds in range(1, 12):
        scheduler.step((3**rounds - 1) // 2)
        assert (scheduler.T_cur, scheduler.T_i, scheduler.get_last_lr()) == (0, 3**rounds, [1.0])


def test_a_rate_that_is_a_tensor_is_written():
    rate = rl.tensor(1.0)
    optimizer = sgd(rate)
    scheduler = schedulers.StepLR(optimizer, 1, 0.5)
    last = scheduler.get_last_lr()[0]
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate and rate == 0.5
    assert (last, scheduler.base_lrs, optimizer.param_groups[0]["initial_lr"]) == (1, [1], 1)


# -- states
@each
def test_a_state_goes_on(kind, options, wanted):
    optimizer = sgd(momentum=0.9)
    scheduler = kind(optimizer, **options)
    optimizer.step()
    scheduler.step()
    saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    optimizer.step()
    scheduler.step()
    other = sgd(momentum=0.9)
    again = kind(other, **options)
    other.load_state_dict(saved[0])
    again.load_state_dict(saved[1])
    assert "optimizer" not in saved[1]
    other.step()
    again.step()
    assert again.get_last_lr() == scheduler.get_last_lr()
    assert again.state_dict() == scheduler.state_dict()
    assert {**other.param_groups[0], "params": 0} == {**optimizer.param_groups[0], "params": 0}


def test_composed_states_go_on():
    def make():
        optimizer = sgd()
        parts = [schedulers.LinearLR(optimizer, 0.5), schedulers.ExponentialLR(optimizer, 0.5)]
        return schedulers.SequentialLR(optimizer, parts, [3])

    scheduler, again = make(), make()
    rates(scheduler, 4)
    saved = scheduler.state_dict()
    kept = copy.deepcopy(saved)
    again.load_state_dict(saved)
    again.optimizer.load_state_dict(scheduler.optimizer.state_dict())
    assert saved == kept
    assert rates(again, 3) == [0.5, 0.25, 0.125]


def test_loading_leaves_the_state_as_it_was():
    class Root:
        def __init__(self, k):
            self.k = k

        def __call__(self, epoch):
            return self.k / (self.k + epoch)

    optimizer = sgd(momentum=0.9)
    for make in (
        lambda function: schedulers.LambdaLR(optimizer, function),
        lambda function: schedulers.CyclicLR(optimizer, 0.1, 1, scale_fn=function),
    ):
        saved, function = make(Root(3)).state_dict(), Root(7)
        kept = copy.deepcopy(saved)
        make(function).load_state_dict(saved)
        assert saved == kept
        assert function.k == 3


@each
def test_copies_and_pickles(kind, options, wanted):
    scheduler = kind(sgd(momentum=0.9), **options)
    for again in (copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))):
        assert type(again) is kind and again.optimizer is not scheduler.optimizer
        assert again.state_dict() == scheduler.state_dict()
        # Nothing is known of the copy's optimizer: no warning.
        again.step()
        assert again.get_last_lr() == pytest.approx(wanted[1:2])
        assert scheduler.get_last_lr() == pytest.approx(wanted[:1])


@each
def test_nothing_is_left_in_cycles(kind, options, wanted):
    gc.disable()
    try:
        optimizer = sgd(momentum=0.9)
        scheduler = kind(optimizer, **options)
        optimizer.step()
        scheduler.step()
        left = [weakref.ref(scheduler), weakref.ref(optimizer)]
        del scheduler
        assert left[0]() is None
        del optimizer
        assert left[1]() is None
    finally:
        gc.enable()


# -- order, warnings, errors
def test_the_warning_shows_the_line_and_the_remedy():
    scheduler = schedulers.StepLR(sgd(), 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scheduler.step()
        scheduler.step()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    lines = str(caught[0].message).splitlines()
    assert lines[0].startswith("Detected call of `lr_scheduler.step()` before `optimizer.step()`. ")
    assert lines[1].startswith("RL430: ")


def test_the_warning_of_a_composed_one_shows_the_line():
    optimizer = sgd()
    scheduler = schedulers.ChainedScheduler([schedulers.StepLR(optimizer, 1)])
    with pytest.warns(UserWarning, match="Detected call") as caught:
        scheduler.step()
    assert caught[0].filename == __file__


def test_no_warning_in_the_right_order():
    optimizer = sgd()
    first = schedulers.StepLR(optimizer, 1)
    optimizer.step()
    first.step()
    schedulers.StepLR(optimizer, 1).step()


def test_steps_are_seen_whatever_else_watches_them():
    optimizer, calls = sgd(), []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    scheduler = schedulers.StepLR(optimizer, 1)
    optimizer.register_step_post_hook(lambda *_: calls.append("behind"))
    schedulers.ExponentialLR(optimizer, 1.0)
    optimizer.step()
    scheduler.step()
    assert calls == ["before", "behind"]


def test_a_step_in_the_place_of_the_watched_one_is_told_of():
    optimizer = sgd()
    scheduler = schedulers.StepLR(optimizer, 1)
    own = optimizer.step
    optimizer.step = lambda: own()
    optimizer.step()
    with pytest.warns(UserWarning, match="has been overridden after learning rate scheduler initialization"):
        scheduler.step()
    # What the next scheduler finds there is taken as it is.
    schedulers.StepLR(optimizer, 1).step()


def test_a_lint_that_ends_leaves_no_false_alarm():
    x = rl.ones(2, requires_grad=True)
    optimizer = rl.optim.SGD([x], lr=0.1)
    with rl.lint(None, optimizer):
        scheduler = schedulers.StepLR(optimizer, 1)
        x.sum().backward()
        optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [pytest.approx(0.01)]


def test_wrong_arguments_change_nothing():
    optimizer = sgd(momentum=0.9)
    before = dict(optimizer.param_groups[0])
    for kind, args, options in (
        (schedulers.CyclicLR, (0.1, 0.2), {"mode": "no"}),
        (schedulers.CyclicLR, (0.1, 0.2), {"max_momentum": [0.1, 0.2]}),
        (schedulers.OneCycleLR, (0.1, 9), {"max_momentum": [0.1, 0.2]}),
        (SWALR, (0.1,), {"anneal_strategy": "no"}),
        (schedulers.ConstantLR, (2.0,), {}),
    ):
        with pytest.raises(ValueError):
            kind(optimizer, *args, **options)
    with pytest.raises(KeyError, match="initial_lr") as raised:
        schedulers.StepLR(optimizer, 1, last_epoch=3)
    assert raised.value.code == "RL431"
    assert optimizer.param_groups[0] == before


def test_a_function_that_raises_changes_no_rate():
    optimizer = sgd()
    scheduler = schedulers.LambdaLR(optimizer, lambda epoch: 1 / (1 - epoch))
    optimizer.step()
    with pytest.raises(ZeroDivisionError):
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 1
    assert not scheduler._get_lr_called_within_step


def test_groups_that_came_later_change_nothing():
    optimizer = sgd()
    scheduler = schedulers.LambdaLR(optimizer, tenth)
    optimizer.add_param_group({"params": [rl.ones(1)]})
    optimizer.step()
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == [1, 1]


def test_past_the_end_of_one_cycle():
    optimizer = sgd(momentum=0.9)
    scheduler = schedulers.OneCycleLR(optimizer, 0.1, total_steps=2)
    for _ in range(2):
        optimizer.step()
        scheduler.step()
    last = dict(optimizer.param_groups[0])
    with pytest.raises(ValueError, match=r"Tried to step 3 times\. The specified number of total steps is 2") as raised:
        scheduler.step()
    assert raised.value.code == "RL432"
    assert optimizer.param_groups[0] == last


def test_refused_modes_are_not_loaded():
    scheduler = schedulers.ReduceLROnPlateau(sgd())
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match="mode no is unknown!"):
        scheduler.load_state_dict({"patience": 3, "mode": "no"})
    assert scheduler.state_dict() == before


def test_schedulers_are_imported_when_named():
    program = (
        "import sys, rushlight.optim as o; a = 'rushlight.optim.lr_scheduler' in sys.modules; "
        "b = o.lr_scheduler.StepLR, o.swa_utils.SWALR; print(a, 'lr_scheduler' in dir(o), len(b))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "2"]
