"""Fails allocations of a step, one after the other, with each optimizer, and tells what came of it, as JSON.

    cd tests && python -m faults.no_memory_steps LAYOUT

A step that finds no memory has changed no parameter, and tried until it finds some it comes to the same as ever.
"""

import json
import sys

import numpy as np

from .no_memory import failing_of_python
from .stepped import OPTIMIZERS, Stepped, same

# Each of the first allocations, and then one of several.
EACH, SEVERAL, MOST = 60, 7, 10_000


def complaints(name, layout, failing):
    """(what is amiss, how often a step failed)."""
    other = Stepped(OPTIMIZERS[name], layout)
    untouched = [p.detach().numpy().copy() for p in other.params]
    other.optimizer.step()
    one, found, failed, n = other.values(), [], 0, 0
    trial = Stepped(OPTIMIZERS[name], layout)
    while error := failing(n, trial.optimizer.step):
        # NumPy and Python lose the word of what is amiss in some places, which makes a SystemError.
        if not isinstance(error, (MemoryError, SystemError)):
            found.append(f"{name}, allocation {n}: {type(error).__name__}: {error}")
        if not all(np.array_equal(p.detach().numpy(), was) for p, was in zip(trial.params, untouched)):
            return [*found, f"{name}, allocation {n}: parameters changed"], failed
        failed += 1
        n += 1 if n < EACH else SEVERAL
        if n > MOST:
            return [*found, f"{name}: a step fails of any allocation"], failed
    if not same(trial.values(), one):
        found.append(f"{name}: tried again it came to something else")
    return found, failed


def main(layout):
    failing, told = failing_of_python(), {"complaints": [], "failed": {}}
    for name in OPTIMIZERS:
        # SparseAdam asks for a little memory while it writes rows.
        if name != "SparseAdam":
            found, told["failed"][name] = complaints(name, layout, failing)
            told["complaints"] += found
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
