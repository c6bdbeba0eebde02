"""Recurrent layers, cells and packed sequences: against their formulas, against loops, and against PyTorch."""

import warnings

import numpy as np
import pytest

import rushlight
from rushlight import autograd, nn
from rushlight.nn.utils import rnn as packing
from rushlight.ops.recurrent import gru_gates

LAYERS = [nn.RNN, nn.LSTM, nn.GRU]
SAMPLES = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 2, "bias": False, "batch_first": True},
    {"bidirectional": True, "batch_first": True},
]
LENGTHS = [2, 4, 1]


def randn(*shape, seed=0, grad=False):
    x = rushlight.from_numpy(np.random.default_rng(seed).normal(size=shape))
    return x.requires_grad_() if grad else x


def built(cls, *args, **options):
    rushlight.manual_seed(0)
    return cls(*args, **options, dtype=rushlight.float64)


def flat(result):
    """The tensors of (out, h) or (out, (h, c))."""
    out, hidden = result
    return [out, *hidden] if isinstance(hidden, tuple) else [out, hidden]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, h, c, weights):
    """One step by the formulas of the papers, in NumPy."""
    w_ih, w_hh, b_ih, b_hh = weights
    given, kept = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    if kind is nn.RNN:
        return np.tanh(given + kept), c
    if kind is nn.LSTM:
        i, f, g, o = np.split(given + kept, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (ri, zi, ni), (rh, zh, nh) = np.split(given, 3), np.split(kept, 3)
    z = sigmoid(zi + zh)
    return (1 - z) * np.tanh(ni + sigmoid(ri + rh) * nh) + z * h, c


@pytest.mark.parametrize("cls", LAYERS)
def test_a_layer_follows_its_formula(cls):
    layer, x = built(cls, 3, 4), randn(5, 3)
    weights = [p.detach().numpy() for p in layer.parameters()]
    h = c = np.zeros(4)
    outs = []
    for row in x.numpy():
        h, c = step(cls, row, h, c, weights)
        outs.append(h)
    out, hidden = layer(x)
    np.testing.assert_allclose(out.detach(), np.array(outs), rtol=1e-12)
    np.testing.assert_allclose(flat((out, hidden))[1].detach()[0], h, rtol=1e-12)


@pytest.mark.parametrize(("cls", "cell"), [(nn.RNN, nn.RNNCell), (nn.LSTM, nn.LSTMCell), (nn.GRU, nn.GRUCell)])
def test_cells_take_the_steps_of_their_layers(cls, cell):
    layer, one = built(cls, 3, 4), built(cell, 3, 4)
    one.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x, state = randn(5, 2, 3), None
    out, _ = layer(x)
    for t in range(5):
        state = one(x[t], state)
        np.testing.assert_allclose(out[t].detach(), (state[0] if cls is nn.LSTM else state).detach(), rtol=1e-12)
    alone = one(x[0, 0])
    assert (alone[0] if cls is nn.LSTM else alone).shape == (4,)


@pytest.mark.parametrize("options", SAMPLES)
@pytest.mark.parametrize("cls", LAYERS)
def test_packed_sequences_are_gone_through_one_by_one(cls, options):
    layer = built(cls, 3, 4, **options)
    first = options.get("batch_first", False)
    x = randn(3, 4, 3) if first else randn(4, 3, 3)
    directions = 2 if options.get("bidirectional") else 1
    places = options.get("num_layers", 1) * directions
    h = randn(places, 3, 4, seed=1)
    packed = packing.pack_padded_sequence(x, LENGTHS, first, enforce_sorted=False)
    out, hidden = layer(packed, (h, h) if cls is nn.LSTM else h)
    padded, lengths = packing.pad_packed_sequence(out, first)
    assert lengths.tolist() == LENGTHS
    for n, length in enumerate(LENGTHS):
        row = x[n, :length] if first else x[:length, n]
        start = h[:, n]
        want = flat(layer(row, (start, start) if cls is nn.LSTM else start))
        got = padded[n] if first else padded[:, n]
        np.testing.assert_allclose(got[:length].detach(), want[0].detach(), rtol=1e-12)
        assert got[length:].abs().sum().item() == 0
        for ours, theirs in zip(flat((out, hidden))[1:], want[1:]):
            np.testing.assert_allclose(ours[:, n].detach(), theirs.detach(), rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "bias": False}])
@pytest.mark.parametrize("cls", LAYERS)
def test_derivatives(cls, options):
    if cls is nn.LSTM:
        options = {**options, "proj_size": 1}
    layer = built(cls, 2, 2, **options)
    places = 2 if options.get("bidirectional") else 1
    x, h = randn(3, 2, 2, grad=True), randn(places, 2, options.get("proj_size", 2), seed=1, grad=True)
    names, weights = zip(*layer.named_parameters())

    def run(x, h, *weights):
        state = (h, x.new_ones(places, 2, 2)) if cls is nn.LSTM else h
        return tuple(flat(rushlight.func.functional_call(layer, dict(zip(names, weights)), (x, state))))

    inputs = (x, h, *[w.detach().requires_grad_() for w in weights])
    assert autograd.gradcheck(run, inputs, check_forward_ad=True)
    assert autograd.gradgradcheck(lambda x, h: run(x, h, *weights), (x, h))


@pytest.mark.parametrize("cls", LAYERS)
def test_derivatives_of_packed_sequences(cls):
    layer = built(cls, 2, 2, bidirectional=True)

    def run(x):
        packed = packing.pack_padded_sequence(x, LENGTHS, enforce_sorted=False)
        out, hidden = layer(packed)
        return packing.pad_packed_sequence(out)[0], *flat((out, hidden))[1:]

    x = randn(4, 3, 2, grad=True)
    assert autograd.gradcheck(run, (x,), check_forward_ad=True)
    assert autograd.gradgradcheck(run, (x,))


@pytest.mark.parametrize("cls", LAYERS)
def test_gradients_of_each_sample_by_vmap(cls):
    layer, x = built(cls, 3, 4, num_layers=2, bidirectional=True), randn(3, 5, 3)
    params = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(params, x):
        return rushlight.func.functional_call(layer, params, (x,))[0].square().sum()

    together = rushlight.func.vmap(rushlight.func.grad(loss), (None, 0))(params, x)
    for n in range(3):
        alone = rushlight.func.grad(loss)(params, x[n])
        for name in params:
            np.testing.assert_allclose(together[name][n], alone[name], rtol=1e-10, atol=1e-12)


def test_packing_and_back():
    x = rushlight.arange(24.0).reshape(4, 3, 2)
    packed = packing.pack_padded_sequence(x, LENGTHS, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 2, 1, 1]
    assert packed.sorted_indices.tolist() == packed.unsorted_indices.tolist() == [1, 0, 2]
    assert packed.data[:, 0].tolist() == [2, 0, 4, 8, 6, 14, 20]
    padded, lengths = packing.pad_packed_sequence(packed, batch_first=True, padding_value=-1.0, total_length=5)
    assert lengths.tolist() == LENGTHS
    assert padded[0, :, 0].tolist() == [0, 6, -1, -1, -1]
    assert [len(s) for s in packing.unpack_sequence(packed)] == LENGTHS
    assert packed.double().data.dtype == rushlight.float64
    assert packed.double().sorted_indices is packed.sorted_indices
    assert packed.cpu() is packed


def test_padding():
    a, b = rushlight.tensor([1.0, 2.0]), rushlight.tensor([3.0])
    assert packing.pad_sequence([a, b]).tolist() == [[1, 3], [2, 0]]
    assert packing.pad_sequence([a, b], True, 9, "left").tolist() == [[1, 2], [9, 3]]
    packed = packing.pack_sequence([b, a], enforce_sorted=False)
    assert packed.data.tolist() == [1, 3, 2]
    assert [s.tolist() for s in packing.unpack_sequence(packed)] == [[3], [1, 2]]
    assert packing.invert_permutation(None) is None


def test_lengths_beyond_the_padding_are_refused():
    with pytest.raises(RuntimeError, match="at most the padded length"):
        packing.pack_padded_sequence(rushlight.zeros(4, 3, 2), [5, 2, 1])


def test_dropout_between_layers_warns_where_there_is_one_layer():
    with pytest.warns(UserWarning, match="non-zero dropout expects num_layers greater than 1"):
        nn.GRU(3, 4, dropout=0.5)


REFUSED = [
    lambda lib, nn: nn.RNN(3, 4, dropout=2),
    lambda lib, nn: nn.RNN(3, "a"),
    lambda lib, nn: nn.RNN(3, 0),
    lambda lib, nn: nn.RNN(0, 4),
    lambda lib, nn: nn.RNN(3, 4, 0),
    lambda lib, nn: nn.RNN(3, 4, bias=0),
    lambda lib, nn: nn.RNN(3, 4, nonlinearity="foo"),
    lambda lib, nn: nn.RNN(3, 4, proj_size=2),
    lambda lib, nn: nn.LSTM(3, 4, proj_size=-1),
    lambda lib, nn: nn.LSTM(3, 4, proj_size=4),
    lambda lib, nn: nn.RNN(3, 4)(lib.zeros(3)),
    lambda lib, nn: nn.GRU(3, 4)(lib.zeros(2, 3, 4, 5)),
    lambda lib, nn: nn.GRU(3, 4)(lib.zeros(5, 2, 4)),
    lambda lib, nn: nn.GRU(3, 4)(lib.zeros(5, 2, 3), lib.zeros(2, 2, 5)),
    lambda lib, nn: nn.GRU(3, 4)(lib.zeros(5, 2, 3), lib.zeros(2, 4)),
    lambda lib, nn: nn.GRU(3, 4)(lib.zeros(5, 3), lib.zeros(1, 2, 4)),
    lambda lib, nn: nn.GRU(3, 4)(lib.zeros(5, 2, 3, dtype=lib.float64)),
    lambda lib, nn: nn.RNN(3, 4)(lib.zeros(0, 2, 3)),
    lambda lib, nn: nn.LSTM(3, 4)(lib.zeros(5, 2, 3), lib.zeros(4, 2, 4)),
    lambda lib, nn: nn.LSTM(3, 4)(lib.zeros(5, 2, 3), (lib.zeros(1, 2, 4), lib.zeros(1, 2, 5))),
    lambda lib, nn: nn.LSTM(3, 4)(lib.zeros(5, 3), (lib.zeros(1, 2, 4), lib.zeros(1, 2, 4))),
    lambda lib, nn: nn.RNNCell(3, 4)(lib.zeros(2, 2, 3)),
    lambda lib, nn: nn.RNNCell(3, 4)(lib.zeros(2, 4)),
    lambda lib, nn: nn.RNNCell(3, 4, nonlinearity="foo")(lib.zeros(3)),
    lambda lib, nn: nn.GRUCell(3, 4)(lib.zeros(2, 3), lib.zeros(2, 5)),
    lambda lib, nn: nn.GRUCell(3, 4)(lib.zeros(2, 3), lib.zeros(3, 4)),
    lambda lib, nn: nn.GRUCell(3, 4)(lib.zeros(2, 3), lib.zeros(1, 2, 4)),
    lambda lib, nn: nn.LSTMCell(3, 4)(lib.zeros(2, 3), (lib.zeros(2, 4), lib.zeros(2, 5))),
    lambda lib, nn: nn.LSTMCell(3, 4)(lib.zeros(2, 3), lib.zeros(2, 4)),
    lambda lib, nn: lib.lstm(lib.zeros(5, 2, 3), (lib.zeros(1, 2, 4),), [], True, 1, 0.0, False, False, False),
    lambda lib, nn: lib.gru(lib.zeros(5, 2, 3), lib.zeros(1, 2, 4), [], True, 1, 0.0, False, False, False),
    lambda lib, nn: lib.gru(lib.zeros(5, 2, 3), lib.zeros(1, 2, 4), [lib.zeros(3)], True, 1, 0.0, False, False, False),
    lambda lib, nn: lib.gru_cell(lib.zeros(2, 3), lib.zeros(2, 4), lib.zeros(4, 3), lib.zeros(4, 4)),
    lambda lib, nn: nn.utils.rnn.pack_padded_sequence(lib.zeros(4, 3), [2, 4, 1]),
    lambda lib, nn: nn.utils.rnn.pack_padded_sequence(lib.zeros(4, 3), [4, 2, 0]),
    lambda lib, nn: nn.utils.rnn.pack_padded_sequence(lib.zeros(4, 3), [4, 2]),
    lambda lib, nn: nn.utils.rnn.pack_padded_sequence(lib.zeros(0, 3), [0, 0, 0]),
    lambda lib, nn: nn.utils.rnn.pack_padded_sequence(lib.zeros(4, 3), lib.tensor([[4, 2, 1]])),
    lambda lib, nn: nn.utils.rnn.pad_packed_sequence(nn.utils.rnn.pack_sequence([lib.zeros(3)]), total_length=2),
    lambda lib, nn: nn.utils.rnn.pad_sequence([]),
    lambda lib, nn: nn.utils.rnn.pad_sequence(3),
    lambda lib, nn: nn.utils.rnn.pad_sequence([lib.zeros(2), 3]),
    lambda lib, nn: nn.utils.rnn.pad_sequence([lib.zeros(2), lib.zeros(3)], padding_side="foo"),
    lambda lib, nn: nn.utils.rnn.pad_sequence([lib.zeros(2, 3), lib.zeros(3, 2)]),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", REFUSED)
def test_refusals_are_pytorchs(call):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        call(torch, torch.nn)
    with pytest.raises(theirs.type) as ours:
        call(rushlight, nn)
    assert str(ours.value).split("\n")[0].replace("rushlight", "torch") == str(theirs.value).split("\n")[0]


@pytest.mark.parity
@pytest.mark.parametrize("options", [*SAMPLES, {"num_layers": 3, "dropout": 0.5, "bidirectional": True}])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "projected"])
def test_a_seed_gives_pytorchs_parameters_dropout_values_and_gradients(name, options):
    torch = pytest.importorskip("torch")
    if name == "projected":
        name, options = "LSTM", {**options, "proj_size": 2}
    found = []
    for lib in (rushlight, torch):
        lib.manual_seed(3)
        layer = getattr(lib.nn, name)(3, 4, **options)
        x = lib.tensor(np.random.default_rng(0).normal(size=(4, 3, 3)), dtype=lib.float32, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            results = flat(layer(x))
        sum((r * r).sum() for r in results).backward()
        values = [r.detach().numpy() for r in results] + [x.grad.numpy()] + [p.grad.numpy() for p in layer.parameters()]
        found.append((str(layer), list(layer.state_dict()), values, lib.rand(1).item()))
    ours, theirs = found
    assert ours[:2] == theirs[:2]
    assert ours[3] == theirs[3]
    for a, b in zip(ours[2], theirs[2]):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gates_of_a_gru_by_kernel_and_by_formula(dtype):
    random = np.random.default_rng(0)
    given, kept = [random.normal(size=(7, 57)).astype(dtype) * 3 for _ in range(2)]
    h, g = [random.normal(size=(7, 19)).astype(dtype) for _ in range(2)]
    given[0, :4], kept[1, 40:44] = (200, -200, np.inf, np.nan), (1e30, -1e30, np.inf, np.nan)
    with np.errstate(all="ignore"):
        wanted = gru_gates.forward(given, kept, h)
        tensors = [rushlight.from_numpy(x).requires_grad_() for x in (given, kept, h)]
        found = gru_gates(*tensors)
        sent = rushlight.autograd.grad(found[0], tensors, rushlight.from_numpy(g), retain_graph=True)
        ruled = rushlight.autograd.grad(found[0], tensors, rushlight.from_numpy(g), create_graph=True)
    close = 1e-5 if dtype == "float32" else 1e-13
    for ours, want in zip([*found, *sent], [*wanted, *[x.detach().numpy() for x in ruled]]):
        np.testing.assert_allclose(ours.detach().numpy(), want, rtol=close, atol=close)


@pytest.mark.parametrize("cell, gates", [(rushlight.gru_cell, 3), (rushlight.rnn_tanh_cell, 1)])
def test_cells_refuse_states_of_another_batch(cell, gates):
    with pytest.raises(RuntimeError, match=r"^Input batch size 4 doesn't match hidden0 batch size 1"):
        cell(rushlight.ones(4, 3), rushlight.ones(1, 2), rushlight.ones(2 * gates, 3), rushlight.ones(2 * gates, 2))
