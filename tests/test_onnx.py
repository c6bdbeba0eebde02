"""Export to ONNX: every layer, functions, the example models; what onnxruntime computes is what the module does."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn, pytree
from rushlight.nn import functional as F

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
EXAMPLES = Path(__file__).parent.parent / "examples"
runtime.set_default_logger_severity(3)


def tensors(out):
    return [leaf for leaf in pytree.flatten(out)[0] if isinstance(leaf, rl.Tensor)]


def session(data):
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    return runtime.InferenceSession(data, providers=["CPUExecutionProvider"])


def check(data, model, args, tolerance=1e-5):
    """onnxruntime gives what the model gives."""
    found = session(data)
    answers = found.run(None, {i.name: x.numpy() for i, x in zip(found.get_inputs(), args)})
    with rl.no_grad():
        expected = tensors(model(*args))
    assert len(answers) == len(expected)
    for answer, value in zip(answers, expected):
        assert answer.shape == tuple(value.shape) and answer.dtype == value.numpy().dtype
        np.testing.assert_allclose(answer, value.numpy(), rtol=tolerance, atol=tolerance)


def x(*shape):
    return rl.randn(*shape)


SEQUENCE, PICTURE = (2, 5, 3), (2, 4, 6, 6)
LAYERS = {
    "Linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "Linear over a sequence": (lambda: nn.Linear(3, 4, bias=False), SEQUENCE),
    "Bilinear": (lambda: nn.Bilinear(3, 4, 5), (2, 3), (2, 4)),
    "Identity": (nn.Identity, (2, 3)),
    "Conv1d": (lambda: nn.Conv1d(3, 4, 3, padding=1, bias=False), (2, 3, 8)),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=1, groups=2), PICTURE),
    "Conv2d, same, reflected": (lambda: nn.Conv2d(4, 4, 3, padding="same", padding_mode="reflect"), PICTURE),
    "Conv3d": (lambda: nn.Conv3d(3, 4, 2), (2, 3, 4, 4, 4)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(3, 4, 3), (2, 3, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2), PICTURE),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 3, 2), (1, 2, 3, 3, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (2, 3)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, affine=False), PICTURE),
    "BatchNorm2d of the batch": (lambda: nn.BatchNorm2d(4, track_running_stats=False), PICTURE),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4, affine=True), PICTURE),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), PICTURE),
    "LayerNorm": (lambda: nn.LayerNorm(3), SEQUENCE),
    "LayerNorm, plain": (lambda: nn.LayerNorm((5, 3), elementwise_affine=False), SEQUENCE),
    "RMSNorm": (lambda: nn.RMSNorm(3), SEQUENCE),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(2), PICTURE),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), (2, 3, 7)),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), PICTURE),
    "MaxPool2d, dilated": (lambda: nn.MaxPool2d(2, 1, dilation=2), PICTURE),
    "AvgPool1d": (lambda: nn.AvgPool1d(2, padding=1), (2, 3, 7)),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False, ceil_mode=True), PICTURE),
    "AvgPool2d, divided": (lambda: nn.AvgPool2d(2, divisor_override=3), PICTURE),
    "AvgPool3d": (lambda: nn.AvgPool3d(2), (1, 2, 4, 4, 4)),
    "LPPool2d": (lambda: nn.LPPool2d(2, 2), PICTURE),
    "AdaptiveAvgPool2d to one": (lambda: nn.AdaptiveAvgPool2d(1), PICTURE),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((4, 3)), PICTURE),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((4, 3)), PICTURE),
    **{
        kind.__name__: (kind, (2, 4))
        for kind in (
            nn.CELU,
            nn.Dropout,
            nn.ELU,
            nn.Flatten,
            nn.GELU,
            nn.GLU,
            nn.Hardshrink,
            nn.Hardsigmoid,
            nn.Hardswish,
            nn.Hardtanh,
            nn.LeakyReLU,
            nn.LogSigmoid,
            nn.Mish,
            nn.PReLU,
            nn.ReLU,
            nn.ReLU6,
            nn.RReLU,
            nn.SELU,
            nn.SiLU,
            nn.Sigmoid,
            nn.Softplus,
            nn.Softshrink,
            nn.Softsign,
            nn.Tanh,
            nn.Tanhshrink,
        )
    },
    "GELU, tanh": (lambda: nn.GELU("tanh"), (2, 4)),
    "Threshold": (lambda: nn.Threshold(0.1, 2), (2, 4)),
    "Softmax": (lambda: nn.Softmax(1), (2, 4)),
    "Softmin": (lambda: nn.Softmin(-1), (2, 4)),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), (2, 4)),
    "Softmax2d": (nn.Softmax2d, PICTURE),
    "PReLU of channels": (lambda: nn.PReLU(4), PICTURE),
    "Embedding": (lambda: nn.Embedding(5, 3, padding_idx=0), "indices"),
    **{
        f"EmbeddingBag, {mode}": (lambda mode=mode: nn.EmbeddingBag(5, 3, mode=mode), "indices")
        for mode in ("sum", "mean")
    },
    "PixelShuffle": (lambda: nn.PixelShuffle(2), PICTURE),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), PICTURE),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), PICTURE),
    **{
        f"Upsample, {mode}": (lambda mode=mode: nn.Upsample(size=(9, 5), mode=mode), PICTURE)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic")
    },
    "Upsample of aligned corners": (lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), PICTURE),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 0, 2, -1)), PICTURE),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(2, 3.5), (2, 3, 4)),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d(2), PICTURE),
    "ReplicationPad3d": (lambda: nn.ReplicationPad3d(1), (1, 2, 3, 3, 3)),
    "CircularPad2d": (lambda: nn.CircularPad2d((1, 2, 0, 3)), PICTURE),
    "Unfold": (lambda: nn.Unfold((2, 3), padding=1, stride=2), PICTURE),
    "Fold": (lambda: nn.Fold((4, 5), 2, padding=1), (2, 8, 30)),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), PICTURE),
    "RNN": (lambda: nn.RNN(3, 4, batch_first=True), SEQUENCE),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True), SEQUENCE),
    "LSTM, projected": (lambda: nn.LSTM(3, 4, proj_size=2), SEQUENCE),
    "GRU": (lambda: nn.GRU(3, 4, batch_first=True), SEQUENCE),
    "RNNCell": (lambda: nn.RNNCell(3, 4), (2, 3)),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), (2, 3)),
    "GRUCell": (lambda: nn.GRUCell(3, 4), (2, 3)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, batch_first=True), (2, 3, 4), (2, 5, 4), (2, 5, 4)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (2, 3, 4)),
    "TransformerDecoderLayer": (lambda: nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), (2, 3, 4), (2, 5, 4)),
    "Transformer": (lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True), (2, 3, 4), (2, 5, 4)),
    "CosineSimilarity": (nn.CosineSimilarity, (2, 3), (2, 3)),
    "PairwiseDistance": (nn.PairwiseDistance, (2, 3), (2, 3)),
}
# The size of the batch is within their shapes or constants.
FIXED = {
    "EmbeddingBag, sum",
    "EmbeddingBag, mean",
    "InstanceNorm2d",
    "BatchNorm2d of the batch",
    "Fold",
    "LSTM, projected",
}


def made(name):
    rl.manual_seed(0)
    make, *shapes = LAYERS[name]
    args = tuple(rl.randint(0, 5, (2, 4)) if shape == "indices" else x(*shape) for shape in shapes)
    return make().eval(), args


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    model, args = made(name)
    check(rl.onnx.export(model, args), model, args)


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in FIXED])
def test_layers_of_any_batch(name):
    model, args = made(name)
    names = [i.name for i in onnx.load_from_string(rl.onnx.export(model, args)).graph.input]
    data = rl.onnx.export(model, args, dynamic_axes={name: {0: "batch"} for name in names})
    check(data, model, tuple(rl.cat([arg, arg.flip(0), arg]) for arg in args))


FUNCTIONS = [
    lambda x, y: x + 2 * y - x / 3 + y * True,
    lambda x, y: (x - y) ** 2 % 0.7 + x // 0.4,
    lambda x, y: rl.add(x, y, alpha=3) - rl.sub(x, y, alpha=0.5) + (1 - x),
    lambda x, y: (x > y) & (x <= 1) | (y != 0) ^ ~(x < 0),
    lambda x, y: rl.where(x > 0, x, y).masked_fill(y > 1, -1.0),
    lambda x, y: x.clamp(-0.5, 0.5) + y.clamp(min=0) + x.clamp(y, y + 1) + rl.maximum(x, y),
    lambda x, y: [
        f(x) for f in (rl.erf, rl.erfc, rl.exp2, rl.expm1, rl.floor, rl.ceil, rl.round, rl.trunc, rl.sign, rl.square)
    ],
    lambda x, y: [
        f(x.abs() + 1) for f in (rl.log, rl.log1p, rl.log2, rl.log10, rl.rsqrt, rl.sqrt, rl.reciprocal, rl.acosh)
    ],
    lambda x, y: [
        f(x / 5) for f in (rl.sin, rl.cos, rl.tan, rl.sinh, rl.cosh, rl.asin, rl.acos, rl.atan, rl.asinh, rl.atanh)
    ],
    lambda x, y: rl.lerp(x, y, 0.3) + rl.lerp(x, y, y) + rl.addcmul(x, y, y, value=2) + rl.round(x, decimals=2),
    lambda x, y: [
        x.sum(),
        x.mean(1),
        x.amax((0, 1)),
        x.amin(0, keepdim=True),
        x.prod(1),
        x.logsumexp(0),
        x.norm(dim=1),
    ],
    lambda x, y: [x.var(), x.std(1, correction=0), *rl.var_mean(x, 0), (x > 0).any(1), (x > 0).all(), (x > 1).sum(0)],
    lambda x, y: [x.argmax(), x.argmin(1), *x.max(1), *x.min(0, keepdim=True), *x.topk(2, 1)],
    lambda x, y: [x[0], x[:, 1:3], x[..., None, -1], x[::2, :-1], x[1, 2], x.flip(1), x.narrow(1, 1, 2)],
    lambda x, y: [rl.cat([x, y], 1), rl.stack([x, y], -1), *x.unbind(1), *x.split([1, 3], 1), *x.chunk(2, 1)],
    lambda x, y: [x.T, x.reshape(2, 2, -1), x[None].expand(3, 2, 4), x.repeat(2, 1, 3), x.unsqueeze(0).squeeze(0)],
    lambda x, y: [
        x @ y.T,
        rl.mv(x, y[0]),
        rl.dot(x[0], y[0]),
        rl.bmm(x[None], y.T[None]),
        rl.einsum("ij,kj->ik", x, y),
    ],
    lambda x, y: [
        rl.baddbmm(x[None, :, :2], x[None], y.T[None], beta=2, alpha=0.5),
        rl.addmm(x[:, :2], x, y.T, beta=0.5),
    ],
    lambda x, y: [x.tril(), x.triu(1), x.cumsum(1), x.softmax(0), x.log_softmax(1), x.long(), x.double() + 1, x.bool()],
    lambda x, y: [x.long() * 2 + 1, (x * 10).int() % 3, (x > 0).float(), x.long().sum(), x * y.long(), x > y.long()],
    lambda x, y: [x.index_select(1, y.argmax(1)), x.gather(1, y.argmax(1, True))],
    lambda x, y: F.scaled_dot_product_attention(x[None, None], y[None, None], y[None, None], is_causal=True),
    lambda x, y: F.scaled_dot_product_attention(
        x[None], y[None], y[None], attn_mask=rl.tensor([[True, False], [True, True]])
    ),
    lambda x, y: F.scaled_dot_product_attention(x[None], y[None], y[None], attn_mask=x[:, :2]),
    lambda x, y: F.normalize(x) + F.softplus(y, 2, 1) + x.detach(),
]


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_functions(number):
    rl.manual_seed(number)
    args = x(2, 4), x(2, 4)
    check(rl.onnx.export(FUNCTIONS[number], args), FUNCTIONS[number], args)


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


@pytest.mark.parametrize("opset", [18, 19, 21, 23])
def test_every_opset_is_one_that_onnx_knows(opset):
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.GroupNorm(2, 4), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    args = (x(*PICTURE),)
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


def line():
    return sys._getframe(1).f_lineno


def test_an_operation_without_a_counterpart_is_named_with_its_line():
    def special(x):
        return rl.special.i0(x) + 1

    number = special.__code__.co_firstlineno + 1
    with pytest.raises(NotImplementedError) as caught:
        rl.onnx.export(special, x(2))
    assert str(caught.value).endswith(f"the operation 'i0' has no counterpart in ONNX here ({__file__}:{number})")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            lambda x: x * 2 if x.sum() > 0 else x,
            "is asked for its numbers, so the graph would hold for this input alone",
        ),
        (lambda x: x * float(x[0]), "is asked for its numbers"),
        (lambda x: rl.tensor(x.exp().tolist()), "is asked for its numbers"),
        (lambda x: x[x.argsort()], "is asked for its numbers"),
        (lambda x: x.exp()[1:].mul_(2), "'mul' writes into a view"),
    ],
)
def test_what_a_graph_cannot_say_is_refused(model, sentence):
    with pytest.raises(RuntimeError, match=sentence):
        rl.onnx.export(model, x(3))


def test_wrong_arguments():
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="opset_version must be 18 to 23, got 11"):
        rl.onnx.export(model, x(1, 3), opset_version=11)
    with pytest.raises(ValueError, match=r"dynamic_axes names \['x'\], but the inputs are \['input'\]"):
        rl.onnx.export(model, x(1, 3), dynamic_axes={"x": {0: "batch"}})
    with pytest.raises(ValueError, match=r"2 input_names for 1 inputs, \['input'\]"):
        rl.onnx.export(model, x(1, 3), input_names=["a", "b"])
    with pytest.raises(RuntimeError, match=r"takes a constant of shape \(4, 1\), made from the size"):
        rl.onnx.export(lambda x: x * rl.arange(x.shape[0])[:, None], x(4, 1), dynamic_axes={"x": {0: "n"}})
    with pytest.warns(UserWarning, match="has drawn random numbers; the graph holds those as constants"):
        rl.onnx.export(lambda x: x + rl.rand(3), x(3))


# -- the examples
PROGRAM = """
import runpy, sys
import rushlight
rushlight.as_torch()
torch = rushlight
sys.path.insert(0, {tests!r})
import test_onnx as t
def names(script):
    return runpy.run_path({examples!r} + "/" + script + ".py", run_name="example")
def tried(model, *args):
    t.check(torch.onnx.export(model.eval(), args), model, args, 1e-4)
    print(type(model).__name__)
letters = torch.randint(0, 9, (2, 8))
tried(names("mnist_mlp")["MLP"](32, 0.1), torch.rand(3, 64))
tried(names("mnist_cnn")["Net"](0.1), torch.rand(3, 1, 8, 8))
tried(names("char_lstm")["CharLSTM"](9, 4, 8, 2, 0.0), letters)
tried(names("small_gpt")["GPT"](9, 8, 16, 2, 2, 0.0), letters)
tried(names("gan")["Generator"](6, 4), torch.randn(2, 6, 1, 1))
tried(names("gan")["Discriminator"](4), torch.rand(2, 1, 8, 8))
tried(names("dqn")["DQN"](3, 16), torch.rand(2, 1, 4, 4))
tried(names("super_resolution")["Net"](2, 8), torch.rand(1, 1, 8, 8))
"""


def test_the_example_models(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(tests=str(Path(__file__).parent), examples=str(EXAMPLES)))
    environment = {**os.environ, "PYTHONPATH": str(Path(rl.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["MLP", "Net", "CharLSTM", "GPT", "Generator", "Discriminator", "DQN", "Net"], (
        done.stderr
    )
