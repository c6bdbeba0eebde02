"""Averaged stochastic gradient descent."""

from .checks import check_at_least_zero, check_lr
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class ASGD(Elementwise):
    """Gradient descent with steps that shrink, beside the mean of the parameters since step `t0`: state[p]["ax"].

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992). Raises ValueError for a negative
    lr or weight_decay.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.ASGD([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.5000], requires_grad=True)
    """

    formula = "asgd"
    numbers = ("step", "eta", "mu")

    def __init__(
        self,
        params,
        lr=1e-2,
        lambd=1e-4,
        alpha=0.75,
        t0=1e6,
        weight_decay=0,
        foreach=None,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check_lr(lr)
        check_at_least_zero("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, state, param, group):
        state["step"] = scalar()
        state["eta"] = scalar(float(group["lr"]))
        state["mu"] = scalar(1.0)
        state["ax"] = zeros(param)

    def _arrays(self, group):
        return ("ax",)

    def _options(self, group):
        return (
            group["lr"],
            group["lambd"],
            group["alpha"],
            group["t0"],
            group["weight_decay"],
            group["maximize"],
        )
