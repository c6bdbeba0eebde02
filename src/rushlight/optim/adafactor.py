"""Adafactor: second moments kept as one row and one column for each matrix."""

import numpy as np

from ..core import wrap
from ..kernels import optim_meaning
from .checks import check_lr_sentence, check_sentence
from .optimizer import begin, scalar
from .singly import Singly


class Adafactor(Singly):
    """Gradient over the root of a mean square that is kept as the product of a row and a column.

    Steps are relative: at most `lr`, and 1 / root(step), times the root mean square of the parameter, at least `eps[1]`.
    They are shortened where their own root mean square is above `d`; `beta2_decay` is the power of the step by which
    the mean square forgets. `eps[0]` is that of the dtype for None. Shazeer and Stern, "Adafactor: adaptive learning
    rates with sublinear memory cost" (2018). Raises ValueError for options out of range, RuntimeError for complex
    parameters.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0], requires_grad=True)
    >>> optimizer = rushlight.optim.Adafactor([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.7500], requires_grad=True)
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        beta2_decay=-0.8,
        eps=(None, 1e-3),
        d=1.0,
        weight_decay=0.0,
        *,
        foreach=None,
        maximize=False,
    ):
        check_lr_sentence(lr)
        check_sentence(beta2_decay <= 0.0, "beta2_decay", "<= 0", beta2_decay)
        check_sentence(eps[0] is None or eps[0] >= 0.0, "epsilon1", ">= 0", eps[0])
        check_sentence(eps[1] >= 0.0, "epsilon2", ">= 0", eps[1])
        check_sentence(d >= 1.0, "Clipping threshold d", ">= 1", d)
        check_sentence(weight_decay >= 0.0, "weight_decay", ">= 0", weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _start(self, state, param):
        array = param._array
        state["step"] = scalar()
        if array.ndim > 1:
            state["row_var"] = wrap(np.zeros((*array.shape[:-1], 1), array.dtype))
            state["col_var"] = wrap(np.zeros((*array.shape[:-2], 1, array.shape[-1]), array.dtype))
        else:
            state["variance"] = wrap(np.zeros_like(array))

    def _needed(self, group):
        return ("step",)

    def _check(self, group, params):
        if any(p.is_complex() for p in params):
            raise RuntimeError("Adafactor does not support complex parameters")

    def _plan(self, plan, param, state, group):
        if not state:
            begin(state, self._start, param)
        array, (first, second) = param._array.copy(), group["eps"]
        names = ("row_var", "col_var") if array.ndim > 1 else ("variance",)
        moments = [state[name]._array.copy() for name in names]
        step = state["step"]._array + 1
        optim_meaning.adafactor(
            array,
            -param._grad._array if group["maximize"] else param._grad._array,
            moments,
            float(step),
            float(group["lr"]),
            group["beta2_decay"],
            float(np.finfo(array.dtype).eps) if first is None else first,
            second,
            group["d"],
            group["weight_decay"],
        )
        plan.put(param._array, array)
        plan.put(state["step"]._array, step)
        for name, moment in zip(names, moments):
            plan.put(state[name]._array, moment)
