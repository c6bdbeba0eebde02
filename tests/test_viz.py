"""Pictures of the graph: what is in them, where it stands, what formulas say, and that looking changes nothing."""

import ast
import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import rushlight as rl
from networks import network
from rushlight import nn, viz
from rushlight.ops.declare import REGISTRY
from rushlight.viz import formulas, layout, text
from rushlight.viz.model import Model


def example():
    x = rl.tensor([1.0, -2.0, 3.0], requires_grad=True)
    hidden = x.exp()
    loss = (hidden * 2 + x).sum()
    return x, hidden, loss


def item(picture, label, nth=0):
    return [each for each in picture.items if each.label == label][nth]


# -- what is in a picture
def test_a_picture_is_plain_data():
    x, _, loss = example()
    picture = viz.graph(loss)
    assert [(i.kind, i.label, i.shape, i.dtype) for i in picture.items] == [
        ("operation", "exp", (3,), "float32"),
        ("operation", "mul", (3,), "float32"),
        ("operation", "add", (3,), "float32"),
        ("operation", "sum", (), "float32"),
        ("leaf", "x", (3,), "float32"),
        ("constant", "2", None, None),
        ("output", "loss", (), "float32"),
    ]
    labels = [i.label for i in picture.items]
    assert {(labels[e.source], labels[e.target], e.name, e.tracked) for e in picture.edges} == {
        ("x", "exp", "x", True),
        ("exp", "mul", "x", True),
        ("2", "mul", "y", False),
        ("mul", "add", "x", True),
        ("x", "add", "y", True),
        ("add", "sum", "x", True),
        ("sum", "loss", "", True),
    }
    exp = item(picture, "exp")
    assert exp.kept == [("result", (3,), "float32", 12, "intermediate")] and exp.bytes == 12
    assert exp.value["text"] == "[2.71828, 0.135335, 20.0855]"
    assert exp.line == (__file__, example.__code__.co_firstlineno + 2, "example")
    assert item(picture, "x").grad is None and x.grad is None


def test_gradients_are_shown_where_they_are():
    x, hidden, loss = example()
    hidden.retain_grad()
    loss.backward(retain_graph=True)
    picture = viz.graph(loss)
    assert item(picture, "exp").grad["text"] == "[2., 2., 2.]"
    assert x.grad is not None and item(picture, "x").grad["text"] == "[6.43656, 1.27067, 41.1711]"


def test_variables_of_the_caller_give_names_and_values():
    x = rl.tensor([1.0, 2.0], requires_grad=True)
    doubled = x * 2
    loss = (doubled + 1).sum()
    picture = viz.graph(loss, names={"input": x})
    mul = item(picture, "mul")
    assert mul.caption == "doubled" and mul.value["text"] == "[2., 4.]" and item(picture, "input").kind == "leaf"
    assert item(picture, "add").caption == "" and item(picture, "add").value is None
    doubled.mul_(3)
    assert [i.caption for i in viz.graph(loss).items if i.label == "mul"] == [""]


def test_variables_around_a_function_give_names():
    def made():
        weight = rl.ones(2, requires_grad=True)
        return lambda: (weight * 2).sum()

    assert "weight" in [i.label for i in viz.graph(made()).items]


def test_bytes_are_those_of_saved():
    model = network()
    loss = model(rl.randn(5, 4)).exp().sum()
    held = rl.autograd.saved(loss)
    picture = viz.graph(loss)
    assert sum(i.bytes for i in picture.items) == held.intermediate_bytes + held.constant_bytes


def test_nothing_changes():
    x, hidden, loss = example()
    called = []
    hidden.register_hook(called.append)
    loss.grad_fn.register_hook(lambda *_: called.append(None))
    version, references = x._version, sys.getrefcount(loss.grad_fn)
    for picture in (viz.graph(loss), viz.steps(loss)):
        str(picture), picture.svg(), picture.html()
    del picture
    after = sys.getrefcount(loss.grad_fn)
    assert after == references
    assert called == [] and x.grad is None and hidden._version == 0 and x._version == version
    loss.backward()
    assert len(called) == 2 and x.grad is not None


def test_several_outputs_and_leaves_of_their_own():
    a = rl.tensor([1.0], requires_grad=True)
    b = a * 2
    picture = viz.graph((a, b, (b * b)))
    assert [i.label for i in picture.items if i.kind == "output"] == ["a", "b", "output 2"]
    assert repr(viz.graph(a)) == "<picture of 0 operations, 1 leaf, 0 B kept>"
    ET.fromstring(viz.graph(a).svg())
    (first, second) = rl.ones(4, requires_grad=True).exp().split(2)
    assert [e.output for e in viz.graph([second, first]).edges if e.source == 1] == [1, 0]


def test_a_freed_graph_says_so():
    _, _, loss = example()
    loss.backward()
    picture = viz.graph(loss)
    assert all(i.freed for i in picture.items if i.kind == "operation")
    assert "freed" in str(picture) and "freed" in picture.svg()
    with pytest.raises(RuntimeError, match=r"^Trying to backward through the graph a second time"):
        viz.steps(loss)


def test_values_that_were_written_to_are_not_shown():
    x = rl.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    loss = y.sum()
    with rl.no_grad():
        y.mul_(3)
    assert item(viz.graph(loss), "exp").value is None


@pytest.mark.parametrize("function", [viz.graph, viz.steps])
def test_what_has_no_graph_is_refused(function):
    name = function.__name__
    with pytest.raises(TypeError, match=rf"^{name}\(\): argument 'y' must be Tensor, not int$"):
        function(3)
    with pytest.raises(TypeError, match="must be Tensor, not str"):
        function((rl.ones(1, requires_grad=True), "loss"))
    with pytest.raises(TypeError, match="not an empty one"):
        function([])
    with pytest.raises(RuntimeError, match=r"^element 0 of tensors does not require grad and does not have a grad_fn"):
        function(rl.ones(2))


def test_functions_of_ones_own_say_where_their_backward_is():
    class Cube(rl.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    x = rl.tensor(2.0, requires_grad=True)
    picture = viz.graph(Cube.apply(x) + 1)
    cube = item(picture, "Cube")
    assert cube.family == "custom" and cube.kept
    (rule,) = cube.formula["inputs"]
    assert rule["rule"] == "Cube.backward(ctx, g)" and rule["place"].startswith(f"{__file__}:")
    assert viz.steps(Cube.apply(x)).steps[0].went[0].gradient == 12


def test_under_vmap_the_graph_of_all_samples_is_drawn():
    w = rl.ones(3, requires_grad=True)
    seen = []

    def sample(x):
        y = (w * x).sum()
        seen.append(viz.graph(y))
        return y

    rl.vmap(sample)(rl.randn(4, 3))
    assert "mul" in [i.label for i in seen[0].items]


# -- modules
def titles(picture):
    return [box.title for box in picture.boxes]


def test_recorded_calls_are_boxes():
    model, x = network(), rl.randn(5, 4)
    picture = viz.graph(lambda: model(x).sum())
    assert titles(picture) == ["Sequential", "0: Linear", "2: Block", "linear: Linear", "3: Linear"]
    assert item(picture, "gelu").caption == "act: GELU" and item(picture, "relu").caption == "1: ReLU"
    assert picture.boxes[item(picture, "addmm", 1).box].title == "linear: Linear"
    assert item(picture, "sum").box is None
    assert {i.label for i in picture.items if i.kind == "leaf"} == dict(model.named_parameters()).keys()


def test_the_tree_tells_where_calls_end():
    model = network()
    lines = str(viz.graph(lambda: model(rl.randn(5, 4)).sum())).splitlines()
    assert [line.split("  ")[0] for line in lines[1:3]] == ["sum", "addmm (3: Linear)"]
    assert any("gelu (act: GELU)" in line for line in lines)


def test_each_call_of_one_module_has_a_box():
    cell = nn.Linear(3, 3)

    def run():
        h = rl.ones(1, 3)
        for _ in range(3):
            h = cell(h).tanh()
        return h.sum()

    picture = viz.graph(run)
    assert titles(picture) == ["Linear"] * 3
    # The weights are one leaf each, shown in all three.
    assert [i.kind for i in picture.items].count("leaf") == 2
    assert picture.svg().count(">weight<") == 3


def test_boxes_are_guessed_by_parameters():
    model = network()
    picture = viz.graph(model(rl.randn(5, 4)).sum(), model=model)
    assert titles(picture) == ["Sequential", "0: Linear", "2: Block", "linear: Linear", "3: Linear"]
    assert picture.model.boxes_are == "guessed by their parameters"
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 8, dropout=0.0), 2, enable_nested_tensor=False)
    found = titles(viz.graph(layers(rl.randn(3, 1, 8)).sum(), model=layers))
    assert found[0] == "TransformerEncoder" and "layers.1: TransformerEncoderLayer" in found


def test_a_recording_survives_exceptions_and_other_threads():
    import threading

    class Failing(nn.Module):
        def forward(self, x):
            raise KeyError("no")

    model, losses = network(), []
    with viz.record():
        with pytest.raises(KeyError):
            nn.Sequential(nn.Linear(4, 4), Failing())(rl.ones(1, 4))
        threads = [threading.Thread(target=lambda: losses.append(model(rl.ones(1, 4)).sum())) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
        loss = model(rl.ones(1, 4)).sum()
    for each in (*losses, loss):
        assert titles(viz.graph(each))[0] == "Sequential"
    assert titles(viz.graph(network()(rl.ones(1, 4)).sum())) == []


# -- shapes
def rows():
    import importlib
    import pkgutil

    import samples

    for module in pkgutil.iter_modules(samples.__path__):
        yield from getattr(importlib.import_module(f"samples.{module.name}"), "ROWS", ())


@pytest.fixture(scope="module")
def results():
    """[(row, result), ...] of the samples of all operations, results being lists of tensors with history."""

    def maker(*shape, positive=False, low=-1.0, high=1.0, dtype="float64"):
        low, high = (0.5, 1.5) if positive else (low, high)
        array = np.random.default_rng(0).uniform(low, high, shape).astype(dtype)
        return rl.tensor(array, requires_grad=True) * 1

    found = []
    for row in rows():
        if row.op not in REGISTRY:
            continue
        try:
            inputs = [rl.tensor(x) if isinstance(x, np.ndarray) else x for x in row.inputs(maker)]
            out = REGISTRY[row.op](*inputs, **row.params)
        except (TypeError, ValueError, RuntimeError, np.exceptions.AxisError):
            continue  # Rows that want their inputs prepared.
        several = out if isinstance(out, (tuple, list)) else [out]
        found.append((row, [y for y in several if isinstance(y, rl.Tensor) and y.grad_fn is not None]))
    assert len(found) > 250
    return found


def test_shapes_that_are_told_are_right(results):
    total = known = 0
    for row, (out, *_) in [(row, out) for row, out in results if out and out[0].output_nr == 0]:
        # Of the node alone, so that the value does not tell it.
        found = Model([out.grad_fn]).item_of[out.grad_fn]
        total += 1
        if found.shape is not None:
            known += 1
            assert found.shape == tuple(out.shape), row.op
        assert found.dtype in (None, str(out.dtype).removeprefix("rushlight.")), row.op
    assert known > 0.8 * total


def test_shapes_follow_from_constants_and_from_what_is_taken_apart():
    x, rows = rl.ones(4, 3), rl.ones(3, 3)
    model = nn.LSTM(3, 2)
    picture = viz.graph(model(x)[0].sum() + (rl.randn(2, 3, requires_grad=True).unbind(1)[1] * 2).sum())
    assert {i.shape for i in picture.items if i.label == "unbind"} == {(1, 8), (2,)}
    assert all(i.shape and i.dtype == "float32" for i in picture.items if i.label in ("addmm", "unbind"))
    w = rl.ones(3, 2, requires_grad=True)
    assert item(viz.graph([(rows @ w).exp().grad_fn]), "mm").shape == (3, 2)
    # A constant part of a view has no strides to look at.
    seen = rl.view_as_complex(rl.ones(3, 2, requires_grad=True) * 1).real
    assert item(viz.graph(seen), "view_as_complex").shape is None


def test_every_operation_is_drawn_and_stepped_through(results):
    for _, out in results:
        if not out:
            continue
        picture = viz.graph(out)
        ET.fromstring(picture.svg())
        assert len(str(picture).splitlines()) >= len(out)
        try:
            steps = viz.steps(out, [rl.ones_like(y) for y in out])
        except NotImplementedError:
            continue  # Its derivative is refused by name.
        assert steps.html() and str(steps)


# -- formulas
SCALARS = {
    **{
        name: getattr(np, name)
        for name in dir(np)
        if name.startswith(("arc", "sin", "cos", "tan", "exp", "log", "sqrt"))
    },
    "max": max,
    "min": min,
}


@pytest.mark.parametrize("name", formulas.KNOWN)
def test_formulas_of_the_table_are_what_runs(name):
    """The result, and the local derivative by each input, beside the operation and its rules."""
    op, (forward, derivatives) = REGISTRY[name], formulas.KNOWN[name]
    for values in ((1.3, 0.7), (1.6, 2.2), (-0.4, 0.9), (0.3, 0.3)):
        inputs = [rl.tensor(v, dtype=rl.float64, requires_grad=True) for v in values[: len(op.inputs)]]
        out = op(*inputs)
        if not np.isfinite(out.item()):
            continue
        given = {n: v for n, v in zip(op.inputs, values)} | {"out": out.item()}
        assert eval(forward, {**SCALARS, **given}) == pytest.approx(out.item(), rel=1e-12)
        for gradient, x in zip(rl.autograd.grad(out, inputs), op.inputs):
            assert eval(derivatives[x], {**SCALARS, **given}) == pytest.approx(gradient.item(), rel=1e-12), x


@pytest.mark.parametrize("name", formulas.PRODUCTS)
def test_formulas_of_products_are_what_runs(name):
    op, (forward, derivatives) = REGISTRY[name.split(",")[0]], formulas.PRODUCTS[name]
    shapes = {
        "mm": [(2, 3), (3, 4)], "bmm": [(5, 2, 3), (5, 3, 4)], "mv": [(2, 3), (3,)], "dot": [(3,), (3,)],
        "addmm": [(4,), (2, 3), (3, 4)], "sum": [(2, 3)], "mean": [(2, 3)], "t": [(2, 3)], "softmax": [(2, 3)],
        "log_softmax": [(2, 3)],
    }[op.name]  # fmt: skip
    params = {"softmax": {"dim": 1}, "log_softmax": {"dim": 1}, "addmm": {"beta": 2, "alpha": 3}}.get(name, {})
    params = {**op.defaults, **params}
    assert formulas.forward_text(op, params) == forward
    rl.manual_seed(0)
    inputs = [rl.randn(*shape, dtype=rl.float64, requires_grad=True) for shape in shapes]
    out = op(*inputs, **params)
    g = rl.randn(out.shape, dtype=rl.float64)
    names = {n: x.detach() for n, x in zip(op.inputs, inputs)} | {"out": out.detach(), "g": g} | params
    tools = {
        "exp": rl.exp, "log": rl.log, "outer": rl.outer, "shape": rl.Tensor.size, "size": rl.numel,
        "expand": rl.Tensor.expand, "sum_to": rl.Tensor.sum_to_size,
        "sum": lambda x, dim=None: x.sum() if dim is None else x.sum(dim, keepdim=True),
    }  # fmt: skip
    assert rl.allclose(eval(forward, {**tools, **names}), out)
    for gradient, x in zip(rl.autograd.grad(out, inputs, g), op.inputs):
        assert rl.allclose(eval(derivatives[x], {**tools, **names}), gradient), x


def elementwise_rules():
    for op in list(REGISTRY.values()):
        if (
            op.kind != "elementwise"
            or op.name in formulas.KNOWN
            or not op.forward.__module__.startswith("rushlight.ops.")
        ):
            continue
        for i, rule in enumerate(op.rules):
            if rule is not None and formulas.derivative_text(op, i, {})[0] is not None:
                yield op, i


def test_local_derivatives_read_from_rules_are_the_rules_at_one():
    checked = 0
    parameters = {
        "alpha": 1.5, "negative_slope": 0.1, "beta": 1.2, "threshold": 0.4, "scale": 1.1, "input_scale": 0.9,
        "min_val": -1.0, "max_val": 1.0, "lambd": 0.5, "value": 0.3, "weight": 0.4, "min": -0.5, "max": 0.5, "eps": 1e-3,
        "order": 2, "sign": 1, "p": 2, "other": 0.4, "n": 1,
    }  # fmt: skip
    for op, i in elementwise_rules():
        rule = op.rules[i]
        if any(source >= 1000 and name not in {"out", *parameters} for source, name in zip(rule.sources, rule.names)):
            continue
        if any(name in op.inputs and name in parameters and name != "weight" for name in rule.names):
            continue
        local, _ = formulas.derivative_text(op, i, {})
        for value in (0.7, -0.8, 2.5):
            given = {n: rl.tensor(value + 0.1 * k, dtype=rl.float64) for k, n in enumerate(op.inputs)}
            given["out"] = rl.tensor(0.6, dtype=rl.float64)
            given |= {n: v for n, v in parameters.items() if n in op.params}
            try:
                expected = rule.fn(rl.tensor(1.0, dtype=rl.float64), *[given[n] for n in rule.names])
            except (NotImplementedError, RuntimeError, TypeError):
                continue
            free = dict(zip(rule.fn.__code__.co_freevars, [c.cell_contents for c in rule.fn.__closure__ or ()]))
            names = {getattr(f, "__name__", getattr(f, "name", "")): f for f in free.values()}
            got = eval(local, {**rule.fn.__globals__, **names, **free, **given})
            assert float(got) == pytest.approx(float(expected), rel=1e-9, nan_ok=True), (op.name, local)
            checked += 1
    assert checked > 100


def test_every_operation_has_a_text_and_none_is_made_up():
    for op in list(REGISTRY.values()):
        assert formulas.forward_text(op, op.defaults)
        for i, _ in enumerate(op.inputs):
            local, rule = formulas.derivative_text(op, i, op.defaults)
            for each in filter(None, (local, rule)):
                ast.parse(each, mode="eval")
            stated = op.joint is not None or (op.rules and op.rules[i] is not None)
            assert (rule is None and local is None) if not stated else (formulas.rule_place(op, i) is not None)


def test_what_cannot_be_read_is_not_stated():
    unreadable = eval("lambda g, x: g * x")
    assert formulas.expression(unreadable) is None and formulas.without_gradient(None) is None
    # Two on one line that say the same are one; two that differ are not told apart.
    assert formulas.without_gradient("g * g") is None
    assert formulas.without_gradient("where(x > 0, g, g * slope)") == "1 if x > 0 else slope"
    assert formulas.without_gradient("-g * ((x / y) / y)") == "-(x / y / y)"


# -- where things stand
def frames(picture, folded=frozenset()):
    """{vertex: (left, top, right, bottom)} of cards and boxes."""
    layout.place(picture.plan, folded, picture.closed)
    places = layout.absolute(picture.plan, folded)
    return {
        v: (x - v.width / 2, y, x + v.width / 2, y + v.height)
        for v, (x, y) in places.items()
        if v.kind in (layout.ITEM, layout.BOX)
    }


def pictures():
    model, x = network(), rl.randn(5, 4)
    layer = nn.TransformerEncoderLayer(8, 2, 8)
    yield viz.graph(example()[2])
    yield viz.graph(lambda: model(x).sum())
    yield viz.graph(lambda: layer(rl.randn(3, 2, 8)).sum())


@pytest.mark.parametrize("depth", [0, 1, 9])
def test_nothing_overlaps_and_all_is_inside_of_its_box(depth):
    for picture in pictures():
        folded = picture.folded(depth)
        found = frames(picture, folded)
        for v, (left, top, right, bottom) in found.items():
            for w, (left2, top2, right2, bottom2) in found.items():
                if v is not w and v.home == w.home:
                    apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
                    assert apart, (v.item, w.item)
            if v.home != picture.plan.outer:
                around = found[picture.plan.box_vertices[v.home]]
                assert around[0] <= left and around[1] <= top and right <= around[2] and bottom <= around[3]
        for edge, points in layout.lines(picture.plan, folded, layout.absolute(picture.plan, folded)):
            assert all(a[1] <= b[1] for a, b in zip(points, points[1:])), edge


def test_text_fits_into_its_card():
    for card in (card for picture in pictures() for card in picture.cards):
        sizes = {"t": (13, True), "s": (11, False), "x": (10, False)}
        for kind, line in card.lines:
            assert text.width(line, *sizes[kind]) <= card.width - 16
    assert text.cut("a" * 100, 10, 80).startswith("aaa") and text.width(text.cut("a" * 100, 10, 80), 10) <= 80


def test_folding_hides_what_is_inside():
    picture = list(pictures())[1]
    assert "addmm" in picture.svg() and "addmm" not in picture.svg(depth=0)
    assert "9 operations" in picture.svg(depth=0)


def test_boxes_of_long_loops_are_folded_at_first():
    cell = nn.Linear(2, 2)

    def run(steps):
        h = rl.ones(1, 2)
        for _ in range(steps):
            h = cell(h).tanh()
        return h.sum()

    assert viz.graph(lambda: run(3)).folded() == frozenset()
    assert len(viz.graph(lambda: run(60)).folded()) == 60


def test_long_chains_stand_in_line():
    x = rl.ones(3, requires_grad=True)
    for _ in range(200):
        x = (x * 1.5).sin()
    picture = viz.graph(x)
    middles = [(left + right) / 2 for v, (left, _, right, _) in frames(picture).items() if v.weight == 1]
    assert max(middles) - min(middles) < 2


# -- files
def test_an_svg_is_whole_and_well_formed():
    for picture in pictures():
        drawn = picture.svg()
        root = ET.fromstring(drawn)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not re.findall(r"(?:href|src)=|<script|@import|url\((?!#)", drawn)
    assert "&lt;" not in "".join(viz.graph(example()[2]).svg().split("aria-label")[0])


def test_a_page_is_whole():
    for picture in (*pictures(), viz.steps(example()[2])):
        page = picture.html()
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)
        assert not re.findall(r"<(?:link|img|iframe|script src)", page)
        assert "{" + "data}" not in page


def test_names_cannot_break_out_of_a_page():
    x = rl.ones(2, requires_grad=True)
    picture = viz.graph(x * 2, names={"</script><script>alert(1)</script>": x})
    assert "<script>alert" not in picture.html() and "<script>" not in picture.svg()
    ET.fromstring(picture.svg())


def test_save_goes_by_the_ending(tmp_path):
    picture = viz.graph(example()[2])
    for name, begins in (("g.svg", "<svg"), ("g.html", "<!doctype html>"), ("g.txt", "output")):
        path = picture.save(tmp_path / name)
        assert path.read_text("utf-8").startswith(begins)
    with pytest.raises(ValueError, match=r"save\(\) writes .*, not '.png'"):
        picture.save(tmp_path / "g.png")
    assert picture._repr_html_().startswith("<iframe srcdoc=") and picture._repr_svg_() == picture.svg()


def test_open_shows_the_page(monkeypatch):
    import webbrowser

    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    path = viz.graph(example()[2]).open()
    assert opened == [f"file://{path}"]
    os.remove(path)


def test_the_tree():
    x = rl.tensor([1.0, -2.0], requires_grad=True)
    y = x.exp()
    lines = str(viz.graph((y * y.sin()).sum())).splitlines()
    names = [re.split(r"(?<=\w|\])  ", line)[0].strip() for line in lines]
    assert names == [
        "output",
        "sum",
        "mul",
        "├─ sin",
        "│  exp (y) [1]",
        "exp (y) [1]",
        "└─ x",
    ]
    a, b = rl.ones(2, requires_grad=True), rl.ones(2, requires_grad=True)
    names = [re.split(r"(?<=\w)  ", line)[0] for line in str(viz.graph((a * b) + (a * 2))).splitlines()]
    assert names == ["output", "add", "├─ mul", "│  ├─ a", "│  └─ 2", "mul", "├─ a", "└─ b"]


def test_pictures_of_the_page_are_what_its_code_draws(tmp_path, monkeypatch):
    import linecache
    from pathlib import Path

    docs = Path(__file__).parent.parent / "docs"
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for code in re.findall(r"^```python\n(.*?)^```$", (docs / "pictures.md").read_text(), re.MULTILINE | re.DOTALL):
        linecache.cache["example.py"] = (len(code), None, code.splitlines(keepends=True), "example.py")
        exec(compile(code, "example.py", "exec"), names)
    for name in ("loss.svg", "model.svg"):
        # What is shown under the pointer has the numbers of weights that are drawn anew.
        drawn = re.sub(r"<title>.*?</title>", "", Path(name).read_text(), flags=re.DOTALL)
        if os.environ.get("DRAW"):
            (docs / "pictures" / name).write_text(drawn)
        assert drawn == (docs / "pictures" / name).read_text(), "DRAW=1 writes them"


# -- large graphs
def chain(length):
    x = rl.ones(3, requires_grad=True)
    y = x
    for _ in range(length // 2):
        y = (y * 1.0001).sin()
    return y.sum()


def test_5000_nodes_take_little_time():
    loss = chain(5000)
    start = time.process_time()
    size = len(viz.graph(loss).html())
    seconds = time.process_time() - start
    print(f"\n5,000 nodes: the page is made in {seconds:.2f} s, {size / 1e6:.1f} MB")
    assert seconds < 3


def test_deep_graphs_are_walked_without_recursion():
    picture = viz.graph(chain(6_000))
    assert len(str(picture).splitlines()) > 6_000
    assert len(picture.svg()) > 100_000
    assert max(len(line) for line in str(picture).splitlines()) < 100


# -- step by step
def test_steps_are_those_of_backward():
    model, x = network(), rl.randn(5, 4)
    target = rl.tensor([0, 1, 2, 0, 1])
    loss = nn.functional.cross_entropy(model(x), target)
    shown = viz.steps(loss)
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    names = dict(model.named_parameters())
    arrived = {step.label: step.came[0] for step in shown.steps if shown.items[step.item].kind == "leaf"}
    assert arrived.keys() == names.keys()
    for name, parameter in names.items():
        assert np.array_equal(arrived[name], parameter.grad.numpy()), name
    # What comes into a node is the sum of what its users sent.
    sent = {}
    for step in shown.steps:
        for each in step.went:
            sent.setdefault(each.to, []).append(each.gradient)
    for step in shown.steps[1:]:
        assert np.allclose(step.came[0], np.sum(sent[step.item], axis=0), rtol=1e-6)


def test_a_step_has_the_local_derivative():
    x = rl.tensor([0.5, 2.0], requires_grad=True)
    shown = viz.steps((x.log() * 3).sum())
    log = next(step for step in shown.steps if step.label == "log")
    assert log.came[0].tolist() == [3.0, 3.0]
    assert log.went[0].slope.tolist() == [2.0, 0.5] and log.went[0].gradient.tolist() == [6.0, 1.5]
    assert str(shown).splitlines()[:2] == ["1. sum: 1. came in", "   [1., 1.] went to mul"]


def shown_steps(steps):
    """[(number of the item, what came in, [(number of the item, slope, what went out), ...]), ...] as the page has them."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', steps.html())[1])

    def numbers(value):
        return None if value is None else np.array(ast.literal_eval(value["text"]), float)

    return [
        (
            step["item"],
            numbers(step["in"][0]["value"]),
            [(out["to"], numbers(out["slope"]), numbers(out["value"])) for out in step["out"]],
        )
        for step in data["steps"]
    ]


def test_what_a_page_shows_multiplies_to_the_gradient():
    x = rl.tensor([0.5, 2.0, -1.5], dtype=rl.float64, requires_grad=True)
    c = rl.tensor(0.7, dtype=rl.float64, requires_grad=True)
    y = (x * c).sin() / (x.square() + 1).sqrt() - (c * x).tanh().exp() + rl.sigmoid(x) * x.atan() + x.relu() ** 3
    rows = shown_steps(viz.steps(y.sum(), names={"x": x, "c": c}))
    y.sum().backward()
    arrived, elementwise = {}, 0
    for item, came, out in rows:
        # Numbers are shown in six figures.
        np.testing.assert_allclose(came, arrived.get(item, 1.0), rtol=1e-4, atol=1e-5)
        for to, slope, went in out:
            arrived[to] = arrived.get(to, 0) + went
            if slope is not None:
                elementwise += 1
                product = slope * came
                np.testing.assert_allclose(went, product if went.shape else product.sum(), rtol=1e-4, atol=1e-5)
    assert elementwise >= 18
    (leaves,) = {tuple(item for item, _, out in rows if not out)}
    for leaf, tensor in zip(leaves, (x, c)):
        np.testing.assert_allclose(arrived[leaf], tensor.grad.numpy(), rtol=1e-4)


def test_slopes_along_a_chain_multiply_to_its_derivative():
    x = rl.tensor(0.8, dtype=rl.float64, requires_grad=True)
    y = (x.square() + 2).log().sin().exp()
    slopes = [out[0][1] for _, _, out in shown_steps(viz.steps(y)) if out]
    (expected,) = rl.autograd.grad(y, x)
    assert len(slopes) == 5 and np.prod(slopes) == pytest.approx(expected.item(), rel=1e-5)


def test_steps_begin_with_a_gradient():
    x = rl.tensor([0.5, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"^grad can be implicitly created only for scalar outputs"):
        viz.steps(x * 2)
    shown = viz.steps([x * 2, x * 3], [rl.tensor([1.0, 10.0]), rl.tensor([1.0, 1.0])])
    assert shown.steps[-1].came[0].tolist() == [5.0, 23.0]


def test_steps_call_no_hooks_and_name_them():
    x = rl.tensor([0.5, 2.0], requires_grad=True)
    y = x.log()
    y.register_hook(lambda g: g * 100)
    y.retain_grad()
    x.register_post_accumulate_grad_hook(lambda _: 1 / 0)
    shown = viz.steps(y.sum())
    assert shown.steps[-1].came[0].tolist() == [2.0, 0.5] and shown.hooked == ["log"]
    assert y.grad is None and len(y.grad_fn.extras.tensor_hooks) == 1


# -- scripts
SCRIPT = """
import sys
import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=float(sys.argv[1]))
for step in range(3):
    loss = (w * w).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("done", w.tolist())
"""
RUN = """
import sys
from rushlight import viz
picture = viz.script(sys.argv[1], ["0.5"], at=int(sys.argv[2]) or None)
print(picture.summary(), "|", [i.label for i in picture.items], [i.value and i.value["text"] for i in picture.items][-1])
"""


@pytest.mark.parametrize(
    "at, printed",
    [
        (0, "done [0.0, 0.0]\n2 operations, 1 leaf, 0 B kept | ['mul', 'sum', 'w', 'loss'] 0.\n"),
        (1, "2 operations, 1 leaf, 0 B kept | ['mul', 'sum', 'w', 'loss'] 5.\n"),
    ],
)
def test_the_loss_of_a_script(tmp_path, at, printed):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), str(at)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == (printed, 0), done.stderr


def test_a_script_that_is_not_there():
    with pytest.raises(FileNotFoundError, match=r"there is no file 'nothing\.py'"):
        viz.script("nothing.py")
