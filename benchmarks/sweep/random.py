"""Creation: constants, ranges and random numbers, and what fills a tensor with them."""

from .row import Timed, integers, matrix, positive, side, uniform, unit, value, vector


def length(n, random):
    return n


def edge(n, random):
    return side(n)


def made(name, *inputs, call=None, **options):
    return Timed(name, *inputs, call=call, grad=False, **options)


CONSTANTS = [
    *[made(name, length) for name in ("zeros", "ones", "empty", "arange", "rand", "randn", "randperm")],
    made("zeros of int64", length, call=lambda m, n: m.zeros(n, dtype=m.int64)),
    made("full", length, call=lambda m, n: m.full((n,), 2.5)),
    made("eye", edge),
    made("arange of floats", length, call=lambda m, n: m.arange(0.0, n, 1.0)),
    made("arange by 3", length, call=lambda m, n: m.arange(0, 3 * n, 3)),
    made("linspace", length, call=lambda m, n: m.linspace(0, 1, n)),
    made("logspace", length, call=lambda m, n: m.logspace(0, 1, n)),
    *[made(name, vector) for name in ("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like")],
    made("full_like", vector, value(2.5)),
    made("new_zeros", vector, call=lambda m, x: x.new_zeros(x.shape)),
    made("new_full", vector, call=lambda m, x: x.new_full(x.shape, 3.0)),
    made("empty_strided", edge, call=lambda m, n: m.empty_strided((n, n), (1, n))),
]  # fmt: skip

DRAWN = [
    made("rand of float64", length, call=lambda m, n: m.rand(n, dtype=m.float64)),
    made("randn of float64", length, call=lambda m, n: m.randn(n, dtype=m.float64)),
    made("randint", length, call=lambda m, n: m.randint(0, 10, (n,))),
    made("randint of int32", length, call=lambda m, n: m.randint(0, 10, (n,), dtype=m.int32)),
    Timed("bernoulli", unit, ops=("drawn",)),
    Timed("normal", vector, positive),
    made("normal of numbers", length, call=lambda m, n: m.normal(0.0, 2.0, (n,))),
    made("multinomial", uniform(0.1, 1.0, lambda n: (1000,)), length, call=lambda m, x, n: m.multinomial(x, n, True)),
    made("multinomial without", positive, call=lambda m, x: m.multinomial(x, x.shape[0] // 2)),
    made("poisson", uniform(0.0, 30.0)),
    made("binomial", uniform(0.0, 60.0), unit),
    made("uniform_", vector, call=lambda m, x: x.uniform_(-1, 1)),
    made("normal_", vector, call=lambda m, x: x.normal_(1.0, 2.0)),
    *[
        made(name, vector, call=lambda m, x, name=name: getattr(x, name)())
        for name in ("exponential_", "cauchy_", "log_normal_", "bernoulli_", "random_")
    ],
    made("geometric_", vector, call=lambda m, x: x.geometric_(0.3)),
    made("random_ of integers", integers(), call=lambda m, x: x.random_(5, 50)),
    made("uniform_ of transposed", matrix, call=lambda m, x: x.t().uniform_()),
    Timed("nn.functional.dropout", vector, call=lambda m, x: m.nn.functional.dropout(x, 0.3), ops=("masked_scale",)),
    made("nn.init.normal_", matrix, call=lambda m, x: m.nn.init.normal_(x)),
    made("nn.init.kaiming_uniform_", matrix, call=lambda m, x: m.nn.init.kaiming_uniform_(x)),
    made("nn.init.trunc_normal_", matrix, call=lambda m, x: m.nn.init.trunc_normal_(x)),
]  # fmt: skip

ROWS = [*CONSTANTS, *DRAWN]
