"""A step as it is planned, and then taken wholly: all that may fail comes before anything is written."""

from collections import deque
from itertools import chain, repeat
from operator import setitem

from ..kernels import load, optim_meaning
from .gathering import mark_written

_kernels = load("optim")


class Plan:
    """What a step will write.

    It is written in one call of C: no signal handler runs, so that nothing is raised, between the first and the last of it,
    and no memory is asked for.
    """

    def __init__(self):
        self.params = []
        self.calls = []
        self.written = []
        self.values = []

    def add(self, params, formula, arrays, numbers, options):
        """Step parameters by a formula of kernels/optim_meaning.py: lists of arrays as `kernels.optim.step` takes them."""
        self.params += params
        self.calls.append((formula, arrays, numbers, [float(option) for option in options]))

    def put(self, array, value, rows=...):
        """Write a value over an array, or over some of its rows."""
        self.written.append((array, rows))
        self.values.append(value)

    def replace(self, state, name, value):
        """Put a value in the place of one that a dict has."""
        self.written.append((state, name))
        self.values.append(value)

    def take(self):
        """Write all of it."""
        mark_written(self.params)
        if _kernels is not None and not self.written and _kernels.step(self.calls) is None:
            return
        rest = self._stage_declined()
        where, at = zip(*self.written) if self.written else ((), ())
        put = map(setitem, where, at, self.values)
        run = map(_kernels.step, [rest]) if rest else repeat(None, 0)
        deque(chain(run, put), maxlen=0)

    def _stage_declined(self):
        """Compute what the compiled loops do not take; what is left to them."""
        declined = None if _kernels is None else _kernels.declined(self.calls)
        if _kernels is not None and declined is None:
            return self.calls
        rest = []
        for k, (formula, arrays, numbers, options) in enumerate(self.calls):
            count = len(arrays[0])
            mine = set(range(count)) if declined is None else {i for call, i in declined if call == k}
            for i in sorted(mine):
                meaning = getattr(optim_meaning, formula)
                for old, new in optim_meaning.stepped(meaning, *_at([i], arrays, numbers, sole=True), options):
                    self.put(old, new)
            left = [i for i in range(count) if i not in mine]
            if left:
                rest.append((formula, *_at(left, arrays, numbers), options))
        return rest


def _at(places, arrays, numbers, sole=False):
    """The lists at some places; with `sole` what is at the one place, without a list around it."""
    chosen = [[None if a is None else [a[i] for i in places] for a in kept] for kept in (arrays, numbers)]
    return [[a and a[0] for a in kept] for kept in chosen] if sole else chosen
