"""Muon: momentum whose update of each matrix is made orthogonal."""

from ..kernels import optim_meaning
from .checks import check_lr_sentence, check_sentence, out_of_range
from .elementwise import zeros
from .singly import Singly

ADJUSTMENTS = {
    "original": lambda rows, columns: max(1, rows / columns) ** 0.5,
    "match_rms_adamw": lambda rows, columns: 0.2 * max(rows, columns) ** 0.5,
}


class Muon(Singly):
    """For the matrices of hidden layers: the momentum, with all its singular values made about one.

    `ns_steps` Newton-Schulz steps with `ns_coefficients` do that, in bfloat16 as PyTorch's. `adjust_lr_fn` scales lr
    for the shape: "original" by root max(1, rows / columns), "match_rms_adamw" by 0.2 root max(rows, columns).
    Jordan, Jin, Boza, You, Cesista, Newhouse and Bernstein, "Muon: an optimizer for hidden layers in neural networks"
    (2024); Liu, Su and others, "Muon is scalable for LLM training" (2025). Raises ValueError for parameters that are
    no matrices and options out of range, RuntimeError for complex parameters.

    >>> import rushlight
    >>> x = rushlight.eye(2).requires_grad_()
    >>> optimizer = rushlight.optim.Muon([x], lr=0.5, weight_decay=0.0)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> optimizer.state[x]["momentum_buffer"]
    tensor([[0.1000, 0.0000],
            [0.0000, 0.1000]])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=(3.4445, -4.7750, 2.0315),
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
    ):
        check_lr_sentence(lr)
        check_sentence(momentum >= 0.0, "momentum", ">= 0", momentum)
        check_sentence(weight_decay >= 0.0, "weight decay", ">= 0", weight_decay)
        if adjust_lr_fn is not None and adjust_lr_fn not in ADJUSTMENTS:
            raise out_of_range(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise out_of_range(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

    def _needed(self, group):
        return ("momentum_buffer",)

    def _shaped(self, group):
        return ("momentum_buffer",)

    def _check(self, group, params):
        if any(p.is_complex() for p in params):
            raise RuntimeError("Muon does not support complex parameters")
        if group["ns_steps"] >= 100:
            raise out_of_range("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise out_of_range("Coefficients must be a tuple of exactly 3 values")

    def _plan(self, plan, param, state, group):
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros(param)
        array, buffer = param._array.copy(), state["momentum_buffer"]._array.copy()
        optim_meaning.muon(
            array,
            param._grad._array,
            buffer,
            float(group["lr"]),
            group["momentum"],
            group["nesterov"],
            group["weight_decay"],
            group["ns_coefficients"],
            group["eps"],
            group["ns_steps"],
            ADJUSTMENTS[group["adjust_lr_fn"] or "original"](*param.shape),
        )
        plan.put(param._array, array)
        plan.put(state["momentum_buffer"]._array, buffer)
