"""GradScaler: scaled losses, unscaled gradients, steps left out, and the growth of the scale."""

import copy
import inspect
import math
import pickle

import pytest

import rushlight as rl
from rushlight import nn, optim
from rushlight.amp import GradScaler

CLOSURES = ("LBFGS",)
OPTIMIZERS = [
    name
    for name in sorted(dir(optim))
    if inspect.isclass(getattr(optim, name))
    and issubclass(getattr(optim, name), optim.Optimizer)
    and name != "Optimizer"
]


def parameter(*values):
    return nn.Parameter(rl.tensor(values or (1.0, 2.0)))


def scaler(**options):
    return GradScaler("cpu", **{"init_scale": 4.0, **options})


def stepped(s, optimizer, loss):
    """One iteration: the loss scaled, the step, the update."""
    optimizer.zero_grad()
    s.scale(loss).backward()
    s.step(optimizer)
    s.update()


def test_a_loss_is_scaled_and_gradients_are_unscaled_before_the_step():
    w = parameter()
    s, optimizer = scaler(), optim.SGD([w], lr=0.5)
    loss = s.scale(w.sum())
    assert loss.item() == 12 and s.is_enabled()
    loss.backward()
    assert w.grad.tolist() == [4, 4]
    s.step(optimizer)
    assert w.grad.tolist() == [1, 1] and w.tolist() == [0.5, 1.5]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_the_step_or_leaves_it_out(name):
    def made():
        w = nn.Parameter(rl.tensor([[1.0, 2.0], [3.0, 4.0]]))
        return w, getattr(optim, name)([w])

    for bad in (math.inf, math.nan, None):
        (w, optimizer), (plain, alone) = made(), made()
        s = scaler()
        s.scale((w * w * (bad or 1)).sum()).backward()
        (plain * plain).sum().backward()
        if name in CLOSURES:
            with pytest.raises(
                RuntimeError, match=r"^Closure use is not currently supported if GradScaler is enabled.$"
            ):
                s.step(optimizer, closure=lambda: 1.0)
            continue
        assert s.step(optimizer) is None
        s.update()
        if bad is None:
            alone.step()
        assert rl.equal(w, plain) and s.get_scale() == (4.0 if bad is None else 2.0)


def test_the_scale_grows_and_backs_off():
    w = parameter()
    s, optimizer = scaler(growth_interval=2, growth_factor=3.0, backoff_factor=0.25), optim.SGD([w], lr=0.1)
    seen = []
    for factor in (1.0, 1.0, 1.0, math.inf, 1.0, 1.0):
        stepped(s, optimizer, (w * factor).sum())
        seen.append((s.get_scale(), s.state_dict()["_growth_tracker"]))
    assert seen == [(4, 1), (12, 0), (12, 1), (3, 0), (3, 1), (9, 0)]
    assert w.isfinite().all()


def test_the_scale_stays_finite():
    w = parameter()
    s, optimizer = scaler(init_scale=2.0**127, growth_interval=1), optim.SGD([w], lr=0.1)
    stepped(s, optimizer, (w * 1e-30).sum())
    assert s.get_scale() == 2.0**127


def test_gradients_can_be_clipped_between():
    w = parameter(3.0, 4.0)
    s, optimizer = scaler(), optim.SGD([w], lr=1.0)
    s.scale((w * w / 2).sum()).backward()
    s.unscale_(optimizer)
    assert nn.utils.clip_grad_norm_([w], 1.0).item() == pytest.approx(5)
    s.step(optimizer)
    assert w.tolist() == pytest.approx([2.4, 3.2])


def test_one_scale_for_two_optimizers():
    a, b = parameter(), parameter()
    s, first, second = scaler(), optim.SGD([a], lr=1.0), optim.SGD([b], lr=1.0)
    s.scale(a.sum() + (b * math.inf).sum()).backward()
    s.step(first)
    s.step(second)
    s.update()
    assert a.tolist() == [0, 1] and b.tolist() == [1, 2] and s.get_scale() == 2


def test_iterables_are_scaled_one_by_one():
    one = rl.ones(())
    s = scaler()
    scaled = s.scale([one, (one, one)])
    assert isinstance(scaled, list) and isinstance(scaled[1], tuple) and scaled[1][1].item() == 4
    assert [x.item() for x in s.scale(iter([one]))] == [4]
    with pytest.raises(ValueError, match=r"^outputs must be a Tensor or an iterable of Tensors$"):
        s.scale(3)


def test_not_enabled_it_does_nothing():
    with pytest.warns(
        UserWarning, match=r"^torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.$"
    ):
        s = rl.GradScaler()
    w = parameter()
    optimizer = optim.SGD([w], lr=1.0)
    loss = w.sum()
    assert s.scale(loss) is loss and s.get_scale() == 1 and s.state_dict() == {} and not s.is_enabled()
    loss.backward()
    s.unscale_(optimizer)
    assert s.step(optimizer, closure=lambda: loss.detach()).item() == 3
    s.update()
    s.load_state_dict({})
    assert w.tolist() == [0, 1]


def test_calls_out_of_order_are_refused():
    w = parameter()
    s, optimizer = scaler(), optim.SGD([w], lr=1.0)
    for name, call in (("step", s.step), ("unscale_", s.unscale_)):
        with pytest.raises(
            AssertionError, match=rf"^Attempted {name} but _scale is None.  This may indicate your script"
        ):
            call(optimizer)
    loss = s.scale(w.sum())
    with pytest.raises(AssertionError, match=r"^No inf checks were recorded prior to update.$"):
        s.update()
    loss.backward()
    s.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"^unscale_\(\) has already been called on this optimizer since the last"):
        s.unscale_(optimizer)
    with pytest.raises(AssertionError, match=r"^A GradScaler instance may only be pickled at the beginning"):
        pickle.dumps(s)
    s.step(optimizer)
    with pytest.raises(RuntimeError, match=r"^step\(\) has already been called since the last update\(\).$"):
        s.step(optimizer)
    with pytest.raises(RuntimeError, match=r"^unscale_\(\) is being called after step\(\).$"):
        s.unscale_(optimizer)
    s.update()
    optimizer.zero_grad()
    with pytest.raises(AssertionError, match=r"^No inf checks were recorded for this optimizer.$"):
        s.step(optimizer)


def test_gradients_in_float16_are_refused():
    w = nn.Parameter(rl.ones(2, dtype=rl.float16))
    s, optimizer = scaler(), optim.SGD([w], lr=1.0)
    s.scale(w.float().sum()).backward()
    with pytest.raises(ValueError, match=r"^Attempting to unscale FP16 gradients.$"):
        s.step(optimizer)
    assert w.tolist() == [1, 1]


def test_factors_are_checked_and_can_be_set():
    with pytest.raises(AssertionError, match=r"^The growth factor must be > 1.0.$"):
        scaler(growth_factor=1.0)
    with pytest.raises(AssertionError, match=r"^The backoff factor must be < 1.0.$"):
        scaler(backoff_factor=1.0)
    s = scaler()
    s.set_growth_factor(5.0)
    s.set_backoff_factor(0.1)
    s.set_growth_interval(7)
    assert (s.get_growth_factor(), s.get_backoff_factor(), s.get_growth_interval()) == (5.0, 0.1, 7)


def test_a_scale_can_be_given():
    s = scaler()
    s.scale(rl.ones(()))
    s.update(3.0)
    assert s.get_scale() == 3
    s.update(rl.tensor(5.0))
    assert s.get_scale() == 5
    with pytest.raises(AssertionError, match=r"^new_scale should be a float or a 1-element"):
        s.update(rl.ones(2))


def test_its_state_goes_on():
    w = parameter()
    s, optimizer = scaler(growth_interval=3), optim.SGD([w], lr=0.1)
    stepped(s, optimizer, w.sum())
    state = s.state_dict()
    assert state == {
        "scale": 4.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 3, "_growth_tracker": 1,
    }  # fmt: skip
    fresh, used = GradScaler("cpu"), scaler()
    used.scale(w.sum())
    for other in (fresh, used):
        other.load_state_dict(state)
    for other in (fresh, used, pickle.loads(pickle.dumps(s)), copy.deepcopy(s)):
        assert other.state_dict() == state
        stepped(other, optimizer, w.sum())
        stepped(other, optimizer, w.sum())
        assert other.get_scale() == 8
    with pytest.raises(
        RuntimeError, match=r"^The source state dict is empty, possibly because it was saved from a disabled"
    ):
        s.load_state_dict({})


def test_small_gradients_survive_in_float16():
    w = nn.Parameter(rl.full((4, 4), 1e-3))
    x = rl.full((4, 4), 1e-3)

    def gradient(scale):
        w.grad = None
        with rl.autocast("cpu", dtype=rl.float16):
            loss = (x @ w).float().mean() * 1e-4
        (loss * scale).backward()
        return w.grad / scale

    assert (gradient(1.0) == 0).any() or not rl.allclose(gradient(1.0), rl.full((4, 4), 2.5e-8), rtol=0.01)
    assert rl.allclose(gradient(2.0**14), rl.full((4, 4), 2.5e-8), rtol=0.01)
