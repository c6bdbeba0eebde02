"""Module: what it registers, how it is walked, saved, converted, hooked and shown."""

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.scale = nn.Parameter(rl.ones(3))
        self.register_buffer("seen", rl.zeros(1))
        self.register_buffer("scratch", rl.zeros(2), persistent=False)
        self.inner = nn.Sequential(nn.ReLU(), nn.Linear(3, 1, bias=False))

    def forward(self, x):
        return self.inner(self.first(x) * self.scale)


def test_attributes_are_registered_in_order():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["scale", "first.weight", "first.bias", "inner.1.weight"]
    assert [n for n, _ in net.named_buffers()] == ["seen", "scratch"]
    assert [n for n, _ in net.named_modules()] == ["", "first", "inner", "inner.0", "inner.1"]
    assert [n for n, _ in net.named_children()] == ["first", "inner"]
    assert list(net.state_dict()) == ["scale", "seen", "first.weight", "first.bias", "inner.1.weight"]


def test_shared_parameters_and_modules_are_listed_once():
    layer = nn.Linear(2, 2)
    both = nn.Sequential(layer, layer)
    assert len(list(both.parameters())) == 2
    assert len(list(both.named_parameters(remove_duplicate=False))) == 4
    assert len(list(both.modules())) == 2
    assert list(both.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: nn.Linear(1, 1), "cannot assign module before Module.__init__() call"),
        (lambda: nn.Parameter(rl.ones(1)), "cannot assign parameters before Module.__init__() call"),
        (lambda: nn.Buffer(rl.ones(1)), "cannot assign buffer before Module.__init__() call"),
    ],
)
def test_assignment_before_init_is_refused(make, sentence):
    class Early(nn.Module):
        def __init__(self):
            self.value = make()

    with pytest.raises(AttributeError, match="^" + sentence.replace("(", r"\(").replace(")", r"\)")):
        Early()


def test_wrong_assignments_are_refused_and_change_nothing():
    net = Net()
    weight = net.scale
    with pytest.raises(TypeError, match=r"cannot assign '\w+\.FloatTensor' as parameter 'scale'"):
        net.scale = rl.ones(3)
    with pytest.raises(TypeError, match="cannot assign 'int' as child module 'first'"):
        net.first = 3
    with pytest.raises(TypeError, match="cannot assign 'int' as buffer 'seen'"):
        net.seen = 3
    assert net.scale is weight
    with pytest.raises(KeyError, match="attribute 'forward' already exists"):
        net.register_parameter("forward", None)
    with pytest.raises(KeyError, match=r"buffer name can.+t contain"):
        net.register_buffer("a.b", None)
    with pytest.raises(KeyError, match=r"can.+t be empty string"):
        net.add_module("", None)
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        net.add_module("x", 3)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'nothing'"):
        _ = net.nothing


def test_none_in_place_of_a_parameter_and_deletion():
    layer = nn.Linear(2, 2)
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]
    layer.bias = nn.Parameter(rl.zeros(2))
    assert list(layer.state_dict()) == ["weight", "bias"]
    del layer.bias
    assert not hasattr(layer, "bias")


def test_a_parameter_takes_the_place_of_a_plain_attribute():
    net = nn.Module()
    net.value = 3
    net.value = nn.Parameter(rl.ones(1))
    assert "value" not in net.__dict__
    assert list(net._parameters) == ["value"]


def test_submodules_by_path():
    net = Net()
    assert net.get_submodule("inner.1") is net.inner[1]
    assert net.get_submodule("") is net
    assert net.get_parameter("inner.1.weight") is net.inner[1].weight
    assert net.get_buffer("seen") is net.seen
    with pytest.raises(AttributeError, match="Net has no attribute `x`"):
        net.get_submodule("x.y")
    with pytest.raises(AttributeError, match=r"`scale` is not an nn.Module"):
        net.get_submodule("scale")
    net.set_submodule("inner.0", nn.Tanh())
    assert isinstance(net.inner[0], nn.Tanh)


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(1)


def test_apply_goes_children_first():
    seen = []
    Net().apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "Linear", "Sequential", "Net"]


def test_zero_grad_and_requires_grad():
    net = Net()
    net(rl.ones(4, 2)).sum().backward()
    grads = [p.grad for p in net.parameters()]
    assert all(g is not None for g in grads)
    net.zero_grad(set_to_none=False)
    assert all(p.grad is g and not g.numpy().any() for p, g in zip(net.parameters(), grads))
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(rl.ones(4, 2)).requires_grad


def test_conversion_keeps_parameter_objects():
    net = Net()
    net.register_buffer("count", rl.zeros(1, dtype=rl.int64))
    net(rl.ones(1, 2)).sum().backward()
    parameters = list(net.parameters())
    assert net.double() is net
    assert all(p is q for p, q in zip(parameters, net.parameters()))
    assert all(p.dtype == rl.float64 and p.grad.dtype == rl.float64 for p in parameters)
    assert net.seen.dtype == rl.float64
    assert net.count.dtype == rl.int64
    assert net.to("cpu", rl.float32).scale.dtype == rl.float32
    with pytest.raises(TypeError, match=r"nn\.Module.to only accepts floating point or complex dtypes"):
        net.to(rl.int64)


def test_to_takes_what_names_a_dtype_and_refuses_devices_by_number():
    layer = nn.Linear(1, 1)
    for wanted in (float, np.float64, np.dtype("float64")):
        assert layer.float().to(wanted).weight.dtype is rl.float64
    with pytest.raises(TypeError, match=r"desired dtype=rushlight\.bool"):
        layer.to(bool)
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
        layer.to(3)


# -- state


def test_state_dict_shares_memory_and_loads_back():
    net, other = Net(), Net()
    state = net.state_dict()
    assert not state["scale"].requires_grad
    assert np.shares_memory(state["scale"].numpy(), net.scale.detach().numpy())
    scale = other.scale
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert other.scale is scale
    for name, value in other.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[name].numpy())


def test_loading_writes_nothing_when_something_is_wrong():
    net = Net()
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    state = OrderedDict((k, rl.ones(*v.shape) * 7) for k, v in net.state_dict().items())
    del state["first.bias"]
    state["more"] = rl.ones(1)
    state["first.weight"] = rl.ones(5)
    state["seen"] = 3
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    lines = str(caught.value).split("\n\t")
    assert lines[0] == "Error(s) in loading state_dict for Net:"
    assert lines[1] == 'Missing key(s) in state_dict: "first.bias". '
    assert lines[2] == 'Unexpected key(s) in state_dict: "more". '
    assert lines[3].startswith('While copying the parameter named "seen", expected ')
    assert lines[4].startswith("size mismatch for first.weight: copying a param with shape ")
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_loading_part_of_it():
    net = Net()
    keys = net.load_state_dict({"scale": rl.zeros(3), "more": rl.ones(1)}, strict=False)
    assert keys.missing_keys == ["seen", "first.weight", "first.bias", "inner.1.weight"]
    assert keys.unexpected_keys == ["more"]
    assert not net.scale.detach().numpy().any()
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        net.load_state_dict([1])


def test_assign_takes_the_tensors_themselves():
    net = nn.Linear(2, 2)
    weight = rl.zeros(2, 2, dtype=rl.float64)
    net.load_state_dict({"weight": weight, "bias": rl.zeros(2)}, assign=True)
    assert isinstance(net.weight, nn.Parameter)
    assert net.weight.dtype == rl.float64
    assert np.shares_memory(net.weight.detach().numpy(), weight.numpy())


def test_loading_counts_as_a_write():
    net = nn.Linear(2, 2)
    x = rl.ones(1, 2, requires_grad=True)
    out = net(x).sum()
    net.load_state_dict(nn.Linear(2, 2).state_dict())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_extra_state_and_state_hooks():
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 3

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    net = nn.Sequential(Counted())
    state = net.state_dict()
    assert state["0._extra_state"] == {"count": 3}
    net[0].count = 9
    net.load_state_dict(state)
    assert net[0].count == 3
    calls = []
    net.register_state_dict_pre_hook(lambda module, prefix, keep_vars: calls.append("before"))
    net.register_state_dict_post_hook(lambda module, state, prefix, local: calls.append("after"))
    net.register_load_state_dict_pre_hook(lambda module, state, *rest: state.pop("old", None))
    net.register_load_state_dict_post_hook(lambda module, keys: calls.append("loaded"))
    state = net.state_dict()
    state["old"] = 1
    net.load_state_dict(state)
    assert calls == ["before", "after", "loaded"]
    assert "old" in state


def test_versions_of_modules_are_in_the_metadata():
    state = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).state_dict()
    assert dict(state._metadata) == {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 2}}


def test_copies_are_independent_and_pickle_keeps_values():
    net = Net()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert isinstance(other.scale, nn.Parameter)
        assert not np.shares_memory(other.scale.detach().numpy(), net.scale.detach().numpy())
        assert str(other) == str(net)
        x = rl.ones(3, 2)
        np.testing.assert_array_equal(other(x).detach().numpy(), net(x).detach().numpy())
    tied = nn.Sequential(net.first, net.first)
    again = copy.deepcopy(tied)
    assert again[0] is again[1]


# -- hooks


def test_forward_hooks_change_arguments_and_results():
    net = nn.Identity()
    calls = []
    handles = [
        net.register_forward_pre_hook(lambda m, args: args[0] + 1),
        net.register_forward_hook(lambda m, args, out: out * 10),
        net.register_forward_hook(lambda m, args, kwargs, out: calls.append(kwargs), with_kwargs=True),
        net.register_forward_hook(lambda m, args, out: calls.append("first"), prepend=True),
    ]
    assert net(rl.tensor(1.0)).item() == 20
    assert calls == ["first", {}]
    for handle in handles:
        handle.remove()
    assert net(rl.tensor(1.0)).item() == 1
    with net.register_forward_hook(lambda m, args, out: out + 1):
        assert net(rl.tensor(1.0)).item() == 2
    assert net(rl.tensor(1.0)).item() == 1


def test_pre_hook_with_keywords():
    class Add(nn.Module):
        def forward(self, x, *, y):
            return x + y

    net = Add()
    net.register_forward_pre_hook(lambda m, args, kwargs: (args, {"y": kwargs["y"] * 2}), with_kwargs=True)
    assert net(rl.tensor(1.0), y=rl.tensor(3.0)).item() == 7
    net.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple of"):
        net(rl.tensor(1.0), y=rl.tensor(3.0))


def test_always_called_hook_runs_after_an_error():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("broken")

    net, calls = Broken(), []
    net.register_forward_hook(lambda m, args, out: calls.append("only after success"))
    net.register_forward_hook(lambda m, args, out: calls.append(out), always_call=True)
    with pytest.raises(KeyError, match="broken"):
        net(1)
    assert calls == [None]


def test_full_backward_hooks_see_and_change_gradients():
    net = nn.Linear(2, 2, bias=False)
    seen = {}
    net.register_full_backward_pre_hook(lambda m, grad: (grad[0] * 2,))

    def hook(module, grad_input, grad_output):
        seen["input"], seen["output"] = grad_input[0].numpy().copy(), grad_output[0].numpy().copy()
        return (grad_input[0] * 0,)

    net.register_full_backward_hook(hook)
    x = rl.ones(1, 2, requires_grad=True)
    net(x).sum().backward()
    np.testing.assert_array_equal(seen["output"], [[2.0, 2.0]])
    np.testing.assert_allclose(seen["input"], 2 * net.weight.detach().numpy().sum(0, keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(x.grad.numpy(), [[0.0, 0.0]])
    np.testing.assert_array_equal(net.weight.grad.numpy(), [[2.0, 2.0], [2.0, 2.0]])


def test_full_backward_hook_of_several_inputs_and_outputs():
    class Two(nn.Module):
        def forward(self, x, n, y):
            return x * 2, y * 3

    net, seen = Two(), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x, y = rl.ones(1, requires_grad=True), rl.ones(1)
    first, second = net(x, 5, y)
    (first.sum() + second.sum()).backward()
    ((gi, go),) = seen
    assert gi[0].item() == 2
    assert gi[1] is None
    assert go[0].item() == 1
    assert x.grad.item() == 2


def test_full_backward_hook_without_tracked_inputs():
    net, seen = nn.Linear(1, 1), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].item())))
    with pytest.warns(UserWarning, match="Full backward hook is firing"):
        net(rl.ones(1, 1)).sum().backward()
    assert seen == [((None,), 1.0)]
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks"):
        net.register_backward_hook(lambda *args: None)


def test_hooks_for_every_module():
    from rushlight.nn.modules.module import register_module_forward_hook

    calls = []
    handle = register_module_forward_hook(lambda m, args, out: calls.append(type(m).__name__))
    try:
        nn.Sequential(nn.Identity(), nn.ReLU())(rl.ones(1))
    finally:
        handle.remove()
    assert calls == ["Identity", "ReLU", "Sequential"]
    nn.Identity()(rl.ones(1))
    assert len(calls) == 3


# -- reprs


def test_repr():
    assert str(Net()) == (
        "Net(\n"
        "  (first): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (inner): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Linear(in_features=3, out_features=1, bias=False)\n"
        "  )\n"
        ")"
    )
    assert repr(nn.Module()) == "Module()"
    runs = nn.ModuleList([nn.Tanh(), nn.Tanh(), nn.ReLU()])
    assert repr(runs) == "ModuleList(\n  (0-1): 2 x Tanh()\n  (2): ReLU()\n)"


def test_parameter():
    assert repr(nn.Parameter(rl.tensor([1.0]))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    data = rl.ones(2)
    parameter = nn.Parameter(data)
    assert np.shares_memory(parameter.detach().numpy(), data.numpy())
    assert parameter.is_leaf
    assert type(parameter * 1) is rl.Tensor
    with pytest.raises(RuntimeError, match=r"(?i)only Tensors of floating point"):
        nn.Parameter(rl.ones(2, dtype=rl.int64))
    assert not nn.Parameter(rl.ones(2, dtype=rl.int64), requires_grad=False).requires_grad
    again = pickle.loads(pickle.dumps(parameter))
    assert type(again) is nn.Parameter
    assert again.requires_grad


def test_writing_the_data_of_a_parameter_is_noticed():
    data = rl.ones(2)
    parameter = nn.Parameter(data)
    out = (parameter * parameter).sum()
    data.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_buffer():
    net = nn.Module()
    net.mean = nn.Buffer(rl.zeros(2))
    net.scratch = nn.Buffer(rl.zeros(2), persistent=False)
    assert list(net.state_dict()) == ["mean"]
    assert isinstance(net.mean, nn.Buffer)
    assert not isinstance(rl.zeros(1), nn.Buffer)


# -- containers


def test_sequential_is_a_list():
    net = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    assert isinstance(net.a, nn.ReLU)
    assert list(net[1:]._modules) == ["b"]
    net = nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh())
    net.append(nn.Sigmoid()).insert(0, nn.Identity())
    assert [type(m).__name__ for m in net] == ["Identity", "ReLU", "Tanh", "Sigmoid"]
    del net[1]
    assert list(net._modules) == ["0", "1", "2"]
    assert isinstance(net.pop(-1), nn.Sigmoid)
    assert len(net * 3) == 6
    with pytest.raises(IndexError, match="index 5 is out of range"):
        net[5]
    with pytest.raises(ValueError, match="add operator supports only objects of Sequential class"):
        net + 3


def test_module_list_and_dict():
    several = nn.ModuleList([nn.ReLU()])
    several += [nn.Tanh()]
    several.insert(0, nn.Identity())
    assert [type(m).__name__ for m in several] == ["Identity", "ReLU", "Tanh"]
    assert len(several[:2]) == 2
    with pytest.raises(TypeError, match=r"ModuleList.extend should be called with an iterable, but got int"):
        several.extend(3)
    with pytest.raises(NotImplementedError, match=r'Module \[ModuleList\] is missing the required "forward" function'):
        several(1)
    named = nn.ModuleDict({"a": nn.ReLU()})
    named.update([("b", nn.Tanh())])
    assert list(named) == ["a", "b"]
    assert "b" in named
    assert isinstance(named.pop("a"), nn.ReLU)
    with pytest.raises(ValueError, match="has length 3; 2 is required"):
        named.update([(1, 2, 3)])


def test_parameter_list_and_dict():
    values = nn.ParameterList([rl.ones(2), 3])
    values.append(rl.ones(1))
    assert [n for n, _ in values.named_parameters()] == ["0", "2"]
    assert values[1] == 3
    assert len(values[1:]) == 2
    assert repr(nn.ParameterList([rl.ones(2)])).endswith("float32 of size 2])")
    named = nn.ParameterDict({"a": rl.ones(2)})
    assert isinstance(named["a"], nn.Parameter)
    merged = named | {"b": rl.ones(1)}
    assert list(merged.keys()) == ["a", "b"]
    assert merged.popitem()[0] == "b"
    with pytest.raises(TypeError, match="cannot be used as a key as it is not a string"):
        named[3] = rl.ones(1)


def test_a_module_is_freed_without_the_collector():
    net = Net()
    net(rl.ones(1, 2)).sum().backward()
    gone = weakref.ref(net)
    gc.disable()
    try:
        del net
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("compile", "nothing is captured"), ("share_memory", "the memory is NumPy's"), ("xpu", "computes on the CPU")],
)
def test_what_a_module_has_not_says_why(name, reason):
    assert not hasattr(Net(), name)
    with pytest.raises(AttributeError, match=f"'Net' object has no attribute '{name}' .*{reason}"):
        getattr(Net(), name)


def test_a_module_list_inserts_as_a_list():
    layers = nn.ModuleList([nn.ReLU()])
    layers.insert(9, nn.Tanh())
    layers.insert(-1, nn.ELU())
    assert [type(layer).__name__ for layer in layers] == ["ReLU", "ELU", "Tanh"]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        layers.insert(0, 1)
    assert len(layers) == 3


def test_a_parameter_dict_keeps_no_key_that_it_refused():
    values = nn.ParameterDict({"b": rl.ones(1)})
    with pytest.raises(KeyError, match=r"parameter name can.+t contain"):
        values["a.b"] = rl.ones(1)
    with pytest.raises(TypeError, match="cannot be used as a key"):
        values[1] = rl.ones(1)
    assert list(values) == ["b"] and values.popitem()[0] == "b"


def test_a_copy_of_a_module_has_its_own_load_hooks():
    net = Net()
    seen = []
    net.register_load_state_dict_pre_hook(lambda module, *_: seen.append(module))
    other = copy.deepcopy(net)
    other.load_state_dict(net.state_dict())
    assert seen == [other]
