"""Derivatives as backward and forward mode give them."""

import numpy as np

from ...core import wrap
from ..backward import grad
from ..forward_ad import dual_level, make_dual, unpack_dual
from .subject import as_tuple


class Findings:
    """What was found besides values: whether two runs agree, and shapes and dtypes are those of the inputs."""

    def __init__(self):
        self.spread = 0.0
        self.sizes = True
        self.dtypes = True


def pulled(sources, out, seeds, findings):
    """For each source a matrix: a row per element, a column per seed (a gradient of `out`, given twice)."""
    columns = [[_pull(sources, out, seed, findings) for _ in range(2)] for seed in seeds]
    for once, again in columns:
        findings.spread = max([findings.spread, *map(_distance, once, again)])
    return [
        np.stack([once[k] for once, _ in columns], axis=1) if columns else np.zeros((x._array.size, 0), x._array.dtype)
        for k, x in enumerate(sources)
    ]


def _pull(sources, out, seed, findings):
    found = grad(out, sources, wrap(seed.astype(out._array.dtype)), retain_graph=True, allow_unused=True)
    return [_column(x, g, findings) for x, g in zip(sources, found)]


def _column(x, g, findings):
    if g is None:
        return np.zeros(x._array.size, x._array.dtype)
    findings.dtypes &= g._array.dtype == x._array.dtype
    if g._array.shape != x._array.shape:
        findings.sizes = False
        return np.zeros(x._array.size, x._array.dtype)
    return g._array.flatten()


def _distance(a, b):
    return float(np.abs(a - b).max(initial=0))


def jacobians(subject, i, unit, directions, findings):
    """For each source what backward gives for output i, in the directions given."""
    out = subject.outputs[i]
    seeds = (vector * unit for vector in directions.outputs[i])
    matrices = pulled(subject.sources, out, seeds, findings)
    return [_seen(matrix, directions.inputs[k]) for k, matrix in zip(subject.positions, matrices)]


def _seen(matrix, by_unit):
    real = by_unit[1].across(matrix.real)
    return real + 1j * by_unit[1j].across(matrix.imag) if 1j in by_unit else by_unit[1].across(matrix)


def pushed(subject, k, unit, directions, findings):
    """For each output its tangents, a row per direction in which input k is moved."""
    rows = []
    for vector in directions:
        tangents = push(subject, {k: wrap((vector * unit).astype(subject.inputs[k]._array.dtype))})
        rows.append([_row(out, t, findings) for out, t in zip(subject.outputs, tangents)])
    if not rows:
        return [np.zeros((0, out._array.size), out._array.dtype) for out in subject.outputs]
    return [np.stack(column) for column in zip(*rows)]


def push(subject, tangents):
    """The tangents of the outputs (None where there is none) for tangents of inputs, by their positions."""
    with dual_level():
        duals = [make_dual(x, tangents[k]) if k in tangents else x for k, x in enumerate(subject.inputs)]
        return [unpack_dual(out).tangent for out in as_tuple(subject.func(*duals))]


def _row(out, tangent, findings):
    if tangent is None:
        return np.zeros(out._array.size, out._array.dtype)
    findings.dtypes &= tangent._array.dtype == out._array.dtype
    if tangent._array.shape != out._array.shape:
        findings.sizes = False
        return np.zeros(out._array.size, out._array.dtype)
    return tangent._array.flatten()
