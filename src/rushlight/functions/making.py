"""How a function over one elementwise operation is made: its arguments checked, `out=`, its in-place form.

These bodies are the price of `x.exp()` beyond the operation itself, so they are as short as can be.
"""

import sys

from .. import errors
from ..core import TensorBase, call1, call2, inplace
from ..dtypes import scalar_category
from ..modes import grad_enabled
from ..ops import copying
from .arguments import accepts_out, check_tensor


def unary(op, summary, given, shown, *, inside="", writes=True):
    """function(input, *, out=None); `given` and `shown` are the example of its docstring, `inside` its namespace.

    There is no `out` where not `writes`.
    """
    name = op.name

    def slowly(input):
        check_tensor(input, name)
        return call1(op, input)

    if not writes:
        return _named(slowly, inside + name, summary, (given,), shown)
    slowly.__name__ = name
    slowly = accepts_out(slowly)

    def function(input, *, out=None):
        if out is None and isinstance(input, TensorBase):
            return call1(op, input)
        return slowly(input, out=out)

    return _named(function, inside + name, summary, (given,), shown)


def binary(op, summary, first, second, shown, *, number=None, of_number=None, inside=""):
    """function(input, other, *, out=None), `other` a tensor or a number.

    `number` is the operation where `other` is a number, `of_number` where only `input` is one (refused without it).
    """
    name = op.name
    number = number or op

    def slowly(input, other):
        if not isinstance(input, TensorBase) and not (of_number is not None and isinstance(other, TensorBase)):
            check_tensor(input, name)
        out = call2(chosen(other), input, other) if isinstance(input, TensorBase) else of_number(input, other)
        if out is NotImplemented:
            check_tensor(other, name, 2, "other")
        return out

    def chosen(other):
        return op if isinstance(other, TensorBase) else number

    slowly.__name__ = name
    slowly = accepts_out(slowly)

    def function(input, other, *, out=None):
        if out is None and isinstance(input, TensorBase):
            if isinstance(other, TensorBase):
                return call2(op, input, other)
            if scalar_category(other) is not None:
                return call2(number, input, other)
        return slowly(input, other, out=out)

    return _named(function, inside + name, summary, (first, second), shown)


def of_tensors(op, summary, first, second, shown, *, other="other"):
    """function(input, other, *, out=None), both tensors."""
    name = op.name

    def slowly(input, other):
        check_tensor(input, name)
        check_tensor(other, name, 2, other_name)
        return call2(op, input, other)

    other_name = other
    slowly.__name__ = name
    slowly = accepts_out(slowly)

    def function(input, other, *, out=None):
        if out is None and isinstance(input, TensorBase) and isinstance(other, TensorBase):
            return call2(op, input, other)
        return slowly(input, other, out=out)

    return _named(function, name, summary, (first, second), shown)


def unary_inplace(op):
    """method(self): the operation written over the tensor."""

    def method(self):
        return inplace(op, self, (), op.defaults)

    return _method(method, op.name)


def binary_inplace(op, number=None, *, tensors=False):
    """method(self, other): the same with another operand (only a tensor where `tensors`)."""
    number = number or op

    def method(self, other):
        if isinstance(other, TensorBase):
            return inplace(op, self, (other,), op.defaults)
        if tensors or scalar_category(other) is None:
            check_tensor(other, op.name + "_", 1, "other")
        return inplace(number, self, (other,), op.defaults)

    return _method(method, op.name)


def overwriting(op, *, tensors=False):
    """method(self, *others) for an operation without a derivative: its result is written over the tensor."""

    def method(self, *others):
        for other in others:
            if not isinstance(other, TensorBase) and (tensors or scalar_category(other) is None):
                check_tensor(other, op.name + "_", 1, "other")
        check_tensor(self, op.name + "_")
        if grad_enabled() and self.requires_grad:
            errors.check_inplace(self)
        return overwrite(op, self, op(self, *others))

    return _method(method, op.name)


def overwrite(op, x, result):
    """Write the result of `op`, which has no history of x's, over x."""
    errors.check_result(op, x._array, result._array)
    return inplace(copying.copy, x, (result,), copying.copy.defaults)


def _method(method, name):
    method.__name__ = method.__qualname__ = name + "_"
    method.__module__ = sys._getframe(2).f_globals["__name__"]
    method.__doc__ = f"`{name}` written over this tensor, which is returned."
    return method


def _named(function, path, summary, given, shown):
    arguments = ", ".join([g if g.lstrip("-")[0].isdigit() else f"rushlight.tensor({g})" for g in given])
    function.__name__ = function.__qualname__ = path.rpartition(".")[2]
    function.__module__ = sys._getframe(2).f_globals["__name__"]
    function.__doc__ = f"{summary}\n\n>>> import rushlight\n>>> rushlight.{path}({arguments})\n{shown}\n"
    return function
