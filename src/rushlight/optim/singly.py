"""Optimizers that step one parameter after the other."""

from .gathering import with_grads
from .optimizer import Optimizer, called
from .plan import Plan


class Singly(Optimizer):
    """Says what a step writes of one parameter; nothing is written before that of all is known."""

    def _check(self, group, params):
        """Refuse parameters and options that a step does not take."""

    def _plan(self, plan, param, state, group):
        """Add to the plan what the step writes for one parameter."""
        raise NotImplementedError

    def step(self, closure=None):
        """Change all parameters that have a gradient, or none where it raises; returns what `closure()` returned."""
        loss = None if closure is None else called(closure)
        plan = Plan()
        for group in self.param_groups:
            params = with_grads(group["params"])[0]
            self._check(group, params)
            for param in params:
                self._plan(plan, param, self.state[param], group)
            plan.params += params
        plan.take()
        return loss
