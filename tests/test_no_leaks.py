"""What each part of autograd leaves behind with the garbage collector off: no tensor and no node."""

import gc
import warnings

import pytest

import rushlight as rl
from rushlight.autograd import forward_ad, functional, graph
from rushlight.core import Node, TensorBase
from rushlight.utils.checkpoint import checkpoint

x = rl.ones(5, requires_grad=True)
TIMES = 50


def both_ways(run):
    """Forward and backward, and forward alone."""
    run().sum().backward()
    run()


def packed():
    with graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        return x.exp().sin()


def on_cpu():
    with graph.save_on_cpu(pin_memory=True):
        return x.exp().sin()


def mutated():
    with graph.allow_mutation_on_saved_tensors():
        y = x * 1
        z = y * y
        y.mul_(2)
        z.sum().backward()
    return z.detach() * x


def gathered():
    a, b = x * 2, x * 3
    graph.register_multi_grad_hook([a, b], lambda grads: None)
    graph.register_multi_grad_hook([a, b], lambda g: None, mode="any")
    return a * b


def by_edges():
    y = x.exp()
    rl.autograd.grad(graph.get_gradient_edge(y), graph.get_gradient_edge(x), rl.ones(5), retain_graph=True)
    return y


def of_nodes():
    leaf = rl.ones(2, requires_grad=True)
    y = leaf * 2
    y.grad_fn.metadata["note"] = 1
    y.grad_fn.register_hook(lambda *_: None)
    y.grad_fn.next_functions[0][0].register_prehook(lambda *_: None)
    return y


def retained():
    y = x * 2
    y.retain_grad()
    y[1:].mul_(2)
    return y


def in_views():
    y = x * 2
    part = y[1:]
    part[1:].mul_(3)
    part.add_(1)
    return y


def dual():
    with forward_ad.dual_level():
        base = rl.zeros(5)
        view = base[1:]
        base.add_(forward_ad.make_dual(x, rl.ones(5)))
        forward_ad.unpack_dual(view * view)
        (g,) = rl.autograd.grad((base**3).sum(), x, create_graph=True)
        return g


def under_anomaly():
    with rl.autograd.set_detect_anomaly(True):
        (x * 2).sum().backward()
        return x * 2


def refused():
    y = x * 1
    z = y.sin()
    y.zero_()
    with pytest.raises(RuntimeError):
        z.sum().backward()
    return y + x


def second():
    (g,) = rl.autograd.grad((x**3).sum(), x, create_graph=True)
    return g


def jacobians():
    functional.hessian(lambda a: (a**3).sum(), x, vectorize=True)
    return functional.jacobian(lambda a: a**3, x, create_graph=True)


def batched():
    return rl.autograd.grad(x**3, x, rl.eye(5), is_grads_batched=True, create_graph=True)[0]


def with_a_gradient_of_its_own_dtype():
    leaf = rl.ones(3, requires_grad=True)
    leaf.grad_dtype = rl.float64
    return leaf * 2


def once_more(use_reentrant):
    return checkpoint(lambda a: a.sin().exp(), x, use_reentrant=use_reentrant)


def nested():
    return checkpoint(lambda a: checkpoint(rl.sin, a * 2, use_reentrant=False).exp(), x, use_reentrant=False)


RUNS = [
    packed, on_cpu, mutated, gathered, by_edges, of_nodes, retained, in_views, dual, under_anomaly, refused, second, jacobians,
    batched, with_a_gradient_of_its_own_dtype, lambda: once_more(False), lambda: once_more(True), nested,
]  # fmt: skip


def alive():
    return sum(issubclass(type(thing), (TensorBase, Node)) for thing in gc.get_objects())


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_nothing_stays(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both_ways(run)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        for _ in range(TIMES):
            both_ways(run)
        assert alive() - before < TIMES / 2
    finally:
        gc.enable()
        x.grad = None
