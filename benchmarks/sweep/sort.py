"""Sorting, ranks, distinct values, look-ups and counts."""

import numpy as np

from .row import Timed, integers, matrix, other, side, value, vector

edges = lambda n, random: np.sort(random.uniform(-1, 1, 1_000))
few_edges = lambda n, random: np.sort(random.uniform(-1, 1, 20))
rows_of_edges = lambda n, random: np.sort(random.uniform(-1, 1, (side(n), side(n))), axis=1)
runs = lambda n, random: np.sort(random.integers(0, max(n // 10, 1), n))
thousand = integers(0, 1_000)
many = integers(-(2**60), 2**60)
small_integers = integers(0, 20, shape=lambda n: (side(n), side(n)))


def each_way(name, *inputs, **options):
    """Of a vector, of rows, of columns."""
    return [
        Timed(f"{name} of a vector", vector, *inputs, call=lambda m, x, *a: getattr(m, name)(x, *a, dim=0), **options),
        Timed(f"{name} of rows", matrix, *inputs, call=lambda m, x, *a: getattr(m, name)(x, *a, dim=1), **options),
        Timed(f"{name} of columns", matrix, *inputs, call=lambda m, x, *a: getattr(m, name)(x, *a, dim=0), **options),
    ]


SORTS = [
    *each_way("sort"),
    *each_way("argsort", grad=False),
    Timed("msort", matrix),
    Timed("sort descending", vector, call=lambda m, x: m.sort(x, descending=True)),
    Timed("sort descending of columns", matrix, call=lambda m, x: m.sort(x, dim=0, descending=True)),
    Timed("sort of integers", thousand, call=lambda m, x: m.sort(x)),
    Timed("sort of long integers", many, call=lambda m, x: m.sort(x)),
    Timed("sort of what is sorted", runs, call=lambda m, x: m.sort(x)),
]

RANKS = [
    *each_way("topk", value(5)),
    Timed("topk of a third", vector, lambda n, random: n // 3, call=lambda m, x, k: m.topk(x, k)),
    Timed("topk smallest", matrix, call=lambda m, x: m.topk(x, 3, largest=False)),
    *each_way("kthvalue", value(7)),
    Timed("kthvalue in the middle", vector, lambda n, random: n // 2, call=lambda m, x, k: m.kthvalue(x, k)),
    *each_way("mode"),
    Timed("mode of integers", small_integers, call=lambda m, x: m.mode(x)),
]

DISTINCT = [
    Timed("unique", vector, grad=False),
    Timed("unique of integers", thousand, call=lambda m, x: m.unique(x)),
    Timed("unique of long integers", many, call=lambda m, x: m.unique(x)),
    Timed("unique with inverse", thousand, call=lambda m, x: m.unique(x, return_inverse=True)),
    Timed("unique with counts", vector, call=lambda m, x: m.unique(x, return_counts=True), grad=False),
    Timed("unique_dim", small_integers, call=lambda m, x: m.unique(x, dim=0)),
    Timed("unique_consecutive", runs),
    Timed("unique_consecutive with inverse", runs, call=lambda m, x: m.unique_consecutive(x, return_inverse=True)),
]

LOOKUPS = [
    Timed("searchsorted", edges, vector, grad=False),
    Timed("searchsorted of rows", rows_of_edges, matrix, call=lambda m, x, v: m.searchsorted(x, v), grad=False),
    Timed("bucketize", vector, few_edges, grad=False),
    Timed("isin", thousand, integers(0, 1_000, lambda n: (50,))),
    Timed("isin of many", many, many, call=lambda m, x, y: m.isin(x, y)),
    Timed("bincount", thousand),
    Timed("bincount with weights", thousand, other, call=lambda m, x, w: m.bincount(x, w), grad=False),
    Timed("histc", vector, value(100), value(-1), value(1), grad=False),
    Timed("histogram", vector, value(100), ops=("cell",), grad=False),
]

ROWS = [*SORTS, *RANKS, *DISTINCT, *LOOKUPS]
