"""Attention of several heads and the Transformer: against their formulas, and against PyTorch under every option."""

import copy
import itertools
import pickle
import warnings

import numpy as np
import pytest

import rushlight as rl
from beside import outcome
from rushlight import nn
from rushlight.nn.attention import SDPBackend, sdpa_kernel


def randn(*shape, seed=0):
    return rl.from_numpy(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_heads_by_hand():
    layer, x = nn.MultiheadAttention(4, 2), randn(3, 4)
    out, weights = layer(x, x, x, average_attn_weights=False)
    w = layer.in_proj_weight.detach().numpy()
    q, k, v = [x.numpy() @ part.T for part in np.split(w, 3)]
    heads = []
    for h in (slice(0, 2), slice(2, 4)):
        shares = softmax(q[:, h] @ k[:, h].T / np.sqrt(2))
        np.testing.assert_allclose(weights.detach().numpy()[h.start // 2], shares, rtol=1e-5)
        heads.append(shares @ v[:, h])
    want = np.concatenate(heads, -1) @ layer.out_proj.weight.detach().numpy().T
    np.testing.assert_allclose(out.detach().numpy(), want, rtol=1e-4, atol=1e-6)


def test_masked_places_have_no_part():
    layer, x = nn.MultiheadAttention(4, 2, batch_first=True), randn(2, 5, 4)
    mask = rl.tensor([[False] * 5, [False, False, False, True, True]])
    out, weights = layer(x, x, x, key_padding_mask=mask)
    assert weights[1, :, 3:].abs().sum().item() == 0
    shorter, _ = layer(x[1:, :], x[1:, :3], x[1:, :3])
    np.testing.assert_allclose(out[1:].detach(), shorter.detach(), rtol=1e-4, atol=1e-6)


def test_the_hint_of_causality_stands_for_the_mask():
    layer, x = nn.MultiheadAttention(4, 2), randn(5, 2, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    want, weights = layer(x, x, x, attn_mask=mask, is_causal=True)
    assert weights[:, 0, 1:].abs().sum().item() == 0
    found, nothing = layer(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)
    assert nothing is None
    np.testing.assert_allclose(found.detach(), want.detach(), rtol=1e-4, atol=1e-6)
    x = x.clone().requires_grad_()
    layer(x, x, x, attn_mask=mask)[0][2].sum().backward()
    assert x.grad[3:].abs().sum().item() == 0


def test_derivatives_of_attention():
    layer = nn.MultiheadAttention(4, 2, add_bias_kv=True, kdim=3, dtype=rl.float64)
    q, k, v = [rl.rand(*shape, dtype=rl.float64, requires_grad=True) for shape in ((2, 1, 4), (3, 1, 3), (3, 1, 4))]
    assert rl.autograd.gradcheck(lambda *x: layer(*x), (q, k, v))
    assert rl.autograd.gradgradcheck(lambda *x: layer(*x)[0], (q, k, v))


def test_one_sample_at_a_time_is_what_vmap_gives():
    layer, x = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), randn(3, 5, 4)
    found = rl.func.vmap(layer)(x)
    for i in range(3):
        np.testing.assert_allclose(found[i].detach(), layer(x[i]).detach(), rtol=1e-4, atol=1e-5)


def test_stacks_copy_their_layer():
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    stack = nn.TransformerEncoder(layer, 3, norm=nn.LayerNorm(4))
    first, second, _ = stack.layers
    assert first is not layer
    assert first.linear1.weight is not second.linear1.weight
    np.testing.assert_array_equal(first.linear1.weight.detach(), second.linear1.weight.detach())


def test_norm_comes_first_or_last():
    x = randn(3, 4)
    for first in (False, True):
        layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, norm_first=first, activation=rl.tanh)
        inside = layer.norm1(x) if first else x
        y = x + layer.self_attn(inside, inside, inside)[0]
        y = y if first else layer.norm1(y)
        inside = layer.norm2(y) if first else y
        y = y + layer.linear2(layer.linear1(inside).tanh())
        y = y if first else layer.norm2(y)
        np.testing.assert_allclose(layer(x).detach(), y.detach(), rtol=1e-5, atol=1e-6)


def test_copies_and_pickles_compute_the_same():
    model, src, tgt = nn.Transformer(4, 2, 1, 1, 8), randn(3, 4), randn(2, 4)
    model.eval()
    want = model(src, tgt).detach()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other(src, tgt).detach(), want)


def test_a_transformer_learns_to_copy():
    rl.manual_seed(0)
    model = nn.Transformer(16, 2, 1, 1, 32, dropout=0.0, batch_first=True)
    table, head = nn.Embedding(6, 16), nn.Linear(16, 6)
    optimizer = rl.optim.Adam([*model.parameters(), *table.parameters(), *head.parameters()], lr=3e-3)
    words = rl.randint(1, 6, (32, 4))
    given = rl.cat([rl.zeros(32, 1, dtype=rl.int64), words[:, :-1]], 1)
    places = randn(4, 16, seed=1)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        scores = head(model(table(words) + places, table(given) + places, tgt_mask=mask))
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), words.flatten())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_choices_of_kernels_change_nothing():
    q = randn(1, 2, 3, 4)
    want = nn.functional.scaled_dot_product_attention(q, q, q)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION], set_priority=True):
        np.testing.assert_array_equal(nn.functional.scaled_dot_product_attention(q, q, q), want)
    assert repr(SDPBackend.MATH) == "<SDPBackend.MATH: 0>"
    with pytest.raises(AssertionError, match="Backend must be an instance of SDPBackend or a list"):
        sdpa_kernel("math").__enter__()


OPTIONS = [
    dict(zip(("bias", "add_bias_kv", "add_zero_attn", "batch_first"), values))
    for values in itertools.product((True, False), repeat=4)
]
MASKS = [
    lambda m: {},
    lambda m: {"key_padding_mask": m.tensor([[False, True, False], [False, False, True]])},
    lambda m: {"attn_mask": m.tensor([[0.0, 0.3, -1.0]] * 3), "average_attn_weights": False},
    lambda m: {"attn_mask": m.ones(4, 3, 3).tril() == 0, "need_weights": False},
    lambda m: {"attn_mask": m.ones(3, 3).tril() == 0, "is_causal": True, "need_weights": False},
    lambda m: {"attn_mask": m.ones(3, 3).tril() == 0, "key_padding_mask": m.tensor([[0.0, -1.0, 0.0]] * 2)},
    lambda m: {"attn_mask": m.ones(2, 2)},
    lambda m: {"key_padding_mask": m.ones(3, 3)},
    lambda m: {"key_padding_mask": m.ones(2, 3, dtype=m.int64)},
]


@pytest.mark.parity
@pytest.mark.parametrize("masks", range(len(MASKS)))
def test_options_and_masks_as_in_pytorch(masks):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(3, 2, 4)).astype("float32")

    def program(m, options):
        m.manual_seed(0)
        layer = m.nn.MultiheadAttention(4, 2, **options)
        q = m.from_numpy(x.copy())
        q = (q.transpose(0, 1).contiguous() if options["batch_first"] else q).requires_grad_()
        out, weights = layer(q, q, q, **MASKS[masks](m))
        out.square().sum().backward()
        return [t if t is None else t.detach() for t in (out, weights, q.grad, layer.out_proj.weight.grad)]

    for options in OPTIONS:
        wanted, found = [outcome(m, lambda m, o=options: program(m, o)) for m in (torch, rl)]
        assert found == wanted, options


@pytest.mark.parity
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformers_with_masks_as_in_pytorch(batch_first, norm_first):
    torch = pytest.importorskip("torch")
    shapes = ((2, 5, 8), (2, 4, 8)) if batch_first else ((5, 2, 8), (4, 2, 8))
    src, tgt = [np.random.default_rng(i).normal(size=s).astype("float32") for i, s in enumerate(shapes)]

    def program(m):
        m.manual_seed(0)
        model = m.nn.Transformer(8, 2, 2, 2, 16, 0.0, "gelu", batch_first=batch_first, norm_first=norm_first)
        ends = m.tensor([[False] * 5, [False, False, False, False, True]])
        causal = model.generate_square_subsequent_mask(4)
        out = model(
            m.from_numpy(src), m.from_numpy(tgt), tgt_mask=causal, src_key_padding_mask=ends,
            memory_key_padding_mask=ends, tgt_is_causal=True,
        )  # fmt: skip
        out.square().sum().backward()
        return [out.detach(), *[p.grad for p in model.parameters()]]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted, found = program(torch), program(rl)
    for ours, theirs in zip(found, wanted):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=1e-4)
