"""Derivatives compared with finite differences.

A Jacobian here is a matrix with a row per element of the input and a column per element of the output. For a complex
input z = x + iy the gradient of a real L is dL/dx + i dL/dy; a complex output counts as two real ones.
"""

import numpy as np

from ..core import TensorBase, wrap
from .backward import grad

_NOT_REENTRANT = (
    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different "
    "values, although analytical gradient matches numerical gradient.The tolerance for nondeterminism was {}."
)


class GradcheckError(RuntimeError):
    """What gradcheck raises when a derivative is wrong."""


def gradcheck(
    func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True,
    check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False,
    check_backward_ad=True, fast_mode=False, masked=None,
):  # fmt: skip
    """Whether the derivatives of `func` with respect to the `inputs` that require them agree with finite differences.

    Inputs should be float64 or complex128. Every output is differentiated alone, so that nodes of several outputs are
    tried with undefined gradients too; fast_mode and the batched checks are what the full check is. Disagreement raises
    GradcheckError, or returns False with raise_exception=False.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], dtype=rushlight.float64, requires_grad=True)
    >>> rushlight.autograd.gradcheck(lambda x: x * x * x, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    inputs = _tuple(inputs)
    try:
        _check_inputs(inputs)
        outputs = _tuple(func(*inputs))
        differentiable = [i for i, out in enumerate(outputs) if out.requires_grad]
        slopes = {k: _slopes(func, inputs, k, eps) for k in _tracked(inputs)}
        if not differentiable:
            _check_constant(slopes)
            return True
        if check_backward_ad:
            for i in differentiable:
                _check_backward(func, inputs, outputs, i, slopes, atol, rtol, nondet_tol, check_grad_dtypes)
            _check_multiplied(inputs, [outputs[i] for i in differentiable])
        if check_forward_ad:
            _check_forward(func, inputs, differentiable, slopes, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, gen_non_contig_grad_outputs=False,
    raise_exception=True, nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False,
    check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False, masked=False,
):  # fmt: skip
    """gradcheck of the gradients of `func`, with respect to its inputs and to `grad_outputs` (random where not given).

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], dtype=rushlight.float64, requires_grad=True)
    >>> rushlight.autograd.gradgradcheck(lambda x: x * x * x, x)
    True
    """
    if not (check_rev_over_rev or check_fwd_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    inputs = _tuple(inputs)
    if grad_outputs is None:
        grad_outputs = _random_like(_differentiable(func(*inputs)), gen_non_contig_grad_outputs)
    grad_outputs = _tuple(grad_outputs)

    def gradients(*arguments):
        arguments, grads = arguments[: len(inputs)], arguments[len(inputs) :]
        outputs = _differentiable(func(*arguments))
        tracked = [arguments[k] for k in _tracked(arguments)]
        results = grad(outputs, tracked, grads, create_graph=True, allow_unused=True)
        return tuple([g for g in results if g is not None])

    return gradcheck(
        gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_grad_dtypes=check_grad_dtypes, check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
    )  # fmt: skip


def _tuple(values):
    if isinstance(values, (tuple, list)):
        return tuple(values)
    return (values,)


def _tracked(inputs):
    """The positions of the inputs that require a gradient."""
    return [k for k, x in enumerate(inputs) if isinstance(x, TensorBase) and x.requires_grad]


def _differentiable(outputs):
    return tuple([out for out in _tuple(outputs) if out.requires_grad])


def _random_like(outputs, strided):
    """Gradients in [-1, 1) for the outputs, leaves that require a gradient themselves."""
    generator = np.random.default_rng(0)
    grads = []
    for out in outputs:
        shape, dtype = out._array.shape, out._array.dtype
        if strided and shape:
            shape = (*shape[:-1], 2 * shape[-1])
        values = generator.uniform(-1, 1, shape).astype(dtype)
        if dtype.kind == "c":
            values = values + 1j * generator.uniform(-1, 1, shape).astype(dtype)
        g = wrap(values[..., ::2] if strided and shape else values)
        g.requires_grad = True
        grads.append(g)
    return tuple(grads)


def _check_inputs(inputs):
    positions = _tracked(inputs)
    if not positions:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for k in positions:
        array = inputs[k]._array
        if array.dtype not in (np.float64, np.complex128):
            import warnings

            warnings.warn(
                f"Input #{k} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                UserWarning,
                stacklevel=3,
            )
        if any(step == 0 and n > 1 for n, step in zip(array.shape, array.strides)):
            raise RuntimeError(
                f"The {k}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )


def _slopes(func, inputs, k, eps):
    """By direction (1, and 1j for a complex input), the Jacobians of all outputs by central differences."""
    array = inputs[k]._array
    directions = (1, 1j) if array.dtype.kind == "c" else (1,)
    return {direction: _jacobians(func, inputs, array, eps, direction) for direction in directions}


def _jacobians(func, inputs, array, eps, direction):
    rows = []
    for index in np.ndindex(array.shape):
        before = array[index]
        try:
            array[index] = before + eps * direction
            above = _values(func, inputs)
            array[index] = before - eps * direction
            below = _values(func, inputs)
        finally:
            array[index] = before
        rows.append([(a - b) / (2 * eps) for a, b in zip(above, below)])
    if not rows:
        return [np.zeros((0, v.size), v.dtype) for v in _values(func, inputs)]
    return [np.stack(column) for column in zip(*rows)]


def _values(func, inputs):
    """The outputs as flat arrays; differences of truth values and counts are those of numbers."""
    arrays = [out._array.flatten() for out in _tuple(func(*inputs))]
    return [a if a.dtype.kind in "fcV" else a.astype(np.float64) for a in arrays]


def _check_constant(slopes):
    for by_direction in slopes.values():
        for jacobians in by_direction.values():
            if any(np.any(jacobian != 0) for jacobian in jacobians):
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_backward(func, inputs, outputs, i, slopes, atol, rtol, nondet_tol, check_dtypes):
    """Output i against finite differences: its imaginary and its real part, or all of it."""
    parts = [(1, "")]
    if outputs[i].is_complex():
        parts = [
            (1j, "While considering the imaginary part of complex outputs only, "),
            (1, "While considering the real part of complex outputs only, "),
        ]
    for unit, prefix in parts:
        positions = list(slopes)
        found = _analytical(inputs, outputs[i], positions, unit, check_dtypes)
        again = _analytical(inputs, outputs[i], positions, unit, check_dtypes)
        for k, jacobian in zip(positions, found):
            numerical = _numerical(slopes[k], i, unit)
            what = f"{prefix}Jacobian mismatch for output {i} with respect to input {k}"
            _compare(what, numerical, jacobian, atol, rtol)
        for first, second in zip(found, again):
            if np.abs(first - second).max(initial=0) > nondet_tol:
                raise GradcheckError(_NOT_REENTRANT.format(nondet_tol))


def _numerical(by_direction, i, unit):
    """The Jacobian of one part of output i, as the gradient convention has it."""
    along = {d: (jacobians[i].imag if unit == 1j else jacobians[i].real) for d, jacobians in by_direction.items()}
    return along[1] + 1j * along[1j] if 1j in along else along[1]


def _analytical(inputs, out, positions, unit, check_dtypes):
    """The Jacobians of one output by backward, a column at a time."""
    tracked = [inputs[k] for k in positions]
    matrices = [np.zeros((x._array.size, out._array.size), x._array.dtype) for x in tracked]
    for column, index in enumerate(np.ndindex(out._array.shape)):
        seed = np.zeros(out._array.shape, out._array.dtype)
        seed[index] = unit
        found = grad(out, tracked, wrap(seed), retain_graph=True, allow_unused=True)
        for x, matrix, g in zip(tracked, matrices, found):
            if g is None:
                continue
            if g._array.shape != x._array.shape:
                raise GradcheckError("Gradient has incorrect size")
            if check_dtypes and g._array.dtype != x._array.dtype:
                raise GradcheckError("Gradient has dtype mismatch")
            matrix[:, column] = g._array.ravel()
    return matrices


def _compare(what, numerical, analytical, atol, rtol):
    if np.allclose(analytical, numerical, rtol, atol):
        return
    raise GradcheckError(f"{what},\nnumerical:{wrap(numerical)}\nanalytical:{wrap(analytical)}\n")


def _check_multiplied(inputs, outputs):
    """A gradient of zero must come back as zero."""
    tracked = [inputs[k] for k in _tracked(inputs)]
    zeros = [wrap(np.zeros(out._array.shape, out._array.dtype)) for out in outputs]
    for g in grad(outputs, tracked, zeros, retain_graph=True, allow_unused=True):
        if g is not None and np.any(g._array != 0):
            raise GradcheckError("backward not multiplied by grad_output")


def _check_forward(func, inputs, differentiable, slopes, atol, rtol):
    """Forward mode against finite differences, in every direction of every element."""
    for k, by_direction in slopes.items():
        for direction, jacobians in by_direction.items():
            pushed = _pushed(func, inputs, k, direction, jacobians)
            for i in differentiable:
                what = f"Jacobian computed with forward mode mismatch for output {i} with respect to input {k}"
                _compare(what, jacobians[i], pushed[i], atol, rtol)


def _pushed(func, inputs, k, direction, jacobians):
    """The Jacobians of all outputs with respect to input k by forward mode, a row at a time."""
    from .forward_ad import dual_level, make_dual, unpack_dual

    x = inputs[k]
    matrices = [np.zeros_like(jacobian) for jacobian in jacobians]
    for row, index in enumerate(np.ndindex(x._array.shape)):
        seed = np.zeros(x._array.shape, x._array.dtype)
        seed[index] = direction
        with dual_level():
            duals = [make_dual(y, wrap(seed)) if y is x else y for y in inputs]
            tangents = [unpack_dual(out).tangent for out in _tuple(func(*duals))]
        for matrix, tangent in zip(matrices, tangents):
            if tangent is not None:
                matrix[row] = tangent._array.ravel()
    return matrices
