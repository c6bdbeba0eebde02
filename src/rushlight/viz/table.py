"""summary: the modules of a model with shapes, parameters, multiply-adds and memory, as they are for an input."""

from html import escape

from ..autograd import no_grad
from ..core import TensorBase
from ..functions.creation import zeros
from ..pytree import flatten
from ..watching import Watcher

__all__ = ["Summary", "summary"]

_COLUMNS = ("module", "kind", "output", "parameters", "multiply-adds", "made")


def summary(model, input, depth=None):
    """What each module of a model makes of an input: a Summary, which prints as a table, in notebooks too.

    `input` is a tensor, a tuple of several, or the shape of one. The model runs once, in evaluation mode and without
    gradients. Multiply-adds are those of matrix products, convolutions and attention; "made" is the memory of all results
    of operations within. `depth` is how many levels of modules are shown.

    >>> import rushlight
    >>> from rushlight import nn, viz
    >>> print(viz.summary(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)), (4, 3)))
    module  kind        output  parameters  multiply-adds   made
            Sequential  (4, 2)          50            160  288 B
    0       Linear      (4, 8)          32             96  128 B
    1       ReLU        (4, 8)           0              0  128 B
    2       Linear      (4, 2)          18             64   32 B
    <BLANKLINE>
    parameters: 50
    multiply-adds: 160
    memory: input 48 B, parameters 200 B, buffers 0 B, made 288 B
    """
    args = _arguments(input)
    rows = {name: Row(name, module) for name, module in model.named_modules()}
    counting = _Counting()
    modes = [(module, module.training) for module in model.modules()]
    hooks = [hook for row in rows.values() for hook in counting.follow(row)]
    try:
        model.eval()
        with no_grad(), counting:
            model(*args)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    shown = [row for row in rows.values() if depth is None or row.depth <= depth]
    return Summary(model, shown, rows[""], sum([_bytes(x) for x in args]))


class Row:
    """A module of a summary: its name, kind, the shape of what it returned, parameters, multiply-adds, bytes made."""

    def __init__(self, name, module):
        self.name, self.module, self.kind = name, module, type(module).__name__
        self.depth = name.count(".") + 1 if name else 0
        self.output, self.calls, self.multiply_adds, self.made = None, 0, 0, 0
        # A parameter that is shared within the module counts once.
        self.parameters = sum([p.numel() for p in module.parameters()])

    def cells(self):
        output = "not called" if not self.calls else self.output + (f" x{self.calls}" if self.calls > 1 else "")
        made = size(self.made)
        return (self.name, self.kind, output, f"{self.parameters:,}", f"{self.multiply_adds:,}", made)


class Summary:
    """The table of `summary`: `rows`, and the totals `parameters`, `trainable`, `multiply_adds`, `memory` (a dictionary)."""

    def __init__(self, model, rows, whole, given):
        self.rows = rows
        self.parameters, self.multiply_adds = whole.parameters, whole.multiply_adds
        self.trainable = sum([p.numel() for p in model.parameters() if p.requires_grad])
        self.memory = {
            "input": given,
            "parameters": sum([_bytes(p) for p in model.parameters()]),
            "buffers": sum([_bytes(b) for b in model.buffers()]),
            "made": whole.made,
        }

    def __str__(self):
        table = [_COLUMNS, *[row.cells() for row in self.rows]]
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = [
            "  ".join(
                [cell.ljust(n) if i < 3 else cell.rjust(n) for i, (cell, n) in enumerate(zip(cells, widths))]
            ).rstrip()
            for cells in table
        ]
        return "\n".join([*lines, "", *self.totals()])

    __repr__ = __str__

    def totals(self):
        """The lines below the table."""
        frozen = self.parameters - self.trainable
        memory = ", ".join([f"{name} {size(number)}" for name, number in self.memory.items()])
        return [
            f"parameters: {self.parameters:,}" + (f", {frozen:,} of them frozen" if frozen else ""),
            f"multiply-adds: {self.multiply_adds:,}",
            f"memory: {memory}",
        ]

    def _repr_html_(self):
        head = "".join([f"<th>{name}</th>" for name in _COLUMNS])
        rows = ""
        for row in self.rows:
            cells = [f"<td>{escape(cell)}</td>" for cell in row.cells()]
            cells[0] = f'<td style="padding-left:{row.depth}em">{escape(row.name.rpartition(".")[2] or "(model)")}</td>'
            rows += f"<tr>{''.join(cells)}</tr>"
        return f"<table><tr>{head}</tr>{rows}</table><p>{'<br>'.join(map(escape, self.totals()))}</p>"


def size(number):
    """Bytes for people.

    >>> size(1536)
    '1.5 KB'
    """
    if number < 1024:
        return f"{number} B"
    for unit in ("KB", "MB", "GB"):
        number /= 1024
        if number < 1024 or unit == "GB":
            return f"{number:.1f} {unit}"


def _arguments(input):
    if isinstance(input, TensorBase):
        return (input,)
    if all([isinstance(n, int) for n in input]):
        return (zeros(tuple(input)),)
    return tuple(input)


def _bytes(x):
    return x.numel() * x.element_size()


class _Counting(Watcher):
    """Adds what operations cost to all modules that are running."""

    def __init__(self):
        self.running = []

    def follow(self, row):
        def begin(module, args):
            self.running.append(row)

        def end(module, args, out):
            self.running.pop()
            row.calls += 1
            shapes = [str(tuple(leaf.shape)) for leaf in flatten(out)[0] if isinstance(leaf, TensorBase)]
            row.output = ", ".join(shapes)

        return [row.module.register_forward_pre_hook(begin), row.module.register_forward_hook(end)]

    def called(self, op, inputs, params, in_place, proceed):
        out = proceed()
        results = [x for x in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(x, TensorBase)]
        made = 0 if in_place or op.is_view else sum([_bytes(x) for x in results])
        products = multiply_adds(op.name, inputs, results[0]) if results else 0
        for row in self.running:
            row.made += made
            row.multiply_adds += products
        return out


def multiply_adds(name, inputs, out):
    """How often an operation multiplies and adds; 0 for those whose time is in memory."""
    if name in ("mm", "mm_nt", "bmm", "matmul", "mv", "dot", "addmm", "addmv", "baddbmm"):
        return out.numel() * inputs[-2].shape[-1]
    if name == "mm_tn":
        return out.numel() * inputs[0].shape[0]
    if name == "convolution":
        return out.numel() * (inputs[1].numel() // inputs[1].shape[0])
    if name == "convolution_transpose":
        return inputs[0].numel() * (inputs[1].numel() // inputs[1].shape[0])
    if name == "attention":
        query, key = inputs[:2]
        return query.numel() * key.shape[-2] + out.numel() * key.shape[-2]
    return 0
