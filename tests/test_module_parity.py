"""What programs do with modules, run by PyTorch and by us: walks, names, states, conversions, copies, messages."""

import copy
import io
import pickle
from collections import OrderedDict

import pytest

import rushlight as rl
from beside import collect, outcome

pytestmark = pytest.mark.parity
PROGRAMS = []
program = collect(PROGRAMS)


def told(run):
    """What `run` returns, or its error with the whole of its message."""
    try:
        return run()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def net(m):
    """A module with parameters and buffers of several kinds, one module twice, and None in places."""

    class Net(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = m.nn.Linear(2, 3)
            self.again = self.first
            self.scale = m.nn.Parameter(m.ones(3))
            self.tied = self.scale
            self.register_parameter("absent", None)
            self.register_buffer("seen", m.zeros(1))
            self.register_buffer("scratch", m.zeros(2), persistent=False)
            self.register_buffer("unset", None)
            self.plain = m.ones(2)
            self.inner = m.nn.Sequential(m.nn.ReLU(), m.nn.Linear(3, 1, bias=False))
            self.nothing = None
            self.add_module("missing", None)

        def forward(self, x):
            return self.inner(self.first(x) * self.scale)

    return Net()


def names(pairs):
    return [name for name, _ in pairs]


@program
def walks(m):
    n = net(m)
    return [
        names(n.named_parameters()), names(n.named_parameters(prefix="a", recurse=False)),
        names(n.named_parameters("a", remove_duplicate=False)), names(n.named_buffers()),
        names(n.named_buffers("b", recurse=False, remove_duplicate=False)), names(n.named_modules()),
        names(n.named_modules(prefix="p", remove_duplicate=False)), names(n.named_children()),
        names(n.named_modules(memo={n.inner})), len(list(n.modules())), len(list(n.modules(remove_duplicate=False))),
        len(list(n.children())), len(list(n.parameters(recurse=False))), len(list(n.buffers(recurse=False))),
    ]  # fmt: skip


@program
def lookups(m):
    n = net(m)
    asked = ["", "first", "inner.1", "inner.7", "first.weight", "scale", "seen", "nothing", "missing", "inner.1.weight",
             "nowhere.weight", "first.nowhere", "plain", "first..weight", ".first", "absent", "unset", "scratch"]  # fmt: skip
    for method in ("get_submodule", "get_parameter", "get_buffer"):
        for target in asked:
            yield method, target, told(lambda: type(getattr(n, method)(target)).__name__)


@program
def submodules_are_set(m):
    cases = [
        ("first", {}), ("inner.1", {}), ("inner.9", {}), ("new", {}), ("new", {"strict": True}), ("", {}),
        ("scale", {}), ("plain", {}), ("a.b", {}), ("inner.0", {"strict": True}), ("scale.x", {}), (".x", {}),
        ("inner.9", {"strict": True}), ("missing", {}), ("nothing", {}), ("missing.x", {}),
    ]  # fmt: skip
    for target, options in cases:
        n = net(m)
        yield target, told(lambda: n.set_submodule(target, m.nn.Tanh(), **options)), repr(n)
    yield told(lambda: net(m).set_submodule("first", None))


@program
def registering(m):
    n = net(m)
    P, T = m.nn.Parameter, m.ones(2)
    calls = [
        lambda: n.register_parameter("a", T), lambda: n.register_parameter("a", 1),
        lambda: n.register_parameter("", None), lambda: n.register_parameter(1, None),
        lambda: n.register_parameter("a.b", None), lambda: n.register_parameter("first", None),
        lambda: n.register_parameter("seen", None), lambda: n.register_parameter("scale", P(T)),
        lambda: n.register_parameter("forward", P(T)), lambda: n.register_parameter("c", P(T) * 1),
        lambda: n.register_buffer("a", 1), lambda: n.register_buffer("a", P(T)), lambda: n.register_buffer("", None),
        lambda: n.register_buffer(1, None), lambda: n.register_buffer("a.b", None),
        lambda: n.register_buffer("first", None), lambda: n.register_buffer("scale", None),
        lambda: n.register_buffer("seen", T), lambda: n.register_buffer("forward", T), lambda: n.add_module("a", 1),
        lambda: n.add_module("", n.first), lambda: n.add_module(1, n.first), lambda: n.add_module("a.b", n.first),
        lambda: n.add_module("scale", n.first), lambda: n.add_module("first", m.nn.ReLU()),
        lambda: n.add_module("forward", n.first), lambda: n.add_module("a", "x"),
        lambda: n.register_module("m", m.nn.ReLU()), lambda: n.add_module("ok", m.nn.Module),
        lambda: n.register_parameter("b2", m.nn.Buffer(T)), lambda: setattr(n, "first", T),
        lambda: setattr(n, "scale", T), lambda: setattr(n, "scale", n.first), lambda: setattr(n, "seen", 3),
        lambda: setattr(n, "seen", P(T)), lambda: setattr(n, "absent", T), lambda: setattr(n, "unset", T),
        lambda: setattr(n, "nothing", P(T)), lambda: setattr(n, "plain", P(T)), lambda: setattr(n, "first", None),
        lambda: setattr(n, "inner", P(T)), lambda: setattr(n, "tied", None),
        lambda: setattr(n, "newbuf", m.nn.Buffer(T, persistent=False)), lambda: setattr(n, "a.b", P(T)),
        lambda: setattr(n, "a.b", m.nn.ReLU()), lambda: setattr(n, "", m.nn.ReLU()), lambda: delattr(n, "nowhere"),
        lambda: delattr(n, "scratch"), lambda: delattr(n, "scale"), lambda: delattr(n, "inner"), lambda: n.nowhere,
    ]  # fmt: skip
    for i, call in enumerate(calls):
        yield i, told(call)
    yield names(n.named_parameters(remove_duplicate=False)), names(n.named_buffers()), names(n.named_modules())
    yield list(n.state_dict()), sorted(n._non_persistent_buffers_set), repr(n)


@program
def before_init(m):
    def early(fill):
        class Early(m.nn.Module):
            def __init__(self):
                fill(self)

        return told(Early)

    P, T = m.nn.Parameter, m.ones(2)
    yield early(lambda s: setattr(s, "a", P(T)))
    yield early(lambda s: setattr(s, "a", m.nn.ReLU()))
    yield early(lambda s: setattr(s, "a", m.nn.Buffer(T)))
    yield early(lambda s: setattr(s, "a", T))
    yield early(lambda s: s.register_parameter("a", P(T)))
    yield early(lambda s: s.register_buffer("a", T))
    yield early(lambda s: s.nowhere)
    yield early(lambda s: repr(s))
    yield told(lambda: m.nn.Module(1)), told(lambda: m.nn.Module(a=1)), told(lambda: m.nn.Module(1, b=2))


@program
def states(m):
    n = net(m)
    yield list(n.state_dict()), list(n.state_dict(prefix="x.")), dict(n.state_dict()._metadata)
    yield n.state_dict()["scale"].requires_grad, n.state_dict(keep_vars=True)["scale"].requires_grad
    into = OrderedDict(old=1)
    yield n.state_dict(destination=into) is into, list(into), hasattr(into, "_metadata")
    yield list(n.state_dict(into, "y.", True))
    yield (
        type(n.state_dict()).__name__,
        type(n.state_dict()["scale"]).__name__,
        type(n.state_dict(keep_vars=True)["scale"]).__name__,
    )


@program
def loading(m):
    def attempt(change, **options):
        n = net(m)
        state = n.state_dict()
        changed = change(state)
        result = told(lambda: n.load_state_dict(state if changed is None else changed, **options))
        if not isinstance(result, str):
            result = [repr(result), list(result.missing_keys), list(result.unexpected_keys)]
        return result, n.scale

    for strict in (True, False):
        yield attempt(lambda s: None, strict=strict)
        yield attempt(lambda s: s.pop("scale") and None, strict=strict)
        yield attempt(
            lambda s: s.update({"x": m.ones(1), "first.y": m.ones(1), "inner.1.w.z": m.ones(1)}), strict=strict
        )
        yield attempt(lambda s: s.update({"scale": m.ones(4), "first.weight": m.ones(2, 3)}), strict=strict)
        yield attempt(lambda s: s.update({"seen": m.zeros(())}), strict=strict)
        yield attempt(lambda s: s.update({"scale": 3, "first.bias": [1.0]}), strict=strict)
        yield attempt(
            lambda s: s.update({"scale": m.ones(4), "q": m.ones(4)}) or (s.pop("seen") and None), strict=strict
        )
        yield attempt(lambda s: s.update({"scale": m.full((3,), 2.0, dtype=m.float64)}), strict=strict)
        yield attempt(lambda s: {}, strict=strict)
        yield attempt(lambda s: {"scratch": m.ones(2), "seen": m.ones(1)}, strict=strict)
        yield attempt(lambda s: {"missing.weight": m.ones(2), "absent": m.ones(1), "unset": m.ones(1)}, strict=strict)
    yield attempt(lambda s: [1])
    yield attempt(lambda s: s.items())
    yield attempt(lambda s: {1: m.ones(1)}, strict=False)
    yield attempt(lambda s: s.update({"scale": m.ones(4)}), assign=True)
    yield attempt(lambda s: s.update({"scale": m.full((3,), 2.0, dtype=m.float64)}), assign=True)


@program
def assigned(m):
    n = net(m)
    n.first.weight.requires_grad_(False)
    state = OrderedDict((k, v.clone().double()) for k, v in n.state_dict().items())
    state["tied"] = state["scale"]
    yield told(lambda: repr(n.load_state_dict(state, assign=True)))
    yield n.first.weight, n.scale, n.seen, type(n.scale).__name__, n.scale.data_ptr() == state["scale"].data_ptr()
    other = net(m)
    yield told(lambda: repr(n.load_state_dict(other.state_dict(keep_vars=True), assign=True)))
    yield n.scale is other.scale, n.first.weight is other.first.weight, n.first.weight.requires_grad


@program
def scalars_and_shapes(m):
    class One(m.nn.Module):
        def __init__(self, shape):
            super().__init__()
            self.p = m.nn.Parameter(m.ones(shape))

    for mine, theirs in (((), (1,)), ((1,), ()), ((), (2,)), ((1, 1), (1,)), ((2, 1), (2,)), ((0,), (0,))):
        n = One(mine)
        yield told(lambda: repr(n.load_state_dict({"p": m.zeros(theirs)}))), n.p


@program
def extra_state(m):
    class Extra(m.nn.Linear):
        def get_extra_state(self):
            return {"seen": 3}

        def set_extra_state(self, state):
            self.got = state

    n = m.nn.Sequential(Extra(1, 1), m.nn.Linear(1, 1))
    state = n.state_dict()
    yield list(state), told(lambda: repr(n.load_state_dict(state))), n[0].got
    state.pop("0._extra_state")
    yield told(lambda: repr(n.load_state_dict(state))), told(lambda: repr(n.load_state_dict(state, strict=False)))
    state["1._extra_state"] = 4
    yield told(lambda: repr(n.load_state_dict(state, strict=False))), told(lambda: repr(n.load_state_dict(state)))
    yield told(lambda: n[1].get_extra_state()), told(lambda: n[1].set_extra_state(1))

    class OnlyGet(m.nn.Module):
        def get_extra_state(self):
            return 1

    class OnlySet(m.nn.Module):
        def set_extra_state(self, state):
            self.got = state

    yield list(OnlyGet().state_dict()), told(lambda: repr(OnlyGet().load_state_dict(OnlyGet().state_dict())))
    yield (
        told(lambda: repr(OnlySet().load_state_dict({}))),
        told(lambda: repr(OnlySet().load_state_dict({"_extra_state": 2}))),
    )


@program
def state_hooks(m):
    n = net(m)
    log = []
    n.register_state_dict_pre_hook(lambda module, prefix, keep: log.append(("pre", prefix, keep)))
    n.register_state_dict_post_hook(lambda module, state, prefix, meta: log.append(("post", prefix, dict(meta))))
    n.first._register_state_dict_hook(lambda module, state, prefix, meta: log.append(("old", prefix, dict(meta))))
    n.register_load_state_dict_pre_hook(
        lambda module, state, *rest: log.append(("load", type(module).__name__, list(state), *rest[:3]))
    )
    n.first._register_load_state_dict_pre_hook(lambda state, *rest: log.append(("oldload", *rest[:3])))
    n.first._register_load_state_dict_pre_hook(
        lambda module, state, *rest: log.append(("with", *rest[:1])), with_module=True
    )
    handle = n.register_load_state_dict_post_hook(lambda module, keys: log.append(("after", repr(keys))))
    state = n.state_dict()
    n.load_state_dict(state)
    handle.remove()
    n.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    yield told(lambda: repr(n.load_state_dict({}, strict=True)))
    yield log
    bad = net(m)
    bad.register_load_state_dict_post_hook(lambda module, keys: keys)
    yield told(lambda: bad.load_state_dict(bad.state_dict()))
    bad = net(m)
    bad.register_state_dict_post_hook(lambda module, state, prefix, meta: state)
    yield told(lambda: bad.state_dict())
    replaced = net(m)
    replaced._register_state_dict_hook(lambda module, state, prefix, meta: {"only": 1})
    yield list(replaced.state_dict())


@program
def conversions(m):
    def dtypes(n):
        n.register_buffer("count", m.zeros(1, dtype=m.int64))
        return {k: str(v.dtype).split(".")[1] for k, v in n.state_dict().items()}

    for change in (
        lambda n: n.half(), lambda n: n.double(), lambda n: n.bfloat16(), lambda n: n.float(), lambda n: n.cpu(),
        lambda n: n.to(m.float64), lambda n: n.to("cpu"), lambda n: n.to("cpu", m.float16),
        lambda n: n.to(dtype=m.float64), lambda n: n.to(m.zeros(1, dtype=m.float64)), lambda n: n.to(m.complex64),
        lambda n: n.type(m.float64), lambda n: n.to(device="cpu", dtype=m.float64, non_blocking=True),
        lambda n: n.to("cpu", m.float64, True), lambda n: n.to(m.float64, True), lambda n: n.to(None),
        lambda n: n.to(memory_format=m.channels_last),
    ):  # fmt: skip
        n = net(m)
        weight = n.first.weight
        (n(m.ones(2)).sum()).backward()
        yield (
            change(n) is n,
            n.first.weight is weight,
            dtypes(n),
            str(weight.grad.dtype).split(".")[1],
            weight.requires_grad,
        )
    n = net(m)
    yield told(lambda: n.to(m.int64))
    yield told(lambda: n.type(m.int64))


@program
def complex_to_real(m):
    n = m.nn.Linear(1, 1, dtype=m.complex64)
    yield n.float().weight.dtype == m.complex64, n.half().weight.dtype == m.complex64
    yield n.double().weight.dtype == m.complex64, n.to(m.complex128).weight.dtype == m.complex128


@program
def emptied(m):
    n = net(m).to_empty(device="cpu")
    yield n.first.weight.shape == (3, 2), n.seen.shape == (1,), n.scale.requires_grad, n.scale is n.tied
    yield told(lambda: n.to_empty()), told(lambda: n.to_empty("cpu"))


@program
def modes(m):
    n = net(m)
    yield n.eval() is n, n.training, n.inner[0].training, n.train().training, n.train(False).first.training
    yield told(lambda: n.train(1)), told(lambda: n.train("yes")), told(lambda: n.train(None))
    seen = []
    yield n.apply(lambda module: seen.append(type(module).__name__)) is n, seen
    yield (
        n.requires_grad_(False) is n,
        [p.requires_grad for p in n.parameters()],
        n.requires_grad_().scale.requires_grad,
    )


@program
def gradients_are_cleared(m):
    n = net(m)
    n(m.ones(2)).sum().backward()
    grad = n.scale.grad
    yield n.zero_grad(False), n.scale.grad is grad, n.scale.grad, n.zero_grad(), n.scale.grad


@program
def copies(m):
    n = net(m)
    n(m.ones(2)).sum().backward()
    for other in (copy.deepcopy(n), copy.copy(n)):
        yield other.first.weight is n.first.weight, other.scale is other.tied, other.first is other.again
        yield other.scale.grad is None, other.scale.requires_grad, other.seen is n.seen, names(other.named_buffers())
        other.extra = m.nn.ReLU()
        yield names(n.named_children()), other.inner is n.inner
    shallow = copy.copy(n)
    shallow.scale = m.nn.Parameter(m.zeros(3))
    yield n.scale, shallow.scale


@program
def pickles(m):
    n = m.nn.Sequential(OrderedDict(a=m.nn.Linear(2, 2), b=m.nn.BatchNorm1d(2)))
    n.a.weight.requires_grad_(False)
    n.train(False)
    file = io.BytesIO()
    pickle.dump(n, file)
    other = pickle.loads(file.getvalue())
    yield repr(other), other.training, other.a.weight.requires_grad, (other.a.weight == n.a.weight).all().item()
    yield other(m.ones(2, 2)).shape == (2, 2), names(other.named_buffers()), list(other.state_dict())


@program
def shows(m):
    class Extra(m.nn.Module):
        def __init__(self, text, *children):
            super().__init__()
            self.text = text
            for i, child in enumerate(children):
                self.add_module(f"c{i}", child)

        def extra_repr(self):
            return self.text

    for text in ("", "a", "a\nb"):
        yield repr(Extra(text)), repr(Extra(text, m.nn.ReLU())), repr(Extra(text, Extra("x\ny", m.nn.ReLU())))
    yield repr(net(m)), net(m)._get_name(), str(m.nn.ModuleList([m.nn.ReLU()] * 3))
    yield repr(m.nn.Sequential()), repr(m.nn.ModuleDict()), repr(m.nn.ParameterList()), repr(m.nn.ParameterDict())
    yield sorted(set(dir(net(m))) & {"first", "scale", "seen", "plain", "training", "0"}), "0" in dir(net(m).inner)


@program
def without_forward(m):
    class Empty(m.nn.Module):
        pass

    class Wrong(m.nn.Module):
        forward = None

    yield told(lambda: Empty()(1)), told(lambda: Wrong()(1))
    yield told(lambda: m.nn.ModuleList()(1)), told(lambda: m.nn.ModuleDict()(1))
    yield (
        told(lambda: m.nn.ParameterList()(1)),
        told(lambda: m.nn.ParameterDict()(1)),
        told(lambda: m.nn.Sequential()(1)),
    )


@program
def inheritance(m):
    class Base:
        def __init__(self, a, b=2):
            self.got = (a, b)

    class Cooperative(m.nn.Module, Base):
        call_super_init = True

        def __init__(self, a):
            super().__init__(a, b=3)

    class Usual(m.nn.Module, Base):
        def __init__(self):
            super().__init__()

    yield Cooperative(1).got, hasattr(Usual(), "got")


@program
def annotations(m):
    class Counted(m.nn.Module):
        count: int
        weight: m.Tensor

        def __init__(self):
            super().__init__()
            self.count = 1

    yield (
        Counted.__annotations__["count"] is int,
        m.nn.Module.dump_patches,
        m.nn.Module.call_super_init,
        m.nn.Module._version,
    )


@program
def setstate(m):
    n = m.nn.Linear(1, 1)
    state = n.__dict__.copy()
    for key in list(state):
        if key.startswith("_forward_pre") or "state_dict" in key or key.startswith("_non"):
            del state[key]
    old = m.nn.Linear.__new__(m.nn.Linear)
    old.__setstate__(state)
    yield old(m.ones(1)).shape == (1,), list(old.state_dict()), names(old.named_modules())
    old.register_forward_hook(lambda *a: None)
    yield old(m.ones(1)).shape == (1,), repr(old.load_state_dict(n.state_dict()))


@program
def sequential(m):
    s = m.nn.Sequential(m.nn.ReLU(), m.nn.Tanh(), m.nn.Linear(1, 1))
    calls = [
        lambda: s[3], lambda: s["0"], lambda: s[1.0], lambda: s[-4], lambda: repr(s[-1:]), lambda: repr(s[::2]),
        lambda: s.insert(9, m.nn.ReLU()), lambda: s.insert(0, 1), lambda: s.append(1), lambda: s.extend([1]),
        lambda: s + 1, lambda: s * 0, lambda: s * 1.5, lambda: repr(s * 2), lambda: repr(2 * s), lambda: repr(s + s),
        lambda: s.pop(9), lambda: repr(s.pop(-1)), lambda: repr(s), lambda: repr(s.insert(-1, m.nn.ELU())),
        lambda: repr(s.append(m.nn.GELU())), lambda: repr(s.extend([m.nn.Mish()])),
        lambda: s.__setitem__(9, m.nn.ReLU()), lambda: s.__setitem__(0, 1), lambda: s.__delitem__(9),
        lambda: s.__delitem__(slice(0, 2)), lambda: repr(s), lambda: len(s), lambda: m.nn.Sequential(1),
        lambda: m.nn.Sequential(OrderedDict({"a.b": m.nn.ReLU()})), lambda: m.nn.Sequential(None)(1),
        lambda: m.nn.Sequential([m.nn.ReLU()]), lambda: m.nn.Sequential({"a": m.nn.ReLU()}), lambda: s.extend(5),
        lambda: s.__iadd__([m.nn.ReLU()]), lambda: s.__imul__(0), lambda: repr(s.__imul__(2)),
        lambda: s.insert("a", m.nn.ReLU()),
    ]  # fmt: skip
    for i, call in enumerate(calls):
        yield i, told(call)


@program
def module_lists(m):
    L = m.nn.ModuleList
    s = L([m.nn.ReLU(), m.nn.Tanh(), m.nn.Linear(1, 1)])
    calls = [
        lambda: s[3], lambda: s["0"], lambda: s[1.0], lambda: s[-4], lambda: repr(s[-1:]),
        lambda: s.insert(1, m.nn.ReLU()), lambda: s.append(1), lambda: s.extend([1]), lambda: s.extend(1),
        lambda: s + 1, lambda: repr(s + [m.nn.ELU()]), lambda: repr(s), lambda: s.pop(9), lambda: repr(s.pop(-1)),
        lambda: s.pop(slice(0, 1)), lambda: s.__setitem__(9, m.nn.ReLU()), lambda: s.__setitem__(0, 1),
        lambda: s.__setitem__(-1, m.nn.GELU()), lambda: s.__delitem__(9), lambda: s.__delitem__(slice(0, 2)),
        lambda: repr(s), lambda: L(1), lambda: L([None]), lambda: repr(L([None])), lambda: len(L(None)),
        lambda: repr(s.__iadd__([m.nn.ReLU()])), lambda: repr(s),
        lambda: repr(list(reversed(L([m.nn.ReLU(), m.nn.Tanh()])))), lambda: repr(L(m.nn.Sequential(m.nn.ReLU()))),
        lambda: s.insert(0, m.nn.ELU()), lambda: names(s.named_children()), lambda: s.count(1), lambda: s[True],
    ]  # fmt: skip
    for i, call in enumerate(calls):
        yield i, told(call)


@program
def module_dicts(m):
    D = m.nn.ModuleDict
    d = D({"a": m.nn.ReLU(), "b": m.nn.Tanh()})
    calls = [
        lambda: d["c"], lambda: d[1], lambda: d.__setitem__(1, m.nn.ReLU()), lambda: d.__setitem__("c", 1),
        lambda: d.__setitem__("a.b", m.nn.ReLU()), lambda: d.__setitem__("keys", m.nn.ReLU()), lambda: d.pop("z"),
        lambda: repr(d.pop("a")), lambda: d.update(1), lambda: d.update([1]), lambda: d.update([("x",)]),
        lambda: d.update([("x", m.nn.ReLU(), 1)]), lambda: d.update([("x", m.nn.ReLU())]), lambda: d.update(x=1),
        lambda: list(d.keys()), lambda: repr(list(d.items())), lambda: repr(list(d.values())), lambda: len(d),
        lambda: "x" in d, lambda: d.__delitem__("q"), lambda: d.update(OrderedDict(z=m.nn.ELU(), y=m.nn.ReLU())),
        lambda: repr(d), lambda: d.update({"z2": m.nn.ELU(), "y2": m.nn.ReLU()}), lambda: repr(d), lambda: list(d),
        lambda: d.clear(), lambda: repr(d), lambda: d.get("a"), lambda: D(1), lambda: D([("a", 1)]),
        lambda: d.update(D({"q": m.nn.ReLU()})), lambda: repr(d), lambda: d.update("ab"),
        lambda: d.__setitem__("training", m.nn.ReLU()), lambda: list(reversed(d)),
    ]  # fmt: skip
    for i, call in enumerate(calls):
        yield i, told(call)


@program
def parameter_lists(m):
    L, P = m.nn.ParameterList, m.nn.Parameter
    s = L([m.ones(2), P(m.ones(3, 1)), 3, "x", None])
    calls = [
        lambda: s[9], lambda: s["0"], lambda: s[-6], lambda: s[0], lambda: repr(s), lambda: len(s),
        lambda: s.append(5) is s, lambda: s.extend([m.ones(1)]) is s, lambda: s.extend(m.ones(1)), lambda: s.extend(3),
        lambda: repr(s[1:3]), lambda: s.__setitem__(0, m.zeros(2)), lambda: s.__setitem__(99, m.zeros(2)),
        lambda: s.__setitem__(2, "y"), lambda: repr(s), lambda: names(s.named_parameters()),
        lambda: list(s.state_dict()), lambda: L(m.ones(2)), lambda: L(1), lambda: repr(L([L([m.ones(1)])])),
        lambda: s.__iadd__([1]) is s, lambda: s.__delitem__(0), lambda: s.pop(), lambda: [type(x).__name__ for x in s],
        lambda: repr(L(P(m.ones(1)) for _ in range(2))), lambda: s.__setitem__(slice(0, 1), 3), lambda: s.insert(0, 1),
        lambda: repr(L([m.ones(2, dtype=m.float64)])), lambda: repr(L([m.ones(())])), lambda: s.__setitem__(0, 1),
    ]  # fmt: skip
    for i, call in enumerate(calls):
        yield i, told(call)


@program
def parameter_dicts(m):
    D, P = m.nn.ParameterDict, m.nn.Parameter
    d = D({"a": m.ones(2), "b": P(m.ones(3, 1)), "c": 3})
    calls = [
        lambda: d["z"], lambda: d[1], lambda: repr(d), lambda: d.update({"q": 1, "e": 2, "r": 3}),
        lambda: d.update(OrderedDict(l=1, k=2)), lambda: d.pop("z"), lambda: d.pop("a"), lambda: d.popitem(),
        lambda: d.update(1), lambda: d.update([1]), lambda: d.update([("x",)]), lambda: d.update([("x", m.ones(1))]),
        lambda: d.update({"y": m.ones(2), "w": 1}), lambda: list(d.keys()), lambda: list(d.values()),
        lambda: list(d.items()), lambda: len(d), lambda: "x" in d, lambda: d.__delitem__("q"), lambda: d.get("x"),
        lambda: d.get("q", 4), lambda: d.setdefault("n", m.ones(1)), lambda: d.setdefault("n"), lambda: repr(d.copy()),
        lambda: repr(d | {"t": m.ones(1)}), lambda: repr({"t": m.ones(1)} | d),
        lambda: repr(d.__ior__({"u": m.ones(1)})), lambda: repr(d.fromkeys(["k", "l"], 3)),
        lambda: repr(D.fromkeys(D(), ["k"])), lambda: list(reversed(d)), lambda: names(d.named_parameters()),
        lambda: d.clear(), lambda: repr(d), lambda: d | 3, lambda: D(1), lambda: d.__setitem__("keys", m.ones(1)),
        lambda: d.update(D({"a": m.ones(1)})),
    ]  # fmt: skip
    for i, call in enumerate(calls):
        yield i, told(call)


@program
def parameters(m):
    P = m.nn.Parameter
    t = m.ones(2)
    yield P(t).data_ptr() == t.data_ptr(), P(t), P(), P(t, False), repr(P(t)), repr(P(t, requires_grad=False))
    yield (
        told(lambda: P(m.ones(2, dtype=m.int64))),
        P(m.ones(2, dtype=m.int64), False),
        told(lambda: P([1.0])),
        told(lambda: P(1.0)),
    )
    yield (
        isinstance(P(t), m.Tensor),
        isinstance(t, P),
        type(P(t) + 1).__name__,
        type(P(t).detach()).__name__,
        type(P(t).data).__name__,
    )
    yield (
        type(copy.deepcopy(P(t))).__name__,
        type(copy.copy(P(t))).__name__,
        P(P(t)).requires_grad,
        P(t * P(t)).is_leaf,
    )
    yield (
        type(P(t).clone()).__name__,
        type(P(t).double()).__name__,
        type(P(t).view(2)).__name__,
        type(P(t).to(m.float32)).__name__,
    )


@program
def buffers(m):
    B = m.nn.Buffer
    t = m.ones(2)
    yield isinstance(B(t), m.Tensor), isinstance(B(t), B), isinstance(t, B), type(B(t)).__name__, repr(B(t)), B()
    yield (
        B(t).persistent,
        B(t, persistent=False).persistent,
        B(t).data_ptr() == t.data_ptr(),
        B(m.ones(1, requires_grad=True)),
    )
    n = m.nn.Module()
    n.a, n.b = B(t), B(t, persistent=False)
    yield list(n.state_dict()), names(n.named_buffers())
    n.a = m.zeros(3)
    yield n.a, list(n.state_dict()), copy.deepcopy(n).a, list(copy.deepcopy(n).state_dict())


@program
def kinds_of_attributes(m):
    class Three(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.p, self.m = m.nn.Parameter(m.ones(1)), m.nn.ReLU()
            self.register_buffer("b", m.ones(1))

    for name in "pmb":
        for value in (m.nn.Parameter(m.zeros(1)), m.nn.Tanh(), m.nn.Buffer(m.zeros(1)), m.zeros(1), None, 3):
            n = Three()
            yield (
                name,
                told(lambda: setattr(n, name, value)),
                list(n._parameters),
                list(n._modules),
                list(n._buffers),
                list(n.state_dict()),
            )


@program
def older_names(m):
    yield repr(m.nn.Container(a=m.nn.ReLU()))
    for given in ({}, None, {"device": "cpu"}, {"dtype": 1, "device": None}, {"x": 1}, {"factory_kwargs": {"dtype": 1}},
                  {"factory_kwargs": {"dtype": 1}, "dtype": 2}, {"factory_kwargs": {"y": 1}}, {"memory_format": 1}):  # fmt: skip
        yield told(lambda: m.nn.factory_kwargs(given))


@program
def prefixes(m):
    state = OrderedDict([("module.a", 1), ("module.b.module.c", 2), ("d", 3)])
    state._metadata = OrderedDict(
        [("", {}), ("module", {"version": 1}), ("module.b", {"version": 2}), ("d", {"version": 3})]
    )
    consume = __import__(m.__name__ + ".nn.modules.utils", fromlist=["x"]).consume_prefix_in_state_dict_if_present
    yield consume(state, "module."), dict(state), dict(state._metadata)


def run(m, p):
    """What a program gives or yields, all of it."""
    m.manual_seed(0)
    return outcome(m, lambda m: list(p(m)))


@pytest.mark.parametrize("p", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_program_does_the_same(p):
    torch = pytest.importorskip("torch")
    theirs, ours = run(torch, p), run(rl, p)
    if theirs[0][0] == ours[0][0] == "returned" and isinstance(theirs[0][1], list):
        differing = [(t, o) for t, o in zip(theirs[0][1], ours[0][1], strict=True) if t != o]
        assert differing == []
    assert ours == theirs
