"""An optimizer that works on other parameters and another state for a while."""

from collections import defaultdict
from contextlib import contextmanager

_NAME = "swap_in_optimizer_params_and_state"


@contextmanager
def swap_in_optimizer_params_and_state(optimizer, swapin_parameters, swapin_optim_state):
    """Within the block the optimizer has these parameters, by name in its order, and the state of a `state_dict()`.

    Tensors of that state are written to; what the optimizer puts beside or in place of them is gone after the block.
    Raises RuntimeError for an optimizer without state, and for parameters or groups that are not as many as its own.

    >>> import rushlight
    >>> x, y = rushlight.ones(2, requires_grad=True), rushlight.zeros(2, requires_grad=True)
    >>> x.grad, y.grad = rushlight.ones(2), rushlight.ones(2)
    >>> optimizer = rushlight.optim.SGD([x], lr=0.5, momentum=0.9)
    >>> optimizer.step()
    >>> with rushlight.optim.swap_in_optimizer_params_and_state(optimizer, {"y": y}, optimizer.state_dict()):
    ...     optimizer.step()
    >>> x, y
    (tensor([0.5000, 0.5000], requires_grad=True), tensor([-0.9500, -0.9500], requires_grad=True))
    """
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    state, groups = _swapped(optimizer, list(swapin_parameters.values()), swapin_optim_state)
    own = optimizer.state, optimizer.param_groups
    optimizer.state, optimizer.param_groups = state, groups
    try:
        yield
    finally:
        optimizer.state, optimizer.param_groups = own


def _swapped(optimizer, params, state_dict):
    saved, groups, by_number = state_dict.get("param_groups"), [], {}
    if not isinstance(saved, list):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of param-group dicts, "
            f"got {type(saved).__name__}."
        )
    if len(saved) != len(optimizer.param_groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than the live optimizer.")
    sizes = [len(group["params"]) for group in optimizer.param_groups]
    if len(params) < sum(sizes) or [len(group["params"]) for group in saved] != sizes:
        raise RuntimeError(f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering.")
    rest = iter(params)
    for group in saved:
        chosen = [next(rest) for _ in group["params"]]
        by_number.update(zip(group["params"], chosen))
        groups.append({**group, "params": chosen})
    state = defaultdict(dict)
    for number, param in by_number.items():
        state[param] = dict(state_dict["state"].get(number, ()))
    return state, groups
