"""Watchers: what sees every operation as it runs, forward and backward, and may change the result.

Profiles and checks are watchers. They are in force for the thread or task that entered them.
"""

from contextvars import ContextVar

from . import core

_current = ContextVar("rushlight_watchers", default=())
# An entry for each watcher in force in any thread: while it is empty, nobody needs to be told of anything.
in_force = []

# What one watcher adds to the count of transforms in `core`: unlike function transforms (which count 1) it leaves
# the kernels of a backward pass in use.
_WATCHER = 1 << 20


class Watcher:
    """Used as `with watcher:`. Of several, the one entered last is asked first."""

    # Whether `called` is of interest; without it operations keep their short way.
    watches_calls = True
    # Whether it sees what custom Functions compute in their forward, too.
    watches_within = False
    # Whether an error in backward tells the calls of the forward by this watcher, so that no warning has to.
    tells_calls = False

    def called(self, op, inputs, params, in_place, proceed):
        """An operation runs: proceed() runs it and returns its result, a tensor or a tuple of them.

        What this method itself computes is not watched by it.
        """
        return proceed()

    def pulled(self, node, g, proceed):
        """A node runs backward: proceed() returns the gradients of its inputs, None where there is none.

        `g` is its gradient, a list for a node of several outputs.
        """
        return proceed()

    def applying(self, ctx, args):
        """The forward of a custom Function begins, for watchers within: what to call with its outputs, or None."""

    def explains(self, error, node):
        """Anomaly detection is about to raise this error, since a gradient that `node` gave is nan: add what is known."""

    def noted(self, kind, source, result):
        """A tensor's values went on without its history: `result` is what `source.detach()` (or .item(), ...) gave."""

    def asked(self, array):
        """The numbers that a tensor's array holds decide what is done."""

    def drawn(self, kind, result):
        """The function of that name has drawn a tensor of random numbers."""

    def __enter__(self):
        _current.set((*_current.get(), self))
        in_force.append(None)
        if self.watches_calls:
            core.transforms_entered(_WATCHER)
        return self

    def __exit__(self, *_):
        in_force.pop()
        if self.watches_calls:
            core.transforms_entered(-_WATCHER)
        watchers = list(_current.get())
        watchers.remove(self)
        _current.set(tuple(watchers))


def current():
    """The watchers in force, the innermost last; None where there is none."""
    return _current.get() or None


def note(kind, source, result):
    """Tell the watchers what is no operation. Callers ask `if watching.in_force` first."""
    for watcher in _current.get():
        watcher.noted(kind, source, result)


def asked(array):
    """Tell the watchers that numbers are read; callers ask `if watching.in_force` first."""
    for watcher in _current.get():
        watcher.asked(array)


def drawn(kind, result):
    """Tell the watchers of random numbers; callers ask `if watching.in_force` first."""
    for watcher in _current.get():
        watcher.drawn(kind, result)


def within(watchers, run):
    """run(), the forward of a custom Function, seen by those of its watchers who look within."""
    before = _current.get()
    try:
        _current.set(tuple([watcher for watcher in watchers or () if watcher.watches_within]))
        return run()
    finally:
        _current.set(before)


class paused:
    """`with paused():` nothing is watched."""

    def __enter__(self):
        self._token = _current.set(())

    def __exit__(self, *_):
        _current.reset(self._token)


def called(watchers, op, inputs, params, in_place, run):
    """run(op, inputs, params, in_place), seen by all watchers."""
    if not watchers:
        return run(op, inputs, params, in_place)
    before = _current.get()
    try:
        _current.set(watchers[:-1])
        return watchers[-1].called(
            op, inputs, params, in_place, lambda: called(watchers[:-1], op, inputs, params, in_place, run)
        )
    finally:
        _current.set(before)


def pulled(watchers, node, g, results):
    """results(node, g), seen by all watchers."""
    if not watchers:
        return results(node, g)
    return watchers[-1].pulled(node, g, lambda: pulled(watchers[:-1], node, g, results))
