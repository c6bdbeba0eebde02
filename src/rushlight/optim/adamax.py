"""Adamax: Adam with the largest recent gradient in place of the mean square."""

from .checks import check_at_least_zero, check_betas, check_lr
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class Adamax(Elementwise):
    """Each element moves by lr times the running mean of its gradient over the decaying largest of its absolute values.

    Kingma and Ba, "Adam: a method for stochastic optimization" (2014), section 7.1. Raises ValueError for options out
    of range.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.Adamax([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7500], requires_grad=True)
    """

    formula = "adamax"

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check_lr(lr)
        check_at_least_zero("epsilon value", eps)
        check_betas(betas)
        check_at_least_zero("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, state, param, group):
        state["step"] = scalar()
        state["exp_avg"] = zeros(param)
        state["exp_inf"] = zeros(param)

    def _arrays(self, group):
        return "exp_avg", "exp_inf"

    def _options(self, group):
        return (
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )
