"""Numbers of models and runs: viz.summary, viz.watch, viz.curves."""

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn, viz


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.unused = nn.Linear(3, 3), nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(self.layer(x)), x


def rows(table):
    return {row.name: row for row in table.rows}


def test_a_summary_counts():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8 * 16, 5))
    model[0].weight.requires_grad_(False)
    table = viz.summary(model, rl.ones(2, 3, 4, 4))
    found = rows(table)
    assert found["0"].multiply_adds == 2 * 8 * 16 * 27 and found["3"].multiply_adds == 2 * 128 * 5
    assert table.multiply_adds == found[""].multiply_adds == found["0"].multiply_adds + found["3"].multiply_adds
    assert (table.parameters, table.trainable) == (8 * 28 + 129 * 5, 8 + 129 * 5)
    assert found["0"].made == 2 * 8 * 16 * 4 and found["1"].made == found["2"].made == 0
    assert table.memory == {"input": 384, "parameters": 4 * table.parameters, "buffers": 0, "made": found[""].made}
    assert found["2"].output == "(2, 128)" and model.training
    assert "216 of them frozen" in str(table)


def test_a_summary_of_a_shape_calls_and_depths():
    model = nn.Sequential(Twice())
    table = viz.summary(model, (2, 3))
    found = rows(table)
    assert found["0.layer"].calls == 2 and found["0.layer"].multiply_adds == 36
    assert found["0"].output == "(2, 3), (2, 3)"
    assert "not called" in str(table).split("0.unused")[1].split("\n")[0] and "(2, 3) x2" in str(table)
    assert set(rows(viz.summary(model, (2, 3), depth=1))) == {"", "0"}
    html = table._repr_html_()
    assert html.count("<tr>") == 5 and "<td>Twice</td>" in html


def test_products_of_attention_and_transposed_convolutions():
    layer = nn.MultiheadAttention(4, 2, batch_first=True).eval()
    x = rl.ones(1, 3, 4)
    assert viz.summary(layer, (x, x, x)).multiply_adds >= 4 * 3 * 16
    up = nn.ConvTranspose2d(2, 5, 3)
    assert viz.summary(up, (1, 2, 4, 4)).multiply_adds == 2 * 16 * 5 * 9


def products(model, *input):
    return viz.summary(model, input[0] if len(input) == 1 else input).multiply_adds


def test_products_of_layers_counted_by_hand():
    assert products(nn.Conv2d(4, 8, 3, groups=2), (1, 4, 6, 6)) == 8 * 4 * 4 * 2 * 9
    assert products(nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4)) == 3 * 27 * 2 * 8
    # 5 steps, 2 samples, 4 inputs, 6 units; the second layer has the units of both directions as inputs.
    steps = 5 * 2
    assert products(nn.LSTM(4, 6), (5, 2, 4)) == steps * (4 + 6) * 4 * 6
    assert products(nn.LSTM(4, 6, 2, bidirectional=True), (5, 2, 4)) == steps * 2 * 4 * 6 * ((4 + 6) + (12 + 6))
    assert products(nn.GRU(4, 6), (5, 2, 4)) == steps * (4 + 6) * 3 * 6
    # 3 samples of 5 tokens of 8 features: queries, keys and values, weights and their sums, the way out, two layers.
    encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    attention = 5 * 8 * 24 + 2 * 5 * 5 * 8 + 5 * 8 * 8
    assert products(encoder, (3, 5, 8)) == 3 * (attention + 2 * 5 * 8 * 16)
    # Against a memory of 7 tokens.
    across = 5 * 8 * 8 + 7 * 8 * 16 + 2 * 5 * 7 * 8 + 5 * 8 * 8
    decoder = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    assert products(decoder, (3, 5, 8), (3, 7, 8)) == 3 * (attention + across + 2 * 5 * 8 * 16)


class Products(nn.Module):
    def forward(self, a, v):
        square = a @ a.t()
        rl.addbmm(square, a.expand(2, 3, 4), a.t().expand(2, 4, 3))
        rl.addmv(v[:3], a, v)
        return rl.einsum("ij,kj->ik", a, a), v.dot(v)


def test_products_of_operations_counted_by_hand():
    assert products(Products(), rl.ones(3, 4), rl.ones(4)) == 36 + 2 * 36 + 12 + 36 + 4


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2, dtype=rl.float64)
        self.again = self.layer

    def forward(self, x, *, other, scale=1):
        return {"out": self.layer(x) + self.again(other["y"]) * scale}


def test_a_summary_of_odd_models_and_inputs():
    table = viz.summary(Named(), {"x": (5, 3), "other": {"y": rl.ones(5, 3, dtype=rl.float64)}, "scale": 2})
    found = rows(table)
    assert set(found) == {"", "layer"} and found["layer"].calls == 2 and found[""].output == "(5, 2)"
    assert (table.parameters, table.multiply_adds, table.memory["input"]) == (8, 2 * 5 * 6, 2 * 15 * 8)
    lazy = viz.summary(nn.Sequential(nn.LazyLinear(4), nn.ReLU()), (2, 3))
    assert lazy.parameters == 16 and rows(lazy)["0"].kind == "Linear" and "Linear" in str(lazy)
    empty = viz.summary(nn.ReLU(), (2, 3))
    assert (empty.parameters, empty.multiply_adds, empty.memory["made"]) == (0, 0, 24)
    assert "parameters: 0" in str(empty) and empty._repr_html_().count("<tr>") == 2
    assert products(nn.Bilinear(3, 4, 5), [2, 3], (2, 4)) == 2 * 5 * 12


def test_a_summary_refuses_what_it_cannot_call():
    with pytest.raises(TypeError, match="argument 'model' must be Module, not int"):
        viz.summary(3, (2, 3))
    for wrong in ("abc", 3, np.ones(3)):
        with pytest.raises(TypeError, match=f"must be Tensor, .* not {type(wrong).__name__}"):
            viz.summary(nn.Linear(3, 4), wrong)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        viz.summary(model, (2, 5))
    # Nothing is left of it.
    assert model.training and not model[0]._forward_hooks and not model[0]._forward_pre_hooks


def trained(steps=4, every=1):
    rl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 1))
    with rl.no_grad():
        # Two units that no input wakes.
        model[0].weight[:2] = 0
        model[0].bias[:2] = -1
    optimizer = rl.optim.SGD(model.parameters(), lr=0.1)
    x = rl.randn(20, 3)
    with viz.watch(model, optimizer, every=every) as seen:
        for _ in range(steps):
            optimizer.zero_grad()
            (model(x) ** 2).mean().backward()
            optimizer.step()
    return model, optimizer, x, seen


def test_a_watch_notes_norms_and_ratios():
    model, optimizer, x, seen = trained()
    assert seen.steps == [1, 2, 3, 4] and set(seen.history) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    last = {key: numbers[-1] for key, numbers in seen.history["0.weight"].items()}
    assert last["gradient"] == pytest.approx(model[0].weight.grad.norm().item(), rel=1e-6)
    assert last["update"] == pytest.approx(0.1 * last["gradient"], rel=1e-4)
    assert last["ratio"] == pytest.approx(last["update"] / last["norm"])
    counts, edges = seen.histograms["0.weight"]["gradient"]
    assert counts.sum() == 18 and len(edges) == 41
    assert seen.dead() == {"1": (2, 6)}
    lines = seen.table().splitlines()
    assert lines[1].split()[:1] == ["0.weight"] and lines[-1] == "1: 2 of 6 units never active"
    # Nothing is followed any longer.
    optimizer.step()
    model(x)
    assert len(seen.steps) == 4 and not model[1]._forward_hooks


def test_a_watch_of_every_third_step_and_of_parameters_without_gradients():
    assert trained(7, 3)[3].steps == [1, 4, 7]
    model = Twice()
    optimizer = rl.optim.SGD(model.parameters(), lr=0.1)
    seen = viz.watch(model, optimizer)
    model(rl.ones(1, 3))[0].sum().backward()
    optimizer.step()
    assert math.isnan(seen.history["unused.weight"]["gradient"][0]) and "gradient" not in seen.histograms["unused.bias"]
    seen.close()


def test_a_watch_follows_all_optimizers_of_a_model():
    model, other = Twice(), nn.Linear(3, 3)
    first = rl.optim.SGD(model.layer.parameters(), lr=0.5)
    second = rl.optim.SGD(model.unused.parameters(), lr=0.5)
    foreign = rl.optim.SGD(other.parameters(), lr=0.5)
    with viz.watch(model) as seen:
        (model(rl.ones(1, 3))[0].sum() + model.unused(rl.ones(1, 2)).sum() + other(rl.ones(1, 3)).sum()).backward()
        for optimizer in (first, foreign, second):
            optimizer.step()
    second.step()
    assert seen.steps == [1, 2] and set(seen.history) == {name for name, _ in model.named_parameters()}
    assert seen.history["unused.weight"]["update"] == [0, pytest.approx(0.5 * 2)]
    assert seen.history["layer.weight"]["update"][1] == 0 < seen.history["layer.weight"]["update"][0]


@pytest.mark.parametrize("dtype", [rl.float16, rl.bfloat16, rl.float64, rl.complex64])
def test_a_watch_of_other_dtypes(dtype):
    model = nn.Linear(2, 1, bias=False, dtype=dtype)
    with rl.no_grad():
        model.weight.fill_(300)
    with viz.watch(model) as seen:
        abs(model(rl.ones(1, 2, dtype=dtype))).sum().backward()
        rl.optim.SGD(model.parameters(), lr=4).step()
    found = seen.history["weight"]
    # 300 squared is too much for a float16.
    assert found["norm"] == [pytest.approx(300 * 2**0.5)] and found["gradient"] == [pytest.approx(2**0.5)]
    assert found["update"] == [pytest.approx(4 * 2**0.5)] and seen.histograms["weight"]["update"][0].sum() >= 2


def test_a_watch_of_nothing_of_lazy_modules_and_of_what_is_refused():
    with viz.watch(nn.ReLU()) as seen:
        trained(1)
    assert seen.steps == [] and seen.table().split()[0] == "parameter"
    model = nn.Sequential(nn.LazyLinear(2))
    with viz.watch(model) as seen:
        model(rl.ones(1, 3)).sum().backward()
        rl.optim.Adam(model.parameters()).step()
    assert seen.history["0.weight"]["gradient"] == [pytest.approx(6**0.5)]
    for arguments, message in (
        ({"optimizer": rl.optim.SGD(nn.Linear(1, 1).parameters())}, "the optimizer has none of the model's parameters"),
        ({"every": 0}, "every must be at least 1, got 0"),
        ({"bins": 0}, "bins must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            viz.watch(model, **arguments)
    with pytest.raises(TypeError, match="argument 'model' must be Module, not list"):
        viz.watch(list(model.parameters()))


def test_values_that_are_all_but_equal_have_a_histogram():
    _, _, _, seen = trained(1)
    for values in (np.full(3, 0.1, "float32"), np.zeros(2), np.array([np.nan]), np.array([1.0, 1 + 2e-16])):
        counts, _ = seen._histogram(values)
        assert counts.sum() == np.isfinite(values).sum()
    values = np.random.default_rng(0).standard_normal(10_000).astype("float32")
    counts, edges = seen._histogram(values)
    expected, _ = np.histogram(values.astype(np.float64), edges)
    # A value at an edge, to the last bit, may be counted on either side of it.
    assert np.abs(counts - expected).sum() <= 2


def test_pictures():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = trained()[3].plot()
    assert [len(axes.lines) for axes in figure.axes[:2]] == [4, 5]
    figure.canvas.draw()
    figure = viz.curves([{"loss": 1.0}, {"loss": 0.5, "val_loss": rl.tensor(0.7)}, {"loss": 0.4}])
    loss, held_out = figure.axes[0].lines
    assert held_out.get_xdata().tolist() == [2] and held_out.get_linestyle() == "--"
    assert loss.get_ydata().tolist() == [1.0, 0.5, 0.4]
    smooth = viz.curves({"train_acc": [0.0, 1.0], "test_acc": [0.0, 0.5]}, smooth=0.5, log=True)
    np.testing.assert_allclose(smooth.axes[0].lines[1].get_ydata(), [0, 2 / 3])
    with pytest.raises(ValueError, match="smooth must be at least 0"):
        viz.curves({"loss": [1]}, smooth=1)
    with pytest.raises(ValueError, match="the history holds no numbers"):
        viz.curves({"loss": []})
    pyplot.close("all")
