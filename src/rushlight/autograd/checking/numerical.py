"""Derivatives by central differences."""

import numpy as np

from .subject import as_tuple


def differences(func, inputs, k, eps, directions):
    """For each output its differences, a row per direction in which input k is moved."""
    rows = [_difference(func, inputs, inputs[k]._array, eps, step) for step in directions]
    if not rows:
        return [np.zeros((0, value.size), value.dtype) for value in _values(func, inputs)]
    return [np.stack(column) for column in zip(*rows)]


def slopes(subject, k, eps, directions):
    """By unit (1, and 1j for a complex input) the differences of all outputs."""
    return {
        unit: differences(subject.func, subject.inputs, k, eps, _turned(steps, unit))
        for unit, steps in directions.inputs[k].items()
    }


def jacobian(by_unit, i, unit, out_directions):
    """What is seen of output i (its real part for unit 1, its imaginary for 1j), as the gradient convention has it."""
    seen = {}
    for along, matrices in by_unit.items():
        part = matrices[i].imag if unit == 1j else matrices[i].real
        seen[along] = out_directions.across(part.T).T
    return seen[1] + 1j * seen[1j] if 1j in seen else seen[1]


def _turned(steps, unit):
    for step in steps:
        yield step * unit


def _difference(func, inputs, array, eps, step):
    """How much each output, as a flat array, changes per step; the input is left as it was."""
    before = array.copy()
    try:
        array[...] = before + eps * step
        above = _values(func, inputs)
        array[...] = before - eps * step
        below = _values(func, inputs)
    finally:
        array[...] = before
    return [(a - b) / (2 * eps) for a, b in zip(above, below)]


def _values(func, inputs):
    """The outputs as flat arrays; truth values and counts stand for a constant."""
    return [_flat(out._array) for out in as_tuple(func(*inputs))]


def _flat(array):
    return array.flatten() if array.dtype.kind in "fcV" else np.zeros(array.size)
