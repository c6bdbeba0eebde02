"""Parameters whose gradients are there, and the optimizers that step them: what the tests of steps begin with."""

import numpy as np

import rushlight as rl
from rushlight import optim

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD of momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "NAdam": lambda p: optim.NAdam(p, lr=0.1),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "ASGD": lambda p: optim.ASGD(p, lr=0.1),
    "Rprop": lambda p: optim.Rprop(p, lr=0.1),
    "Adafactor": lambda p: optim.Adafactor(p, lr=0.1),
    "Muon": lambda p: optim.Muon(p, lr=0.1),
    "SparseAdam": lambda p: optim.SparseAdam(p, lr=0.1),
}
# Of which compiled loops take all, some, or none.
LAYOUTS = {
    "plain": lambda i: rl.ones(3, 2),
    "strided": lambda i: rl.ones(2, 3).t() if i % 2 else rl.ones(3, 2),
    "half": lambda i: rl.ones(3, 2, dtype=rl.float16),
}


class Stepped:
    """Parameters in two groups, and their optimizer."""

    def __init__(self, make, layout):
        self.params = [LAYOUTS[layout](i).requires_grad_() for i in range(8)]
        for i, p in enumerate(self.params):
            p.grad = rl.full_like(p, 0.25 + i).detach()
        self.optimizer = make([{"params": self.params[:5]}, {"params": self.params[5:]}])

    def values(self):
        """All numbers of the parameters and of the state, but for states that have only begun."""
        kept = [p.detach().numpy().copy() for p in self.params]
        for p in self.params:
            state = self.optimizer.state[p]
            kept.append([value.numpy().copy() if isinstance(value, rl.Tensor) else value for value in state.values()])
        return kept


def same(some, others):
    return all(
        same(a, b) if isinstance(a, list) else np.array_equal(a, b) and type(a) is type(b)
        for a, b in zip(some, others, strict=True)
    )
