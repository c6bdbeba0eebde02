"""A graph of ONNX while it is made: nodes, constants, and the model's bytes.

The numbers of fields are those of onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import numpy as np

from ..serialization.protobuf import data, integer, integers, single, singles
from .tracing import Open, Value

TYPES = {
    "float32": 1, "uint8": 2, "int8": 3, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11,
    "complex64": 14, "complex128": 15, "bfloat16": 16,
}  # fmt: skip


def elem_type(dtype):
    return TYPES[np.dtype(dtype).name]


class Graph:
    """Collects nodes. What mappings work with: `graph("Relu", x)` adds a node and returns the name of its output."""

    def __init__(self, opset, inputs=()):
        self.opset, self.nodes, self.constants, self.count = opset, [], {}, {}
        self.line, self.shown = "", []
        # Names whose shapes may be asked for.
        self.defined = {value.name for value in inputs}

    def __call__(self, kind, *inputs, outputs=1, like=None, **attributes):
        """Add a node; its output's name, or a list of several.

        Inputs are values, names, None, or numbers and arrays, which become constants: numbers of the dtype `like`.
        """
        names = [self.name(x, like) for x in inputs]
        while names and not names[-1]:
            names.pop()
        made = [self._new(kind) for _ in range(outputs)] if isinstance(outputs, int) else list(outputs)
        fields = [data(1, name) for name in names] + [data(2, name) for name in made]
        fields += [data(3, made[0]), data(4, kind)]
        fields += [data(5, _attribute(k, v)) for k, v in attributes.items() if v is not None]
        self.nodes.append(b"".join(fields) + data(6, self.line))
        self.shown.append(f"{', '.join(made)} = {kind}({', '.join(names)})  # {self.line}")
        return made[0] if outputs == 1 else made

    def _new(self, kind):
        count = self.count.get(kind, 0)
        self.count[kind] = count + 1
        return f"{kind}.{count}"

    def name(self, x, like=None):
        if x is None:
            return ""
        if isinstance(x, str):
            return x
        if isinstance(x, Value):
            if x.array is not None:
                self.constants[x.name] = x.array
            return x.name
        if not isinstance(x, np.ndarray):
            x = np.asarray(x, like)
        key = f"constant.{x.dtype.name}.{x.shape}.{hash(x.tobytes())}"
        self.constants[key] = x
        return key

    def ints(self, numbers):
        return np.asarray(list(numbers), np.int64)

    def size_of(self, value, dim):
        """A size of a value, as ints() of one or what computes it."""
        dim %= len(value.shape)
        if value.sizes[dim] != -1:
            return self.ints([value.sizes[dim]])
        return self.sum_of(value.open[dim], np.int64)

    def sum_of(self, affine, dtype):
        """A sum of open sizes times factors: of one element, of that dtype."""
        first, factors = affine
        total = None
        for (name, dim), factor in factors.items():
            if name not in self.defined:
                raise NotImplementedError("a size follows from one that is left open in no simple way")
            part = self("Gather", self("Shape", name), self.ints([dim]), axis=0)
            part = part if dtype == np.int64 else self.cast(part, dtype)
            times, parts = factor.as_integer_ratio() if dtype == np.int64 else (factor, 1)
            part = part if times == 1 else self("Mul", part, np.asarray([times], dtype))
            part = part if parts == 1 else self("Div", part, np.asarray([parts], dtype))
            total = part if total is None else self("Add", total, part)
        return total if first == 0 else self("Add", total, np.asarray([first], dtype))

    def sizes_of(self, value, dims=None):
        """Sizes of a value, all of them by default, as one row of integers."""
        dims = range(len(value.shape)) if dims is None else dims
        if all([value.sizes[dim] != -1 for dim in dims]):
            return self.ints([value.sizes[dim] for dim in dims])
        return self.joined([self.size_of(value, dim) for dim in dims])

    def row(self, numbers):
        """Numbers of a parameter, some of which may follow from open sizes, as one row of integers."""
        return self.joined(
            [self.sum_of(n.affine, np.int64) if isinstance(n, Open) else self.ints([n]) for n in numbers]
        )

    def joined(self, rows):
        if all([isinstance(row, np.ndarray) for row in rows]):
            return np.concatenate([self.ints([]), *rows])
        return self("Concat", *rows, axis=0)

    def reduce(self, kind, x, axes, keepdim):
        """A node that reduces over axes, which are an attribute before opset 18, but for ReduceSum."""
        if self.opset < 18 and kind != "ReduceSum":
            return self(kind, x, axes=list(axes) or None, keepdims=int(keepdim))
        return self(kind, x, self.ints(axes) if axes else None, keepdims=int(keepdim))

    def split(self, x, count, axis):
        """Equal parts."""
        several = {} if self.opset < 18 else {"num_outputs": count}
        return self("Split", x, axis=axis, outputs=count, **several)

    def cast(self, x, dtype):
        return self("Cast", x, to=elem_type(dtype))

    def rename(self, x, value):
        """Give the output of a call the name that was foreseen for it."""
        self("Identity", x, outputs=[value.name])
        self.defined.add(value.name)

    def model(self, inputs, outputs, symbols, version, shown=(), kept=True):
        """The bytes of the model: `inputs` and `outputs` are values; `symbols` names of sizes, {(name, dim): symbol}.

        Constants whose names are in `shown` are inputs too, without values in the file unless `kept`.
        """
        given = [Constant(name, array) for name, array in self.constants.items() if name in shown]
        held = {name: array for name, array in self.constants.items() if kept or name not in shown}
        graph = b"".join([data(1, node) for node in self.nodes]) + data(2, "rushlight")
        graph += b"".join([data(5, _tensor(name, array)) for name, array in held.items()])
        graph += b"".join([data(11, _value(v, symbols)) for v in (*inputs, *given)])
        graph += b"".join([data(12, _value(v, symbols)) for v in outputs])
        if len(graph) > 2**31 - 4096:
            raise RuntimeError("rushlight.onnx.export: the model has more than 2 GB, which is the limit of one file")
        # IR version 8 came with opset 15, 9 with 19, 10 with 21.
        ir = 8 if self.opset < 19 else 9 if self.opset < 21 else 10
        return (
            integer(1, ir) + data(2, "rushlight") + data(3, version) + data(7, graph) + data(8, integer(2, self.opset))
        )


class Constant:
    """A parameter among the inputs of a model."""

    def __init__(self, name, array):
        self.name, self.sizes, self.open, self.dtype = name, array.shape, {}, array.dtype


def _tensor(name, array):
    array = np.asarray(array, order="C")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False) if array.dtype.kind in "fiuc" else array
    dims = integers(1, array.shape) if array.shape else b""
    return dims + integer(2, elem_type(array.dtype)) + data(8, name) + data(9, little.tobytes())


def _value(value, symbols):
    dims = b""
    for i, n in enumerate(value.sizes):
        symbol = symbols.get((value.name, i)) or _symbol(value, i, symbols)
        dims += data(1, data(2, symbol) if n == -1 else integer(1, n))
    return data(1, value.name) + data(2, data(1, integer(1, elem_type(value.dtype)) + data(2, dims)))


def _symbol(value, dim, symbols):
    """The name of a size that is left open: that of the input's where they are equal."""
    affine = value.open.get(dim)
    if affine is not None and affine[0] == 0 and list(affine[1].values()) == [1]:
        return symbols.get(next(iter(affine[1]))) or f"{value.name}_{dim}"
    return f"{value.name}_{dim}"


def _attribute(name, value):
    head = data(1, name)
    if isinstance(value, float):
        return head + single(2, value) + integer(20, 1)
    if isinstance(value, int):
        return head + integer(3, value) + integer(20, 2)
    if isinstance(value, str):
        return head + data(4, value) + integer(20, 3)
    if value and isinstance(value[0], str):
        return head + b"".join([data(9, text) for text in value]) + integer(20, 8)
    if value and isinstance(value[0], float):
        return head + singles(7, value) + integer(20, 6)
    return head + integers(8, value) + integer(20, 7)
