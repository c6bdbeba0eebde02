"""viz.steps: the backward pass again, one node at a time, with what came in and what went out of each."""

import sys

import numpy as np

from ..autograd.backward import grad
from ..autograd.explaining.replay import silenced
from ..autograd.rules import arguments, rule_of, through
from ..core import Node, wrap
from ..watching import Watcher
from . import page
from .model import Model
from .picture import Picture, prepared, write
from .values import summary

# Local derivatives are shown as numbers of results with at most as many elements.
_SMALL = 4096


class Step:
    """One node: `item` is its number in the picture, `came` the gradients of its outputs, arrays; None where there is none.

    `went` has a Sent for each input that receives a gradient. For a leaf, where the way ends, `went` is empty.
    """

    def __init__(self, item, label, came):
        self.item, self.label, self.came = item, label, came
        self.went = []

    def __repr__(self):
        return f"<step {self.label}>"


class Sent:
    """What goes to one input: `gradient` to the item `to`; `slope` is the local derivative, where it is elementwise."""

    def __init__(self, name, to, gradient, slope):
        self.name, self.to, self.gradient, self.slope = name, to, gradient, slope

    def __repr__(self):
        return f"<to {self.name}>"


class _Tape(Watcher):
    """Writes down what each node gets and gives."""

    watches_calls = False

    def __init__(self):
        self.rows = []

    def pulled(self, node, g, proceed):
        came = [None if part is None else _copy(part) for part in (g if isinstance(g, list) else [g])]
        results = proceed()
        went = [None if result is None else _copy(result) for result in results]
        slopes = [_slope(node, i, g) if went[i] is not None else None for i in range(node.count)]
        self.rows.append((node, came, went, slopes))
        return results


def _copy(tensor):
    """The array, kept from what the engine adds to it later."""
    return np.array(tensor._array)


def _slope(node, i, g):
    """The local derivative by input i of an elementwise operation, as an array; None of others, or where it is large."""
    rule = rule_of(node, i)
    if node.op.custom is not None or node.op.kind != "elementwise" or rule is None or isinstance(g, list):
        return None
    if g._array.size > _SMALL:
        return None
    return _copy(through(node, rule, wrap(np.ones_like(g._array)), arguments(node, rule)))


def steps(y, gradient=None, *, model=None, names=None):
    """The chain rule on the graph of `y`, one node at a time: a Steps, which shows itself as `viz.graph` does.

    Its page goes through the nodes in the order of the backward pass, and shows for each what came in, the local derivative,
    and what went out, as formulas and as numbers. `steps` is the list of them (see viz.chain.Step). `y`, `model` and
    `names` are as in `graph`; `gradient` is what backward would begin with, needed where `y` is no scalar; for several
    tensors it is a list.

    The rules really run, as in backward, and the graph is kept. No `.grad` changes. Hooks are not called: neither those of
    tensors and nodes, nor `retain_grad`; where a hook would change a gradient, backward gives another result. What
    checkpoints compute again, and the backward of custom Functions, does run.

    RuntimeError, as of backward, for a graph that was freed, for a tensor without history, and for one that is no
    scalar without `gradient`; as of `grad` for checkpoints with use_reentrant=True.

    >>> import rushlight
    >>> x = rushlight.tensor(3.0, requires_grad=True)
    >>> shown = rushlight.viz.steps((x * x).square())
    >>> [(step.label, [sent.gradient.item() for sent in step.went]) for step in shown.steps]
    [('square', [18.0]), ('mul', [54.0, 54.0]), ('x', [])]
    >>> x.grad is None
    True
    """
    outputs, variables = prepared(y, sys._getframe(1), names, "steps")
    return Steps(Model(outputs, model, variables), outputs, gradient)


class Steps(Picture):
    """A Picture with the steps of its backward pass; `hooked` names the operations whose hooks were left out."""

    def __init__(self, model, outputs, gradient):
        leaves = model.leaves()
        tape, totals = _run(model, outputs, gradient, [tensor for tensor, _ in leaves])
        self.steps = [_step(model, *row) for row in tape.rows]
        self.steps += [Step(item.id, item.label, [g._array]) for (_, item), g in zip(leaves, totals) if g is not None]
        self.hooked = [item.label for item in model.items if item.hooked]
        super().__init__(model)

    def __repr__(self):
        return f"<{len(self.steps)} steps of {self.summary()}>"

    def __str__(self):
        lines = []
        for k, step in enumerate(self.steps, 1):
            came = ", ".join("nothing" if g is None else summary(g)["text"] for g in step.came)
            lines.append(f"{k}. {step.label}: {came} came in")
            for sent in step.went:
                gone = "nothing" if sent.gradient is None else summary(sent.gradient)["text"]
                lines.append(f"   {gone} went to {self.items[sent.to].label}")
        return "\n".join(lines)

    def html(self):
        """The page, with a bar to go through the steps."""
        return page.page(self, [self._told(step) for step in self.steps], "Step by step")

    def _told(self, step):
        """A step as the page takes it."""
        item = self.items[step.item]
        if not step.went and item.kind == "leaf":
            return {"item": step.item, "title": "a gradient has arrived at its leaf", "in": self._came(step), "out": []}
        formulas = item.formula["inputs"]
        out = []
        for k, sent in enumerate(step.went):
            formula = formulas[k] if len(formulas) == len(step.went) else {**formulas[0], "name": sent.name}
            slope = None if sent.slope is None else summary(sent.slope)
            value = None if sent.gradient is None else summary(sent.gradient)
            out.append({**formula, "to": sent.to, "slope": slope, "value": value})
        return {"item": step.item, "title": f"out = {item.formula['forward']}", "in": self._came(step), "out": out}

    def _came(self, step):
        """The gradients that came in, and where from."""
        item, users = self.items[step.item], {}
        for edge in self.model.edges_from(step.item):
            target = self.items[edge.target]
            word = "the start" if target.kind == "output" else f"{target.label} ({edge.name})"
            users.setdefault(edge.output, []).append(word)
        found = []
        for k, g in enumerate(step.came):
            sources = users.get(k, [])
            word = "came in" if len(step.came) == 1 else f"came in for output {k}"
            title = "this pass adds to .grad" if item.kind == "leaf" else f"g, which {word}"
            text = ""
            if sources:
                text = f"from {sources[0]}" if len(sources) == 1 else f"the sum of what {' and '.join(sources)} sent"
            found.append({"title": title, "value": None if g is None else summary(g), "from": text})
        return found

    def save(self, path):
        """Write the steps to a file, by its ending: .html, .txt, or .svg, which shows the graph."""
        write(path, {".html": self.html, ".htm": self.html, ".txt": lambda: f"{self}\n", ".svg": self.svg})
        return path


def _step(model, node, came, went, slopes):
    """The step of a row of the tape."""
    item = model.item_of[node]
    step = Step(item.id, item.label, came)
    for edge in model.edges_into(item.id):
        if edge.tracked:
            step.went.append(Sent(edge.name, edge.source, went[edge.input], slopes[edge.input]))
    return step


def _run(model, outputs, gradient, leaves):
    """The tape of a backward pass that changes nothing, and the gradients of the leaves."""
    nodes = [key for key in model.item_of if isinstance(key, Node)]
    several = [node.extras for node in nodes if node.extras is not None]
    several += [leaf.hooks for leaf in leaves if leaf.hooks is not None]
    tape = _Tape()
    with silenced(several), tape, np.errstate(all="ignore"):
        totals = grad(outputs, leaves, gradient, retain_graph=True, allow_unused=True)
    return tape, totals
