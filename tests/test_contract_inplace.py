"""The forms of writing in place, what is kept and spoiled, versions, and hooks across writes.

Each program is run by PyTorch and by us: values, gradients, names of nodes, errors and warnings agree (tests/beside.py).
"""

import warnings

import pytest

import rushlight as rl
from beside import attempt, collect, grads, outcome
from beside import leaf_of_shape as leaf

PROGRAMS = []
program = collect(PROGRAMS)


# --- forms of writing
@program
def out_of_a_constant(m):
    a, o = m.tensor([1.0, 2.0]), m.zeros(2)
    r = m.mul(a, 3, out=o)
    return r is o, o, o._version


@program
def out_with_gradients(m):
    x = leaf(m, 2)
    o = m.zeros(2, dtype=m.float64)
    return attempt(lambda: m.mul(x, 3, out=o)), o, attempt(lambda: m.exp(m.ones(2, dtype=m.float64), out=x))


@program
def out_with_gradients_under_no_grad(m):
    x = leaf(m, 2)
    o = m.zeros(2, dtype=m.float64)
    with m.no_grad():
        m.mul(x, 3, out=o)
        m.add(x, 1, out=x)
    return o, x


@program
def out_of_another_shape(m):
    o = m.zeros(0)
    m.add(m.ones(2, 3), 1, out=o)
    return o


@program
def out_that_is_kept(m):
    x = leaf(m, 2)
    o = m.ones(2, dtype=m.float64)
    y = x * o
    m.add(o, 1, out=o)
    return attempt(lambda: grads(m, y, x))


@program
def out_of_another_dtype(m):
    o = m.zeros(2, dtype=m.int64)
    return attempt(lambda: m.mul(m.ones(2), 2, out=o)), attempt(lambda: m.sin(m.ones(2), out=o))


@program
def copy_into_a_constant(m):
    x = leaf(m, 2, 3)
    o = m.zeros(2, 3, dtype=m.float32)
    o.copy_(x)
    (o * o).sum().backward()
    return o, +x.grad


@program
def copy_broadcasts(m):
    x = leaf(m, 3)
    y = leaf(m, 2, 3) * 1
    y.copy_(x)
    return y, grads(m, y, x)


@program
def copy_of_the_wrong_shape(m):
    return attempt(lambda: m.zeros(2).copy_(m.ones(3))), attempt(lambda: m.zeros(3).copy_(m.ones(2, 3)))


@program
def copy_from_itself(m):
    x = leaf(m, 3)
    y = x * 2
    y.copy_(y)
    return y, grads(m, y, x)


@program
def copy_from_complex(m):
    return attempt(lambda: m.zeros(2).copy_(m.ones(2, dtype=m.complex64)))


@program
def copy_into_ints(m):
    x = leaf(m, 2)
    o = m.zeros(2, dtype=m.int64)
    o.copy_(x * 4)
    return o, o.requires_grad, o.grad_fn


@program
def data_replaced(m):
    x = leaf(m, 3)
    y = x * x
    x.data = m.zeros(3, dtype=m.float64)
    z = x * x
    return x, attempt(lambda: grads(m, y, x)), grads(m, z, x)


@program
def data_of_another_shape(m):
    x = leaf(m, 3)
    x.data = m.zeros(2, 2, dtype=m.float64)
    return x, (x * 2).sum()


@program
def data_of_another_dtype(m):
    x = leaf(m, 3)
    x.data = m.zeros(3)
    return (
        x.dtype == m.float32,
        attempt(lambda: setattr(x, "data", m.zeros(3, dtype=m.int64))),
        attempt(lambda: setattr(x, "data", 3)),
    )


@program
def data_of_a_computed_tensor(m):
    x = leaf(m, 3)
    y = x * 2
    y.data = m.ones(3, dtype=m.float64)
    return y, y.grad_fn.name(), grads(m, y * y, x)


@program
def data_is_written(m):
    x = leaf(m, 3)
    y = x * x
    x.data.mul_(2)
    return grads(m, y, x), x._version, x.data._version, x.data.requires_grad


@program
def detach_is_written(m):
    x = leaf(m, 3)
    y = x * x
    x.detach().mul_(2)
    return attempt(lambda: grads(m, y, x)), x._version


@program
def index_put(m):
    x, v = leaf(m, 3, 3), leaf(m, 2)
    y = x * 1
    y.index_put_((m.tensor([0, 2]), m.tensor([1, 1])), v)
    return y, grads(m, y, x, v)


@program
def index_put_accumulating(m):
    x, v = leaf(m, 4), leaf(m, 3)
    y = x * 1
    y.index_put_((m.tensor([0, 2, 0]),), v, accumulate=True)
    return y, grads(m, y, x, v)


@program
def index_put_to_a_view(m):
    x, v = leaf(m, 3, 3), leaf(m, 2)
    y = x * 1
    y.t()[1].index_put_((m.tensor([0, 2]),), v)
    return y, grads(m, y, x, v), y.grad_fn.name()


@program
def a_mask_is_written(m):
    x, v = leaf(m, 4), leaf(m, 1)
    y = x * 1
    y.masked_fill_(m.tensor([True, False, True, False]), 7.0)
    z = x * 1
    z.masked_fill_(m.tensor([True, False, True, False]), v[0])
    return y, grads(m, y, x), z, grads(m, z, x, v)


@program
def masked_scatter(m):
    x, v = leaf(m, 4), leaf(m, 4)
    y = x * 1
    y.masked_scatter_(m.tensor([True, False, True, False]), v)
    return y, grads(m, y, x, v)


@program
def fill_and_zero(m):
    x, v = leaf(m, 4), leaf(m, 1)
    a, b, c = x * 1, x * 1, x * 1
    a.fill_(3.0)
    b.zero_()
    c.fill_(v[0])
    return [(t, t.grad_fn.name(), grads(m, t, x, v)) for t in (a, b, c)]


@program
def fill_with_a_tensor_of_a_shape(m):
    return attempt(lambda: m.zeros(3).fill_(m.ones(3))), attempt(lambda: m.zeros(3).fill_(m.ones(1)))


@program
def scatter_in_place(m):
    x, v = leaf(m, 3, 2), leaf(m, 2, 2)
    y, z = x * 1, x * 1
    i = m.tensor([[0, 2], [2, 1]])
    y.scatter_(0, i, v)
    z.scatter_add_(0, i, v)
    return y, grads(m, y, x, v), z, grads(m, z, x, v)


@program
def index_methods(m):
    x, v = leaf(m, 3, 2), leaf(m, 2, 2)
    a, b, c = x * 1, x * 1, x * 1
    i = m.tensor([2, 0])
    a.index_add_(0, i, v)
    b.index_copy_(0, i, v)
    c.index_fill_(0, i, 9.0)
    return [(t, grads(m, t, x, v)) for t in (a, b, c)]


@program
def several_kinds_of_setitem(m):
    x, v = leaf(m, 3, 4), leaf(m, 4)
    y = x * 1
    y[1] = v
    y[:, 2] = 5
    y[m.tensor([0, 2]), 0] = v[:2]
    y[y.detach() > 2.2] = v[3]
    y[..., -1:] = v[0]
    y[0, 1] = v[1] * x[0, 1]
    return y, grads(m, y, x, v), y.grad_fn.name(), y._version


@program
def setitem_refused(m):
    x = leaf(m, 3)

    def write(t, i, v):
        t[i] = v

    return (
        attempt(lambda: write(x, 0, 1.0)),
        attempt(lambda: write(x * 1, 0, m.ones(2))),
        attempt(lambda: write(x * 1, 5, 1.0)),
        attempt(lambda: write(m.zeros(2, dtype=m.int64), 0, leaf(m, 1))),
        attempt(lambda: write(m.zeros(2), 0, m.ones(1, dtype=m.complex64))),
    )


@program
def setitem_of_ints_from_a_leaf(m):
    y = m.zeros(2, dtype=m.int64)
    y[0] = leaf(m, 1)[0] * 8
    return y, y.requires_grad


@program
def resizes(m):
    x = leaf(m, 3)
    return (
        attempt(lambda: x.resize_(2)),
        attempt(lambda: (x * 1).resize_(2)),
        attempt(lambda: x.resize_as_(m.ones(2))),
        attempt(lambda: m.ones(3).resize_(2)),
        attempt(lambda: m.ones(2, 3).resize_as_(m.ones(6))),
    )


@program
def t_in_place(m):
    x = leaf(m, 2, 3)
    y = x * 1
    y.t_()
    y[0] = 5.0
    return y, grads(m, y, x), attempt(lambda: m.zeros(2, 2, 2).t_())


# --- saved
@program
def a_kept_view_is_spoiled_by_the_base(m):
    x = leaf(m, 4)
    y = x * 1
    v = y[:2]
    z = v * v
    y[3] = 0.0
    return attempt(lambda: grads(m, z, x)), z._version


@program
def a_kept_output_of_a_view_write(m):
    x = leaf(m, 4)
    y = x * 1
    v = y[:2]
    v.exp_()
    r1 = grads(m, y, x)
    y[3] = 1.0
    return r1, attempt(lambda: grads(m, y, x)).partition(",")[0]


@program
def written_twice_by_what_keeps_its_output(m):
    x = leaf(m, 3)
    y = x * 1
    y.exp_()
    y.tanh_()
    return attempt(lambda: grads(m, y, x))


@program
def written_with_itself(m):
    x = leaf(m, 3)
    y = x * 1
    y.mul_(y)
    return y, attempt(lambda: grads(m, y, x))


@program
def added_to_itself(m):
    x = leaf(m, 3)
    y = x * 1
    y.add_(y)
    return y, grads(m, y, x)


@program
def a_square_in_place(m):
    x = leaf(m, 3)
    y = x * 1
    y.pow_(3)
    return y, attempt(lambda: grads(m, y, x))


@program
def divided_in_place(m):
    x, d = leaf(m, 3), leaf(m, 3)
    y = x * 1
    y.div_(d)
    return y, attempt(lambda: grads(m, y, x, d))


@program
def multiplied_in_place_by_a_leaf(m):
    x, d = leaf(m, 3), leaf(m, 3)
    y = x * 1
    y.mul_(d)
    return y, attempt(lambda: grads(m, y, x, d))


@program
def second_derivative_through_writes(m):
    x = leaf(m, 3)
    y = x * x
    y[1:].mul_(x[:2])
    y.add_(x**3)
    (g,) = m.autograd.grad((y**2).sum(), x, create_graph=True)
    return g, m.autograd.grad((g * g).sum(), x)


@program
def backward_twice_through_writes(m):
    x = leaf(m, 3)
    y = x * x
    y[1:].mul_(x[:2])
    s = y.sum()
    s.backward(retain_graph=True)
    s.backward()
    return +x.grad, attempt(lambda: s.backward())


@program
def versions_of_views(m):
    x = m.zeros(4)
    v, d, p = x[:2], x.detach(), x.data
    v.add_(1)
    d.add_(1)
    p.add_(1)
    x.add_(1)
    return x._version, v._version, d._version, p._version, x[1:]._version, x.view(2, 2)._version, x.clone()._version


@program
def a_version_after_a_refusal(m):
    x = leaf(m, 3)
    y = x * 1
    attempt(lambda: y.add_(m.ones(2)))
    attempt(lambda: y.add_(m.ones(2, 3)))
    attempt(lambda: y.mul_("a"))
    attempt(lambda: x.add_(1))
    return y._version, x._version, y


@program
def versions_of_empty_writes(m):
    x = m.zeros(0)
    x.add_(1)
    y = m.zeros(3)
    y[m.tensor([False, False, False])] = 1.0
    y[1:1] = 2.0
    return x._version, y._version


@program
def augmented_assignments(m):
    x = leaf(m, 3)
    y = x * 1
    before = y
    y += x
    y *= 2
    y -= 1
    y /= 4
    y **= 2
    return y is before, y, grads(m, y, x)


@program
def augmented_slices(m):
    x = leaf(m, 3)
    y = x * 1
    y[1:] += x[0]
    y[0] *= 3
    y[[0, 2]] -= x[:2]
    return y, grads(m, y, x), y._version


@program
def augmented_ints(m):
    k = m.ones(3, dtype=m.int64)
    k += 1
    k *= 3
    k -= 2
    k //= 2
    k %= 2

    def div(t):
        t /= 2

    b = m.tensor([True, False])
    b &= True
    b |= False
    b ^= True
    return (
        k,
        attempt(lambda: div(k)),
        b,
        attempt(lambda: k.add_(1.5)),
        attempt(lambda: b.add_(1)),
        attempt(lambda: k.sqrt_()),
    )


@program
def hooks_see_writes(m):
    x = leaf(m, 3)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(("before", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(("after", g.tolist())))
    y[0] = 0.0
    y.register_hook(lambda g: seen.append(("last", g.tolist())))
    y.sum().backward()
    return seen, +x.grad


@program
def retained_gradients_after_writes(m):
    x = leaf(m, 3)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    v = y[1:]
    v.retain_grad()
    y[0] = 0.0
    (y.sum() + (v * 2).sum()).backward()
    return y.grad, y.retains_grad, attempt(lambda: v.grad), v.retains_grad, +x.grad


@program
def retained_gradient_of_a_view_written(m):
    x = leaf(m, 3)
    y = x * 2
    v = y[1:]
    v.retain_grad()
    v.mul_(5)
    (v * 2).sum().backward()
    return v.grad, +x.grad


@program
def retained_gradient_of_the_base_of_a_written_view(m):
    x = leaf(m, 3)
    y = x * 2
    y.retain_grad()
    y[1:].mul_(5)
    (y * 2).sum().backward()
    return y.grad, +x.grad


@program
def a_hook_of_the_base_and_a_written_view(m):
    x = leaf(m, 3)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(("base", g.tolist())))
    v = y[1:]
    v.mul_(5)
    v.register_hook(lambda g: seen.append(("view after", g.tolist())))
    y.register_hook(lambda g: seen.append(("base after", g.tolist())))
    (y.sum() + v.sum()).backward()
    return seen, +x.grad


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_as_in_pytorch(program):
    torch = pytest.importorskip("torch")
    # It warns of lost imaginary parts once in a process, in whichever test comes first: here, then where it is asked for.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copy_from_complex(torch)
    torch.set_warn_always(program is copy_from_complex)
    try:
        assert outcome(rl, program) == outcome(torch, program)
    finally:
        torch.set_warn_always(False)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_without_pytorch(program):
    """Whatever a program meets, it is not an error of ours inside."""
    (kind, *found), _ = outcome(rl, program)
    assert kind == "returned" or found[0] not in ("AttributeError", "NameError", "UnboundLocalError", "IndexError")
