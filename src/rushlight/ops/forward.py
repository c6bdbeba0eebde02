"""Forward mode: how a tangent goes through an operation, whatever its kind.

A tensor's tangents are a dict from level to Tensor. Tangents of a higher level carry tangents of the lower ones, which
are the mixed second derivatives; so a rule of level L is computed with only the levels below L in force.
"""

import weakref
from contextvars import ContextVar

import numpy as np

from .. import casting, core, errors, modes, watching
from ..core import TensorBase
from ..hooks import next_number
from ..modes import grad_enabled
from . import batching, copying
from .batching import primal
from .strided import laid_as, lies_as

_SHAPE, _OUT, _PARAM = 1000, 2000, 3000
_ALL = 1 << 60

# Only levels below this one count: see the head of this file.
_below = ContextVar("rushlight_forward_below", default=_ALL)


class Level:
    """An open level of forward differentiation; its tangents are gone when it closes."""

    def __init__(self):
        self.number = next_number()
        self.open = True
        self.holders = []
        # The tensors that got their tangent by being written to, by id: views made before have none of their own.
        self.written = {}
        core.transforms_entered(1)

    def close(self):
        self.open = False
        core.transforms_entered(-1)
        for reference in self.holders:
            holder = reference()
            if holder is not None and holder.tangent is not None:
                holder.tangent.pop(self, None)
        self.holders = []


def tangent_of(x, level):
    """The tangent of x at a level, None where it has none."""
    if not isinstance(x, TensorBase):
        return None
    if x.tangent is not None and level in x.tangent:
        return x.tangent[level]
    return _tangent_of_view(x, level) if x.view_of is not None else None


def _tangent_of_view(x, level):
    """That of a view whose base got a tangent by a write since the view was made."""
    base = x.view_of.base
    reference = level.written.get(id(base))
    if reference is None or reference() is not base:
        return None
    from .complex import seen_as

    batching.refresh(x)
    tangent = below(level.number, seen_as, base.tangent[level], x._array, base._array)
    put_tangent(x, level, tangent)
    return tangent


def put_tangent(x, level, tangent):
    """Give x a tangent, which lives for as long as its level."""
    if x.tangent is None:
        x.tangent = {}
    x.tangent[level] = tangent
    level.holders.append(weakref.ref(x))


def transformed(op, inputs, params, in_place):
    """What the core calls for every operation while a transform, a watcher or autocast is in force."""
    if casting.in_force and not in_place and modes.autocast_enabled():
        return casting.run(op, inputs, params, _watched)
    return _watched(op, inputs, params, in_place)


def _watched(op, inputs, params, in_place):
    watchers = watching.current()
    if watchers is not None:
        return watching.called(watchers, op, inputs, params, in_place, _dispatched)
    return _dispatched(op, inputs, params, in_place)


def _dispatched(op, inputs, params, in_place):
    levels = levels_of(inputs)
    if not levels:
        if in_place:
            return batching.written(op, inputs, params)
        out = primal(op, inputs, params)
        return _without_tangents(out, inputs[0].tangent) if op.is_view and inputs[0].tangent else out
    if in_place:
        return _in_place(op, inputs, params, levels)
    # The tangents at these levels belong to the samples: what is behind a batch knows nothing of them.
    batch = batching.number_of(inputs)
    out = below(batch, primal, op, inputs, params) if batch else primal(op, inputs, params)
    if op.differentiable:
        for level in levels:
            _give(out, level, _pushed(op, inputs, params, out, level))
        _keep_tangents(out)
    return out


def _without_tangents(out, tangents):
    """Views of what was told to have no tangent have none either, whatever their base has."""
    for part in out if isinstance(out, tuple) else (out,):
        part.tangent = dict.fromkeys(tangents)
    return out


def _keep_tangents(out):
    """Let the node of an operation, which keeps only the arrays of its outputs, know their tangents too."""
    outs = out if isinstance(out, tuple) else (out,)
    for part in outs:
        node = part._grad_fn
        if node is not None and node.outs is not None:
            node.tangents = [part.tangent for part in outs]
            return


def _floating(x):
    return x._array.dtype.kind in "fcV"


def levels_of(inputs):
    """The open levels, lowest first, at which an input has a tangent."""
    found = None
    for x in inputs:
        if isinstance(x, TensorBase) and (x.tangent or x.view_of is not None):
            levels = _own_levels(x)
            found = levels if found is None else found | levels
    if not found:
        return ()
    # What lies below the innermost batch is seen when the batch is opened.
    first, limit = batching.number_of(inputs), _below.get()
    return sorted([level for level in found if first < level.number < limit and level.open], key=_number)


def _own_levels(x):
    """The levels at which x has a tangent, or gets one from its base."""
    levels = set() if x.tangent is None else {level for level, t in x.tangent.items() if t is not None}
    if x.view_of is None or not x.view_of.base.tangent:
        return levels
    return levels | {level for level in list(x.view_of.base.tangent) if tangent_of(x, level) is not None}


def _number(level):
    return level.number


def below(number, function, *args):
    """function(*args) with only the levels below `number` in force."""
    # Here and elsewhere the value is taken first and set within `try`: an interrupt may come right after it is set.
    before = _below.get()
    try:
        _below.set(min(number, before))
        return function(*args)
    finally:
        _below.set(before)


def _give(out, level, tangent):
    """Put the tangent(s) of the output(s)."""
    if isinstance(out, tuple):
        for part, t in zip(out, tangent if isinstance(tangent, (tuple, list)) else [None] * len(out)):
            if t is not None and _floating(part):
                put_tangent(part, level, t)
    elif tangent is not None and _floating(out):
        put_tangent(out, level, tangent)


def _pushed(op, inputs, params, out, level):
    """The tangent of the output at `level`."""
    tangents = [tangent_of(x, level) for x in inputs]
    before = _below.get()
    try:
        _below.set(level.number)
        if (out[0] if isinstance(out, tuple) else out).view_of is not None:
            _lay_tangent(inputs[0], level, tangents)
        if op.push is not None:
            return _by_push(op, inputs, params, out, tangents)
        if op.kind == "linear":
            return _through_itself(op, inputs, params, tangents)
        if op.kind in ("elementwise", "symmetric"):
            return _by_rules(op, inputs, params, out, tangents)
    finally:
        _below.set(before)
    raise NotImplementedError(
        f"Trying to use forward AD with {op.name} that does not support it because it has not been implemented yet."
    )


def _lay_tangent(x, level, tangents):
    """Let the tangent of x, which is about to be viewed as x is, lie in memory as x does."""
    t = tangents[0]
    if t is None or t._array.shape != x._array.shape or lies_as(t._array, x._array):
        return
    tangents[0] = laid_as(t, x._array)
    put_tangent(x, level, tangents[0])


def _by_rules(op, inputs, params, out, tangents):
    """The sum of the rules, which serve both directions, applied to the tangents."""
    total = None
    for i, t in enumerate(tangents):
        rule = op.rules[i]
        if t is None or rule is None:
            continue
        part = rule.fn(t, *[argument(op, rule, k, inputs, params, out) for k in range(rule.count)])
        total = part if total is None else total + part
    return None if total is None else like(total, out)


def like(t, out):
    """A tangent in the shape and dtype of the output."""
    if t._array.dtype != out._array.dtype:
        t = copying.to_dtype(t, dtype=out._array.dtype)
    if t._array.shape != out._array.shape:
        # A write to the output writes to its tangent, whose elements have to be apart.
        t = copying.clone(copying.expand(t, shape=out._array.shape), order="C")
    return t


def argument(op, rule, k, inputs, params, out):
    """Argument k of a rule, from the operation's inputs, outputs and parameters at hand."""
    source, name = rule.sources[k], rule.names[k]
    if source < _SHAPE:
        return inputs[source]
    if source < _OUT:
        return core.array_of(inputs[source - _SHAPE]).shape
    if source < _PARAM:
        return out[source - _OUT] if isinstance(out, tuple) else out
    return params[name]


def _through_itself(op, inputs, params, tangents):
    """A linear operation applied to the tangents: to all at once, or to one input after the other."""
    rules = op.rules if not op.variadic else op.rules[:1] * len(inputs)
    if op.jointly or op.variadic:
        ruled = [op.joint is not None or rules[i] is not None for i in range(len(inputs))]
        moved = [(_or_zeros(t, x, op.variadic) if r else x) for t, x, r in zip(tangents, inputs, ruled)]
        return op(*moved, **params)
    total = None
    for i, t in enumerate(tangents):
        if t is None or (op.joint is None and rules[i] is None):
            continue
        part = op(*[t if k == i else x for k, x in enumerate(inputs)], **params)
        total = part if total is None else _sum(total, part)
    return total


def _sum(a, b):
    return tuple(x + y for x, y in zip(a, b)) if isinstance(a, tuple) else a + b


def _or_zeros(t, x, joined=False):
    """The tangent, zeros where there is none; index arrays stay, unless all inputs are values that are joined."""
    if t is not None:
        return t
    if not isinstance(x, TensorBase):
        return 0 * x if isinstance(x, (int, float, complex)) and not isinstance(x, bool) else x
    return _zeros(x) if joined or _floating(x) else x


def _zeros(x):
    array = core.array_of(x)
    return core.wrap(np.zeros(array.shape, array.dtype))


def _by_push(op, inputs, params, out, tangents):
    """The operation's own forward-mode rule."""
    function, names = op.push
    arguments = []
    for name in names:
        if name.endswith("_t") and name[:-2] in op.inputs:
            position = op.inputs.index(name[:-2])
            whole = op.variadic and position == len(op.inputs) - 1
            arguments.append(tangents[position:] if whole else tangents[position])
        elif name in op.inputs:
            position = op.inputs.index(name)
            whole = op.variadic and position == len(op.inputs) - 1
            arguments.append(inputs[position:] if whole else inputs[position])
        elif name.endswith("_shape") and name[:-6] in op.inputs:
            arguments.append(core.array_of(inputs[op.inputs.index(name[:-6])]).shape)
        elif name in op.outputs:
            arguments.append(out[op.outputs.index(name)])
        elif name == "out":
            arguments.append(out)
        else:
            arguments.append(params[name])
    return function(*arguments)


def _in_place(op, inputs, params, levels):
    """An in-place write: the operation is run on a copy, with history and tangents, and its result is written."""
    x = inputs[0]
    if op.differentiable and grad_enabled() and core.needed_of(inputs):
        errors.check_inplace(x)
    before = copying.clone(x)
    out = _dispatched(op, tuple([before if y is x else y for y in inputs]), params, False)
    errors.check_result(op, x._array, out._array)
    batching.written(copying.copy, (x, out), copying.copy.defaults)
    for level in levels:
        _write_tangent(x, level, tangent_of(out, level))
    return x


def _write_tangent(x, level, t):
    """Replace the tangent of x in place, so that views of x, and the base that x views, see it."""
    before = tangent_of(x, level)
    if before is None and t is None:
        return
    if before is None:
        base = x if x.view_of is None else x.view_of.base
        if tangent_of(base, level) is None:
            put_tangent(base, level, laid_as(_zeros(base), base._array))
        level.written[id(base)] = weakref.ref(base)
        before = tangent_of(x, level)
    core.inplace(copying.copy, before, (_zeros(before) if t is None else t,), copying.copy.defaults)
