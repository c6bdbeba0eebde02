"""Custom Functions under vmap: their own rule, or the generated one, differentiated inside and outside of the batch."""

import pytest

import rushlight as rl
from beside import attempt, collect, outcome

PROGRAMS = []
program = collect(PROGRAMS)


def weighted(m, **members):
    """x * x * y, with a wrong derivative (7 x y and 11 x), which shows whose derivative was taken."""

    def setup(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * 7 * x * y, g * 11 * x

    def jvp(ctx, a, b):
        x, y = ctx.saved_tensors
        return a * 7 * x * y + b * 11 * x

    static = {"forward": lambda x, y: x * x * y, "setup_context": setup, "backward": backward, "jvp": jvp}
    static = {name: staticmethod(function) for name, function in static.items()}
    return type("Weighted", (m.autograd.Function,), static | members)


def own_rule(info, in_dims, x, y):
    return x * x * y, 0 if 0 in in_dims else None


def both(m):
    return weighted(m, generate_vmap_rule=True), m.arange(6.0).reshape(3, 2), m.tensor([2.0, 5.0])


@program
def a_function_without_support(m):
    f, x = weighted(m), m.ones(3)
    return attempt(lambda: m.func.vmap(f.apply)(x, x)), attempt(lambda: f.vmap(None, None))


@program
def a_function_with_two_rules(m):
    f, x = weighted(m, generate_vmap_rule=True, vmap=staticmethod(own_rule)), m.ones(3)
    return attempt(lambda: m.func.vmap(f.apply)(x, x))


@program
def its_own_rule(m):
    f, x = weighted(m, vmap=staticmethod(own_rule)), m.arange(3.0)
    return m.func.vmap(f.apply)(x, x + 1), m.func.vmap(f.apply, (0, None))(x, m.tensor(2.0))


@program
def a_rule_that_returns_nonsense(m):
    def returning(value):
        return weighted(m, vmap=staticmethod(lambda info, in_dims, x, y: value))

    x = m.ones(3)
    return [attempt(lambda v=v: m.func.vmap(returning(v).apply)(x, x)) for v in (3, (x,), (x, 0, 1))]


@program
def generated(m):
    f, x, y = both(m)
    return m.func.vmap(f.apply, (0, None))(x, y)


@program
def generated_inside_grad(m):
    f, x, y = both(m)
    return m.func.grad(lambda x, y: m.func.vmap(f.apply, (0, None))(x, y).sum(), (0, 1))(x, y)


@program
def generated_around_grad(m):
    f, x, y = both(m)
    return m.func.vmap(m.func.grad(lambda x, y: (f.apply(x, y) ** 2).sum(), (0, 1)), (0, None))(x, y)


@program
def generated_between_two_grads(m):
    f, x, y = both(m)
    inner = m.func.grad(lambda x, y: (f.apply(x, y) ** 2).sum())
    return m.func.grad(lambda x, y: m.func.vmap(inner, (0, None))(x, y).sum(), (0, 1))(x, y)


@program
def generated_with_backward(m):
    f, x, y = both(m)
    x.requires_grad_()
    y.requires_grad_()
    z = m.func.vmap(f.apply, (0, None))(x, y)
    first = m.autograd.grad(z.sum(), (x, y), create_graph=True)
    return z.requires_grad, [g.detach() for g in first], m.autograd.grad(first[0].pow(2).sum(), (x, y))


@program
def generated_forward(m):
    f, x, y = both(m)
    return m.func.vmap(lambda x: m.func.jvp(lambda u: f.apply(u, y), (x,), (x,)))(x)


@program
def generated_in_two_batches(m):
    f, x, y = both(m)
    outer = m.func.vmap(m.func.vmap(f.apply), (0, None))
    return outer(x, y), m.func.grad(lambda x, y: outer(x, y).sum(), (0, 1))(x, y)


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_as_in_pytorch(program):
    torch = pytest.importorskip("torch")
    (kind, *ours), _ = outcome(rl, program)
    (theirs_kind, *theirs), _ = outcome(torch, program)
    assert (kind, without_names(ours)) == (theirs_kind, without_names(theirs))


def without_names(value):
    """The names of nodes left out: results of vmap have other last operations."""
    if isinstance(value, tuple) and value and value[0] == "tensor":
        return value[:4] + value[5:]
    return [without_names(part) for part in value] if isinstance(value, (list, tuple)) else value


def test_forward_mode_around_the_batch_which_pytorch_cannot():
    f, x, y = both(rl)
    values, tangents = rl.func.jvp(rl.func.vmap(f.apply, (0, None)), (x, y), (x, y))
    assert values.tolist() == (x * x * y).tolist()
    assert tangents.tolist() == (x * 7 * x * y + y * 11 * x).tolist()


def test_switches_that_change_nothing():
    assert rl.autograd.is_multithreading_enabled()
    with rl.autograd.set_multithreading_enabled(False), rl.autograd.enforce_grad_layout_policy(False):
        assert not rl.autograd.is_multithreading_enabled()
    assert rl.autograd.is_multithreading_enabled()
