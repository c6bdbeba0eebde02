"""OneCycleLR: the rate rises once, and falls far below where it began."""

import math

from ...errors import coded
from .base import LRScheduler, check_optimizer, per_group
from .cyclic import momentum_is_beta, put_momentum, start_momentum


class OneCycleLR(LRScheduler):
    """The rate rises from max_lr / `div_factor` to `max_lr`, and falls to 1 / `final_div_factor` of where it began.

    It rises in the first `pct_start` of `total_steps`, or of `epochs` * `steps_per_epoch`, along a cosine or, with
    `anneal_strategy` "linear", a line; with `three_phase` it falls to where it began in as many steps, and then further.
    With `cycle_momentum` the momentum, or the first of `betas`, goes the other way between `base_momentum` and
    `max_momentum`. `max_lr` and the momenta are numbers, or lists of one for each group. To be stepped after each batch.
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2017).
    ValueError for numbers of steps that are no positive whole numbers, a `pct_start` that is no float in [0, 1], an
    unknown strategy, lists of another length, an optimizer without momentum, and in `step()` beyond the last one.

    >>> import rushlight
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=1.0, momentum=0.9)
    >>> scheduler = rushlight.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=6, pct_start=0.5)
    >>> for batch in range(5):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(f"{scheduler.get_last_lr()[0]:.6f}")
    0.520000
    1.000000
    0.750001
    0.250003
    0.000004
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
        last_epoch=-1,
    ):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or pct_start < 0 or pct_start > 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        max_lrs = per_group("max_lr", optimizer, max_lr)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = momentum_is_beta(optimizer)
            lows = per_group("base_momentum", optimizer, base_momentum)
            tops = per_group("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, max_lrs):
                group["initial_lr"] = top / div_factor
                group["max_lr"] = top
                group["min_lr"] = group["initial_lr"] / final_div_factor
            if cycle_momentum:
                start_momentum(optimizer, self.use_beta1, lows, tops)
        super().__init__(optimizer, last_epoch)

    def _between(self, name):
        """Where "lr" or "momentum" is now, for each group."""
        start_step = 0.0
        for phase in self._schedule_phases:
            end_step = phase["end_step"]
            if self.last_epoch <= end_step or phase is self._schedule_phases[-1]:
                break
            start_step = end_step
        part = (self.last_epoch - start_step) / (end_step - start_step)
        anneal = _cosine if self._anneal_func_type == "cos" else _line
        ends = phase[f"start_{name}"], phase[f"end_{name}"]
        return [anneal(group[ends[0]], group[ends[1]], part) for group in self.optimizer.param_groups]

    def get_lr(self):
        self._check_within_step()
        if self.last_epoch > self.total_steps:
            sentence = (
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
            raise coded("RL432", ValueError(sentence))
        return self._between("lr")

    def _update_lr(self, epoch=None):
        super()._update_lr(epoch)
        if self.cycle_momentum:
            for group, momentum in zip(self.optimizer.param_groups, self._between("momentum")):
                put_momentum(group, self.use_beta1, momentum)


def _total_steps(total_steps, epochs, steps_per_epoch):
    if total_steps is not None:
        _check_count("total_steps", total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    _check_count("epochs", epochs)
    _check_count("steps_per_epoch", steps_per_epoch)
    return epochs * steps_per_epoch


def _check_count(name, value):
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")


def _phases(total_steps, pct_start, three_phase):
    """The ends of the phases, and between which options of a group rate and momentum go in each."""
    up, last = float(pct_start * total_steps) - 1, total_steps - 1
    rise = _phase(up, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three_phase:
        return [rise, _phase(last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    down = float(2 * pct_start * total_steps) - 2
    return [
        rise,
        _phase(down, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
        _phase(last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
    ]


def _phase(end_step, start_lr, end_lr, start_momentum, end_momentum):
    return {
        "end_step": end_step,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }


def _cosine(start, end, part):
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def _line(start, end, part):
    return (end - start) * part + start
