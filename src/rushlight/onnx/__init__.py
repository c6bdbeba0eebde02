"""Models as files of ONNX: `export(model, args, "model.onnx")`, for onnxruntime and all else that reads them.

Nothing has to be installed for it. https://onnx.ai/onnx/intro/
"""

import copy
import inspect
import warnings

from .. import nn, pytree
from ..autograd import no_grad
from ..core import TensorBase
from ..functions.joining import cat
from ..missing import of_module
from ..pytree import flatten
from ..random import get_rng_state, set_rng_state
from ..serialization.replacing import replacing
from .elementwise import MAPPINGS
from .graph import Graph
from .layers import maps as _maps  # noqa: F401 (its mappings)
from .tracing import Trace, mark_dynamic

__all__ = ["export"]

_OPSETS = range(18, 24)


def export(
    model, args=(), f=None, *, kwargs=None, input_names=None, output_names=None, opset_version=18, dynamic_axes=None
):
    """Write what a module computes for `args` as a model of ONNX, to the path or open file `f`; the bytes where f is None.

    The module runs once, in evaluation mode and without gradients, and the operations that ran become the graph: what
    Python decides (`if`, loops) is decided for these inputs. `args` is a tensor or a tuple, `kwargs` a dictionary of more
    inputs; tensors may lie in tuples, lists and dictionaries, and so may those that the module returns. Parameters keep
    their names, inputs are named after those of `forward`, and each node tells its line of the program.

    `dynamic_axes={"input": {0: "batch"}}` leaves sizes of inputs open: the module then runs a second time with others, to see
    which sizes follow from them. `opset_version` is 18 to 23.

    Raises NotImplementedError for an operation that has no counterpart, by its name and line; RuntimeError where a value of
    the inputs decides something in Python, or a constant depends on a size that is left open.

    >>> import rushlight
    >>> from rushlight import nn
    >>> model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> written = rushlight.onnx.export(model, rushlight.ones(1, 3), dynamic_axes={"input": {0: "batch"}})
    >>> len(written) < 1500
    True
    """
    if opset_version not in _OPSETS:
        raise ValueError(f"opset_version must be {_OPSETS[0]} to {_OPSETS[-1]}, got {opset_version}")
    args = args if isinstance(args, tuple) else (args,)
    kwargs = kwargs or {}
    names, tensors = _inputs(model, args, kwargs, input_names)
    unknown = set(dynamic_axes or ()) - set(names) - set(output_names or ())
    if unknown:
        raise ValueError(f"dynamic_axes names {sorted(unknown)}, but the inputs are {names}")
    trace, outputs = _traced(model, args, kwargs, names, tensors, output_names)
    symbols = _symbols(dynamic_axes or {})
    grown = {name: [dim for (n, dim) in symbols if n == name] for name in names}
    if any(grown.values()):
        again = _larger(args, kwargs, tensors, [grown[name] for name in names])
        _, twins = _inputs(model, *again, input_names)
        mark_dynamic(trace, _traced(model, *again, names, twins, output_names)[0])
    graph = Graph(opset_version)
    for call in _needed(trace.calls, outputs):
        _put(graph, call)
    data = graph.model(trace.inputs, _named(graph, trace, outputs, output_names), symbols, _version())
    if f is None:
        return data
    if hasattr(f, "write"):
        f.write(data)
        return None
    with replacing(f) as file:
        file.write(data)
    return None


def _inputs(model, args, kwargs, given):
    """Names and tensors of the inputs: named after the parameters of forward, numbered where one holds several."""
    forward = model.forward if isinstance(model, nn.Module) else model
    bound = inspect.signature(forward).bind(*args, **kwargs).arguments
    names, tensors = [], []
    kinds = inspect.signature(forward).parameters
    for name, value in bound.items():
        leaves = [leaf for leaf in flatten(value)[0] if isinstance(leaf, TensorBase)]
        several = len(leaves) > 1 or kinds[name].kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{name}_{i}" if several else name for i in range(len(leaves))]
        tensors += leaves
    if given is not None:
        if len(given) != len(names):
            raise ValueError(f"{len(given)} input_names for {len(names)} inputs, {names}")
        names = list(given)
    return names, tensors


def _traced(model, args, kwargs, names, tensors, output_names):
    parameters = []
    modes = []
    if isinstance(model, nn.Module):
        parameters = [*model.named_parameters(), *model.named_buffers()]
        modes = [(module, module.training) for module in model.modules()]
        model.eval()
    trace, state = Trace(tensors, names, parameters), get_rng_state()
    try:
        with no_grad(), trace:
            out = model(*args, **kwargs)
    finally:
        for module, training in modes:
            module.training = training
    if (get_rng_state() != state).any():
        set_rng_state(state)
        warnings.warn(
            "rushlight.onnx.export: the model has drawn random numbers; the graph holds those as constants",
            UserWarning,
            stacklevel=3,
        )
    found = [leaf for leaf in flatten(out)[0] if isinstance(leaf, TensorBase)]
    return trace, [trace.value(leaf) for leaf in found]


def _larger(args, kwargs, tensors, dims):
    """The inputs with one entry more along those dimensions, the last one twice."""
    grown = {}
    for tensor, along in zip(tensors, dims):
        larger = tensor.detach()
        for dim in along:
            larger = cat([larger, larger.narrow(dim, larger.shape[dim] - 1, 1)], dim)
        grown[id(tensor)] = larger
    return pytree.tree_map(lambda leaf: grown.get(id(leaf), leaf), (args, kwargs))


def _symbols(dynamic_axes):
    """{(name of an input or output, dimension): name of its size}"""
    found = {}
    for name, dims in dynamic_axes.items():
        dims = dims if isinstance(dims, dict) else {dim: f"{name}_dim_{dim}" for dim in dims}
        found.update({(name, dim): symbol for dim, symbol in dims.items()})
    return found


def _needed(calls, outputs):
    """The calls that lead to the outputs."""
    wanted, found = {id(value) for value in outputs}, []
    for call in reversed(calls):
        if any([id(value) in wanted for value in call.outputs]):
            wanted |= {id(value) for value in call.inputs}
            found.append(call)
    return found[::-1]


def _put(graph, call):
    mapping = MAPPINGS.get(call.op)
    graph.line = call.line
    try:
        if mapping is None:
            raise NotImplementedError
        made = mapping(graph, call, **call.params)
    except NotImplementedError as error:
        what = f": {error}" if str(error) else ""
        raise NotImplementedError(
            f"rushlight.onnx.export: the operation {call.op!r} has no counterpart in ONNX here{what} ({call.line})"
        ) from None
    for name, value in zip(made if isinstance(made, list) else [made], call.outputs):
        graph.rename(name, value)


def _named(graph, trace, outputs, names):
    """The outputs under the names that they shall have."""
    if names is None:
        names = ["output"] if len(outputs) == 1 else [f"output_{i}" for i in range(len(outputs))]
    if len(names) != len(outputs):
        raise ValueError(f"{len(names)} output_names for {len(outputs)} outputs")
    found = []
    for value, name in zip(outputs, names):
        graph("Identity", value, outputs=[name])
        twin = copy.copy(value)
        twin.name = name
        found.append(twin)
    return found


def _version():
    from .. import __version__

    return __version__


__getattr__ = of_module(__name__)
