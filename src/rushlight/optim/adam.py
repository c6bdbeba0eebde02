"""Adam and AdamW: steps scaled by running moments of the gradient."""

import numpy as np

from ..core import wrap
from ..kernels import load, optim_meaning
from ..tensor import Tensor
from .optimizer import (
    Optimizer,
    called,
    check_at_least_zero,
    check_betas,
    check_lr,
    check_modes,
    mark_written,
    scalar,
    with_grads,
)

_kernels = load("optim")


class Adam(Optimizer):
    """Each element moves by lr times the running mean of its gradient over the root of its running mean square.

    `weight_decay` is added to the gradient, or with `decoupled_weight_decay` shrinks the parameter directly (AdamW).
    `amsgrad` divides by the largest mean square so far. Raises ValueError for options out of range.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.Adam([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7500], requires_grad=True)
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        check_lr(lr)
        check_at_least_zero("epsilon value", eps)
        check_betas(betas)
        check_at_least_zero("weight_decay value", weight_decay)
        check_modes(differentiable, foreach, fused)
        for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
            if isinstance(value, Tensor) and foreach and not capturable:
                raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def step(self, closure=None):
        """Change all parameters that have a gradient; returns what `closure()` returned."""
        loss = None if closure is None else called(closure)
        for group in self.param_groups:
            params, arrays, grads = with_grads(group)
            amsgrad = group["amsgrad"]
            states = [self.state[p] for p in params]
            for array, state in zip(arrays, states):
                if not state:
                    _start(state, array, amsgrad)
            _update(
                arrays,
                grads,
                [s["exp_avg"]._array for s in states],
                [s["exp_avg_sq"]._array for s in states],
                [s["max_exp_avg_sq"]._array for s in states] if amsgrad else None,
                [s["step"]._array for s in states],
                group,
            )
            mark_written(params)
        return loss


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters directly, 0.01 by default."""

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
        foreach=None,
        capturable=False,
        differentiable=False,
        fused=None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )


def _start(state, array, amsgrad):
    state["step"] = scalar()
    state["exp_avg"] = wrap(np.zeros_like(array))
    state["exp_avg_sq"] = wrap(np.zeros_like(array))
    if amsgrad:
        state["max_exp_avg_sq"] = wrap(np.zeros_like(array))


def _update(arrays, grads, means, squares, tops, steps, group):
    beta1, beta2 = group["betas"]
    options = (
        group["lr"],
        beta1,
        beta2,
        group["eps"],
        group["weight_decay"],
        group["decoupled_weight_decay"],
        group["maximize"],
    )
    if _kernels is not None:
        declined = _kernels.adam(arrays, grads, means, squares, tops, steps, *options)
        if declined is None:
            return
    else:
        declined = range(len(arrays))
    options = (*map(float, options[:5]), *options[5:])
    for i in declined:
        top = None if tops is None else tops[i]
        optim_meaning.adam(arrays[i], grads[i], means[i], squares[i], top, steps[i], *options)
