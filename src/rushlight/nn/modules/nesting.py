"""Visiting a module and all inside it without recursion: modules may be nested as deeply as memory allows.

A visit is a generator. Where it wants a module inside to be visited it yields (that module, its visit), and it gets
what that visit returned. A module that is inside of itself is not visited again there: the visit gets None.
"""


def finish(module, visit):
    """Run the visit of `module`; what it returned.

    >>> from rushlight import nn
    >>> def count(module):
    ...     total = 1
    ...     for child in module.children():
    ...         total += yield child, count(child)
    ...     return total
    >>> net = nn.Sequential(nn.Sequential(nn.ReLU()), nn.ReLU())
    >>> finish(net, count(net))
    4
    """
    waiting, inside, value = [(module, visit)], {module}, None
    while waiting:
        module, visit = waiting[-1]
        try:
            child, begun = visit.send(value)
        except StopIteration as stop:
            waiting.pop()
            inside.discard(module)
            value = stop.value
            continue
        value = None
        if child not in inside:
            inside.add(child)
            waiting.append((child, begun))
    return value


def common(module, method):
    """Whether the module has `method`, a function, under its name: not one of its own class or its own."""
    return getattr(getattr(module, method.__name__), "__func__", None) is method
