"""Arguments of backward and grad.

Each program is run by PyTorch and by us: values, gradients, names of nodes, errors and warnings agree (tests/beside.py).
"""

import pytest

import rushlight as rl
from beside import attempt, collect, leaf, outcome

PROGRAMS = []
program = collect(PROGRAMS)


def ones(m, *shape, dtype=None):
    return m.ones(*shape, dtype=dtype or m.float64)


@program
def allow_unused(m):
    x, w = leaf(m), leaf(m)
    y = (x * 2).sum()
    g = m.autograd.grad
    return [
        attempt(f)
        for f in (
            lambda: g(y, w, retain_graph=True),
            lambda: g(y, [x, w], retain_graph=True),
            lambda: g(y, [x, w], allow_unused=True, retain_graph=True),
            lambda: g(y, [x, w], allow_unused=False, retain_graph=True),
            lambda: g(y, [x, w], materialize_grads=True, retain_graph=True),
            lambda: g(y, [x, w], materialize_grads=True, allow_unused=True, retain_graph=True),
            lambda: g(y, [x, w], materialize_grads=True, allow_unused=False, retain_graph=True),
        )
    ]


@program
def inputs_that_need_no_gradient(m):
    x, c = leaf(m), ones(m, 2)
    y = (x * c).sum()
    g = m.autograd.grad
    return [
        attempt(f)
        for f in (
            lambda: g(y, c),
            lambda: g(y, [x, c], allow_unused=True),
            lambda: g(y, []),
            lambda: g(y, ()),
            lambda: g(y, 3),
            lambda: g(y, [3]),
            lambda: g(y, None),
            lambda: g(y, {}),
            lambda: g(y, {"x": x}),
        )
    ]


@program
def outputs_that_need_no_gradient(m):
    x, c = leaf(m), ones(m, 2)
    g = m.autograd.grad
    return [
        attempt(f)
        for f in (
            lambda: g(c.sum(), x),
            lambda: c.sum().backward(),
            lambda: m.autograd.backward([c.sum()]),
            lambda: m.autograd.backward([(x * 1).sum(), c.sum()]),
            lambda: g([], x),
            lambda: m.autograd.backward([]),
            lambda: g(3, x),
            lambda: m.autograd.backward(3),
            lambda: g([3], x),
            lambda: g(None, x),
        )
    ]


@program
def roots_that_are_no_scalars(m):
    x = leaf(m)
    y = x * 2
    g = m.autograd.grad
    return [
        attempt(f)
        for f in (
            lambda: y.backward(),
            lambda: g(y, x),
            lambda: g([y.sum(), y], x),
            lambda: (x[:1] * 2).backward(),
            lambda: (x[:1] * 2).reshape(1, 1).backward(),
            lambda: m.autograd.backward([y], [None]),
            lambda: x[:0].backward(),
        )
    ], x.grad


@program
def gradients_of_the_wrong_kind(m):
    x = leaf(m)
    y = x * 2
    out = []
    for v in (
        ones(m, 3),
        ones(m, 1),
        ones(m, 2, 1),
        m.tensor(1.0, dtype=m.float64),
        ones(m, 2, dtype=m.float32),
        ones(m, 2, dtype=m.int64),
        ones(m, 2, dtype=m.bool),
        ones(m, 2, dtype=m.complex128),
        3,
        "a",
        [1.0, 2.0],
        [],
        (),
        [None],
        [3],
    ):
        x.grad = None
        out.append((attempt(lambda: m.autograd.backward(y, v, retain_graph=True)), x.grad))
        out.append(attempt(lambda: m.autograd.grad(y, x, v, retain_graph=True)))
        if not isinstance(v, (list, tuple, int, str)):
            out.append(attempt(lambda: y.backward(v, retain_graph=True)))
    return out


@program
def complex_roots(m):
    z = m.tensor([1 + 2j, 3j], dtype=m.complex128, requires_grad=True)
    w = z * z
    g = m.autograd.grad
    s = w.sum()
    return [
        attempt(f)
        for f in (
            lambda: s.backward(),
            lambda: g(s, z),
            lambda: g(w, z, ones(m, 2)),
            lambda: g(w, z, ones(m, 2, dtype=m.complex128), retain_graph=True),
            lambda: g(w, z, ones(m, 2, dtype=m.complex64), retain_graph=True),
            lambda: g(s, z, m.tensor(1j, dtype=m.complex128), retain_graph=True),
            lambda: g(w.abs().sum(), z),
            lambda: g(w.real, z, ones(m, 2, dtype=m.complex128), retain_graph=True),
        )
    ]


@program
def inputs_of_backward(m):
    x, w = leaf(m), leaf(m)
    y = x * w
    z = (y * 2).sum()
    m.autograd.backward(z, inputs=[x], retain_graph=True)
    first = x.grad + 0, w.grad
    z.backward(inputs=w, retain_graph=True)
    second = w.grad + 0
    z.backward(inputs=[y], retain_graph=True)
    return (
        first,
        second,
        y.grad,
        x.grad,
        [
            attempt(f)
            for f in (
                lambda: z.backward(inputs=[]),
                lambda: z.backward(inputs=()),
                lambda: z.backward(inputs=[ones(m, 2)]),
                lambda: z.backward(inputs=[leaf(m)]),
                lambda: z.backward(inputs=[3]),
                lambda: z.backward(inputs=3),
            )
        ],
    )


@program
def inputs_of_backward_with_both(m):
    x = leaf(m)
    y = x * x
    z = (y * 2).sum()
    z.backward(inputs=[x, y])
    return x.grad, y.grad


@program
def the_root_as_an_input(m):
    x = leaf(m)
    y = (x * x).sum()
    return m.autograd.grad(y, y), m.autograd.grad(y, [y, x]), m.autograd.grad(x, x, ones(m, 2) * 3)


@program
def the_same_input_twice(m):
    x = leaf(m)
    y = (x * x).sum()
    return m.autograd.grad(y, [x, x])


@program
def the_same_output_twice(m):
    x = leaf(m)
    y = (x * x).sum()
    return m.autograd.grad([y, y], x)


@program
def retain_and_create(m):
    x = leaf(m)
    out = []
    for keep in (None, False, True):
        for create in (False, True):
            y = (x**3).sum()
            (g,) = m.autograd.grad(y, x, retain_graph=keep, create_graph=create)
            out.append(
                (g.requires_grad, attempt(lambda: m.autograd.grad(y, x)), attempt(lambda: m.autograd.grad(g.sum(), x)))
            )
    return out


@program
def freed_graphs(m):
    x = leaf(m)
    a = x * 2
    b = (x * x).sum()
    c = a.sum() + b
    c.backward()
    return attempt(lambda: a.sum().backward()), attempt(lambda: b.backward()), attempt(lambda: c.backward()), x.grad


@program
def half_a_graph_freed(m):
    x = leaf(m)
    y = x.exp()
    a, b = y.sum(), (y * y).sum()
    a.backward()
    return attempt(lambda: b.backward()), x.grad


@program
def grad_does_not_free_what_it_does_not_visit(m):
    x = leaf(m)
    y = x.exp()
    z = y.sin()
    (g,) = m.autograd.grad(z.sum(), y)
    return g, attempt(lambda: y.sum().backward()), x.grad, attempt(lambda: z.sum().backward())


@program
def gradient_edges(m):
    x = leaf(m)
    y = x * 2
    z = (y * y).sum()
    e = m.autograd.graph.get_gradient_edge
    ey, ex, ez = e(y), e(x), e(z)
    return (
        ey.node.name(),
        ey.output_nr,
        ex.node.name(),
        m.autograd.grad(z, [ey, ex], retain_graph=True),
        m.autograd.grad(ez, x, grad_outputs=m.tensor(1.0, dtype=m.float64), retain_graph=True),
        attempt(lambda: m.autograd.grad(ez, x, retain_graph=True)),
        attempt(lambda: e(ones(m, 2))),
        attempt(lambda: m.autograd.grad(z, e(leaf(m)), retain_graph=True)),
        attempt(lambda: m.autograd.grad(z, ey, materialize_grads=True, retain_graph=True)),
    )


@program
def gradient_edges_in_backward(m):
    x = leaf(m)
    y = x * 2
    z = (y * y).sum()
    e = m.autograd.graph.get_gradient_edge
    r = attempt(lambda: m.autograd.backward(z, inputs=[e(x)], retain_graph=True))
    r2 = attempt(lambda: m.autograd.backward(z, inputs=[e(y)], retain_graph=True))
    r3 = attempt(lambda: m.autograd.backward(e(z), grad_tensors=m.tensor(2.0, dtype=m.float64)))
    return r, r2, r3, x.grad


@program
def an_edge_of_one_of_several_outputs(m):
    x = leaf(m, 1.0, 2.0, 3.0, 4.0)
    a, b = (x * 1).split(2)
    e = m.autograd.graph.get_gradient_edge
    y = (a * b).sum()
    del a
    return e(b).output_nr, m.autograd.grad(y, e(b))


@program
def batched_gradients(m):
    x = leaf(m)
    y = x**2
    g = m.autograd.grad
    eye = m.eye(2, dtype=m.float64)
    return [
        attempt(f)
        for f in (
            lambda: g(y, x, eye, is_grads_batched=True, retain_graph=True),
            lambda: g(y, x, ones(m, 2), is_grads_batched=True, retain_graph=True),
            lambda: g(y, x, ones(m, 3, 4), is_grads_batched=True, retain_graph=True),
            lambda: g(y.sum(), x, ones(m, 3), is_grads_batched=True, retain_graph=True),
            lambda: g(y.sum(), x, is_grads_batched=True, retain_graph=True),
            lambda: g([y, y.sum()], x, [eye, ones(m, 2)], is_grads_batched=True, retain_graph=True),
        )
    ]


@program
def batched_gradients_second_order(m):
    x = leaf(m)
    y = x**3
    (j,) = m.autograd.grad(y, x, m.eye(2, dtype=m.float64), is_grads_batched=True, create_graph=True)
    return j.detach(), m.autograd.grad(j.sum(), x)


@program
def batched_gradients_with_unused(m):
    x, w = leaf(m), leaf(m)
    y = x**3
    eye = m.eye(2, dtype=m.float64)
    return (
        attempt(lambda: m.autograd.grad(y, [x, w], eye, is_grads_batched=True, retain_graph=True)),
        attempt(lambda: m.autograd.grad(y, [x, w], eye, is_grads_batched=True, allow_unused=True, retain_graph=True)),
        attempt(lambda: m.autograd.grad(y, [x, w], eye, is_grads_batched=True, materialize_grads=True)),
    )


@program
def gradients_with_history(m):
    x, v = leaf(m), leaf(m)
    y = x**2
    (g,) = m.autograd.grad(y, x, v, create_graph=True)
    (h,) = m.autograd.grad(y, x, v)
    return g, m.autograd.grad(g.sum(), v), h.requires_grad


@program
def gradients_for_several(m):
    x = leaf(m)
    a, b = x * 2, x**2
    m.autograd.backward([a, b.sum()], [ones(m, 2), None])
    return (
        x.grad,
        attempt(lambda: m.autograd.backward([x * 1, x * 1], [ones(m, 2)])),
        attempt(lambda: m.autograd.grad([x * 1, x * 1], x, [ones(m, 2)])),
        attempt(lambda: m.autograd.grad([x * 1, (x * 1).sum()], x, [ones(m, 2), None])),
    )


@program
def old_names(m):
    x = leaf(m)
    a = attempt(lambda: m.autograd.backward(x * 1, grad_variables=ones(m, 2)))
    b = attempt(lambda: m.autograd.backward(x * 1, ones(m, 2), grad_variables=ones(m, 2)))
    c = attempt(lambda: m.autograd.grad((x * 1).sum(), x, only_inputs=False))
    return a, b, c, x.grad


@program
def under_no_grad(m):
    x = leaf(m)
    y = (x * x).sum()
    with m.no_grad():
        y.backward(retain_graph=True)
        g = m.autograd.grad(y, x, create_graph=True)
        z = x * 2
    return x.grad, g, z.requires_grad


@program
def under_inference_mode(m):
    x = leaf(m)
    y = (x * x).sum()
    with m.inference_mode():
        return attempt(lambda: y.backward())


@program
def mixed_dtypes(m):
    x, w = m.ones(2, requires_grad=True), leaf(m)
    h = m.ones(2, dtype=m.float16, requires_grad=True)
    y = (x * w * h.float()).sum()
    y.backward()
    return x.grad, w.grad, h.grad, y


@program
def to_another_dtype_and_back(m):
    x = leaf(m)
    (x.float().to(m.float16).double() ** 2).sum().backward()
    return x.grad


@program
def integers_in_between(m):
    x = leaf(m)
    y = x.long()
    return y.requires_grad, attempt(lambda: (y * 1.0).sum().backward()), (x * y).requires_grad


@program
def retain_grad_and_inputs(m):
    x = leaf(m)
    y = x * 2
    y.retain_grad()
    z = (y * y).sum()
    z.backward(inputs=[x])
    return x.grad, y.grad


@program
def gradients_are_new_tensors(m):
    x = leaf(m)
    y = x * 1
    v = ones(m, 2)
    (g,) = m.autograd.grad(y, x, v)
    g.add_(1)
    return v, g


@program
def backward_of_a_view_of_a_leaf(m):
    x = leaf(m)
    v = x[:1]
    v.backward(ones(m, 1))
    return x.grad, v.is_leaf


@program
def sums_of_many_paths(m):
    x = leaf(m)
    y = x
    for _ in range(20):
        y = y + y
    return m.autograd.grad(y.sum(), x)


@program
def grad_of_grad_of_grad(m):
    x = m.tensor(2.0, dtype=m.float64, requires_grad=True)
    y = x**5
    out = []
    for _ in range(4):
        (y,) = m.autograd.grad(y, x, create_graph=True)
        out.append((y.item(), y.requires_grad))
        if not y.requires_grad:
            break
    return out


@program
def strict_arguments(m):
    x = leaf(m)
    y = (x * 1).sum()
    return [
        attempt(f)
        for f in (
            lambda: y.backward(None, True),
            lambda: y.backward(gradient=None, retain_graph=True, create_graph=False, inputs=None),
            lambda: m.autograd.backward(tensors=y, grad_tensors=None, retain_graph=True),
            lambda: m.autograd.grad(outputs=y, inputs=x, grad_outputs=None, retain_graph=True),
        )
    ]


@program
def a_set_of_inputs(m):
    x = leaf(m)
    y = (x * 1).sum()
    return [
        attempt(lambda: m.autograd.grad(y, iter([x]), retain_graph=True)),
        attempt(lambda: m.autograd.grad(y, {x}, retain_graph=True)),
        attempt(lambda: m.autograd.grad(y, (t for t in [x]), retain_graph=True)),
    ]


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
