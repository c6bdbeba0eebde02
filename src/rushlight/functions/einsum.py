"""einsum: sums of products named by subscripts, made of permutations, reshapes and batched matrix products."""

from functools import lru_cache
from itertools import combinations

from ..core import TensorBase
from ..errors import coded

FUNCTIONS = ("einsum",)
METHODS = ()
INPLACE = {}

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(*args):
    """The sum over all subscripts that the output does not name of the products of the operands' elements.

    The equation is a string such as "ij,jk->ik"; without "->" the output has the subscripts that occur once, in
    alphabetical order. "..." stands for dimensions that broadcast. Instead of a string, lists of numbers may follow
    the operands: einsum(a, [0, 1], b, [1, 2], [0, 2]). With more than two operands the cheapest pairs go first.

    >>> import rushlight
    >>> rushlight.einsum("ij,kj->ik", rushlight.ones(2, 3), rushlight.ones(1, 3))
    tensor([[3.],
            [3.]])
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], TensorBase):
        equation, operands = _from_lists(args)
    else:
        equation, operands = args[0], args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = operands[0]
    for i, x in enumerate(operands):
        if not isinstance(x, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type(x).__name__}")
    inputs, output = _parse(equation, tuple([x._array.shape for x in operands]))
    terms = [_once(x, labels) for x, labels in zip(operands, inputs)]
    return _contracted(terms, output)


def _from_lists(args):
    """The equation that lists of numbers stand for."""
    operands, lists = list(args[0 : len(args) // 2 * 2 : 2]), list(args[1::2])
    equation = ",".join(map(_of_list, lists))
    if len(args) % 2:
        equation += "->" + _of_list(args[-1])
    return equation, operands


def _of_list(numbers):
    letters = ""
    for number in numbers:
        if number is Ellipsis:
            letters += "..."
        elif 0 <= number < 52:
            letters += _LETTERS[number]
        else:
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return letters


# -- reading the equation


@lru_cache(256)
def _parse(equation, shapes):
    """Lists of labels for each operand and for the output; what "..." covers is numbered from the right: -1, -2 ..."""
    left, arrow, right = equation.partition("->")
    parts = left.split(",")
    start, inputs = 0, []
    for k, part in enumerate(parts):
        inputs.append(_labels(part, start, f"operand {k}", "an", ""))
        start += len(part) + 1
    if len(shapes) != len(parts):
        word = "fewer" if len(shapes) < len(parts) else "more"
        raise RuntimeError(f"einsum(): {word} operands were provided than specified in the equation")
    output = _labels(right, len(left) + 2, "output", "an", " (...)") if arrow else None
    inputs = [_covered(labels, shape, k) for k, (labels, shape) in enumerate(zip(inputs, shapes))]
    _check_sizes(inputs, shapes)
    wide = max([-label for labels in inputs for label in labels if isinstance(label, int)], default=0)
    return inputs, _output(output, inputs, list(range(-wide, 0)))


def _labels(text, start, where, article, dots):
    """The letters of a part of the equation, and Ellipsis."""
    labels, i = [], 0
    while i < len(text):
        c = text[i]
        if c == ".":
            i += _ellipsis(text, i, labels, where, dots)
        elif c in _LETTERS:
            labels.append(c)
        elif c != " ":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {start + i} in the equation string, subscripts "
                "must be in [a-zA-Z]"
            )
        i += 1
    return labels


def _ellipsis(text, i, labels, where, dots):
    if Ellipsis in labels:
        already = "but an ellipsis (...) was already found" if dots else "for which an ellipsis was already found"
        raise RuntimeError(f"einsum(): found '.' for {where} {already}")
    if text[i : i + 3] != "...":
        raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis{dots}")
    labels.append(Ellipsis)
    return 2


def _covered(labels, shape, k):
    """The labels of an operand, one for each dimension."""
    letters = len([label for label in labels if label is not Ellipsis])
    if Ellipsis not in labels:
        if letters != len(shape):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) does not match the number of "
                "dimensions "
                f"({len(shape)}) for operand {k} and no ellipsis was given"
            )
        return labels
    wide = len(shape) - letters
    if wide < 0:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({letters}) is more than the number of dimensions "
            f"({len(shape)}) for operand {k}"
        )
    at = labels.index(Ellipsis)
    return [*labels[:at], *range(-wide, 0), *labels[at + 1 :]]


def _check_sizes(inputs, shapes):
    """Refuse a label of two sizes; 1 broadcasts."""
    seen = {}
    for k, (labels, shape) in enumerate(zip(inputs, shapes)):
        own = {}
        for label, size in zip(labels, shape):
            if own.setdefault(label, size) != size:
                raise coded(
                    "RL327",
                    RuntimeError(
                        f"einsum(): subscript {label} is repeated for operand {k} but the sizes don't match, {size} "
                        f"!= {own[label]}"
                    ),
                )
        for label, size in own.items():
            before = seen.get(label, 1)
            if before == 1:
                seen[label] = size
            elif size not in (1, before) and isinstance(label, int):
                raise coded(
                    "RL327",
                    RuntimeError(
                        f"einsum(): dimension {_position(label, labels)} covered by ellipsis in operand {k}has size "
                        f"{size} which "
                        f"does not broadcast with previously seen ellipsis with size {before} for the respective "
                        "dimension"
                    ),
                )
            elif size not in (1, before):
                raise coded(
                    "RL327",
                    RuntimeError(
                        f"einsum(): subscript {label} has size {size} for operand {k} which does not broadcast with "
                        "previously "
                        f"seen size {before}"
                    ),
                )


def _position(label, labels):
    return labels.index(label) - labels.index(min(x for x in labels if isinstance(x, int)))


def _output(output, inputs, wide):
    """The labels of the result: those given, or the wide ones and then what occurs once."""
    letters = [label for labels in inputs for label in labels if isinstance(label, str)]
    if output is None:
        return wide + sorted(label for label in set(letters) if letters.count(label) == 1)
    for label in output:
        if label is not Ellipsis and output.count(label) > 1:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output")
        if label is not Ellipsis and label not in letters:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
    if Ellipsis not in output:
        return output
    at = output.index(Ellipsis)
    return [*output[:at], *wide, *output[at + 1 :]]


# -- computing


def _once(x, labels):
    """The operand with each label once: repeated ones are diagonals."""
    if len(set(labels)) == len(labels):
        return x, labels
    labels = list(labels)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = x.diagonal(0, first, second)
            del labels[second], labels[first]
            labels.append(label)
    return x, labels


def _contracted(terms, output):
    """The product of all terms, summed to the labels of `output`, in that order."""
    kept = tuple(output)
    while len(terms) > 1:
        i, j = (0, 1) if len(terms) == 2 else _cheapest(tuple([_described(term) for term in terms]), kept)
        second, first = terms.pop(j), terms.pop(i)
        others = frozenset(kept).union(*[labels for _, labels in terms])
        terms.insert(0 if len(terms) < 2 else i, _pair(first, second, others))
    x, labels = terms[0]
    dims = tuple([k for k, label in enumerate(labels) if label not in kept])
    if dims:
        x, labels = x.sum(dims), [label for label in labels if label in kept]
    order = tuple([labels.index(label) for label in output])
    return x if order == tuple(range(len(order))) and len(output) != len(terms) else x.permute(order)


def _described(term):
    x, labels = term
    return tuple(labels), x._array.shape


@lru_cache(256)
def _cheapest(terms, output):
    """The pair whose product takes the fewest multiplications, then leaves the fewest elements."""
    sizes = {}
    for labels, shape in terms:
        for label, size in zip(labels, shape):
            sizes[label] = max(size, sizes.get(label, 1))
    best = None
    for i, j in combinations(range(len(terms)), 2):
        both = set(terms[i][0]) | set(terms[j][0])
        others = set(output).union(*[labels for k, (labels, _) in enumerate(terms) if k not in (i, j)])
        cost = _volume(both, sizes), _volume(both & others, sizes)
        if best is None or cost < best[0]:
            best = cost, (i, j)
    return best[1]


def _volume(labels, sizes):
    volume = 1
    for label in labels:
        volume *= sizes[label]
    return volume


def _pair(first, second, kept):
    """The product of two terms, summed over the labels that are not kept."""
    left, right, inner, shape, labels = _planned(*_described(first), *_described(second), kept)
    x, y = _as_matrices(first[0], *left), _as_matrices(second[0], *right)
    one_kind = x._array.dtype == y._array.dtype and x._array.dtype.kind != "b"
    out = x.bmm(y) if inner or one_kind else x * y
    return out.reshape(shape), labels


@lru_cache(256)
def _planned(xs, x_shape, ys, y_shape, kept):
    """How two terms become stacks of matrices, whether their product is summed, and its shape and labels."""
    (xs, x_size), (ys, y_size) = _squeezed(xs, x_shape, ys, y_shape), _squeezed(ys, y_shape, xs, x_shape)
    x_steps, xs = _narrowed(xs, x_size, x_shape, kept.union(ys))
    y_steps, ys = _narrowed(ys, y_size, y_shape, kept.union(xs))
    common = [label for label in xs if label in ys]
    batch = [label for label in common if label in kept]
    inner = [label for label in common if label not in kept]
    left = [label for label in xs if label not in ys]
    right = [label for label in ys if label not in xs]
    size = y_size | x_size
    count, rows, width, columns = (_volume(part, size) for part in (batch, left, inner, right))
    labels = batch + left + right
    return (
        (*x_steps, _order(xs, batch + left + inner), (count, rows, width)),
        (*y_steps, _order(ys, batch + inner + right), (count, width, columns)),
        bool(inner),
        tuple([size[label] for label in labels]),
        labels,
    )


def _squeezed(labels, shape, others, other_shape):
    """The labels and sizes of a term without those of size 1 that the other has longer."""
    longer = {label for label, size in zip(others, other_shape) if size != 1}
    size = {label: size for label, size in zip(labels, shape) if size != 1 or label not in longer}
    return list(size), size


def _narrowed(labels, size, shape, kept):
    """The shape to give a term and the dimensions to sum, None where there is nothing to do; and the labels left."""
    shorter = None if len(labels) == len(shape) else tuple(size.values())
    dims = tuple([k for k, label in enumerate(labels) if label not in kept])
    return (shorter, dims or None), [label for label in labels if label in kept]


def _order(labels, wanted):
    dims = tuple([labels.index(label) for label in wanted])
    return None if dims == tuple(range(len(dims))) else dims


def _as_matrices(x, shorter, dims, order, shape):
    if shorter is not None:
        x = x.reshape(shorter)
    if dims is not None:
        x = x.sum(dims)
    if order is not None:
        x = x.permute(order)
    return x.reshape(shape)
