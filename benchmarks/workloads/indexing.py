"""Embeddings, indexing, gather and scatter, slices and writes, in loops and alone."""

from functools import partial

from .case import case, training, with_gradients


def table(m, rows=10_000, columns=64):
    m.manual_seed(0)
    return m.randn(rows, columns)


def places(m, count=2048, rows=10_000):
    return m.randint(0, rows, (count,))


for _words, _width in ((1_000, 32), (10_000, 64)):

    @case(f"bag of words: embedding {_words} x {_width}, mean, cross-entropy, batch 32 of 20, SGD step", "indexing")
    def bag(m, words=_words, width=_width):
        m.manual_seed(0)
        nn = m.nn
        model = nn.Sequential(nn.Embedding(words, width), nn.Linear(width, 10))
        x, y = m.randint(0, words, (32, 20)), m.randint(0, 10, (32,))
        return training(m, model, lambda: nn.functional.cross_entropy(model[1](model[0](x).mean(1)), y), lr=0.1)


@case("next character: embedding 64 x 32, linear, cross-entropy, 16 of 32 characters, SGD step", "indexing")
def characters(m):
    m.manual_seed(0)
    nn = m.nn
    model = nn.Sequential(nn.Embedding(64, 32), nn.Linear(32, 64))
    x, y = m.randint(0, 64, (16, 32)), m.randint(0, 64, (16, 32))
    return training(m, model, lambda: nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten()), lr=0.1)


# Functions of a table of 10,000 x 64 and of places in it, differentiated.
USES = {
    "x[index], 2,048 rows of 10,000 x 64": lambda m, x, i: x[i],
    "x[rows, columns], 2,048 numbers of 10,000 x 64": lambda m, x, i: x[i, i % 64],
    "x[x > 0] of 10,000 x 64": lambda m, x, i: x[x > 0],
    "index_select, 2,048 rows of 10,000 x 64": lambda m, x, i: m.index_select(x, 0, i),
    "gather, a number of each of 10,000 rows": lambda m, x, i: x.gather(
        1, (i[:1] + m.arange(10_000)).unsqueeze(1) % 64
    ),
    "take_along_dim by argsort, 10,000 x 64": lambda m, x, i: m.take_along_dim(x, x.detach().argsort(1), 1),
    "scatter_add into 1,000 rows, from 2,048": lambda m, x, i: m.zeros(1000, 64).scatter_add(
        0, (i % 1000).unsqueeze(1).expand(-1, 64), x[:2048]
    ),
    "index_add into 1,000 rows, from 2,048": lambda m, x, i: m.zeros(1000, 64).index_add(0, i % 1000, x[:2048]),
}

for _name, _call in USES.items():

    @case(f"{_name}, forward and backward", "indexing")
    def use(m, call=_call):
        x, index = table(m), places(m)
        return with_gradients(lambda x: call(m, x, index), x)


@case("x[index], 8 of 16 rows of 4, forward and backward", "indexing")
def few_rows(m):
    x, index = table(m, 16, 4), places(m, 8, 16)
    return with_gradients(lambda x: x[index], x)


@case("x[index], 64 of 1,000 rows of 16, unrecorded", "indexing")
def unrecorded(m):
    x, index = table(m, 1000, 16), places(m, 64, 1000)
    return lambda: x[index]


@case("x[index] = rows, 64 of 1,000 rows of 16, unrecorded", "indexing")
def assigned(m):
    x, index = table(m, 1000, 16), m.arange(64) * 7
    rows = m.ones(64, 16)

    def run():
        x[index] = rows
        return x

    return run


@case("sum of products of neighbouring rows, a loop over 64 rows of 16, forward and backward", "indexing")
def neighbours(m):
    def total(x):
        found = 0
        for i in range(1, 64):
            found = found + x[i] * x[i - 1]
        return found

    return with_gradients(total, table(m, 64, 16))


@case("linear recurrence written row by row into a tensor, 64 rows of 16, forward and backward", "indexing")
def recurrence(m):
    def rows(x, a):
        out = m.zeros(64, 16)
        out[0] = x[0]
        for i in range(1, 64):
            out[i] = a * out[i - 1].clone() + x[i]
        return out

    return with_gradients(rows, table(m, 64, 16), m.tensor(0.9))


@case("edit distance of two words of 12 letters, a table of scalars, unrecorded", "indexing")
def edit_distance(m):
    m.manual_seed(0)
    first, second = m.randint(0, 3, (12,)), m.randint(0, 3, (12,))

    def run():
        d = m.zeros(13, 13)
        d[0], d[:, 0] = m.arange(13), m.arange(13)
        for i in range(12):
            for j in range(12):
                change = d[i, j] + (first[i] != second[j])
                d[i + 1, j + 1] = min(change, d[i, j + 1] + 1, d[i + 1, j] + 1)
        return d[12, 12]

    return run


@case("windows x[i : i + 8] of 128 numbers in a loop, stacked, forward and backward", "indexing")
def windows(m):
    return with_gradients(
        lambda x: m.stack([x[i : i + 8] for i in range(0, 120, 2)]).pow(2), table(m, 128, 1).flatten()
    )


VIEWS = {
    "slice x[1:3]": lambda x: x[1:3],
    "row x[1]": lambda x: x[1],
    "column x[:, 1]": lambda x: x[:, 1],
    "transpose x.t()": lambda x: x.t(),
    "transpose x.transpose(0, 1)": lambda x: x.transpose(0, 1),
    "reshape x.reshape(2, 8)": lambda x: x.reshape(2, 8),
    "view x.view(16)": lambda x: x.view(16),
}

for _grad in (False, True):
    for _name, _call in VIEWS.items():

        @case(f"{_name}, {'recorded' if _grad else 'unrecorded'}", "indexing")
        def view(m, grad=_grad, call=_call):
            x = m.tensor([[0.5 * i + j for j in range(4)] for i in range(4)], requires_grad=grad)
            return partial(call, x)
