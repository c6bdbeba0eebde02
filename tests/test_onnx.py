"""Export to ONNX: every layer, functions, open sizes, the example models; what onnxruntime computes is what the module does."""

import io
import os
import re
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pytest

import exported
import rushlight as rl
from rushlight import nn, ops, pytree
from rushlight.onnx.elementwise import MAPPINGS
from rushlight.onnx.running import traced
from rushlight.ops.declare import REGISTRY

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
TESTS = Path(__file__).parent
OPSETS = (17, 28)
runtime.set_default_logger_severity(3)


def tensors(out):
    return [leaf for leaf in pytree.flatten(out)[0] if isinstance(leaf, rl.Tensor)]


def session(data):
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    options = runtime.SessionOptions()
    # A pool of threads for each session takes longer than all else here.
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def check(data, model, args, tolerance=1e-5):
    """onnxruntime gives what the model gives: the sums of both differ by the order of their float32 terms."""
    found = session(data)
    assert len(found.get_inputs()) == len(args)
    answers = found.run(None, {i.name: x.numpy() for i, x in zip(found.get_inputs(), args)})
    with rl.no_grad():
        expected = tensors(model(*args))
    assert len(answers) == len(expected)
    for answer, value in zip(answers, expected):
        assert answer.shape == tuple(value.shape) and answer.dtype == value.numpy().dtype
        np.testing.assert_allclose(answer, value.numpy(), rtol=tolerance, atol=tolerance)


def x(*shape):
    return rl.randn(*shape)


def made(make, specs):
    """The model in evaluation mode and its inputs."""
    rl.manual_seed(0)
    args = tuple(x(*spec) if isinstance(spec, tuple) else spec() for spec in specs)
    model = make()
    return model.eval() if isinstance(model, nn.Module) else model, args


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", exported.LAYERS)
def test_layers(name, opset):
    make, *specs = exported.LAYERS[name]
    model, args = made(make, specs)
    check(rl.onnx.export(model, args, opset_version=opset), model, args)


@pytest.mark.parametrize("name", exported.LAYERS)
def test_layers_of_any_batch(name):
    make, *specs = exported.LAYERS[name]
    model, args = made(make, specs)
    names = [f"in{i}" for i in range(len(args))]
    axes = exported.AXES.get(name, dict.fromkeys(range(len(args)), 0))
    data = rl.onnx.export(
        model, args, input_names=names, dynamic_axes={names[i]: {dim: "batch"} for i, dim in axes.items()}
    )
    more = [rl.cat([arg, arg.flip(axes[i]), arg], axes[i]) if i in axes else arg for i, arg in enumerate(args)]
    check(data, model, more)


def classes(rows):
    """The names of classes that rows begin with."""
    return {re.match(r"\w+", name)[0] for name in rows}


def test_every_layer_has_a_row():
    layers = {
        name for name in dir(nn) if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    lazy = {name for name in layers if name.startswith("Lazy")}
    assert layers - lazy - exported.CONTAINERS == classes(exported.LAYERS) | classes(exported.REFUSED)
    assert {name.removeprefix("Lazy") for name in lazy} <= classes(exported.LAYERS)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("name", exported.REFUSED)
def test_layers_that_are_refused(name):
    make, *specs = exported.REFUSED[name]
    model, args = made(make, specs)
    sentence = "Exporting the operator .* is not supported|is asked for its numbers"
    # Both say where: in this file, where the model is called.
    with pytest.raises(RuntimeError, match=rf"({sentence}).*test_onnx\.py:\d+\)"):
        rl.onnx.export(model, args)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("number", range(len(exported.FUNCTIONS)))
def test_functions(number, opset):
    rl.manual_seed(number)
    function, args = exported.FUNCTIONS[number], (x(2, 4), x(2, 4))
    check(rl.onnx.export(function, args, opset_version=opset), function, args)


@pytest.mark.parametrize("number", range(len(exported.LATER)))
def test_functions_of_later_opsets(number):
    function, args = exported.LATER[number], (x(2, 4), x(2, 4))
    with pytest.raises(NotImplementedError, match=r"to ONNX opset version 17 .*needs? opset_version=18 or later"):
        rl.onnx.export(function, args, opset_version=17)
    for opset in (18, 28):
        check(rl.onnx.export(function, args, opset_version=opset), function, args)


def operations_of(model, args):
    return {call.op for call in traced(model, args, {}, [f"in{i}" for i in range(len(args))], list(args))[0].calls}


def test_every_mapping_is_run():
    ran = set()
    for make, *specs in exported.LAYERS.values():
        ran |= operations_of(*made(make, specs))
    for function in exported.FUNCTIONS + exported.LATER:
        ran |= operations_of(function, (x(2, 4), x(2, 4)))
    # Those that open sizes and random numbers make, and dropout in training, which have tests of their own below.
    elsewhere = {"filled", "row", "size", "random_uniform", "random_normal", "masked_scale"}
    assert set(MAPPINGS) - ran - elsewhere == set()


def listed(title):
    """The names in backquotes of a point of the page."""
    page = (TESTS.parent / "docs" / "ecosystem.md").read_text()
    point = page.split(f"- **{title}**")[1].split("\n- ")[0].split("\n\n")[0]
    return set(re.findall(r"`(\w+)`", point))


def test_the_page_lists_what_is_refused():
    assert listed("Refused layers") == classes(exported.REFUSED)
    for module in iter_modules(ops.__path__):
        import_module(f"{ops.__name__}.{module.name}")
    own = {name for name, op in REGISTRY.items() if op.forward.__module__.startswith(ops.__name__)}
    assert listed("Refused operations") == own - set(MAPPINGS) - exported.DERIVATIVES


# -- sizes that are left open
@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", exported.OPEN)
def test_open_sizes(name, opset):
    make, shapes, axes, others = exported.OPEN[name]
    model, args = made(make, shapes)
    names = [f"in{i}" for i in range(len(args))]
    data = rl.onnx.export(model, args, input_names=names, opset_version=opset, dynamic_axes=dict(zip(names, axes)))
    check(data, model, args)
    check(data, model, [x(*shape) for shape in others])


@pytest.mark.parametrize("name", exported.CLOSED)
def test_what_cannot_follow_an_open_size_is_refused(name):
    function, sentence = exported.CLOSED[name]
    with pytest.raises(RuntimeError, match=sentence):
        rl.onnx.export(function, x(4, 4), input_names=["x"], dynamic_axes={"x": [0]})


def test_open_sizes_have_names():
    model = nn.Sequential(nn.Conv1d(3, 4, 2, 2), nn.Flatten(0, 1))
    data = rl.onnx.export(
        model, x(2, 3, 8), output_names=["rows"], dynamic_axes={"input": {0: "n", -1: "t"}, "rows": {1: "half"}}
    )
    graph = onnx.load_from_string(data).graph
    found = [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*graph.input, *graph.output)]
    assert found == [["n", 3, "t"], ["rows_0", "half"]]
    for shapes in ({"input": {0: "n"}}, [{0: "n", 1: None}], ({0: "n", 1: 3, 2: None},)):
        data = rl.onnx.export(nn.Softmax(1), x(2, 3, 8), dynamic_shapes=shapes)
        (value,) = onnx.load_from_string(data).graph.output
        assert [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim] == ["n", 3, 8]


def test_a_model_with_a_longest_input():
    """Other sizes than one more are tried where the model allows no more."""
    model = exported.Positions().eval()
    data = rl.onnx.export(model, x(2, 40, 4), dynamic_axes={"x": [0, 1]})
    check(data, model, (x(3, 7, 4),))


def test_sizes_of_two_names_that_must_be_equal():
    def add(x, y):
        return x + y

    data = rl.onnx.export(add, (x(2, 3), x(2, 3)), dynamic_axes={"x": [0], "y": [0]})
    check(data, add, (x(5, 3), x(5, 3)))


def test_a_layer_with_other_inputs():
    rl.manual_seed(0)
    for mode in ("sum", "mean", "max"):
        bag = nn.EmbeddingBag(5, 3, mode=mode, padding_idx=1, include_last_offset=True)
        args = rl.randint(0, 5, (7,)), rl.tensor([0, 2, 2, 7])
        axes = {"input": {0: "n"}, "offsets": {0: "bags"}}
        data = rl.onnx.export(bag, args, dynamic_axes=axes)
        check(data, bag, (rl.randint(0, 5, (4,)), rl.tensor([0, 1, 4])))
    weighted, args = nn.EmbeddingBag(5, 3, mode="sum"), (rl.randint(0, 5, (2, 4)), None, x(2, 4))
    data = rl.onnx.export(weighted, args)
    answer = session(data).run(None, {"input": args[0].numpy(), "per_sample_weights": args[2].numpy()})[0]
    np.testing.assert_allclose(answer, weighted(*args).detach().numpy(), rtol=1e-5)
    parted = rl.randint(0, 5, (7,)), rl.tensor([0, 2]), x(7)
    check(rl.onnx.export(weighted, parted), weighted, parted)


def test_doubles_and_writes_in_place():
    class Model(nn.Module):
        def forward(self, x):
            y = self.inner(x)
            y += 1
            return y.relu_().mul_(2)

        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 4).double()

    model, args = Model(), (x(2, 3).double(),)
    check(rl.onnx.export(model, args), model, args, 1e-12)


def test_what_the_file_says(tmp_path):
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(), nn.Sigmoid())
    path = tmp_path / "model.onnx"
    data = rl.onnx.export(
        model,
        (x(1, 3),),
        path,
        input_names=["row"],
        output_names=["chance"],
        opset_version=20,
        dynamic_axes={"row": [0]},
    )
    assert data is None and model.training and model[1].training
    read = onnx.load(path)
    graph = read.graph
    assert [i.name for i in graph.initializer] == ["0.weight", "0.bias"]
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(graph.initializer[0]), model[0].weight.detach().numpy())
    assert graph.input[0].name == "row" and graph.output[0].name == "chance"
    assert [d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim] == ["row_dim_0", 3]
    assert read.opset_import[0].version == 20 and read.producer_name == "rushlight"
    gemm = graph.node[0]
    assert gemm.op_type == "Gemm" and __file__ in gemm.doc_string


@pytest.mark.parametrize("opset", range(17, 29))
def test_every_opset_is_one_that_onnx_knows(opset):
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.GroupNorm(2, 4), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    args = (x(*exported.PICTURE),)
    check(rl.onnx.export(model.eval(), args, opset_version=opset), model, args)


def test_inputs_in_containers_and_by_name():
    class Model(nn.Module):
        def forward(self, pair, *, scale, flag=True):
            return {"sum": pair[0] + pair[1] * scale, "first": pair[0] if flag else None}

    model = Model()
    pair, scale = (x(2), x(2)), x(2)
    found = session(rl.onnx.export(model, (pair,), kwargs={"scale": scale, "flag": True}))
    assert [i.name for i in found.get_inputs()] == ["pair_0", "pair_1", "scale"]
    answers = found.run(None, {"pair_0": pair[0].numpy(), "pair_1": pair[1].numpy(), "scale": scale.numpy()})
    np.testing.assert_allclose(answers[0], (pair[0] + pair[1] * scale).numpy(), rtol=1e-6)


def test_an_operation_without_a_counterpart_is_named_with_its_line(tmp_path):
    def special(x):
        return rl.special.i1(x) + rl.linalg.inv(x)

    number, path = special.__code__.co_firstlineno + 1, tmp_path / "model.onnx"
    path.write_bytes(b"what was there")
    with pytest.raises(NotImplementedError) as caught:
        rl.onnx.export(special, x(2, 2), path, opset_version=20)
    assert re.fullmatch(
        rf"Exporting the operator '\w+' to ONNX opset version 20 is not supported \({re.escape(__file__)}:{number}\)\. "
        "Write it with operations that have a counterpart, or export the part of the model before it\\.",
        str(caught.value),
    )
    # Nothing is written before all is known.
    assert path.read_bytes() == b"what was there" and list(tmp_path.iterdir()) == [path]


def of_item(x):
    return x * float(x[0])


def repeated(x):
    return x.repeat_interleave(x.argsort())


ASKED = "is asked for its numbers, so the graph would hold for this input alone"


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda x: x * 2 if x.sum() > 0 else x, ASKED),
        (of_item, ASKED),
        (lambda x: rl.tensor(x.exp().tolist()), ASKED),
        (lambda x: x[x > 0], ASKED),
        (lambda x: x[x.argmax()], ASKED),
        (repeated, ASKED),
        (lambda x: exported.written(x, x == x, x), ASKED),
        (lambda x: rl.nn.functional.embedding_bag(x.argsort(), rl.ones(3, 2), x.long() * 0), ASKED),
        (lambda x: rl.nn.functional.one_hot(x.argsort()), ASKED),
        (lambda x: x.exp()[1:].mul_(2), "'mul' writes into a view"),
        (lambda x: exported.written(x, 0, 1.0), "'copy' writes into a view"),
        (
            lambda x: (lambda y: (y[1:], y.add_(1)))(x * 1)[0] + 1,
            "shares its memory with a tensor that has been written",
        ),
    ],
)
def test_what_a_graph_cannot_say_is_refused(model, sentence):
    with pytest.raises(RuntimeError, match=rf"{sentence}.* \(.*\.py:\d+\)"):
        rl.onnx.export(model, x(3))


def test_constants_that_are_written_keep_what_they_held():
    def model(x):
        table = rl.zeros(3)
        first = x + table
        table[1:] = 5.0
        second = x + table
        table += 1
        return first, second, x + table

    args = (x(3),)
    check(rl.onnx.export(model, args), model, args)


def test_wrong_arguments():
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"Unsupported ONNX opset version: 11\. It must be 17 to 28\."):
        rl.onnx.export(model, x(1, 3), opset_version=11)
    with pytest.raises(ValueError, match=r"dynamic_axes names \['x'\], but the inputs are \['input'\]"):
        rl.onnx.export(model, x(1, 3), dynamic_axes={"x": {0: "batch"}})
    with pytest.raises(ValueError, match="dynamic_axes names dimension 2 of 'input', which has 2"):
        rl.onnx.export(model, x(1, 3), dynamic_axes={"input": {2: "batch"}})
    with pytest.raises(RuntimeError, match=r"number of input names provided \(2\) exceeded number of inputs \(1\)"):
        rl.onnx.export(model, x(1, 3), input_names=["a", "b"])
    with pytest.raises(RuntimeError, match=r"number of output names provided \(2\) exceeded number of outputs \(1\)"):
        rl.onnx.export(model, x(1, 3), output_names=["a", "b"])
    with pytest.raises(TypeError, match=r"export\(\) got an unexpected keyword argument 'axes'"):
        rl.onnx.export(model, x(1, 3), axes=1)
    with pytest.raises(NotImplementedError, match=r"custom_opsets=\{'mine': 1\} is not implemented; leave it out"):
        rl.onnx.export(model, x(1, 3), custom_opsets={"mine": 1})


def test_other_arguments(capsys):
    model, args = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), (x(1, 3),)
    file = io.BytesIO()
    rl.onnx.export(
        model, args, file, do_constant_folding=True, dynamo=False, verbose=True, training=rl.onnx.TrainingMode.EVAL
    )
    check(file.getvalue(), model.eval(), args)
    assert "= Gemm(input, 0.weight, 0.bias)  # " in capsys.readouterr().out
    model.train()
    with pytest.warns(UserWarning, match=r"has drawn random numbers by drawn \(.*; the graph holds those as constants"):
        kept = rl.onnx.export(model, args, training=rl.onnx.TrainingMode.PRESERVE)
    linear = model[0](*args).detach().numpy()
    (answer,) = session(kept).run(None, {"input": args[0].numpy()})
    # Dropout by one half leaves twice the number or nothing.
    assert model.training and all([np.isclose(a, 0) or np.isclose(a, 2 * b) for a, b in zip(answer[0], linear[0])])
    for options in ({"export_params": False}, {"keep_initializers_as_inputs": True}):
        read = onnx.load_from_string(rl.onnx.export(model, args, **options))
        assert [i.name for i in read.graph.input] == ["input", "0.weight", "0.bias"]
        assert len(read.graph.initializer) == (2 if options.get("export_params", True) else 0)
        onnx.checker.check_model(read, full_check=True)


def test_random_numbers_are_drawn_by_the_graph():
    def draws(x):
        return rl.randn_like(x), rl.rand(4, 500), x + rl.randn(4, 500), x + rl.rand_like(x)

    args = (rl.zeros(2, 500),)
    with warnings.catch_warnings(action="error"):
        data = rl.onnx.export(lambda x: draws(rl.cat([x, x])), args)
    answers = session(data).run(None, {"x": args[0].numpy()})
    for answer, mean, deviation in zip(answers, (0, 0.5, 0, 0.5), (1, 12**-0.5) * 2):
        # 2,000 draws: 5 standard errors of a mean, and of a deviation.
        assert abs(answer.mean() - mean) < 5 * deviation / 2000**0.5 and answer.std() == pytest.approx(
            deviation, rel=0.08
        )
    with pytest.warns(
        UserWarning, match=r"has drawn random numbers by randint \(.*test_onnx.py:\d+\); the graph holds those"
    ):
        rl.onnx.export(lambda x: x + rl.randint(0, 5, (3,)), x(3))


def test_the_example_models(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(rl.__file__).parent.parent), str(TESTS)])}
    done = subprocess.run(
        [sys.executable, TESTS / "exported_examples.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    names = sorted(path.stem for path in (TESTS.parent / "examples").glob("*.py"))
    assert done.stdout.split() == names, done.stderr
