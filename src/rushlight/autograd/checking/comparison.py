"""Derivatives against differences: whole Jacobians, or (fast) their products with random vectors."""

import numpy as np

from ...core import wrap
from ..backward import grad
from . import analytical, numerical
from .subject import Directions, zeros_like

_PARTS = {
    1j: "While considering the imaginary part of complex {} only, ",
    1: "While considering the real part of complex {} only, ",
}
_NOT_REENTRANT = (
    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different "
    "values, although analytical gradient matches numerical gradient.The tolerance for nondeterminism was {}."
)
_SLOW = (
    "\nThe above quantities relating the numerical and analytical jacobians are computed in fast mode, as products with "
    "random vectors. The Jacobians themselves:\n\nNumerical:\n{}\nAnalytical:\n{}\n\nThe max per-element difference (slow "
    "mode) is: {}.\n"
)
_SLOW_PASSES = (
    "Fast gradcheck failed but element-wise differences are small. This means that the test might've passed in "
    "slow_mode!\n"
)


class Comparison:
    """The derivatives of one subject, compared in one set of directions."""

    def __init__(self, subject, fast, eps, atol, rtol, failed):
        self.subject = subject
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.failed = failed
        self.directions = Directions(subject, fast)
        self.slopes = {k: numerical.slopes(subject, k, eps, self.directions) for k in subject.positions}

    def check_constant(self):
        """What does not require a gradient must not change."""
        for by_unit in self.slopes.values():
            for matrices in by_unit.values():
                if any(np.any(matrix != 0) for matrix in matrices):
                    raise self.failed("Numerical gradient for function expected to be zero")

    def check_backward(self, nondet_tol, check_dtypes):
        """Backward of every output: of its imaginary and its real part, or all of it."""
        for i in self.subject.differentiable:
            for unit, prefix in _parts(self.subject.outputs[i], "outputs"):
                findings = analytical.Findings()
                found = analytical.jacobians(self.subject, i, unit, self.directions, findings)
                for k, got in zip(self.subject.positions, found):
                    what = f"{prefix}Jacobian mismatch for output {i} with respect to input {k}"
                    expected = numerical.jacobian(self.slopes[k], i, unit, self.directions.outputs[i])
                    weight = self.directions.inputs[k][1].weight * self.directions.outputs[i].weight
                    self.compare(
                        what, expected, got, weight, lambda c, i=i, k=k, unit=unit: c.backward_pair(i, k, unit)
                    )
                self.judge(findings, check_dtypes)
                if findings.spread > nondet_tol:
                    raise self.failed(_NOT_REENTRANT.format(nondet_tol))

    def check_forward(self, check_dtypes):
        """Forward mode in all directions of every input."""
        for k, by_unit in self.slopes.items():
            for unit, prefix in _parts(self.subject.inputs[k], "inputs"):
                findings = analytical.Findings()
                directions = self.directions.inputs[k][unit]
                found = analytical.pushed(self.subject, k, unit, directions, findings)
                for i in self.subject.differentiable:
                    what = (
                        f"{prefix}Jacobian computed with forward mode mismatch for output {i} with respect to input {k}"
                    )
                    self.compare(
                        what, by_unit[unit][i], found[i], directions.weight,
                        lambda c, i=i, k=k, unit=unit: c.forward_pair(i, k, unit),
                    )  # fmt: skip
                self.judge(findings, check_dtypes)

    def check_multiplied(self):
        """A gradient of zero must come back as zero."""
        outputs = [self.subject.outputs[i] for i in self.subject.differentiable]
        zeros = [zeros_like(out) for out in outputs]
        for g in grad(outputs, self.subject.sources, zeros, retain_graph=True, allow_unused=True):
            if g is not None and np.any(g._array != 0):
                raise self.failed("backward not multiplied by grad_output")

    def judge(self, findings, check_dtypes):
        if not findings.sizes:
            raise self.failed("Gradient has incorrect size")
        if check_dtypes and not findings.dtypes:
            raise self.failed("Gradient has dtype mismatch")

    def backward_pair(self, i, k, unit):
        """(numerical, analytical) Jacobian of output i by input k."""
        found = analytical.jacobians(self.subject, i, unit, self.directions, analytical.Findings())
        expected = numerical.jacobian(self.slopes[k], i, unit, self.directions.outputs[i])
        return expected, found[self.subject.positions.index(k)]

    def forward_pair(self, i, k, unit):
        directions = self.directions.inputs[k][unit]
        found = analytical.pushed(self.subject, k, unit, directions, analytical.Findings())
        return self.slopes[k][unit][i], found[i]

    def compare(self, what, expected, got, weight, pair):
        """Raise where the two differ; `pair` finds both in another comparison, for the whole Jacobians."""
        if np.allclose(got, expected, self.rtol, self.atol * weight):
            return
        if not self.directions.fast:
            raise self.failed(f"{what},\nnumerical:{wrap(expected)}\nanalytical:{wrap(got)}\n")
        whole = Comparison(self.subject, False, self.eps, self.atol, self.rtol, self.failed)
        expected_whole, got_whole = pair(whole)
        message = f"{what},\nnumerical:{_shown(expected)}\nanalytical:{_shown(got)}\n"
        largest = float(np.abs(expected_whole - got_whole).max(initial=0))
        message += _SLOW.format(wrap(expected_whole), wrap(got_whole), largest)
        if np.allclose(got_whole, expected_whole, self.rtol, self.atol):
            message += _SLOW_PASSES
        raise self.failed(message)


def _parts(x, what):
    """The parts of a number that are looked at one by one, and how messages call them."""
    if x._array.dtype.kind != "c":
        return [(1, "")]
    return [(unit, prefix.format(what)) for unit, prefix in _PARTS.items()]


def _shown(product):
    return product.item() if product.size == 1 else wrap(product.ravel())
