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
        self.version = tensor._version
        # The sizes with -1 for those that change with the sizes of the inputs, and what these are, once that is known.
        self.sizes, self.open = self.shape, {}
        # The value that this one is the transpose of, for parameters.
        self.transposed = None

    def size(self, dim):
        """A size that may not change."""
        if self.sizes[dim] == -1:
            raise NotImplementedError(f"dimension {dim % len(self.shape)} of its input has a size that is left open")
        return self.sizes[dim]


class Open:
    """A number of a parameter that follows from sizes that are left open."""

    def __init__(self, affine):
        self.affine = affine


class Call:
    """An operation that ran: its inputs (values, numbers, None), parameters, outputs, and the line it came from."""

    def __init__(self, op, inputs, params, outputs, line=""):
        self.op, self.inputs, self.params, self.outputs, self.line = op, inputs, params, outputs, line
        # The same call in runs with other sizes.
        self.again = []


class Trace(watching.Watcher):
    """The calls of a run. Values that come from no input are constants, whose calls are needed where sizes change."""

    # A custom Function is what its forward computes.
    watches_within = True

    def __init__(self, inputs, names, parameters):
        self.calls, self.values, self.kept, self.counts = [], {}, [], {}
        self.names = {id(tensor): name for name, tensor in parameters}
        # Values that are about to index a tensor, with the line; random draws that became constants.
        self.indexing, self.drew, self.silent = [], None, 0
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
            return self._add(tensor, name, True)
        if found.array is None and found.version != tensor._version:
            raise self.refused(
                found.name, "shares its memory with a tensor that has been written, which a graph cannot say"
            )
        return found

    def from_inputs(self, tensors):
        return any([self.value(x).array is None for x in tensors if isinstance(x, TensorBase)])

    def called(self, op, inputs, params, in_place, proceed):
        if self.silent:
            return proceed()
        if op.custom is not None:
            return self._within(proceed())
        values = [self.value(x) if isinstance(x, TensorBase) else x for x in inputs]
        name, values, params = self._indexed(op.name, values, params)
        from_inputs = any([isinstance(v, Value) and v.array is None for v in values])
        if in_place:
            self._written(name, inputs[0], from_inputs)
        out = proceed()
        outputs = [x for x in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(x, TensorBase)]
        made = [self._add(x, self.named(name), not from_inputs) for x in outputs]
        if not from_inputs and name == "t" and len(made[0].shape) == 2:
            made[0].transposed = values[0]
        if in_place:
            self._moved(values[0], made[0])
            if not from_inputs and inputs[0]._is_view():
                return out
        self.calls.append(Call(name, values, params, made, _line()))
        if name in ("drawn", "normal"):
            self.drew = self.drew or (made[0].name, _line())
        return out

    def _within(self, out):
        """What a custom Function returned; its tensors may stand for those that its forward made."""
        for x in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(x, TensorBase) and id(x) not in self.values:
                twins = [tensor for tensor in self.kept if tensor._array is x._array and id(tensor) in self.values]
                if twins:
                    self.values[id(x)] = self.value(twins[-1])
                    self.kept.append(x)
        return out

    def _indexed(self, name, values, params):
        """The call with those values among its inputs that were noted as an index."""
        if not self.indexing or name == "getitem":
            return name, values, params
        pending, self.indexing = self.indexing, []
        if name in ("index", "index_put"):
            mask = pending[0][0]
            if len(pending) == 1 and mask.dtype == bool and name == "index_put" and mask.shape == values[0].shape:
                if not isinstance(values[1], Value) or values[1].shape == ():
                    return "masked_fill", [values[0], mask, values[1]], {}
            key = _with_values(params["key"], [value for value, _ in pending])
            if key is not None:
                return name, [*values, *[part for part in key if isinstance(part, Value)]], {**params, "key": key}
        raise self.refused(
            pending[0][0].name, "is asked for its numbers, so the graph would hold for this input alone", pending[0][1]
        )

    def _written(self, name, target, from_inputs):
        """A write is about to happen: constants over that memory keep what they hold."""
        if from_inputs and target._is_view():
            raise self.refused(name, "writes into a view, which a graph of values cannot say")
        for key, value in list(self.values.items()):
            if value.array is not None and np.may_share_memory(value.array, target._array):
                value.array = value.array.copy()
                # What the tensor holds from now on is another constant.
                del self.values[key]

    def _moved(self, before, after):
        """Tensors detached from one that was written hold what was written too."""
        for key, value in self.values.items():
            if value is before:
                self.values[key] = after

    def replaced(self, name, inputs, params, outputs):
        """One call for all that ran since `silent`."""
        values = [self.value(x) if isinstance(x, TensorBase) else x for x in inputs]
        made = [self._add(x, self.named(name)) for x in outputs]
        self.calls.append(Call(name, values, params, made, _line()))

    def noted(self, kind, source, result):
        if self.silent:
            return
        value = self.values.get(id(source))
        if value is None or value.array is not None:
            return
        if isinstance(result, TensorBase):
            self.values[id(result)] = value
            self.kept.append(result)
        elif kind == "index":
            self.indexing.append((value, _line()))
        elif kind in ("bool", "item", "tolist", "numpy"):
            raise self.refused(value.name, "is asked for its numbers, so the graph would hold for this input alone")

    def asked(self, array):
        """The values of an array decide what is done."""
        if self.silent:
            return
        for tensor in self.kept:
            if tensor._array is array:
                self.noted("numpy", tensor, None)

    def drawn(self, kind, tensor):
        """Random numbers: the graph draws its own of the two usual distributions."""
        if self.silent:
            return
        if kind not in ("rand", "rand_like", "randn", "randn_like") or tensor._array.dtype.kind != "f":
            self.drew = self.drew or (kind, _line())
            return
        kind = "random_uniform" if kind.startswith("rand_") or kind == "rand" else "random_normal"
        self.calls.append(Call(kind, [], {}, [self._add(tensor, self.named(kind))], _line()))

    def ended(self):
        """The run is over."""
        if self.indexing:
            self._indexed("the end", [], {})

    def refused(self, name, why, line=None):
        return RuntimeError(f"rushlight.onnx.export: {name!r} {why} ({line or _line()})")


def needed(calls, outputs):
    """The calls that lead to the outputs, but for those of constants."""
    wanted, found = {id(value) for value in outputs}, []
    for call in reversed(calls):
        if any([id(value) in wanted and value.array is None for value in call.outputs]):
            wanted |= {id(value) for value in call.inputs}
            found.append(call)
    return found[::-1]


def _with_values(key, values):
    """The key of an index with values in the place of their arrays; None where they are not those of the key."""
    key, left = list(key), list(values)
    for i, part in enumerate(key):
        if left and isinstance(part, np.ndarray) and left[0].dtype.kind == "i" and part.shape == left[0].shape:
            key[i] = left.pop(0)
    return None if left else tuple(key)


def _line():
    """Where the user's program is, as file:line."""
    place = here().line()
    return "an unknown line" if place is None else f"{place[0]}:{place[1]}"
