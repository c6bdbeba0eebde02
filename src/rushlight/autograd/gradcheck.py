"""Derivatives compared with finite differences.

A Jacobian here is a matrix with a row per element of the input and a column per element of the output. For a complex
input z = x + iy the gradient of a real L is dL/dx + i dL/dy; a complex output counts as two real ones. The parts of the
check are in `checking`, which is imported with the first one.
"""

from .backward import grad

__all__ = [
    "GradcheckError", "get_analytical_jacobian", "get_numerical_jacobian",
    "get_numerical_jacobian_wrt_specific_input", "gradcheck", "gradgradcheck",
]  # fmt: skip

_DEPRECATED = (
    "`{}` was part of PyTorch's private API and not meant to be exposed. We are deprecating it and it will be removed in "
    "a future version of PyTorch."
)


class GradcheckError(RuntimeError):
    """What gradcheck raises when a derivative is wrong."""


def gradcheck(
    func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True,
    check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False,
    check_backward_ad=True, fast_mode=False, masked=None,
):  # fmt: skip
    """Whether the derivatives of `func` with respect to the `inputs` that require them agree with finite differences.

    Inputs should be float64 or complex128; arguments that are not tensors are handed on. Disagreement raises
    GradcheckError, or returns False with raise_exception=False.

    - `eps`, `atol`, `rtol`: the step of the differences, and what they may differ by.
    - `fast_mode`: compare products with one random vector for each input and output, not whole Jacobians.
    - `nondet_tol`: by how much two runs of the same backward may differ.
    - `check_undefined_grad`: gradients and tangents that are not there must count as zeros.
    - `check_grad_dtypes`: gradients must have the dtype of the inputs, and tangents that of the outputs.
    - `check_backward_ad`, `check_forward_ad`: which directions to check.
    - `check_batched_grad`, `check_batched_forward_grad`: run them under vmap, too.
    - `masked` concerns sparse tensors, which are not there, and has no effect.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], dtype=rushlight.float64, requires_grad=True)
    >>> rushlight.autograd.gradcheck(lambda x: x * x * x, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    from .checking import batched, undefined
    from .checking.comparison import Comparison
    from .checking.subject import Subject, as_tuple

    inputs = as_tuple(inputs)
    try:
        _check_inputs(inputs)
        subject = Subject(func, inputs)
        comparison = Comparison(subject, fast_mode, eps, atol, rtol, GradcheckError)
        if not subject.differentiable:
            comparison.check_constant()
            return True
        if check_backward_ad:
            comparison.check_backward(nondet_tol, check_grad_dtypes)
        if check_forward_ad:
            comparison.check_forward(check_grad_dtypes)
        if check_batched_forward_grad:
            batched.check_forward(subject, GradcheckError)
        if check_forward_ad and check_undefined_grad:
            undefined.check_forward(subject, GradcheckError)
        if check_backward_ad:
            comparison.check_multiplied()
        if check_batched_grad:
            batched.check_backward(subject, GradcheckError)
        if check_backward_ad and check_undefined_grad:
            undefined.check_backward(subject, GradcheckError)
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

    `gen_non_contig_grad_outputs` makes the random ones strided; `check_rev_over_rev` and `check_fwd_over_rev` say in
    which direction the gradients are differentiated. The other options are those of gradcheck.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], dtype=rushlight.float64, requires_grad=True)
    >>> rushlight.autograd.gradgradcheck(lambda x: x * x * x, x)
    True
    """
    if not (check_rev_over_rev or check_fwd_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    from .checking.subject import as_tuple, tracked

    inputs = as_tuple(inputs)
    if grad_outputs is None:
        grad_outputs = _random_gradients(_differentiable(as_tuple(func(*inputs))), gen_non_contig_grad_outputs)
    grad_outputs = as_tuple(grad_outputs)

    def gradients(*arguments):
        arguments, grads = arguments[: len(inputs)], arguments[len(inputs) :]
        outputs = _differentiable(as_tuple(func(*arguments)))
        sources = [arguments[k] for k in tracked(arguments)]
        results = grad(outputs, sources, grads, create_graph=True, allow_unused=True)
        return tuple([g for g in results if g is not None])

    return gradcheck(
        gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad, check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev, fast_mode=fast_mode, masked=masked,
    )  # fmt: skip


def get_numerical_jacobian(fn, inputs, target=None, eps=1e-3, grad_out=1.0):
    """The Jacobians by differences of the first output of `fn`, which takes the tuple `inputs`; deprecated.

    One for each tensor of `target` (the inputs) that requires a gradient. ValueError for complex outputs.
    """
    from .checking.numerical import differences
    from .checking.subject import Elements, as_tuple, tracked

    _deprecated("get_numerical_jacobian", grad_out)
    target = inputs if target is None else as_tuple(target)
    if as_tuple(fn(inputs))[0].is_complex():
        raise _complex_output("get_numerical_jacobian")
    found = []
    for k in tracked(target):
        steps = Elements(target[k]._array.shape)
        found.append(_tensor(differences(lambda *_: fn(inputs), target, k, eps, steps)[0]))
    return tuple(found)


def get_analytical_jacobian(inputs, output, nondet_tol=0.0, grad_out=1.0):
    """(Jacobians by backward, whether two runs agree, whether sizes are right, whether dtypes are); deprecated.

    One Jacobian for each of `inputs` that requires a gradient. ValueError for a complex output.
    """
    from .checking.analytical import Findings, pulled
    from .checking.subject import Elements, as_tuple, tracked

    _deprecated("get_analytical_jacobian", grad_out)
    if output.is_complex():
        raise _complex_output("get_analytical_jacobian")
    inputs = as_tuple(inputs)
    findings = Findings()
    sources = [inputs[k] for k in tracked(inputs)]
    matrices = pulled(sources, output, Elements(output._array.shape), findings)
    agree = findings.spread <= nondet_tol
    return tuple([_tensor(matrix) for matrix in matrices]), agree, findings.sizes, findings.dtypes


def get_numerical_jacobian_wrt_specific_input(fn, input_idx, inputs, outputs, eps, input=None, is_forward_ad=False):
    """The Jacobians by differences of all outputs of `fn(*inputs)` with respect to one input."""
    from .checking.numerical import differences
    from .checking.subject import Elements

    x = inputs[input_idx] if input is None else input
    if x.is_complex() or any(out.is_complex() for out in outputs):
        raise AssertionError("Expected ds_dx to be real-valued, not complex")
    moved = [x if k == input_idx else y for k, y in enumerate(inputs)]
    found = differences(lambda *_: fn(*inputs), moved, input_idx, eps, Elements(x._array.shape))
    return tuple([_tensor(matrix) for matrix in found])


def _tensor(array):
    from ..core import wrap

    return wrap(array)


def _deprecated(name, grad_out):
    import warnings

    warnings.warn(_DEPRECATED.format(name), FutureWarning, stacklevel=3)
    if grad_out != 1.0:
        raise ValueError(f"Expected grad_out to be 1.0. {name} no longer supports values of grad_out != 1.0.")


def _complex_output(name):
    return ValueError(
        f"Expected output to be non-complex. {name} no longer supports functions that return complex outputs."
    )


def _differentiable(outputs):
    return tuple([out for out in outputs if out.requires_grad])


def _random_gradients(outputs, strided):
    """Gradients for the outputs, leaves that require a gradient themselves."""
    import numpy as np

    from ..core import wrap
    from .checking.subject import random_like

    generator = np.random.default_rng(0)
    grads = []
    for out in outputs:
        g = random_like(out, generator)
        if strided and out._array.ndim:
            apart = np.zeros((*out._array.shape, 2), out._array.dtype)
            apart[..., 0] = g._array
            g = wrap(apart[..., 0])
        g.requires_grad = True
        grads.append(g)
    return tuple(grads)


def _check_inputs(inputs):
    import numpy as np

    from .checking.subject import tracked

    positions = tracked(inputs)
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
