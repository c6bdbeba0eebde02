"""Rprop: steps by the sign of the gradient alone."""

import numpy as np

from ..core import wrap
from .checks import check_lr, out_of_range
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class Rprop(Elementwise):
    """Each element has a step size of its own: longer while its gradient keeps its sign, shorter when that turns.

    Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm" (1993),
    for whole batches. Raises ValueError for `etas` that are not below and above one.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.Rprop([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7500], requires_grad=True)
    """

    formula = "rprop"

    def __init__(
        self,
        params,
        lr=1e-2,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        *,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise out_of_range(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, state, param, group):
        lr = float(group["lr"])
        state["step"] = scalar()
        state["prev"] = zeros(param)
        state["step_size"] = wrap(np.full_like(param._array, complex(lr, lr) if param.is_complex() else lr))

    def _arrays(self, group):
        return "prev", "step_size"

    def _options(self, group):
        return (
            *group["etas"],
            *group["step_sizes"],
            group["maximize"],
        )
