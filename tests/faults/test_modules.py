"""Modules that were begun wrongly, hide their layers, or hold themselves."""

import copy
import pickle
import warnings

import pytest

import rushlight as rl
from rushlight import nn


# -- without super().__init__()
@pytest.mark.parametrize(
    "make, kind",
    [
        (lambda: nn.Linear(2, 2), "module"),
        (lambda: nn.Parameter(rl.ones(2)), "parameters"),
        (lambda: nn.Buffer(rl.ones(2)), "buffer"),
    ],
)
def test_an_attribute_before_init_is_one_good_error(make, kind):
    class Forgot(nn.Module):
        def __init__(self):
            self.inner = make()

    with pytest.raises(AttributeError, match=rf"^cannot assign {kind} before Module.__init__\(\) call") as caught:
        Forgot()
    assert caught.value.code == "RL401"


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.register_parameter("p", nn.Parameter(rl.ones(1))),
        lambda m: m.register_buffer("b", rl.ones(1)),
        lambda m: m.add_module("m", nn.ReLU()),
        lambda m: list(m.parameters()),
        lambda m: m.state_dict(),
        lambda m: m.train(),
        lambda m: repr(m),
        lambda m: m.to(rl.float64),
    ],
)
def test_what_needs_init_says_so(use):
    class Forgot(nn.Module):
        def __init__(self):
            self.width = 3

    with pytest.raises(AttributeError) as caught:
        use(Forgot())
    assert caught.value.code == "RL401"


# -- layers in plain containers
class Hidden(nn.Module):
    def __init__(self, layers, name="layers"):
        super().__init__()
        setattr(self, name, layers)


CONTAINERS = {
    "list": (lambda: [nn.Linear(2, 2), nn.ReLU()], "list of layers, .* use nn.ModuleList"),
    "tuple": (lambda: (nn.Linear(2, 2),), "tuple of layers, .* use nn.ModuleList"),
    "dict": (lambda: {"first": nn.Linear(2, 2)}, "dict of layers, .* use nn.ModuleDict"),
    "parameters": (lambda: [nn.Parameter(rl.ones(2))], "list of parameters, .* use nn.ParameterList"),
}


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("use", [lambda m: m.parameters(), lambda m: m.state_dict()], ids=["parameters", "state_dict"])
def test_layers_in_a_plain_container_are_warned_of(name, use):
    make, words = CONTAINERS[name]
    model = nn.Sequential(nn.Linear(2, 2), Hidden(make()))
    with pytest.warns(UserWarning, match=rf"^Hidden\.layers is a {words}") as caught:
        use(model)
    assert caught[0].filename == __file__


def test_a_list_that_is_filled_later_is_noticed():
    module = Hidden([])
    list(module.parameters())
    module.layers.append(nn.Linear(2, 2))
    with pytest.warns(UserWarning, match=r"^Hidden\.layers is a list"):
        module.parameters()


def silent(module):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(module.parameters())
        module.state_dict()


def test_what_is_meant_or_known_is_not_warned_of():
    silent(Hidden([nn.Linear(2, 2)], "_teacher"))
    silent(Hidden([1, 2, 3]))
    silent(Hidden([rl.ones(2)]))
    silent(nn.Conv2d(1, 1, 3))
    both = Hidden([nn.Linear(2, 2)])
    both.first = both.layers[0]
    silent(both)
    parameters = Hidden([nn.Parameter(rl.ones(2))])
    parameters.first = parameters.layers[0]
    silent(parameters)


# -- a module that holds itself
class Node(nn.Module):
    """One that holds itself, and another one that holds the first."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.me = self
        self.other = nn.Module()
        self.other.back = self
        self.rows = nn.ModuleList([self.other])

    def forward(self, x):
        return self.linear(x)


NAMES = ["linear.weight", "linear.bias"]
METHODS = {
    "parameters": lambda m: len(list(m.parameters())) == 2,
    "named_parameters": lambda m: [name for name, _ in m.named_parameters()] == NAMES,
    "all names": lambda m: {name for name, _ in m.named_parameters(remove_duplicate=False)} >= set(NAMES),
    "buffers": lambda m: list(m.buffers()) == [],
    "modules": lambda m: len(list(m.modules())) == 4,
    "children": lambda m: m in list(m.children()),
    "state_dict": lambda m: list(m.state_dict()) == NAMES,
    "load_state_dict": lambda m: str(m.load_state_dict(m.state_dict())) == "<All keys matched successfully>",
    "assign": lambda m: str(m.load_state_dict(m.state_dict(), assign=True)) == "<All keys matched successfully>",
    "repr": lambda m: "(me): Node(...)" in repr(m) and "ModuleList(...)" in repr(m),
    "train": lambda m: m.train() is m and m.linear.training,
    "eval": lambda m: m.eval() is m and not m.linear.training,
    "to": lambda m: m.to(rl.float64).linear.weight.dtype == rl.float64,
    "half": lambda m: m.half().linear.bias.dtype == rl.float16,
    "to_empty": lambda m: m.to_empty(device="cpu") is m,
    "requires_grad_": lambda m: not m.requires_grad_(False).linear.weight.requires_grad,
    "zero_grad": lambda m: m.zero_grad() is None,
    "get_submodule": lambda m: m.get_submodule("me.other.back.linear") is m.linear,
    "call": lambda m: m(rl.ones(2)).shape == (2,),
    "dir": lambda m: "me" in dir(m),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_module_that_holds_itself_is_safe(name):
    assert METHODS[name](Node())


def test_each_is_visited_once():
    seen = []
    module = Node()
    module.apply(seen.append)
    assert {id(m) for m in seen} == {id(m) for m in module.modules()}
    assert seen.count(module) == 1
    assert seen[-1] is module


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_hold_themselves(again):
    module = Node()
    made = again(module)
    assert made is not module
    assert made.me is made and made.other.back is made and made.rows[0] is made.other
    assert rl.equal(made.linear.weight, module.linear.weight)
    assert made.linear.weight is not module.linear.weight
