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


def test_values_that_are_all_but_equal_have_a_histogram():
    _, _, _, seen = trained(1)
    for values in (np.full(3, 0.1, "float32"), np.zeros(2), np.array([np.nan]), np.array([1.0, 1 + 2e-16])):
        counts, _ = seen._histogram(values)
        assert counts.sum() == np.isfinite(values).sum()


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
