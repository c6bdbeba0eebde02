"""RMSprop: steps over the root of the gradient's running mean square."""

from .checks import check_at_least_zero, check_lr
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class RMSprop(Elementwise):
    """Each element moves by lr times its gradient over the root of its running mean square, smoothed by `momentum`.

    Hinton, "Neural networks for machine learning", lecture 6 (2012); `centered` takes the variance in place of the mean
    square, as in Graves, "Generating sequences with recurrent neural networks" (2013). Raises ValueError for negative
    options.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.RMSprop([x], lr=0.025)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7500], requires_grad=True)
    """

    formula = "rmsprop"

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        check_at_least_zero("epsilon value", eps)
        check_at_least_zero("momentum value", momentum)
        check_at_least_zero("weight_decay value", weight_decay)
        check_at_least_zero("alpha value", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, state, param, group):
        state["step"] = scalar()
        state["square_avg"] = zeros(param)
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros(param)
        if group["centered"]:
            state["grad_avg"] = zeros(param)

    def _arrays(self, group):
        return (
            "square_avg",
            "momentum_buffer" if group["momentum"] > 0 else None,
            "grad_avg" if group["centered"] else None,
        )

    def _options(self, group):
        return (
            group["lr"],
            group["alpha"],
            group["eps"],
            group["weight_decay"],
            group["momentum"],
            group["maximize"],
        )
