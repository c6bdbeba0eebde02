"""Hooks of modules: forward, full backward, for every module.

Each program is run by PyTorch and by us: values, gradients, names of nodes, errors and warnings agree (tests/beside.py).
"""

import pytest

import rushlight as rl
from beside import attempt, collect, outcome, plain

PROGRAMS = []
program = collect(PROGRAMS)


def net(m):
    layer = m.nn.Linear(2, 2)
    with m.no_grad():
        layer.weight.copy_(m.tensor([[1.0, 2.0], [3.0, 4.0]]))
        layer.bias.zero_()
    return layer


def data(m):
    return m.tensor([[1.0, -1.0], [0.5, 2.0]], requires_grad=True)


@program
def forward_hooks_in_order(m):
    layer = net(m)
    seen = []
    layer.register_forward_hook(lambda mod, a, o: seen.append("first"))
    layer.register_forward_hook(lambda mod, a, o: o * 2)
    layer.register_forward_hook(lambda mod, a, o: seen.append(("then", o.tolist())), prepend=False)
    layer.register_forward_hook(lambda mod, a, o: seen.append("prepended"), prepend=True)
    layer.register_forward_pre_hook(lambda mod, a: seen.append("pre"))
    layer.register_forward_pre_hook(lambda mod, a: a[0] * 10)
    layer.register_forward_pre_hook(lambda mod, a: seen.append(("pre prepended", type(a).__name__)), prepend=True)
    return layer(data(m)), seen


def named(m):
    class Net(m.nn.Module):
        def forward(self, x, *, scale=1.0, fail=False):
            if fail:
                raise ValueError("failed")
            return x * scale

    return Net()


@program
def hooks_with_kwargs(m):
    n = named(m)
    seen = []
    n.register_forward_pre_hook(lambda mod, a, k: (a, {**k, "scale": 3.0}), with_kwargs=True)
    n.register_forward_hook(lambda mod, a, k, o: seen.append(dict(k)), with_kwargs=True)
    n.register_forward_hook(lambda mod, a, o: seen.append(len(a)))
    return n(data(m), scale=2.0), seen


@program
def a_pre_hook_with_kwargs_returns_nonsense(m):
    n = named(m)
    n.register_forward_pre_hook(lambda mod, a, k: a, with_kwargs=True)
    return attempt(lambda: n(data(m)))


@program
def hooks_always_called(m):
    n = named(m)
    seen = []
    n.register_forward_hook(lambda mod, a, o: seen.append(("always", o is None)), always_call=True)
    n.register_forward_hook(lambda mod, a, o: seen.append("only on success"))
    r = attempt(lambda: n(data(m), fail=True))
    n(data(m))
    return r, seen


@program
def an_always_called_hook_that_fails(m):
    n = named(m)
    seen = []

    def bad(mod, a, o):
        raise RuntimeError("hook")

    n.register_forward_hook(bad, always_call=True)
    n.register_forward_hook(lambda mod, a, o: seen.append("second"), always_call=True)
    return attempt(lambda: n(data(m), fail=True)), attempt(lambda: n(data(m))), seen


@program
def a_failing_hook_before_an_always_called_one(m):
    n = named(m)
    seen = []

    def bad(mod, a, o):
        raise RuntimeError("hook")

    n.register_forward_hook(bad)
    n.register_forward_hook(lambda mod, a, o: seen.append(o is None), always_call=True)
    return attempt(lambda: n(data(m))), seen


@program
def a_failing_pre_hook_and_an_always_called_one(m):
    n = named(m)
    seen = []

    def bad(mod, a):
        raise RuntimeError("hook")

    n.register_forward_pre_hook(bad)
    n.register_forward_hook(lambda mod, a, o: seen.append(o is None), always_call=True)
    return attempt(lambda: n(data(m))), seen


@program
def full_backward_hooks(m):
    layer = net(m)
    seen = []
    layer.register_full_backward_hook(lambda mod, i, o: seen.append(("full", plain(i), plain(o))))
    layer.register_full_backward_pre_hook(lambda mod, o: seen.append(("pre", plain(o))))
    x = data(m)
    layer(x).sum().backward()
    return seen, x.grad, layer.weight.grad


@program
def full_backward_hooks_replace(m):
    layer = net(m)
    layer.register_full_backward_pre_hook(lambda mod, o: o[0] * 2)
    layer.register_full_backward_pre_hook(lambda mod, o: (o[0] + 1,))
    layer.register_full_backward_hook(lambda mod, i, o: (i[0] * 10,))
    layer.register_full_backward_hook(lambda mod, i, o: i[0] + 5)
    x = data(m)
    layer(x).sum().backward()
    return x.grad, layer.weight.grad, layer.bias.grad


@program
def full_backward_hooks_prepended(m):
    layer = net(m)
    seen = []
    for name, first in (("a", False), ("b", True), ("c", False)):
        layer.register_full_backward_hook(lambda mod, i, o, name=name: seen.append(name), prepend=first)
        layer.register_full_backward_pre_hook(lambda mod, o, name=name: seen.append("pre " + name), prepend=first)
    layer(data(m)).sum().backward()
    return seen


@program
def full_backward_hooks_wrong_counts(m):
    out = []
    for value in ((None, None), (), 3, (m.ones(2, 2),) * 2):
        layer = net(m)
        layer.register_full_backward_hook(lambda mod, i, o: value)
        x = data(m)
        out.append(attempt(lambda: layer(x).sum().backward()))
        layer = net(m)
        layer.register_full_backward_pre_hook(lambda mod, o: value)
        out.append(attempt(lambda: layer(x).sum().backward()))
    return out


@program
def full_backward_hook_without_input_gradients(m):
    layer = net(m)
    seen = []
    layer.register_full_backward_hook(lambda mod, i, o: seen.append((plain(i), plain(o))))
    layer(data(m).detach()).sum().backward()
    return seen, layer.weight.grad


@program
def full_backward_hook_without_input_gradients_that_returns(m):
    layer = net(m)
    layer.register_full_backward_hook(lambda mod, i, o: (m.ones(2, 2),))
    return attempt(lambda: layer(data(m).detach()).sum().backward())


@program
def full_backward_hook_under_no_grad(m):
    layer = net(m)
    seen = []
    layer.register_full_backward_hook(lambda mod, i, o: seen.append(1))
    with m.no_grad():
        y = layer(data(m))
    return y.requires_grad, y.grad_fn, seen


def two(m):
    class Two(m.nn.Module):
        def forward(self, x, y, k=2):
            return x * y, k, x + y

    return Two()


@program
def full_backward_hooks_of_several(m):
    n = two(m)
    seen = []
    n.register_full_backward_hook(lambda mod, i, o: seen.append((plain(i), plain(o))))
    x, y = data(m), data(m).detach()
    a, k, b = n(x, y, 3)
    (a.sum() + 2 * b.sum()).backward(retain_graph=True)
    a.sum().backward()
    return seen, k, x.grad


@program
def full_backward_hook_of_a_dict_output(m):
    class Net(m.nn.Module):
        def forward(self, x):
            return {"y": x * 2}

    n = Net()
    seen = []
    n.register_full_backward_hook(lambda mod, i, o: seen.append((plain(i), plain(o))))
    x = data(m)
    y = attempt(lambda: n(x)["y"])
    y.sum().backward()
    return seen, x.grad


@program
def full_backward_hook_of_a_list_output(m):
    class Net(m.nn.Module):
        def forward(self, x):
            return [x * 2, x * 3]

    n = Net()
    seen = []
    n.register_full_backward_hook(lambda mod, i, o: seen.append((plain(i), plain(o))))
    x = data(m)
    attempt(lambda: n(x)[0].sum().backward())
    return seen, x.grad


@program
def backward_hook_graph(m):
    layer = net(m)
    layer.register_full_backward_hook(lambda mod, i, o: None)
    y = layer(data(m))
    return y.grad_fn.name(), y.grad_fn.next_functions[0][0].name()


@program
def old_backward_hook(m):
    layer = m.nn.ReLU()
    seen = []
    layer.register_backward_hook(lambda mod, i, o: seen.append((plain(i), plain(o))))
    x = data(m)
    layer(x).sum().backward()
    return seen, x.grad


@program
def two_kinds_of_backward_hooks(m):
    a, b = net(m), net(m)
    a.register_backward_hook(lambda *_: None)
    b.register_full_backward_hook(lambda *_: None)
    return attempt(lambda: a.register_full_backward_hook(lambda *_: None)), attempt(
        lambda: b.register_backward_hook(lambda *_: None)
    )


@program
def full_backward_hooks_and_in_place(m):
    layer = net(m)
    layer.register_full_backward_hook(lambda mod, i, o: None)
    y = layer(data(m))
    return attempt(lambda: y.mul_(2))


@program
def an_in_place_module_behind_a_backward_hook(m):
    n = m.nn.ReLU(inplace=True)
    n.register_full_backward_hook(lambda mod, i, o: None)
    x = data(m)
    return attempt(lambda: n(x * 1).sum().backward())


@program
def global_hooks(m):
    g = m.nn.modules.module
    seen = []
    hs = [
        g.register_module_forward_pre_hook(lambda mod, a: seen.append("pre")),
        g.register_module_forward_hook(lambda mod, a, o: seen.append("forward")),
        g.register_module_full_backward_hook(lambda mod, i, o: seen.append("backward")),
        g.register_module_full_backward_pre_hook(lambda mod, o: seen.append("backward pre")),
    ]
    try:
        layer = net(m)
        layer.register_forward_hook(lambda mod, a, o: seen.append("own"))
        layer.register_forward_pre_hook(lambda mod, a: seen.append("own pre"))
        layer.register_full_backward_hook(lambda mod, i, o: seen.append("own backward"))
        layer(data(m)).sum().backward()
    finally:
        for h in hs:
            h.remove()
    net(m)(data(m)).sum().backward()
    return seen


@program
def global_hooks_replace(m):
    g = m.nn.modules.module
    hs = [
        g.register_module_forward_pre_hook(lambda mod, a: (a[0] * 2,)),
        g.register_module_forward_hook(lambda mod, a, o: o + 1),
        g.register_module_full_backward_hook(lambda mod, i, o: (i[0] * 3,)),
        g.register_module_full_backward_pre_hook(lambda mod, o: (o[0] * 5,)),
    ]
    x = data(m)
    try:
        y = net(m)(x)
        y.sum().backward()
    finally:
        for h in hs:
            h.remove()
    return y, x.grad


@program
def global_forward_hook_with_kwargs_always(m):
    g = m.nn.modules.module
    seen = []
    h = g.register_module_forward_hook(
        lambda mod, a, k, o: seen.append((dict(k), o is None)), with_kwargs=True, always_call=True
    )
    try:
        n = named(m)
        n(data(m), scale=2.0)
    finally:
        h.remove()
    return seen


@program
def global_backward_hook(m):
    g = m.nn.modules.module
    seen = []
    g._global_is_full_backward_hook = None
    h = g.register_module_backward_hook(lambda mod, i, o: seen.append((plain(i), plain(o))))
    try:
        r = attempt(lambda: g.register_module_full_backward_hook(lambda *_: None))
        x, layer = data(m), m.nn.ReLU()
        layer(x).sum().backward()
    finally:
        h.remove()
    g._global_is_full_backward_hook = None
    return r, seen


@program
def registration_hooks(m):
    g = m.nn.modules.module
    seen = []
    hs = [
        g.register_module_module_registration_hook(lambda mod, name, sub: seen.append(("module", name))),
        g.register_module_parameter_registration_hook(lambda mod, name, p: seen.append(("parameter", name))),
        g.register_module_buffer_registration_hook(lambda mod, name, b: seen.append(("buffer", name))),
    ]
    try:
        m.nn.Sequential(m.nn.Linear(1, 1), m.nn.BatchNorm1d(1))
    finally:
        for h in hs:
            h.remove()
    return seen


@program
def hooks_in_a_copied_module(m):
    import copy

    layer = net(m)
    seen = []
    h = layer.register_forward_hook(lambda mod, a, o: seen.append(1))
    twin = copy.deepcopy(layer)
    twin(data(m))
    h.remove()
    twin(data(m))
    layer(data(m))
    return seen


@program
def module_hooks_under_create_graph(m):
    n = named(m)
    n.register_full_backward_hook(lambda mod, i, o: (i[0] * 2,))
    x = data(m)
    (g,) = m.autograd.grad((n(x, scale=3.0) ** 3).sum(), x, create_graph=True)
    return g, m.autograd.grad(g.sum(), x)


@program
def state_dict_hooks(m):
    layer = net(m)
    seen = []
    layer.register_state_dict_post_hook(lambda mod, s, p, l: seen.append(("post", sorted(s))))
    layer.register_state_dict_pre_hook(lambda mod, p, k: seen.append(("pre", p, k)))
    layer.register_load_state_dict_pre_hook(lambda mod, s, *r: seen.append("load pre"))
    layer.register_load_state_dict_post_hook(lambda mod, keys: seen.append("load post"))
    layer.load_state_dict(layer.state_dict())
    return seen


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
