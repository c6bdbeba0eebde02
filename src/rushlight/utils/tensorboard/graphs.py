"""Graphs of modules, and of files of ONNX, as TensorBoard's graphs: names with slashes are boxes within boxes."""

from ... import viz
from ...autograd import enable_grad
from ...core import TensorBase
from ...missing import of_module
from ...pytree import flatten
from ...serialization.protobuf import data, integer
from ...viz.model import Model
from ...viz.tree import tree


def of_call(model, args, printed):
    """GraphDef of a call of a module, in evaluation mode, which is printed as a tree too where that is asked for."""
    args = [x.detach().requires_grad_() if _carries(x) else x for x in args]
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with enable_grad(), viz.record():
            out = model(*args)
    finally:
        for module, training in modes:
            module.training = training
    outputs = [y for y in flatten(out)[0] if isinstance(y, TensorBase) and y.requires_grad]
    if not outputs:
        raise RuntimeError(
            "the outputs of the model have no history: they depend on no parameter, and on no floating input"
        )
    drawn = Model(outputs, model)
    if printed:
        print(tree(drawn))
    return _written(drawn, {id(x): k for k, x in enumerate(args)})


def _carries(x):
    return isinstance(x, TensorBase) and (x.is_floating_point() or x.is_complex())


def _written(drawn, inputs):
    """GraphDef of a Model, whose leaves with these ids are inputs."""
    given = {item.id: inputs[id(tensor)] for tensor, item in drawn.leaves() if id(tensor) in inputs}
    users, names, taken = {}, {}, set()
    for edge in drawn.edges:
        users.setdefault(edge.source, edge.target)
    for item in drawn.items:
        if item.id in given:
            name = f"input/{given[item.id]}"
        elif item.kind == "output":
            name = f"output/{item.label}"
        else:
            around = item if item.kind == "operation" else drawn.items[users[item.id]]
            own = item.label.rpartition(".")[2] if item.kind == "leaf" else item.label
            name = "/".join([*_scopes(drawn, around), own])
        names[item.id] = _free(name, taken)
    nodes = b""
    for item in drawn.items:
        sources = [names[e.source] + (f":{e.output}" if e.output else "") for e in drawn.edges_into(item.id)]
        kind = "IO Node" if item.id in given or item.kind == "output" else item.name or item.label
        nodes += data(1, _node(names[item.id], kind, sources, item.shape))
    return nodes + data(4, integer(1, 22))


def _scopes(drawn, item):
    """The names of the calls that an operation is in, from the outermost."""
    found, box = [], item.box
    while box is not None:
        found.insert(0, _scope(drawn.boxes[box].name, drawn.boxes[box].kind))
        box = drawn.boxes[box].parent
    if item.caption:
        # A call that is this operation alone.
        name, _, kind = item.caption.rpartition(": ")
        found.append(_scope(name, kind))
    return found


def _scope(name, kind):
    return f"{kind}[{name}]" if name else kind


def _free(name, taken):
    """A name that no other node has."""
    found, n = name, 0
    while found in taken:
        n += 1
        found = f"{name}_{n}"
    taken.add(found)
    return found


def _node(name, kind, sources, shape):
    """NodeDef; `shape` is that of what it gives, None where it is not known."""
    fields = data(1, name) + data(2, kind) + b"".join([data(3, source) for source in sources])
    if shape is None:
        return fields
    sizes = b"".join([data(2, integer(1, n)) for n in shape])
    return fields + data(5, data(1, "_output_shapes") + data(2, data(1, data(7, sizes))))


def of_onnx_file(path):
    """GraphDef of a model that is a file of ONNX, or its bytes."""
    try:
        import onnx
    except ImportError:
        raise ImportError("add_onnx_graph needs onnx, which is not installed: pip install onnx") from None
    graph = onnx.load(path).graph
    made, nodes, taken = {}, b"", set()
    for value in graph.input:
        made[value.name] = value.name
        sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
        nodes += data(1, _node(_free(value.name, taken), "Placeholder", [], sizes))
    for value in graph.initializer:
        made[value.name] = value.name
        nodes += data(1, _node(_free(value.name, taken), "Const", [], list(value.dims)))
    for node in graph.node:
        name = _free(node.name or node.output[0], taken)
        sources = [made[x] for x in node.input if x in made]
        made |= {out: name + (f":{k}" if k else "") for k, out in enumerate(node.output)}
        nodes += data(1, _node(name, node.op_type, sources, None))
    for value in graph.output:
        nodes += data(1, _node(_free(f"output/{value.name}", taken), "IO Node", [made[value.name]], None))
    return nodes + data(4, integer(1, 22))


__getattr__ = of_module(__name__)
