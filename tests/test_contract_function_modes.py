"""Custom Functions: second derivatives, forward mode, contexts and nodes, odd results.

Each program is run by PyTorch and by us: values, gradients, names of nodes, errors and warnings agree (tests/beside.py).
"""

import pytest

import rushlight as rl
from beside import attempt, collect, cube, leaf, made, outcome, plain

PROGRAMS = []
program = collect(PROGRAMS)


@program
def once_differentiable(m):
    once = m.autograd.function.once_differentiable
    f = made(m, lambda ctx, x: x**2, once(lambda ctx, g: g * 3))
    x = leaf(m)
    (g,) = m.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    (h,) = m.autograd.grad((f.apply(x) ** 2).sum(), x, create_graph=True)
    return g.requires_grad, h.requires_grad, attempt(lambda: h.sum().backward())


@program
def once_differentiable_several(m):
    once = m.autograd.function.once_differentiable
    f = made(m, lambda ctx, x, k, y: x * y, once(lambda ctx, g: (g * 3, None, g)))
    x, y = leaf(m), leaf(m)
    a, b = m.autograd.grad((f.apply(x, 2, y) ** 2).sum(), (x, y), create_graph=True)
    return a.requires_grad, b.requires_grad, attempt(lambda: a.sum().backward())


@program
def once_differentiable_with_what_is_saved(m):
    once = m.autograd.function.once_differentiable
    seen = []

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    def backward(ctx, g):
        seen.append((m.is_grad_enabled(), g.requires_grad, ctx.saved_tensors[0].requires_grad))
        return g * 2 * ctx.saved_tensors[0]

    f = made(m, forward, once(backward))
    x = leaf(m)
    f.apply(x).sum().backward()
    m.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    return seen, x.grad


@program
def jvp(m):
    fwAD = m.autograd.forward_ad
    f = made(m, lambda ctx, x, k: x * k, jvp=lambda ctx, t, _: t * 5)
    with fwAD.dual_level():
        x = fwAD.make_dual(m.ones(2), m.tensor([1.0, 2.0]))
        return fwAD.unpack_dual(f.apply(x, 3))[1], attempt(lambda: made(m, lambda ctx, x: x * 2).apply(x))


@program
def jvp_with_what_is_saved(m):
    fwAD = m.autograd.forward_ad

    def forward(ctx, x, y):
        ctx.save_for_forward(x, y)
        return x * y

    def push(ctx, a, b):
        x, y = ctx.saved_tensors
        return a * y + b * x

    f = made(m, forward, jvp=push)
    with fwAD.dual_level():
        x = fwAD.make_dual(m.tensor([2.0, 3.0]), m.tensor([1.0, 2.0]))
        y = fwAD.make_dual(m.tensor([5.0, 7.0]), m.tensor([1.0, 1.0]))
        return fwAD.unpack_dual(f.apply(x, y))[1]


@program
def jvp_with_one_tangent(m):
    fwAD = m.autograd.forward_ad
    seen = []

    def push(ctx, a, b):
        seen.append((plain(a), plain(b)))
        return a * 2

    f = made(m, lambda ctx, x, y: x * y, jvp=push)
    with fwAD.dual_level():
        x = fwAD.make_dual(m.tensor([2.0, 3.0]), m.tensor([1.0, 2.0]))
        return fwAD.unpack_dual(f.apply(x, m.tensor([1.0, 1.0])))[1], seen


@program
def jvp_with_one_tangent_unmaterialized(m):
    fwAD = m.autograd.forward_ad
    seen = []

    def forward(ctx, x, y):
        ctx.set_materialize_grads(False)
        return x * y

    def push(ctx, a, b):
        seen.append((plain(a), plain(b)))
        return a * 2

    f = made(m, forward, jvp=push)
    with fwAD.dual_level():
        x = fwAD.make_dual(m.tensor([2.0, 3.0]), m.tensor([1.0, 2.0]))
        return fwAD.unpack_dual(f.apply(x, m.tensor([1.0, 1.0])))[1], seen


@program
def jvp_in_place(m):
    fwAD = m.autograd.forward_ad

    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x

    f = made(m, forward, jvp=lambda ctx, t: t.mul_(3))
    g = made(m, forward, jvp=lambda ctx, t: t * 3)
    with fwAD.dual_level():
        x = fwAD.make_dual(m.ones(2), m.tensor([1.0, 2.0]))
        y = f.apply(x)
        z = fwAD.make_dual(m.ones(2), m.tensor([1.0, 2.0]))
        return y is x, fwAD.unpack_dual(y)[1], fwAD.unpack_dual(x)[0], attempt(lambda: fwAD.unpack_dual(g.apply(z))[1])


@program
def jvp_of_a_view(m):
    fwAD = m.autograd.forward_ad
    f = made(m, lambda ctx, x: x.view(2, 1), jvp=lambda ctx, t: t.view(2, 1))
    g = made(m, lambda ctx, x: x.view(2, 1), jvp=lambda ctx, t: t.view(2, 1).clone())
    with fwAD.dual_level():
        x = fwAD.make_dual(m.ones(2), m.tensor([1.0, 2.0]))
        return fwAD.unpack_dual(f.apply(x))[1], attempt(lambda: fwAD.unpack_dual(g.apply(x))[1])


@program
def jvp_of_an_input_returned(m):
    fwAD = m.autograd.forward_ad
    f = made(m, lambda ctx, x: x, jvp=lambda ctx, t: t)
    g = made(m, lambda ctx, x: x, jvp=lambda ctx, t: t.clone())
    h = made(m, lambda ctx, x: x, jvp=lambda ctx, t: t.view_as(t))
    with fwAD.dual_level():
        x = fwAD.make_dual(m.ones(2), m.tensor([1.0, 2.0]))
        return [attempt(lambda: fwAD.unpack_dual(k.apply(x))[1]) for k in (f, g, h)]


@program
def jvp_returns_nonsense(m):
    fwAD = m.autograd.forward_ad
    out = []
    for v in (3, (m.ones(2), m.ones(2)), m.ones(3), m.ones(2, dtype=m.float64), (), m.ones(1), [m.ones(2)]):
        f = made(m, lambda ctx, x: x * 2, jvp=lambda ctx, t: v)
        with fwAD.dual_level():
            out.append(attempt(lambda: fwAD.unpack_dual(f.apply(fwAD.make_dual(m.ones(2), m.ones(2))))[1]))
    return out


@program
def jvp_of_several_outputs(m):
    fwAD = m.autograd.forward_ad
    out = []
    for v in ((lambda t: (t * 2, t * 3)), (lambda t: (t * 2,)), (lambda t: t)):
        f = made(m, lambda ctx, x: (x * 2, x * 3), jvp=lambda ctx, t: v(t))
        with fwAD.dual_level():
            out.append(attempt(lambda: [fwAD.unpack_dual(y)[1] for y in f.apply(fwAD.make_dual(m.ones(2), m.ones(2)))]))
    return out


@program
def jvp_with_reverse(m):
    fwAD = m.autograd.forward_ad

    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x**3

    f = made(
        m,
        forward,
        lambda ctx, g: g * 3 * ctx.saved_tensors[0] ** 2,
        jvp=lambda ctx, t: t * 3 * ctx.saved_tensors[0] ** 2,
    )
    x = leaf(m)
    with fwAD.dual_level():
        y = f.apply(fwAD.make_dual(x, m.ones(2, dtype=m.float64)))
        p, t = fwAD.unpack_dual(y)
        return p.detach(), t, m.autograd.grad(t.sum(), x)


@program
def ctx_attributes(m):
    seen = []

    def forward(ctx, x):
        ctx.a, ctx.name2, ctx.shape = 1, "b", x.shape
        seen.append(attempt(lambda: ctx.missing))
        return x * 2

    f = made(m, forward, lambda ctx, g: (seen.append((ctx.a, ctx.name2, list(ctx.shape))), g)[1])
    y = f.apply(leaf(m))
    y.sum().backward()
    return seen, y.grad_fn.a, attempt(lambda: y.grad_fn.missing)


@program
def the_node_is_the_ctx(m):
    seen = []

    def forward(ctx, x):
        seen.append(ctx)
        return x * 2

    y = made(m, forward, lambda ctx, g: (seen.append(ctx), g)[1]).apply(leaf(m))
    y.sum().backward()
    return (
        isinstance(seen[0], m.autograd.function.FunctionCtx),
        seen[0] is seen[1],
        [f.name() for f, _ in y.grad_fn.next_functions],
        y.grad_fn.needs_input_grad,
    )


@program
def hooks_on_a_custom_node(m):
    seen = []
    y = cube(m).apply(leaf(m))
    y.grad_fn.register_hook(lambda i, o: seen.append((plain(i), plain(o))))
    y.grad_fn.register_prehook(lambda o: seen.append(plain(o)))
    y.sum().backward()
    return seen


@program
def nested_functions(m):
    f = cube(m)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return f.apply(x) * 2

    def backward(ctx, g):
        return g * 6 * ctx.saved_tensors[0] ** 2

    x = leaf(m)
    y = made(m, forward, backward).apply(x)
    return y, m.autograd.grad(y.sum(), x)


@program
def backward_that_differentiates(m):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        with m.enable_grad():
            z = x.detach().requires_grad_()
            (d,) = m.autograd.grad((z**3).sum(), z)
        return g * d

    x = leaf(m)
    made(m, forward, backward).apply(x).sum().backward()
    return x.grad


@program
def an_exception_in_forward(m):
    def forward(ctx, x):
        raise KeyError("no")

    x = leaf(m)
    return attempt(lambda: made(m, forward, lambda ctx, g: g).apply(x)), m.is_grad_enabled()


@program
def an_exception_in_backward(m):
    def backward(ctx, g):
        raise KeyError("no")

    return attempt(lambda: made(m, lambda ctx, x: x * 2, backward).apply(leaf(m)).sum().backward()), m.is_grad_enabled()


@program
def pickled_and_copied(m):
    import copy

    y = cube(m).apply(leaf(m))
    seen = []

    def forward(ctx, x):
        seen.append(attempt(lambda: type(copy.deepcopy(ctx)).__name__))
        return x * 2

    return (
        attempt(lambda: copy.deepcopy(y)),
        attempt(lambda: copy.deepcopy(leaf(m) * 2)),
        copy.deepcopy(leaf(m)),
        copy.copy(y).grad_fn is y.grad_fn,
    )


@program
def names_of_the_module(m):
    f = m.autograd.function
    return [
        hasattr(f, n)
        for n in (
            "BackwardCFunction",
            "FunctionMeta",
            "InplaceFunction",
            "FunctionCtx",
            "Function",
            "once_differentiable",
        )
    ], [
        hasattr(m.autograd, n)
        for n in ("Function", "enforce_grad_layout_policy", "set_multithreading_enabled", "is_multithreading_enabled")
    ]


@program
def metaclass(m):
    f = m.autograd.function
    c = cube(m)
    return (
        type(c).__name__,
        isinstance(c, f.FunctionMeta),
        c._backward_cls.__name__,
        issubclass(c._backward_cls, f.BackwardCFunction),
        c.generate_vmap_rule,
    )


@program
def inplace_function(m):
    f = m.autograd.function.InplaceFunction

    class Neg(f):
        @staticmethod
        def forward(ctx, x):
            return -x

        @staticmethod
        def backward(ctx, g):
            return -g

    x = leaf(m)
    Neg.apply(x).sum().backward()
    return x.grad


@program
def abstract_context(m):
    import inspect

    return list(
        inspect.signature(m.autograd.function.once_differentiable).parameters
    ), m.autograd.Function is m.autograd.function.Function


@program
def vmap_attribute(m):
    f = cube(m)
    return f.generate_vmap_rule, attempt(lambda: f.vmap(None, None, None))


@program
def multithreading(m):
    with m.autograd.set_multithreading_enabled(False):
        x = leaf(m)
        (x * 2).sum().backward()
        a = (
            m.autograd.graph.set_multithreading_enabled
            if hasattr(m.autograd.graph, "set_multithreading_enabled")
            else None
        )
    return x.grad, a is None


@program
def anomaly_in_a_custom_function(m):
    f = made(m, lambda ctx, x: x * 2, lambda ctx, g: g * float("nan"))
    x = leaf(m)
    with m.autograd.set_detect_anomaly(True):
        y = f.apply(x).sum()
        return attempt(lambda: y.backward())


@program
def a_leaf_created_inside(m):
    f = made(m, lambda ctx, x: m.zeros(2, dtype=m.float64), lambda ctx, g: g)
    x = leaf(m)
    y = f.apply(x)
    return y, m.autograd.grad(y.sum(), x)


@program
def another_tensor_returned(m):
    other = m.ones(2, dtype=m.float64)
    x = leaf(m)
    y = made(m, lambda ctx, x: other, lambda ctx, g: g).apply(x)
    return y is other, y, m.autograd.grad(y.sum(), x)


@program
def tensors_within_containers(m):
    f = made(m, lambda ctx, xs: xs[0] * xs[1], lambda ctx, g: g)
    return f.apply([leaf(m), leaf(m)])


@program
def the_same_tensor_twice(m):
    f = made(m, lambda ctx, x, y: x * 2 + y * 3, lambda ctx, g: (g * 2, g * 3))
    x = leaf(m)
    f.apply(x, x).sum().backward()
    return x.grad


@program
def no_grad_outside(m):
    x = leaf(m)
    with m.no_grad():
        y = cube(m).apply(x)
    return y


@program
def inference_outside(m):
    x = leaf(m)
    with m.inference_mode():
        y = cube(m).apply(x)
    return y.is_inference(), y.requires_grad


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
