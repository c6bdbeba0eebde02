"""viz.script: the graph of a script's loss, without a change to the script."""

import os
import sys

from .. import autograd
from ..compat import main
from ..compat.torch_name import as_torch
from ..tensor import Tensor
from . import calls
from .model import Model
from .picture import Picture, Variables, outputs_of


class _Drawn(BaseException):
    """Ends a script whose picture is there; no `except Exception` of the script's stops it."""


def script(path, arguments=(), *, at=None):
    """Run a script, in which `import torch` means rushlight, and draw what it last called backward on: a Picture.

    The script runs to its end as `__main__`, with `arguments` in sys.argv. Its graphs are not freed by backward, so the picture has
    their values, but for those that were written to since, as an optimizer does with parameters. With `at=n` the n-th call
    of backward (from 1) is drawn instead, before it runs, and the script ends there. Calls of modules are boxes.

    FileNotFoundError where there is no such script; RuntimeError where it never calls backward, or not so often. What the
    script raises is passed on.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"script(): there is no file {path!r}")
    return drawn([path, *arguments], at)


class NothingDrawn(RuntimeError):
    """The script called backward not at all, or not as often as was asked for."""


def drawn(words, at):
    """The same for [script, *arguments] or ["-m", module, *arguments]."""
    as_torch()
    taker = _Taker(at)
    before = sys.argv, list(sys.path)
    try:
        with calls.record(), taker:
            main.run(words)
    except _Drawn:
        pass
    except SystemExit as exit:
        if exit.code not in (None, 0):
            raise
    finally:
        sys.argv, sys.path[:] = before
    return taker.picture(words[words[0] == "-m"])


class _Taker:
    """In its place of `backward`: remembers what it was called on, and keeps the graph."""

    def __init__(self, at):
        self.at, self.count, self.last, self.drawn = at, 0, None, None

    def __enter__(self):
        self.before = Tensor.backward, autograd.backward
        method, function = self.before

        def of_tensor(tensor, gradient=None, retain_graph=None, create_graph=False, inputs=None):
            self.called(tensor, sys._getframe(1))
            return method(tensor, gradient, True if retain_graph is None else retain_graph, create_graph, inputs)

        def of_several(tensors, grad_tensors=None, retain_graph=None, *rest, **named):
            self.called(tensors, sys._getframe(1))
            return function(tensors, grad_tensors, True if retain_graph is None else retain_graph, *rest, **named)

        Tensor.backward, autograd.backward = of_tensor, of_several

    def __exit__(self, *_):
        Tensor.backward, autograd.backward = self.before

    def called(self, y, frame):
        self.count += 1
        # The modules are held, since they know the names of their parameters.
        self.last = y, Variables(frame), list(calls.called_modules())
        if self.count == self.at:
            self.drawn = self.draw()
            raise _Drawn

    def draw(self):
        y, variables, _ = self.last
        return Picture(Model(outputs_of(y, "script"), None, variables))

    def picture(self, path):
        """The picture; RuntimeError where there is none."""
        if self.drawn is not None:
            return self.drawn
        if self.last is None or self.at is not None:
            times = f"{self.count} time{'' if self.count == 1 else 's'}"
            raise NothingDrawn(f"{path} called backward {times}" + (f", not {self.at}" if self.at else ""))
        return self.draw()
