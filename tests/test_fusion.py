"""Batch norm fused into the layer before it: the same function, PyTorch's refusals."""

import numpy as np
import pytest

import rushlight
from rushlight import nn
from rushlight.nn import utils


def used(bn):
    """A batch norm in evaluation whose statistics and affine map are not those it started with."""
    random = np.random.default_rng(0)
    for x in (bn.running_mean, bn.running_var, bn.weight, bn.bias):
        if x is not None:
            x.data.copy_(rushlight.tensor(random.uniform(0.5, 1.5, tuple(x.shape))))
    return bn.eval()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_a_fused_layer_is_both_layers(affine, bias):
    rushlight.manual_seed(0)
    x = rushlight.randn(2, 2, 5, 5)
    bn = used(nn.BatchNorm2d(3, affine=affine))
    conv = nn.Conv2d(2, 3, 2, bias=bias).eval()
    fused = utils.fuse_conv_bn_eval(conv, bn)
    np.testing.assert_allclose(fused(x).detach(), bn(conv(x)).detach(), rtol=1e-4, atol=1e-5)
    back = nn.ConvTranspose2d(2, 3, 2, bias=bias).eval()
    fused = utils.fuse_conv_bn_eval(back, bn, transpose=True)
    np.testing.assert_allclose(fused(x).detach(), bn(back(x)).detach(), rtol=1e-4, atol=1e-5)
    linear, bn = nn.Linear(5, 3, bias=bias).eval(), used(nn.BatchNorm1d(3, affine=affine))
    fused = utils.fuse_linear_bn_eval(linear, bn)
    rows = x.reshape(-1, 5)
    np.testing.assert_allclose(fused(rows).detach(), bn(linear(rows)).detach(), rtol=1e-4, atol=1e-5)
    assert fused.weight.requires_grad
    assert fused.bias.requires_grad is bias


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [
        lambda nn: nn.utils.fuse_conv_bn_eval(nn.Conv1d(1, 1, 1), nn.BatchNorm1d(1)),
        lambda nn: nn.utils.fuse_linear_bn_eval(nn.Linear(2, 3), nn.BatchNorm1d(3).eval()),
        lambda nn: nn.utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(4).eval()),
    ],
)
def test_refusals_are_pytorchs(call):
    torch = pytest.importorskip("torch")
    with pytest.raises(AssertionError) as theirs:
        call(torch.nn)
    with pytest.raises(AssertionError) as ours:
        call(nn)
    assert str(ours.value) == str(theirs.value)
