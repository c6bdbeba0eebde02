"""Adadelta: steps as long as recent steps were, against recent gradients."""

from .checks import check_at_least_zero, check_lr, out_of_range
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class Adadelta(Elementwise):
    """Each element moves by its gradient times the root of the mean square of its moves over that of its gradients.

    Zeiler, "ADADELTA: an adaptive learning rate method" (2012). Raises ValueError for options out of range.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.Adadelta([x])
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.9968], requires_grad=True)
    """

    formula = "adadelta"

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise out_of_range(f"Invalid rho value: {rho}")
        check_at_least_zero("epsilon value", eps)
        check_at_least_zero("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, state, param, group):
        state["step"] = scalar()
        state["square_avg"] = zeros(param)
        state["acc_delta"] = zeros(param)

    def _arrays(self, group):
        return "square_avg", "acc_delta"

    def _options(self, group):
        return (
            group["lr"],
            group["rho"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )
