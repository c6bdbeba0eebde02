"""NAdam: Adam that looks one step of its momentum ahead."""

from .checks import check_at_least_zero, check_betas, check_lr
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class NAdam(Elementwise):
    """Adam with Nesterov's momentum, which grows to `betas[0]` as `momentum_decay` says.

    Dozat, "Incorporating Nesterov momentum into Adam" (2016). `weight_decay` is added to the gradient, or with
    `decoupled_weight_decay` shrinks the parameter directly. Raises ValueError for options out of range.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.NAdam([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7359], requires_grad=True)
    """

    formula = "nadam"
    numbers = ("step", "mu_product")

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        check_lr(lr)
        check_at_least_zero("epsilon value", eps)
        check_betas(betas)
        check_at_least_zero("weight_decay value", weight_decay)
        check_at_least_zero("momentum_decay value", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, state, param, group):
        state["step"] = scalar()
        state["mu_product"] = scalar(1.0)
        state["exp_avg"] = zeros(param)
        state["exp_avg_sq"] = zeros(param)

    def _arrays(self, group):
        return "exp_avg", "exp_avg_sq"

    def _options(self, group):
        return (
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            group["momentum_decay"],
            group["decoupled_weight_decay"],
            group["maximize"],
        )
