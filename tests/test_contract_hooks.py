"""Hooks of tensors, leaves and nodes; retained gradients; what nodes tell.

Each program is run by PyTorch and by us: values, gradients, names of nodes, errors and warnings agree (tests/beside.py).
"""

import pytest

import rushlight as rl
from beside import attempt, collect, leaf, outcome, plain

PROGRAMS = []
program = collect(PROGRAMS)


def noting(seen, label, result=None):
    def hook(*args):
        seen.append((label, [plain(a) for a in args]))
        return result(*args) if callable(result) else result

    return hook


@program
def order_of_all_hooks_of_a_computed_tensor(m):
    x = leaf(m)
    y = x * 2
    seen = []
    y.register_hook(noting(seen, "tensor 1", lambda g: g * 2))
    y.grad_fn.register_prehook(noting(seen, "pre 1", lambda gs: (gs[0] * 3,)))
    y.retain_grad()
    y.register_hook(noting(seen, "tensor 2", lambda g: g + 1))
    y.grad_fn.register_prehook(noting(seen, "pre 2"))
    y.grad_fn.register_hook(noting(seen, "post 1", lambda i, o: (i[0] * 10, None)))
    y.grad_fn.register_hook(noting(seen, "post 2"))
    y.sum().backward()
    return seen, y.grad, x.grad


@program
def order_of_all_hooks_of_a_leaf(m):
    x = leaf(m)
    y = x * 2
    seen = []
    acc = y.grad_fn.next_functions[0][0]
    x.register_post_accumulate_grad_hook(lambda p: seen.append(("accumulated", p.grad.tolist())))
    acc.register_hook(noting(seen, "post"))
    acc.register_prehook(noting(seen, "pre", lambda gs: (gs[0] * 5,)))
    x.register_hook(noting(seen, "tensor", lambda g: g * 3))
    acc.register_prehook(noting(seen, "pre 2"))
    y.sum().backward()
    return seen, x.grad


@program
def a_hook_removed_by_another(m):
    x = leaf(m)
    y = x * 2
    seen = []
    handles = []

    def first(g):
        seen.append("first")
        handles[0].remove()

    y.register_hook(first)
    handles.append(y.register_hook(lambda g: seen.append("second")))
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return seen


@program
def a_hook_removes_itself(m):
    x = leaf(m)
    seen = []
    handles = []

    def once(g):
        seen.append(g.tolist())
        handles[0].remove()

    handles.append(x.register_hook(once))
    for _ in range(3):
        (x * 2).sum().backward()
    return seen, x.grad


@program
def a_hook_registered_by_a_hook(m):
    x = leaf(m)
    y = x * 2
    seen = []

    def first(g):
        seen.append("first")
        y.register_hook(lambda g: seen.append("second"))
        x.register_hook(lambda g: seen.append("leaf"))

    y.register_hook(first)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return seen


@program
def hooks_of_one_output_of_several(m):
    x = leaf(m, 1.0, 2.0, 3.0, 4.0)
    seen = []
    a, b = (x * 1).split(2)
    a.register_hook(noting(seen, "a"))
    b.register_hook(noting(seen, "b", lambda g: g * 10))
    b.grad_fn.register_prehook(noting(seen, "pre"))
    (a * 3).sum().backward(retain_graph=True)
    (a * 3 + b).sum().backward()
    return seen, x.grad


@program
def a_hook_on_an_unused_output(m):
    x = leaf(m, 1.0, 2.0, 3.0, 4.0)
    seen = []
    a, b = (x * 1).split(2)
    b.register_hook(lambda g: seen.append(g is None))
    a.sum().backward()
    return seen, x.grad


@program
def a_hook_with_autograd_grad(m):
    x = leaf(m)
    y = x * 2
    seen = []
    y.register_hook(noting(seen, "y", lambda g: g * 2))
    x.register_hook(noting(seen, "x", lambda g: g * 3))
    x.register_post_accumulate_grad_hook(noting(seen, "accumulated"))
    return m.autograd.grad((y * y).sum(), x, retain_graph=True), m.autograd.grad((y * y).sum(), y), seen, x.grad


@program
def hooks_of_an_input_that_is_not_reached_through(m):
    x = leaf(m)
    y = x * 2
    z = y * 3
    seen = []
    z.register_hook(noting(seen, "z"))
    y.register_hook(noting(seen, "y"))
    x.register_hook(noting(seen, "x"))
    y.grad_fn.register_hook(noting(seen, "y post"))
    y.grad_fn.register_prehook(noting(seen, "y pre", lambda g: (g[0] * 7,)))
    z.grad_fn.register_hook(noting(seen, "z post"))
    return m.autograd.grad(z.sum(), y, retain_graph=True), seen


@program
def a_hook_of_the_root(m):
    x = leaf(m)
    y = (x * 2).sum()
    seen = []
    y.register_hook(noting(seen, "root", lambda g: g * 5))
    y.backward()
    return seen, x.grad


@program
def a_leaf_as_the_root(m):
    x = m.tensor(2.0, dtype=m.float64, requires_grad=True)
    seen = []
    x.register_hook(noting(seen, "x", lambda g: g * 5))
    x.backward()
    x.backward(m.tensor(3.0, dtype=m.float64))
    return seen, x.grad, m.autograd.grad(x, x)


@program
def what_a_hook_returns_is_checked(m):
    out = []
    for value in (
        3,
        "a",
        m.ones(3, dtype=m.float64),
        m.ones(2),
        [1.0],
        (m.ones(2),),
        m.ones(1, dtype=m.float64),
        m.ones(2, dtype=m.int64),
    ):
        for of_leaf in (False, True):
            x = leaf(m)
            y = x * 2
            (x if of_leaf else y).register_hook(lambda g: value)
            out.append(attempt(lambda: y.sum().backward()))
            out.append(x.grad is None)
    return out


@program
def what_node_hooks_return_is_checked(m):
    out = []
    one = m.ones(2, dtype=m.float64)
    for value in (3, one, (one,), (one, one, one), (None, None), (one, None), (one, 3), (m.ones(3), None), [one, None]):
        x = leaf(m)
        y = x * 2
        y.grad_fn.register_hook(lambda i, o: value)
        out.append(attempt(lambda: y.sum().backward()))
        out.append(x.grad)
    for value in (3, one, (one, one), (None,), [one], (m.ones(3),), (4,), ()):
        x = leaf(m)
        y = x * 2
        y.grad_fn.register_prehook(lambda o: value)
        out.append(attempt(lambda: y.sum().backward()))
        out.append(x.grad)
    return out


@program
def a_node_hook_of_a_leaf_returns(m):
    x = leaf(m)
    y = x * 2
    acc = y.grad_fn.next_functions[0][0]
    acc.register_hook(lambda i, o: (m.ones(2),))
    return attempt(lambda: y.sum().backward()), x.grad


@program
def a_hook_that_raises(m):
    x = leaf(m)
    y = x * 2

    def fails(g):
        raise ValueError("no")

    h = y.register_hook(fails)
    r = attempt(lambda: y.sum().backward(retain_graph=True))
    h.remove()
    y.sum().backward()
    return r, x.grad


@program
def a_hook_that_writes_to_the_gradient(m):
    x = leaf(m)
    y = x * 2
    z = y + 0
    seen = []
    z.register_hook(lambda g: seen.append(g.mul_(3)))
    (z * 1).sum().backward()
    return x.grad


@program
def hooks_refused(m):
    x = leaf(m)
    c = m.ones(2)
    return [
        attempt(f)
        for f in (
            lambda: c.register_hook(print),
            lambda: c.register_post_accumulate_grad_hook(print),
            lambda: (x * 2).register_post_accumulate_grad_hook(print),
            lambda: c.retain_grad(),
            lambda: x.retain_grad(),
            lambda: x.register_hook(3),
            lambda: x.register_post_accumulate_grad_hook(3),
        )
    ]


@program
def retained(m):
    x = leaf(m)
    y = x * 2
    z = y * 3
    y.retain_grad()
    y.retain_grad()
    x.retain_grad()
    before = y.retains_grad, x.retains_grad, z.retains_grad
    z.sum().backward(retain_graph=True)
    first = y.grad.clone()
    z.sum().backward()
    return before, first, y.grad, x.grad


@program
def retained_sees_all_tensor_hooks(m):
    x = leaf(m)
    y = x * 2
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    return y.grad, x.grad


@program
def retained_and_node_prehook(m):
    x = leaf(m)
    y = x * 2
    y.grad_fn.register_prehook(lambda gs: (gs[0] * 7,))
    y.retain_grad()
    y.sum().backward()
    return y.grad, x.grad


@program
def retained_by_the_root(m):
    x = leaf(m)
    y = (x * 2).sum()
    y.retain_grad()
    y.backward()
    return y.grad


@program
def retained_with_create_graph(m):
    x = leaf(m)
    y = x * x
    y.retain_grad()
    m.autograd.grad((y * y).sum(), x, create_graph=True)
    g = y.grad
    return g is None


@program
def retained_with_backward_create_graph(m):
    x = leaf(m)
    y = x * x
    y.retain_grad()
    (y * y).sum().backward(create_graph=True)
    g = y.grad
    return g.requires_grad, g, m.autograd.grad(g.sum(), x)


@program
def retained_with_autograd_grad(m):
    x = leaf(m)
    y = x * x
    z = y * 2
    y.retain_grad()
    m.autograd.grad(z.sum(), x, retain_graph=True)
    first = y.grad
    m.autograd.grad(z.sum(), z, retain_graph=True)
    m.autograd.grad(z.sum(), y, retain_graph=True)
    return first is None, y.grad


@program
def grad_of_a_computed_tensor_warns(m):
    x = leaf(m)
    y = x * 2
    y.sum().backward()
    return y.grad, y.detach().grad, x.detach().grad


@program
def a_hook_under_create_graph(m):
    x = leaf(m)
    y = x**3
    y.register_hook(lambda g: g * y.detach())
    y.register_hook(lambda g: g * x)
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    return g, m.autograd.grad(g.sum(), x)


@program
def recording_within_hooks(m):
    x = leaf(m)
    seen = []

    def hook(g):
        seen.append((m.is_grad_enabled(), g.requires_grad))

    y = x * x
    y.register_hook(hook)
    x.register_hook(hook)
    y.grad_fn.register_hook(lambda i, o: hook(o[0]))
    y.grad_fn.register_prehook(lambda o: hook(o[0]))
    x.register_post_accumulate_grad_hook(lambda p: seen.append((m.is_grad_enabled(), p.grad.requires_grad)))
    y.sum().backward(retain_graph=True)
    y.sum().backward(create_graph=True)
    x.grad = None
    return seen


@program
def post_accumulate(m):
    x = leaf(m)
    seen = []

    def step(p):
        seen.append((p is x, p.grad.tolist()))
        with m.no_grad():
            p -= p.grad
        p.grad = None

    h = x.register_post_accumulate_grad_hook(step)
    (x * 2).sum().backward()
    (x * x).sum().backward()
    h.remove()
    (x * 2).sum().backward()
    return seen, x, x.grad


@program
def several_post_accumulate_hooks(m):
    x = leaf(m)
    seen = []
    hs = [x.register_post_accumulate_grad_hook(lambda p, i=i: seen.append(i)) for i in range(3)]
    hs[1].remove()
    (x * 2).sum().backward()
    return seen


@program
def post_accumulate_once_for_several_paths(m):
    x = leaf(m)
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    (x * 2 + x * 3).sum().backward()
    return seen


@program
def post_accumulate_returns_something(m):
    x = leaf(m)
    x.register_post_accumulate_grad_hook(lambda p: 3)
    return attempt(lambda: (x * 2).sum().backward()), x.grad


@program
def handles(m):
    x = leaf(m)
    seen = []
    h = x.register_hook(lambda g: seen.append(1))
    with h:
        (x * 2).sum().backward()
    (x * 2).sum().backward()
    h.remove()
    h.remove()
    return seen, type(h).__name__, hasattr(h, "id")


@program
def hooks_and_detach(m):
    x = leaf(m)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(1))
    y.detach_()
    return attempt(lambda: y.sum().backward()), seen


@program
def a_hook_of_a_leaf_made_before_requires_grad_is_off(m):
    x = leaf(m)
    seen = []
    y = x * 2
    x.register_hook(lambda g: seen.append(1))
    x.requires_grad_(False)
    return attempt(lambda: y.sum().backward()), seen, x.grad


@program
def nodes(m):
    x = leaf(m)
    y = x * 2
    z = (y + x).exp()
    n = z.grad_fn
    return (
        n.name(),
        [(f.name(), i) for f, i in n.next_functions],
        n.next_functions[0][0].next_functions[1][0].name(),
        n.metadata,
        n is z.grad_fn,
        n.next_functions[0][0].next_functions[1][0].variable is x,
        n.next_functions[0][0].next_functions[1][0].next_functions,
    )


@program
def metadata(m):
    x = leaf(m)
    y = x * 2
    y.grad_fn.metadata["a"] = 1
    return y.grad_fn.metadata, isinstance(y.grad_fn, m.autograd.graph.Node)


@program
def saved_values_of_nodes(m):
    x = leaf(m)
    y = x.exp()
    z = x * y
    r = (
        z.grad_fn._saved_self is x,
        z.grad_fn._saved_other is y,
        y.grad_fn._saved_result,
        x.pow(3).grad_fn._saved_exponent,
        x.sum(0).grad_fn.name(),
    )
    z.sum().backward()
    return (
        r,
        attempt(lambda: z.grad_fn._saved_self),
        attempt(lambda: y.grad_fn._saved_result),
        attempt(lambda: z.grad_fn._saved_nothing),
    )


@program
def a_saved_value_overwritten(m):
    x = leaf(m)
    y = x * 1
    z = y * y
    y.add_(1)
    return attempt(lambda: z.grad_fn._saved_self)


@program
def hooks_in_a_nested_backward(m):
    x = leaf(m)
    seen = []
    y = x * 2

    def inner(g):
        a = leaf(m)
        with m.enable_grad():
            (a * a).sum().backward()
        seen.append(a.grad.tolist())
        return g * a.grad

    y.register_hook(inner)
    y.sum().backward()
    return seen, x.grad


@program
def backward_of_the_same_graph_in_a_hook(m):
    x = leaf(m)
    y = x * 2
    z = y.sum()
    seen = []

    def again(g):
        if not seen:
            seen.append(1)
            seen.append(m.autograd.grad(z, x, retain_graph=True)[0].tolist())

    y.register_hook(again)
    z.backward()
    return seen, x.grad


@program
def complex_hooks(m):
    z = m.tensor([1 + 2j, 3 - 1j], dtype=m.complex128, requires_grad=True)
    seen = []
    y = z * z
    y.register_hook(lambda g: seen.append(g.tolist()))
    z.register_hook(lambda g: g.conj())
    y.abs().sum().backward()
    return seen, z.grad


@program
def grad_assigned(m):
    x = leaf(m)
    out = [
        attempt(lambda: setattr(x, "grad", g))
        for g in (3, m.ones(2), m.ones(3, dtype=m.float64), x, m.ones(2, dtype=m.complex128), m.ones(2, dtype=m.int64))
    ]
    x.grad = m.ones(2, dtype=m.float64)
    (x * 2).sum().backward()
    out.append(x.grad + 0)
    del x.grad
    return out, x.grad


@program
def grad_with_history(m):
    x = leaf(m)
    w = leaf(m)
    x.grad = w * 2
    a = attempt(lambda: (x * 3).sum().backward())
    return a, x.grad


@program
def grad_is_accumulated_in_place(m):
    x = leaf(m)
    (x * 2).sum().backward()
    g = x.grad
    (x * 2).sum().backward()
    same = x.grad is g
    (x * x).sum().backward(create_graph=True)
    out = same, x.grad is g, x.grad.requires_grad
    x.grad = None
    return out


@program
def gradients_do_not_alias(m):
    a, b = leaf(m), leaf(m)
    (a + b).sum().backward()
    a.grad.add_(5)
    c = leaf(m)
    g = m.ones(2, dtype=m.float64)
    c.backward(g)
    g.add_(1)
    return a.grad, b.grad, c.grad


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
