"""Schedulers beside PyTorch: rates and momenta of 30 epochs, states and their exchange, errors and warnings."""

import copy
import warnings

import numpy as np
import pytest

import rushlight as rl
from beside import attempt, collect, outcome

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

METRICS = [1.0, 0.9, 0.95, 0.8, 0.8, 0.8, 0.85, 0.7, 0.7, 0.7, 0.7, 0.69, 0.69, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.4] * 2


class Root:
    """A callable object, whose attributes go into states."""

    def __init__(self, k=3.0):
        self.k = k

    def __call__(self, epoch):
        return self.k / (self.k + epoch)


def half(epoch):
    return 0.5**epoch


def composed(name, *parts, milestones=None):
    """A function that makes a composed scheduler of (name, options) of its parts, or of further such functions."""

    def make(m, optimizer):
        made = [p(m, optimizer) if callable(p) else scheduler(m, optimizer, *p) for p in parts]
        kind = getattr(m.optim.lr_scheduler, name)
        return kind(made) if milestones is None else kind(optimizer, made, milestones=milestones)

    return make


CONSTANT, EXPONENTIAL = ("ConstantLR", {"factor": 0.25, "total_iters": 4}), ("ExponentialLR", {"gamma": 0.9})
LINEAR, COSINE = ("LinearLR", {"start_factor": 0.01}), ("CosineAnnealingLR", {"T_max": 20})
CYCLE = {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}
SCHEDULERS = [
    ("LambdaLR", {"lr_lambda": half}),
    ("LambdaLR", {"lr_lambda": [half, Root()]}),
    ("MultiplicativeLR", {"lr_lambda": Root(50.0)}),
    ("MultiplicativeLR", {"lr_lambda": (Root(50.0), lambda epoch: 0.97)}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 1, "gamma": 1.0}),
    ("MultiStepLR", {"milestones": [2, 5, 9], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": (20, 10, 10, 0)}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 8}),
    ("ConstantLR", {"factor": 1, "total_iters": 0}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.8, "total_iters": 12}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 7}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ExponentialLR", {"gamma": 1.5}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 20, "power": 2.0}),
    ("PolynomialLR", {"total_iters": 9, "power": 0.5}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 30, "eta_min": 1e-3}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.15}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 2, "eta_min": 1e-3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    ("CyclicLR", CYCLE),
    ("CyclicLR", {**CYCLE, "step_size_down": 5, "mode": "triangular2"}),
    ("CyclicLR", {**CYCLE, "step_size_down": 0, "mode": "triangular2"}),
    ("CyclicLR", {**CYCLE, "mode": "exp_range", "gamma": 0.9, "cycle_momentum": False}),
    ("CyclicLR", {**CYCLE, "base_lr": [0.01, 0.02], "max_momentum": [0.95, 0.9]}),
    ("CyclicLR", {**CYCLE, "scale_fn": Root(2.0)}),
    ("CyclicLR", {**CYCLE, "scale_fn": lambda step: 0.9**step, "scale_mode": "iterations"}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 31}),
    ("OneCycleLR", {"max_lr": [0.1, 0.3], "total_steps": 32, "anneal_strategy": "linear", "three_phase": True}),
    ("OneCycleLR", {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 10, "pct_start": 0.2, "cycle_momentum": False}),
    (
        "OneCycleLR",
        {"max_lr": 0.1, "total_steps": 40, "three_phase": True, "div_factor": 2, "base_momentum": [0.7, 0.8]},
    ),
    ("ReduceLROnPlateau", {}),
    ("ReduceLROnPlateau", {"mode": "max", "factor": 0.5, "patience": 1, "cooldown": 2}),
    ("ReduceLROnPlateau", {"patience": 2, "threshold": 0.1, "threshold_mode": "abs", "min_lr": 1e-3}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 0, "threshold_mode": "abs", "min_lr": [1e-3, 0.1], "eps": 1e-3}),
    ("SWALR", {"swa_lr": 0.05}),
    ("SWALR", {"swa_lr": [0.05, 0.4], "anneal_epochs": 7, "anneal_strategy": "linear"}),
    ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}),
    ("warm up", composed("SequentialLR", LINEAR, COSINE, milestones=[5])),
    ("three", composed("SequentialLR", CONSTANT, EXPONENTIAL, ("StepLR", {"step_size": 4}), milestones=[4, 11])),
    ("from the second", composed("SequentialLR", CONSTANT, EXPONENTIAL, milestones=[0])),
    ("restarts", composed("SequentialLR", LINEAR, ("CosineAnnealingWarmRestarts", {"T_0": 4}), milestones=[3])),
    ("no closed form", composed("SequentialLR", LINEAR, ("MultiplicativeLR", {"lr_lambda": half}), milestones=[3])),
    ("cycles", composed("SequentialLR", EXPONENTIAL, ("CyclicLR", CYCLE), milestones=[6])),
    ("chain", composed("ChainedScheduler", CONSTANT, EXPONENTIAL)),
    ("chain of cosine", composed("ChainedScheduler", LINEAR, COSINE, ("StepLR", {"step_size": 9}))),
    (
        "sequence in a chain",
        composed("ChainedScheduler", CONSTANT, composed("SequentialLR", LINEAR, EXPONENTIAL, milestones=[2])),
    ),
]


def label(case):
    name, options = case
    return name if callable(options) else f"{name}-{','.join(options)}"


# Those whose step takes an epoch, and which begin at any.
BY_EPOCH = [(name, options) for name, options in SCHEDULERS if not callable(options) and name != "ReduceLROnPlateau"]
each_scheduler = pytest.mark.parametrize("case", SCHEDULERS, ids=label)


def optimizer_of(m, kind="SGD", lr=0.1, **entries):
    """An optimizer of two groups, whose rates differ."""
    options = {"momentum": 0.9} if kind == "SGD" else {}
    groups = [{"params": [m.ones(2).requires_grad_()], **entries}, {"params": [m.ones(3).requires_grad_()]}]
    groups[1].update({"lr": 0.2, **{key: 2 * value for key, value in entries.items()}})
    return getattr(m.optim, kind)(groups, lr=lr, **options)


def scheduler(m, optimizer, name, options, **more):
    """A scheduler with arguments of its own."""
    if callable(options):
        return options(m, optimizer)
    module = m.optim.swa_utils if name == "SWALR" else m.optim.lr_scheduler
    return getattr(module, name)(optimizer, **copy.deepcopy(options), **more)


def settings(optimizer):
    return [[float(g["lr"]), *map(float, g.get("betas", (g.get("momentum"),)))] for g in optimizer.param_groups]


def run(optimizer, scheduler, start=0, stop=30):
    """Rates and momenta of each epoch."""
    told = []
    for epoch in range(start, stop):
        optimizer.step()
        if isinstance(scheduler, (rl.optim.lr_scheduler.ReduceLROnPlateau, torch.optim.lr_scheduler.ReduceLROnPlateau)):
            scheduler.step(METRICS[epoch])
        else:
            scheduler.step()
        told.append(settings(optimizer))
        assert [g[0] for g in told[-1]] == [float(lr) for lr in scheduler.get_last_lr()]
    return told


def near(found, wanted, rtol=1e-12):
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-17)


def same_state(found, wanted):
    """Equal states, numbers but for rounding."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key, value in wanted.items():
            same_state(found[key], value)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            same_state(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-17)
    else:
        assert type(found) is type(wanted) and found == wanted


def in_order(state):
    """A state with its keys in order."""
    if isinstance(state, list):
        return [in_order(s) for s in state]
    return {key: in_order(state[key]) for key in sorted(state, key=str)} if isinstance(state, dict) else state


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@each_scheduler
def test_rates_and_states(case, kind):
    told = []
    for m in (rl, torch):
        optimizer = optimizer_of(m, kind)
        made = scheduler(m, optimizer, *case)
        told.append(([settings(optimizer), *run(optimizer, made)], in_order(made.state_dict())))
    near(told[0][0], told[1][0])
    same_state(told[0][1], told[1][1])


@pytest.mark.parametrize("there", [rl, torch], ids=["from ours", "from theirs"])
@each_scheduler
def test_states_are_exchanged(case, there):
    here = torch if there is rl else rl
    optimizer = optimizer_of(there)
    made = scheduler(there, optimizer, *case)
    run(optimizer, made, 0, 12)
    saved, groups = copy.deepcopy(made.state_dict()), optimizer.state_dict()["param_groups"]
    wanted = run(optimizer, made, 12, 30)
    optimizer = optimizer_of(here)
    made = scheduler(here, optimizer, *case)
    made.load_state_dict(saved)
    optimizer.load_state_dict({"state": {}, "param_groups": groups})
    near(run(optimizer, made, 12, 30), wanted)


@pytest.mark.parametrize("last_epoch", [0, 1, 4, 5, 9])
@pytest.mark.parametrize("case", BY_EPOCH, ids=label)
def test_going_on_at_an_epoch(case, last_epoch):
    name, options = case
    entries = {"initial_lr": 0.3}
    if name == "OneCycleLR":
        entries.update({"max_lr": 0.3, "min_lr": 0.01, "base_momentum": 0.4, "max_momentum": 0.45})
    told = []
    for m in (rl, torch):
        optimizer = optimizer_of(m, **entries)
        made = scheduler(m, optimizer, name, options, last_epoch=last_epoch)
        told.append([settings(optimizer), *run(optimizer, made, 0, 12)])
    near(*told)


@each_scheduler
def test_rates_that_are_tensors(case):
    told = []
    for m in (rl, torch):
        optimizer = optimizer_of(m, lr=m.tensor(0.1))
        kept = optimizer.param_groups[0]["lr"]
        made = scheduler(m, optimizer, *case)
        told.append([settings(optimizer), *run(optimizer, made)])
        assert optimizer.param_groups[0]["lr"] is kept and made.get_last_lr()[0] is not kept
    np.testing.assert_allclose(*told, rtol=3e-5, atol=1e-8)


@pytest.mark.parametrize("case", BY_EPOCH, ids=label)
def test_epochs_by_name(case):
    name, options = case
    told = []
    for m in (rl, torch):
        optimizer = optimizer_of(m)
        made = scheduler(m, optimizer, name, options)
        optimizer.step()
        told.append([])
        for epoch in (3, 4, None, 0, 11, None, None, 2):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                made.step(epoch)
            said = [str(w.message) for w in caught]
            told[-1].append([*np.ravel(settings(optimizer)), made.last_epoch, made._step_count, len(said)])
            assert all(text.startswith("The epoch parameter in `scheduler.step()`") for text in said)
    near(*told)


def test_fractions_of_epochs():
    told = []
    for m in (rl, torch):
        optimizer = optimizer_of(m)
        made = m.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=3, T_mult=2)
        told.append([])
        for epoch in (0.0, 0.5, 2.9, 3, 4.5, 20, 0, None, None, 8.75):
            made.step(epoch)
            told[-1].append([*np.ravel(settings(optimizer)), made.last_epoch, made.T_cur, made.T_i])
    near(*told)


# -- errors, warnings, and what is around them
PROGRAMS = []
program = collect(PROGRAMS)


def tried(function, *args):
    """What a call returns, or its error as text."""
    return attempt(lambda: function(*args))


def made(name, *args, **options):
    """A program that makes a scheduler and shows its rates."""
    return lambda m: getattr(m.optim.lr_scheduler, name)(optimizer_of(m), *args, **options).get_last_lr()


for kind, choices in {
    "LambdaLR": [([half],), ([half] * 3,), (3,), ((half, Root()),)],
    "MultiplicativeLR": [([half],), ([half] * 3,)],
    "ConstantLR": [(2.0,), (-0.1,), (0,), (1,)],
    "LinearLR": [(2.0, 1.0), (-0.1, 1), (0, 1), (0.5, 1.5), (0.5, -1), (0.5, 0)],
    "MultiStepLR": [(3,)],
    "CosineAnnealingWarmRestarts": [(0,), (-1,), (1.5,), (2, 0), (2, 1.5), (2, 1)],
    "CyclicLR": [([0.1], 0.2), (0.1, [0.1, 0.2, 0.3]), (0.1, 0.2, 0), (0.1, 0.2, 0, 0)],
    "OneCycleLR": [(0.1,), (0.1, 0), (0.1, -1), (0.1, 2.5), (0.1, None, 3), (0.1, None, -1, 3), (0.1, None, 1.5, 3),
                   (0.1, None, 1, 0), (0.1, None, 1, 1.5), ([0.1], 10), (0.1, 10, None, None, -1.0),
                   (0.1, 10, None, None, 1.1), (0.1, 10, None, None, 1), (0.1, 10, None, None, 0.3, "foo")],
    "ReduceLROnPlateau": [("foo",), ("min", 1.0), ("foo", 1.0), ("min", 0.1, 10, 1e-4, "foo")],
}.items():  # fmt: skip
    PROGRAMS += [made(kind, *args) for args in choices]
for kind, choices in {
    "CyclicLR": [{"mode": "foo"}, {"base_momentum": [0.1]}, {"max_momentum": [0.1, 0.2, 0.3]},
                 {"scale_fn": half, "scale_mode": "foo"}, {"scale_fn": half, "mode": "foo"}],
    "OneCycleLR": [{"total_steps": 9, "base_momentum": [0.1]}, {"total_steps": 9, "max_momentum": [0.1, 0.2, 0.3]}],
}.items():  # fmt: skip
    args = (0.1, 0.2) if kind == "CyclicLR" else (0.1,)
    PROGRAMS += [made(kind, *args, **options) for options in choices]
PROGRAMS += [made("ReduceLROnPlateau", min_lr=least) for least in ([1], [1, 2], (1, 2), [1, 2, 3])]
for kind, args in {"StepLR": (2,), "CyclicLR": (0.1, 0.2), "OneCycleLR": (0.1, 9), "CosineAnnealingLR": (3,)}.items():
    PROGRAMS.append(made(kind, *args, last_epoch=3))


@program
def not_an_optimizer(m):
    kinds = {
        "LambdaLR": (half,), "StepLR": (3,), "CyclicLR": (0.1, 1), "OneCycleLR": (0.1, 4), "ReduceLROnPlateau": (),
        "LinearLR": (), "ConstantLR": (), "CosineAnnealingWarmRestarts": (2,), "SequentialLR": ([], []),
    }  # fmt: skip
    return [tried(getattr(m.optim.lr_scheduler, kind), 3, *args) for kind, args in kinds.items()]


@program
def no_momentum(m):
    class Plain(m.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

    schedulers = m.optim.lr_scheduler
    return [
        attempt(lambda: schedulers.CyclicLR(Plain([m.ones(1)]), 0.1, 1)),
        attempt(lambda: schedulers.OneCycleLR(Plain([m.ones(1)]), 0.1, 4)),
        schedulers.CyclicLR(Plain([m.ones(1)]), 0.1, 1, cycle_momentum=False).get_last_lr(),
    ]


@program
def before_the_optimizer(m):
    optimizer = optimizer_of(m)
    made = m.optim.lr_scheduler.StepLR(optimizer, 1)
    made.step()
    made.step()
    return made.get_last_lr()


@program
def before_the_optimizer_by_name(m):
    made = m.optim.lr_scheduler.LambdaLR(optimizer_of(m), half)
    made.step(3)
    return made.get_last_lr()


@program
def before_the_optimizer_composed(m):
    for _, options in SCHEDULERS:
        if callable(options):
            options(m, optimizer_of(m)).step()


@program
def before_the_optimizer_without_a_word(m):
    m.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer_of(m), 2).step()
    m.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(m)).step(1.0)


@program
def a_step_before_the_scheduler_was_made(m):
    optimizer = optimizer_of(m)
    optimizer.step()
    m.optim.lr_scheduler.StepLR(optimizer, 1).step()


@program
def a_second_scheduler_later(m):
    optimizer = optimizer_of(m)
    first = m.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()
    first.step()
    m.optim.lr_scheduler.StepLR(optimizer, 1).step()


@program
def told_that_all_is_well(m):
    optimizer = optimizer_of(m)
    made = m.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer._opt_called = True
    made.step()


@program
def another_step_put_in_its_place(m):
    optimizer = optimizer_of(m)
    made = m.optim.lr_scheduler.StepLR(optimizer, 1)
    own = optimizer.step
    optimizer.step = lambda: own()
    optimizer.step()
    made.step()
    made.step()


@program
def another_step_put_there_before(m):
    optimizer = optimizer_of(m)
    own, calls = type(optimizer).step, []

    def step(optimizer):
        calls.append(1)
        return own(optimizer)

    optimizer.step = step.__get__(optimizer)
    made = m.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()
    made.step()
    return calls


@program
def hooks_and_schedulers(m):
    optimizer, calls = optimizer_of(m), []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    made = m.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.register_step_post_hook(lambda *_: calls.append("behind"))
    optimizer.step()
    made.step()
    return calls


@program
def get_lr_by_hand(m):
    told = []
    for name, options in SCHEDULERS:
        optimizer = optimizer_of(m)
        made = scheduler(m, optimizer, name, options)
        told.append(tried(made.get_lr))
    return told


@program
def bases_have_no_rates(m):
    return attempt(lambda: m.optim.lr_scheduler.LRScheduler(optimizer_of(m)))


@program
def past_the_end_of_one_cycle(m):
    optimizer, told = optimizer_of(m), []
    made = m.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 2)
    for _ in range(5):
        optimizer.step()
        told.append(tried(made.step))
    return told, settings(optimizer), made.last_epoch


@program
def nothing_to_divide_by(m):
    told = []
    for kind, args in {"CosineAnnealingLR": (0,), "StepLR": (0,), "PolynomialLR": (0,), "ConstantLR": (0, 3)}.items():
        optimizer = optimizer_of(m)
        made = getattr(m.optim.lr_scheduler, kind)(optimizer, *args)
        optimizer.step()
        told += [tried(made.step) for _ in range(4)]
        told.append(made.get_last_lr())
    return told


@program
def measures(m):
    told = []
    for measure in (m.tensor(2.0), "3", float("nan"), None, m.ones(1), 5):
        made = m.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(m))
        told.append((tried(made.step, measure), made.last_epoch, made.num_bad_epochs, made.best))
    return told


@program
def no_measure(m):
    m.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(m)).step()


@program
def measure_of_an_epoch(m):
    made = m.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(m))
    made.step(1.0, epoch=3)
    return made.last_epoch, made.in_cooldown


@program
def groups_that_came_later(m):
    told = []
    for name, options in SCHEDULERS:
        optimizer = optimizer_of(m)
        made = scheduler(m, optimizer, name, options)
        if "CyclicLR" in name or name in ("OneCycleLR", "SWALR", "cycles"):
            continue
        optimizer.add_param_group({"params": [m.ones(1)], "lr": 0.7})
        optimizer.step()
        told.append(tried(made.step, *([1.0] if name == "ReduceLROnPlateau" else [])))
        if told[-1] is None:
            told.append(settings(optimizer))
    return told


@program
def least_rates_for_groups_that_came_later(m):
    told = []
    for least in (0.01, [0.01, 0.02]):
        optimizer = optimizer_of(m)
        made = m.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=least)
        optimizer.add_param_group({"params": [m.ones(1)]})
        made.step(1.0)
        told += [tried(made.step, 2.0), made.get_last_lr(), made.min_lrs]
    return told


@program
def sequences_that_do_not_fit(m):
    s, optimizer = m.optim.lr_scheduler, optimizer_of(m)
    one, other = s.ConstantLR(optimizer), s.ConstantLR(optimizer_of(m))
    return [
        tried(s.SequentialLR, optimizer, parts, milestones)
        for parts, milestones in [
            ([one, one], [1, 2]), ([one], [1]), ([], []), ([one, other], [1]), ([3, 4], [1]), ([one, one], []),
            ([s.ReduceLROnPlateau(optimizer), one], [2]), ([one, s.ReduceLROnPlateau(optimizer)], [2]),
        ]
    ]  # fmt: skip


@program
def chains_that_do_not_fit(m):
    s, optimizer = m.optim.lr_scheduler, optimizer_of(m)
    one, other = s.ConstantLR(optimizer), s.ConstantLR(optimizer_of(m))
    return [
        tried(s.ChainedScheduler, *args)
        for args in [
            ([],), ([], optimizer), ([one, other],), ([one], optimizer_of(m)), ([3],), ([s.ReduceLROnPlateau(optimizer)],)
        ]
    ]  # fmt: skip


@program
def states_that_do_not_fit(m):
    told = []
    for name, options in SCHEDULERS:
        made = scheduler(m, optimizer_of(m), name, options)
        told.append(tried(made.load_state_dict, {}))
    made = m.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(m))
    told.append(tried(made.load_state_dict, {"mode": "foo"}))
    return told


@program
def parts_of_states(m):
    made = m.optim.lr_scheduler.StepLR(optimizer_of(m), 3)
    made.load_state_dict({"gamma": 0.5, "foo": 3})
    plateau = m.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(m))
    plateau.load_state_dict({"mode": "max"})
    return in_order(made.state_dict()), in_order(plateau.state_dict())


@program
def callables_in_states(m):
    optimizer = optimizer_of(m)
    made = m.optim.lr_scheduler.LambdaLR(optimizer, [Root(), half])
    saved, other = made.state_dict(), Root(7.0)
    m.optim.lr_scheduler.LambdaLR(optimizer, [other, half]).load_state_dict(saved)
    cyclic = m.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, scale_fn=Root())
    another = Root(7.0)
    saved_cyclic = copy.deepcopy(cyclic.state_dict())
    m.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, scale_fn=another).load_state_dict(cyclic.state_dict())
    return saved["lr_lambdas"], other.k, saved_cyclic["_scale_fn_custom"], another.k


@program
def own_schedulers(m):
    class Own(m.optim.lr_scheduler._LRScheduler):
        def get_lr(self):
            return [base * 0.5 * self._get_lr_called_within_step for base in self.base_lrs]

        def _get_closed_form_lr(self):
            return [9.0, 9.0]

    class Short(m.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [1.0]

    optimizer = optimizer_of(m)
    made = Own(optimizer)
    optimizer.step()
    told = [made.get_last_lr()]
    made.step(5)
    return told, made.get_last_lr(), in_order(made.state_dict()), attempt(lambda: Short(optimizer_of(m)))


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda p: p.__name__ if p.__name__ != "<lambda>" else "made")
def test_programs(run):
    assert outcome(rl, run) == outcome(torch, run)


def test_names():
    theirs = set(torch.optim.lr_scheduler.__all__) | {"_LRScheduler", "EPOCH_DEPRECATION_WARNING"}
    assert not [name for name in theirs if not hasattr(rl.optim.lr_scheduler, name)]
    assert rl.optim.lr_scheduler.EPOCH_DEPRECATION_WARNING == torch.optim.lr_scheduler.EPOCH_DEPRECATION_WARNING
