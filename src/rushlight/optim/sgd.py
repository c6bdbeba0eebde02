"""Stochastic gradient descent, with momentum where asked for."""

import numpy as np

from ..core import wrap
from ..kernels import load, optim_meaning
from .optimizer import Optimizer, called, check_at_least_zero, check_lr, check_modes, mark_written, with_grads

_kernels = load("optim")


class SGD(Optimizer):
    """p -= lr * grad, the gradient first smoothed by `momentum`; `nesterov` looks one step ahead.

    Raises ValueError for negative options, and for nesterov without momentum or with dampening.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.SGD([x], lr=0.5)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.], requires_grad=True)
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_lr(lr)
        check_at_least_zero("momentum value", momentum)
        check_at_least_zero("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_modes(differentiable, foreach, fused)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def step(self, closure=None):
        """Change all parameters that have a gradient; returns what `closure()` returned."""
        loss = None if closure is None else called(closure)
        for group in self.param_groups:
            params, arrays, grads = with_grads(group)
            if group["momentum"] == 0:
                _update(arrays, grads, None, False, group)
            else:
                self._step_with_momentum(params, arrays, grads, group)
            mark_written(params)
        return loss

    def _step_with_momentum(self, params, arrays, grads, group):
        state = self.state
        buffers = [state[p].get("momentum_buffer") for p in params]
        # Asked by identity: `None in buffers` would compare tensors.
        if not [b for b in buffers if b is None]:
            _update(arrays, grads, [b._array for b in buffers], False, group)
            return
        for param, array, grad, buffer in zip(params, arrays, grads, buffers):
            first = buffer is None
            if first:
                buffer = state[param]["momentum_buffer"] = wrap(np.empty_like(array))
            _update([array], [grad], [buffer._array], first, group)


def _update(arrays, grads, buffers, first, group):
    options = (
        group["lr"],
        group["momentum"],
        group["dampening"],
        group["weight_decay"],
        group["nesterov"],
        group["maximize"],
    )
    if _kernels is not None:
        declined = _kernels.sgd(arrays, grads, buffers, first, *options)
        if declined is None:
            return
    else:
        declined = range(len(arrays))
    options = (*map(float, options[:4]), *options[4:])
    for i in declined:
        optim_meaning.sgd(arrays[i], grads[i], None if buffers is None else buffers[i], first, *options)
