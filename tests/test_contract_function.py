"""Custom Functions: both styles, what is saved, written, returned and refused, forward mode.

Each program is run by PyTorch and by us: values, gradients, names of nodes, errors and warnings agree (tests/beside.py).
"""

import pytest

import rushlight as rl
from beside import attempt, collect, cube, leaf, made, outcome, plain

PROGRAMS = []
program = collect(PROGRAMS)


@program
def both_orders(m):
    x = leaf(m)
    y = cube(m).apply(x)
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = m.autograd.grad(g.sum(), x, create_graph=True)
    return y, g, h, m.autograd.grad(h.sum(), x), y.grad_fn.name(), type(y.grad_fn).__name__


@program
def setup_context_style(m):
    def setup(ctx, inputs, output):
        x, k = inputs
        ctx.save_for_backward(x, output)
        ctx.k = k

    def backward(ctx, g):
        x, out = ctx.saved_tensors
        return g * ctx.k * x ** (ctx.k - 1) + 0 * out, None

    f = made(m, lambda x, k: x**k, backward, setup_context=setup)
    x = leaf(m)
    y = f.apply(x, 3)
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    return y, g, m.autograd.grad(g.sum(), x), y.grad_fn.name()


@program
def setup_context_with_a_ctx_in_forward(m):
    f = made(m, lambda ctx, x: x * 2, lambda ctx, g: g, setup_context=lambda ctx, inputs, output: None)
    return attempt(lambda: f.apply(leaf(m)))


@program
def keyword_arguments(m):
    f = made(m, lambda ctx, x, k=2.0: x * k, lambda ctx, g: (g, None))
    x = leaf(m)
    return (
        attempt(lambda: f.apply(x, k=3.0)),
        attempt(lambda: f.apply(x=x)),
        attempt(lambda: f.apply(x)),
        attempt(lambda: f.apply(x, 1.0, 2.0)),
        attempt(lambda: f.apply()),
    )


@program
def needs_input_grad(m):
    seen = []

    def forward(ctx, *xs):
        seen.append(ctx.needs_input_grad)
        return xs[0] * 2

    f = made(m, forward, lambda ctx, g: (seen.append(ctx.needs_input_grad), g, None, None, None)[1:])
    y = f.apply(leaf(m), 3, m.ones(2), None)
    y.sum().backward()
    with m.no_grad():
        f.apply(leaf(m))
    f.apply(m.ones(2))
    return seen


@program
def needs_input_grad_in_a_restricted_pass(m):
    seen = []
    f = made(m, lambda ctx, x, y: x * y, lambda ctx, g: (seen.append(ctx.needs_input_grad), (g, g))[1])
    x, y = leaf(m), leaf(m)
    z = f.apply(x, y)
    m.autograd.grad(z.sum(), y)
    return seen


@program
def grad_mode_inside(m):
    seen = []

    def forward(ctx, x):
        seen.append(m.is_grad_enabled())
        seen.append((x * 2).requires_grad)
        return x * 2

    def backward(ctx, g):
        seen.append(m.is_grad_enabled())
        return g

    f = made(m, forward, backward)
    x = leaf(m)
    f.apply(x).sum().backward()
    m.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    return seen


@program
def recording_inside_forward(m):
    def forward(ctx, x):
        with m.enable_grad():
            y = x.detach().requires_grad_() ** 2
        ctx.y = y
        return y

    f = made(m, forward, lambda ctx, g: g * 7)
    x = leaf(m)
    y = f.apply(x)
    return y, m.autograd.grad(y.sum(), x)


@program
def save_for_backward_refused(m):
    out = []
    for value in (3, "a", [1], (m.ones(1),)):

        def forward(ctx, x):
            ctx.save_for_backward(value)
            return x * 2

        out.append(attempt(lambda: made(m, forward, lambda ctx, g: g).apply(leaf(m))))
    return out


@program
def saved_twice_overrides(m):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_backward(x * 2, None)
        return x * 1

    seen = []
    f = made(m, forward, lambda ctx, g: (seen.append(plain(ctx.saved_tensors)), g)[1])
    f.apply(leaf(m)).sum().backward()
    return seen


@program
def saved_tensors_freed(m):
    x = leaf(m)
    y = cube(m).apply(x)
    y.sum().backward()
    return attempt(lambda: y.sum().backward()), attempt(lambda: y.grad_fn.saved_tensors)


@program
def saved_tensors_kept(m):
    x = leaf(m)
    y = cube(m).apply(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return x.grad


@program
def saved_input_overwritten(m):
    x = leaf(m)
    a = x * 1
    y = cube(m).apply(a)
    a.add_(1)
    return attempt(lambda: y.sum().backward())


@program
def saved_output_overwritten(m):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    y = made(m, forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(leaf(m))
    y.add_(1)
    return attempt(lambda: y.sum().backward())


@program
def saved_intermediate_has_no_history(m):
    def forward(ctx, x):
        t = x * x
        ctx.save_for_backward(t, x)
        return t * x

    def backward(ctx, g):
        t, _x = ctx.saved_tensors
        return g * 3 * t

    x = leaf(m)
    (g,) = m.autograd.grad(made(m, forward, backward).apply(x).sum(), x, create_graph=True)
    return g.requires_grad, attempt(lambda: m.autograd.grad(g.sum(), x))


@program
def saved_input_is_the_input(m):
    seen = []

    def backward(ctx, g):
        seen.append(
            (ctx.saved_tensors[0] is x, ctx.saved_tensors[0].requires_grad, ctx.saved_tensors[0].grad_fn is None)
        )
        return g

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 1

    x = leaf(m)
    made(m, forward, backward).apply(x).sum().backward()
    return seen


@program
def an_attribute_with_a_tensor(m):
    def forward(ctx, x):
        ctx.x = x
        return x**2

    x = leaf(m)
    (g,) = m.autograd.grad(made(m, forward, lambda ctx, g: g * 2 * ctx.x).apply(x).sum(), x, create_graph=True)
    return g, m.autograd.grad(g.sum(), x)


@program
def mark_dirty(m):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    f = made(m, forward, lambda ctx, g: g * 2)
    x = leaf(m)
    y = x * 1
    z = f.apply(y)
    out = [z is y, y._version, y.grad_fn.name(), z, m.autograd.grad(y.sum(), x)]
    return out, attempt(lambda: f.apply(x)), f.apply(m.ones(2)), attempt(lambda: f.apply(x)), x


@program
def mark_dirty_of_a_view(m):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    f = made(m, forward, lambda ctx, g: g * 2)
    x = leaf(m, 1.0, 2.0, 3.0)
    y = x * 1
    v = y[:2]
    z = f.apply(v)
    return (
        z is v,
        y,
        y.grad_fn.name(),
        v.grad_fn.name(),
        m.autograd.grad((y * y).sum(), x, retain_graph=True),
        m.autograd.grad(v.sum(), x),
        y._version,
    )


@program
def mark_dirty_of_a_view_of_a_leaf(m):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    x = leaf(m)
    return attempt(lambda: made(m, forward, lambda ctx, g: g).apply(x[:1]))


@program
def mark_dirty_of_several(m):
    def forward(ctx, x, y):
        x.mul_(2)
        y.add_(1)
        ctx.mark_dirty(x, y)
        return x, y, x + y

    def backward(ctx, a, b, c):
        return 2 * a + 2 * c, b + c

    x, y = leaf(m), leaf(m)
    a, b = x * 1, y * 1
    r = made(m, forward, backward).apply(a, b)
    return (
        r[0] is a,
        r[1] is b,
        a.output_nr if hasattr(a, "output_nr") else None,
        [t.output_nr for t in r],
        m.autograd.grad((r[0] * r[1] + r[2]).sum(), (x, y)),
    )


@program
def mark_dirty_errors(m):
    def not_returned(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x * 1

    def not_an_input(ctx, x):
        y = x * 2
        ctx.mark_dirty(y)
        return y

    return [attempt(lambda: made(m, f, lambda ctx, g: g).apply(leaf(m) * 1)) for f in (not_returned, not_an_input)]


@program
def written_without_mark_dirty(m):
    def forward(ctx, x):
        x.mul_(2)
        return x

    x = leaf(m)
    y = x * 1
    z = made(m, forward, lambda ctx, g: g * 2).apply(y)
    return z is y, y._version, y.grad_fn.name(), z.grad_fn.name(), z._is_view()


@program
def an_input_returned_as_it_is(m):
    f = made(m, lambda ctx, x: x, lambda ctx, g: g * 5)
    x = leaf(m)
    y = f.apply(x)
    c = m.ones(2)
    d = f.apply(c)
    return (
        y is x,
        y._is_view(),
        y._base is x,
        m.autograd.grad(y.sum(), x),
        d is c,
        d.requires_grad,
        d._is_view(),
        attempt(lambda: y.mul_(2)),
        attempt(lambda: f.apply(x * 1).mul_(2)),
    )


@program
def an_input_returned_twice(m):
    f = made(m, lambda ctx, x: (x, x), lambda ctx, a, b: a + 10 * b)
    x = leaf(m)
    a, b = f.apply(x)
    return a is b, m.autograd.grad((a + 3 * b).sum(), x), attempt(lambda: a.mul_(2)), a._is_view()


@program
def an_output_returned_twice(m):
    def forward(ctx, x):
        y = x * 2
        return y, y

    x = leaf(m)
    a, b = made(m, forward, lambda ctx, a, b: a + 10 * b).apply(x)
    return a is b, a.output_nr, b.output_nr, m.autograd.grad((a + 3 * b).sum(), x)


@program
def a_view_returned(m):
    f = made(m, lambda ctx, x: x[1:], lambda ctx, g: m.cat([g * 0, g]))
    x = leaf(m)
    y = f.apply(x)
    return (
        y,
        y._is_view(),
        y._base is x,
        m.autograd.grad(y.sum(), x),
        attempt(lambda: f.apply(x * 1).mul_(2)),
        attempt(lambda: y.mul_(2)),
    )


@program
def a_view_returned_written_without_gradients(m):
    f = made(m, lambda ctx, x: x[1:], lambda ctx, g: m.cat([g * 0, g]))
    x = leaf(m) * 1
    y = f.apply(x)
    with m.no_grad():
        y.mul_(2)
    return x, x._version, y


@program
def several_views_returned(m):
    f = made(m, lambda ctx, x: (x[1:], x[:1]), lambda ctx, a, b: m.cat([b, a]))
    x = leaf(m) * 1
    a, _b = f.apply(x)
    return attempt(lambda: a.mul_(2)), a._is_view()


@program
def several_with_one_view(m):
    f = made(m, lambda ctx, x: (x[1:], x * 2), lambda ctx, a, b: m.cat([a * 0, a]) + b * 2)
    x = leaf(m) * 1
    a, b = f.apply(x)
    return attempt(lambda: b.mul_(2)), attempt(lambda: a.mul_(2))


@program
def base_written_behind_a_view(m):
    f = made(m, lambda ctx, x: x.view(2, 1), lambda ctx, g: g.view(2) * 7)
    x = leaf(m)
    a = x * 1
    y = f.apply(a)
    a.mul_(3)
    return y.detach(), attempt(lambda: y.grad_fn.name()), attempt(lambda: m.autograd.grad(y.sum(), x))


@program
def an_output_written_afterwards(m):
    f = made(m, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = leaf(m)
    y = f.apply(x)
    y.mul_(3)
    return y, m.autograd.grad(y.sum(), x)


@program
def outputs_that_are_no_tensors(m):
    f = made(
        m, lambda ctx, x: (x * 2, 5, None, "a", [x]), lambda ctx, *g: (len(g), [t is None for t in g]) and g[0] * 2
    )
    x = leaf(m)
    r = f.apply(x)
    return r[0], r[1:4], m.autograd.grad(r[0].sum(), x)


@program
def an_output_that_is_no_tensor(m):
    return [
        attempt(lambda: made(m, lambda ctx, x: v, lambda ctx, g: g).apply(leaf(m))) for v in (3, None, "a", {"a": 1})
    ]


@program
def a_list_returned(m):
    return attempt(lambda: made(m, lambda ctx, x: [x * 2, x], lambda ctx, a, b: a).apply(leaf(m)))


@program
def an_empty_tuple_returned(m):
    return attempt(lambda: made(m, lambda ctx, x: (), lambda ctx: None).apply(leaf(m)))


@program
def integer_outputs(m):
    f = made(m, lambda ctx, x: (x.argsort(), x * 2), lambda ctx, a, b: b * 2 + 0 * a)
    x = leaf(m)
    i, y = f.apply(x)
    return i, y, m.autograd.grad(y.sum(), x)


@program
def mark_non_differentiable(m):
    seen = []

    def forward(ctx, x):
        a, b = x * 2, x * 3
        ctx.mark_non_differentiable(b)
        return a, b

    f = made(m, forward, lambda ctx, a, b: (seen.append(plain(b)), a * 2)[1])
    x = leaf(m)
    a, b = f.apply(x)
    return b.requires_grad, b.grad_fn is None, m.autograd.grad(a.sum(), x), seen


@program
def mark_non_differentiable_the_only_output(m):
    def forward(ctx, x):
        y = x * 2
        ctx.mark_non_differentiable(y)
        return y

    y = made(m, forward, lambda ctx, g: g).apply(leaf(m))
    return y, y.is_leaf


@program
def mark_an_input_non_differentiable(m):
    def forward(ctx, x):
        ctx.mark_non_differentiable(x)
        return x

    x = leaf(m)
    y = made(m, forward, lambda ctx, g: g).apply(x)
    return y is x, y.requires_grad, x.requires_grad


@program
def mark_twice(m):
    def forward(ctx, x):
        a, b = x * 2, x * 3
        ctx.mark_non_differentiable(a)
        ctx.mark_non_differentiable(b)
        return a, b

    a, b = made(m, forward, lambda ctx, a, b: a).apply(leaf(m))
    return a.requires_grad, b.requires_grad


@program
def materialized_gradients(m):
    seen = []
    f = made(m, lambda ctx, x: (x * 2, x * 3), lambda ctx, a, b: (seen.append((plain(a), plain(b))), a)[1])
    a, _b = f.apply(leaf(m))
    a.sum().backward()
    return seen


@program
def unmaterialized_gradients(m):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    f = made(m, forward, lambda ctx, a, b: (seen.append((plain(a), plain(b))), None)[1])
    x = leaf(m)
    _a, b = f.apply(x)
    b.sum().backward()
    return seen, x.grad


@program
def materialized_zeros_have_dtypes(m):
    seen = []
    f = made(
        m,
        lambda ctx, x: (x * 2, x.float(), x.sum(), x.argmax()),
        lambda ctx, *g: (seen.append([None if t is None else (str(t.dtype), tuple(t.shape)) for t in g]), g[0])[1],
    )
    x = leaf(m)
    f.apply(x)[0].sum().backward()
    return seen


def backward_returns(m, value, count=1):
    f = made(m, lambda ctx, *xs: xs[0] * 2, lambda ctx, g: value)
    xs = [m.ones(2, 3, dtype=m.float64, requires_grad=True) for _ in range(count)]
    return attempt(lambda: f.apply(*xs).sum().backward()), [x.grad for x in xs]


@program
def wrong_counts(m):
    one = m.ones(2, 3, dtype=m.float64)
    return [
        backward_returns(m, v, n)
        for v, n in (
            (one, 2),
            ((one, one), 1),
            ((one, None), 1),
            ((one, None, None), 2),
            ((), 1),
            (None, 1),
            (None, 2),
            ((None, None), 2),
            ([one], 1),
            ([one, one], 2),
        )
    ]


@program
def wrong_kinds(m):
    return [backward_returns(m, v) for v in (3, "a", (1.5,), {"a": 1}, [1])]


@program
def wrong_shapes(m):
    return [
        backward_returns(m, m.ones(*s, dtype=m.float64))
        for s in ((3,), (1, 3), (2, 1), (4, 2, 3), (6,), (3, 2), (2, 3, 1), (1,), (1, 1, 1))
    ] + [backward_returns(m, m.tensor(2.0, dtype=m.float64))]


@program
def wrong_dtypes(m):
    return [backward_returns(m, m.ones(2, 3, dtype=d)) for d in (m.float32, m.int64, m.bool, m.float16)]


@program
def a_complex_input_with_a_real_gradient(m):
    z = m.ones(2, dtype=m.complex128, requires_grad=True)
    f = made(m, lambda ctx, z: z.abs(), lambda ctx, g: g)
    f.apply(z).sum().backward()
    return z.grad


@program
def a_gradient_for_a_number(m):
    f = made(m, lambda ctx, x, k: x * k, lambda ctx, g: (g, g))
    return attempt(lambda: f.apply(leaf(m), 3).sum().backward()), attempt(
        lambda: made(m, lambda ctx, k, x: x * k, lambda ctx, g: (g, g)).apply(3, leaf(m)).sum().backward()
    )


@program
def a_gradient_for_a_constant(m):
    f = made(m, lambda ctx, x, k: x * k, lambda ctx, g: (g, g))
    x = leaf(m)
    return attempt(lambda: f.apply(x, m.ones(2)).sum().backward()), x.grad


@program
def a_gradient_for_an_integer_tensor(m):
    f = made(m, lambda ctx, x, k: x * k, lambda ctx, g: (g, g))
    x = leaf(m)
    return attempt(lambda: f.apply(x, m.ones(2, dtype=m.int64)).sum().backward()), x.grad


@program
def not_implemented(m):
    class Empty(m.autograd.Function):
        pass

    return (
        attempt(lambda: Empty.apply(leaf(m))),
        attempt(lambda: made(m, lambda ctx, x: x * 2).apply(leaf(m)).sum().backward()),
        attempt(lambda: made(m, lambda ctx, x: x * 2).apply(leaf(m)).requires_grad),
        attempt(
            lambda: (
                made(m, lambda ctx, x: x * 2, lambda ctx, g: g, vjp=lambda ctx, g: g).apply(leaf(m)).sum().backward()
            )
        ),
    )


@program
def vjp_instead_of_backward(m):
    x = leaf(m)
    made(m, lambda ctx, x: x * 2, vjp=lambda ctx, g: g * 3).apply(x).sum().backward()
    return x.grad


@program
def instances(m):
    f = cube(m)
    return attempt(lambda: f()(leaf(m))), attempt(lambda: type(f()).__name__)


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_as_in_pytorch(program):
    torch = pytest.importorskip("torch")
    assert outcome(rl, program) == outcome(torch, program)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_without_pytorch(program):
    """Whatever a program meets, it is not an error of ours inside."""
    (kind, *found), _ = outcome(rl, program)
    assert kind == "returned" or found[0] not in ("AttributeError", "NameError", "UnboundLocalError", "IndexError")
