"""Sizes that are left open: which sizes of a run follow from them, told by runs with other sizes of the inputs.

A size that changes is -1 in `Value.sizes`; in `Value.open` it is (first, {source: factor}): the sum of `first` and each
source's size times its factor. A source is (name of an input, dimension), or that of a value whose size follows otherwise.
"""

from fractions import Fraction

import numpy as np

from .tracing import Call, Open, Value, needed

# Operations whose parameters may hold numbers that follow from sizes; those of others may not.
_OPEN = {"repeat": "repeats", "shuffle": "parts", "getitem": "index"}
# Operations whose parameters speak of sizes only, which the sizes of their results tell.
_TOLD = {
    "view", "unsafe_view", "expand", "convolution_transpose", "max_pool_values", "max_pool2d",
    "avg_pool2d", "col2im", "cat", "resample", "split_with_sizes", "var", "std", "var_mean", "std_mean",
}  # fmt: skip


class Sources:
    """The runs: `sizes[run][source]` of each open size; the first run is the one to write."""

    def __init__(self, names, sizes):
        self.names, self.sizes, self.derived = names, sizes, {}

    def of(self, numbers):
        """(first, {source: factor}) for a number that the runs had; None where it is no such sum.

        A source is also a size of another value, which follows in another way, where the number is so many times that.
        """
        found = self.affine(numbers)
        if found is None and isinstance(numbers[0], int):
            for source, sizes in self.derived.items():
                factor = Fraction(numbers[0], sizes[0])
                if 1 in factor.as_integer_ratio() and all([n == factor * size for n, size in zip(numbers, sizes)]):
                    return 0, {source: factor}
        return found

    def affine(self, numbers):
        first, factors = numbers[0], {}
        for i, name in enumerate(self.names):
            grown = self.sizes[i + 1][i] - self.sizes[0][i]
            factor = (numbers[i + 1] - numbers[0]) / grown
            if isinstance(first, int) and factor != int(factor):
                return None
            factors[name] = int(factor) if isinstance(first, int) else factor
            first = first - factors[name] * self.sizes[0][i]
        last = first + sum([factors[name] * n for name, n in zip(self.names, self.sizes[-1])])
        if abs(last - numbers[-1]) > 1e-9 * abs(last):
            return None
        return first, {name: factor for name, factor in factors.items() if factor}


class Marking:
    """Tells the values of a trace which of their sizes are open, and makes calls of constants that follow from these.

    Runs are pairs of a trace and the values that it returned; the first is the one to write.
    """

    def __init__(self, runs, sources):
        (self.trace, *self.others), self.outputs = [run[0] for run in runs], [run[1] for run in runs]
        self.sources = sources
        # For each trace, the call that made a value.
        self.makers = [{id(value): call for call in run[0].calls for value in call.outputs} for run in runs]
        self.twins, self.made, self.done = {}, {}, set()

    def run(self):
        runs = [[call for call in trace.calls if _matters(call)] for trace in (self.trace, *self.others)]
        names = [[call.op for call in calls] for calls in runs]
        if any([names[0] != other for other in names]):
            different = (same[0] for same in zip(*runs) if len({call.op for call in same}) > 1)
            line = next((call.line for call in different), "at the end")
            raise RuntimeError(f"rushlight.onnx.export: with other sizes of the inputs other operations run ({line})")
        for same in zip(*[trace.inputs for trace in (self.trace, *self.others)]):
            self._mark(same)
        self._pair()
        for call in needed(runs[0], self.outputs[0]):
            self._follow(call)
        for same in zip(*self.outputs):
            self.twins.setdefault(id(same[0]), same)
            if same[0].array is not None:
                self._follow_constant(same[0], None)
        calls = [(*self.made.get(id(call), ()), call) for call in self.trace.calls]
        self.trace.calls = [call for some in (*calls, self.made.get(None, ())) for call in some]

    def _pair(self):
        """Find the same calls in the other runs, those of constants by their results."""
        for calls in zip(*[[c for c in trace.calls if _matters(c)] for trace in (self.trace, *self.others)]):
            self._pair_call(calls)

    def _pair_call(self, calls):
        calls[0].again = list(calls[1:])
        for same in zip(*[(*call.outputs, *call.inputs) for call in calls]):
            if isinstance(same[0], Value) and id(same[0]) not in self.twins:
                self.twins[id(same[0])] = same

    def _mark(self, same):
        value = same[0]
        shapes = [twin.shape for twin in same]
        if len({len(shape) for shape in shapes}) > 1:
            raise RuntimeError("rushlight.onnx.export: with other sizes of the inputs results have other dimensions")
        for dim, numbers in enumerate(zip(*shapes)):
            if len(set(numbers)) > 1:
                value.open[dim] = self.sources.of(numbers)
                if value.open[dim] is None:
                    self.sources.derived[value.name, dim] = numbers
                    value.open[dim] = (0, {(value.name, dim): 1})
        value.sizes = tuple([-1 if dim in value.open else n for dim, n in enumerate(value.shape)])

    def _follow(self, call):
        for value in (*call.outputs, *call.inputs):
            if isinstance(value, Value) and value.array is None:
                self._mark(self.twins[id(value)])
        for i, x in enumerate(call.inputs):
            if isinstance(x, Value) and x.array is not None:
                self._follow_constant(x, call)
            elif isinstance(x, (int, float)):
                call.inputs[i] = self._number(call, i)
        if call.op in _OPEN and isinstance(call.params[_OPEN[call.op]], tuple):
            self._open(call, _OPEN[call.op])
        elif call.op not in _TOLD and any([_unlike(call.params, other.params) for other in call.again]):
            raise RuntimeError(
                f"rushlight.onnx.export: a parameter of {call.op!r} follows from a size that is left open ({call.line})"
            )

    def _open(self, call, name):
        """Mark the numbers of a parameter that follow from sizes."""
        found = [self._opened(call, same) for same in zip(*[c.params[name] for c in (call, *call.again)])]
        call.params = {**call.params, name: tuple(found)}

    def _opened(self, call, same):
        if isinstance(same[0], slice):
            ends = [self._opened(call, row) for row in zip(*[(part.start, part.stop, part.step) for part in same])]
            return slice(*ends)
        if any([part is None or part is Ellipsis for part in same]) or len(set(same)) == 1:
            return same[0]
        affine = self.sources.of(same)
        if affine is None:
            raise self._refused(call, f"the number {same[0]}")
        return Open(affine)

    def _number(self, call, i):
        """A number among the inputs of a call; where it follows from a size, a value."""
        numbers = [call.inputs[i], *[other.inputs[i] for other in call.again]]
        if len(set(numbers)) == 1:
            return numbers[0]
        found = self.sources.of(numbers)
        if found is None:
            raise self._refused(call, f"the number {numbers[0]}")
        return self._value("size", np.asarray(numbers[0]), [], {"size": found}, call)

    def _follow_constant(self, value, call):
        if id(value) in self.done:
            return
        self.done.add(id(value))
        same = self.twins[id(value)]
        if all([_same(value.array, twin.array) for twin in same[1:]]):
            return
        self._mark(same)
        makers = [found.get(id(twin)) for found, twin in zip(self.makers, same)]
        if None not in makers and len({maker.op for maker in makers}) == 1:
            for out in makers[0].outputs:
                out.array = None
            self._pair_call(makers)
            self._follow(makers[0])
            return
        self._made(value, same, call)

    def _made(self, value, same, call):
        """A constant that no operation has made: numbers in a row, or one number all over."""
        arrays = [twin.array if twin.array is not None else value.array for twin in same]
        array = arrays[0]
        if array is None or any([(value.name, d) in self.sources.derived for d in range(len(value.shape))]):
            raise self._refused(call, f"a constant of shape {value.shape}")
        if array.ndim == 0:
            found = self.sources.of([a.item() for a in arrays]) if array.dtype.kind in "if" else None
            if found is not None:
                self._value("size", value, [], {"size": found}, call)
                return
        small = array[tuple([slice(0, 1) if n == -1 else slice(None) for n in value.sizes])]
        if all([(a == small).all() for a in arrays]):
            self._value("filled", value, [small], {}, call)
            return
        rows = [a for a in arrays if a.ndim == 1 and a.dtype.kind in "if" and len(a) > 1]
        if len(rows) == len(arrays):
            start, step = array[0], array[1] - array[0]
            if all([np.array_equal(a, start + step * np.arange(len(a))) for a in arrays]):
                self._value("row", value, [], {"start": start.item(), "step": step.item()}, call)
                return
        raise self._refused(call, f"a constant of shape {value.shape}")

    def _value(self, op, value, inputs, params, user):
        """A value that sizes make, by a call before that of its first user."""
        if not isinstance(value, Value):
            array, value = value, Value.__new__(Value)
            value.name, value.shape, value.dtype = self.trace.named("size"), (), array.dtype
            value.sizes, value.open, value.transposed = (), {}, None
        value.array = None
        line = "" if user is None else user.line
        self.made.setdefault(user and id(user), []).append(Call(op, inputs, params, [value], line))
        return value

    def _refused(self, call, what):
        who = "what the model returns is" if call is None else f"{call.op!r} takes"
        where = "" if call is None else f" ({call.line})"
        return RuntimeError(
            f"rushlight.onnx.export: {who} {what}, made from the size of an input that dynamic_axes says will change{where}"
        )


def _matters(call):
    """Whether a call has anything to do with the inputs."""
    return any([value.array is None for value in call.outputs])


def _same(a, b):
    if a is b or (a.shape == b.shape and a.strides == b.strides and a.ctypes.data == b.ctypes.data):
        return True
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def _unlike(one, two):
    """Whether parameters differ; arrays within them are compared by what they hold."""
    return repr(_plain(one)) != repr(_plain(two))


def _plain(params):
    if isinstance(params, dict):
        return {name: _plain(value) for name, value in params.items()}
    if isinstance(params, (tuple, list)):
        return [_plain(value) for value in params]
    if isinstance(params, np.ndarray):
        return params.tolist()
    return None if isinstance(params, Value) else params
