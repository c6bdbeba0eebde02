"""Optimizers whose step is one formula for all elements: one call for all parameters of a group."""

import numpy as np

from .. import modes
from ..core import wrap
from ..kernels import optim_meaning
from ..tensor import Tensor
from .gathering import kept_each, states_of, with_grads
from .optimizer import Optimizer, begin, called, scalar
from .plan import Plan


class Elementwise(Optimizer):
    """Names its formula, and says what it keeps of each parameter and which numbers the formula asks for."""

    # In kernels/optim.h and kernels/optim_meaning.py.
    formula = ""
    # What is kept beside the arrays of a parameter, each a tensor of one number.
    numbers = ("step",)

    def _start(self, state, param, group):
        """Fill in the state of a parameter that is stepped for the first time."""
        raise NotImplementedError

    def _arrays(self, group):
        """The names of the arrays that are kept, in the order of the formula; None for one that the options leave out."""
        raise NotImplementedError

    def _options(self, group):
        """The options of the formula in its order."""
        raise NotImplementedError

    def step(self, closure=None):
        """Change all parameters that have a gradient, or none where it raises; returns what `closure()` returned."""
        loss = None if closure is None else called(closure)
        plan = Plan()
        for group in self.param_groups:
            params, arrays, grads = with_grads(group["params"])
            if params:
                self._plan_group(plan, params, [arrays, grads], group)
        plan.take()
        return loss

    def _plan_group(self, plan, params, arrays, group):
        states = states_of(params, self.state)
        for param, own in zip(params, states):
            if not own:
                begin(own, self._start, param, group)
        arrays += kept_each(states, self._arrays(group))
        self._plan(plan, params, arrays, states, group, self._options(group))

    def _plan(self, plan, params, arrays, states, group, options):
        if group["differentiable"]:
            self._record(params, states, group, options)
            return
        plan.add(params, self.formula, arrays, kept_each(states, self.numbers), options)

    def _record(self, params, states, group, options):
        """The step as ordinary operations, so that gradients flow through it."""
        if group["foreach"]:
            raise AssertionError("_foreach ops don't support autograd")
        names = self._arrays(group)
        before = modes.flags()
        try:
            modes.put_grad(True)
            for param, state in zip(params, states):
                arrays = [param, param._grad, *[None if name is None else state[name] for name in names]]
                counts = [state[name].item() for name in self.numbers]
                new, after = _recorded(getattr(optim_meaning, self.formula), arrays, counts, options)
                param.copy_(new[0])
                state.update((name, value) for name, value in zip(names, new[1:]) if name is not None)
                for name, value in zip(self.numbers, after):
                    state[name] = wrap(np.array(float(value), state[name]._array.dtype))
        finally:
            modes.put_flags(before)

    def _needed(self, group):
        return (*self.numbers, *self._shaped(group))

    def _shaped(self, group):
        return tuple([name for name in self._arrays(group) if name is not None])

    def _tensors_of_numbers(self):
        """Old checkpoints count steps in plain numbers."""
        for state in self.state.values():
            for name in self.numbers:
                if name in state and not isinstance(state[name], Tensor):
                    state[name] = scalar(float(state[name]))

    def __setstate__(self, state):
        super().__setstate__(state)
        self._tensors_of_numbers()


def _recorded(formula, arrays, numbers, options):
    import rushlight

    if not arrays[0].is_complex():
        return formula(rushlight, arrays, numbers, *options)
    real = [None if a is None else rushlight.view_as_real(a) for a in arrays]
    new, after = formula(rushlight, real, numbers, *options)
    return [None if a is None else rushlight.view_as_complex(a) for a in new], after


def zeros(param):
    """Zeros like a parameter, without history."""
    return wrap(np.zeros_like(param._array))
