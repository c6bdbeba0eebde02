"""What a step reads of many parameters, gathered in lists of arrays. Compiled: this is most of a step of small ones."""


def with_grads(params):
    """The parameters that have a gradient, their arrays, and those of the gradients."""
    chosen, arrays, grads = [], [], []
    for param in params:
        grad = param._grad
        if grad is None:
            continue
        chosen.append(param)
        arrays.append(param._array)
        grads.append(grad._array)
    return chosen, arrays, grads


def states_of(params, state):
    """What an optimizer keeps for each of the parameters."""
    states = []
    for param in params:
        states.append(state[param])
    return states


def kept_each(states, names):
    """`kept` of each name; None for None."""
    lists = []
    for name in names:
        lists.append(None if name is None else kept(states, name))
    return lists


def kept(states, name):
    """The arrays that the states have under a name."""
    arrays = []
    for state in states:
        tensor = state[name]
        arrays.append(tensor._array)
    return arrays


def mark_written(params):
    """Count a write to each of the parameters."""
    for param in params:
        param.counter().bump()
