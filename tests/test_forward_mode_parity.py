"""Dual numbers against PyTorch: through views, writes in place, and together with reverse mode."""

import pytest

import rushlight as rl

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")


def plain(value):
    if isinstance(value, (torch.Tensor, rl.Tensor)):
        return [round(x, 4) for x in value.detach().reshape(-1).tolist()], tuple(value.shape), value.requires_grad
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    return repr(value)


def outcome(program, m):
    from importlib import import_module

    fw = import_module(f"{m.__name__}.autograd.forward_ad")
    try:
        with fw.dual_level():
            x, t = m.tensor([1.0, 2.0, 3.0]), m.tensor([1.0, 0.5, 2.0])
            return repr(plain(program(m, fw, x, t)))
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0].replace("torch.", "rushlight.")


def write_to_part(m, fw, x, t):
    y = x * 1
    y[1:] = fw.make_dual(m.ones(2), m.ones(2) * 3)
    return fw.unpack_dual(y)


def write_through_view(m, fw, x, t):
    d = fw.make_dual(x, t) * 1
    part = d[1:]
    part.mul_(2)
    return fw.unpack_dual(d), fw.unpack_dual(part)


def write_through_view_of_view(m, fw, x, t):
    d = fw.make_dual(x, t) * 1
    v = d.view(3, 1).t()
    v.mul_(2)
    d.add_(v[0])
    return fw.unpack_dual(d), fw.unpack_dual(v)


def base_without_tangent(m, fw, x, t):
    base = m.zeros(3)
    part = base[:2]
    part.copy_(fw.make_dual(x, t)[1:])
    return fw.unpack_dual(base), fw.unpack_dual(part)


def over_reverse(m, fw, x, t):
    d = fw.make_dual(x.requires_grad_(), t)
    y = (d.exp() * d).sum()
    (g,) = m.autograd.grad(y, x, create_graph=True)
    return fw.unpack_dual(g), fw.unpack_dual(y)


def over_reverse_in_place(m, fw, x, t):
    d = fw.make_dual(x.requires_grad_(), t)
    z = d * 2
    z.exp_()
    y = (z * d).sum()
    (g,) = m.autograd.grad(y, x)
    return fw.unpack_dual(g), fw.unpack_dual(y)


def over_reverse_through_view(m, fw, x, t):
    d = fw.make_dual(x.requires_grad_(), t)
    z = d * 2
    z[1:].mul_(d[:2])
    z[0] = d[2] * 3
    (g,) = m.autograd.grad((z * z).sum(), x)
    return fw.unpack_dual(g), fw.unpack_dual(z)


def backward_of_a_dual(m, fw, x, t):
    d = fw.make_dual(x, t).requires_grad_()
    (d**3).sum().backward()
    return d.grad, fw.unpack_dual(d.grad).tangent


def by_the_tangent(m, fw, x, t):
    d = fw.make_dual(x, t.requires_grad_())
    return m.autograd.grad(fw.unpack_dual(d**3).tangent.sum(), t)


def not_recorded(m, fw, x, t):
    x.requires_grad_()
    with m.no_grad():
        y = fw.make_dual(x, t) * 2
    return fw.unpack_dual(y)


def copies(m, fw, x, t):
    d = fw.make_dual(x, t)
    return [fw.unpack_dual(v) for v in (d.clone(), d.to(m.float64), d.contiguous())]


def detached(m, fw, x, t):
    d = fw.make_dual(x, t) * 1
    return fw.unpack_dual(d.detach()).tangent, fw.unpack_dual(d.detach_()).tangent


def overwritten(m, fw, x, t):
    d, e = fw.make_dual(x, t) * 1, fw.make_dual(m.tensor(2.0), m.tensor(5.0))
    before = fw.unpack_dual(d.clone().zero_())
    d[1] = 7.0
    return before, fw.unpack_dual(d), fw.unpack_dual(d.clone().fill_(e)), fw.unpack_dual(d.masked_fill_(d > 2, 0.0))


def put(m, fw, x, t):
    d = fw.make_dual(x, t) * 1
    d.index_put_((m.tensor([0, 2]),), fw.make_dual(m.ones(2), m.ones(2) * 9))
    return fw.unpack_dual(d)


def several_outputs(m, fw, x, t):
    d = fw.make_dual(x, t)
    parts = [fw.unpack_dual(part) for part in d.unbind()]
    return parts, fw.unpack_dual(d.sort(descending=True)[0]), fw.unpack_dual(d.sort().indices).tangent


def joined(m, fw, x, t):
    d = fw.make_dual(x, t)
    return [fw.unpack_dual(v) for v in (m.cat([d, x]), m.stack([x, d]), m.where(x > 1, d, x))]


def reductions(m, fw, x, t):
    d = fw.make_dual(x, t)
    found = (d.softmax(0), d.norm(), d.prod(), d.cumsum(0), d.logsumexp(0), d.var(), d.max(), d @ d)
    return [fw.unpack_dual(v) for v in found]


def complex_parts(m, fw, x, t):
    d = fw.make_dual(m.complex(x, t), m.complex(t, x))
    found = [fw.unpack_dual(v).tangent for v in (d.real, d.imag, d.abs())]
    return [*found, m.view_as_real(fw.unpack_dual(d * d).tangent)]


def printed(m, fw, x, t):
    d = fw.make_dual(x, t)
    return repr(d), repr(d * 2)


PROGRAMS = [
    write_to_part, write_through_view, write_through_view_of_view, base_without_tangent, over_reverse,
    over_reverse_in_place, over_reverse_through_view, backward_of_a_dual, by_the_tangent, not_recorded, copies, detached,
    overwritten, put, several_outputs, joined, reductions, complex_parts, printed,
]  # fmt: skip
REFUSALS = {
    "twice": lambda m, fw, x, t: fw.make_dual(fw.make_dual(x, t), t),
    "integers": lambda m, fw, x, t: fw.make_dual(m.tensor([1]), m.tensor([1])),
    "shapes": lambda m, fw, x, t: fw.make_dual(x, t[:2]),
    "out": lambda m, fw, x, t: m.mul(fw.make_dual(x, t), 2, out=m.empty(3)),
    "no tensor": lambda m, fw, x, t: fw.unpack_dual(3.0),
    "nested": lambda m, fw, x, t: fw.enter_dual_level(),
    "another level": lambda m, fw, x, t: fw.exit_dual_level(level=3),
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_programs(program):
    assert outcome(program, rl) == outcome(program, torch)


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    theirs = outcome(REFUSALS[name], torch)
    assert isinstance(theirs, tuple)
    assert outcome(REFUSALS[name], rl) == theirs


def test_without_a_level():
    from torch.autograd import forward_ad as theirs

    from rushlight.autograd import forward_ad as ours

    one = {ours: rl.ones(1), theirs: torch.ones(1)}
    for call in (lambda fw: fw.make_dual(one[fw], one[fw]), lambda fw: fw.exit_dual_level()):
        with pytest.raises(RuntimeError) as wanted:
            call(theirs)
        with pytest.raises(RuntimeError) as found:
            call(ours)
        assert str(found.value) == str(wanted.value)
    assert ours.unpack_dual(one[ours]).tangent is None


def test_as_a_decorator():
    from rushlight.autograd import forward_ad as fw

    @fw.dual_level()
    def slope(x):
        return fw.unpack_dual(fw.make_dual(x, rl.ones(())) ** 2).tangent.item()

    assert [slope(rl.tensor(3.0)), slope(rl.tensor(4.0))] == [6.0, 8.0]
