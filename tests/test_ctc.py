"""ctc_loss: values by listing all alignments, derivatives of both orders, layouts, refusals."""

import itertools
import math

import numpy as np
import pytest

import rushlight
from rushlight import autograd
from rushlight.nn.functional import ctc_loss

STEPS, LABELS = 6, 4
TARGETS = [[1, 2, 2], [3, 1, 0]]
SPANS, LENGTHS = (6, 5), (3, 2)


def scores(seed=0, count=2):
    x = np.random.default_rng(seed).normal(size=(STEPS, count, LABELS))
    return rushlight.from_numpy(x).requires_grad_()


def loss_of(x, targets=TARGETS, spans=SPANS, lengths=LENGTHS, **options):
    return ctc_loss(x.log_softmax(-1), rushlight.tensor(targets), spans, lengths, **options)


def collapsed(path):
    return [label for label, _ in itertools.groupby(path) if label]


def by_listing(log_probs, target):
    """-log of the summed probability of all paths that read `target`."""
    total = 0.0
    for path in itertools.product(range(LABELS), repeat=len(log_probs)):
        if collapsed(path) == list(target):
            total += math.exp(sum(log_probs[t][label] for t, label in enumerate(path)))
    return -math.log(total)


@pytest.mark.parametrize(("span", "target"), [(4, [1, 2]), (4, [2, 2]), (5, [3, 1, 3]), (3, []), (2, [1, 2])])
def test_values_are_those_of_all_alignments(span, target):
    log_probs = scores().detach().log_softmax(-1)[:span, :1]
    loss = ctc_loss(
        log_probs, rushlight.tensor([target], dtype=rushlight.int64), (span,), (len(target),), reduction="sum"
    )
    assert float(loss) == pytest.approx(by_listing(log_probs[:, 0].tolist(), target), rel=1e-12)


def test_reductions():
    x = scores()
    each = loss_of(x, reduction="none")
    assert each.shape == (2,)
    assert loss_of(x, reduction="sum").item() == pytest.approx(each.sum().item())
    assert loss_of(x).item() == pytest.approx((each / rushlight.tensor([3.0, 2.0])).mean().item())
    assert (
        rushlight.ctc_loss(x.log_softmax(-1), rushlight.tensor(TARGETS), SPANS, LENGTHS, 0, 2).item()
        == each.sum().item()
    )


def test_layouts_agree():
    x = scores()
    rows = loss_of(x, reduction="none")
    in_a_row = loss_of(x, [1, 2, 2, 3, 1], reduction="none")
    alone = loss_of(x[:, 0], [1, 2, 2], rushlight.tensor(6), rushlight.tensor(3), reduction="none")
    assert rows.tolist() == in_a_row.tolist()
    assert alone.shape == ()
    assert alone.item() == rows[0].item()


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("blank", [0, 3])
def test_derivatives(blank, reduction):
    def loss(x):
        return loss_of(x, [[1, 2, 2], [2, 1, 0]], blank=blank, reduction=reduction)

    assert autograd.gradcheck(loss, (scores(),), check_forward_ad=True)
    assert autograd.gradgradcheck(loss, (scores(),))


def test_probabilities_of_zero():
    x = scores().detach()
    x[:, :, 2] = -math.inf
    x.requires_grad_()
    loss = loss_of(x, [[1, 3, 1], [3, 1, 0]])
    (grad,) = autograd.grad(loss, x)
    assert math.isfinite(loss.item())
    assert bool(grad[:, :, :2].isfinite().all())


def test_a_target_too_long_is_infinite_or_zero():
    x = scores()
    targets, spans = [[1, 1, 1], [3, 1, 0]], (4, 5)
    loss = loss_of(x, targets, spans, reduction="none")
    assert loss[0].item() == math.inf
    assert bool(autograd.grad(loss.sum(), x)[0][:4, 0].isnan().all())
    loss = loss_of(x, targets, spans, reduction="none", zero_infinity=True)
    assert loss[0].item() == 0.0
    (grad,) = autograd.grad(loss.sum(), x, create_graph=True)
    assert grad[:, 0].abs().sum().item() == 0.0
    assert grad[:, 1].abs().sum().item() > 0
    (second,) = autograd.grad(grad.square().sum(), x)
    assert bool(second.isfinite().all())


def test_a_batch_of_losses_by_vmap():
    x = scores(count=3).detach()
    targets, spans, lengths = [rushlight.tensor(v) for v in ([[1, 2], [2, 2], [3, 0]], [6, 5, 3], [2, 2, 1])]

    def loss(x, target, span, length):
        return ctc_loss(x.log_softmax(-1), target, span, length, reduction="sum")

    together = rushlight.func.vmap(rushlight.func.grad(loss), (1, 0, 0, 0))(x, targets, spans, lengths)
    for n in range(3):
        alone = rushlight.func.grad(loss)(x[:, n], targets[n, : int(lengths[n])], spans[n], lengths[n])
        np.testing.assert_allclose(together[n], alone, rtol=1e-10, atol=1e-12)


def test_labels_out_of_range_are_refused():
    with pytest.raises(IndexError, match="Target 9 is out of bounds"):
        loss_of(scores(), [[1, 2, 9], [3, 1, 0]])
    loss_of(scores(), [[1, 2, 2], [3, 1, 9]])  # beyond the length of its target


def cases(lib):
    x = lib.tensor(scores().tolist(), dtype=lib.float64)
    targets, spans, lengths = lib.tensor(TARGETS), lib.tensor(SPANS), lib.tensor(LENGTHS)
    return [
        (x, targets, spans, lengths, 4),
        (x, targets, spans, lengths, -1),
        (x, targets, lib.tensor([7, 5]), lengths),
        (x, targets, lib.tensor([-1, 5]), lengths),
        (x, targets, lib.tensor([6]), lengths),
        (x, targets, spans, lib.tensor([3])),
        (x, targets, spans, lib.tensor([4, 2])),
        (x, targets, spans, lib.tensor([-1, 2])),
        (x, targets, spans.to(lib.float32), lengths),
        (x, targets, spans, lengths.to(lib.float32)),
        (x, lib.tensor([1, 2, 2, 3]), spans, lengths),
        (x, targets[None], spans, lengths),
        (x[:, :1], targets, spans, lengths),
        (x.to(lib.int64), targets, spans, lengths),
        (x.to(lib.float16), targets, spans, lengths),
        (x, targets, spans, lengths, 0, "foo"),
        (3, targets, spans, lengths),
        (x[:, 0], targets[0], 6, 3),
        (x[:0], targets, spans, lengths),
        (x[:, :0], targets[:0], spans[:0], lengths[:0]),
    ]


@pytest.mark.parity
@pytest.mark.parametrize("case", range(20))
def test_refusals_are_pytorchs(case):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        torch.nn.functional.ctc_loss(*cases(torch)[case])
    with pytest.raises(theirs.type) as ours:
        ctc_loss(*cases(rushlight)[case])
    assert str(ours.value).split("\n")[0] == str(theirs.value).split("\n")[0]


@pytest.mark.parity
@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_gradients_are_pytorchs(dtype, zero_infinity):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(5)
    x = random.normal(size=(50, 5, 9))
    targets = random.integers(1, 9, (5, 12))
    spans, lengths = (50, 40, 30, 13, 0), (12, 5, 1, 12, 0)
    found = []
    for lib in (rushlight, torch):
        logits = lib.tensor(x, dtype=getattr(lib, dtype), requires_grad=True)
        loss = lib.nn.functional.ctc_loss(
            logits, lib.tensor(targets), spans, lengths, reduction="none", zero_infinity=zero_infinity
        )
        loss.sum().backward()
        found.append((loss.detach().numpy(), logits.grad.numpy()))
    rtol = 1e-4 if dtype == "float32" else 1e-9
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)
