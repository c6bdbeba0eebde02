"""viz.graph: the recorded graph as an object that shows itself."""

import os
import sys

from ..core import Node, TensorBase
from ..nn.modules.module import Module
from ..ops.hidden import Batched
from . import layout, page, svg
from .calls import record
from .model import Model
from .tree import tree

_NO_HISTORY = "element {} of tensors does not require grad and does not have a grad_fn"
# Deeper boxes are folded in an SVG of more things than these.
_MANY = 120


def graph(y, *, model=None, names=None):
    """The recorded graph of `y`: a Picture, which a notebook shows, `print` writes as a tree, and `save` writes to a file.

    `y` is a tensor with history or a sequence of them; or a function without arguments that computes one, which is then
    called once under `viz.record()`, so that the picture has a box for each call of a module. For a graph that exists
    already `model` is the module that made it: where no calls were recorded, boxes are guessed by its parameters. `names`
    ({"x": x}) names tensors; others have the names of parameters of modules, or of the variables of the caller.

    Nothing is computed and nothing changes. Values are those that the graph keeps or the caller holds.

    TypeError for anything that is no tensor; RuntimeError, as of backward, for a tensor without history.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (x.exp() * 3).sum()
    >>> picture = rushlight.viz.graph(loss)
    >>> picture
    <picture of 3 operations, 1 leaf, 8 B kept>
    """
    outputs, variables = prepared(y, sys._getframe(1), names, "graph")
    return Picture(Model(outputs, model, variables))


def prepared(y, frame, names, function):
    """(the tensors to draw, what variables tell) of the argument `y` of a function, which may be what computes them."""
    computes = None
    if callable(y) and not isinstance(y, TensorBase):
        computes = y
        with record():
            y = y()
    return outputs_of(y, function), Variables(frame, names, computes)


def outputs_of(y, function):
    """The tensors to draw, in a list; an error for what has no graph."""
    outputs = list(y) if isinstance(y, (tuple, list)) else [y]
    if not outputs:
        raise TypeError(f"{function}(): argument 'y' must be Tensor or a sequence of them, not an empty one")
    found = []
    for i, each in enumerate(outputs):
        if isinstance(each, Node):
            found.append(each)
            continue
        if not isinstance(each, TensorBase):
            raise TypeError(f"{function}(): argument 'y' must be Tensor, not {type(each).__name__}")
        while type(each._array) is Batched and not each.requires_grad:
            # Under vmap the history is that of all samples.
            each = each._array.hidden
        if not each.requires_grad:
            raise RuntimeError(_NO_HISTORY.format(i))
        found.append(each)
    return found


class Variables:
    """What variables of the caller, and those that a function has from around it, tell.

    `names` are those of tensors by their id, `tensors` those that operations made, by name.
    """

    def __init__(self, frame, given=None, function=None):
        self.names, self.tensors = {}, {}
        modules = []
        for variables in (frame.f_globals, frame.f_locals, _closure(function)):
            for name, value in list(variables.items()):
                kind = type(value)
                if issubclass(kind, TensorBase) and not name.startswith("_"):
                    self._put(name, value)
                elif issubclass(kind, Module):
                    modules.append(value)
        for module in modules:
            for name, parameter in module.named_parameters():
                self.names.setdefault(id(parameter), name)
        for name, value in (given or {}).items():
            self._put(name, value)

    def _put(self, name, tensor):
        self.names[id(tensor)] = name
        if tensor._grad_fn is not None:
            self.tensors[name] = tensor


def _closure(function):
    """{name: value} of what a function has from the functions around it."""
    code = getattr(function, "__code__", None)
    cells = zip(code.co_freevars, function.__closure__ or ()) if code is not None else ()
    found = {}
    for name, cell in cells:
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue  # Not assigned yet.
    return found


class Picture:
    """A drawing of a graph. `items`, `edges` and `boxes` are its contents as plain data (see viz.model).

    It keeps none of the graph's memory alive.
    """

    def __init__(self, model):
        self.model = model
        self.cards = [svg.Card(item, place_name) for item in model.items]
        self.closed = svg.closed_size(model, svg.counts_of(model))
        self.plan = layout.Plan(model, [(card.width, card.height) for card in self.cards])
        model.release()

    @property
    def items(self):
        return self.model.items

    @property
    def edges(self):
        return self.model.edges

    @property
    def boxes(self):
        return self.model.boxes

    def __repr__(self):
        return f"<picture of {self.summary()}>"

    def summary(self):
        """'3 operations, 1 leaf, 8 B kept'."""
        kinds = [item.kind for item in self.items]
        kept = svg.bytes_text(sum(item.bytes for item in self.items))
        leaves = kinds.count("leaf")
        return f"{svg.count_text(kinds.count('operation'))}, {leaves} lea{'f' if leaves == 1 else 'ves'}, {kept} kept"

    def __str__(self):
        return tree(self.model)

    def svg(self, depth=None):
        """The picture as the text of an SVG. Boxes of modules deeper than `depth` are folded; by default as few as are
        needed for a picture of about a hundred things.
        """
        return svg.draw(self, self.folded(depth))

    def folded(self, depth=None):
        """The set of boxes that are folded at this depth: 0 folds all, None as few as a readable picture needs."""
        boxes = self.model.boxes
        deepest = max([box.depth for box in boxes], default=-1) + 1
        if depth is None:
            depth = deepest
            # A single box around all is never folded by itself.
            least = int(sum(box.depth == 0 for box in boxes) == 1)
            while depth > least and self._shown(depth) > _MANY:
                depth -= 1
        return frozenset(box.id for box in boxes if box.depth >= depth)

    def _shown(self, depth):
        """How many operations and boxes are to be seen at this depth."""
        boxes = self.model.boxes
        shown = sum(box.depth <= depth for box in boxes)
        return shown + sum(item.box is None or boxes[item.box].depth < depth for item in self.items)

    def hover(self, id):
        """What a viewer shows of an item under the pointer."""
        item = self.items[id]
        parts = [item.name or item.label]
        if item.line is not None:
            parts.append(f"{item.line[0]}:{item.line[1]}, in {item.line[2]}")
        for name, shape, dtype, size, kind in item.kept:
            parts.append(f"keeps {name} {list(shape)} {dtype}, {svg.bytes_text(size)} ({kind})")
        if item.value is not None:
            parts.append(item.value["text"])
        return "\n".join(parts)

    def html(self):
        """The picture as the text of an HTML page: zoom, search, modules that fold, and what is known of each node."""
        return page.page(self)

    def save(self, path):
        """Write the picture to a file, by its ending: .svg, .html or .txt. Returns the path."""
        write(path, {".svg": self.svg, ".html": self.html, ".htm": self.html, ".txt": lambda: f"{self}\n"})
        return path

    def open(self):
        """Show the page in the browser; it is in a new file, whose path is returned."""
        return show(self)

    def _repr_svg_(self):
        return self.svg()

    def _repr_html_(self):
        return in_frame(self.html())


def write(path, makers):
    """Write what the maker for the ending of the path gives; ValueError for another ending."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in makers:
        raise ValueError(f"save() writes {', '.join(makers)}, not {ending!r}")
    text = makers[ending]()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def show(picture):
    """Write a page to a file of its own and open it in the browser; its path."""
    import tempfile
    import webbrowser
    from pathlib import Path

    handle, path = tempfile.mkstemp(suffix=".html", prefix="rushlight-")
    os.close(handle)
    picture.save(path)
    webbrowser.open(Path(path).as_uri())
    return path


def in_frame(text):
    """A page within another, such as a notebook's."""
    from html import escape

    return (
        f'<iframe srcdoc="{escape(text)}" sandbox="allow-scripts" title="The graph" '
        'style="width:100%;height:640px;border:1px solid #8886;border-radius:8px"></iframe>'
    )


def place_name(item):
    """'train.py:12'."""
    return f"{os.path.basename(item.line[0])}:{item.line[1]}"
