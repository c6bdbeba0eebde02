"""Stochastic gradient descent, with momentum where asked for."""

from .checks import check_at_least_zero, check_lr, check_modes
from .elementwise import Elementwise, zeros
from .gathering import kept, states_of


class SGD(Elementwise):
    """p -= lr * grad, the gradient first smoothed by `momentum`; `nesterov` looks one step ahead.

    Nesterov's momentum is that of Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and
    momentum in deep learning" (2013). Raises ValueError for negative options, and for nesterov without momentum or
    with dampening.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.SGD([x], lr=0.5)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.], requires_grad=True)
    """

    formula = "sgd"
    numbers = ()

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_lr(lr)
        check_at_least_zero("momentum value", momentum)
        check_at_least_zero("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_modes(differentiable, foreach, fused)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _arrays(self, group):
        return ("momentum_buffer" if group["momentum"] else None,)

    def _options(self, group):
        return (
            group["lr"],
            group["momentum"],
            group["dampening"],
            group["weight_decay"],
            group["nesterov"],
            group["maximize"],
            False,
        )

    def _plan_group(self, plan, params, arrays, group):
        options = self._options(group)
        if not group["momentum"]:
            self._plan(plan, params, [*arrays, None], [{}] * len(params), group, options)
            return
        states = states_of(params, self.state)
        first = [i for i, own in enumerate(states) if own.get("momentum_buffer") is None]
        if first:
            # The first gradient is the momentum, undamped.
            self._plan_first(plan, *_at(first, params, arrays, states), group, (*options[:-1], True))
            params, arrays, states = _at(sorted({*range(len(params))}.difference(first)), params, arrays, states)
        if params:
            self._plan(plan, params, [*arrays, kept(states, "momentum_buffer")], states, group, options)

    def _plan_first(self, plan, params, arrays, states, group, options):
        buffers = [zeros(param) for param in params]
        for own, buffer in zip(states, buffers):
            if group["differentiable"]:
                own["momentum_buffer"] = buffer
                continue
            # It has a place, for which there may be no memory later, and is there when the step is.
            own["momentum_buffer"] = None
            plan.replace(own, "momentum_buffer", buffer)
        self._plan(plan, params, [*arrays, [buffer._array for buffer in buffers]], states, group, options)


def _at(places, params, arrays, states):
    return [params[i] for i in places], [[a[i] for i in places] for a in arrays], [states[i] for i in places]
