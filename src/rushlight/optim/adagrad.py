"""Adagrad: steps shrink with the sum of all squares so far."""

import numpy as np

from ..core import wrap
from .checks import check_at_least_zero, check_lr, check_modes
from .elementwise import Elementwise
from .optimizer import scalar


class Adagrad(Elementwise):
    """Each element moves by lr times its gradient over the root of the sum of its squares.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (2011).
    `lr_decay` shrinks lr with the steps. Raises ValueError for negative options.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.Adagrad([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7500], requires_grad=True)
    """

    formula = "adagrad"

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        check_lr(lr)
        check_at_least_zero("lr_decay value", lr_decay)
        check_at_least_zero("weight_decay value", weight_decay)
        check_at_least_zero("initial_accumulator_value value", initial_accumulator_value)
        check_at_least_zero("epsilon value", eps)
        check_modes(differentiable, foreach, fused)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self._start(self.state[param], param, group)

    def _start(self, state, param, group):
        first = group["initial_accumulator_value"]
        state["step"] = scalar(single=group["fused"])
        state["sum"] = wrap(np.full_like(param._array, complex(first, first) if param.is_complex() else first))

    def _arrays(self, group):
        return ("sum",)

    def _options(self, group):
        return (
            group["lr"],
            group["lr_decay"],
            group["weight_decay"],
            group["eps"],
            group["maximize"],
        )
