"""summary: the modules of a model with shapes, parameters, multiply-adds and memory, as they are for an input."""

from html import escape

from ..autograd import no_grad
from ..core import TensorBase
from ..functions.creation import zeros
from ..nn.modules.module import Module
from ..pytree import flatten
from ..watching import Watcher

__all__ = ["Summary", "summary"]

_COLUMNS = ("module", "kind", "output", "parameters", "multiply-adds", "made")


def summary(model, input, depth=None):
    """What each module of a model makes of an input: a Summary, which prints as a table, in notebooks too.

    `input` is a tensor, the shape of one, or a tuple of what the model is called with, in which shapes stand for tensors;
    a dictionary of these is given by name. The model runs once, in evaluation mode and without gradients; lazy modules get
    their sizes. Tensors made of a shape have the dtype of the parameters. Multiply-adds are those of matrix products,
    convolutions and attention, not those of elementwise operations; "made" is the memory of all results of operations within.
    A module that is there under several names has a row for the first. `depth` is how many levels of modules are shown.

    TypeError for a model that is no module, and for an input that is none of these; what the model raises is passed on.

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
    if not isinstance(model, Module):
        raise TypeError(f"summary(): argument 'model' must be Module, not {type(model).__name__}")
    args, named = _arguments(input, model)
    rows = {name: Row(name, module) for name, module in model.named_modules()}
    counting = _Counting()
    modes = [(module, module.training) for module in model.modules()]
    hooks = [hook for row in rows.values() for hook in counting.follow(row)]
    try:
        model.eval()
        with no_grad(), counting:
            model(*args, **named)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    shown = [row for row in rows.values() if depth is None or row.depth <= depth]
    given = [x for x in flatten((args, named))[0] if isinstance(x, TensorBase)]
    return Summary(model, shown, rows[""], sum([_bytes(x) for x in given]))


class Row:
    """A module of a summary: its name, kind, the shape of what it returned, parameters, multiply-adds, bytes made."""

    def __init__(self, name, module):
        self.name, self.module = name, module
        self.depth = name.count(".") + 1 if name else 0
        self.output, self.calls, self.multiply_adds, self.made = None, 0, 0, 0

    @property
    def kind(self):
        """Its class, which is another when a lazy module has got its sizes."""
        return type(self.module).__name__

    @property
    def parameters(self):
        """How many numbers they are; one that is shared within the module counts once."""
        return sum([p.numel() for p in self.module.parameters()])

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


def _arguments(input, model):
    """(positional arguments, those by name) of a call."""
    if isinstance(input, dict):
        return (), {name: _made(value, model) for name, value in input.items()}
    if isinstance(input, TensorBase) or _is_shape(input):
        return (_made(input, model),), {}
    if not isinstance(input, (tuple, list)):
        kinds = "Tensor, a shape, or a tuple or dict of them"
        raise TypeError(f"summary(): argument 'input' must be {kinds}, not {type(input).__name__}")
    return tuple([_made(value, model) for value in input]), {}


def _made(value, model):
    """Zeros for a shape, and other values as they are."""
    if not _is_shape(value):
        return value
    first = next((p for p in model.parameters() if p.is_floating_point()), None)
    return zeros(tuple(value), dtype=None if first is None else first.dtype)


def _is_shape(value):
    return isinstance(value, (tuple, list)) and all([type(n) is int for n in value])


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
    if name in ("mm", "mm_nt", "bmm", "matmul", "mv", "dot", "vdot", "addmm", "addmv", "baddbmm"):
        return out.numel() * inputs[-2].shape[-1]
    if name == "addbmm":
        return out.numel() * inputs[-2].shape[0] * inputs[-2].shape[-1]
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
