"""Which call of which module recorded a node.

Nodes have numbers that grow with time. A recording notes the number at which the call of a module begins and the one at which
it ends, so operations cost nothing more: a node belongs to the innermost call that its number lies in.
"""

import threading
import weakref
from collections import deque

from ..core import new_node
from ..nn.modules.module import Module, register_module_forward_hook, register_module_forward_pre_hook
from ..ops.identity import alias

# (first number, last number, name within the module around it, class) of the calls that were recorded.
_finished = deque(maxlen=100_000)
_outermost = weakref.WeakSet()
_open = threading.local()


class record:
    """`with rushlight.viz.record():` remembers which nodes each call of a module records, for boxes in pictures.

    It costs two small function calls for each call of a module, and nothing for operations. The last 100,000 calls are
    remembered, in all threads; no tensor is kept.

    >>> import rushlight
    >>> model = rushlight.nn.Sequential(rushlight.nn.Linear(3, 2), rushlight.nn.Tanh())
    >>> with rushlight.viz.record():
    ...     loss = model(rushlight.ones(4, 3)).sum()
    >>> [box.title for box in rushlight.viz.graph(loss).boxes]
    ['Sequential', '0: Linear']
    """

    def __enter__(self):
        self._handles = [
            register_module_forward_pre_hook(_begin),
            register_module_forward_hook(_end, always_call=True),
        ]
        return self

    def __exit__(self, *_):
        for handle in self._handles:
            handle.remove()
        # Calls that an exception ended before their hooks.
        _open.__dict__.pop("stack", None)


def _now():
    return new_node(alias).sequence


def _begin(module, _):
    stack = _open.__dict__.setdefault("stack", [])
    if stack:
        name = _name_within(stack[-1][0], module)
    else:
        _outermost.add(module)
        name = ""
    stack.append((module, name, _now()))


def _end(module, *_):
    stack = _open.__dict__.get("stack", [])
    while stack:
        found, name, first = stack.pop()
        _finished.append((first, _now(), name, type(found).__name__))
        if found is module:
            return


def _name_within(outer, module):
    """The name of a module in the one whose forward calls it; '' where it is not part of it."""
    for name, child in outer._modules.items():
        if child is module:
            return name
    return next((name for name, child in outer.named_modules() if child is module), "")


def called_modules():
    """The modules that were called in a recording while no other was, as far as they are alive."""
    return list(_outermost)


def calls_over(numbers):
    """[(first index, last index, name, class), ...] of the calls that hold some of these numbers, which ascend.

    They nest, outer ones first. Two threads may record at once; of calls that overlap without nesting the later is left out.
    """
    from bisect import bisect_left, bisect_right

    found = []
    for first, last, name, kind in _finished:
        low, high = bisect_right(numbers, first), bisect_left(numbers, last)
        if low < high:
            found.append((low, high - 1, name, kind, first, last))
    found.sort(key=lambda call: (call[4], -call[5]))
    nested, stack = [], []
    for low, high, name, kind, first, last in found:
        while stack and stack[-1] <= first:
            stack.pop()
        if stack and last > stack[-1]:
            continue
        stack.append(last)
        nested.append((low, high, name, kind))
    return nested


def calls_guessed(nodes, model):
    """The same by the parameters that nodes use: those of one module, and what runs between them, are one call."""
    owners, kinds = {}, {}
    for name, module in model.named_modules():
        path = tuple(_joined(model, name))
        kinds[path] = type(module).__name__
        for parameter in module._parameters.values():
            if parameter is not None:
                owners.setdefault(id(parameter), path)
    paths = [_path_of(node, owners) for node in nodes]
    known = [i for i, path in enumerate(paths) if path is not None]
    for before, after in zip(known, known[1:]):
        for i in range(before + 1, after):
            paths[i] = common(paths[before], paths[after])
    return _runs(paths, kinds)


def _joined(model, name):
    """The names on the way to a module; containers that are never called are one with what they hold."""
    module, held = model, ""
    for part in name.split(".") if name else ():
        module = module._modules[part]
        held = f"{held}.{part}" if held else part
        if type(module).forward is not Module.forward:
            yield held
            held = ""
    if held:
        yield held


def _path_of(node, owners):
    """The names on the way to the module whose parameters a node uses; None where it uses none."""
    found = [owners[id(node.edge_at(i))] for i in range(node.count) if id(node.edge_at(i)) in owners]
    return common(*found) if found else None


def common(first, *others):
    """The beginning that all paths share."""
    for other in others:
        n = next((i for i, (a, b) in enumerate(zip(first, other)) if a != b), min(len(first), len(other)))
        first = first[:n]
    return first


def _runs(paths, kinds):
    """Calls as above: neighbours that share the beginning of their paths."""
    found, stack = [], []
    for i, path in enumerate([*paths, None]):
        wanted = [] if path is None else [path[:n] for n in range(len(path) + 1)]
        kept = next(
            (n for n, (call, want) in enumerate(zip(stack, wanted)) if call[0] != want), min(len(stack), len(wanted))
        )
        for call in stack[kept:]:
            call[1][1] = i - 1
        del stack[kept:]
        for want in wanted[kept:]:
            call = [i, i, want[-1] if want else "", kinds.get(want, "")]
            stack.append((want, call))
            found.append(call)
    return [tuple(call) for call in found]


def parameter_names(model):
    """{id of a parameter: its name} of a module, or of those whose calls were recorded."""
    names = {}
    for module in list(_outermost) if model is None else [model]:
        for name, parameter in module.named_parameters():
            names.setdefault(id(parameter), name)
    return names
