"""Calls and attributes of modules whose classes or instances give them ways of their own."""

import copy
import pickle
from types import MethodType

import pytest

import rushlight
from rushlight import nn


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(rushlight.tensor(2.0))
        self.register_buffer("offset", rushlight.tensor(1.0))
        self.inner = nn.Identity()

    def forward(self, x, *more, bias=0.0):
        return self.inner(x) * self.factor + bias + len(more)


def value(module, *args, **named):
    return module(rushlight.tensor(3.0), *args, **named).item()


def test_positional_and_named_arguments():
    module = Twice()
    assert value(module) == 6
    assert value(module, bias=1.0) == 7
    assert value(module, *range(9)) == 15
    assert module(x=rushlight.tensor(1.0)).item() == 2
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        module()


def test_forward_of_an_instance_and_of_a_class(monkeypatch):
    module, other = Twice(), Twice()
    module.forward = lambda x: x - 1
    assert (value(module), value(other)) == (2, 6)
    del module.forward
    assert value(module) == 6
    monkeypatch.setattr(Twice, "forward", lambda self, x: x * self.factor * 10)
    assert value(module) == 60
    monkeypatch.setattr(Twice, "forward", staticmethod(lambda x: x + 5))
    assert value(module) == 8
    monkeypatch.setattr(Twice, "forward", property(lambda self: lambda x: x * 7))
    assert value(module) == 21
    monkeypatch.undo()
    assert value(module) == 6


def test_call_of_a_class_and_of_all_modules(monkeypatch):
    seen, usual = [], nn.Module.__call__

    class Derived(Twice):
        pass

    def traced(self, *args, **named):
        seen.append(type(self).__name__)
        return usual(self, *args, **named)

    module, special = Twice(), Derived()
    monkeypatch.setattr(Derived, "__call__", lambda self, x: x, raising=False)
    assert (value(special), value(module)) == (3, 6)
    monkeypatch.setattr(nn.Module, "__call__", traced)
    assert (value(module), value(special)) == (6, 3)
    assert seen == ["Twice", "Identity"]

    class Later(Twice):
        pass

    value(Later())
    assert seen[2:] == ["Later", "Identity"]
    monkeypatch.undo()
    assert (value(module), value(special), value(Later())) == (6, 6, 6)
    assert len(seen) == 4


def test_attributes_by_a_method_of_the_class(monkeypatch):
    class Through(Twice):
        def __getattr__(self, name):
            if name == "unknown":
                return 11
            return super().__getattr__(name)

    class Counted(Twice):
        asked = 0

        def __getattribute__(self, name):
            if name == "factor":
                Counted.asked += 1
            return super().__getattribute__(name)

    module = Through()
    assert (module.unknown, value(module)) == (11, 6)
    with pytest.raises(AttributeError, match="'Through' object has no attribute 'other'"):
        module.other  # noqa: B018
    counted, Counted.asked = Counted(), 0
    assert (value(counted), Counted.asked) == (6, 1)
    plain = Twice()
    monkeypatch.setattr(Twice, "__getattr__", lambda self, name: 4.0, raising=False)
    assert (plain.factor, plain.anything) == (4.0, 4.0)
    monkeypatch.undo()
    assert plain.factor.item() == 2


def test_what_a_class_defines_comes_first():
    class Shadowing(Twice):
        unset = None

        @property
        def broken(self):
            return self.nothing_of_the_kind

        @property
        def doubled(self):
            return self.offset * 2

    module = Shadowing()
    assert module.factor.item() == 2
    Shadowing.factor = 100.0
    assert module.factor == 100.0
    module.unset = 3
    assert module.unset == 3
    assert module.doubled.item() == 2
    with pytest.raises(AttributeError):
        module.broken  # noqa: B018
    assert hasattr(module, "inner") and not hasattr(module, "outer")


def test_a_class_made_without_telling_module():
    class Alone(Twice):
        def __init_subclass__(cls, **options):
            cls.options = options

    class Derived(Alone, mark=1):
        pass

    assert Derived.options == {"mark": 1}
    assert value(Derived()) == 6

    class Mixin:
        def __init_subclass__(cls, tag=None, **options):
            super().__init_subclass__(**options)
            cls.tag = tag

    class Both(Twice, Mixin, tag="t"):
        pass

    assert Both.tag == "t"
    assert value(Both()) == 6


def test_modules_without_their_registries():
    class Careless(nn.Module):
        def __init__(self):
            self.width = 3

        def forward(self, x):
            return x * self.width

    assert value(Careless()) == 9
    with pytest.raises(AttributeError, match="'Careless' object has no attribute '_modules'"):
        Careless()._modules  # noqa: B018
    module = Twice()
    module.__class__ = Careless
    module.width = 5
    assert value(module) == 15
    bare = Twice.__new__(Twice)
    with pytest.raises(AttributeError, match="'Twice' object has no attribute 'factor'"):
        bare.factor  # noqa: B018


def test_bound_methods_and_hooks_after_the_first_call():
    module, seen = Twice(), []
    assert value(module) == 6
    handle = module.register_forward_hook(lambda m, args, out: seen.append(out.item()))
    assert value(module) == 6 and seen == [6]
    handle.remove()
    assert value(module) == value(module) == 6 and seen == [6]
    module.forward = MethodType(lambda self, x: x * self.factor + 100, module)
    assert value(module) == 106


def test_errors_in_forward_name_the_module():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no such size")

    outer = nn.Sequential(nn.Identity(), Broken())
    with pytest.raises(ValueError, match="no such size") as caught:
        outer(rushlight.zeros(2))
    assert caught.value.__notes__ == ["Broken() got an input of shape (2,); it is 1 of Sequential"]


def test_copies_and_pickles_are_called_alike():
    module = Twice()
    for other in (copy.deepcopy(module), copy.copy(module), pickle.loads(pickle.dumps(module))):
        assert value(other) == 6
        assert other.offset.item() == 1
