"""What a picture shows, as plain data: operations, tensors where the graph begins and ends, edges, and calls of modules.

Nothing is run for it, and nothing changes: values are those that the graph keeps, or that somebody still holds.
"""

import re

import numpy as np

from ..autograd.explaining.words import spoken
from ..autograd.ledger import input_of, kept_by, leaves_of, nodes_of, place_of
from ..autograd.sizes import address, arrays_in, owner
from ..core import Node, Packed, TensorBase, array_of
from ..dtypes import of
from ..ops.hidden import Batched
from . import calls, formulas
from .shapes import Shapes
from .values import number, shape_text, summary

FAMILIES = {
    "arithmetic": "elementwise exponential trigonometric rounding powers polynomial complex random identity",
    "activation": "activation softmax gate special gamma bessel dropout",
    "matrix": "matrix linalg lu ldl decompose householder elimination conv attention fft recurrent cross distance",
    "reduction": "reduce norm cumulative scan loss margin ctc chunked pool bags sort",
    "shape": "shape copying join strided pad triangle shuffle resample grid",
    "choice": "index selection select scatter search compare",
}
_FAMILY_OF = {part: family for family, parts in FAMILIES.items() for part in parts.split()}


class Item:
    """A thing in the picture: `kind` is "operation", "leaf", "constant" or "output".

    `shape` is a tuple and `dtype` a name, None where the graph does not tell. `kept` lists what is kept for backward, `bytes` is
    what of it no earlier item has counted. `value` and `grad` are summaries (see values.summary) or None; `line` is
    (file, number, function) or None; `caption` is the variable that holds it, and the call of a module that it is all of.
    """

    def __init__(self, id, kind, label):
        self.id, self.kind, self.label = id, kind, label
        self.name = self.caption = self.note = ""
        self.family = kind
        self.shape = self.dtype = self.line = self.value = self.grad = self.formula = None
        self.kept, self.bytes, self.freed, self.hooked = [], 0, False, False
        self.box = None

    def __repr__(self):
        return f"<{self.kind} {self.label} {'?' if self.shape is None else shape_text(self.shape)}>"


class Edge:
    """From item `source` (its output `output`) to item `target` (its input `input`, called `name`); by their ids.

    `tracked` is false where no gradient flows back.
    """

    def __init__(self, source, output, target, input, name, tracked=True):
        self.source, self.output, self.target, self.input = source, output, target, input
        self.name, self.tracked = name, tracked

    def __repr__(self):
        return f"<edge {self.source} to {self.target}>"


class Box:
    """A call of a module: its name in the module around it, its class, and the box around it (its place in `boxes`)."""

    def __init__(self, id, name, kind, parent):
        self.id, self.name, self.kind, self.parent = id, name, kind, parent
        self.depth = 0

    @property
    def title(self):
        return f"{self.name}: {self.kind}" if self.name and self.kind else self.name or self.kind

    def __repr__(self):
        return f"<box {self.title}>"


class Model:
    """All of it: `items`, `edges` and `boxes`; until `release`, also `item_of` each node."""

    def __init__(self, outputs, module=None, variables=None):
        self.outputs = outputs
        self.items, self.edges, self.boxes = [], [], []
        self._leaves, self._indices, self._formulas = [], {}, {}
        self.names = calls.parameter_names(module)
        made = {}
        if variables is not None:
            self.names |= variables.names
            made = _made(variables.tensors)
        roots = [y if isinstance(y, Node) else y.grad_fn for y in outputs if isinstance(y, Node) or y.grad_fn]
        for node in nodes_of(roots):
            node.as_shown()
        nodes = nodes_of(roots)
        self.item_of = {}
        values = _values(outputs, nodes, made)
        shapes = Shapes(nodes, values)
        leaves = {address(array) for node in nodes for leaf in leaves_of(node) for array in arrays_in(leaf)}
        counted, tensors = set(leaves), _retained(nodes)
        for node in nodes:
            self._add_node(
                node, shapes.of.get((node, 0), (None, None)), values.get((node, 0)), counted, leaves, tensors
            )
        for node in nodes:
            self._add_edges(node)
        self._add_outputs(outputs)
        self._add_boxes(nodes, module)
        for (node, _), (name, tensor) in made.items():
            item = self.item_of.get(node)
            if item is not None and not any(tensor is y for y in outputs):
                item.caption = " · ".join(filter(None, (name, item.caption)))

    def _new(self, key, kind, label):
        item = Item(len(self.items), kind, label)
        self.items.append(item)
        self.item_of[key] = item
        return item

    def _add_node(self, node, known, value, counted, leaves, tensors):
        item = self._new(node, "operation", operation_label(node))
        item.name, item.freed = type(node).__name__, node.freed
        item.hooked = has_hooks(node.extras)
        item.family = "custom" if node.op.custom is not None else _family(node.op)
        item.shape, item.dtype = known[0], None if known[1] is None else _dtype(known[1])
        item.value = None if value is None else summary(value)
        item.line = place_of(node) if node.code is not None else None
        item.formula = self._formula(node)
        for name, held, constant in kept_by(node) if not node.freed else ():
            for array in arrays_in(held):
                where = address(array)
                kind = "leaf" if where in leaves else "constant" if constant else "intermediate"
                item.kept.append((name, tuple(array.shape), _dtype(array.dtype), owner(array).nbytes, kind))
                if where not in counted:
                    counted.add(where)
                    item.bytes += owner(array).nbytes
        for tensor in tensors.get(node, ()):
            if tensor._grad is not None:
                item.grad = summary(tensor._grad._array)

    def _add_edges(self, node):
        target = self.item_of[node]
        inputs = node.op.inputs
        for i in range(node.count):
            edge = node.edge_at(i)
            name = inputs[min(i, len(inputs) - 1)] if inputs else ""
            if edge is None:
                source = self._constant(node, i)
                if source is not None:
                    self.edges.append(Edge(source.id, 0, target.id, i, name, False))
                continue
            source = self.item_of[edge] if isinstance(edge, Node) else self._leaf(edge)
            self.edges.append(Edge(source.id, node.number_at(i), target.id, i, name))

    def _leaf(self, tensor):
        key = "leaf", id(tensor)
        item = self.item_of.get(key)
        if item is not None:
            return item
        parameter = type(tensor).__name__ == "Parameter"
        item = self._new(key, "leaf", self.names.get(id(tensor)) or ("parameter" if parameter else "leaf"))
        item.name = "Parameter" if parameter else "Tensor"
        item.hooked = has_hooks(tensor.hooks)
        self._describe(item, tensor)
        self._leaves.append((tensor, item))
        return item

    def leaves(self):
        """[(tensor, item), ...] of the leaves."""
        return self._leaves

    def edges_into(self, id):
        """The edges to an item, in the order of its inputs."""
        return self._by("target").get(id, [])

    def edges_from(self, id):
        """The edges from an item."""
        return self._by("source").get(id, [])

    def _by(self, end):
        if end not in self._indices:
            index = self._indices[end] = {}
            for edge in self.edges:
                index.setdefault(getattr(edge, end), []).append(edge)
        return self._indices[end]

    def _describe(self, item, tensor):
        array = tensor._array
        item.shape, item.dtype = tuple(array.shape), _dtype(array.dtype)
        item.value = summary(array)
        if tensor._grad is not None:
            item.grad = summary(tensor._grad._array)

    def _constant(self, node, i):
        """The item of an input without history, where the node keeps it; None otherwise."""
        if node.freed or node.op.custom is not None:
            return None
        value = input_of(node, i)
        if value is None or isinstance(value, (Packed, str)):
            return None
        array = array_of(value)
        key = ("constant", address(array), array.shape) if isinstance(array, np.ndarray) else ("number", node, i)
        if key in self.item_of:
            return self.item_of[key]
        if isinstance(array, np.ndarray) and array.size == 1:
            label = number(array.reshape(()).astype(np.float32) if array.dtype.kind == "V" else array.item())
        elif isinstance(array, (bool, int, float, complex)):
            label = number(array)
        else:
            label = "constant"
        item = self._new(key, "constant", self.names.get(id(value)) or label)
        item.name = "Tensor" if isinstance(array, np.ndarray) else type(array).__name__
        if isinstance(array, np.ndarray):
            item.shape, item.dtype, item.value = tuple(array.shape), _dtype(array.dtype), summary(array)
        return item

    def _add_outputs(self, outputs):
        for i, y in enumerate(outputs):
            if isinstance(y, Node):
                continue
            if y.grad_fn is None:
                source, output = self._leaf(y), 0
            else:
                source, output = self.item_of[y.grad_fn], y.output_nr
            word = "output" if len(outputs) == 1 else f"output {i}"
            item = self._new(("output", i), "output", self.names.get(id(y)) or word)
            self._describe(item, y)
            self.edges.append(Edge(source.id, output, item.id, 0, ""))

    def _add_boxes(self, nodes, module):
        """The calls of modules, and which of them each item is in. One of a single operation becomes its caption."""
        numbers = [node.sequence for node in nodes]
        found = calls.calls_over(numbers)
        self.boxes_are = "recorded" if found else "none"
        if not found and module is not None:
            found = calls.calls_guessed(nodes, module)
            self.boxes_are = "guessed by their parameters" if found else "none"
        within, stack = [None] * len(nodes), []
        for low, high, name, kind in found:
            while stack and stack[-1][0] < low:
                stack.pop()
            parent = stack[-1][1] if stack else None
            if low == high and within[low] is parent and not leaves_of(nodes[low]):
                item = self.item_of[nodes[low]]
                item.caption = item.caption or f"{name}: {kind}".strip(": ")
                continue
            box = Box(len(self.boxes), name, kind, None if parent is None else parent.id)
            box.depth = 0 if parent is None else parent.depth + 1
            self.boxes.append(box)
            stack.append((high, box))
            for k in range(low, high + 1):
                within[k] = box
        for node, box in zip(nodes, within):
            self.item_of[node].box = None if box is None else box.id

    def _formula(self, node):
        """{"forward": text, "given": parameters, "inputs": [{"name", "local", "rule", "place", "note"}, ...]} of a node.

        Nodes of one operation and the same parameters share it.
        """
        if node.op.custom is not None:
            return _custom_formula(node)
        op, tracked = node.op, tuple([node.edge_at(i) is not None for i in range(node.count)])
        key = id(op), tracked, repr(formulas.parameters(node.params)), repr(node.fits), node.conjugate
        if key not in self._formulas:
            self._formulas[key] = _formula(node)
        return self._formulas[key]

    def release(self):
        """Let go of nodes and tensors: what is left is plain data, which keeps no memory of the graph alive."""
        self.outputs = self.item_of = self._formulas = self._leaves = None


def _formula(node):
    op, inputs = node.op, []
    for i in range(node.count):
        if node.edge_at(i) is None:
            continue
        local, rule = formulas.derivative_text(op, i, node.params)
        fit = node.fits[i] if node.fits is not None else None
        notes = []
        if fit is not None and fit[0] is not None:
            notes.append(f"then summed to the shape {shape_text(fit[0])} of the input, which was broadcast")
        if fit is not None and fit[1] is not None:
            notes.append(f"then cast to {_dtype(fit[1])}")
        if node.conjugate:
            notes.append("for complex numbers of the conjugates")
        name = op.inputs[min(i, len(op.inputs) - 1)]
        name = f"{name}[{i - len(op.inputs) + 1}]" if op.variadic and i >= len(op.inputs) - 1 else name
        place, note = formulas.rule_place(op, i), "; ".join(notes)
        inputs.append(_input(name, formulas.pretty(local), formulas.pretty(rule), place, note))
    given = formulas.parameters(node.params)
    return {
        "forward": formulas.pretty(formulas.forward_text(op, node.params)),
        "given": ", ".join(given),
        "inputs": inputs,
    }


def _custom_formula(node):
    """What is known of a Function of the user's own: where its backward stands."""
    cls = getattr(type(node.params["ctx"]), "_forward_cls", None) if node.params else None
    code = getattr(getattr(cls, "backward", None), "__code__", None)
    name = operation_label(node)
    place = None if code is None else f"{code.co_filename}:{code.co_firstlineno}"
    rule = _input("all", None, f"{name}.backward(ctx, g)", place, "")
    return {"forward": f"{name}.forward", "given": "", "inputs": [rule]}


def _input(name, local, rule, place, note):
    """What is said of the derivative by one input."""
    return {"name": name, "local": local, "rule": rule, "place": place, "note": note}


def has_hooks(extras):
    """Whether a node or leaf has hooks that a backward pass calls."""
    return extras is not None and bool(extras.tensor_hooks or extras.before_hooks or extras.after_hooks)


def operation_label(node):
    """What people call the operation of a node."""
    if node.op.custom is not None:
        return re.sub(r"Backward\d*$", "", type(node).__name__) or type(node).__name__
    return spoken(node.op.name)


def _family(op):
    return _FAMILY_OF.get(op.forward.__module__.rpartition(".")[2], "other")


def _dtype(dtype):
    return str(of(dtype)).rpartition(".")[2]


def _retained(nodes):
    """{node: tensors that retain their gradient}."""
    found = {}
    for node in nodes:
        for _, reference in node.extras.retained if node.extras is not None else ():
            tensor = reference()
            if tensor is not None:
                found.setdefault(node, []).append(tensor)
    return found


def _made(tensors):
    """{(node, output): (name, tensor)} of tensors by name, but for views whose history is not up to date."""
    found = {}
    for name, tensor in tensors.items():
        view = tensor.view_of
        if view is None or view.version == tensor.versions.n:
            found.setdefault((tensor._grad_fn, tensor.output_nr), (name, tensor))
    return found


def _values(outputs, nodes, made):
    """{(node, output): array} of results that the graph keeps, or that are still held, and that are what they were."""
    found = {}

    def put(node, k, array):
        if isinstance(array, np.ndarray) and type(array) is not Batched:
            found.setdefault((node, k), array)

    held = [(y.grad_fn, y.output_nr, y) for y in outputs if isinstance(y, TensorBase) and y.grad_fn is not None]
    held += [(*key, tensor) for key, (_, tensor) in made.items()]
    held += [(node, t.output_nr, t) for node, tensors in _retained(nodes).items() for t in tensors if t.grad_fn is node]
    for node, k, tensor in held:
        # What was written to under no_grad has the history of before.
        if tensor.versions is None or tensor.versions.n == 0:
            put(node, k, tensor._array)
    for node in nodes:
        if node.freed or node.op.custom is not None:
            continue
        for k, entry in enumerate(node.outs or ()):
            if not isinstance(entry[0], Packed) and entry[1].n == entry[2]:
                put(node, k, entry[0])
        for i in range(node.count):
            edge, value = node.edge_at(i), input_of(node, i)
            if isinstance(edge, Node) and isinstance(value, TensorBase) and value._version == _version(node, i):
                put(edge, node.number_at(i), value._array)
    return found


def _version(node, i):
    return (node.version0, node.version1)[i] if i < 2 else node.more[i - 2][3]
