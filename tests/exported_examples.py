"""The models of examples/, exported and run by onnxruntime: a program of its own, in which `import torch` is Rushlight."""

import runpy
from pathlib import Path

import numpy as np

import rushlight

rushlight.as_torch()

import torch  # noqa: E402

import test_onnx as t  # noqa: E402

EXAMPLES = Path(__file__).parent.parent / "examples"
# Of float32 numbers through up to 30 layers.
TOLERANCE = 1e-4


def names(script):
    return runpy.run_path(str(EXAMPLES / f"{script}.py"), run_name="example")


def tried(model, *args, open=(0,)):
    """Compare the model for its inputs, and with those sizes left open for others."""
    model = model.eval() if isinstance(model, torch.nn.Module) else model
    t.check(torch.onnx.export(model, args), model, args, TOLERANCE)
    inputs = [f"in{i}" for i in range(len(args))]
    axes = {name: {dim: f"size{dim}" for dim in open} for name in inputs}
    data = torch.onnx.export(model, args, input_names=inputs, dynamic_axes=axes)
    more = list(args)
    for dim in open:
        more = [torch.cat([x, x.flip(dim)], dim) for x in more]
    t.check(data, model, more, TOLERANCE)


def char_lstm():
    tried(names("char_lstm")["CharLSTM"](9, 4, 8, 2, 0.0), torch.randint(0, 9, (2, 8)), open=(0, 1))


def digits():
    tried(names("digits")["build"](), torch.rand(3, 64))


def dqn():
    tried(names("dqn")["DQN"](3, 16), torch.rand(2, 1, 4, 4))


def gan():
    found = names("gan")
    tried(found["Generator"](6, 4), torch.randn(2, 6, 1, 1))
    tried(found["Discriminator"](4), torch.rand(2, 1, 8, 8))


def mnist_cnn():
    tried(names("mnist_cnn")["Net"](0.1), torch.rand(3, 1, 8, 8))


def mnist_mlp():
    tried(names("mnist_mlp")["MLP"](32, 0.1), torch.rand(3, 64))


def neural_style():
    found = names("neural_style")
    tried(found["Features"](4), torch.rand(2, 3, 16, 16))
    tried(found["gram_matrix"], torch.rand(2, 3, 4, 4), open=(0, 2, 3))


def small_gpt():
    tried(names("small_gpt")["GPT"](9, 16, 16, 2, 2, 0.0), torch.randint(0, 9, (2, 8)), open=(0, 1))


def super_resolution():
    tried(names("super_resolution")["Net"](2, 8), torch.rand(1, 1, 8, 8), open=(0, 2, 3))


def vae():
    """Both halves; of the whole the graph draws the code, so only what the encoder says can be compared."""
    model = names("vae")["VAE"](4).eval()
    x = torch.rand(3, 64)
    tried(model.encode, x)
    tried(model.decoder, torch.randn(3, 4))
    session = t.session(torch.onnx.export(model, (x,), dynamic_axes={"x": {0: "batch"}}))
    pictures = torch.rand(5, 64).numpy()
    first, second = [session.run(None, {"x": pictures}) for _ in range(2)]
    assert first[0].shape == (5, 64) and (first[0] != second[0]).any()
    with torch.no_grad():
        expected = model.encode(torch.from_numpy(pictures))
    for answer, value in zip(first[1:], expected):
        np.testing.assert_allclose(answer, value.numpy(), rtol=TOLERANCE, atol=TOLERANCE)


if __name__ == "__main__":
    torch.manual_seed(0)
    for example in (
        char_lstm, digits, dqn, gan, mnist_cnn, mnist_mlp, neural_style, small_gpt, super_resolution, vae,
    ):  # fmt: skip
        example()
        print(example.__name__)
