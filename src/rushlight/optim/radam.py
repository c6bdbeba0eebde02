"""RAdam: Adam whose first steps, of too few squares, are those of momentum alone."""

from .checks import check_at_least_zero, check_betas, check_lr
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class RAdam(Elementwise):
    """Adam, rectified: by the momentum alone until enough squares are averaged, then with a factor that goes to one.

    Liu, Jiang, He, Chen, Liu, Gao and Han, "On the variance of the adaptive learning rate and beyond" (2019).
    `weight_decay` is added to the gradient, or with `decoupled_weight_decay` shrinks the parameter directly. Raises
    ValueError for options out of range.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.RAdam([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.5000], requires_grad=True)
    """

    formula = "radam"

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
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
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, state, param, group):
        state["step"] = scalar()
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
            group["decoupled_weight_decay"],
            group["maximize"],
        )
