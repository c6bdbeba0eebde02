"""What training steps tell: gradients that are left over, missing or never come, modes, and history that is kept."""

import weakref

import numpy as np

from ..core import Node, TensorBase
from ..modes import grad_enabled
from .report import line_of, user_line


class Gradients:
    """Rules on the gradients that an optimizer steps by."""

    def __init__(self, report, model, optimizers):
        self.report = report
        self.optimizers = optimizers
        self.names = _names(model, optimizers)
        self.held = {id(p) for optimizer in optimizers for p in _held(optimizer)}
        self.reached = set()
        self.left_over = set()
        # Parameters to whose .grad something is being added, and whether that is still what a step has used.
        self.arriving = {}
        self.zeroed = set()
        self.used = {}
        self.backward_line = self.step_line = None
        trained = [p for p, _ in self.names.values() if p.requires_grad and p.is_leaf]
        self.handles = [p.register_hook(lambda g, p=p: self.arrives(p)) for p in trained]
        self.handles += [p.register_post_accumulate_grad_hook(self.arrived) for p in trained]

    def arrives(self, p):
        """A gradient of p is there: to be added to p.grad, or what autograd.grad() returns."""
        self.reached.add(id(p))
        self.backward_line = user_line()
        empty = p._grad is None or not p._grad._array.any()
        self.arriving[id(p)] = None if empty else self.used.get(id(p)) == _state(p)

    def arrived(self, p):
        """It was added to p.grad."""
        self.zeroed.discard(id(p))
        self.used.pop(id(p), None)
        over = self.arriving.pop(id(p), None)
        if over is None:
            self.left_over.discard(id(p))
        elif over:
            self.left_over.add(id(p))

    def noted(self, kind, source):
        """zero_grad() reached a parameter."""
        if kind == "zero_grad":
            self.zeroed.add(id(source))

    def stepped(self, optimizer):
        """optimizer.step() has ended: what its parameters hold now is used."""
        line = user_line()
        self.step_line = self.step_line or line
        params = _held(optimizer)
        if all(p._grad is None or (id(p) in self.zeroed and not p._grad._array.any()) for p in params):
            self.report.add("step-without-gradients", "RL610", line)
        left_over = [p for p in params if id(p) in self.left_over and p._grad is not None and p._grad._array.any()]
        if left_over:
            self.report.add("step-without-zero_grad", "RL601", line)
            self.left_over.difference_update(id(p) for p in left_over)
        self.used.update({id(p): _state(p) for p in params if p._grad is not None})

    def finish(self):
        for handle in self.handles:
            handle.remove()
        if self.backward_line is None:
            return
        trained = [(key, p, name) for key, (p, name) in self.names.items() if p.requires_grad and p.is_leaf]
        never = [name for key, p, name in trained if key not in self.reached]
        if never:
            self.report.add("parameter-never-reached", "RL603", self.backward_line, names=", ".join(never))
        left_out = [name for key, p, name in trained if key in self.reached and key not in self.held]
        if left_out and self.step_line is not None:
            self.report.add("parameter-not-in-optimizer", "RL602", self.step_line, names=", ".join(left_out))


class Modes:
    """Rules on model.train() and model.eval()."""

    def __init__(self, report, model):
        self.report = report
        self.in_eval = self.trained_in_eval = None
        self.matters = model is not None and any(_has_modes(module) for module in model.modules())
        self.handle = model.register_forward_pre_hook(self.calling) if self.matters else None

    def calling(self, model, args):
        """The model is called."""
        if not grad_enabled():
            if model.training:
                self.report.add("evaluation-in-train-mode", "RL612", user_line())
        else:
            self.in_eval = None if model.training else user_line()

    def pulled(self):
        """A backward pass goes through what the model computed last."""
        self.trained_in_eval = self.in_eval

    def stepped(self):
        """A step has ended."""
        if self.trained_in_eval is not None:
            self.report.add("training-in-eval-mode", "RL611", self.trained_in_eval)

    def finish(self):
        if self.handle is not None:
            self.handle.remove()


class History:
    """Rules on values that live from step to step with their graph, or are spoiled behind its back."""

    def __init__(self, report):
        self.report = report
        self.newest = self.boundary = self.boundary_before = 0
        self.detached = {}
        self.keepers = {}
        self.spoiled = {}

    def before(self, inputs):
        """The nodes that an operation's inputs come from, before it runs."""
        return [x.grad_fn for x in inputs if isinstance(x, TensorBase) and x.requires_grad]

    def called(self, op, inputs, before, in_place, result):
        """An operation has run."""
        first = result[0] if isinstance(result, tuple) else result
        node = first.grad_fn if isinstance(first, TensorBase) else None
        if isinstance(node, Node):
            self.newest = max(self.newest, node.sequence)
            self.keepers[id(node)] = weakref.ref(node)
            self.check_kept(node, before)
        if in_place and self.detached and self.is_data(inputs[0]):
            self.written(inputs[0])

    def check_kept(self, node, before):
        """An input comes from an earlier step, by the same line (`total += loss`) or from a graph that is long used."""
        for earlier in before:
            if earlier is None or earlier.sequence > self.boundary:
                continue
            again = earlier.code is node.code and earlier.line() == node.line()
            # A loss of the last step may still be looked at; one from before has been collected.
            if again or (earlier.freed and earlier.sequence <= self.boundary_before):
                self.report.add("history-kept", "RL604", line_of(node))

    def noted(self, kind, source, result):
        """A tensor's memory was handed out without its history."""
        if kind == "data":
            self.detached[id(result)] = weakref.ref(result)

    def is_data(self, x):
        """Whether x is what `.data` gave, or a view of it."""
        owners = (x,) if x.view_of is None else (x, x.view_of.base)
        return any(self.detached.get(id(owner), _nothing)() is owner for owner in owners)

    def written(self, x):
        """Memory was written to unnoticed: who keeps it?"""
        line = user_line()
        for key, reference in self.keepers.items():
            node = reference()
            if node is not None and not node.freed and any(np.shares_memory(x._array, a) for a in _kept(node)):
                self.spoiled[key] = reference, line

    def pulled(self, node):
        """A node runs backward: what it kept is used now."""
        reference, line = self.spoiled.get(id(node), (None, None))
        if reference is not None and reference() is node:
            self.report.add("data-written", "RL613", line)

    def end_period(self):
        """What was recorded up to now is of an earlier step."""
        if self.newest > self.boundary:
            self.boundary_before, self.boundary = self.boundary, self.newest

    def stepped(self):
        """A step has ended."""
        self.end_period()
        for table in (self.detached, self.keepers):
            for key in [key for key, reference in table.items() if reference() is None]:
                del table[key]
        self.spoiled.clear()


def _nothing():
    return None


def _held(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def _names(model, optimizers):
    """{id: (parameter, name)} of the model, or where there is none of the optimizers."""
    if model is not None:
        return {id(p): (p, name) for name, p in model.named_parameters()}
    held = [(optimizer, i, p) for optimizer in optimizers for i, p in enumerate(_held(optimizer))]
    return {id(p): (p, f"parameter {i} of {type(optimizer).__name__}") for optimizer, i, p in held}


def _state(p):
    """What tells whether anyone has changed p.grad."""
    return id(p._grad), p._grad._version


def _has_modes(module):
    """Whether a module computes something else in training than in evaluation."""
    if getattr(module, "track_running_stats", None) is not None:
        return bool(module.track_running_stats)
    share = getattr(module, "p", None)
    if share is None or "Dropout" not in type(module).__name__:
        share = getattr(module, "dropout", None)
    return isinstance(share, (int, float)) and share > 0


def _kept(node):
    """The arrays that a node keeps for its rules."""
    values = [node.saved0, node.saved1, *[entry[2] for entry in node.more or ()]]
    flat = [x for value in values for x in (value if isinstance(value, tuple) else (value,))]
    arrays = [x._array for x in flat if isinstance(x, TensorBase)] + [entry[0] for entry in node.outs or ()]
    return [array for array in arrays if isinstance(array, np.ndarray)]
