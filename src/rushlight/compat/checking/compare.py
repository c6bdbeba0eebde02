"""Two streams of entries side by side, up to the first that differs."""

import linecache
from collections import Counter, deque

import numpy as np

# (relative, absolute) where none is stated. A training rounds in another order, and its differences grow from step to step.
TOLERANCES = {"float64": (1e-8, 1e-10), "complex128": (1e-8, 1e-10), "float16": (1e-2, 1e-3), "bfloat16": (5e-2, 1e-2)}
_OTHERS = (1e-4, 1e-6)
# How far apart two streams are searched for the place where they meet again.
_AHEAD = 64
_ULP = {"bfloat16": 2.0**16}


class Comparison:
    """Goes through both streams; `report` is what there is to say, and `agrees` whether nothing differed."""

    def __init__(self, ours, theirs, rtol=None, atol=None):
        self.ours, self.theirs, self.rtol, self.atol = _Ahead(ours), _Ahead(theirs), rtol, atol
        self.count, self.ours_alone, self.theirs_alone = 0, Counter(), Counter()
        self.ended = ""
        try:
            difference = self.first_difference()
        except KeyboardInterrupt:
            difference = "stopped by Ctrl-C: what would have followed was not compared"
        self.agrees = difference is None
        self.report = f"{self.counted()}\n{difference}" if difference else self.counted()

    def counted(self):
        """How many agree and within what, and what was not compared."""
        text = f"{self.count} operation{'' if self.count == 1 else 's'} agree{'s' if self.count == 1 else ''}{self.within()}"
        for side, alone in (("Rushlight", self.ours_alone), ("PyTorch", self.theirs_alone)):
            if alone:
                text += f"\nnot compared, since only {side} tells of them: "
                text += ", ".join(f"{name} ({count})" for name, count in sorted(alone.items()))
        return text + (f"\nthe script ends in {self.ended} under both" if self.ended else "")

    def within(self):
        stated = [
            f"{name}={value:g}" for name, value in (("rtol", self.rtol), ("atol", self.atol)) if value is not None
        ]
        rtol, atol = _OTHERS
        return f" within {', '.join(stated)}" if stated else f" (float32 within rtol={rtol:g}, atol={atol:g})"

    def first_difference(self):
        """The text of it; None where the streams end alike."""
        while True:
            a, b = self.ours[0], self.theirs[0]
            if a.kind == b.kind == "end":
                self.ended = a.name
                return None if _sort(a.name) == _sort(b.name) else self.ends(a, b)
            i, j = self.meeting()
            if i is None:
                return self.parting(a, b)
            self.ours_alone.update(self.ours.pop().name for _ in range(i))
            self.theirs_alone.update(self.theirs.pop().name for _ in range(j))
            if self.ours[0].kind == "end":
                continue
            found = self.difference(self.ours.pop(), self.theirs.pop())
            if found:
                return found
            self.count += 1

    def meeting(self):
        """(i, j): as many entries of each have no counterpart before the next that has; (None, None) where none is found."""
        if _alike(self.ours[0], self.theirs[0]):
            return 0, 0
        for apart in range(1, _AHEAD):
            for i in range(apart + 1):
                a, b = self.ours[i], self.theirs[apart - i]
                if a is not None and b is not None and _alike(a, b):
                    return i, apart - i
        return (0, 0) if _same_call(self.ours[0], self.theirs[0]) else (None, None)

    # -- differences
    def difference(self, a, b):
        if len(a.results) != len(b.results):
            return told(a, b, f"{len(a.results)} results under Rushlight, {len(b.results)} under PyTorch")
        for x, y in _paired(a, b):
            if x.shape != y.shape or x.dtype != y.dtype:
                what = f"{list(x.shape)} {x.dtype} under Rushlight, {list(y.shape)} {y.dtype} under PyTorch"
                return told(a, b, what, y.name)
            what = self.of_values(x, y)
            if what:
                return told(a, b, what, y.name)
        return None

    def of_values(self, x, y):
        """How two tensors' values differ by more than the tolerance, as text; None where they do not."""
        if x.sample is None or y.sample is None or not x.sample.size:
            return None
        apart, wrong = self.apart(x.sample, y.sample, x.dtype)
        if wrong.any():
            i = int(np.argmax(np.where(wrong, apart, -1)))
            return self.at(x, y, i, apart[i], int(wrong.sum()))
        if x.summary is None:
            return None
        if self.apart(x.summary, y.summary, x.dtype)[1].any():
            return (
                f"mean, root mean square, least and largest are {x.summary} under Rushlight, {y.summary} under PyTorch"
            )
        return None

    def apart(self, x, y, dtype):
        """(the differences as float64, inf where a nan meets a number; where they are too large).

        rtol is of the largest number of the tensor: those that cancel to little in a sum have the errors of the large.
        """
        rtol, atol = TOLERANCES.get(dtype, _OTHERS)
        rtol, atol = rtol if self.rtol is None else self.rtol, atol if self.atol is None else self.atol
        wide = np.complex128 if x.dtype.kind == "c" else np.float64
        with np.errstate(all="ignore"):
            apart = np.abs(x.astype(wide) - y.astype(wide))
            # Large integers are equal or not; their float64 would hide it.
            equal = (x == y) | ((x != x) & (y != y))
            apart = np.where(equal, 0, np.where(np.isnan(apart), np.inf, apart))
            if x.dtype.kind in "biu":
                return apart, ~equal
            sizes = np.abs(y.astype(wide))
            largest = sizes.max(initial=0, where=np.isfinite(sizes))
            return apart, ~equal & ~(apart <= atol + rtol * largest)

    def at(self, x, y, i, apart, count):
        values = x.sample[i], y.sample[i]
        text = [
            f"Rushlight {values[0]!s}",
            f"PyTorch   {values[1]!s}",
            f"at {list(x.index(i))} of {list(x.shape)} {x.dtype}; {count} of {x.sample.size} compared differ by too much",
            f"largest difference {apart:.6g}" + _ulps(values[1], apart, x.dtype),
        ]
        return "\n  ".join(text)

    def ends(self, a, b):
        self.ended = ""
        return f"the script ends in {a.name or 'no error'} under Rushlight, in {b.name or 'no error'} under PyTorch"

    def parting(self, a, b):
        return f"the ways part: Rushlight goes on with {_called(a)}, PyTorch with {_called(b)}"


class _Ahead:
    """A stream that can be looked into: [i] is the i-th entry to come, None behind the last."""

    def __init__(self, stream):
        self.stream, self.buffer = iter(stream), deque()

    def __getitem__(self, i):
        while len(self.buffer) <= i:
            if self.buffer and self.buffer[-1].kind == "end":
                return None
            self.buffer.append(next(self.stream))
        return self.buffer[i]

    def pop(self):
        self[0]
        return self.buffer.popleft()


def plain(name):
    """'add' of add_, __add__, __radd__ and __iadd__: libraries spell operators by other of these names."""
    if not name.startswith("__"):
        return name.rstrip("_")
    name = name.strip("_")
    short = name[1:] if name[:1] in "ri" and name[1:] in _REFLECTED else name
    return {"truediv": "div", "floordiv": "floor_divide", "rdiv": "div", "mod": "remainder"}.get(short, short)


_REFLECTED = {
    "add",
    "and",
    "div",
    "floordiv",
    "lshift",
    "matmul",
    "mod",
    "mul",
    "or",
    "pow",
    "rshift",
    "sub",
    "truediv",
    "xor",
}


def _same_call(a, b):
    return a.kind == b.kind and a.line == b.line


def _alike(a, b):
    if not _same_call(a, b):
        return False
    return a.kind == "end" or plain(a.name) == plain(b.name)


def _sort(ended):
    return ended.partition(":")[0]


def _paired(a, b):
    """Pairs of results. Gradients are paired by the names of parameters, others by shape, the nearest first."""
    if a.kind != "gradient":
        return zip(a.results, b.results)
    left, pairs = list(a.results), []
    for y in b.results:
        x = min(left, key=lambda x: (x.name != y.name, x.shape != y.shape, x.dtype != y.dtype, _distance(x, y)))
        left.remove(x)
        pairs.append((x, y))
    return pairs


def _distance(x, y):
    if x.shape != y.shape or not x.sample.size:
        return 0.0
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(np.abs(x.sample - y.sample).max(), nan=np.inf))


def _ulps(value, apart, dtype):
    if value.dtype.kind != "f" or not np.isfinite(apart):
        return ""
    return f", {apart / (float(np.spacing(np.abs(value))) * _ULP.get(dtype, 1)):.0f} ulp"


def _called(entry):
    if entry.kind == "end":
        return f"the end ({entry.name})" if entry.name else "the end"
    return f"{entry.name} at {_where(entry)}"


def _where(entry):
    if entry.place is None:
        return "an unknown line"
    file, line, _ = entry.place
    source = linecache.getline(file, line).strip()
    return f"{file}:{line}" + (f": {source}" if source else "")


def told(a, b, what, name=None):
    """The text of a difference between two entries."""
    kinds = {"parameter": "the parameter ", "gradient": "a gradient of ", "step": "a parameter after "}
    of = f" ({name})" if name else ""
    return f"{kinds.get(a.kind, '')}{b.name}{of} differs, at {_where(b)}\n  {what}"
