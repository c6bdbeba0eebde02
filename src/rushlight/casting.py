"""Autocast, its state: the dtypes in which operations compute within a region, and what is kept from call to call.

Whether it is on is one of the modes (modes.py): a bit that the number of the modes carries anyhow. While it is on
anywhere, calls take the way of function transforms, so where it is off everywhere nobody asks. What becomes of the
inputs of an operation is said in ops/autocast.py. All of it is the running thread's or task's own.
"""

from contextlib import nullcontext
from contextvars import ContextVar
from functools import partial

from . import core, modes
from .dtypes import bfloat16, float16

# An entry for each region in force in any thread: while it is empty, nobody needs to ask for the mode.
in_force = []
# What one region adds to the count of transforms: as much as a watcher, so that a backward pass keeps its kernels.
_REGION = 1 << 20
# Given by ops/autocast.py, which the first region imports: how an operation runs, and how a tensor is cast.
run = lowered = widened = None

# The dtypes that regions have where none is given, for all types of devices that PyTorch has them for.
_DTYPES = {
    **dict.fromkeys(("cpu", "xla", "hpu", "maia"), bfloat16),
    **dict.fromkeys(("cuda", "mps", "xpu", "ipu", "mtia", "hip", "privateuseone"), float16),
}


class State:
    """What `autocast` and the functions around it set, other than whether autocast is on; never changed, but replaced."""

    __slots__ = ("cache", "cache_enabled", "dtypes", "enabled", "nesting")

    def __init__(self):
        self.dtypes = _DTYPES
        # Types of devices other than the CPU for which someone said that autocast is on.
        self.enabled = frozenset()
        self.cache_enabled = True
        self.nesting = 0
        # Casts of leaves, kept until the outermost region ends; None outside of one.
        self.cache = None

    def but(self, **changes):
        """A copy with other values."""
        other = State.__new__(State)
        for name in State.__slots__:
            setattr(other, name, changes.get(name, getattr(self, name)))
        return other


_state = ContextVar("rushlight_autocast", default=State())  # noqa: B039, nobody changes it


def state():
    return _state.get()


def put(**changes):
    """Change the state of this thread or task."""
    _state.set(_state.get().but(**changes))


def enabled(kind):
    """Whether autocast is on for a type of devices. For others than the CPU that changes nothing."""
    return modes.autocast_enabled() if kind == "cpu" else kind in state().enabled


def put_enabled(kind, on):
    """Switch autocast on or off."""
    if kind != "cpu":
        put(enabled=state().enabled | {kind} if on else state().enabled - {kind})
    elif on != modes.autocast_enabled():
        _put_on() if on else _put_off()


def _put_on():
    if run is None:
        from .ops import autocast  # noqa: F401
    in_force.append(None)
    core.transforms_entered(_REGION)
    modes.put_autocast(True)


def _put_off():
    modes.put_autocast(False)
    core.transforms_entered(-_REGION)
    in_force.pop()


def here():
    """Whether operations of this thread choose their dtype."""
    return bool(in_force) and modes.autocast_enabled()


def low(*values):
    """Tensors in the region's dtype, for functions that refuse unlike dtypes; outside of a region as they are."""
    return [lowered(x) for x in values] if here() else values


def wide(*values):
    """Tensors of 16-bit floats as float32, for functions made of several operations; outside of a region as they are.

    Functions that many call ask `if casting.in_force` first.
    """
    return [widened(x) for x in values] if here() else values


def call_wide(function, args, named):
    """function(*args, **named) as one operation that computes in float32."""
    if not here():
        return function(*args, **named)
    return call_off(function, map(widened, args), {name: widened(value) for name, value in named.items()})


def call_off(function, args, named):
    """function(*args, **named) with autocast off."""
    if not here():
        return function(*args, **named)
    modes.put_autocast(False)
    try:
        return function(*args, **named)
    finally:
        modes.put_autocast(True)


def increment_nesting():
    """A region begins; returns how many there are now."""
    before = state()
    put(nesting=before.nesting + 1, cache={} if before.cache is None else before.cache)
    return before.nesting + 1


def decrement_nesting():
    """A region ends; with the outermost, what was cast is forgotten."""
    nesting = state().nesting - 1
    put(nesting=nesting, cache=state().cache if nesting > 0 else None)
    return nesting


def clear_cache():
    """Forget what was cast."""
    if state().cache:
        state().cache.clear()


class Region:
    """A `with` block in which autocast is on or off for a type of devices."""

    def __init__(self, kind, on, dtype, cache_enabled):
        self.kind, self.inner = kind, (on, dtype, cache_enabled)

    def __enter__(self):
        before = state()
        self.outer = enabled(self.kind), before.dtypes[self.kind], before.cache_enabled
        increment_nesting()
        self._put(*self.inner)

    def __exit__(self, *_):
        decrement_nesting()
        self._put(*self.outer)

    def _put(self, on, dtype, cache_enabled):
        put(dtypes={**state().dtypes, self.kind: dtype}, cache_enabled=cache_enabled)
        put_enabled(self.kind, on)


def again():
    """What makes a context like the one of this call, for what computes it a second time in a backward pass."""
    if not here():
        return nullcontext
    return partial(Region, "cpu", True, state().dtypes["cpu"], state().cache_enabled)
