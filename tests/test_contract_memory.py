"""Whole programs about memory and leaves beside PyTorch: set_, grad_dtype, copies and pickles, edges, late tangents."""

import copy
import importlib
import pickle

import pytest

import rushlight as rl
from beside import attempt, collect, leaf, outcome

PROGRAMS = []


def again(value):
    return pickle.loads(pickle.dumps(value))


@collect(PROGRAMS)
def set_shares_memory_and_not_versions(m):
    x, y = m.ones(2, 3), m.arange(4.0)
    same = x.set_(y) is x
    x.add_(1)
    part = m.ones(3).set_(m.arange(6.0), 1, (2, 2), (2, 1))
    return same, x, y, x._version, y._version, x.is_set_to(y), m.ones(3).set_(), part


@collect(PROGRAMS)
def set_of_leaves(m):
    x = leaf(m)
    found = [attempt(lambda: x.set_(m.zeros(2))), attempt(lambda: x.set_(m.zeros(2, dtype=m.float64)))]
    with m.no_grad():
        x.set_(m.zeros(3, dtype=m.float64))
    (x + 1).square().sum().backward()
    return found, x, x.grad


@collect(PROGRAMS)
def set_of_what_was_saved(m):
    x = leaf(m).exp()
    y = x.sin()
    x.detach().set_(m.zeros(2, dtype=m.float64))
    return attempt(lambda: y.sum().backward())


@collect(PROGRAMS)
def a_gradient_of_another_dtype(m):
    x = m.ones(2, requires_grad=True)
    x.grad_dtype = m.float64
    seen = []
    x.register_hook(lambda g: seen.append(str(g.dtype).rpartition(".")[2]))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    return seen, x.grad, m.autograd.grad((x * 2).sum(), x)


@collect(PROGRAMS)
def refusals_of_grad_dtype(m):
    x, y = m.ones(2, requires_grad=True), leaf(m) * 2
    x.grad = m.ones(2)
    wrong = [
        attempt(lambda: setattr(x, "grad_dtype", m.float16)),
        attempt(lambda: setattr(x, "grad_dtype", 3)),
        attempt(lambda: y.grad_dtype),
        attempt(lambda: setattr(x, "grad", m.ones(2).int())),
    ]
    x.grad_dtype = None
    x.grad = m.ones(2).double()
    return wrong, x.grad_dtype, copy.deepcopy(x.detach()).grad_dtype == m.float32


@collect(PROGRAMS)
def pickles(m):
    x, y = leaf(m), leaf(m) * 2
    x.note = 3
    x.sum().backward()
    p = m.nn.Parameter(m.ones(2), requires_grad=False)
    strided = [m.ones(2, 3).t(), m.ones(1).expand(4), m.arange(6.0)[1::2]]
    return [
        (back, back.is_leaf, attempt(lambda: back.grad), getattr(back, "note", None))
        for back in map(again, (x, y, p, *strided))
    ] + [again(t).stride() for t in strided[:2]]


@collect(PROGRAMS)
def a_hook_is_not_pickled(m):
    x = leaf(m)
    x.register_hook(print)
    return again(x).requires_grad


@collect(PROGRAMS)
def deep_copies_share_what_was_shared(m):
    base = m.arange(6.0)
    again, part, grid = copy.deepcopy((base, base[2:4], base.view(2, 3).t()))
    part.zero_()
    return base, again, grid, grid.stride(), copy.deepcopy(m.ones(1).expand(4)).stride()


@collect(PROGRAMS)
def a_gradient_is_copied_too(m):
    x = leaf(m)
    x.grad = m.ones(2, dtype=m.float64)
    other = copy.deepcopy(x)
    other.grad.zero_()
    return x.grad, other.grad


@collect(PROGRAMS)
def writes_of_comparisons_and_bits(m):
    names = ("eq_", "lt_", "ge_", "bitwise_and_", "bitwise_xor_")
    refused = [attempt(lambda: getattr(leaf(m), name)(1)) for name in names]
    x = leaf(m)
    y = x * 2
    y[:1].lt_(3)
    y.sum().backward()
    return refused, y, x.grad


@collect(PROGRAMS)
def edges_of_batches(m):
    x = leaf(m)
    edge = m.autograd.graph.get_gradient_edge(x.exp())
    return m.autograd.grad(edge, x, m.eye(2, dtype=m.float64), is_grads_batched=True)


@collect(PROGRAMS)
def zeros_that_can_be_differentiated(m):
    x, unused = leaf(m), leaf(m)
    return m.autograd.grad(x.sum(), (x, unused), create_graph=True, materialize_grads=True)


@collect(PROGRAMS)
def out_in_a_block_that_allows_mutation(m):
    x, out = leaf(m), m.zeros(2, dtype=m.float64)
    with m.autograd.graph.allow_mutation_on_saved_tensors():
        y = x * m.add(x.detach(), 1, out=out)
        m.mul(out, 3, out=out)
        y.sum().backward()
    return x.grad


@collect(PROGRAMS)
def what_nodes_show(m):
    x = leaf(m)
    y = x * 2
    node, end = m.autograd.graph.Node, y.grad_fn.next_functions[0][0]
    kinds = [isinstance(y.grad_fn, node), isinstance(end, node), issubclass(type(end), node), isinstance(x, node)]
    saved = (x * x).grad_fn._raw_saved_self
    sizes = x.sum().grad_fn._saved_self_sym_sizes, x.max(0).values.grad_fn._saved_indices
    return kinds, sizes, saved.data, saved.unpack_hook, (y + 1).grad_fn._sequence_nr() > y.grad_fn._sequence_nr()


@collect(PROGRAMS)
def hessians_of_what_does_not_depend(m):
    hessian = importlib.import_module(m.__name__ + ".autograd.functional").hessian
    x, y = leaf(m), leaf(m)
    return [
        attempt(lambda: hessian(lambda x, y: (y * y).sum(), (x, y), strict=True)),
        attempt(lambda: hessian(lambda x, y: (x * x).sum() + (y * y).sum(), (x, y), strict=True)),
    ]


@collect(PROGRAMS)
def views_from_before_a_tangent(m):
    ad = importlib.import_module(m.__name__ + ".autograd.forward_ad")
    with ad.dual_level():
        base = m.zeros(4)
        view, inner = base[1:], base[1:][1:]
        base.add_(ad.make_dual(m.ones(4), m.arange(4.0)))
        found = [ad.unpack_dual(t).tangent for t in (view, inner * inner, base.detach())]
        inner.mul_(3)
        first, second, other = m.zeros(4)[None].unbind()[0], m.zeros(4), None
        part, other = second[:2], second[1:]
        part.copy_(base[2:])
        primal = ad.unpack_dual(base).primal
        found += [ad.unpack_dual(t).tangent for t in (base, view, other, first, primal, primal[1:], primal * 2)]
        return found, attempt(lambda: ad.make_dual(m.ones(1), m.ones(1), level=5))


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_as_in_pytorch(program):
    torch = pytest.importorskip("torch")
    assert outcome(rl, program) == outcome(torch, program)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_without_pytorch(program):
    assert outcome(rl, program)[0][0] == "returned"
