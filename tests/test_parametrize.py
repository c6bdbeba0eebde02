"""nn.utils.parametrize and parametrizations: beside PyTorch, and what differs on purpose."""

import copy
import importlib
import pickle

import pytest

import rushlight as rl
from beside import collect
from rushlight import nn
from rushlight.nn.utils import parametrizations, parametrize
from test_module_parity import run, told

PROGRAMS = []
program = collect(PROGRAMS)


def utils(m, name):
    return importlib.import_module(f"{m.__name__}.nn.utils.{name}")


def kinds(m):
    """Parametrizations of several sorts, by name."""

    class Symmetric(m.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

    class Exp(m.nn.Module):
        def forward(self, x):
            return x.exp()

        def right_inverse(self, x):
            return x.log()

    class Double(m.nn.Module):
        def forward(self, x):
            return x * 2

        def right_inverse(self, x):
            return x / 2

    class Product(m.nn.Module):
        def forward(self, a, b):
            return a * b

        def right_inverse(self, x):
            return x * 2, m.full_like(x, 0.5)

    class Without(m.nn.Module):
        def forward(self, x):
            return x * 3

        def right_inverse(self, x):
            raise NotImplementedError("no inverse")

    return {c.__name__: c for c in (Symmetric, Exp, Double, Product, Without)}


def layer(m, n=3, k=3):
    linear = m.nn.Linear(k, n)
    linear.weight.data = ((m.arange(1.0, n * k + 1) ** 2 * 0.37) % 1 + 0.1).reshape(n, k)
    linear.bias.data = m.arange(1.0, n + 1) / 2
    return linear


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@program
def registered(m):
    P, K = utils(m, "parametrize"), kinds(m)
    for name in K:
        linear = layer(m)
        weight = linear.weight
        yield P.register_parametrization(linear, "weight", K[name]()) is linear, repr(linear), list(linear.state_dict())
        yield (
            [n for n, _ in linear.named_parameters()],
            linear.weight,
            isinstance(linear, m.nn.Linear),
            linear._get_name(),
        )
        yield P.is_parametrized(linear), P.is_parametrized(linear, "weight"), P.is_parametrized(linear, "bias")
        yield (
            P.type_before_parametrizations(linear) is m.nn.Linear,
            type(linear.weight).__name__,
            linear.weight is linear.weight,
        )
        given = linear.parametrizations.weight
        yield given.is_tensor, given.unsafe, given.ntensors, len(given), getattr(given, "original", None) is weight
        yield told(lambda: setattr(linear, "weight", m.full((3, 3), 2.0))), linear.weight, state(linear)
        linear(m.ones(2, 3)).sum().backward()
        yield [p.grad for p in linear.parameters()], linear.eval().parametrizations.weight[0].training


@program
def several_on_one(m):
    P, K = utils(m, "parametrize"), kinds(m)
    linear = layer(m)
    for name in ("Exp", "Double", "Exp"):
        P.register_parametrization(linear, "weight", K[name]())
        yield linear.weight, linear.parametrizations.weight.original, repr(linear)
    linear.weight = m.full((3, 3), 30.0)
    yield linear.weight, linear.parametrizations.weight.original
    linear = layer(m)
    P.register_parametrization(linear, "weight", K["Product"]())
    P.register_parametrization(linear, "weight", K["Double"]())
    P.register_parametrization(linear, "bias", K["Exp"]())
    linear.weight = m.ones(3, 3)
    yield linear.weight, list(linear.state_dict()), [n for n, _ in linear.named_modules()]
    linear = layer(m)
    P.register_parametrization(linear, "weight", K["Symmetric"]())
    P.register_parametrization(linear, "weight", K["Exp"]())
    yield told(lambda: setattr(linear, "weight", m.ones(3, 3))), linear.weight


@program
def refused(m):
    P, K = utils(m, "parametrize"), kinds(m)

    def made(forward, inverse=None):
        fields = {"forward": forward}
        if inverse is not None:
            fields["right_inverse"] = inverse
        return type("Made", (m.nn.Module,), fields)()

    cases = [
        (lambda s, x: x.sum(), None), (lambda s, x: x.double(), None), (lambda s, x: 3, None),
        (lambda s, x: x, lambda s, x: 3), (lambda s, x: x, lambda s, x: x.sum()),
        (lambda s, x: x, lambda s, x: x.double()), (lambda s, x: x, lambda s, x: (x, 3)),
        (lambda s, x, y: x, lambda s, x: (x, x)), (lambda s, x, y: x, None), (lambda s, x: x, lambda s, x: [x]),
        (lambda s, x: x * 2, lambda s, x: x[:1]), (lambda s, x, y: x, lambda s, x: (x.double(), x)),
        (lambda s, x, y: x.sum(), lambda s, x: (x, x)), (lambda s, x: 1 / 0, None),
        (lambda s, x: x, lambda s, x: 1 / 0), (lambda s, x: x, lambda s, x: "ab"), (lambda s, x: None, None),
    ]  # fmt: skip
    for i, (forward, inverse) in enumerate(cases):
        for unsafe in (False, True):
            linear = layer(m)
            result = told(lambda: P.register_parametrization(linear, "weight", made(forward, inverse), unsafe=unsafe))
            yield (
                i,
                unsafe,
                result if isinstance(result, str) else repr(result),
                P.is_parametrized(linear),
                list(linear.state_dict()),
            )
            if isinstance(result, str):
                # PyTorch has overwritten the parameter by then, in some of the cases.
                continue
            linear = layer(m)
            P.register_parametrization(linear, "weight", K["Exp"]())
            result = told(lambda: P.register_parametrization(linear, "weight", made(forward, inverse), unsafe=unsafe))
            yield (
                result if isinstance(result, str) else repr(result),
                len(linear.parametrizations.weight),
                linear.parametrizations.weight.unsafe,
            )
    one = m.nn.Linear(1, 1)
    yield (
        told(lambda: P.register_parametrization(one, "nope", K["Exp"]())),
        told(lambda: P.register_parametrization(one, "in_features", K["Exp"]())),
    )
    yield (
        told(lambda: P.register_parametrization(one, "weight", lambda x: x)),
        told(lambda: P.register_parametrization(3, "weight", K["Exp"]())),
    )
    yield told(lambda: P.ParametrizationList([], m.ones(2))), told(lambda: P.remove_parametrizations(one, "weight"))


@program
def assigned(m):
    P, K = utils(m, "parametrize"), kinds(m)
    linear = layer(m)
    P.register_parametrization(linear, "weight", K["Exp"]())
    original = linear.parametrizations.weight.original
    for value in (m.full((3, 3), 2.0), m.ones(3), m.ones(3, 3, dtype=m.float64), m.nn.Parameter(m.ones(3, 3)), 3, None):
        yield (
            told(lambda: setattr(linear, "weight", value)),
            linear.weight,
            linear.parametrizations.weight.original is original,
        )
    linear = layer(m)
    P.register_parametrization(linear, "weight", K["Product"]())
    for inverse in (
        lambda x: x,
        lambda x: [x],
        lambda x: (x, 3),
        lambda x: (x.double(), x),
        lambda x: 3,
        lambda x: [x, x],
    ):
        linear.parametrizations.weight[0].right_inverse = inverse
        # PyTorch has overwritten the first one where it refuses the second.
        yield told(lambda: setattr(linear, "weight", m.full((3, 3), 2.0)))
    linear = layer(m)
    P.register_parametrization(linear, "weight", K["Exp"]())
    linear.parametrizations.weight[0].right_inverse = lambda x: 3
    yield told(lambda: setattr(linear, "weight", m.ones(3, 3))), told(lambda: delattr(linear, "nope"))


@program
def removed(m):
    P, K = utils(m, "parametrize"), kinds(m)
    for name in ("Symmetric", "Exp", "Product"):
        for leave in (True, False):
            linear = layer(m)
            P.register_parametrization(linear, "weight", K[name]())
            P.register_parametrization(linear, "bias", K["Exp"]())
            original = getattr(linear.parametrizations.weight, "original", None)
            result = told(lambda: P.remove_parametrizations(linear, "weight", leave_parametrized=leave))
            yield name, leave, result if isinstance(result, str) else result is linear, repr(linear), state(linear)
            yield (
                linear.weight is original,
                type(linear.weight).__name__,
                told(lambda: P.remove_parametrizations(linear, "nope")),
            )
            P.remove_parametrizations(linear, "bias")
            if P.is_parametrized(linear):
                P.remove_parametrizations(linear, "weight")
            yield (
                repr(linear),
                type(linear) is m.nn.Linear,
                state(linear),
                [p.requires_grad for p in linear.parameters()],
            )
            linear(m.ones(2, 3)).sum().backward()
            yield linear.weight.grad


@program
def buffers_and_frozen(m):
    P, K = utils(m, "parametrize"), kinds(m)
    norm = m.nn.BatchNorm1d(2).eval()
    norm.running_mean.fill_(2.0)
    P.register_parametrization(norm, "running_mean", K["Exp"]())
    yield (
        repr(norm),
        list(norm.state_dict()),
        norm.running_mean,
        [n for n, _ in norm.named_buffers()],
        norm(m.ones(3, 2)),
    )
    yield norm.parametrizations.running_mean.training, norm.parametrizations.running_mean[0].training
    P.remove_parametrizations(norm, "running_mean")
    yield repr(norm), list(norm.state_dict()), type(norm.running_mean).__name__, norm.running_mean
    linear = layer(m)
    linear.weight.requires_grad_(False)
    P.register_parametrization(linear, "weight", K["Product"]())
    yield [(n, p.requires_grad) for n, p in linear.named_parameters()], linear.weight.requires_grad
    P.remove_parametrizations(linear, "weight")
    yield linear.weight.requires_grad
    counts = m.nn.Module()
    counts.register_buffer("n", m.tensor([True, False]), persistent=False)
    yield told(lambda: P.register_parametrization(counts, "n", K["Double"]())), P.is_parametrized(counts)
    P.register_parametrization(counts, "n", m.nn.Identity())
    yield counts.n, list(counts.state_dict())


@program
def cached(m):
    P, K = utils(m, "parametrize"), kinds(m)
    a, b = layer(m), layer(m)
    calls = []
    for linear in (a, b):
        P.register_parametrization(linear, "weight", K["Exp"]())
        linear.parametrizations.weight.register_forward_hook(lambda *_: calls.append(1))
    with P.cached():
        weight = a.weight
        with P.cached():
            yield a.weight is weight, b.weight is weight, b.weight is b.weight, len(calls)
        yield a.weight is weight, len(calls)
        (a(m.ones(1, 3)) + a(m.ones(2, 3))).sum().backward()
    yield a.weight is weight, len(calls), a.parametrizations.weight.original.grad
    with P.cached():
        yield a.weight is weight


@program
def copied(m):
    P, K = utils(m, "parametrize"), kinds(m)
    linear = layer(m)
    P.register_parametrization(linear, "weight", K["Exp"]())
    other = copy.deepcopy(linear)
    other.weight = m.full((3, 3), 5.0)
    yield (
        linear.weight,
        other.weight,
        repr(other),
        other.parametrizations.weight.original is linear.parametrizations.weight.original,
    )
    yield told(lambda: pickle.dumps(linear)), told(lambda: copy.copy(linear))
    plain = layer(m)
    yield (
        told(lambda: plain.load_state_dict(linear.state_dict())),
        repr(linear.load_state_dict(other.state_dict())),
        linear.weight,
    )
    yield linear.double().weight.dtype == m.float64, linear(m.ones(1, 3, dtype=m.float64)), linear.extra_repr()

    class Own(m.nn.Linear):
        def __deepcopy__(self, memo):
            return "its own way"

    yield copy.deepcopy(P.register_parametrization(Own(1, 1), "weight", K["Exp"]()))


@program
def transferred(m):
    P, K = utils(m, "parametrize"), kinds(m)
    source = layer(m)
    P.register_parametrization(source, "weight", K["Exp"]())
    P.register_parametrization(source, "bias", K["Product"]())
    for name in (None, "weight"):
        target = m.nn.Linear(3, 3)
        yield (
            P.transfer_parametrizations_and_params(source, target, name) is target,
            repr(target),
            list(target.state_dict()),
        )
        yield target.weight, target.parametrizations.weight.original is source.parametrizations.weight.original
        yield target.parametrizations.weight[0] is source.parametrizations.weight[0]
    yield repr(P.transfer_parametrizations_and_params(layer(m), layer(m)))
    yield told(lambda: P.transfer_parametrizations_and_params(source, layer(m), "nope"))
    target = m.nn.Linear(3, 3)
    P.register_parametrization(target, "weight", K["Symmetric"]())
    yield repr(P.transfer_parametrizations_and_params(source, target, "weight"))


@program
def lists(m):
    P, K = utils(m, "parametrize"), kinds(m)
    made = P.ParametrizationList([K["Exp"]()], m.full((2,), 2.0))
    yield (
        repr(made),
        made(),
        made.original,
        type(made.original).__name__,
        told(lambda: made.right_inverse(m.ones(2))),
        made.original,
    )
    made = P.ParametrizationList([K["Product"]()], m.nn.Parameter(m.ones(2)))
    yield dict(made.named_parameters()), made(), told(lambda: P.ParametrizationList([K["Exp"]()], 3))


@program
def weight_norms(m):
    Z, P = utils(m, "parametrizations"), utils(m, "parametrize")
    for dim in (0, 1, -1, -2, None):
        linear = Z.weight_norm(layer(m, 2, 3), dim=dim)
        yield repr(linear), state(linear), linear.weight.detach()
        linear(m.ones(2, 3)).sum().backward()
        yield [p.grad for p in linear.parameters()]
        linear.weight = m.ones(2, 3)
        yield state(linear), P.remove_parametrizations(linear, "weight") is linear, linear.weight
    yield told(lambda: Z.weight_norm(layer(m), dim=5)), told(lambda: Z.weight_norm(layer(m), "nope"))
    conv = Z.weight_norm(m.nn.ConvTranspose2d(2, 3, 2))
    yield (
        {k: tuple(v.shape) for k, v in conv.state_dict().items()},
        {k: tuple(v.shape) for k, v in Z.weight_norm(m.nn.LSTMCell(2, 3), "weight_hh").state_dict().items()},
    )
    yield state(Z.weight_norm(m.nn.LayerNorm(2)))
    twice = Z.weight_norm(Z.weight_norm(layer(m)))
    yield repr(twice), list(twice.state_dict())
    old = utils(m, "weight_norm").weight_norm(layer(m), dim=1)
    new = Z.weight_norm(layer(m), dim=1)
    yield repr(new.load_state_dict(old.state_dict())), state(new)
    model = m.nn.Sequential(Z.weight_norm(layer(m)))
    yield repr(model.load_state_dict(m.nn.Sequential(utils(m, "weight_norm").weight_norm(layer(m))).state_dict()))


@program
def spectral_norms(m):
    Z, P = utils(m, "parametrizations"), utils(m, "parametrize")
    for options in ({}, {"n_power_iterations": 3}, {"dim": 1}, {"dim": -1}, {"eps": 1e-3}):
        linear = Z.spectral_norm(layer(m, 3, 2), **options)
        # The vectors are drawn; from there on all is determined.
        start = m.arange(1.0, linear.parametrizations.weight[0]._u.numel() + 1)
        linear.parametrizations.weight[0]._u.copy_(start / start.norm())
        yield repr(linear), list(linear.state_dict()), linear.weight.detach()
        linear(m.ones(2, 2)).sum().backward()
        yield [p.grad for p in linear.parameters()], {k: v.abs() for k, v in state(linear).items()}
        yield linear.eval().weight.detach(), linear.weight.detach(), {k: v.abs() for k, v in state(linear).items()}
        linear.weight = m.ones(3, 2)
        yield linear.parametrizations.weight.original, P.remove_parametrizations(linear, "weight").weight
    yield told(lambda: Z.spectral_norm(layer(m), n_power_iterations=0)), told(lambda: Z.spectral_norm(layer(m), dim=5))
    yield (
        told(lambda: Z.spectral_norm(layer(m), dim=-3)),
        told(lambda: Z.spectral_norm(layer(m), "nope")),
        told(lambda: Z.spectral_norm(layer(m), "in_features")),
    )
    norm = Z.spectral_norm(m.nn.LayerNorm(2))
    yield (
        norm.weight,
        list(norm.state_dict()),
        Z.spectral_norm(m.nn.ConvTranspose2d(2, 3, 2)).parametrizations.weight[0].dim,
    )
    yield (
        repr(Z.spectral_norm(Z.weight_norm(layer(m)))),
        {k: tuple(v.shape) for k, v in Z.spectral_norm(m.nn.Conv2d(2, 3, 2)).state_dict().items()},
    )


@program
def spectral_norm_draws(m):
    Z = utils(m, "parametrizations")
    m.manual_seed(5)
    linear = Z.spectral_norm(layer(m, 4, 3))
    yield state(linear), linear.weight.detach(), m.rand(3)


@program
def orthogonals(m):
    Z = utils(m, "parametrizations")
    for n, k in ((3, 3), (4, 2), (2, 4)):
        for kind in (None, "matrix_exp", "cayley", "householder"):
            for trivial in (True, False):
                linear = Z.orthogonal(layer(m, n, k).double(), orthogonal_map=kind, use_trivialization=trivial)
                yield (
                    n,
                    k,
                    kind,
                    trivial,
                    linear.parametrizations.weight.original,
                    linear.weight.detach(),
                    list(linear.state_dict()),
                )
                linear(m.ones(2, k, dtype=m.float64).cumsum(1)).square().sum().backward()
                if n == k or not trivial:
                    # The rest of a base is drawn.
                    yield linear.parametrizations.weight.original.grad
                moved = linear.parametrizations.weight.original
                moved.data += m.arange(1.0, n * k + 1).reshape(n, k).cos().tril(-1) / 5
                if n == k or not trivial:
                    yield linear.weight.detach()
                yield (
                    told(lambda: setattr(linear, "weight", m.eye(4, dtype=m.float64)[:n, :k])),
                    linear.weight.detach() * (not trivial or n == k),
                )
                yield told(lambda: setattr(linear, "weight", m.eye(4, dtype=m.float64)))
    yield (
        repr(Z.orthogonal(layer(m))),
        told(lambda: Z.orthogonal(layer(m), orthogonal_map="x")),
        told(lambda: Z.orthogonal(layer(m), "nope")),
    )
    yield told(lambda: Z.orthogonal(m.nn.LayerNorm(2))), told(lambda: Z.orthogonal(layer(m), "in_features"))
    first, second = Z.orthogonal(layer(m)), Z.orthogonal(m.nn.Linear(3, 3))
    yield repr(second.load_state_dict(first.state_dict())), second.weight.detach()
    whole = m.nn.Linear(3, 3, dtype=m.complex128)
    whole.weight.data = m.complex(m.arange(9.0).cos(), m.arange(9.0).sin()).reshape(3, 3).to(m.complex128)
    Z.orthogonal(whole, use_trivialization=False)
    yield m.view_as_real(whole.weight.detach()), told(lambda: Z.orthogonal(whole, orthogonal_map="householder"))


@pytest.mark.parity
@pytest.mark.parametrize("p", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_a_program_does_the_same(p):
    torch = pytest.importorskip("torch")
    theirs, ours = run(torch, p), run(rl, p)
    assert ours == theirs


# -- what differs from PyTorch on purpose, and what holds without it


def ours(name):
    return kinds(rl)[name]()


def test_a_refused_parametrization_changes_nothing():
    linear = nn.Linear(2, 2)
    before, weight = linear.weight.tolist(), linear.weight

    class Wrong(nn.Module):
        def forward(self, x):
            return x.sum()

        def right_inverse(self, x):
            return x * 0

    with pytest.raises(ValueError, match="may not change the shape"):
        parametrize.register_parametrization(linear, "weight", Wrong())
    assert linear.weight is weight and weight.tolist() == before
    assert type(linear) is nn.Linear and list(linear.state_dict()) == ["weight", "bias"]


def test_an_assigned_value_is_seen_within_cached():
    linear = parametrize.register_parametrization(nn.Linear(2, 2), "weight", ours("Double"))
    with parametrize.cached():
        before = linear.weight
        linear.weight = rl.ones(2, 2)
        assert linear.weight is not before
        assert linear.weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_what_is_assigned_is_copied():
    linear = parametrize.register_parametrization(nn.Linear(2, 2), "weight", parametrizations._WeightNorm())
    value = rl.ones(2, 2)
    linear.weight = value
    value.zero_()
    assert linear.weight.sum().item() == pytest.approx(4)


def test_a_copy_keeps_its_parametrization_when_the_first_loses_it():
    linear = parametrize.register_parametrization(nn.Linear(2, 2), "weight", ours("Double"))
    parametrize.register_parametrization(linear, "bias", ours("Double"))
    other = copy.deepcopy(linear)
    parametrize.remove_parametrizations(linear, "weight")
    assert parametrize.is_parametrized(other, "weight")
    assert other.weight.grad_fn is not None
    assert {"weight", "bias"} <= set(dir(other))


def test_a_parameter_that_is_none_is_refused_by_name():
    with pytest.raises(ValueError, match="with name 'bias'"):
        parametrize.register_parametrization(nn.Linear(1, 1, bias=False), "bias", nn.Identity())


def test_an_error_within_a_parametrization_is_told_as_it_is():
    class Broken(nn.Module):
        on = False

        def forward(self, x):
            return x.nothing_of_the_kind if self.on else x

    linear = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Broken())
    linear.parametrizations.weight[0].on = True
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        linear(rl.ones(2))


def test_functional_call_gives_the_originals():
    linear = parametrize.register_parametrization(nn.Linear(2, 1, bias=False), "weight", ours("Double"))
    out = rl.func.functional_call(linear, {"parametrizations.weight.original": rl.tensor([[1.0, 2.0]])}, rl.ones(2))
    assert out.item() == 6.0


def test_the_weights_are_trained_through():
    linear = parametrizations.weight_norm(nn.Linear(3, 1))
    optimizer = rl.optim.SGD(linear.parameters(), lr=0.1)
    x, y = rl.eye(3), rl.tensor([[1.0], [2.0], [3.0]])
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(linear(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_orthogonal_stays_orthogonal_whatever_the_original():
    for n, k in ((4, 4), (5, 2), (2, 5)):
        for kind in ("matrix_exp", "cayley", "householder"):
            linear = parametrizations.orthogonal(nn.Linear(k, n).double(), orthogonal_map=kind)
            # householder reads signs off the diagonal: it is not trained.
            linear.parametrizations.weight.original.data += rl.randn(n, k, dtype=rl.float64).tril(-1).triu(-1)
            w = linear.weight if n >= k else linear.weight.mT
            assert (w.mT @ w).allclose(rl.eye(min(n, k), dtype=rl.float64), atol=1e-9)
