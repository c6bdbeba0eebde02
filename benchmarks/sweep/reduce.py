"""Reductions and cumulative functions, of all elements, of rows and of columns."""

from .row import Timed, booleans, integers, matrix, positive, vector


def each_way(name, **options):
    """All elements, along rows, along columns."""
    return [
        Timed(name, matrix, **options),
        Timed(f"{name} of rows", matrix, call=lambda m, x: getattr(m, name)(x, 1), **options),
        Timed(f"{name} of columns", matrix, call=lambda m, x: getattr(m, name)(x, 0), **options),
    ]


def along(name, **options):
    return [
        Timed(f"{name} of a vector", vector, call=lambda m, x: getattr(m, name)(x, 0), **options),
        Timed(f"{name} of rows", matrix, call=lambda m, x: getattr(m, name)(x, 1), **options),
        Timed(f"{name} of columns", matrix, call=lambda m, x: getattr(m, name)(x, 0), **options),
    ]


ROWS = [
    *each_way("sum", ops=("spread",)), *each_way("mean"), *each_way("nansum"), *each_way("var"), *each_way("std"),
    *each_way("var_mean"), *each_way("std_mean"), *each_way("prod"), *each_way("amax"), *each_way("amin"),
    *each_way("max", ops=("max_dim",)), *each_way("min", ops=("min_dim",)), *each_way("argmax"), *each_way("argmin"),
    *along("logsumexp"), *each_way("median", ops=("median_dim",)), *each_way("nanmedian", ops=("nanmedian_dim",)),
    Timed("aminmax", matrix), *each_way("count_nonzero", grad=False),
    Timed("all", booleans), Timed("any", booleans), Timed("sum of integers", integers(), call=lambda m, x: x.sum()),
    Timed("sum of booleans", booleans, call=lambda m, x: x.sum()),
    Timed("norm", matrix, ops=("vector_norm",)), Timed("norm of rows", matrix, call=lambda m, x: m.linalg.vector_norm(x, dim=1)),
    Timed("norm 1", matrix, call=lambda m, x: m.linalg.vector_norm(x, 1)),
    Timed("norm 3", matrix, call=lambda m, x: m.linalg.vector_norm(x, 3)),
    Timed("quantile", vector, call=lambda m, x: m.quantile(x, 0.3)),
    Timed("cov", matrix, call=lambda m, x: m.cov(x[:32])), Timed("corrcoef", matrix, call=lambda m, x: m.corrcoef(x[:32])),
    Timed("trapezoid", vector), Timed("diff", vector), Timed("cumulative_trapezoid", vector),
    *along("softmax"), *along("log_softmax"), *along("cumsum"), *along("cumprod"), *along("logcumsumexp"),
    *along("cummax"), *along("cummin"), Timed("dist", vector, positive),
]  # fmt: skip
