"""Every layer and loss beside PyTorch's: how it begins and is shown, what it computes, its gradients, what it keeps.

Each row of tests/module_cases.py is built in both from one seed, and called in training and in evaluation.
"""

import warnings

import numpy as np
import pytest

import rushlight
from beside import first_sentence
from module_cases import BASES, CASES
from rushlight import nn

# In what `Numbers` and the modules work.
TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}


class Draws:
    """What the rows make their inputs with, the same for both."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, *shape):
        return Given(self.random.standard_normal(shape).astype("float32"), True)

    def within(self, low, high, *shape):
        return Given(self.random.uniform(low, high, shape).astype("float32"), False)

    def fixed(self, *shape):
        return Given(self.random.standard_normal(shape).astype("float32"), False)

    def ints(self, high, *shape, low=0):
        return Given(np.asarray(self.random.integers(low, high, shape)), False)

    def signs(self, *shape):
        return Given(self.random.choice([-1.0, 1.0], shape).astype("float32"), False)

    def holes(self, *shape):
        """Truth values, False in the first place of each row."""
        holes = self.random.random(shape) < 0.4
        holes[..., 0] = False
        return Given(holes, False)

    def causal(self, n):
        return Given(np.triu(np.full((n, n), -np.inf, "float32"), 1), False)


class Given:
    def __init__(self, array, differentiated):
        self.array, self.differentiated = array, differentiated


class Side:
    """One of the two libraries, with the module that a row asks for, and its inputs."""

    def __init__(self, m, case, seed=0):
        self.m, self.case = m, case
        self.leaves = {}
        m.manual_seed(seed)
        self.module = eval(f"nn.{case.name}({case.args})", {"nn": m.nn, "m": m})
        self.inputs = [self.tensor(x) for x in case.inputs(Draws(1))]
        if case.name.startswith("Lazy"):
            # The parameters are drawn at the first call.
            self.module(*self.inputs)

    def tensor(self, given):
        if isinstance(given, tuple):
            return tuple(self.tensor(x) for x in given)
        if not isinstance(given, Given):
            return given
        if id(given) not in self.leaves:
            made = self.m.from_numpy(given.array.copy()) if given.array.ndim else self.m.tensor(given.array.item())
            # The row's arrays are kept, so that no other gets the same id.
            self.leaves[id(given)] = made.requires_grad_(given.differentiated), given
        return self.leaves[id(given)][0]

    def call(self, seed=2):
        """The outputs, flat."""
        self.m.manual_seed(seed)
        inputs = self.inputs if self.case.prepare is None else self.case.prepare(self.m)(*self.inputs)
        return flat(self.module(*inputs, **self.case.named))

    def gradients(self, outputs):
        """Of the inputs and parameters, by the sum of all floating outputs, each element weighed otherwise."""
        total = 0
        for out in outputs:
            if out.requires_grad:
                total = total + (out * self.m.arange(1.0, out.numel() + 1).reshape(out.shape).cos()).sum()
        if not isinstance(total, int):
            total.backward()
        leaves = [leaf for leaf, _ in self.leaves.values()]
        return {i: leaf.grad for i, leaf in enumerate(leaves)} | {k: p.grad for k, p in self.module.named_parameters()}

    def state(self):
        return {k: v.numpy() for k, v in self.module.state_dict().items()}

    def load(self, state):
        self.module.load_state_dict({k: self.m.from_numpy(np.array(v)) for k, v in state.items()})


def flat(value):
    if isinstance(value, (tuple, list)):
        return [x for part in value for x in flat(part)]
    return [] if value is None else [value]


def close(found, wanted, label):
    assert len(found) == len(wanted), label
    for i, (ours, theirs) in enumerate(zip(found, wanted)):
        assert (ours is None) == (theirs is None), (label, i)
        if ours is not None:
            assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1], (label, i)
            ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
            assert ours.shape == theirs.shape, (label, i)
            np.testing.assert_allclose(ours, theirs, **TOLERANCE, err_msg=f"{label} {i}")


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_as_in_pytorch(case):
    torch = pytest.importorskip("torch")
    theirs, ours = Side(torch, case), Side(rushlight, case)
    assert repr(ours.module).replace("rushlight", "torch") == repr(theirs.module)
    _begins(ours, theirs, case)
    _computes(ours, theirs, case)
    _exchanges(torch, case, theirs)


def _begins(ours, theirs, case):
    """From one seed, with the same entries and values."""
    assert [k for k, _ in ours.module.named_parameters()] == [k for k, _ in theirs.module.named_parameters()]
    wanted, found = theirs.state(), ours.state()
    assert list(found) == list(wanted)
    for key, value in wanted.items():
        assert (found[key].shape, found[key].dtype) == (value.shape, value.dtype), key
        if case.near:
            np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6, err_msg=key)
        else:
            np.testing.assert_array_equal(found[key], value, err_msg=key)


def _computes(ours, theirs, case):
    """In training twice, with gradients and buffers, and in evaluation."""
    if not case.random:
        ours.call(), theirs.call()
        found, wanted = ours.call(), theirs.call()
        close(found, wanted, "training")
        found, wanted = ours.gradients(found), theirs.gradients(wanted)
        assert list(found) == list(wanted)
        close(list(found.values()), list(wanted.values()), f"gradients of {list(wanted)}:")
        close(list(ours.module.buffers()), list(theirs.module.buffers()), "buffers")
    else:
        assert [tuple(x.shape) for x in ours.call()] == [tuple(x.shape) for x in theirs.call()]
    ours.module.eval(), theirs.module.eval()
    close(ours.call(), theirs.call(), "evaluation")


def _exchanges(torch, case, trained):
    """What one saves the other loads, and computes the same."""
    other, back = Side(rushlight, case, seed=5), Side(torch, case, seed=6)
    other.module.eval(), back.module.eval()
    other.load(trained.state())
    back.load(other.state())
    wanted = trained.call()
    close(other.call(), wanted, "loaded from PyTorch")
    close(back.call(), wanted, "loaded by PyTorch")


def test_every_layer_and_loss_has_a_row():
    names = {n for n in dir(nn) if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)}
    assert names - BASES - {case.name for case in CASES} == set()


@pytest.mark.parity
def test_every_layer_of_pytorch_is_here():
    torch = pytest.importorskip("torch")
    theirs = {n for n in dir(torch.nn) if isinstance(getattr(torch.nn, n), type)}
    theirs = {n for n in theirs if issubclass(getattr(torch.nn, n), torch.nn.Module)}
    assert {n for n in theirs if not hasattr(nn, n)} == set()


# Programs that end in an error, in both.
REFUSED = [
    "Linear(3, 4)(m.ones(2, 5))",
    "Linear(3, 4)(m.ones(2, 3, dtype=m.int64))",
    "Bilinear(2, 3, 4)(m.ones(1, 2), m.ones(1, 2))",
    "Conv2d(3, 4, 2)(m.ones(1, 2, 5, 5))",
    "Conv1d(3, 4, 2)(m.ones(3))",
    "Conv2d(3, 4, 7)(m.ones(1, 3, 5, 5))",
    "Conv2d(3, 4, 2, groups=2)",
    "Conv2d(1, 1, 2, padding='some')",
    "ConvTranspose2d(3, 4, 2)(m.ones(1, 2, 5, 5))",
    "MaxPool2d(3)(m.ones(1, 2, 2, 2))",
    "MaxPool2d(2, padding=2)(m.ones(1, 2, 4, 4))",
    "AvgPool1d(2)(m.ones(3))",
    "AdaptiveAvgPool2d(2)(m.ones(3, 3))",
    "FractionalMaxPool2d(2)",
    "MaxUnpool2d(2)(m.ones(1, 1, 2, 2), m.ones(1, 1, 2, 2))",
    "ReflectionPad1d(4)(m.ones(1, 1, 3))",
    "CircularPad2d(9)(m.ones(1, 1, 3, 3))",
    "BatchNorm2d(3)(m.ones(2, 3))",
    "BatchNorm1d(3)(m.ones(1, 3))",
    "BatchNorm1d(3)(m.ones(2, 4))",
    "InstanceNorm1d(3)(m.ones(3, 1))",
    "LayerNorm(4)(m.ones(2, 3))",
    "GroupNorm(2, 3)",
    "GroupNorm(2, 4)(m.ones(2, 3, 2))",
    "RMSNorm(4)(m.ones(2, 3))",
    "LocalResponseNorm(2)(m.ones(3))",
    "SyncBatchNorm(3)(m.ones(3))",
    "RNN(3, 4)(m.ones(2, 5, 4))",
    "RNN(3, 4, nonlinearity='x')",
    "LSTM(3, 4, proj_size=4)",
    "LSTM(3, 4)(m.ones(2, 1, 3), (m.ones(1, 1, 5),) * 2)",
    "GRU(3, 4)(m.ones(3))",
    "GRU(3, 4)(m.ones(2, 1, 3), m.ones(1, 2, 4))",
    "GRU(3, 0)",
    "LSTMCell(3, 4)(m.ones(2, 4))",
    "RNNCell(3, 4)(m.ones(1, 1, 3))",
    "GRUCell(3, 4)(m.ones(2, 3), m.ones(2, 5))",
    "Embedding(3, 4)(m.tensor([3]))",
    "Embedding(3, 4)(m.ones(2))",
    "Embedding(3, 4, padding_idx=5)",
    "EmbeddingBag(3, 4)(m.tensor(1))",
    "EmbeddingBag(3, 4, mode='min')(m.tensor([[1]]))",
    "Dropout(1.5)",
    "PReLU(3)(m.ones(2, 4))",
    "GLU()(m.ones(3))",
    "Softmax2d()(m.ones(3, 3))",
    "Hardtanh(2, 1)",
    "Flatten(2)(m.ones(3))",
    "Unflatten(1, (2, 2))(m.ones(2, 3))",
    "PixelShuffle(2)(m.ones(1, 3, 2, 2))",
    "PixelUnshuffle(2)(m.ones(1, 3, 3, 2))",
    "Upsample(scale_factor=2, mode='x')(m.ones(1, 1, 2))",
    "Upsample()(m.ones(1, 1, 2))",
    "Fold(4, 2)(m.ones(1, 3, 9))",
    "Unfold(5)(m.ones(1, 1, 3, 3))",
    "CrossEntropyLoss()(m.ones(2, 3), m.tensor([0, 3]))",
    "CrossEntropyLoss()(m.ones(2, 3), m.tensor([0]))",
    "NLLLoss()(m.ones(2, 3), m.ones(2))",
    "MSELoss(reduction='x')(m.ones(2), m.ones(2))",
    "BCELoss()(m.ones(2) * 2, m.ones(2))",
    "BCELoss()(m.ones(2), m.ones(3))",
    "BCEWithLogitsLoss()(m.ones(2), m.ones(3))",
    "MultiMarginLoss(p=3)",
    "TripletMarginLoss(margin=0)",
    "CosineEmbeddingLoss()(m.ones(2, 3), m.ones(2, 3), m.ones(3))",
    "MarginRankingLoss()(m.ones(2), m.ones(2), m.ones(2, 1))",
    "GaussianNLLLoss()(m.ones(2), m.ones(2), -m.ones(2))",
    "PoissonNLLLoss(reduction='x')(m.ones(2), m.ones(2))",
    "HuberLoss(delta=-1)(m.ones(2), m.ones(2))",
    "SmoothL1Loss(beta=-1)(m.ones(2), m.ones(2))",
    "CTCLoss()(m.ones(3, 1, 2), m.ones(1, 1), (4,), (1,))",
    "KLDivLoss(reduction='x')(m.ones(2), m.ones(2))",
    "LinearCrossEntropyLoss(3, 4, label_smoothing=2.0)",
    "LinearCrossEntropyLoss(3, 4, weight=m.ones(3))",
    "LinearCrossEntropyLoss(3, 4)(m.ones(2, 5), m.tensor([0, 1]))",
    "AdaptiveLogSoftmaxWithLoss(16, 20, [])",
    "AdaptiveLogSoftmaxWithLoss(16, 20, [5, 3])",
    "AdaptiveLogSoftmaxWithLoss(16, 20, [4])(m.ones(2, 16), m.tensor([1, 20]))",
    "AdaptiveLogSoftmaxWithLoss(16, 20, [4])(m.ones(2, 16), m.tensor([1]))",
    "AdaptiveLogSoftmaxWithLoss(16, 20, [4])(m.ones(2, 16), m.tensor(1))",
]


@pytest.mark.parity
@pytest.mark.parametrize("text", REFUSED)
def test_refused_as_in_pytorch(text):
    torch = pytest.importorskip("torch")
    found = []
    for m in (torch, rushlight):
        with pytest.raises(Exception) as caught:
            eval(f"nn.{text}", {"nn": m.nn, "m": m})
        # A set of words is shown in another order by each process.
        sentence = first_sentence(str(caught.value)).replace("{'valid', 'same'}", "{'same', 'valid'}")
        found.append((caught.type.__name__, sentence))
    assert found[1] == found[0]
