"""Adam and AdamW: steps scaled by running moments of the gradient."""

from ..tensor import Tensor
from .checks import check_at_least_zero, check_betas, check_lr, check_modes
from .elementwise import Elementwise, zeros
from .optimizer import scalar


class Adam(Elementwise):
    """Each element moves by lr times the running mean of its gradient over the root of its running mean square.

    `weight_decay` is added to the gradient, or with `decoupled_weight_decay` shrinks the parameter directly (AdamW).
    `amsgrad` divides by the largest mean square so far. Kingma and Ba, "Adam: a method for stochastic optimization"
    (2014); Reddi, Kale and Kumar, "On the convergence of Adam and beyond" (2018) for `amsgrad`. Raises ValueError for
    options out of range.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.Adam([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7500], requires_grad=True)
    """

    formula = "adam"

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

    def _start(self, state, param, group):
        state["step"] = scalar(single=group["fused"])
        state["exp_avg"] = zeros(param)
        state["exp_avg_sq"] = zeros(param)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros(param)

    def _arrays(self, group):
        return "exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None

    def _options(self, group):
        return (
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            group["decoupled_weight_decay"],
            group["maximize"],
        )


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters directly, 0.01 by default.

    Loshchilov and Hutter, "Decoupled weight decay regularization" (2017).
    """

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
