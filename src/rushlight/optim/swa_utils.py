"""Averages of a model's parameters over training: equal weights (SWA) or exponential ones (EMA)."""

import math
from copy import deepcopy
from itertools import chain

from ..autograd.grad_mode import no_grad
from ..functions.literal import tensor
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.module import Module
from .lr_scheduler.base import LRScheduler, per_group

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def get_ema_avg_fn(decay=0.999):
    """A function (averaged, current, count) -> decay * averaged + (1 - decay) * current, on tensors of one shape.

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992). ValueError for a decay outside of
    [0, 1].

    >>> import rushlight
    >>> average = rushlight.optim.swa_utils.get_ema_avg_fn(0.75)
    >>> average(rushlight.tensor(4.0), rushlight.tensor(0.0), 1)
    tensor(3.)
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn():
    """A function (averaged, current, count) -> averaged + (current - averaged) / (count + 1): the mean of all so far.

    Izmailov et al., "Averaging weights leads to wider optima and better generalization" (2018).

    >>> import rushlight
    >>> average = rushlight.optim.swa_utils.get_swa_avg_fn()
    >>> average(rushlight.tensor(4.0), rushlight.tensor(0.0), 3)
    tensor(3.)
    """

    @no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay=0.999):
    """The same as `get_ema_avg_fn`, for lists of tensors, of which the first is written.

    >>> import rushlight
    >>> average = rushlight.optim.swa_utils.get_ema_multi_avg_fn(0.75)
    >>> averaged = [rushlight.tensor(4.0)]
    >>> average(averaged, [rushlight.tensor(0.0)], 1)
    >>> averaged
    [tensor(3.)]
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list, current_param_list, num_averaged):
        for averaged, current in zip(ema_param_list, current_param_list, strict=True):
            if averaged.is_floating_point() or averaged.is_complex():
                averaged.lerp_(current, 1 - decay)
            else:
                averaged.copy_(averaged * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn():
    """The same as `get_swa_avg_fn`, for lists of tensors, of which the first is written.

    >>> import rushlight
    >>> average = rushlight.optim.swa_utils.get_swa_multi_avg_fn()
    >>> averaged = [rushlight.tensor(4.0)]
    >>> average(averaged, [rushlight.tensor(0.0)], 3)
    >>> averaged
    [tensor(3.)]
    """

    @no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        for averaged, current in zip(averaged_param_list, current_param_list, strict=True):
            averaged.copy_(averaged + (current - averaged) / (num_averaged + 1))

    return swa_update


def _check_decay(decay):
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of a model whose parameters are the averages of the model's; call it as you call the model.

    `update_parameters(model)` takes the model's parameters in: the first time as they are, then by
    avg_fn(averaged, current, n_averaged), which returns the new average of one tensor, or multi_avg_fn(averaged, current,
    n_averaged), which writes to lists of tensors; without either by equal weights (`get_swa_avg_fn`). Buffers are copied,
    or averaged too with `use_buffers`. The buffer `n_averaged` counts. AssertionError for both functions at once.

    >>> import rushlight
    >>> from rushlight import nn
    >>> from rushlight.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.75))
    >>> for weight in (4.0, 0.0):
    ...     _ = nn.init.constant_(model.weight, weight)
    ...     averaged.update_parameters(model)
    >>> averaged(rushlight.ones(1)).item()
    3.0
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args, **kwargs):
        """What the averaged model returns."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model):
        """Take the parameters of a model of the same structure into the averages."""
        averaged, current = ([p.detach() for p in self._parts(m)] for m in (self.module, model))
        if self.n_averaged == 0:
            for own, new in zip(averaged, current):
                own.copy_(new)
        elif self.multi_avg_fn is not None:
            self.multi_avg_fn(averaged, current, self.n_averaged)
        else:
            avg_fn = self.avg_fn or get_swa_avg_fn()
            for own, new in zip(averaged, current):
                own.copy_(avg_fn(own, new, self.n_averaged))
        if not self.use_buffers:
            for own, new in zip(self.module.buffers(), model.buffers()):
                own.copy_(new)
        self.n_averaged += 1

    def _parts(self, model):
        return chain(model.parameters(), model.buffers()) if self.use_buffers else model.parameters()


@no_grad()
def update_bn(loader, model, device=None):
    """Compute the running statistics of a model's batch norms anew, from all batches of `loader` with equal weights.

    Averaged parameters need it, since no batch has gone through them. Of a batch that is a list or tuple the first part
    is the input. The model is left in the mode it was in.

    >>> import rushlight
    >>> from rushlight import nn
    >>> model = nn.BatchNorm1d(1)
    >>> rushlight.optim.swa_utils.update_bn([rushlight.tensor([[1.0], [3.0]]), rushlight.tensor([[5.0], [7.0]])], model)
    >>> model.running_mean
    tensor([4.])
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta, was_training = [norm.momentum for norm in norms], model.training
    try:
        model.train()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        for batch in loader:
            inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(inputs if device is None else inputs.to(device))
    finally:
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """The rate goes from what it is to `swa_lr` in `anneal_epochs` steps, and stays there, for averaging.

    Along a cosine or, with `anneal_strategy` "linear", a line; `swa_lr` is a number, or a list of one for each group. To
    be stepped after the scheduler that came before has done its part. Izmailov et al., "Averaging weights leads to wider
    optima and better generalization" (2018). ValueError for an unknown strategy, a number of epochs that is no whole
    number from 0 on, and a list of another length.

    >>> import rushlight
    >>> optimizer = rushlight.optim.SGD([rushlight.ones(2)], lr=1.0)
    >>> scheduler = rushlight.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for epoch in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [1.0]
    [0.75]
    [0.5]
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        swa_lrs = per_group("swa_lr", optimizer, swa_lr)
        self._set_anneal_func(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        for group, lr in zip(optimizer.param_groups, swa_lrs):
            group["swa_lr"] = lr
        super().__init__(optimizer, last_epoch)

    def _set_anneal_func(self, anneal_strategy):
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy

    def anneal_func(self, t):
        """How far the rate has gone when that part of the way in time is over."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self):
        self._check_within_step()
        # From where it is, since another scheduler may have had its steps in between.
        step = max(self._step_count - 1, 1 if self.anneal_epochs == 0 else 0)
        before, now = (self._gone(step - 1), self._gone(step))
        return [
            group["swa_lr"] * now + _left(group["lr"], group["swa_lr"], before) * (1 - now)
            for group in self.optimizer.param_groups
        ]

    def _gone(self, step):
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def load_state_dict(self, state_dict):
        """Take what `state_dict()` gave; ValueError, with nothing taken, for an unknown strategy."""
        self._set_anneal_func(state_dict.get("_anneal_strategy", self._anneal_strategy))
        super().load_state_dict(state_dict)


def _left(lr, swa_lr, gone):
    """The rate that annealing began with."""
    return swa_lr if gone == 1 else (lr - gone * swa_lr) / (1 - gone)
