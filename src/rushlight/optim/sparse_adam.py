"""SparseAdam: Adam that leaves rows without gradient alone."""

import numpy as np

from .checks import check_at_least_zero, check_betas, check_lr
from .elementwise import zeros
from .optimizer import begin
from .plan import Plan
from .singly import Singly


class SparseAdam(Singly):
    """Adam for embeddings: rows (of the first dimension) whose gradient is all zero keep their values and moments.

    Gradients are dense here also with `Embedding(sparse=True)`, so any gradient is taken, and its rows that are not
    zero are those that a sparse gradient of PyTorch's would name. Raises ValueError for options out of range.

    >>> import rushlight
    >>> table = rushlight.nn.Embedding.from_pretrained(rushlight.ones(3, 2), freeze=False, sparse=True)
    >>> optimizer = rushlight.optim.SparseAdam(table.parameters(), lr=0.25)
    >>> table(rushlight.tensor([1])).sum().backward()
    >>> optimizer.step()
    >>> table.weight.detach()
    tensor([[1.0000, 1.0000],
            [0.7500, 0.7500],
            [1.0000, 1.0000]])
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        check_lr(lr)
        check_at_least_zero("epsilon value", eps)
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def _needed(self, group):
        return ("step", "exp_avg", "exp_avg_sq")

    def _shaped(self, group):
        return ("exp_avg", "exp_avg_sq")

    def _start(self, state, param):
        state.update({"step": 0, "exp_avg": zeros(param), "exp_avg_sq": zeros(param)})

    def _plan(self, plan, param, state, group):
        if not state:
            begin(state, self._start, param)
        step = state["step"] + 1
        grad = param._grad._array
        rows = np.flatnonzero(grad.reshape(len(grad), -1).any(1)) if grad.ndim else np.flatnonzero(grad)
        whole = [np.atleast_1d(a) for a in (param._array, grad, state["exp_avg"]._array, state["exp_avg_sq"]._array)]
        # Adam over those rows alone, put back where they were taken.
        taken = [a[rows] for a in whole]
        # Its eps stands beside the uncorrected root.
        eps = group["eps"] / (1 - float(group["betas"][1]) ** step) ** 0.5
        options = (group["lr"], *group["betas"], eps, 0.0, False, group["maximize"])
        rows_alone = Plan()
        rows_alone.add([], "adam", [*([a] for a in taken), None], [[np.array(float(step) - 1)]], options)
        rows_alone.take()
        for old, new in zip((whole[0], *whole[2:]), (taken[0], *taken[2:])):
            plan.put(old, new, rows)
        plan.replace(state, "step", step)
