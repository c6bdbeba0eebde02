"""What all schedulers share: counting epochs, writing learning rates, state, and the warnings of a wrong order."""

import types
import warnings
import weakref
from operator import itemgetter

from ...errors import coded, coded_sentence, user_level
from ...tensor import Tensor
from ..optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed form is "
    "used instead of the new chainable form, where available. Please open an issue if you are unable to replicate your use "
    "case: https://github.com/pytorch/pytorch/issues/new/choose."
)
_TOO_EARLY = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call them in "
    "the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in PyTorch "
    "skipping the first value of the learning rate schedule. See more details at "
    "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
)
_OVERRIDDEN = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure to "
    "call `optimizer.step()` before `lr_scheduler.step()`. See more details at "
    "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
)
_NOT_RESUMED = (
    "param 'initial_lr' is not specified in param_groups[{}] when resuming scheduler with last_epoch >= 0.\n"
    "This typically happens when:\n"
    "1. You're trying to resume training from a checkpoint but haven't properly loaded the optimizer state\n"
    "2. You're using last_epoch >= 0 for a fresh training run (not recommended)"
)


class LRScheduler:
    """Base of all schedulers: changes the learning rates of an optimizer's groups, once in each epoch.

    A subclass says by `get_lr()` what the rates of epoch `self.last_epoch` are, one for each group. The first ones are
    set when the scheduler is made; those before are kept in the groups as "initial_lr", and in `base_lrs`. `last_epoch`
    is the epoch to go on from: the groups must have their "initial_lr" then, or KeyError is raised. A learning rate that
    is a tensor is written in place. Raises TypeError for anything but an optimizer.

    >>> import rushlight
    >>> from rushlight.optim.lr_scheduler import LRScheduler
    >>> class Halved(LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=0.4)
    >>> scheduler = Halved(optimizer)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.2]
    """

    def __init__(self, optimizer, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, values_of(optimizer, "lr")):
                group.setdefault("initial_lr", lr)
        for i, group in enumerate(optimizer.param_groups):
            if "initial_lr" not in group:
                raise coded("RL431", KeyError(_NOT_RESUMED.format(i)))
        self.base_lrs = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _watch(optimizer)
        self._initial_step()

    def _initial_step(self):
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self):
        """The rates of epoch `last_epoch`, one for each group; `step()` asks for them. See `get_last_lr()`."""
        raise NotImplementedError

    def get_last_lr(self):
        """The rates that were set last, one for each group."""
        return self._last_lr

    def step(self, epoch=None):
        """Go on to the next epoch, or (deprecated) to the one that is named; to be called after `optimizer.step()`."""
        if self._step_count == 1:
            _check_order(self.optimizer)
        self._step_count += 1
        if epoch is not None:
            warn(EPOCH_DEPRECATION_WARNING)
        self._update_lr(epoch)

    def _update_lr(self, epoch=None):
        if epoch is None:
            self.last_epoch += 1
        else:
            self.last_epoch = epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set_lr(closed or self.get_lr)

    def _set_lr(self, rates):
        """Give the groups the rates that a function returns."""
        self._get_lr_called_within_step = True
        try:
            values = rates()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in list(zip(self.optimizer.param_groups, values, strict=True)):
            put(group, "lr", lr)
        self._last_lr = values_of(self.optimizer, "lr")

    def _check_within_step(self):
        if not self._get_lr_called_within_step:
            warn("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.")

    def _lrs(self):
        """The rates that the groups have now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self):
        """Everything but the optimizer, whose own `state_dict()` has the rates: save both."""
        return self._state_without("optimizer")

    def _state_without(self, *names):
        return {key: value for key, value in self.__dict__.items() if key not in names}

    def load_state_dict(self, state_dict):
        """Take what `state_dict()` gave. The rates stay as they are: load the optimizer's state too."""
        self.__dict__.update(state_dict)


class _LRScheduler(LRScheduler):
    """What LRScheduler was called before PyTorch 2.0; scripts derive their own from it."""


def warn(sentence):
    """A warning that shows the user's line."""
    warnings.warn(sentence, UserWarning, stacklevel=user_level())


def check_optimizer(optimizer):
    """TypeError for anything but an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def values_of(optimizer, key):
    """What the groups have under a key; copies of tensors."""
    values = map(itemgetter(key), optimizer.param_groups)
    return [value.clone() if isinstance(value, Tensor) else value for value in values]


def put(group, key, value):
    """Set an option of a group; one that is a tensor is written in place, since others may hold it too."""
    if isinstance(group[key], Tensor):
        group[key].fill_(value.squeeze() if isinstance(value, Tensor) else value)
    else:
        group[key] = value


def per_group(name, optimizer, value):
    """A value for each group, of one for all or of a list; ValueError for a list of another length."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, param_groups has "
            f"{count}."
        )
    return list(value)


def state_of_callable(function):
    """What of a callable goes into a state_dict: the attributes of an object, None of a function."""
    return None if isinstance(function, types.FunctionType) else dict(function.__dict__)


def _watch(optimizer):
    # The scheduler holds the optimizer.
    optimizer._watch_step(weakref.ref(optimizer))
    # What was put in the place of `step` before this is taken as it is.
    optimizer._step_watched = optimizer.step


def _check_order(optimizer):
    """Warn where the optimizer has made no step yet; of a copy that is not known."""
    watched = optimizer.__dict__.get("_step_watched")
    if watched is None:
        return
    if optimizer.step is not watched:
        warn(_OVERRIDDEN)
    elif not getattr(optimizer, "_opt_called", False):
        warn(coded_sentence("RL430", _TOO_EARLY))
