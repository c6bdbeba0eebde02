"""CyclicLR: the rate goes up and down between two bounds, and the momentum the other way."""

import math

from .base import LRScheduler, check_optimizer, per_group, put, state_of_callable

_SCALE_MODES = {"triangular": "cycle", "triangular2": "cycle", "exp_range": "iterations"}


class CyclicLR(LRScheduler):
    """The rate rises from `base_lr` to `max_lr` in `step_size_up` steps, and falls in `step_size_down` (as many).

    `mode` says how high it rises: "triangular" always as high, "triangular2" half as high in each cycle, "exp_range"
    gamma**step of the height; or `scale_fn` does, of the cycle (from 1) or, with `scale_mode` "iterations", of the step.
    With `cycle_momentum` the momentum, or the first of `betas`, falls from `max_momentum` to `base_momentum` while the
    rate rises. Bounds are numbers, or lists of one for each group. To be stepped after each batch. Smith, "Cyclical
    learning rates for training neural networks" (2015). ValueError for lists of another length, an unknown mode, and an
    optimizer without momentum.

    >>> import rushlight
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=1.0, momentum=0.9)
    >>> scheduler = rushlight.optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.25, max_lr=0.75, step_size_up=2)
    >>> for batch in range(5):
    ...     print(scheduler.get_last_lr(), round(optimizer.param_groups[0]["momentum"], 6))
    ...     optimizer.step()
    ...     scheduler.step()
    [0.25] 0.9
    [0.5] 0.85
    [0.75] 0.8
    [0.5] 0.85
    [0.25] 0.9
    """

    def __init__(
        self,
        optimizer,
        base_lr,
        max_lr,
        step_size_up=2000,
        step_size_down=None,
        mode="triangular",
        gamma=1.0,
        scale_fn=None,
        scale_mode="cycle",
        cycle_momentum=True,
        base_momentum=0.8,
        max_momentum=0.9,
        last_epoch=-1,
    ):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        step_size_up = float(step_size_up)
        step_size_down = step_size_up if step_size_down is None else float(step_size_down)
        self.total_size = step_size_up + step_size_down
        self.step_ratio = step_size_up / self.total_size
        if mode not in _SCALE_MODES and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = _SCALE_MODES[mode] if scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = momentum_is_beta(optimizer)
            self.base_momentums = per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = per_group("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            self._start(base_lrs)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _start(self, base_lrs):
        for group, lr in zip(self.optimizer.param_groups, base_lrs):
            put(group, "lr", lr)
        if self.cycle_momentum:
            start_momentum(self.optimizer, self.use_beta1, self.base_momentums, self.max_momentums)

    def scale_fn(self, x):
        """How high the rate rises in cycle x, or at step x, as a part of the way from `base_lr` to `max_lr`."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def _height(self):
        """Where the rate is between the bounds."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        risen = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        return risen * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)

    def get_lr(self):
        self._check_within_step()
        height = self._height()
        return [base + (top - base) * height for base, top in zip(self.base_lrs, self.max_lrs)]

    def _update_lr(self, epoch=None):
        super()._update_lr(epoch)
        if not self.cycle_momentum:
            return
        height = self._height()
        for group, low, top in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
            put_momentum(group, self.use_beta1, top - (top - low) * height)

    def state_dict(self):
        """Everything but the optimizer; of `scale_fn` only the attributes of a callable object."""
        state = self._state_without("optimizer", "_scale_fn_custom")
        custom = self._scale_fn_custom
        state["_scale_fn_custom"] = None if custom is None else state_of_callable(custom)
        return state

    def load_state_dict(self, state_dict):
        """Take what `state_dict()` gave."""
        attributes = state_dict["_scale_fn_custom"]
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_scale_fn_custom"})
        if attributes is not None:
            self._scale_fn_custom.__dict__.update(attributes)


def momentum_is_beta(optimizer):
    """Whether the momentum of an optimizer is the first of its betas; ValueError where it has no momentum."""
    if "betas" in optimizer.defaults:
        return True
    if "momentum" in optimizer.defaults:
        return False
    raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")


def start_momentum(optimizer, use_beta1, lows, tops):
    """Give the groups the highest momentum to begin with, and keep both bounds there."""
    for group, low, top in zip(optimizer.param_groups, lows, tops):
        put_momentum(group, use_beta1, top)
        group["max_momentum"] = top
        group["base_momentum"] = low


def put_momentum(group, use_beta1, value):
    """Set the momentum of a group, or the first of its betas."""
    if use_beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value
