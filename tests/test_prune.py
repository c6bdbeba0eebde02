"""nn.utils.prune: beside PyTorch, and what differs on purpose."""

import copy
import importlib
import pickle

import pytest

import rushlight as rl
from beside import collect
from rushlight import nn
from rushlight.nn.utils import prune
from test_module_parity import run, told

PROGRAMS = []
program = collect(PROGRAMS)


def pruning(m):
    return importlib.import_module(f"{m.__name__}.nn.utils.prune")


def layer(m, n=3, k=4):
    linear = m.nn.Linear(k, n)
    linear.weight.data = ((m.arange(1.0, n * k + 1) ** 2 * 0.37) % 1 - 0.4).reshape(n, k)
    linear.bias.data = m.arange(1.0, n + 1) / 2
    return linear


def shown(linear):
    hooks = [type(hook).__name__ for hook in linear._forward_pre_hooks.values()]
    return linear.weight, list(linear.state_dict()), [n for n, _ in linear.named_parameters()], hooks


def methods(R):
    """Calls that prune a weight of 3 by 4."""
    return [
        lambda n: R.identity(n, "weight"), lambda n: R.l1_unstructured(n, "weight", 3),
        lambda n: R.l1_unstructured(n, "weight", 0.3), lambda n: R.random_unstructured(n, "weight", 4),
        lambda n: R.random_unstructured(n, "weight", 0.5), lambda n: R.ln_structured(n, "weight", 1, 2, 0),
        lambda n: R.ln_structured(n, "weight", 0.5, 1, 1), lambda n: R.ln_structured(n, "weight", 2, float("inf"), -1),
        lambda n: R.ln_structured(n, "weight", 1, -1, 0), lambda n: R.ln_structured(n, "weight", 1, "fro", 1),
        lambda n: R.random_structured(n, "weight", 1, 0), lambda n: R.random_structured(n, "weight", 0.5, 1),
        lambda n: R.l1_unstructured(n, "weight", 0), lambda n: R.l1_unstructured(n, "weight", 1.0),
        lambda n: R.ln_structured(n, "weight", 0, 2, 0), lambda n: R.l1_unstructured(n, "weight", 12),
    ]  # fmt: skip


@program
def once(m):
    R = pruning(m)
    for i, call in enumerate(methods(R)):
        m.manual_seed(i)
        linear = layer(m)
        yield i, call(linear) is linear, linear.weight_mask, shown(linear), repr(linear), R.is_pruned(linear)
        linear(m.ones(2, 4)).sum().backward()
        yield linear.weight_orig.grad, R.is_pruned(m.nn.Sequential(linear)), R.is_pruned(layer(m))
        original = linear.weight_orig
        yield (
            R.remove(linear, "weight") is linear,
            shown(linear),
            linear.weight is original,
            linear.weight.requires_grad,
        )


@program
def twice(m):
    R = pruning(m)
    for i, first in enumerate(methods(R)[:12]):
        for j, second in enumerate(methods(R)[:12]):
            m.manual_seed(i * 12 + j)
            linear = layer(m)
            first(linear)
            yield i, j, told(lambda: second(linear) is linear), linear.weight_mask, shown(linear)


@program
def again_and_again(m):
    R = pruning(m)
    linear = layer(m)
    for _ in range(3):
        R.l1_unstructured(linear, "weight", 0.5)
        yield linear.weight_mask
    R.ln_structured(linear, "weight", 1, 2, 1)
    (hook,) = linear._forward_pre_hooks.values()
    yield (
        linear.weight_mask,
        len(hook),
        [type(part).__name__ for part in hook],
        type(hook[0]).__name__,
        hook._tensor_name,
    )
    R.l1_unstructured(linear, "bias", 1)
    yield (
        linear.bias_mask,
        len(linear._forward_pre_hooks),
        R.remove(linear, "bias").bias,
        len(linear._forward_pre_hooks),
    )
    with m.no_grad():
        linear.weight_orig.fill_(3.0)
    linear(m.ones(1, 4))
    yield linear.weight


@program
def masks_and_scores(m):
    R = pruning(m)
    linear = layer(m)
    R.custom_from_mask(linear, "weight", m.tensor([[1, 0, 1, 0]] * 3))
    yield (
        linear.weight_mask,
        R.custom_from_mask(linear, "weight", m.tensor([[True], [False], [True]]).expand(3, 4)).weight_mask,
    )
    yield told(lambda: R.custom_from_mask(linear, "weight", m.ones(2))), linear.weight_mask
    scores = m.arange(12.0).reshape(3, 4)
    yield R.l1_unstructured(layer(m), "weight", 2, importance_scores=scores).weight_mask
    yield R.ln_structured(layer(m), "weight", 1, 2, 0, importance_scores=-scores).weight_mask
    yield told(lambda: R.l1_unstructured(layer(m), "weight", 2, importance_scores=m.ones(3)))
    yield told(lambda: R.l1_unstructured(layer(m), "weight", 2, importance_scores=[1]))
    double = layer(m).double()
    R.l1_unstructured(double, "weight", 2)
    yield double.weight_mask.dtype == m.float64, double.float().weight_mask.dtype == m.float32


@program
def all_together(m):
    R = pruning(m)
    for options in ({"amount": 5}, {"amount": 0.3}, {"amount": 0}, {"amount": 16}, {"amount": 99}, {"amount": -1}, {}):
        a, b = layer(m), layer(m, 2, 2)
        b.weight.data *= 1.3
        yield (
            told(
                lambda: R.global_unstructured(
                    [(a, "weight"), (b, "weight")], pruning_method=R.L1Unstructured, **options
                )
            ),
            shown(a),
            shown(b),
        )
        yield (
            told(
                lambda: R.global_unstructured(((a, "weight"), (b, "weight")), pruning_method=R.L1Unstructured, amount=3)
            ),
            shown(a),
            shown(b),
        )
    a, b = layer(m), layer(m, 2, 2)
    m.manual_seed(3)
    yield (
        R.global_unstructured([(a, "weight"), (a, "bias")], R.RandomUnstructured, amount=6),
        a.weight_mask,
        a.bias_mask,
    )
    yield (
        told(lambda: R.global_unstructured([(b, "weight")], R.LnStructured, amount=5))[:28],
        told(lambda: R.global_unstructured(3, R.L1Unstructured, amount=5)),
    )
    yield told(lambda: R.global_unstructured([(b, "weight")], R.LnStructured, amount=1, n=2))[:60]
    yield told(lambda: R.global_unstructured([(b, "weight")], R.L1Unstructured, importance_scores=3, amount=5))
    R.global_unstructured(
        [(b, "weight")],
        R.L1Unstructured,
        importance_scores={(b, "weight"): m.tensor([[4.0, 1.0], [2.0, 3.0]])},
        amount=2,
    )
    yield b.weight_mask, told(lambda: R.global_unstructured([], R.L1Unstructured, amount=1))


@program
def refused(m):
    R = pruning(m)
    for amount in (-1, 1.5, 100, "x", None, -0.1, 13, float("nan")):
        if amount == amount:
            for call in (
                lambda: R.l1_unstructured(layer(m), "weight", amount),
                lambda: R.random_unstructured(layer(m), "weight", amount),
                lambda: R.ln_structured(layer(m), "weight", amount, 2, 0),
                lambda: R.random_structured(layer(m), "weight", amount, 0),
            ):  # fmt: skip
                yield amount, told(call)
    for call in (
        lambda n: R.ln_structured(n, "weight", 1, 2, 2), lambda n: R.random_structured(n, "weight", 1, 2),
        lambda n: R.ln_structured(n, "bias", 1, 2, 0), lambda n: R.random_structured(n, "bias", 1, 0),
        lambda n: R.l1_unstructured(n, "nope", 1), lambda n: R.l1_unstructured(n, "in_features", 1),
        lambda n: R.remove(n, "weight"), lambda n: R.remove(n, "nope"),
        lambda n: R.ln_structured(n, "weight", 1, "x", 0),
    ):  # fmt: skip
        linear = layer(m)
        yield told(lambda: call(linear)), sorted(linear.state_dict()), len(linear._forward_pre_hooks)
    norm = m.nn.BatchNorm1d(3)
    yield (
        told(lambda: R.l1_unstructured(norm, "running_mean", 1)),
        list(norm.state_dict()),
        told(lambda: R.identity(m.nn.Linear(1, 1, bias=False), "bias")),
    )


@program
def own_methods(m):
    R = pruning(m)

    def made(kind, compute):
        return type("Own", (R.BasePruningMethod,), {"PRUNING_TYPE": kind, "compute_mask": compute})

    def first_row(self, t, default_mask):
        mask = default_mask.clone()
        mask[0] = 0
        return mask

    for kind in ("global", "odd"):
        linear = layer(m)
        method = made(kind, first_row).apply(linear, "weight")
        yield (
            type(method).__name__,
            method._tensor_name,
            shown(linear),
            told(lambda: type(made(kind, first_row).apply(linear, "weight")).__name__),
        )

    def refuse(self, t, default_mask):
        raise ValueError("no")

    linear = layer(m)
    yield (
        told(lambda: made("unstructured", refuse).apply(linear, "weight")),
        sorted(linear.state_dict()),
        told(lambda: R.BasePruningMethod()),
    )
    yield (
        made("global", first_row)().prune(m.ones(2, 2)),
        R.Identity().prune(m.ones(2), default_mask=m.tensor([0.0, 1.0])),
    )
    one = R.L1Unstructured(2)
    yield (
        one.prune(m.tensor([3.0, 1.0, 2.0, -5.0])),
        one.prune(m.ones(4), importance_scores=m.tensor([4.0, 3.0, 2.0, 1.0])),
        one.amount,
    )
    yield (
        one.compute_mask(m.tensor([3.0, 1.0, 2.0]), m.tensor([1.0, 1.0, 0.0])),
        [
            getattr(R, name).PRUNING_TYPE
            for name in (
                "Identity",
                "RandomUnstructured",
                "L1Unstructured",
                "RandomStructured",
                "LnStructured",
                "CustomFromMask",
            )
        ],
    )
    yield (
        told(lambda: one.apply_mask(layer(m))),
        told(lambda: R.PruningContainer().add_pruning_method(3)),
        len(R.PruningContainer()),
    )


@program
def containers(m):
    R = pruning(m)
    t = m.arange(12.0).sin().reshape(3, 4)
    masks = [
        m.ones(3, 4),
        m.tensor([[0.0] * 4, [1.0] * 4, [1.0, 0.0, 1.0, 1.0]]),
        m.tensor([[0.0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]),
    ]
    kinds = [
        lambda: R.L1Unstructured(1),
        lambda: R.LnStructured(1, 2, 0),
        lambda: R.LnStructured(1, 2, 1),
        lambda: R.LnStructured(1, 1, -1),
    ]
    for make in kinds:
        method = make()
        method._tensor_name = "weight"
        container = R.PruningContainer(method)
        container.add_pruning_method(method)
        for mask in masks:
            # PyTorch writes to the mask that it is given.
            yield container.compute_mask(t, mask.clone()), len(container), container.prune(t, mask.clone())
        other = make()
        other._tensor_name = "bias"
        yield told(lambda: container.add_pruning_method(other))[:80]


@program
def saved_and_copied(m):
    R = pruning(m)
    linear = layer(m)
    R.l1_unstructured(linear, "weight", 3)
    yield told(lambda: copy.deepcopy(linear))[:60]
    with m.no_grad():
        linear(m.ones(1, 4))
    other = copy.deepcopy(linear)
    yield shown(other), R.remove(other, "weight").weight, R.is_pruned(linear), shown(pickle.loads(pickle.dumps(linear)))
    fresh = layer(m)
    R.identity(fresh, "weight")
    yield repr(fresh.load_state_dict(linear.state_dict())), fresh(m.ones(1, 4)), fresh.weight
    yield told(lambda: layer(m).load_state_dict(linear.state_dict()))


@pytest.mark.parity
@pytest.mark.parametrize("p", PROGRAMS, ids=lambda p: p.__name__)
def test_a_program_does_the_same(p):
    torch = pytest.importorskip("torch")
    theirs, ours = run(torch, p), run(rl, p)
    assert ours == theirs


# -- what differs from PyTorch on purpose, and what holds without it


def test_a_container_takes_several_methods_at_once():
    first, second = prune.L1Unstructured(1), prune.L1Unstructured(2)
    first._tensor_name = second._tensor_name = "weight"
    assert list(prune.PruningContainer(first, second)) == [first, second]


def test_what_is_refused_leaves_the_module_as_it_was():
    linear = nn.Linear(4, 3)
    prune.l1_unstructured(linear, "weight", 2)
    before, (hook,) = linear.weight_mask.tolist(), linear._forward_pre_hooks.values()
    with pytest.raises(ValueError, match="should be smaller"):
        prune.l1_unstructured(linear, "weight", 11)
    assert linear.weight_mask.tolist() == before
    assert list(linear._forward_pre_hooks.values()) == [hook]


def test_parameters_may_come_one_by_one():
    linear = nn.Linear(4, 3)
    prune.global_unstructured(iter([(linear, "weight")]), prune.L1Unstructured, amount=5)
    assert linear.weight_mask.sum().item() == 7


def test_training_goes_on_with_zeros():
    linear = nn.Linear(4, 1)
    prune.l1_unstructured(linear, "weight", 2)
    optimizer = rl.optim.SGD(linear.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        (linear(rl.ones(3, 4)) - 5).square().sum().backward()
        optimizer.step()
    linear(rl.ones(3, 4))
    assert ((linear.weight == 0) == (linear.weight_mask == 0)).all()


def test_a_share_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="should either be a float in the range"):
        prune.L1Unstructured(float("nan"))
