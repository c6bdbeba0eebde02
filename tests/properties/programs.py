"""Random programs: lines of Python over tensors of any dtype and layout, drawn while they run.

A line is text that runs with PyTorch as with us (both go by the name of torch), so what fails can be read, and run again.
"""

import math
import re
import warnings

import numpy as np
from hypothesis import note
from hypothesis import strategies as st

FLOATING = ("float64", "float32", "float16", "bfloat16")
COMPLEX = ("complex128", "complex64")
WHOLE = ("int64", "int32", "int16", "int8", "uint8", "bool")
DTYPES = FLOATING + COMPLEX + WHOLE
# Numbers with few digits: sums of them are exact, and ties and zeros are frequent.
PLAIN = (0.5, -1.0, 2.0, 0.0, 1.5, -0.5, 3.0, -2.0, 1.0, 0.25)
EXTREME = (*PLAIN, math.inf, -math.inf, math.nan, -0.0, 6e4)
LAYOUTS = ("sliced", "permuted", "expanded", "flipped")
NUMBERS = ("2", "0.5", "-1", "0", "1", "3.0", "True", "-0.25", "7")


# -- tensors


def shapes(most=4, sizes=(2, 3, 1, 4, 0)):
    return st.lists(st.sampled_from((*sizes[:-1], *sizes)), max_size=most).map(tuple)


@st.composite
def layouts(draw, shape, kinds):
    """(shape of what is made, text): what the text makes of the former has `shape`, in some order of memory."""
    if not shape or draw(st.booleans()):
        return shape, ""
    kind, d = draw(st.sampled_from(kinds)), draw(st.integers(0, len(shape) - 1))
    if kind == "permuted":
        order = draw(st.permutations(range(len(shape))))
        return tuple([shape[order.index(i)] for i in range(len(shape))]), f".permute({tuple(order)})"
    if kind == "flipped":
        return shape, f".flip({d})"
    if kind == "expanded":
        return (*shape[:d], 1, *shape[d + 1 :]), f".expand({shape})"
    start, step = draw(st.integers(0, 2)), draw(st.integers(1, 3))
    return (*shape[:d], start + shape[d] * step, *shape[d + 1 :]), f"[{':, ' * d}{start}::{step}]"


def literal(values, shape):
    """The text of nested lists of `values`."""
    if not shape:
        return str(next(values))
    return "[" + ", ".join([literal(values, shape[1:]) for _ in range(shape[0])]) + "]"


def endless(choose, table, dtype):
    """Values of one dtype."""
    kind = "complex" if dtype in COMPLEX else dtype
    while True:
        value = table[choose.integers(len(table))]
        if kind == "complex":
            yield f"complex({value}, {table[choose.integers(len(table))]})"
        elif kind in FLOATING:
            yield value
        else:
            yield bool(value > 0) if kind == "bool" else int(np.nan_to_num(value * 2)) % 5 - 2 * (kind != "uint8")


@st.composite
def tensors(draw, shape, dtype, table=PLAIN, kinds=LAYOUTS):
    """The text of a tensor, without its history."""
    first = draw(layouts(shape, kinds))
    last = draw(layouts(first[0], kinds))
    values = literal(endless(np.random.default_rng(draw(st.integers(0, 99))), table, dtype), last[0])
    made = f"torch.tensor({values}, dtype=torch.{dtype})"
    if 0 in last[0]:
        made = f"torch.zeros({last[0]}, dtype=torch.{dtype})"
    return made + last[1] + first[1]


def integers_text(draw, low, high, shape):
    """An integer tensor of values from low up to high, as text."""
    choose = np.random.default_rng(draw(st.integers(0, 99)))
    if 0 in shape or low > high:
        return f"torch.zeros({shape if 0 in shape else (0,)}, dtype=torch.int64)"
    return f"torch.tensor({choose.integers(low, high + 1, shape).tolist()})"


# -- indices


@st.composite
def indices(draw, shape, faults=True):
    """The text of an index of a tensor of `shape`: every kind of index, now and then one that does not fit."""
    parts, d = [], 0
    together = draw(st.sampled_from([(), (1,), (3,), (2, 1), (2, 3), (0,)]))
    while d < len(shape) and draw(st.integers(0, 4)):
        kind = draw(st.sampled_from(["slice", "int", "array", "None", "...", "list", "mask", "scalar", "bool"]))
        n = shape[d]
        low, high = (-n - 1, n) if faults and not draw(st.integers(0, 15)) else (-n, n - 1)
        if kind == "int" and low <= high:
            parts.append(str(draw(st.integers(low, high))))
        elif kind == "slice":
            ends = st.none() | st.integers(-n - 1, n + 1)
            bounds = [draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, 3]))]
            parts.append(":".join("" if b is None else str(b) for b in bounds))
        elif kind == "array":
            parts.append(integers_text(draw, low, high, together if low <= high else (0,)))
        elif kind == "scalar" and low <= high:
            parts.append(f"torch.tensor({draw(st.integers(low, high))})")
        elif kind == "list" and low <= high:
            parts.append(str(draw(st.lists(st.integers(low, high), min_size=1, max_size=3))))
        elif kind == "mask":
            last = min(len(shape), d + draw(st.integers(1, 2)))
            parts.append(mask_text(draw, shape[d:last]))
            d = last - 1
        elif kind == "..." and "..." not in parts:
            parts.append("...")
            d += draw(st.integers(0, len(shape) - d)) - 1
        else:
            parts.append(str(draw(st.booleans())) if kind == "bool" else "None")
            d -= 1
        d += 1
    if not parts:
        return draw(st.sampled_from(["...", "()", "None", ":" if shape else "..."]))
    return ", ".join(parts) + draw(st.sampled_from(["", ",", ", ..."])) * ("..." not in parts)


def mask_text(draw, shape):
    choose = np.random.default_rng(draw(st.integers(0, 99)))
    if 0 in shape:
        return f"torch.zeros({shape}, dtype=torch.bool)"
    return f"torch.tensor({(choose.random(shape) < 0.6).tolist()})"


# -- lines

HOLE = re.compile(r"\{(\w+)\}")


def filled(draw, template, names, a):
    """The template with its holes filled: {a} is the name of the tensor `a`, {b} that of any."""
    rank, shape = a[1].dim(), tuple(a[1].shape)
    dims = st.integers(-rank, max(rank - 1, 0)) | st.integers(-rank - 1, rank)

    def fill(hole):
        match hole[1]:
            case "a":
                return a[0]
            case "b":
                return draw(st.sampled_from(names))
            case "dim":
                return str(draw(dims))
            case "dims":
                return str(tuple(draw(st.lists(dims, max_size=3))))
            case "bool":
                return str(draw(st.booleans()))
            case "num":
                return draw(st.sampled_from(NUMBERS))
            case "k":
                return str(draw(st.integers(-1, 4)))
            case "n":
                return str(draw(st.integers(1, 3)))
            case "dtype":
                return "torch." + draw(st.sampled_from(DTYPES))
            case "index":
                return draw(indices(shape))
            case "ints":
                return integers_text(
                    draw, *draw(st.sampled_from([(0, 1), (0, 0), (-1, 2)])), (draw(st.integers(0, 3)),)
                )
            case "like":
                return integers_text(draw, 0, max(min(shape, default=1), 1) - 1, shape)
            case "mask":
                return mask_text(draw, shape)
            case "shape":
                return str(draw(st.permutations(shape)) + [1] * draw(st.integers(0, 1)))
            case "wider":
                return str(tuple(draw(shapes(2))) + shape)

    return HOLE.sub(fill, template)


# What PyTorch says where it lacks something, or asserts in the middle of a derivative.
KNOWN_GAP = re.compile(
    "not implemented|not supported|unsupported|does(n't| not) support|INTERNAL ASSERT|improved|Autograd not support"
)


class At:
    """at[index] is the index."""

    def __getitem__(self, index):
        return index


class Programs:
    """One program in several modules at once: the tensors of each by their names, and the lines so far."""

    def __init__(self, *modules, names=()):
        self.names = {"inf": math.inf, "nan": math.nan, "at": At(), **dict(names)}
        self.pools = {m: {} for m in modules}
        self.first = self.pools[modules[0]]
        self.lines = []

    def run(self, line, m):
        """(result, None) or (None, exception)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return eval(line, {**self.names, "torch": m, **self.pools[m]}), None
            except Exception as error:
                return None, error

    def step(self, line):
        """The results (or errors) of a line in each module; what it made gets a name."""
        self.lines.append(line)
        return [self.run(line, m) for m in self.pools]

    def keep(self, results):
        """New names for tensors; those of a tuple each get one."""
        for pool, result in zip(self.pools.values(), results):
            made = [t for t in parts(result) if hasattr(t, "requires_grad")]
            start = len(pool)
            pool.update({f"x{start + i}": t for i, t in enumerate(made)})
        self.lines[-1] = f"{', '.join(list(self.first)[start:]) or '_'} = {self.lines[-1]}"

    def any_tensor(self, draw):
        """(name, tensor): later ones are chosen more often."""
        names = list(self.first)
        name = draw(st.sampled_from(names[::-1] + names[-2:]))
        return name, self.first[name]

    def draw_line(self, draw, templates):
        a = self.any_tensor(draw)
        return filled(draw, draw(st.sampled_from(templates)), list(self.first), a)

    def told(self):
        note("\n".join(self.lines))


def parts(result):
    if isinstance(result, (tuple, list)):
        return [t for part in result for t in parts(part)]
    return [result]


def equalize(want, got):
    """Give ours the last bit of theirs, or a `floor` further down would part them."""
    array = got._array
    if array.flags.writeable and 0 not in array.strides and not str(want.dtype).endswith("bfloat16"):
        array[...] = want.numpy(force=True)
