"""Models as files of ONNX: `export(model, args, "model.onnx")`, for onnxruntime and all else that reads them.

Nothing has to be installed for it. https://onnx.ai/onnx/intro/
"""

import copy
import enum

from ..missing import of_module
from ..serialization.replacing import replacing
from . import activations as _activations  # noqa: F401 (its mappings, as those of the next four)
from . import indexing as _indexing  # noqa: F401
from . import layers as _layers  # noqa: F401
from . import losses as _losses  # noqa: F401
from . import pooling as _pooling  # noqa: F401
from .elementwise import MAPPINGS
from .graph import Graph
from .running import inputs_of, opened, renamed, traced
from .tracing import needed

__all__ = ["TrainingMode", "export"]

_OPSETS = range(17, 29)
# What PyTorch's function takes besides, with the values that mean nothing here; others are refused.
_WITHOUT_MEANING = {
    "custom_translation_table": None, "report": False, "verify": False, "profile": False, "dump_exported_program": False,
    "custom_opsets": None, "export_modules_as_functions": False, "operator_export_type": 0,
}  # fmt: skip
_IGNORED = {
    "dynamo", "external_data", "optimize", "artifacts_dir", "do_constant_folding", "autograd_inlining", "fallback",
}  # fmt: skip


class TrainingMode(enum.IntEnum):
    """The mode that a module is exported in: evaluation, its own, or training."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


def export(
    model, args=(), f=None, *, kwargs=None, verbose=None, input_names=None, output_names=None, opset_version=None,
    dynamic_shapes=None, export_params=True, keep_initializers_as_inputs=False, dynamic_axes=None,
    training=TrainingMode.EVAL, **options,
):  # fmt: skip
    """Write what a module computes for `args` as a model of ONNX, to the path or open file `f`; the bytes where f is None.

    The module runs once, in evaluation mode and without gradients, and the operations that ran become the graph: what
    Python decides (`if`, loops) is decided for these inputs. `args` is a tensor or a tuple, `kwargs` a dictionary of more
    inputs (or the last of `args` is); tensors may lie in tuples, lists and dictionaries, and so may those that the module
    returns. Parameters keep their names, inputs are named after those of `forward`, and each node tells its line of the
    program. `verbose` prints the nodes.

    `dynamic_axes={"input": {0: "batch"}}` leaves sizes of inputs open (`dynamic_shapes` says the same): the module then runs
    with others too, to see which sizes follow from them. `opset_version` is 17 to 28, by default 18. Without
    `export_params` parameters are inputs; with `keep_initializers_as_inputs` they are both. PyTorch's other options have no
    effect, or are refused where they would.

    Raises NotImplementedError, which is a RuntimeError, for an operation that has no counterpart, by its name and line;
    RuntimeError where a value of the inputs decides something in Python, or a constant depends in no simple way on a size
    that is left open. The file is written when all is known.

    >>> import rushlight
    >>> from rushlight import nn
    >>> model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> written = rushlight.onnx.export(model, rushlight.ones(1, 3), dynamic_axes={"input": {0: "batch"}})
    >>> len(written) < 1500
    True
    """
    opset_version = _checked(opset_version, options)
    args, kwargs = _arguments(args, kwargs)
    names, tensors = inputs_of(model, args, kwargs, input_names)
    symbols = _symbols(_axes(dynamic_axes, dynamic_shapes, names), dict(zip(names, tensors)), output_names or ())
    trace, outputs = traced(model, args, kwargs, names, tensors, training)
    opened((trace, outputs), model, (args, kwargs), (names, tensors), training, symbols)
    graph = Graph(opset_version, trace.inputs)
    for call in needed(trace.calls, outputs):
        _put(graph, call)
    if verbose:
        print("\n".join(graph.shown))
    outputs = _named(graph, outputs, output_names)
    shown = set(trace.names.values()) if keep_initializers_as_inputs or not export_params else set()
    data = graph.model(trace.inputs, outputs, symbols, _version(), shown, bool(export_params))
    if f is None:
        return data
    _write(data, f)
    return None


def _checked(opset_version, options):
    """The opset, and that no option is one that nothing is done for."""
    version = 18 if opset_version is None else opset_version
    if version not in _OPSETS:
        raise ValueError(f"Unsupported ONNX opset version: {version}. It must be {_OPSETS[0]} to {_OPSETS[-1]}.")
    for name, value in options.items():
        if name not in _IGNORED and name not in _WITHOUT_MEANING:
            raise TypeError(f"export() got an unexpected keyword argument {name!r}")
        if name in _WITHOUT_MEANING and value != _WITHOUT_MEANING[name]:
            raise NotImplementedError(f"rushlight.onnx.export: {name}={value!r} is not implemented; leave it out")
    return version


def _arguments(args, kwargs):
    """A tuple and a dictionary; a dictionary at the end of the tuple is that of the keywords."""
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if not kwargs and args and isinstance(args[-1], dict) and all([isinstance(key, str) for key in args[-1]]):
        return args[:-1], args[-1]
    return args, kwargs or {}


def _axes(dynamic_axes, dynamic_shapes, names):
    """{name: {dimension: name of its size}} of either way to say it."""
    if not dynamic_shapes:
        return dynamic_axes or {}
    pairs = dynamic_shapes.items() if isinstance(dynamic_shapes, dict) else zip(names, dynamic_shapes)
    found = {}
    for name, dims in pairs:
        dims = dims.items() if isinstance(dims, dict) else enumerate(dims or ())
        named = {
            dim: getattr(size, "__name__", size) for dim, size in dims if size is not None and type(size) is not int
        }
        found[name] = {dim: size if isinstance(size, str) else f"{name}_dim_{dim}" for dim, size in named.items()}
    return found


def _symbols(axes, inputs, output_names):
    """{(name of an input or output, dimension): name of its size}"""
    unknown = set(axes) - set(inputs) - set(output_names)
    if unknown:
        raise ValueError(f"dynamic_axes names {sorted(unknown)}, but the inputs are {list(inputs)}")
    found = {}
    for name, dims in axes.items():
        dims = dims if isinstance(dims, dict) else {dim: f"{name}_dim_{dim}" for dim in dims}
        for dim, symbol in dims.items():
            if name in inputs and not -inputs[name].ndim <= dim < inputs[name].ndim:
                raise ValueError(f"dynamic_axes names dimension {dim} of {name!r}, which has {inputs[name].ndim}")
            found[name, dim % inputs[name].ndim if name in inputs else dim] = symbol
    return found


def _write(data, f):
    if hasattr(f, "write"):
        f.write(data)
        return
    with replacing(f) as file:
        file.write(data)


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
            f"Exporting the operator {call.op!r} to ONNX opset version {graph.opset} is not supported{what} ({call.line}). "
            "Write it with operations that have a counterpart, or export the part of the model before it."
        ) from None
    for name, value in zip(made if isinstance(made, list) else [made], call.outputs):
        graph.rename(name, value)


def _named(graph, outputs, given):
    """The outputs under the names that they shall have."""
    names = ["output"] if len(outputs) == 1 else [f"output_{i}" for i in range(len(outputs))]
    names = renamed("output", names, given)
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
