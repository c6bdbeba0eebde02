"""The samples of the registry in other memory: arrays that lie oddly, are empty, or hold the extremes of their dtype."""

import mmap
import sys
from functools import cache

import numpy as np

import rushlight as rl
from rushlight import autograd, core
from rushlight.ops.declare import REGISTRY
from samples import ROWS

# What an operation may raise for sizes or numbers that it does not take.
REFUSALS = (ValueError, RuntimeError, LookupError, TypeError, np.linalg.LinAlgError, ArithmeticError)


# The functions that people call compare sizes and steps with the memory; these operations believe what they are told.
WALKED = [row for row in ROWS if "storage_offset" not in row.params and row.op != "as_strided"]


class Maker:
    """Makes the arrays of a row, and remembers which they are."""

    def __init__(self, dtype="float64", resized=()):
        self.random = np.random.default_rng(7)
        self.dtype, self.resized = dtype, dict(resized)
        self.made, self.sizes = [], set()

    def __call__(self, *shape, positive=False, low=-1.0, high=1.0, dtype="float64"):
        if positive:
            low, high = 0.3, 1.7
        self.sizes.update(shape)
        shape = [self.resized.get(n, n) for n in shape]
        array = np.asarray(self.random.uniform(low, high, shape), dtype=self.dtype if dtype == "float64" else dtype)
        self.made.append(array)
        return array


class Case:
    """A row with its arrays drawn; `laid(how)` is the same case with each of its arrays laid out by `how`."""

    def __init__(self, row, inputs, params, floats):
        self.row, self.inputs, self.params, self.floats = row, inputs, params, floats

    def laid(self, how):
        return Case(self.row, [each(x, how) for x in self.inputs], each(self.params, how), self.floats)

    def run(self):
        """(outputs, gradients of the floating inputs), all as arrays; or the exception, where it is a refusal."""
        given = [core.wrap(x) if isinstance(x, np.ndarray) else x for x in self.inputs]
        op = REGISTRY[self.row.op]
        leaves = [given[i] for i in self.floats] if op.differentiable else []
        try:
            for leaf in leaves:
                leaf.requires_grad_()
            out = op(*given, **self.params)
            outs = list(out) if isinstance(out, (tuple, list)) else [out]
            ends = [o for o in outs if o.requires_grad]
            grads = []
            if ends:
                ones = [rl.ones_like(o) for o in ends]
                grads = autograd.grad(ends, leaves, ones, allow_unused=True)
            return [None if t is None else t.detach().numpy() for t in (*outs, *grads)]
        except REFUSALS as error:
            return error

    def without_kernels(self):
        """The same by what the operation means in NumPy. Kernels of rules are left as they are."""
        op = REGISTRY[self.row.op]
        kept = op.kernel, op.fast
        op.kernel = op.fast = None
        try:
            return self.run()
        finally:
            op.kernel, op.fast = kept


def each(value, how):
    """The same tree with `how` called for each array in it."""
    if isinstance(value, np.ndarray):
        return how(value)
    if isinstance(value, (tuple, list)):
        return type(value)(each(part, how) for part in value)
    if isinstance(value, dict):
        return {key: each(part, how) for key, part in value.items()}
    return value


def drawn(row, dtype="float64", resized=()):
    """(the case of a row, the sizes that its arrays have)."""
    make = Maker(dtype, resized)
    inputs = row.inputs(make)
    inputs = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    floats = [i for i, x in enumerate(inputs) if any(x is made for made in make.made)]
    return Case(row, inputs, row.params, floats), make.sizes


def cases(dtype="float64"):
    return [drawn(row, dtype)[0] for row in WALKED]


def emptied():
    """The rows with each of their sizes replaced by zero in turn, where the row can be drawn so."""
    for row in WALKED:
        for size in sorted(drawn(row)[1] - {0}):
            try:
                case, _ = drawn(row, resized={size: 0})
            except REFUSALS:
                continue

            def shorter(x, size=size):
                return x[(..., *[slice(0, 0) if n == size else slice(None) for n in x.shape])]

            made = [case.inputs[i] for i in case.floats]
            inputs = [x if any(x is m for m in made) else each(x, shorter) for x in case.inputs]
            yield Case(row, inputs, each(row.params, shorter), case.floats)


def astray():
    """The rows that take integers, with one of these somewhere else: too large, too small, as far off as can be."""
    for case in cases():
        for value in (1000, -1000, 2**62, -(2**63)):

            def wrong(x, value=value):
                if x.dtype.kind != "i" or not x.size:
                    return x
                x = np.array(x)
                limits = np.iinfo(x.dtype)
                x.reshape(-1)[-1] = min(max(value, limits.min), limits.max)
                return x

            moved = case.laid(wrong)
            if any(a is not b for a, b in zip(arrays_of(case), arrays_of(moved))):
                yield moved


def contradicting():
    """The rows with one of their arrays shorter than the others and the parameters say, first in its first dimension."""
    for case in cases():
        for array in arrays_of(case):
            for cut in ((slice(-1),), (..., slice(-1))) if array.ndim else ():

                def shorter(x, array=array, cut=cut):
                    return np.array(x[cut]) if x is array else x

                yield case.laid(shorter)


def arrays_of(case):
    found = []
    each((case.inputs, case.params), lambda x: found.append(x) or x)
    return found


# Numbers at which arithmetic of floats, or a cast of them to integers, goes wrong.
FLOATS = [np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 1e19, -1e19, 5e-324, -0.0, 0.0, 0.5, -1.0, 3e9, 2.0]


def extreme(dtype):
    """The rows with each of their floating arrays replaced by the extremes of `dtype`."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values = np.array(FLOATS).astype(kind)
    else:
        limits = np.iinfo(kind)
        values = np.array([limits.min, limits.max, 0, 1, 2, 3, limits.min + 1, limits.max - 1, limits.bits], kind)
    for case in cases():
        for turn in range(3):
            made = [case.inputs[i] for i in case.floats]

            def filled(x, turn=turn, made=made):
                nth = next((i for i, m in enumerate(made) if m is x), None)
                return x if nth is None else np.roll(np.resize(values, x.size), turn * (nth + 1)).reshape(x.shape)

            yield Case(
                case.row, [each(x, filled) for x in case.inputs], case.params, case.floats if kind.kind == "f" else []
            )


# -- layouts


def contiguous(x):
    return np.array(x, order="C")


def reversed_(x):
    back = (..., *[slice(None, None, -1)] * x.ndim)
    return np.array(x[back], order="C")[back]


def turned(x):
    return np.array(x.T, order="C").T


def spread(x):
    """Each element three places from the next, among values that would show."""
    room = np.full([3 * n + 2 for n in x.shape], 1e4 if x.dtype.kind == "f" else 1).astype(x.dtype)
    inner = room[(..., *[slice(1, 1 + 3 * n, 3) for n in x.shape])]
    inner[...] = x
    return inner


def misaligned(x):
    inner = np.frombuffer(bytearray(x.nbytes + 1), x.dtype, x.size, 1).reshape(x.shape)
    inner[...] = x
    return inner


def read_only(x):
    x = np.array(x)
    x.flags.writeable = False
    return x


def repeated(x):
    """The first row for all rows: no step from one to the next. Orders stay what they are."""
    return np.broadcast_to(x[:1], x.shape) if x.ndim and len(x) and x.dtype.kind == "f" else x


@cache
class Vast:
    """Memory that is only taken where it is touched."""

    APART, MOST = 2**33, 64

    def __init__(self):
        # Python 3.11 has no name for MAP_NORESERVE.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (0x4000 if sys.platform == "linux" else 0)
        self.bytes = np.frombuffer(mmap.mmap(-1, self.APART * self.MOST, flags=flags), np.uint8)
        self.taken = 0

    def place(self, x):
        start = self.taken
        self.taken += x.nbytes // 64 * 64 + 64
        steps = [self.APART if n > 1 else 2**62 for n in x.shape[:1]] + list(x.strides[1:])
        return np.lib.stride_tricks.as_strided(self.bytes[start : start + x.nbytes].view(x.dtype), x.shape, steps)


def far(x):
    """The rows further apart than an int32 counts; one row, or none, with a step that would lead out of all memory."""
    x = np.array(x, order="C")
    if not x.ndim or len(x) > Vast().MOST:
        return x
    inner = Vast().place(x)
    inner[...] = x
    return inner


LAYOUTS = (reversed_, turned, spread, misaligned, read_only, repeated, far)


def unlike(got, want, tolerance):
    """What differs between two outcomes of `Case.run`, in words; empty where nothing does."""
    if isinstance(want, Exception) or isinstance(got, Exception):
        return "" if type(got) is type(want) else f"{got!r} and {want!r}"
    for i, (a, b) in enumerate(zip(got, want, strict=True)):
        if a is None or b is None:
            if a is not b:
                return f"value {i}: {a} and {b}"
        elif a.shape != b.shape or a.dtype != b.dtype:
            return f"value {i}: {a.dtype}{a.shape} and {b.dtype}{b.shape}"
        elif not np.allclose(a, b, tolerance, tolerance, equal_nan=True):
            return f"value {i}: {a.ravel()[:4]} and {b.ravel()[:4]}"
    return ""
