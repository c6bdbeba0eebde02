"""Stands for the `cython` module where Cython is not installed: the sources then run as they are."""

from contextlib import nullcontext
from itertools import count

compiled = False
# Whether a backward pass notes itself in nodes and leaves: see engine.py.
slots_used = False
# The number of the next node; between two nodes there is room for the new history of a view and for nodes that are shown.
next_sequence = count(8, 8).__next__


def cclass(cls):
    return cls


def freelist(size):
    return lambda cls: cls


def trashcan(on):
    return lambda cls: cls


def binding(on):
    return lambda function: function


def critical_section(*objects):
    """What no other thread enters with one of the objects, where the interpreter has no lock and the code is compiled."""
    return nullcontext()


def set_fields(cls, **fields):
    """The fields that a .pxd declares start as None or 0 there; uncompiled they start as class attributes."""
    for name, value in fields.items():
        setattr(cls, name, value)


def give_fields(counter, view, node, tensor):
    """Those of the classes of core.py."""
    set_fields(counter, n=0)
    set_fields(view, base=None, version=0, creation="")
    set_fields(node, op=None, sequence=0, count=0, outputs=1, edge0=None, edge1=None, number0=0, number1=0)
    set_fields(node, saved0=None, saved1=None, version0=0, version1=0, more=None, outs=None, tangents=None, params=None)
    set_fields(node, shapes=None, fits=None, conjugate=False, freed=False, slot=None, claimer=None, extras=None)
    set_fields(tensor, _array=None, _grad_fn=None, output_nr=0, _requires_grad=False, _grad=None)
    set_fields(tensor, born=0, versions=None, slot=None, view_of=None, hooks=None, tangent=None, inference=False)


def give_operators(cls):
    """Make `**` and the reflected operators, which a compiled class has in its slots, methods of a class."""
    power = cls.__pow__
    cls.__pow__ = lambda self, other, modulo=None: power(self, other, modulo)
    for name in ("add", "sub", "mul", "truediv", "pow", "matmul"):
        setattr(cls, f"__r{name}__", _reflected(cls, f"__{name}__"))


def _reflected(cls, name):
    return lambda self, other: getattr(cls, name)(other, self)
