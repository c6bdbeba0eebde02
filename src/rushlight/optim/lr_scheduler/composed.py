"""Schedulers made of others: one after the other, or all at once."""

from bisect import bisect_right

from .base import LRScheduler, put, values_of
from .plateau import ReduceLROnPlateau


class _Composed(LRScheduler):
    """Holds schedulers of one optimizer."""

    def state_dict(self):
        """Everything but the optimizer, with the states of the schedulers."""
        state = self._state_without("optimizer", "_schedulers")
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict):
        """Take what `state_dict()` gave."""
        saved = state_dict["_schedulers"]
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, state in zip(self._schedulers, saved):
            scheduler.load_state_dict(state)

    def _check(self, schedulers, optimizer):
        """ValueError for a scheduler that wants a measure in each step, or is another optimizer's."""
        name = type(self).__name__
        for i, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be specified "
                    f"when calling `step`, but got one at index {i} in the given schedulers sequence."
                )
            if scheduler.optimizer != optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(scheduler).__name__} at index {i} has {scheduler.optimizer}, which is different from "
                    f"{type(optimizer).__name__}."
                )


class SequentialLR(_Composed):
    """The first scheduler up to epoch `milestones[0]`, where the second begins with its epoch 0, and so on.

    ValueError where there is not one milestone less than there are schedulers, or they do not belong together.

    >>> import rushlight
    >>> from rushlight.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=1.0)
    >>> warmup = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> scheduler = SequentialLR(optimizer, [warmup, ExponentialLR(optimizer, gamma=0.5)], milestones=[2])
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.5]
    [0.75]
    [1.0]
    [0.5]
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        if len(schedulers) < 1:
            raise ValueError(f"{type(self).__name__} expects at least one scheduler, but got no scheduler.")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{type(self).__name__} at index {i} should have `optimizer` as its attribute.")
        self._check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone "
                f"points, but got number of schedulers {len(schedulers)} and the number of milestones to be equal to "
                f"{len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Each of the schedulers has made its first step: all are taken back, and the first one begins.
        _take_back_rates(optimizer)
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched=None):
        """Count the last step of a scheduler, and of those that it is made of, as not made."""
        scheduler = self if sched is None else sched
        for part in getattr(scheduler, "_schedulers", ()):
            self.recursive_undo(part)
        if not hasattr(scheduler, "_schedulers"):
            scheduler.last_epoch -= 1

    def step(self):
        """Go on to the next epoch."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            self._schedulers[i]._update_lr(0)
        else:
            self._schedulers[i].step()
        self._last_lr = self._schedulers[i].get_last_lr()

    def _update_lr(self, epoch=None):
        # The sequence that this one is part of asks for epoch 0, when its turn comes.
        self.last_epoch = epoch
        first = self._schedulers[bisect_right(self._milestones, epoch)]
        first._update_lr(0)
        self._last_lr = first.get_last_lr()


class ChainedScheduler(_Composed):
    """All schedulers in each step, each of them changing the rate that the one before has set.

    The optimizer is that of the schedulers. ValueError for none, and where they do not belong together.

    >>> import rushlight
    >>> from rushlight.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=1.0)
    >>> parts = [ConstantLR(optimizer, factor=0.5, total_iters=2), ExponentialLR(optimizer, gamma=0.5)]
    >>> scheduler = ChainedScheduler(parts, optimizer)
    >>> for epoch in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.5]
    [0.25]
    [0.25]
    """

    def __init__(self, schedulers, optimizer=None):
        if len(schedulers) < 1:
            raise ValueError(
                f"{type(self).__name__} expects at least one scheduler to be chained, but got no scheduler."
            )
        optimizer = optimizer or schedulers[0].optimizer
        self._check(schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._last_lr = values_of(optimizer, "lr")

    def step(self):
        """Let each of the schedulers make a step."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = values_of(self.optimizer, "lr")

    def _update_lr(self, epoch=None):
        # The sequence that this chain is part of asks for epoch 0, when its turn comes.
        _take_back_rates(self.optimizer)
        for scheduler in self._schedulers:
            scheduler.last_epoch = -1
            scheduler._initial_step()
        self._last_lr = values_of(self.optimizer, "lr")


def _take_back_rates(optimizer):
    for group in optimizer.param_groups:
        put(group, "lr", group["initial_lr"])
