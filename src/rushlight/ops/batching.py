"""Batching (vmap): tensors that hide a dimension, and how operations on them run for the whole batch at once.

Under `vmap` a tensor shows one sample: its `_array` is a `Batched`, an array of the sample's shape, dtype and strides that
refuses to be computed with, and knows the tensor of all samples, `hidden`, whose first dimension is the batch. An
operation on such tensors is run by its batching rule on the hidden ones, and recorded twice: below, where the hidden
tensors have a history like any others, and at the level itself for tensors that are differentiated inside of it.
"""

from contextvars import ContextVar
from weakref import WeakValueDictionary, ref

import numpy as np

from .. import core, errors
from ..core import TensorBase
from ..dtypes import result_dtype
from ..hooks import next_number
from ..inplace import rebase, run_inplace, storage_geometry
from ..modes import grad_enabled
from .batch_rules import aligned, full
from .copying import clone, copy, to_dtype
from .hidden import Batched, Split, Unlike, outlived
from .identity import alias
from .strided import as_strided, laid_as

_open = ContextVar("rushlight_batch_levels", default=())


class BatchLevel:
    """One vmap at work: its size, how it treats randomness, and which samples of the caller's batch it holds."""

    def __init__(self, size, randomness, chosen=None):
        # As that of a level of forward mode: the larger number is the inner one.
        self.number = next_number()
        self.randomness = randomness
        # Where the batch was split, the positions of the samples that are left; None for all of `whole`.
        self.chosen = chosen
        self.whole = size
        self.size = size if chosen is None else len(chosen)
        self.open = False
        # Whether requires_grad was switched on inside.
        self.leaves = False
        # Of the outermost level: views and other aliases of tensors made inside, and what they are aliases of, by id.
        self.aliases, self.sources = WeakValueDictionary(), {}

    def __enter__(self):
        core.transforms_entered(1)
        # Tensors that are born from here on are the vmapped function's own.
        self.entered = core.entered()
        self._token = _open.set((*_open.get(), self))
        self.open = True
        return self

    def __exit__(self, *_):
        self.open = False
        self.sources.clear()
        _open.reset(self._token)
        core.transforms_entered(-1)


def innermost():
    """The innermost open level of batching, None outside of vmap."""
    levels = _open.get()
    return levels[-1] if levels else None


def level_of(inputs):
    """The innermost level at which one of the inputs is batched, None where none is."""
    found = None
    for x in inputs:
        if not isinstance(x, TensorBase):
            continue
        if x.view_of is not None:
            refresh(x)
        if type(x._array) is Batched:
            level = x._array.level
            if not level.open:
                raise outlived()
            if found is None or level.number > found.number:
                found = level
    return found


def number_of(inputs):
    level = level_of(inputs)
    return 0 if level is None else level.number


def show(hidden, level, batched=True):
    """The tensor that stands for the samples of `hidden` (its first dimension, where `batched`) inside of `level`."""
    array = hidden._array
    if type(array) is Batched:
        array = array.view(np.ndarray)
    if batched:
        array = array[0, ...] if len(array) else np.empty(array.shape[1:], array.dtype)
    shown = array.view(Batched)
    core.transforms_entered(1)
    shown.level, shown.hidden, shown.batched = level, hidden, batched
    return core.wrap(shown)


def lifted(x):
    """x for differentiation inside of the innermost level: a fresh tensor of that level, without history in it."""
    level = innermost()
    return x if level is None else at_level(x, level)


def at_level(x, level):
    """x as a tensor of `level`; one from outside is the same for all samples, and a constant there."""
    if type(x._array) is Batched and x._array.level is level:
        return x
    if type(x._array) is Batched and not x._array.level.open:
        raise outlived()
    shown = show(x, level, False)
    if level.leaves and x.requires_grad and x.born >= level.entered:
        core.record(alias, (x,), {}, [shown])
    return shown


def leaf_made():
    """Let open levels know that a leaf is made inside of them: what it is used for has a history there."""
    for level in _open.get():
        level.leaves = True


def tracked_below(x):
    """Whether history is recorded for x outside of the level that it belongs to."""
    array = x._array
    while type(array) is Batched:
        if array.hidden.requires_grad:
            return True
        array = array.hidden._array
    return False


def primal(op, inputs, params):
    """The operation without regard to tangents at the level of its inputs."""
    level = level_of(inputs)
    if level is None:
        out = core.run(op, inputs, params)
    else:
        inputs = tuple([_joined(x, level) for x in inputs])
        out = recorded(op, inputs, params, computed(op, inputs, params, level))
    for part in out if isinstance(out, tuple) else (out,):
        if part.view_of is not None:
            followed(part, inputs[0])
    return out


def _joined(x, level):
    """An input as a tensor of the level; numbers stay."""
    if isinstance(x, np.ndarray):
        x = core.wrap(x)
    if not isinstance(x, TensorBase):
        return x
    shown = at_level(x, level)
    if shown is not x and x.tangent:
        # The node of the operation keeps it, and with it the tangents at levels inside of this one.
        shown.tangent = {inner: t for inner, t in x.tangent.items() if inner.number > level.number and inner.open}
        for inner in shown.tangent:
            inner.holders.append(ref(shown))
    return shown


def computed(op, inputs, params, level):
    """The operation on the hidden tensors, shown at the level: one tensor or a tuple, not yet recorded there."""
    hidden = [x._array.hidden if isinstance(x, TensorBase) else x for x in inputs]
    batched = [isinstance(x, TensorBase) and x._array.batched for x in inputs]
    if True not in batched:
        out, differs = core.apply(op, tuple(hidden), params), False
    else:
        out, differs = _by_rule(op, inputs, hidden, batched, params, level), True
    if isinstance(out, tuple):
        return tuple([show(part, level, differs) for part in out])
    return show(out, level, differs)


def _by_rule(op, inputs, hidden, batched, params, level):
    if op.check is not None:
        op.check(*[core.array_of(x) for x in inputs])
    if op.promotion != 0:
        _promote(inputs, hidden, batched)
    rule = op.batch or (aligned if op.elementwise else None)
    if rule is None:
        raise NotImplementedError(f"Batching rule not implemented for {op.name}. We could not generate a fallback.")
    try:
        return rule(op, level.size, hidden, batched, params)
    except Unlike as error:
        raise Split(level, error.groups) from None


def _promote(inputs, hidden, batched):
    """Cast hidden tensors of samples without dimensions, which count less in promotion than the batch of them would."""
    arrays = [core.array_of(x) for x in inputs]
    kinds = {a.dtype for a in arrays if isinstance(a, np.ndarray)}
    if len(kinds) < 2:
        return
    target = result_dtype(arrays).numpy
    for i, a in enumerate(arrays):
        if batched[i] and a.ndim == 0 and a.dtype != target:
            hidden[i] = to_dtype(hidden[i], dtype=target)


def recorded(op, inputs, params, out):
    """Make the call the history of its results at their level, where something is differentiated there."""
    core.record(op, inputs, params, list(out) if isinstance(out, tuple) else [out])
    return out


def by_values(function, x):
    """function(array) as a tensor without history, for functions that take leading dimensions as they come."""
    array = x._array
    if type(array) is not Batched:
        return core.wrap(np.asarray(function(array)))
    return show(by_values(function, array.hidden), array.level, array.batched)


# -- random numbers


def _check_random(levels):
    if any([level.randomness == "error" for level in levels]):
        raise errors.coded(
            "RL504",
            RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                "randomness flags on vmap or perform the randomness operation out of vmap"
            ),
        )


def sampled(draw, shape):
    """A tensor of draw(shape): for all samples the same, or for each its own, also where the batch was split since."""
    levels = _open.get()
    _check_random(levels)
    levels = [level for level in levels if level.randomness == "different"]
    array = draw((*[level.whole for level in levels], *shape))
    for axis, level in enumerate(levels):
        if level.chosen is not None:
            array = array.take(level.chosen, axis)
    tensor = core.wrap(array)
    for level in levels:
        tensor = show(tensor, level)
    return tensor


def rows_drawn(draw, x):
    """draw(rows), which draws for each row of an array on its own, for the rows of a tensor."""
    array = x._array
    _check_random(_open.get())
    if type(array) is not Batched:
        return core.wrap(draw(array))
    hidden = rows_drawn(draw, x._array.hidden.reshape(-1, array.shape[-1]))
    lead = x._array.hidden._array.shape[:-1]
    return show(hidden.reshape(*lead, hidden._array.shape[-1]), array.level, array.batched)


# -- writes in place


def written(op, inputs, params):
    """The in-place form of an operation, without regard to tangents at the level of its inputs."""
    level = level_of(inputs)
    if level is None:
        return run_inplace(op, inputs[0], inputs[1:], params)
    x, rest = inputs[0], [_joined(y, level) for y in inputs[1:]]
    shown = at_level(x, level)
    tensors = [y for y in rest if isinstance(y, TensorBase)]
    recording = op.differentiable and grad_enabled()
    differs = not shown._array.batched and any([y._array.batched for y in tensors])
    # What is differentiated inside of the level can be written only into what belongs to it.
    if differs or (
        shown is not x
        and recording
        and core.needed_of(tuple(tensors))
        and _root(x, _open.get()[0]).born >= level.entered
    ):
        own(x, level)
        shown = x
    if shown is not x:
        # All are the same for every sample.
        rest = [y._array.hidden if isinstance(y, TensorBase) else y for y in rest]
        core.inplace(op, x, tuple(rest), params)
        return x
    if recording and core.needed_of((x, *rest)):
        errors.check_inplace(x)
        out = primal(op, (_before(x), *rest), params)
    else:
        kept_below = recording and any([tracked_below(y) for y in (x, *tensors)])
        out = computed(op, (_before(x) if kept_below else x, *rest), params, level)
    errors.check_result(op, x._array, out._array)
    hidden = x._array.hidden
    before = hidden._array
    core.inplace(copy, hidden, (out._array.hidden,), copy.defaults)
    if hidden._array is not before:
        _show_anew(x)
    core.written(x)
    if out.requires_grad:
        rebase(x, out._grad_fn)
    return x


def _base_of(x):
    return x if x.view_of is None else x.view_of.base


def followed(x, source):
    """Remember that x, a view or another alias of `source`, is to follow when that gets one value for each sample."""
    levels, array = _open.get(), x._array
    if not levels or source.born < levels[0].entered:
        return
    if type(array) is Batched and array.batched and len(levels) == 1:
        return
    levels[0].aliases[id(x)] = x
    levels[0].sources[id(x)] = _root(source, levels[0])


def _root(x, level):
    """The tensor whose memory x lies in."""
    base = _base_of(x)
    return level.sources[id(base)] if level.aliases.get(id(base)) is base else base


def own(x, level):
    """Give a tensor that was the same for all samples, made inside of the level, one value for each."""
    first = _open.get()[0]
    base = _root(x, first)
    if base.born < level.entered:
        raise errors.unbatched_write()
    shown, before = at_level(base, level), base._array
    if not shown._array.batched:
        hidden = laid_as(full(shown._array.hidden, level.size, False), before)
        if shown is not base and base.is_leaf and base.requires_grad:
            hidden = hidden.detach()
        elif shown is not base:
            # What history it has lies outside of the level, and the hidden tensor has it too.
            base._grad_fn, base._requires_grad, base.output_nr = None, False, 0
        base._array = show(hidden, level)._array
        base._array.before = before
    for other in list(first.aliases.values()):
        if first.sources[id(other)] is base:
            _follow(other, base)
    if x is not base:
        _follow(x, base)


def _show_anew(x):
    """Show x, and what shares its memory, over the arrays that their hidden tensors have got."""
    first = _open.get()[0]
    root = _root(x, first)
    for other in [root, x, *[a for a in list(first.aliases.values()) if first.sources[id(a)] is root]]:
        array = other._array
        if type(array) is Batched:
            level_of((array.hidden,))
            other._array = show(array.hidden, array.level, array.batched)._array
            other._array.before = array.before


def refresh(x):
    """Let a view follow its base, where that has got one value for each sample since."""
    _follow(x, x.view_of.base)


def _follow(x, base):
    base, array = base._array, x._array
    if type(base) is not Batched or base.before is None:
        return
    if type(array) is Batched and array.level is base.level and array.batched:
        return
    geometry = storage_geometry(array, base.before)
    x._array = primal(as_strided, (show(base.hidden, base.level),), {**geometry})._array
    if type(array) is not Batched or array.level is not base.level:
        x._grad_fn, x._requires_grad, x.output_nr = None, False, 0


def _before(x):
    """x as it was before a write, with its history and memory of its own."""
    kept = show(clone(x._array.hidden), x._array.level, x._array.batched)
    return core.restore(kept._array, _edge(x), x.output_nr, kept.versions)


def _edge(x):
    """What x comes from: a node, x itself where it is a leaf, None where it has no history."""
    return (x.grad_fn or x) if x.requires_grad else None


def detached(x):
    """x without history, at its own level and below."""
    array = x._array
    return show(array.hidden.detach(), array.level, array.batched)


def shown(x):
    """How a tensor under vmap is printed: with the values of all samples."""
    array = x._array
    place = _open.get().index(array.level) + 1 if array.level.open else 0
    inner = "\n".join([f"    {line}" for line in repr(array.hidden).split("\n")])
    return f"BatchedTensor(lvl={place}, bdim={0 if array.batched else None}, value=\n{inner}\n)"
