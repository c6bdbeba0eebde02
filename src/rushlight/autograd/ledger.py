"""What graphs hold: the bytes kept for backward by line of the program, and the graphs that are still alive.

Both look at what is there when they are called; recording costs nothing more for them.
"""

import linecache
import os
from collections import Counter, namedtuple

from ..core import Node, Packed, TensorBase
from ..lines import line_number
from ..ops.hidden import Batched
from .function import FunctionCtx
from .sizes import address, arrays_in, columns, format_bytes, format_time, owner

__all__ = ["Alive", "Saved", "graphs_alive", "saved"]

_NO_HISTORY = "element 0 of tensors does not require grad and does not have a grad_fn"
_SOURCE_WIDTH = 48


class Kept(namedtuple("Kept", ("node", "name", "shape", "dtype", "bytes", "kind", "address"))):
    """One value that a node keeps for its rules: the node's name and PyTorch's name for the value.

    `kind` is "leaf" (a parameter or other leaf of the graph, there anyway), "constant" (it has no history: data,
    indices, masks) or "intermediate"; `bytes` are those of the whole memory it lies in.
    """

    __slots__ = ()


class Row:
    """One line of the program: what it recorded, and what that keeps.

    Memory that several lines keep is counted at the one that recorded it first. `forward_us` and `backward_us` are
    None where no profile has seen the line.
    """

    def __init__(self, place):
        self.file, self.line, self.function = place
        self.source = linecache.getline(self.file, self.line).strip()
        self.nodes = 0
        self.operations = Counter()
        self.kept = []
        self.leaf_bytes = self.constant_bytes = self.intermediate_bytes = 0
        self.forward_us = self.backward_us = None

    @property
    def bytes(self):
        return self.leaf_bytes + self.constant_bytes + self.intermediate_bytes

    @property
    def shapes(self):
        """The shapes of the values kept, each once."""
        return list(dict.fromkeys(kept.shape for kept in self.kept))

    def __repr__(self):
        return f"<{os.path.basename(self.file)}:{self.line}: {self.nodes} operations, {format_bytes(self.bytes)}>"


class Saved:
    """What the graph of a tensor holds. Printed, it is a table; `rows` has a Row per line, the most bytes first."""

    def __init__(self, nodes, times):
        self.nodes = len(nodes)
        self.freed = sum(node.freed for node in nodes)
        self.rows = _rows(nodes, times)
        self.leaf_bytes, self.constant_bytes, self.intermediate_bytes = _totals(self.rows)

    @property
    def total_bytes(self):
        """All bytes kept, memory that is shared counted once."""
        return self.leaf_bytes + self.constant_bytes + self.intermediate_bytes

    def table(self, row_limit=50):
        """The rows as text."""
        head = ["line", "", "nodes", "kept", "of leaves"]
        timed = any(row.forward_us is not None for row in self.rows)
        head += ["forward", "backward"] if timed else []
        cells = []
        for row in self.rows[:row_limit]:
            cell = [
                _place(row),
                _cut(row.source),
                str(row.nodes),
                format_bytes(row.bytes),
                format_bytes(row.leaf_bytes),
            ]
            cell += [_time(row.forward_us), _time(row.backward_us)] if timed else []
            cells.append([*cell, _keepers(row.kept)])
        lines = columns([*head, "kept by"], cells, left=(0, 1, len(head)))
        if len(self.rows) > row_limit:
            lines.append(f"... and {len(self.rows) - row_limit} more lines")
        return "\n".join([*lines, *self._sums()])

    def _sums(self):
        yield (
            f"{self.nodes} nodes keep {format_bytes(self.total_bytes)}: {format_bytes(self.intermediate_bytes)} of "
            f"intermediate values, {format_bytes(self.constant_bytes)} without history, "
            f"{format_bytes(self.leaf_bytes)} of leaves, which are there anyway."
        )
        if self.freed:
            which = "The" if self.freed == self.nodes else f"{self.freed} of the"
            yield f"{which} nodes have been freed by backward: what they had kept is gone (retain_graph=True keeps it)."

    def __repr__(self):
        return self.table()


class Root:
    """Graphs whose last operation was recorded at one line, and that are still alive.

    `count` is their number, `nodes` the nodes and `bytes` the memory that they hold together; `shapes` are those of the
    tensors that are still there with this history.
    """

    def __init__(self, place, roots, shapes):
        self.file, self.line, self.function = place
        self.source = linecache.getline(self.file, self.line).strip()
        self.count = len(roots)
        self.operations = Counter(node.name() for node in roots)
        self.shapes = shapes
        nodes = nodes_of(roots)
        self.nodes = len(nodes)
        self.leaf_bytes, self.constant_bytes, self.intermediate_bytes = _totals(_rows(nodes, {}))

    @property
    def bytes(self):
        return self.leaf_bytes + self.constant_bytes + self.intermediate_bytes

    def __repr__(self):
        return f"<{os.path.basename(self.file)}:{self.line}: {self.count} graphs, {self.nodes} nodes>"


class Alive:
    """The graphs that are alive. Printed, it is a table; `rows` has a Root per line, the biggest first."""

    def __init__(self, rows, nodes):
        self.rows, self.nodes = rows, nodes

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        return iter(self.rows)

    def table(self, row_limit=50):
        """The rows as text."""
        cells = [
            [_place(row), _cut(row.source), str(row.count), str(row.nodes), format_bytes(row.bytes),
             ", ".join(row.operations)]
            for row in self.rows[:row_limit]
        ]  # fmt: skip
        if not cells:
            return "No graph is alive."
        lines = columns(["line", "", "graphs", "nodes", "kept", "last operation"], cells, left=(0, 1, 5))
        if len(self.rows) > row_limit:
            lines.append(f"... and {len(self.rows) - row_limit} more lines")
        return "\n".join([*lines, f"{self.nodes} nodes are alive."])

    def __repr__(self):
        return self.table()


def saved(*tensors):
    """What the graph of one or more tensors holds, by line of the program: a `Saved`, to be printed.

    With a profile (autograd.profiler) that saw the operations and is still held, there is their time, too.
    RuntimeError where a tensor has no history.

    >>> import rushlight
    >>> x, w = rushlight.ones(100, 20), rushlight.ones(20, 5, requires_grad=True)
    >>> loss = (x @ w).exp().sum()
    >>> held = rushlight.autograd.saved(loss)
    >>> held.total_bytes, held.intermediate_bytes, held.constant_bytes
    (10000, 2000, 8000)
    >>> [(kept.node, kept.name, kept.shape, kept.kind) for kept in held.rows[0].kept]
    [('MmBackward0', 'self', (100, 20), 'constant'), ('ExpBackward0', 'result', (100, 5), 'intermediate')]
    """
    roots = []
    for tensor in tensors:
        if isinstance(tensor, Node):
            roots.append(tensor)
            continue
        if not isinstance(tensor, TensorBase):
            raise TypeError(f"saved() takes tensors, not {type(tensor).__name__}")
        while type(tensor._array) is Batched and not tensor.requires_grad:
            # Under vmap the history is that of all samples.
            tensor = tensor._array.hidden
        if not tensor.requires_grad:
            raise RuntimeError(_NO_HISTORY)
        if tensor.grad_fn is not None:
            roots.append(tensor.grad_fn)
    nodes = nodes_of(roots)
    return Saved(nodes, _times(nodes))


def graphs_alive(collect=True):
    """The graphs that are alive, by the line that recorded the last operation of each: an `Alive`, to be printed.

    A graph is alive for as long as somebody holds its end: a list of losses, a running `total += loss`. What is
    only waiting for Python's garbage collector is collected first, unless `collect` is False.

    >>> import rushlight
    >>> w = rushlight.ones(3, requires_grad=True)
    >>> losses = []
    >>> for step in range(5):
    ...     losses.append((w * step).sum())
    >>> row = next(row for row in rushlight.autograd.graphs_alive() if row.count == 5)
    >>> row.nodes, row.operations
    (10, Counter({'SumBackward0': 5}))
    """
    import gc

    if collect:
        gc.collect()
    nodes, tensors = {}, {}
    for each in gc.get_objects():
        # Asked of the type: isinstance would run the __class__ of proxies.
        if issubclass(type(each), Node):
            nodes[id(each)] = each
        elif issubclass(type(each), TensorBase) and each._grad_fn is not None:
            tensors.setdefault(id(each._grad_fn), []).append(each)
    inner = {id(edge) for node in nodes.values() for edge in _edges(node)}
    groups = {}
    for key, node in nodes.items():
        if key not in inner:
            groups.setdefault(place_of(node), []).append(node)
    rows = [
        Root(place, roots, [tuple(t._array.shape) for node in roots for t in tensors.get(id(node), ())])
        for place, roots in groups.items()
    ]
    rows.sort(key=lambda row: (row.bytes, row.nodes), reverse=True)
    return Alive(rows, len(nodes))


def _edges(node):
    """The nodes that a node's inputs came from."""
    edges = [node.edge_at(i) for i in range(node.count)]
    return [edge for edge in edges if isinstance(edge, Node)]


def nodes_of(roots):
    """All nodes that roots came from, themselves included, in the order of recording."""
    seen = {id(node): node for node in roots}
    stack = list(seen.values())
    while stack:
        for edge in _edges(stack.pop()):
            if id(edge) not in seen:
                seen[id(edge)] = edge
                stack.append(edge)
    return sorted(seen.values(), key=lambda node: node.sequence)


def kept_by(node):
    """(PyTorch's name, value, whether it has no history) of everything that a node keeps."""
    op = node.op
    if op.custom is not None:
        entries = [entry for entry in node.saved0 or () if entry is not None]
        yield from (("saved_tensors", kept, edge is None) for kept, _, edge, _ in entries)
    else:
        for i in range(node.count):
            name = op.inputs[0 if op.variadic else i]
            yield from _behind(op.aliases.get(name, name), input_of(node, i), node.edge_at(i) is None)
    for name, (array, _, _) in zip(op.outputs or ("out",), node.outs or ()):
        yield from _behind(op.aliases.get(name, name), array, False)
    for name, value in (node.params or {}).items():
        if isinstance(value, FunctionCtx):
            yield from ((key, each, not getattr(each, "requires_grad", False)) for key, each in vars(value).items())
        else:
            yield op.aliases.get(name, name), value, True


def _behind(name, value, constant):
    """The same of a value; of one that a checkpoint will compute again, what it is computed from."""
    inputs = getattr(value.value, "inputs", None) if isinstance(value, Packed) else None
    if not isinstance(inputs, Node):
        yield name, value, constant
        return
    for i in range(inputs.count):
        yield "input of its checkpoint", input_of(inputs, i), inputs.edge_at(i) is None


def input_of(node, i):
    """What a node keeps of its input i."""
    return (node.saved0, node.saved1)[i] if i < 2 else node.more[i - 2][2]


def _rows(nodes, times):
    """A Row for each line that recorded some of the nodes."""
    leaves = {address(array) for node in nodes for leaf in leaves_of(node) for array in arrays_in(leaf)}
    rows, counted = {}, set()
    for node in nodes:
        place = place_of(node)
        row = rows.get(place)
        if row is None:
            row = rows[place] = Row(place)
        row.nodes += 1
        row.operations[node.name()] += 1
        for name, value, constant in kept_by(node):
            for array in arrays_in(value):
                where = address(array)
                kind = "leaf" if where in leaves else "constant" if constant else "intermediate"
                size = owner(array).nbytes
                row.kept.append(Kept(node.name(), name, array.shape, array.dtype, size, kind, where))
                if where not in counted and size:
                    counted.add(where)
                    total = f"{kind}_bytes"
                    setattr(row, total, getattr(row, total) + size)
        # Taken out, since views of a tensor that was written to may have histories of one number.
        forward, backward = times.pop(node.sequence, (None, None))
        if forward is not None:
            row.forward_us = (row.forward_us or 0.0) + forward
            row.backward_us = (row.backward_us or 0.0) + backward
    return sorted(rows.values(), key=lambda row: row.bytes, reverse=True)


def leaves_of(node):
    """The leaf tensors among the inputs of a node."""
    edges = [node.edge_at(i) for i in range(node.count)]
    return [edge for edge in edges if isinstance(edge, TensorBase)]


def _totals(rows):
    return (
        sum(row.leaf_bytes for row in rows),
        sum(row.constant_bytes for row in rows),
        sum(row.intermediate_bytes for row in rows),
    )


def place_of(node):
    """(file, line, function) that recorded a node."""
    if node.code is None:
        return "<unknown>", 0, ""
    return node.code.co_filename, line_number(node.code, node.offset), node.code.co_name


def _times(nodes):
    """What profiles know of the nodes; nothing where no profile was ever used."""
    import sys

    profiler = sys.modules.get(f"{__package__}.profiler")
    return {} if profiler is None else profiler.times_of({node.sequence for node in nodes})


def _place(row):
    where = f"{os.path.basename(row.file)}:{row.line}"
    return where if row.function in ("<module>", "") else f"{where} in {row.function}"


def _cut(text):
    return text if len(text) <= _SOURCE_WIDTH else text[: _SOURCE_WIDTH - 3] + "..."


def _time(microseconds):
    return "" if microseconds is None else format_time(microseconds)


def _keepers(kept):
    """'MmBackward0 self (100, 20) constant, ...' for the largest values that a line keeps."""
    found = Counter()
    for each in sorted(kept, key=lambda each: each.bytes, reverse=True):
        what = "" if each.kind == "intermediate" else f" {each.kind}"
        found[f"{each.node} {each.name} {each.shape}{what}"] += 1
    texts = [text if count == 1 else f"{count} x {text}" for text, count in found.items()]
    return ", ".join(texts[:3]) + (f", {len(texts) - 3} more" if len(texts) > 3 else "")
