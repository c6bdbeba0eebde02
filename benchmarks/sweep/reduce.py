"""Reductions and cumulative functions, of all elements, of rows and of columns."""

import math

import numpy as np

from .row import Timed, integers, matrix, positive, side, vector


def each_way(name, **options):
    """All elements, along rows, along columns."""
    return [
        Timed(name, matrix, **options),
        Timed(f"{name} of rows", matrix, call=lambda m, x: getattr(m, name)(x, 1), **options),
        Timed(f"{name} of columns", matrix, call=lambda m, x: getattr(m, name)(x, 0), **options),
    ]


def along(name, call=None, **options):
    call = call or (lambda m, x, dim: getattr(m, name)(x, dim))
    return [
        Timed(f"{name} of a vector", vector, call=lambda m, x: call(m, x, 0), **options),
        Timed(f"{name} of rows", matrix, call=lambda m, x: call(m, x, 1), **options),
        Timed(f"{name} of columns", matrix, call=lambda m, x: call(m, x, 0), **options),
    ]


def with_nans(n, random):
    x = random.uniform(-1.0, 1.0, (side(n), side(n)))
    x[random.random(x.shape) < 0.1] = np.nan
    return x


def samples(n, random):
    """A few variables, observed often."""
    return random.uniform(-1.0, 1.0, (32, n // 32))


truths = lambda n, random: random.random((side(n), side(n))) < 0.5
whole = integers(shape=lambda n: (side(n), side(n)))
vector_norm = lambda ord, dim=None: lambda m, x: m.linalg.vector_norm(x, ord, dim)

ROWS = [
    *each_way("sum", ops=("spread",)), *each_way("mean"), *each_way("nansum"), *each_way("var"), *each_way("std"),
    *each_way("var_mean"), *each_way("std_mean"), *each_way("prod"), *each_way("amax"), *each_way("amin"),
    *each_way("max", ops=("max_dim",)), *each_way("min", ops=("min_dim",)), *each_way("argmax"), *each_way("argmin"),
    *along("logsumexp"), *each_way("median", ops=("median_dim",)), *each_way("nanmedian", ops=("nanmedian_dim",)),
    *each_way("count_nonzero", grad=False), *each_way("all"), *each_way("any"), *each_way("nanmean"),
    Timed("aminmax", matrix), *along("aminmax", call=lambda m, x, dim: m.aminmax(x, dim=dim)),
    Timed("nansum with nan", with_nans, call=lambda m, x: m.nansum(x)),
    Timed("nansum of rows with nan", with_nans, call=lambda m, x: m.nansum(x, 1)),
    Timed("nanmean with nan", with_nans, call=lambda m, x: m.nanmean(x, 0)),
    *[
        Timed(f"{name} of {kind}", make, call=lambda m, x, name=name: getattr(m, name)(x))
        for name in ("sum", "prod", "amax", "max", "argmax", "all", "any", "count_nonzero")
        for kind, make in (("integers", whole), ("booleans", truths))
        if (name, kind) != ("argmax", "booleans")
    ],
    *[
        Timed(f"{name} of {kind} in columns", make, call=lambda m, x, name=name: getattr(m, name)(x, 0))
        for name in ("sum", "prod", "amax", "max", "all", "count_nonzero", "cumsum", "cumprod", "cummax")
        for kind, make in (("integers", whole), ("booleans", truths))
    ],
    Timed("sum of a transpose", matrix, call=lambda m, x: x.t().sum()),
    Timed("sum of rows of a transpose", matrix, call=lambda m, x: x.t().sum(1)),
    Timed("norm", matrix, ops=("vector_norm",)),
    *[
        Timed(f"norm {ord}{part}", matrix, call=vector_norm(ord, dim))
        for ord in (0, 1, 2, 3, math.inf)
        for part, dim in (("", None), (" of rows", 1), (" of columns", 0))
    ],
    Timed("renorm", matrix, call=lambda m, x: m.renorm(x, 2, 0, 1.0)),
    Timed("quantile", vector, call=lambda m, x: m.quantile(x, 0.3)),
    Timed("quantile of rows", matrix, call=lambda m, x: m.quantile(x, 0.3, 1)),
    Timed("nanquantile", vector, call=lambda m, x: m.nanquantile(x, 0.3)),
    Timed("cov", samples, call=lambda m, x: m.cov(x)), Timed("corrcoef", samples, call=lambda m, x: m.corrcoef(x)),
    Timed("trapezoid", vector), Timed("trapezoid of rows", matrix, call=lambda m, x: m.trapezoid(x, dim=1)),
    Timed("trapezoid at places", vector, positive, call=lambda m, y, x: m.trapezoid(y, x)), Timed("cumulative_trapezoid", vector),
    Timed("diff", vector), Timed("diff of columns", matrix, call=lambda m, x: m.diff(x, dim=0)),
    *along("softmax"), *along("log_softmax"), *along("cumsum"), *along("cumprod"), *along("logcumsumexp"),
    *along("cummax"), *along("cummin"), Timed("dist", vector, positive),
]  # fmt: skip
