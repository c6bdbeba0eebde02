"""Jacobians, Hessians and their products with vectors, of functions from tensors to tensors."""

import numpy as np

from ..core import TensorBase, wrap
from ..errors import coded
from ..ops.identity import alias
from ..spelling import spell
from . import jacobians
from .backward import grad, has_history
from .grad_mode import enable_grad

_MODULE = "torch.autograd.functional"
_STRATEGIES = ("forward-mode", "reverse-mode")
_STRICT = "This is not allowed in strict mode."
_INDEPENDENT = "The output of the user-provided function is independent of input {}. " + _STRICT
_NO_GRADIENT = (
    "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
    "differentiable manner from the input when running in strict mode."
)
_CONSTANT = (
    "The {} of the user-provided function is independent of input {}. This is not allowed in strict mode when "
    "create_graph=True."
)
_CONSTANT_JACOBIAN = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is "
    "independent of the input. This is not allowed in strict mode. You should ensure that your function is twice "
    "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for "
    "example)."
)


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian of `func`: of the shape of the output followed by that of the input.

    With several outputs or inputs it is a tuple (for each output a tuple over the inputs). `strict` refuses outputs
    that do not depend on an input, which otherwise give zeros. `vectorize` computes all rows at once, as a batch;
    strategy="forward-mode", which asks for it, pushes tangents forward.

    >>> import rushlight
    >>> rushlight.autograd.functional.jacobian(lambda x: x * x, rushlight.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in _STRATEGIES:
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        _check_forward(create_graph, strict, vectorize)
    several_inputs, inputs = _tensors(inputs, "inputs", "jacobian")
    if strategy == "forward-mode":
        several_outputs, blocks = _by_columns(func, inputs)
    else:
        _check_vectorized(strict, vectorize)
        with enable_grad():
            inputs = _prepared(inputs, create_graph, True)
            several_outputs, outputs = _outputs(func, inputs, "jacobian")
            if strict:
                _refuse_untracked(outputs)
            blocks = _blocks(outputs, inputs, create_graph, strict, vectorize)
    blocks = [block if several_inputs else block[0] for block in blocks]
    return tuple(blocks) if several_outputs else blocks[0]


def _check_forward(create_graph, strict, vectorize):
    what = f'{_MODULE}.jacobian: `{{}}=True` and `strategy="forward-mode"` are not supported together (yet).'
    if create_graph:
        raise NotImplementedError(
            what.format("create_graph") + ' Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict:
        raise RuntimeError(what.format("strict") + ' Please either set `strict=False` or `strategy="reverse-mode"`.')
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for "
            "`vectorize=True`."
        )


def _check_vectorized(strict, vectorize):
    if strict and vectorize:
        raise RuntimeError(
            f"{_MODULE}.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either set "
            "`strict=False` or `vectorize=False`."
        )


def _blocks(outputs, inputs, create_graph, strict, vectorize):
    """For each output the blocks of the Jacobian, one for each input."""
    if vectorize:
        return [jacobians.batched_rows(out, inputs, create_graph) for out in outputs]
    for out in outputs:
        _refuse_complex(out)
    return [jacobians.rows(out, i, inputs, create_graph, strict) for i, out in enumerate(outputs)]


def _by_columns(func, inputs):
    """(whether there are several outputs, the blocks of each)."""
    several = []

    def outputs(*arguments):
        found, tensors = _outputs(func, arguments, "jacobian")
        several.append(found)
        return tensors

    blocks = jacobians.columns(outputs, inputs)
    return several[-1], blocks


def hessian(
    func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"
):  # fmt: skip
    """The Hessian of a function of one element: of the shape of the input twice; with several inputs a tuple of tuples.

    The gradient is recorded once, and differentiated row by row, or all rows at once with `vectorize`;
    outer_jacobian_strategy="forward-mode", which asks for it, pushes tangents through the gradient.

    >>> import rushlight
    >>> rushlight.autograd.functional.hessian(lambda x: (x * x * x).sum(), rushlight.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several, inputs = _tensors(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in _STRATEGIES:
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    if outer_jacobian_strategy == "forward-mode":
        _check_forward(create_graph, strict, vectorize)
        blocks = jacobians.columns(_gradient_of(func, len(inputs)), inputs)
    else:
        _check_vectorized(strict, vectorize)
        with enable_grad():
            inputs = _prepared(inputs, create_graph, True)
            out = _one_element(func, inputs, "hessian")
            if strict:
                _refuse_untracked((out,))
            slopes = _grad((out,), inputs, None, True)
            slopes = [_zeros(x) if g is None else g for g, x in zip(slopes, inputs)]
            if strict:
                _refuse_constant(slopes)
            blocks = _blocks(slopes, inputs, create_graph, strict, vectorize)
    return tuple(blocks) if several else blocks[0][0]


def _gradient_of(func, count):
    """The function from inputs to the gradients of func by all of them."""
    from ..func import grad as gradient

    return gradient(lambda *inputs: _one_element(func, inputs, "hessian").sum(), tuple(range(count)))


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, product of `v` with the Jacobian): v has the shape of the outputs, the product that of the inputs.

    >>> import rushlight
    >>> rushlight.autograd.functional.vjp(lambda x: x * x, rushlight.tensor([1.0, 2.0]), rushlight.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        several_inputs, inputs = _tensors(inputs, "inputs", "vjp")
        inputs = _prepared(inputs, create_graph, True)
        several_outputs, outputs = _outputs(func, inputs, "vjp")
        if strict:
            _refuse_untracked(outputs)
        if v is None and (len(outputs) != 1 or outputs[0].numel() != 1):
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
        if v is None:
            _refuse_complex(outputs[0])
        v = _vector(v, outputs, several_outputs, create_graph, "vjp")
        products = _grad(outputs, inputs, v, create_graph)
        products = _filled(products, inputs, strict, create_graph, _INDEPENDENT, "jacobian")
    return _given(outputs, several_outputs, create_graph), _given(products, several_inputs, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, product of the Jacobian with `v`): v has the shape of the inputs, the product that of the outputs.

    >>> import rushlight
    >>> rushlight.autograd.functional.jvp(lambda x: x * x, rushlight.tensor([1.0, 2.0]), rushlight.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        several_inputs, inputs = _tensors(inputs, "inputs", "jvp")
        inputs = _prepared(inputs, create_graph, True)
        v = _input_vector(v, inputs, several_inputs, create_graph, "jvp")
        several_outputs, outputs = _outputs(func, inputs, "jvp")
        if strict:
            _refuse_untracked(outputs)
        # The gradient is linear in what it is taken along, and its derivative along that is the product.
        along = tuple([_zeros(out).requires_grad_() for out in outputs])
        slopes = _grad(outputs, inputs, along, True)
        if strict:
            _filled(slopes, inputs, True, create_graph, _INDEPENDENT, "jacobian")
        products = _grad(
            [s for s in slopes if s is not None],
            along,
            [w for s, w in zip(slopes, v) if s is not None],
            create_graph,
        )
        products = tuple([_zeros(out) if p is None else p for p, out in zip(products, outputs)])
        if strict and create_graph:
            _filled(products, inputs, True, True, _INDEPENDENT, "jacobian")
    return _given(outputs, several_outputs, create_graph), _given(products, several_outputs, create_graph)


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(output, product of `v` with the Hessian) of a function of one element; v is shaped as the inputs.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0])
    >>> rushlight.autograd.functional.vhp(lambda x: (x * x * x).sum(), x, rushlight.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "vhp")


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(output, product of the Hessian with `v`): since a Hessian is symmetric, what vhp gives.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0])
    >>> rushlight.autograd.functional.hvp(lambda x: (x * x * x).sum(), x, rushlight.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "hvp")


def _hessian_product(func, inputs, v, create_graph, strict, name):
    with enable_grad():
        several, inputs = _tensors(inputs, "inputs", name)
        inputs = _prepared(inputs, create_graph, True)
        v = _input_vector(v, inputs, several, create_graph, name)
        out = _one_element(func, inputs, name)
        if strict:
            _refuse_untracked((out,))
        slopes = _grad((out,), inputs, None, True)
        if strict:
            _refuse_constant(slopes)
        kept = [k for k, s in enumerate(slopes) if s is not None]
        products = _grad([slopes[k] for k in kept], inputs, [v[k] for k in kept], create_graph)
        products = _filled(products, inputs, strict, create_graph, _INDEPENDENT, "hessian")
    return _given((out,), False, create_graph), _given(products, several, create_graph)


def _tensors(values, role, function):
    """(whether a tuple was given, a tuple of tensors)."""
    several = isinstance(values, tuple)
    if not several:
        values = (values,)
    for i, value in enumerate(values):
        if not isinstance(value, TensorBase):
            where = f"value at index {i}" if several else f"given {role}"
            raise coded(
                "RL136",
                TypeError(
                    f"The {role} given to {function} must be either a Tensor or a tuple of Tensors but the {where} has "
                    f"type {type(value)}."
                ),
            )
    return several, values


def _outputs(func, inputs, name):
    return _tensors(func(*inputs), "outputs of the user-provided function", name)


def _one_element(func, inputs, name):
    several, outputs = _outputs(func, inputs, name)
    if several:
        raise coded("RL136", RuntimeError(f"The function given to {name} should return a single Tensor"))
    if outputs[0].numel() != 1:
        raise coded(
            "RL136",
            RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element"),
        )
    return outputs[0]


def _prepared(tensors, create_graph, tracked):
    """Fresh tensors to differentiate by: with the history of the given ones where a graph is wanted."""
    return tuple(
        [alias(x) if create_graph and x.requires_grad else x.detach().requires_grad_(tracked) for x in tensors]
    )


def _vector(v, wanted, several, create_graph, name):
    """The vector of a product, checked against the tensors it goes with; ones where none was given."""
    if v is None:
        return tuple([wrap(np.ones(x._array.shape, x._array.dtype)) for x in wanted])
    _, v = _tensors(v, "v", name)
    if len(v) != len(wanted):
        if several:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(wanted)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (part, x) in enumerate(zip(v, wanted)):
        if part._array.shape != x._array.shape:
            entry = f"Entry {i} in v" if several else "v"
            raise RuntimeError(
                f"{entry} has invalid size: should be {spell('Size')}({list(x._array.shape)}) but got "
                f"{spell('Size')}({list(part._array.shape)})."
            )
    return _prepared(v, create_graph, False)


def _input_vector(v, inputs, several, create_graph, name):
    if v is None and (len(inputs) != 1 or inputs[0].numel() != 1):
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
            "element."
        )
    return _vector(v, inputs, several, create_graph, name)


def _grad(outputs, inputs, grads, create_graph):
    """Gradients with None for what does not depend; outputs without history are left out."""
    grads = [None] * len(outputs) if grads is None else grads
    tracked = [(out, g) for out, g in zip(outputs, grads) if has_history(out)]
    if not tracked:
        return (None,) * len(inputs)
    outputs, grads = zip(*tracked)
    return grad(outputs, inputs, grads, retain_graph=True, create_graph=create_graph, allow_unused=True)


def _filled(results, like, strict, create_graph, sentence, what):
    """Zeros for None; in strict mode an error, and for a result that is constant where a graph was asked for."""
    for i, result in enumerate(results):
        if not strict:
            break
        if result is None:
            raise RuntimeError(sentence.format(i))
        if create_graph and not result.requires_grad:
            raise RuntimeError(_CONSTANT.format(what, i))
    return tuple([_zeros(x) if result is None else result for result, x in zip(results, like)])


def _refuse_untracked(outputs):
    for i, out in enumerate(outputs):
        if not out.requires_grad:
            raise RuntimeError(_NO_GRADIENT.format(i))


def _refuse_constant(slopes):
    for i, slope in enumerate(slopes):
        if slope is None:
            raise RuntimeError(_INDEPENDENT.format(i))
        if not slope.requires_grad:
            raise RuntimeError(_CONSTANT_JACOBIAN.format(i))


def _refuse_complex(out):
    """A complex output has no one gradient: those of its two parts would have to be told apart."""
    if out.is_complex():
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {out.dtype}")


def _given(tensors, several, create_graph):
    """The results as they are handed out: without history unless it was asked for."""
    if not create_graph:
        tensors = tuple([x.detach() for x in tensors])
    return tuple(tensors) if several else tensors[0]


def _zeros(x):
    return wrap(np.zeros(x._array.shape, x._array.dtype))
