"""Writes through views of all kinds, and what they leave on base and siblings.

Each program is run by PyTorch and by us: values, gradients, names of nodes, errors and warnings agree (tests/beside.py).
"""

import pytest

import rushlight as rl
from beside import attempt, collect, grads, outcome
from beside import leaf_of_shape as leaf

PROGRAMS = []
program = collect(PROGRAMS)


# ---- chains of views
@program
def a_slice_of_a_transpose_of_a_view(m):
    x = leaf(m, 2, 6)
    y = x * 1
    part = y.view(3, 4).t()[1:3]
    part.mul_(x[0, :3] * 2)
    return y, part, grads(m, y, x), grads(m, part, x), y.grad_fn.name()


@program
def siblings_of_a_written_view(m):
    x = leaf(m, 3, 4)
    y = x * 1
    a, b, c, d = y[1], y[:, 1], y.t(), y.diagonal()
    a.mul_(3)
    b.add_(x[:, 0])
    return [(v, grads(m, v, x)) for v in (a, b, c, d, y)]


@program
def a_view_of_a_view_written_through_both(m):
    x = leaf(m, 4, 4)
    y = x.clone()
    outer = y[1:]
    inner = outer[:, 2:]
    inner.exp_()
    outer.mul_(x[:3])
    inner.sin_()
    return y, outer, inner, grads(m, y, x), grads(m, inner, x)


@program
def a_diagonal_is_written(m):
    x = leaf(m, 3, 3)
    y = x * x
    y.diagonal().zero_()
    y.diagonal().add_(x[0])
    return y, grads(m, y, x)


@program
def a_written_view_of_a_constant_base(m):
    x = leaf(m, 3)
    base = m.zeros(2, 3, dtype=m.float64)
    seen = base.t()
    row = base[0]
    row.copy_(x)
    return base, seen, row, base.requires_grad, seen.requires_grad, seen.grad_fn.name(), row.is_leaf, grads(m, seen, x)


@program
def a_view_made_before_requires_grad(m):
    base = m.zeros(4, dtype=m.float64)
    view = base[:2]
    base.requires_grad_()
    return attempt(lambda: view.add_(1)), view.requires_grad, view.is_leaf, attempt(lambda: base.add_(1))


@program
def a_base_that_comes_to_require_grad(m):
    base = m.ones(4, dtype=m.float64)
    view = base[1:3]
    x = leaf(m, 4)
    base.mul_(x)
    return view.requires_grad, view.grad_fn.name(), grads(m, view, x), view.add_(1), base, grads(m, base, x)


@program
def expand_then_write_the_base(m):
    x = leaf(m, 1, 3)
    y = x * 2
    wide = y.expand(2, 3)
    y.mul_(x)
    return wide, grads(m, wide, x)


@program
def write_to_an_expanded_view(m):
    x = leaf(m, 1, 3)
    y = x * 2
    return attempt(lambda: y.expand(2, 3).add_(1)), y, grads(m, y, x)


@program
def unfold_and_write(m):
    x = leaf(m, 6)
    y = x * 1
    w = y.unfold(0, 2, 2)
    w.mul_(x.view(3, 2))
    return y, w, grads(m, y, x)


@program
def a_strided_view_written(m):
    x = leaf(m, 6)
    y = x * 1
    v = y.as_strided((2, 2), (3, 1), 1)
    v.mul_(5)
    return y, v, grads(m, y, x), grads(m, v, x), v.grad_fn.name()


@program
def a_view_through_squeeze_and_movedim(m):
    x = leaf(m, 2, 1, 3)
    y = x * 1
    v = y.squeeze(1).unsqueeze(-1).movedim(0, 1)
    v.mul_(v.detach().clone())
    return y, grads(m, y, x), v


@program
def a_reshape_that_copies(m):
    x = leaf(m, 2, 3)
    y = x * 1
    flat = y.t().reshape(-1)
    flat.zero_()
    return y, flat, grads(m, y, x)


# -- multi output
def several(name, split):
    def one(m):
        x = leaf(m, 4, 2)
        y = x * 1
        parts = split(y)
        return attempt(lambda: parts[1].mul_(2)), y, parts[0].requires_grad, parts[1]._is_view(), y._version

    one.__name__ = name + "_written"
    PROGRAMS.append(one)

    def base(m):
        x = leaf(m, 4, 2)
        y = x * 1
        parts = split(y)
        y.mul_(2)
        return parts[0].detach(), attempt(lambda: y), grads(m, y, x)

    base.__name__ = name + "_base_written"
    PROGRAMS.append(base)

    def quiet(m):
        y = m.zeros(4, 2, dtype=m.float64)
        parts = split(y)
        parts[0].add_(1)
        return parts[0], y

    quiet.__name__ = name + "_without_gradients"
    PROGRAMS.append(quiet)

    def quiet_then(m):
        y = m.zeros(4, 2, dtype=m.float64)
        x = leaf(m, 1)
        parts = split(y)
        return attempt(lambda: parts[0].add_(x)), y

    quiet_then.__name__ = name + "_of_a_constant_written_by_a_leaf"
    PROGRAMS.append(quiet_then)

    def nog(m):
        x = leaf(m, 4, 2)
        y = x * 1
        parts = split(y)
        with m.no_grad():
            parts[0].add_(1)
        return y, grads(m, y, x)

    nog.__name__ = name + "_written_under_no_grad"
    PROGRAMS.append(nog)


several("unbind", lambda y: y.unbind(0))
several("split", lambda y: y.split(2))
several("chunk", lambda y: y.chunk(2))
several("split_sizes", lambda y: y.split([1, 3]))
several("tensor_split", lambda y: y.tensor_split(2))
several("hsplit", lambda y: y.hsplit(2))
several("iteration", lambda y: list(y))


@program
def a_view_made_under_no_grad(m):
    x = leaf(m, 3)
    y = x * 1
    with m.no_grad():
        v = y[:2]
    return attempt(lambda: v.mul_(2)), v.requires_grad, v.is_leaf, attempt(lambda: v.grad_fn), v._is_view()


@program
def a_view_made_under_no_grad_of_a_leaf(m):
    x = leaf(m, 3)
    with m.no_grad():
        v = x[:2]
    return attempt(lambda: v.mul_(2)), v.requires_grad


@program
def a_view_made_under_no_grad_written_under_no_grad(m):
    x = leaf(m, 3)
    y = x * 1
    with m.no_grad():
        v = y[:2]
        v.mul_(2)
    return y, v.requires_grad, grads(m, y, x)


@program
def a_view_of_a_constant_made_under_no_grad(m):
    y = m.zeros(3, dtype=m.float64)
    with m.no_grad():
        v = y[:2]
    return attempt(lambda: v.mul_(leaf(m, 1))), y, attempt(lambda: v.mul_(2))


@program
def a_view_in_inference_mode(m):
    y = m.zeros(3)
    with m.inference_mode():
        v = y[:2]
        v.add_(1)
    return y, v.is_inference(), attempt(lambda: v.add_(leaf(m, 1))), y._version


@program
def an_inference_tensor_written_outside(m):
    with m.inference_mode():
        v = m.zeros(2)
    return attempt(lambda: v.add_(1)), attempt(lambda: v._version), attempt(lambda: v.requires_grad_())


@program
def an_inference_tensor_viewed_outside(m):
    with m.inference_mode():
        v = m.zeros(2)
    w = v[:1]
    return w.is_inference(), attempt(lambda: w.add_(1)), attempt(lambda: v * leaf(m, 1))


@program
def a_normal_tensor_written_in_inference_mode(m):
    x = leaf(m, 2)
    y = x * 1
    z = y * y
    with m.inference_mode():
        y.add_(1)
    return y, attempt(lambda: grads(m, z, x))


# --- detach_, requires_grad_
@program
def detach_in_place(m):
    x = leaf(m, 3)
    y = x * 2
    r = y.detach_()
    return r is y, y.requires_grad, y.is_leaf, y.grad_fn, y._version


@program
def detach_a_view_in_place(m):
    x = leaf(m, 3)
    y = x * 2
    return attempt(lambda: y[:2].detach_()), attempt(lambda: y.detach()[:2].detach_())


@program
def detach_a_view_of_a_constant(m):
    return attempt(lambda: m.zeros(3)[:2].detach_())


@program
def detach_a_base_with_views(m):
    x = leaf(m, 3)
    y = x * 2
    v = y[:2]
    y.detach_()
    return y.requires_grad, v.requires_grad, grads(m, v, x)


@program
def detach_a_base_with_views_and_write(m):
    x = leaf(m, 3)
    y = x * 2
    v = y[:2]
    y.detach_()
    y.mul_(3)
    return y, attempt(lambda: v.requires_grad), attempt(lambda: v.grad_fn.name()), attempt(lambda: grads(m, v, x))


@program
def detach_a_leaf(m):
    x = leaf(m, 3)
    x.detach_()
    return x, x.is_leaf


@program
def requires_grad_after_writes(m):
    x = m.ones(3, dtype=m.float64)
    x.mul_(2)
    x.requires_grad_()
    y = (x * x).sum()
    y.backward()
    return +x.grad, x._version


@program
def requires_grad_of_a_view(m):
    x = m.ones(3, dtype=m.float64)
    v = x[:2]
    v.requires_grad_()
    y = v * 2
    return (
        v.is_leaf,
        x.requires_grad,
        grads(m, y, v),
        attempt(lambda: v.add_(1)),
        attempt(lambda: x.add_(1)),
        v.requires_grad,
    )


@program
def requires_grad_of_a_view_then_write_base(m):
    x = m.ones(3, dtype=m.float64)
    v = x[:2].requires_grad_()
    attempt(lambda: x.mul_(leaf(m, 1)))
    return x.requires_grad, v.requires_grad, attempt(lambda: v.is_leaf)


@program
def requires_grad_switched_off(m):
    x = leaf(m, 2)
    y = x * x
    x.requires_grad_(False)
    z = x * 3
    return z.requires_grad, attempt(lambda: y.sum().backward()), +x.grad


@program
def requires_grad_switched_off_of_a_computed_one(m):
    y = leaf(m, 2) * 2
    return attempt(lambda: y.requires_grad_(False)), attempt(lambda: y.requires_grad_()) is y


@program
def requires_grad_of_ints(m):
    x = m.ones(2, dtype=m.int64)
    return (
        attempt(lambda: x.requires_grad_()),
        attempt(lambda: setattr(x, "requires_grad", True)),
        attempt(lambda: x.requires_grad_(False)) is x,
    )


@program
def requires_grad_of_the_base_of_a_written_view(m):
    x = m.zeros(3, dtype=m.float64)
    v = x[:1]
    v.add_(leaf(m, 1))
    return x.requires_grad, attempt(lambda: x.requires_grad_(False)), attempt(lambda: v.requires_grad_(False))


# ---- complex
@program
def real_written(m):
    x = leaf(m, 3)
    z = m.complex(x, x * 2)
    z.real.mul_(3)
    return z, m.autograd.grad((z * z.conj()).real.sum(), x), z.grad_fn.name()


@program
def imag_written(m):
    x = leaf(m, 3)
    z = m.complex(x, x * 2)
    z.imag.copy_(x * x)
    return z, m.autograd.grad((z * z).abs().sum(), x)


@program
def real_of_a_slice_written(m):
    x = leaf(m, 4)
    z = m.complex(x, x * 2)
    part = z.view(2, 2).t()[1].imag
    part.mul_(x[:2])
    return z, part, m.autograd.grad((z * z).abs().sum() + part.sum(), x)


@program
def view_as_real_written(m):
    x = leaf(m, 3)
    z = m.complex(x, x * 2)
    r = m.view_as_real(z)
    r[:, 0] = x**2
    r[1].mul_(2)
    return z, r.detach(), m.autograd.grad((z * z).abs().sum(), x, retain_graph=True), m.autograd.grad(r.pow(2).sum(), x)


@program
def view_as_complex_written(m):
    x = leaf(m, 3, 2)
    y = x * 1
    c = m.view_as_complex(y)
    c.mul_(1 + 2j)
    c[0] = m.complex(x[0, 0], x[1, 1])
    return y, c, m.autograd.grad((y * y).sum(), x, retain_graph=True), m.autograd.grad(c.abs().sum(), x)


@program
def real_seen_after_the_base_was_written(m):
    x = leaf(m, 3)
    z = m.complex(x, x * 2)
    r, i = z.real, z.imag
    z.mul_(2 + 1j)
    return r, i, m.autograd.grad((r * i).sum(), x)


@program
def real_seen_after_imag_was_written(m):
    x = leaf(m, 3)
    z = m.complex(x, x * 2)
    r, i = z.real, z.imag
    i.mul_(r)
    return r, i, z, m.autograd.grad((r * i).sum(), x, retain_graph=True), m.autograd.grad((z * z).abs().sum(), x)


@program
def real_of_a_constant_written_by_a_leaf(m):
    z = m.zeros(3, dtype=m.complex128)
    x = leaf(m, 3)
    z.real = x
    z.imag = x * x
    return z, z.requires_grad, m.autograd.grad((z * z).abs().sum(), x)


@program
def real_assigned(m):
    x = leaf(m, 3)
    z = m.complex(x, x * 2)
    z.real = x * x
    return z, m.autograd.grad(z.abs().sum(), x)


@program
def real_of_a_leaf_written(m):
    z = m.ones(3, dtype=m.complex128, requires_grad=True)
    return attempt(lambda: z.real.mul_(2)), attempt(lambda: z.real.detach().mul_(2)), z


@program
def real_written_under_no_grad(m):
    z = m.ones(3, dtype=m.complex128, requires_grad=True)
    with m.no_grad():
        z.real.mul_(2)
    return z


@program
def real_of_real_view_as_real_twice(m):
    x = leaf(m, 2)
    z = m.complex(x, x)
    m.view_as_complex(m.view_as_real(z)).imag.mul_(4)
    return z, m.autograd.grad((z * z).abs().sum(), x)


@program
def second_derivative_through_a_real_write(m):
    x = leaf(m, 2)
    z = m.complex(x, x * x)
    z.imag.mul_(x)
    (g,) = m.autograd.grad((z * z.conj()).real.pow(2).sum(), x, create_graph=True)
    return g, m.autograd.grad(g.sum(), x)


@program
def a_view_of_another_integer_dtype(m):
    x = m.arange(4, dtype=m.int32)
    v = x.view(m.int16)
    v.add_(1)
    return x, v, v._version


@program
def a_float_view_of_another_dtype_written(m):
    x = leaf(m, 4)
    y = x * 1
    return (
        attempt(lambda: y.view(m.int64).requires_grad),
        attempt(lambda: y.view(m.int64).add_(0)),
        attempt(lambda: y.view(m.complex128).requires_grad),
    )


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
