"""`backward` and `grad`: what people ask for, checked and handed to the engine."""

from operator import index

import numpy as np

from .. import core, dtypes, engine
from ..core import TensorBase, wrap
from ..errors import coded, coded_sentence, user_level
from ..ops import batching
from ..ops.copying import to_dtype
from ..spelling import spell

_UNUSED = (
    "The differentiated Tensor at index {} appears to not have been used in the graph. Set allow_unused=True if this "
    "is the desired behavior."
)
_CYCLE = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
    "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
    "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break the "
    "cycle and avoid the leak."
)
_BATCHED = (
    "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The "
    "sizes of the remaining dimensions are expected to match the shape of corresponding output, but a mismatch was "
    "detected: grad_output[{}] has a shape of {} and output[{}] has a shape of {}. If you only want some tensors in "
    "`grad_output` to be considered batched, consider using vmap."
)
# A 0-dim one of each dtype: copying it takes a fifth of the time of np.ones.
_ONE = {}


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Differentiate `tensors` with respect to the leaves they came from, adding to the leaves' `.grad`.

    `tensors` is a tensor or a sequence of them. `grad_tensors` are the gradients to begin with, one per tensor and of
    its shape; None stands for one, and is allowed for tensors of a single element. `inputs` limits which tensors
    receive a gradient. The graph is freed unless `retain_graph` (by default: what `create_graph` is).

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], requires_grad=True)
    >>> rushlight.autograd.backward(x * x, rushlight.tensor([1.0, 1.0]))
    >>> x.grad
    tensor([2., 4.])
    """
    _check_switches(retain_graph, create_graph)
    if core.transforms_entered(0):
        check_outside(_several(tensors))
    if grad_tensors is None and inputs is None and grad_variables is None and isinstance(tensors, TensorBase):
        roots = [_root(tensors, None, 0)]
    else:
        if grad_variables is not None:
            grad_tensors = _old_name(grad_tensors, grad_variables)
        if inputs is not None:
            inputs = _several(inputs)
            if not inputs:
                raise coded("RL116", RuntimeError("`inputs` argument to `backward()` cannot be empty."))
        roots = _roots(tensors, grad_tensors)
    targets = None if inputs is None else _accumulating(inputs)
    if create_graph:
        _warn(coded_sentence("RL130", _CYCLE), UserWarning)
    engine.backward(roots, create_graph if retain_graph is None else retain_graph, create_graph, targets, True)


def _check_switches(retain_graph, create_graph=False):
    """TypeError, as of C, for what is neither true nor false nor an integer."""
    if retain_graph is not None:
        index(retain_graph)
    if create_graph is not False:
        index(create_graph)


def has_history(out):
    """Whether there is a way back from an output. There is none from a view made under no_grad, which says it requires grad."""
    return out.grad_fn is not None or out._requires_grad


def check_outside(tensors):
    """Refuse to add the gradients of single samples to `.grad`."""
    if batching.level_of(tensors) is not None:
        raise coded(
            "RL515",
            RuntimeError(
                "backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
                "functorch.vjp instead or call backward() outside of functorch transforms."
            ),
        )


def grad(
    outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True, allow_unused=None,
    is_grads_batched=False, materialize_grads=False,
):  # fmt: skip
    """The gradients of `outputs` with respect to `inputs`, in a tuple; no `.grad` is touched.

    An input on which the outputs do not depend is an error; it gets None with `allow_unused`, and zeros with
    `materialize_grads`. With `create_graph` the results can be differentiated again.

    >>> import rushlight
    >>> x = rushlight.tensor(3.0, requires_grad=True)
    >>> (slope,) = rushlight.autograd.grad(x * x * x, x, create_graph=True)
    >>> rushlight.autograd.grad(slope, x)
    (tensor(18.),)
    """
    _check_switches(retain_graph, create_graph)
    _check_switches(allow_unused)
    if materialize_grads and allow_unused is False:
        raise coded(
            "RL119",
            ValueError(
                "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
            ),
        )
    if not only_inputs:
        _warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
        )
    keep = create_graph if retain_graph is None else retain_graph
    if isinstance(inputs, TensorBase) and isinstance(outputs, TensorBase) and grad_outputs is None:
        if not (is_grads_batched or materialize_grads):
            return (_slope(outputs, inputs, keep, create_graph, allow_unused),)
    names = None
    if isinstance(inputs, dict):
        names, inputs = list(inputs), inputs.values()
    inputs = _several(inputs)
    if not inputs:
        raise coded("RL116", RuntimeError("`inputs` argument to `grad()` cannot be empty."))
    if is_grads_batched:
        results = _batched(outputs, inputs, grad_outputs, keep, create_graph)
    else:
        roots = _roots(outputs, grad_outputs)
        results = engine.backward(roots, keep, create_graph, [_target(x) for x in inputs], False)
    if materialize_grads:
        results = [_zeros(x, create_graph) if g is None else g for x, g in zip(inputs, results)]
    elif not allow_unused:
        for i, g in enumerate(results):
            if g is None:
                raise coded("RL111", RuntimeError(_UNUSED.format(i)))
    return tuple(results) if names is None else dict(zip(names, results))


def _slope(output, x, keep, create_graph, allow_unused):
    """The common case: one output, a scalar, by one input."""
    (g,) = engine.backward([_root(output, None, 0)], keep, create_graph, [_target(x)], False)
    if g is None and not allow_unused:
        raise coded("RL111", RuntimeError(_UNUSED.format(0)))
    return g


def _several(tensors):
    """A tuple of what may be one tensor (or edge of the graph) or a sequence."""
    return (tensors,) if isinstance(tensors, TensorBase) or hasattr(tensors, "output_nr") else tuple(tensors)


def _old_name(grad_tensors, grad_variables):
    _warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning)
    if grad_tensors is not None:
        raise RuntimeError(
            "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only use "
            "`grad_tensors`."
        )
    return grad_variables


def _roots(tensors, grads):
    """What the engine begins with: (node or leaf, output number, gradient) of each output."""
    tensors = _several(tensors)
    if grads is None:
        return [_root(tensor, None, i) for i, tensor in enumerate(tensors)]
    grads = (grads,) if isinstance(grads, (TensorBase, np.ndarray)) else tuple(grads)
    for g in grads[: len(tensors)]:
        if g is not None and not isinstance(g, (TensorBase, np.ndarray)):
            raise coded("RL117", TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}"))
    if len(grads) != len(tensors):
        raise coded("RL117", RuntimeError(f"got {len(tensors)} tensors and {len(grads)} gradients"))
    return [_root(tensor, g, i) for i, (tensor, g) in enumerate(zip(tensors, grads))]


def _root(tensor, g, i):
    """The edge to output `i` and its gradient, a one where none is given."""
    if not isinstance(tensor, TensorBase):
        return _edge_root(tensor, g, i)
    node = tensor.grad_fn
    if g is not None:
        g = _gradient(tensor._array, g, i)
    elif tensor.requires_grad:
        g = _one(tensor._array)
    if node is None and not tensor._requires_grad:
        raise coded("RL108", RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn"))
    return (tensor if node is None else node), tensor.output_nr, g


def _edge_root(edge, g, i):
    """The same for a GradientEdge, whose tensor is not at hand."""
    if not hasattr(edge, "output_nr"):
        raise AssertionError("Expected output to be a torch.Tensor")
    like = getattr(edge, "like", None)
    if g is None and like is None:
        raise coded("RL109", RuntimeError("grad can be implicitly created only for scalar outputs"))
    if g is None:
        g = _one(np.empty(*like))
    elif like is not None:
        g = _gradient(np.empty(*like), g, i)
    return (*_target(edge), wrap(g) if isinstance(g, np.ndarray) else g)


def _one(array):
    """The gradient of a scalar with respect to itself."""
    dtype = array.dtype
    if array.ndim == 0 and dtype.kind != "c":
        one = _ONE.get(dtype)
        if one is None:
            one = _ONE[dtype] = np.ones((), dtype)
        return wrap(one.copy())
    if array.size != 1:
        raise coded("RL109", RuntimeError("grad can be implicitly created only for scalar outputs"))
    if dtype.kind == "c":
        raise coded(
            "RL110",
            RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {dtypes.of(dtype)}"),
        )
    return wrap(np.ones(array.shape, dtype))


def _gradient(out, g, i):
    """A gradient that someone gave, checked against the array of output `i` and brought to its dtype."""
    if isinstance(g, np.ndarray):
        g = wrap(g)
    given = g._array
    if given.shape != out.shape:
        raise coded(
            "RL110",
            RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {_size(given.shape)} and output[{i}] has a shape of "
                f"{_size(out.shape)}."
            ),
        )
    if given.dtype == out.dtype:
        return g
    if (given.dtype.kind == "c") != (out.dtype.kind == "c"):
        raise coded(
            "RL110",
            RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
                f"grad_output[{i}] has a dtype of {dtypes.of(given.dtype)} and output[{i}] has a dtype of "
                f"{dtypes.of(out.dtype)}."
            ),
        )
    return to_dtype(g, dtype=out.dtype)


def _size(shape):
    return f"{spell('Size')}({list(shape)})"


def _target(x):
    """The edge of the graph whose gradient is asked for."""
    if isinstance(x, TensorBase):
        node = x.grad_fn
        if node is None and not x._requires_grad:
            if x.requires_grad:
                return None, 0  # A view made under no_grad, which nothing leads to.
            raise coded("RL115", RuntimeError("One of the differentiated Tensors does not require grad"))
        return (x if node is None else node), x.output_nr
    if not hasattr(x, "output_nr"):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(x).__name__}")
    return getattr(x.node, "variable", x.node), x.output_nr


def _accumulating(inputs):
    """The targets of backward(inputs=...): a computed tensor among them keeps its gradient from now on."""
    for x in inputs:
        if isinstance(x, TensorBase):
            x.retain_grad()
    return [_target(x) for x in inputs]


def _zeros(x, tracked):
    if not isinstance(x, TensorBase):
        raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
    zeros = wrap(np.zeros(x._array.shape, x._array.dtype))
    zeros._requires_grad = tracked
    return zeros


def _batched(outputs, inputs, grad_outputs, keep_graph, create_graph):
    """The results for each entry along the first dimension of the gradients, by one pass for all of them."""
    from ..func.vmap import vmap

    if grad_outputs is None:
        _roots(outputs, None)
        raise ValueError(
            "vmap(vjp, in_dims=0, ...)(<inputs>): Got in_dim=0 for some input, but that input is a Tensor of "
            "dimensionality 0 so expected in_dim to satisfy 0 <= in_dim < 0"
        )
    outputs, grads = _several(outputs), _several(grad_outputs)
    for i, (out, g) in enumerate(zip(outputs, grads)):
        shape = out._array.shape if isinstance(out, TensorBase) else out.like and out.like[0]
        if g is not None and shape is not None and g.shape[1:] != shape:
            raise coded("RL118", RuntimeError(_BATCHED.format(i, _size(g.shape[1:]), i, _size(shape))))
    targets = [_target(x) for x in inputs]
    reached = []

    def pulled(*given):
        given = iter(given)
        roots = _roots(outputs, [None if g is None else next(given) for g in grads])
        found = engine.backward(roots, keep_graph, create_graph, targets, False)
        reached[:] = [g is not None for g in found]
        return [g for g in found if g is not None]

    results = iter(vmap(pulled)(*[wrap(g) if isinstance(g, np.ndarray) else g for g in grads if g is not None]))
    return [next(results) if there else None for there in reached]


def _warn(sentence, category):
    import warnings

    warnings.warn(sentence, category, stacklevel=user_level())
