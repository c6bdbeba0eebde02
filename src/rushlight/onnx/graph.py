"""A graph of ONNX while it is made: nodes, constants, and the model's bytes.

The numbers of fields are those of onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import numpy as np

from ..serialization.protobuf import data, integer, integers, single, singles
from .tracing import Value

TYPES = {
    "float32": 1, "uint8": 2, "int8": 3, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11,
    "complex64": 14, "complex128": 15, "bfloat16": 16,
}  # fmt: skip


def elem_type(dtype):
    return TYPES[np.dtype(dtype).name]


class Graph:
    """Collects nodes. What mappings work with: `graph("Relu", x)` adds a node and returns the name of its output."""

    def __init__(self, opset):
        self.opset, self.nodes, self.constants, self.count = opset, [], {}, {}
        self.line = ""

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

    def cast(self, x, dtype):
        return self("Cast", x, to=elem_type(dtype))

    def rename(self, x, value):
        """Give the output of a call the name that was foreseen for it."""
        self("Identity", x, outputs=[value.name])

    def model(self, inputs, outputs, symbols, version):
        """The bytes of the model: `inputs` and `outputs` are values; `symbols` names of sizes, {(name, dim): symbol}."""
        graph = b"".join([data(1, node) for node in self.nodes]) + data(2, "rushlight")
        graph += b"".join([data(5, _tensor(name, array)) for name, array in self.constants.items()])
        graph += b"".join([data(11, _value(v, symbols)) for v in inputs])
        graph += b"".join([data(12, _value(v, symbols)) for v in outputs])
        if len(graph) > 2**31 - 4096:
            raise RuntimeError("rushlight.onnx.export: the model has more than 2 GB, which is the limit of one file")
        # IR version 8 came with opset 15, 9 with 19, 10 with 21.
        ir = 8 if self.opset < 19 else 9 if self.opset < 21 else 10
        return (
            integer(1, ir) + data(2, "rushlight") + data(3, version) + data(7, graph) + data(8, integer(2, self.opset))
        )


def _tensor(name, array):
    array = np.asarray(array, order="C")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False) if array.dtype.kind in "fiuc" else array
    dims = integers(1, array.shape) if array.shape else b""
    return dims + integer(2, elem_type(array.dtype)) + data(8, name) + data(9, little.tobytes())


def _value(value, symbols):
    dims = b""
    for i, n in enumerate(value.sizes):
        symbol = symbols.get((value.name, i)) or f"{value.name}_{i}"
        dims += data(1, data(2, symbol) if n == -1 else integer(1, n))
    return data(1, value.name) + data(2, data(1, integer(1, elem_type(value.dtype)) + data(2, dims)))


def _attribute(name, value):
    head = data(1, name)
    if isinstance(value, float):
        return head + single(2, value) + integer(20, 1)
    if isinstance(value, int):
        return head + integer(3, value) + integer(20, 2)
    if isinstance(value, str):
        return head + data(4, value) + integer(20, 3)
    if value and isinstance(value[0], float):
        return head + singles(7, value) + integer(20, 6)
    return head + integers(8, value) + integer(20, 7)
