"""Stands for the `cython` module where Cython is not installed: the sources then run as they are."""

compiled = False


def cclass(cls):
    return cls


def freelist(size):
    return lambda cls: cls


def trashcan(on):
    return lambda cls: cls


def give_operators(cls):
    """Make `**` and the reflected operators, which a compiled class has in its slots, methods of a class."""
    power = cls.__pow__
    cls.__pow__ = lambda self, other, modulo=None: power(self, other, modulo)
    for name in ("add", "sub", "mul", "truediv", "pow", "matmul"):
        setattr(cls, f"__r{name}__", _reflected(cls, f"__{name}__"))


def _reflected(cls, name):
    return lambda self, other: getattr(cls, name)(other, self)
