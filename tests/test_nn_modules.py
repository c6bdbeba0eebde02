"""The layers: shapes, values, what they show, keep and refuse."""

import importlib
import pkgutil

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn

CALLS = [
    "ReLU(True)", "ReLU6()", "ELU(0.5, True)", "SELU()", "CELU(2.0)", "GELU('tanh')", "GLU(1)", "Hardshrink()",
    "Hardsigmoid()", "Hardswish()", "Hardtanh(-2, 2)", "LeakyReLU(0.2)", "LogSigmoid()", "LogSoftmax(1)", "Mish()",
    "PReLU(3)", "RReLU()", "Sigmoid()", "SiLU()", "Softmax(1)", "Softmin(0)", "Softplus(2, 3)",
    "Softshrink()", "Softsign()",
    "Tanh()", "Tanhshrink()", "Threshold(1, 2, True)", "Dropout(0.1)", "Dropout2d()", "AlphaDropout()", "Flatten(0, 2)",
    "Unflatten(1, (2, 3))", "MaxPool1d(2)", "MaxPool2d((2, 3), 1, padding=1, dilation=2)", "AvgPool1d(2)",
    "AvgPool2d(2, 3)",
    "AdaptiveAvgPool2d((None, 3))", "AdaptiveMaxPool1d(3)", "LPPool2d(1.5, 3)", "MaxUnpool2d(2, (2, 1), 1)",
    "ConstantPad2d((1, 2, 3, 4), 0.5)", "ZeroPad1d(1)", "ReflectionPad2d(2)", "ReplicationPad3d(1)", "CircularPad1d(3)",
    "PixelShuffle(2)", "PixelUnshuffle(2)", "ChannelShuffle(2)", "Upsample(scale_factor=(2, 3), mode='bilinear')",
    "UpsamplingBilinear2d(4)", "Fold((2, 3), 3)", "Unfold(3, padding=1)", "Embedding(3, 4, padding_idx=-1, "
    "max_norm=1.0)",
    "EmbeddingBag(3, 4, mode='sum', padding_idx=1)", "CosineSimilarity()", "PairwiseDistance(1.0)", "MSELoss()",
    "TripletMarginWithDistanceLoss()", "Identity(3, a=4)", "Bilinear(1, 2, 3, bias=False)", "Linear(2, 3, bias=False)",
    "Conv2d(4, 6, (3, 2), stride=2, padding=1, dilation=2, groups=2, bias=False)", "Conv1d(3, 4, 2, padding='same')",
    "Conv3d(3, 4, 2, padding_mode='circular', padding=1)", "ConvTranspose2d(2, 3, 4, stride=2, output_padding=1)",
    "BatchNorm1d(3, momentum=None)", "BatchNorm2d(3, affine=False, track_running_stats=False)",
    "BatchNorm3d(2, bias=False)",
    "InstanceNorm1d(3)", "LayerNorm((3, 4), bias=False)", "GroupNorm(2, 4)", "RMSNorm(3)", "LocalResponseNorm(2)",
]  # fmt: skip


def test_convolution_by_hand():
    layer = nn.Conv1d(1, 1, 2)
    layer.weight.data = rl.tensor([[[1.0, 10.0]]])
    layer.bias.data = rl.tensor([0.5])
    np.testing.assert_array_equal(layer(rl.tensor([[[1.0, 2.0, 3.0]]])).detach().numpy(), [[[21.5, 32.5]]])
    np.testing.assert_array_equal(nn.Conv1d(1, 1, 3, padding="same")(rl.zeros(1, 1, 5)).shape, [1, 1, 5])


def test_convolution_pads_as_it_is_told():
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    layer.weight.data = rl.tensor([[[1.0, 0.0, 0.0]]])
    np.testing.assert_array_equal(layer(rl.tensor([[[1.0, 2.0, 3.0]]])).detach().numpy(), [[[3.0, 1.0, 2.0]]])


def test_transposed_convolution_takes_an_output_size():
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2)
    x = rl.ones(1, 1, 3, 3)
    assert tuple(layer(x).shape) == (1, 1, 7, 7)
    assert tuple(layer(x, output_size=(8, 7)).shape) == (1, 1, 8, 7)
    with pytest.raises(ValueError, match=r"requested an output size of \(9, 9\), but valid sizes range from"):
        layer(x, output_size=(9, 9))
    with pytest.raises(ValueError, match="output_size must have 2 or 4 elements"):
        layer(x, output_size=(9,))


def test_batch_norm_counts_and_tracks():
    layer = nn.BatchNorm1d(2, momentum=0.5)
    layer(rl.tensor([[0.0, 1.0], [2.0, 3.0]]))
    np.testing.assert_allclose(layer.running_mean.numpy(), [0.5, 1.0])
    np.testing.assert_allclose(layer.running_var.numpy(), [1.5, 1.5])
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    before = layer.running_mean.numpy().copy()
    out = layer(rl.tensor([[0.5, 1.0]]))
    np.testing.assert_allclose(out.detach().numpy(), [[0.0, 0.0]], atol=1e-6)
    np.testing.assert_array_equal(layer.running_mean.numpy(), before)
    with pytest.raises(ValueError, match=r"expected 2D or 3D input \(got 1D input\)"):
        layer(rl.ones(2))
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        layer.train()(rl.ones(1, 2))


def test_batch_norm_averages_all_batches_without_momentum():
    layer = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 2.0, 6.0):
        layer(rl.full((2, 1), value))
    assert layer.running_mean.item() == pytest.approx(3.0)


def test_batch_norm_takes_states_saved_before_there_was_a_count():
    layer = nn.BatchNorm1d(2)
    state = dict(layer.state_dict())
    del state["num_batches_tracked"]
    layer.load_state_dict(state)


def test_embedding():
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3
    assert not layer.weight[3].detach().numpy().any()
    layer(rl.tensor([1, 3, 1])).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[0, 0], [2, 2], [0, 0], [0, 0]])
    fixed = nn.Embedding.from_pretrained(rl.ones(3, 2))
    assert not fixed.weight.requires_grad
    with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings"):
        nn.Embedding(3, 2, 5)


def test_dropout_is_off_in_evaluation():
    layer = nn.Dropout(0.5)
    x = rl.ones(1000)
    dropped = layer(x).numpy()
    assert set(np.unique(dropped)) == {0.0, 2.0}
    np.testing.assert_array_equal(layer.eval()(x).numpy(), x.numpy())
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1, but got 2"):
        nn.Dropout(2)


def test_losses_take_their_options():
    x, y = rl.tensor([[1.0, 2.0], [3.0, 1.0]]), rl.tensor([1, 0])
    weighted = nn.CrossEntropyLoss(weight=rl.tensor([1.0, 3.0]), reduction="none")(x, y).numpy()
    plain = nn.CrossEntropyLoss(reduction="none")(x, y).numpy()
    np.testing.assert_allclose(weighted, plain * [3, 1], rtol=1e-6)
    assert list(nn.BCEWithLogitsLoss(pos_weight=rl.ones(2)).state_dict()) == ["pos_weight"]
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.raises(ValueError, match="expected margin to be greater than 0"):
        nn.TripletMarginLoss(margin=-1)
    with pytest.raises(TypeError, match="delta must be a float or int"):
        nn.HuberLoss(delta=1j)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: nn.Conv2d(3, 4, 2, groups=2), ValueError, "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 2, groups=2), ValueError, "out_channels must be divisible by groups"),
        (
            lambda: nn.Conv2d(1, 1, 2, padding="same", stride=2),
            ValueError,
            "not supported for strided convolutions",
        ),
        (lambda: nn.Conv2d(1, 1, 2, padding="x"), ValueError, "Invalid padding string 'x'"),
        (lambda: nn.Conv2d(1, 1, 2, padding_mode="x"), ValueError, "padding_mode must be one of"),
        (
            lambda: nn.ConvTranspose1d(1, 1, 2, padding_mode="reflect"),
            ValueError,
            'Only "zeros" padding mode',
        ),
        (lambda: nn.GroupNorm(2, 3), ValueError, r"num_channels \(3\) must be divisible by num_groups \(2\)"),
        (lambda: nn.Hardtanh(2, 1), AssertionError, r"max_val \(1\) must be greater than min_val \(2\)"),
        (lambda: nn.Unflatten(1, (2.0, 3)), TypeError, "found element of type float at pos 0"),
        (lambda: nn.Linear("a", 3), TypeError, "failed to unpack the object at pos 2"),
        (lambda: nn.Linear(-1, 3), RuntimeError, "Trying to create tensor with negative dimension -1"),
        (lambda: nn.ReLU(bad=1), TypeError, "unexpected keyword argument 'bad'"),
        (lambda: nn.FractionalMaxPool2d(2), ValueError, "requires specifying either an output size"),
    ],
)
def test_what_constructors_refuse(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_neighbouring_channels_are_summed_as_the_formula_says():
    x = np.random.default_rng(0).normal(size=(1, 6, 2, 2))
    found = nn.CrossMapLRN2d(3, alpha=0.6, k=2)(rl.tensor(x)).numpy()
    for c in range(6):
        sums = (x[:, max(0, c - 1) : c + 2] ** 2).sum(1)
        np.testing.assert_allclose(found[:, c], x[:, c] / (2 + 0.2 * sums) ** 0.75, rtol=1e-12)


def test_converted_batch_norm_keeps_its_state():
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4)))
    net(rl.arange(6.0).reshape(2, 3))
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert type(converted[1][0]) is nn.SyncBatchNorm
    assert converted[1][0].num_batches_tracked.item() == 1
    assert converted[0] is net[0]
    alone = nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm2d(2, bias=False, momentum=None))
    assert alone.bias is None
    assert alone.momentum is None


def test_data_parallel_calls_its_module():
    model = nn.DataParallel(nn.Linear(2, 3), device_ids=[0])
    x = rl.ones(4, 2)
    np.testing.assert_array_equal(model(x).detach(), model.module(x).detach())
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    np.testing.assert_array_equal(nn.parallel.data_parallel(model.module, x).detach(), model(x).detach())


def test_adaptive_softmax_is_a_distribution():
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10], head_bias=True)
    x, target = rl.rand(50, 16), rl.randint(0, 20, (50,))
    scores = layer.log_prob(x)
    np.testing.assert_allclose(scores.exp().sum(1).detach(), 1, rtol=1e-5)
    output, loss = layer(x, target)
    np.testing.assert_allclose(output.detach(), scores.gather(1, target[:, None])[:, 0].detach(), rtol=1e-5)
    assert loss.item() == pytest.approx(-output.mean().item())
    np.testing.assert_array_equal(layer.predict(x), scores.argmax(1))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_gradients_of_convolutions_without_them(d):
    x = rl.rand(2, 4, *[7] * d, requires_grad=True)
    w = rl.rand(6, 2, *[3] * d, requires_grad=True)
    options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    out = getattr(nn.functional, f"conv{d}d")(x, w, None, **options)
    g = rl.rand(*out.shape)
    of_x, of_w = rl.autograd.grad(out, (x, w), g)
    np.testing.assert_allclose(getattr(nn.grad, f"conv{d}d_input")(x.shape, w, g, **options).detach(), of_x, rtol=1e-5)
    np.testing.assert_allclose(getattr(nn.grad, f"conv{d}d_weight")(x, w.shape, g, **options).detach(), of_w, rtol=1e-4)
    with pytest.raises(RuntimeError, match="expected a gradient of the output of size"):
        getattr(nn.grad, f"conv{d}d_weight")(x, w.shape, g[:1], **options)


def test_how_tensors_are_made_is_told_once():
    assert nn.factory_kwargs(None) == {}
    assert nn.factory_kwargs({"dtype": rl.float64, "factory_kwargs": {"device": "cpu"}}) == {
        "dtype": rl.float64,
        "device": "cpu",
    }
    with pytest.raises(TypeError, match="dtype specified twice"):
        nn.factory_kwargs({"dtype": 1, "factory_kwargs": {"dtype": 1}})
    with pytest.raises(TypeError, match="unexpected kwargs"):
        nn.factory_kwargs({"size": 1})


def test_files_of_pytorch_have_what_they_have_there():
    from rushlight.nn.common_types import _size_2_t
    from rushlight.nn.modules.activation import MultiheadAttention
    from rushlight.nn.modules.batchnorm import _BatchNorm
    from rushlight.nn.modules.rnn import LSTMCell

    assert (MultiheadAttention, LSTMCell) == (nn.MultiheadAttention, nn.LSTMCell)
    assert issubclass(nn.BatchNorm2d, _BatchNorm)
    assert _size_2_t == int | tuple[int, int]


def test_every_layer_is_in_nn():
    from rushlight.nn import modules

    for found in pkgutil.iter_modules(modules.__path__):
        module = importlib.import_module(f"rushlight.nn.modules.{found.name}")
        for name in getattr(module, "__all__", ()):
            assert name.startswith("register_") or hasattr(nn, name), name


def test_nn_holds_layers_and_not_the_files_they_are_in():
    assert nn.utils.__name__ == "rushlight.nn.utils"
    assert not hasattr(nn, "linear")


def test_gradients_are_clipped():
    x, y = rl.ones(3, requires_grad=True), rl.ones(1, requires_grad=True)
    ((x * 2).sum() + y.sum() * 2).backward()
    assert nn.utils.clip_grad_norm_([x, y], 2.0).item() == 4
    np.testing.assert_allclose(x.grad.numpy(), 1, rtol=1e-6)
    nn.utils.clip_grad_value_(x, 0.25)
    np.testing.assert_allclose(x.grad.numpy(), 0.25)
    np.testing.assert_allclose(y.grad.numpy(), 1, rtol=1e-6)
    assert nn.utils.clip_grad_norm_([x], 9.0, float("inf")).item() == 0.25
    x.grad[0] = float("nan")
    with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
        nn.utils.clip_grad_norm_([x], 1.0, error_if_nonfinite=True)


def test_parameters_as_a_vector_and_back():
    layer = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(layer.parameters())
    assert tuple(vector.shape) == (9,)
    nn.utils.vector_to_parameters(rl.arange(9.0), layer.parameters())
    np.testing.assert_array_equal(layer.bias.detach().numpy(), [6, 7, 8])


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_shown_as_in_pytorch(call):
    torch = pytest.importorskip("torch")
    wanted, found = eval(f"nn.{call}", {"nn": torch.nn}), eval(f"nn.{call}", {"nn": nn})
    assert str(found) == str(wanted)
    assert list(found.state_dict()) == list(wanted.state_dict())
    fields = {k: v for k, v in vars(wanted).items() if not k.startswith("_")}
    assert {k: vars(found)[k] for k in fields} == fields


NETS = [
    ("Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))", (4, 6)),
    ("Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), "
     "nn.Linear(16, 2))", (3, 2, 4, 4)),
    ("Sequential(nn.Conv1d(2, 4, 3, groups=2), nn.GroupNorm(2, 4), nn.GELU(), nn.AdaptiveAvgPool1d(2))", (3, 2, 6)),
    ("Sequential(nn.ConvTranspose2d(2, 3, 2, stride=2), nn.InstanceNorm2d(3, affine=True), nn.SiLU())", (2, 2, 3, 3)),
    ("Sequential(nn.LayerNorm(6), nn.RMSNorm(6), nn.PReLU(), nn.LogSoftmax(1))", (4, 6)),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize(("text", "shape"), NETS)
def test_values_and_gradients_as_in_pytorch(text, shape):
    torch = pytest.importorskip("torch")
    torch.manual_seed(2)
    rl.manual_seed(2)
    wanted_net, net = eval(f"nn.{text}", {"nn": torch.nn}), eval(f"nn.{text}", {"nn": nn})
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    wanted, found = wanted_net(torch.tensor(x)), net(rl.tensor(x))
    np.testing.assert_allclose(found.detach().numpy(), wanted.detach().numpy(), rtol=1e-4, atol=1e-5)
    (wanted**2).sum().backward()
    (found**2).sum().backward()
    for (name, p), (_, q) in zip(wanted_net.named_parameters(), net.named_parameters()):
        np.testing.assert_allclose(q.grad.numpy(), p.grad.numpy(), rtol=1e-3, atol=1e-4, err_msg=name)
