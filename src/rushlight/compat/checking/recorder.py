"""What both sides record: calls that the user's own lines make, modules of the library, backward, and steps of optimizers.

It is written in PyTorch's words, and given the library that it is to watch: rushlight in one process, torch in the other.
"""

import os
import sys
import threading
from importlib import import_module

from . import PACKAGE as OURS
from .entries import Entry, Values

# What these give is not filled, or is whatever was in memory.
_NOT_FILLED = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided", "resize_"}


class Recorder:
    """Sends an Entry for each call; `values(tensor)` gives the array of a tensor, None for one that has none."""

    def __init__(self, library, values, send):
        self.lib, self.values, self.send = library, values, send
        # Frames of these are no lines of the user's.
        self.within = (OURS, os.path.dirname(library.__file__) + os.sep)
        self.package = library.__name__ + "."
        self.owner = os.getpid(), threading.get_ident()
        self.in_modules = 0
        # Parameters by id, held so that no other object gets their ids.
        self.parameters = {}

    def here(self):
        """Whether this is the script's own thread; workers are not recorded."""
        return (os.getpid(), threading.get_ident()) == self.owner

    def is_users(self, frame):
        return frame is not None and not frame.f_code.co_filename.startswith(self.within)

    def place(self):
        """(file, line, function) of the innermost line of the user's."""
        frame = sys._getframe(1)
        while frame is not None and not self.is_users(frame):
            frame = frame.f_back
        return frame and (os.path.abspath(frame.f_code.co_filename), frame.f_lineno, frame.f_code.co_name)

    # -- calls
    def called(self, name, result, place=None):
        """A call gave this result: a tensor, or a tuple or list of them."""
        results = [self.value(each, known=name not in _NOT_FILLED) for each in _tensors(result, self.lib.Tensor)]
        self.told("call", name, results, place)

    def told(self, kind, name, results, place=None):
        results = [each for each in results if each is not None]
        if results:
            self.send(Entry(kind, name, place or self.place(), results))

    def value(self, tensor, name=None, known=True):
        array = self.values(tensor)
        return None if array is None else Values(array, str(tensor.dtype).rpartition(".")[2], name, known)

    # -- modules, backward and optimizers
    def watch(self):
        """Register the hooks, and stand in place of `autograd.backward` and `autograd.grad`."""
        module, optim = (import_module(self.package + name) for name in ("nn.modules.module", "optim.optimizer"))
        module.register_module_forward_pre_hook(self.entered)
        module.register_module_forward_hook(self.left, always_call=True)
        optim.register_optimizer_step_post_hook(self.stepped)
        autograd = self.lib.autograd
        self.backward, self.grad = autograd.backward, autograd.grad
        autograd.backward, autograd.grad = self.run_backward, self.run_grad

    def is_librarys(self, module):
        """Whether a module is called as a whole: one of the library's, but for the container that only calls others."""
        forward = getattr(type(module).forward, "__module__", None) or type(module).__module__
        return forward.startswith(self.package) and not isinstance(module, self.lib.nn.Sequential)

    def entered(self, module, args):
        if not self.here():
            return
        if not self.in_modules:
            self.know(module)
        self.in_modules += self.is_librarys(module)

    def left(self, module, args, output):
        if not self.here() or not self.is_librarys(module):
            return
        self.in_modules -= 1
        if not self.in_modules:
            self.called(type(module).__name__, output)

    def know(self, module):
        """Tell the values of parameters that are seen for the first time."""
        for name, parameter in module.named_parameters():
            if id(parameter) in self.parameters or type(parameter).__name__.startswith("Uninitialized"):
                continue
            name = f"{type(module).__name__}.{name}"
            self.parameters[id(parameter)] = name, parameter
            self.told("parameter", name, [self.value(parameter)])

    def name_of(self, leaf):
        return self.parameters.get(id(leaf), (None,))[0]

    def run_backward(self, tensors, *args, **kwargs):
        leaves = _leaves(tensors, self.lib.Tensor) if self.here() else []
        self.backward(tensors, *args, **kwargs)
        self.told("gradient", "backward", [self.value(x.grad, self.name_of(x)) for x in leaves if x.grad is not None])

    def run_grad(self, *args, **kwargs):
        result = self.grad(*args, **kwargs)
        if self.here():
            self.called("grad", result)
        return result

    def stepped(self, optimizer, args, kwargs):
        if self.here():
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            self.told("step", f"{type(optimizer).__name__}.step", [self.value(p, self.name_of(p)) for p in parameters])


def _tensors(result, kind):
    if isinstance(result, kind):
        return [result]
    if isinstance(result, (tuple, list)):
        return [each for part in result for each in _tensors(part, kind)]
    return []


def _leaves(outputs, kind):
    """The leaves that backward from these gives a gradient to, in the order in which they are met."""
    outputs = _tensors(outputs, kind)
    found = {id(y): y for y in outputs if y.grad_fn is None and y.requires_grad}
    todo, seen = [y.grad_fn for y in outputs if y.grad_fn is not None], set()
    while todo:
        node = todo.pop()
        # By the node itself: an id may be given again while wrappers of nodes come and go.
        if node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            found[id(leaf)] = leaf
        todo += [before for before, _ in reversed(node.next_functions) if before is not None]
    return list(found.values())
