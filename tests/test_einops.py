"""einops: its functions on tensors, its layers as modules, and scripts that import einops.layers.torch."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import rushlight as rl

einops = pytest.importorskip("einops")

from rushlight.einops import EinMix, Rearrange, Reduce  # noqa: E402


def tensor(*shape):
    return rl.arange(float(np.prod(shape))).reshape(shape).requires_grad_()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: einops.rearrange(x, "a (b c) d -> c (d a) b", b=2),
        lambda x: einops.rearrange([x, x], "n a b c -> a (n b) c"),
        lambda x: einops.rearrange(x, "... d -> d ..."),
        lambda x: einops.repeat(x, "a b c -> a 2 (b n) c", n=3),
        lambda x: einops.einsum(x, x, "a b c, d b c -> a d"),
        lambda x: einops.pack([x, x], "a * c")[0],
        lambda x: einops.unpack(x, [[1], [3]], "a * c")[1],
        *[lambda x, how=how: einops.reduce(x, "a b c -> a c", how) for how in ("min", "max", "sum", "mean", "prod")],
    ],
)
def test_functions_are_those_of_numpy_and_are_recorded(call):
    x = tensor(2, 4, 3)
    out = call(x)
    assert type(out) is rl.Tensor and out.grad_fn is not None
    np.testing.assert_allclose(out.detach().numpy(), call(x.detach().numpy()), rtol=1e-6)


def test_truth_values_and_shapes():
    x = tensor(2, 3)
    assert einops.parse_shape(x, "a _") == {"a": 2}
    assert einops.reduce(x > 2, "a b -> a", "any").tolist() == [False, True]
    with pytest.raises(einops.EinopsError, match="Shape mismatch"):
        einops.rearrange(x, "a (b c) -> a b c", b=2)


def test_layers_are_modules():
    x = tensor(2, 6, 8)
    mix = EinMix("b (g t) c -> b t (h d)", weight_shape="g c h d", bias_shape="h d", g=2, c=8, h=2, d=5)
    model = rl.nn.Sequential(mix, Rearrange("b t c -> b c t"), rl.nn.ReLU(), Reduce("b c t -> b c", "max"))
    assert len(list(model.parameters())) == 2
    out = model(x)
    out.sum().backward()
    assert out.shape == (2, 10) and mix.weight.grad.abs().sum() > 0
    assert (pickle.loads(pickle.dumps(model[1]))(x) == x.transpose(1, 2)).all()


def test_scripts_written_for_pytorch_need_nothing_more(tmp_path):
    (tmp_path / "script.py").write_text(
        "import torch\nfrom einops import rearrange\nfrom einops.layers.torch import EinMix, Rearrange\n"
        "x = torch.ones(2, 3, 4)\nprint(rearrange(x, 'a b c -> c (a b)').shape, Rearrange('a b c -> a (b c)')(x).shape)\n"
        "print(EinMix('a b c -> a b d', weight_shape='c d', c=4, d=5)(x).shape)\n"
    )
    command = [sys.executable, "-W", "error", "-m", "rushlight", "run", str(tmp_path / "script.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["torch.Size([4, 6]) torch.Size([2, 12])", "torch.Size([2, 3, 5])"], (
        done.stderr
    )


@pytest.mark.parity
def test_functions_are_those_of_pytorch_beside_it():
    torch = pytest.importorskip("torch")
    x = tensor(2, 4, 3)
    theirs = torch.tensor(x.tolist())
    for pattern, how in [("a b c -> c a", "mean"), ("a (b d) c -> a c d", "max")]:
        sizes = {"d": 2} if "d" in pattern else {}
        ours = einops.reduce(x, pattern, how, **sizes)
        np.testing.assert_array_equal(ours.detach().numpy(), einops.reduce(theirs, pattern, how, **sizes).numpy())
