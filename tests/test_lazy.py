"""Lazy modules: parameters whose shapes come from the first input, beside PyTorch and by themselves."""

import copy
import pickle

import pytest

import rushlight as rl
from beside import collect
from rushlight import nn
from test_module_parity import run, told

PROGRAMS = []
program = collect(PROGRAMS)

# (class, arguments, options, an input)
LAYERS = [
    ("LazyLinear", (3,), {}, (2, 4)),
    ("LazyLinear", (3,), {"bias": False}, (2, 1, 4)),
    ("LazyConv1d", (3, 2), {}, (2, 4, 5)),
    ("LazyConv1d", (3, 3), {"padding": "same"}, (4, 5)),
    ("LazyConv2d", (6, (2, 3)), {"groups": 2, "bias": False}, (2, 4, 5, 5)),
    ("LazyConv2d", (6, 2), {"padding": 1, "padding_mode": "reflect"}, (4, 5, 5)),
    ("LazyConv3d", (3, 2), {"stride": 2}, (1, 2, 4, 5, 6)),
    ("LazyConvTranspose1d", (3, 2), {}, (2, 4, 5)),
    ("LazyConvTranspose2d", (6, 2), {"stride": 2, "output_padding": 1, "groups": 2}, (2, 4, 3, 3)),
    ("LazyConvTranspose3d", (3, 2), {"dilation": 2}, (1, 2, 3, 3, 3)),
    ("LazyBatchNorm1d", (), {}, (3, 4)),
    ("LazyBatchNorm1d", (), {"affine": False}, (3, 4, 2)),
    ("LazyBatchNorm2d", (), {"track_running_stats": False}, (3, 4, 2, 2)),
    ("LazyBatchNorm3d", (), {"momentum": None, "bias": False}, (3, 4, 2, 2, 1)),
    ("LazyInstanceNorm1d", (), {}, (3, 4, 2)),
    ("LazyInstanceNorm2d", (), {"affine": False}, (3, 4, 2, 2)),
    ("LazyInstanceNorm3d", (), {"eps": 1e-3}, (3, 4, 2, 2, 1)),
]  # fmt: skip


def kinds(state):
    return {key: type(value).__name__ for key, value in state.items()}


def made(m, name, args, options):
    return getattr(m.nn, name)(*args, **options)


@program
def first_calls(m):
    for name, args, options, shape in LAYERS:
        layer = made(m, name, args, options)
        yield name, repr(layer), kinds(layer.state_dict()), layer._version, kinds(dict(layer.named_parameters()))
        m.manual_seed(3)
        layer.double()
        x = m.linspace(-1, 1, m.ones(shape).numel(), dtype=m.float64).cos().reshape(shape)
        yield layer(x), repr(layer), type(layer).__name__, layer.state_dict(), len(layer._forward_pre_hooks)
        yield layer(x), [p.requires_grad for p in layer.parameters()]


@program
def wrong_first_calls(m):
    for name, args, options, _ in LAYERS:
        if "Conv" in name:
            for shape in ((), (3,), (2, 3, 4, 5, 6, 7)):
                layer = made(m, name, args, options)
                yield name, told(lambda: layer(m.ones(shape))), type(layer).__name__


@program
def constructors_refuse(m):
    yield told(lambda: m.nn.LazyLinear()), told(lambda: m.nn.LazyConv2d(4, 2, groups=0))
    yield told(lambda: m.nn.LazyConvTranspose2d(4, 2, padding_mode="circular"))
    yield told(lambda: m.nn.LazyConv2d(4, 2, padding="same", stride=2))


@program
def in_a_model(m):
    model = m.nn.Sequential(
        m.nn.LazyConv2d(4, 3), m.nn.LazyBatchNorm2d(), m.nn.ReLU(), m.nn.Flatten(), m.nn.LazyLinear(2)
    )
    yield (
        repr(model),
        [type(p).__name__ for p in model.parameters()],
        [m.nn.parameter.is_lazy(p) for p in model.parameters()],
    )
    model(m.ones(2, 1, 5, 5)).sum().backward()
    yield repr(model), [tuple(p.shape) for p in model.parameters()], [p.grad is not None for p in model.parameters()]
    yield [m.nn.parameter.is_lazy(p) for p in model.parameters()]


@program
def before_the_first_call(m):
    layer = m.nn.LazyLinear(2)
    yield (
        layer.has_uninitialized_params(),
        told(lambda: layer.weight.shape),
        repr(layer.weight),
        layer.weight.requires_grad,
    )
    yield layer.train() is layer, layer.zero_grad(), layer.in_features, layer.bias.dtype == m.float32
    yield told(lambda: layer.requires_grad_(False))[:60], told(lambda: sum(p.numel() for p in layer.parameters()))[:60]
    yield (
        told(lambda: layer.reset_parameters()),
        told(lambda: layer.weight + 1)[:46],
        told(lambda: m.nn.functional.linear(m.ones(2), layer.weight))[:46],
    )
    for change, dtype in (
        (lambda n: n.double(), m.float64),
        (lambda n: n.half(), m.float16),
        (lambda n: n.to(m.float64), m.float64),
    ):
        layer = m.nn.LazyLinear(2)
        yield change(layer) is layer, repr(layer.weight), layer.weight.dtype == dtype
        yield layer(m.ones(3, dtype=dtype)).dtype == dtype, layer.weight.dtype == dtype, repr(layer)
    norm = m.nn.LazyBatchNorm1d().double()
    yield norm.running_mean.dtype == m.float64, norm(m.ones(2, 3, dtype=m.float64)).shape == (2, 3), norm.running_mean
    double = m.nn.LazyLinear(2, dtype=m.float64)
    yield double(m.ones(3, dtype=m.float64)), told(lambda: m.nn.LazyLinear(2)(m.ones(3, dtype=m.float64)))[:30]


@program
def copied(m):
    layer = m.nn.Sequential(m.nn.LazyLinear(2))
    other = copy.deepcopy(layer)
    layer(m.ones(3))
    yield repr(other), repr(other[0].weight), other(m.ones(5)).shape == (2,), repr(other), repr(layer)
    saved = pickle.loads(pickle.dumps(m.nn.LazyConv1d(2, 2)))
    yield repr(saved), repr(saved.weight), saved(m.ones(1, 3, 4)).shape == (1, 2, 3), repr(saved)


@program
def states_are_loaded(m):
    full, lazy = m.nn.Linear(3, 2), m.nn.LazyLinear(2)
    yield (
        repr(lazy.load_state_dict(full.state_dict())),
        repr(lazy),
        lazy.weight,
        lazy.bias,
        lazy.has_uninitialized_params(),
    )
    yield lazy(m.ones(3)), repr(lazy), type(lazy).__name__
    yield told(lambda: m.nn.Linear(3, 2).load_state_dict(m.nn.LazyLinear(2).state_dict()))
    yield repr(m.nn.LazyLinear(2).load_state_dict(m.nn.LazyLinear(2).state_dict()))
    lazy = m.nn.LazyBatchNorm1d()
    norm = m.nn.BatchNorm1d(3)
    norm(m.arange(6.0).reshape(2, 3))
    yield (
        repr(lazy.load_state_dict(norm.state_dict())),
        lazy.running_mean,
        repr(lazy),
        lazy(m.ones(2, 3)),
        type(lazy).__name__,
    )
    lazy = m.nn.LazyLinear(2)
    yield (
        told(lambda: lazy.load_state_dict({})),
        told(lambda: lazy.load_state_dict({"weight": m.ones(2, 4)})),
        repr(lazy.bias),
    )
    lazy = m.nn.LazyConv2d(2, 2)
    yield (
        repr(lazy.load_state_dict(m.nn.Conv2d(3, 2, 2).state_dict())),
        repr(lazy),
        lazy(m.ones(1, 3, 3, 3)).shape == (1, 2, 2, 2),
        type(lazy).__name__,
    )
    lazy = m.nn.LazyLinear(2)
    lazy.load_state_dict(m.nn.Linear(3, 2).state_dict())
    yield told(lambda: lazy(m.ones(4)))
    yield repr(m.nn.LazyLinear(2).load_state_dict(m.nn.Linear(3, 2).state_dict(), assign=True))


@program
def uninitialized(m):
    P, B = m.nn.parameter.UninitializedParameter, m.nn.parameter.UninitializedBuffer
    for x in (P(), B(), P(dtype=m.float64), P(requires_grad=False), B(requires_grad=True)):
        yield (
            repr(x),
            x.requires_grad,
            x.dtype == m.float64,
            str(x.device),
            x.grad is None,
            x.is_leaf,
            m.nn.parameter.is_lazy(x),
        )
        yield (
            told(lambda: x.shape),
            isinstance(x, m.nn.Parameter),
            isinstance(x, m.nn.Buffer),
            isinstance(x, m.Tensor),
            isinstance(x, P),
        )
        yield [told(call)[:46] for call in (
            lambda: x.dim(), lambda: x.numel(), lambda: x.detach(), lambda: x.clone(), lambda: x + 1, lambda: 1 - x,
            lambda: x[0], lambda: len(x), lambda: m.add(x, 1), lambda: x.sum(), lambda: m.exp(x), lambda: x.tolist(),
            lambda: x.zero_(), lambda: x == x, lambda: bool(x), lambda: x.item(), lambda: x.view(1), lambda: x.numpy(),
            lambda: m.cat([x, x]), lambda: x @ x, lambda: -x, lambda: x.backward(), lambda: x.stride(),
            lambda: float(x), lambda: m.stack([x]), lambda: m.nn.functional.relu(x), lambda: x.reshape(1, 1),
            lambda: x.requires_grad_(False),
        )]  # fmt: skip
        yield (
            x.materialize((2, 3)),
            x.shape == (2, 3),
            type(x).__name__,
            x.requires_grad,
            x.dtype == m.float64,
            told(lambda: x.materialize((1,))),
        )
    x = P()
    yield (
        x.materialize((2,), dtype=m.float16),
        x.dtype == m.float16,
        told(lambda: m.nn.Parameter(P()))[:46],
        m.nn.parameter.is_lazy(m.ones(1)),
    )
    module = m.nn.Module()
    module.a, module.b = P(), B()
    module.register_buffer("c", B(), persistent=False)
    yield (
        [name for name, _ in module.named_parameters()],
        [name for name, _ in module.named_buffers()],
        repr(copy.deepcopy(P())),
    )


@program
def own_lazy_modules(m):
    class Scale(m.nn.modules.lazy.LazyModuleMixin, m.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = m.nn.parameter.UninitializedParameter()
            self.log = []

        def initialize_parameters(self, x, by=2, *, more=0):
            self.log.append((by, more))
            if self.has_uninitialized_params():
                with m.no_grad():
                    self.scale.materialize(x.shape[-1:])
                    self.scale.fill_(by + more)

        def forward(self, x, by=2, *, more=0):
            return x * self.scale

    layer = Scale()
    yield layer(m.ones(2), 3, more=4), type(layer).__name__, layer.log, layer(m.ones(2)), layer.log, repr(layer)

    class Forgetful(m.nn.modules.lazy.LazyModuleMixin, m.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = m.nn.parameter.UninitializedParameter()

        def initialize_parameters(self, x):
            pass

    yield told(lambda: Forgetful()(m.ones(1)))

    class Without(m.nn.modules.lazy.LazyModuleMixin, m.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = m.nn.parameter.UninitializedParameter()

    yield told(lambda: Without()(m.ones(1))), Without().cls_to_become
    yield told(lambda: m.nn.LazyLinear(2)(x=m.ones(1))), told(lambda: m.nn.LazyLinear(2)(input=m.ones(1)).shape == (2,))
    yield told(lambda: m.nn.LazyLinear(2)())


@pytest.mark.parity
@pytest.mark.parametrize("p", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_program_does_the_same(p):
    torch = pytest.importorskip("torch")
    theirs, ours = run(torch, p), run(rl, p)
    assert ours == theirs


# -- what differs from PyTorch on purpose, and what holds without it


def test_a_wrong_first_input_leaves_a_layer_lazy():
    layer = nn.LazyConv2d(3, 2, groups=3)
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        layer(rl.ones(2, 4, 5, 5))
    assert repr(layer) == "LazyConv2d(0, 3, kernel_size=(2, 2), stride=(1, 1), groups=3)"
    norm = nn.LazyBatchNorm2d()
    with pytest.raises(ValueError, match=r"expected 4D input \(got 2D input\)"):
        norm(rl.ones(2, 3))
    assert norm.has_uninitialized_params()
    assert norm(rl.ones(2, 3, 1, 2)).shape == (2, 3, 1, 2)


def test_out_channels_are_checked_at_once():
    with pytest.raises(ValueError, match="out_channels must be divisible by groups"):
        nn.LazyConv2d(4, 2, groups=3)


def test_a_layer_knows_its_channels_after_loading():
    layer = nn.LazyConvTranspose1d(4, 2, groups=2)
    layer.load_state_dict(nn.ConvTranspose1d(6, 4, 2, groups=2).state_dict())
    layer(rl.ones(1, 6, 3))
    assert repr(layer) == "ConvTranspose1d(6, 4, kernel_size=(2,), stride=(1,), groups=2)"
    norm = nn.LazyInstanceNorm2d(affine=False, track_running_stats=False)
    norm(rl.ones(3, 4, 2, 2))
    assert norm.num_features == 4


def test_an_unbatched_instance_norm_takes_the_first_dimension():
    norm = nn.LazyInstanceNorm1d()
    assert norm(rl.ones(3, 5)).shape == (3, 5)
    assert norm.num_features == 3


def test_refused_states_leave_a_layer_lazy():
    layer = nn.LazyLinear(2)
    with pytest.raises(RuntimeError, match="Missing key"):
        layer.load_state_dict({"weight": rl.ones(2, 4)})
    assert repr(layer.weight) == "<UninitializedParameter>"
    layer.load_state_dict({"weight": rl.ones(2, 4)}, strict=False)
    assert layer(rl.ones(4)).shape == (2,)
    assert layer.weight.tolist() == rl.ones(2, 4).tolist()
    layer(rl.ones(4))
    assert not layer._hooked, "the way without hooks is the short one"


def test_materialized_tensors_are_plain():
    buffer = nn.UninitializedBuffer(persistent=False)
    buffer.materialize((2,))
    buffer.zero_()
    assert type(buffer) is rl.Tensor and type(buffer + 1) is rl.Tensor
    assert copy.deepcopy(nn.UninitializedBuffer()).persistent


def test_a_parameter_given_to_an_optimizer_before_the_first_call_is_stepped():
    layer = nn.LazyLinear(1)
    optimizer = rl.optim.SGD(layer.parameters(), lr=1.0)
    layer(rl.ones(2)).sum().backward()
    before = layer.weight.tolist()
    optimizer.step()
    assert layer.weight.tolist()[0] == pytest.approx([w - 1 for w in before[0]])
