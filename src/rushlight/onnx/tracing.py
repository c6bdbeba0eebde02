"""What a module computes, as a list of operations: the module runs once under a watcher."""

import numpy as np

from .. import watching
from ..autograd.explaining.memory import here
from ..core import TensorBase


class Value:
    """A tensor of a run: its name, shape and dtype, and its array where it does not come from an input."""

    def __init__(self, tensor, name, constant=False):
        self.name, self.shape, self.dtype = name, tuple(tensor.shape), tensor._array.dtype
        self.array = np.asarray(tensor._array) if constant else None
        # The sizes with -1 for those that change with the sizes of the inputs, once that is known.
        self.sizes = self.shape
        # The value that this one is the transpose of, for parameters.
        self.transposed = None


class Call:
    """An operation that ran: its inputs (values, numbers, None), parameters, outputs, and the line it came from."""

    def __init__(self, op, inputs, params, outputs, line):
        self.op, self.inputs, self.params, self.outputs, self.line = op, inputs, params, outputs, line


class Trace(watching.Watcher):
    """The calls of a run, between the values that come from its inputs; the rest are constants."""

    def __init__(self, inputs, names, parameters):
        self.calls, self.values, self.kept, self.counts = [], {}, [], {}
        self.names = {id(tensor): name for name, tensor in parameters}
        self.inputs = [self._add(tensor, name) for tensor, name in zip(inputs, names)]

    def _add(self, tensor, name, constant=False):
        value = Value(tensor, name, constant)
        self.values[id(tensor)] = value
        # An id is that of one tensor as long as it is kept.
        self.kept.append(tensor)
        return value

    def named(self, kind):
        """A name that nothing has: add, add_1, add_2."""
        count = self.counts.get(kind, 0)
        self.counts[kind] = count + 1
        return f"{kind}_{count}" if count else kind

    def value(self, tensor):
        """The value of a tensor; a constant where no call has made it."""
        found = self.values.get(id(tensor))
        if found is None:
            name = self.names.get(id(tensor)) or self.named("constant")
            found = self._add(tensor, name, True)
        return found

    def called(self, op, inputs, params, in_place, proceed):
        values = [self.value(x) if isinstance(x, TensorBase) else x for x in inputs]
        if in_place and inputs[0]._is_view():
            raise self.refused(op.name, "writes into a view, which a graph of values cannot say")
        out = proceed()
        outputs = [x for x in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(x, TensorBase)]
        from_inputs = any([isinstance(v, Value) and v.array is None for v in values])
        if not from_inputs:
            for x in outputs:
                self._folded(op, values, x)
            return out
        made = [self._add(x, self.named(op.name)) for x in outputs]
        self.calls.append(Call(op.name, values, params, made, _line()))
        return out

    def _folded(self, op, values, out):
        value = self._add(out, self.named(op.name), True)
        if op.name == "t" and len(value.shape) == 2:
            value.transposed = values[0]

    def noted(self, kind, source, result):
        value = self.values.get(id(source))
        if value is None or value.array is not None:
            return
        if isinstance(result, TensorBase):
            self.values[id(result)] = value
            self.kept.append(result)
        elif kind in ("bool", "item", "tolist", "numpy", "index"):
            raise self.refused(value.name, "is asked for its numbers, so the graph would hold for this input alone")

    def refused(self, name, why):
        return RuntimeError(f"rushlight.onnx.export: {name!r} {why} ({_line()})")


def _line():
    """Where the user's program is, as file:line."""
    place = here().line()
    return "an unknown line" if place is None else f"{place[0]}:{place[1]}"


# Where a constant may have size 1 instead of a size that changes.
_BROADCASTING = ("add", "sub", "mul", "div", "maximum", "minimum", "where", "lstm_gates", "gru_gates")


def _shrunk(call, value, twin):
    """Whether a constant is the same along each size that changes; it is cut to size 1 there."""
    if call.op not in _BROADCASTING or len(value.shape) != len(twin.shape):
        return False
    array = value.array
    for dim, (n, m) in enumerate(zip(value.shape, twin.shape)):
        if n != m:
            first = array.take([0], dim)
            if not (array == first).all():
                return False
            array = first
    value.array, value.sizes = array, array.shape
    return True


def mark_dynamic(trace, other):
    """Tell, by a run with other sizes of the inputs, which sizes of the values change with them."""
    if [call.op for call in trace.calls] != [call.op for call in other.calls]:
        raise RuntimeError("rushlight.onnx.export: with other sizes of the inputs other operations run")
    for call, again in zip(trace.calls, other.calls):
        for value, twin in zip((*call.outputs, *call.inputs), (*again.outputs, *again.inputs)):
            if not isinstance(value, Value):
                continue
            if value.array is not None and value.shape != twin.shape and not _shrunk(call, value, twin):
                raise RuntimeError(
                    f"rushlight.onnx.export: {call.op!r} takes a constant of shape {value.shape}, made from the size of an "
                    f"input that dynamic_axes says will change ({call.line})"
                )
            if value.array is None:
                value.sizes = tuple([n if n == m else -1 for n, m in zip(value.shape, twin.shape)])
    for value, twin in zip(trace.inputs, other.inputs):
        value.sizes = tuple([n if n == m else -1 for n, m in zip(value.shape, twin.shape)])
