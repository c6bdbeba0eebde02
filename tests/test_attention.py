"""Attention of several heads and the Transformer: against their formulas, and against PyTorch under every option."""

import copy
import itertools
import pickle
import sys
import warnings

import numpy as np
import pytest

import rushlight as rl
from beside import outcome
from rushlight import nn
from rushlight.kernels import load
from rushlight.nn.attention import SDPBackend, sdpa_kernel
from rushlight.ops.attention import attention


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


kernels = load("attention")
compiled = pytest.mark.skipif(kernels is None, reason="kernels are not compiled")
SIZES = [
    ((), 1, 1, 1, 1),
    ((2, 3), 3, 5, 4, 3),
    ((1, 2), 70, 130, 20, 7),
    ((2,), 64, 64, 16, 32),
    ((1,), 200, 3, 8, 8),
    ((2,), 3, 200, 64, 8),
]
CLOSE = {"f": 5e-6, "d": 1e-13}


def draw(kind, batch, length, places, size, width):
    random = np.random.default_rng(length)
    shapes = (length, size), (places, size), (places, width), (length, width)
    return [random.normal(size=(*batch, *shape)).astype(kind) for shape in shapes]


def masks_for(length, places):
    random = np.random.default_rng(0)
    seen = random.random((length, places)) > 0.3
    seen[0] = False
    return [None, seen, random.random((1, places)) > 0.5, random.normal(size=(length, places)), seen.T.copy().T]


def through(given, mask, factor, causal):
    """(out, lse, the gradients of query, key and value) by the kernel and by the meaning."""
    *inputs, g = given
    mask = mask.astype(g.dtype) if mask is not None and mask.dtype.kind == "f" else mask
    options = {"factor": factor, "causal": causal}
    found = kernels.attention(*inputs, mask, **options)
    tensors = [rl.from_numpy(x).requires_grad_() for x in inputs]
    wanted = attention(*tensors, None if mask is None else rl.from_numpy(mask), **options)
    grads = rl.autograd.grad(wanted[0], tensors, rl.from_numpy(g), create_graph=True)  # by the rule in Python
    wanted = [*attention.forward(*inputs, mask, **options), *[x.detach().numpy() for x in grads]]
    return [*found, *kernels.through_attention(g, None, *inputs, mask, *found, factor, causal, (True,) * 3)], wanted


@compiled
@pytest.mark.parametrize("kind", "fd")
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_kernels_do_what_attention_means(family, sizes, kind):
    given = draw(kind, *sizes)
    for mask in masks_for(sizes[1], sizes[2]):
        for causal in (False, True):
            for ours, want in zip(*through(given, mask, 0.3, causal)):
                scale = max(1.0, np.abs(want[np.isfinite(want)]).max(initial=0))
                np.testing.assert_allclose(ours, want, rtol=0, atol=CLOSE[kind] * scale)


@compiled
@pytest.mark.parametrize("kind", "fd")
def test_kernels_take_any_strides(kind):
    def found(q, k, v, g):
        out = kernels.attention(q, k, v, None, factor=-0.5, causal=False)
        return [*out, *kernels.through_attention(g, None, q, k, v, None, *out, -0.5, False, (True,) * 3)]

    plain = draw(kind, (2, 3), 9, 11, 6, 6)
    wanted = found(*plain)
    wide = [np.zeros((2, 3, x.shape[2] * 50, x.shape[3] * 3), kind)[:, ::-1, ::50, ::3] for x in plain]
    bytewise = [np.zeros(x.nbytes + 1, "u1")[1:].view(kind).reshape(x.shape) for x in plain]
    for view, x in zip([*wide, *bytewise], plain * 2):
        view[...] = x
    turned = [np.ascontiguousarray(x.transpose(3, 1, 0, 2)).transpose(2, 1, 3, 0) for x in plain]
    heads = [np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2) for x in plain]
    for given in (wide, bytewise, turned, heads):
        for ours, want in zip(found(*given), wanted):
            np.testing.assert_array_equal(ours, want)


@compiled
@pytest.mark.parametrize("kind", "fd")
def test_kernels_of_numbers_at_the_ends(family, kind):
    tiny = np.finfo(kind).smallest_subnormal * 3
    for place, value in itertools.product(range(3), (np.nan, np.inf, -np.inf, tiny, np.finfo(kind).max)):
        given = draw(kind, (2,), 20, 70, 8, 8)
        given[place][1, 2, 3] = value
        with np.errstate(all="ignore"):
            found, wanted = through(given, None, 0.3, False)
        for ours, want in zip(found, wanted):
            np.testing.assert_array_equal(np.isnan(ours), np.isnan(want))
        for ours, want in zip(found[:2], wanted):  # gradients there are all rounding
            np.testing.assert_allclose(ours, want, rtol=1e-4 if kind == "f" else 1e-11, atol=CLOSE[kind])


@compiled
def test_threads_change_no_bit_of_attention(family):
    for batch in ((1,), (3,)):
        given = draw("f", batch, 700, 500, 16, 16)
        before, results = rl.get_num_threads(), []
        for n in (1, 2, 3):
            rl.set_num_threads(n)
            results.append(through(given, None, 0.3, True)[0])
        rl.set_num_threads(before)
        for other in results[1:]:
            for ours, want in zip(other, results[0]):
                np.testing.assert_array_equal(ours, want)


@compiled
def test_memory_is_linear_in_the_length():
    resource = pytest.importorskip("resource")
    q = randn(1, 12000, 4).requires_grad_()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True).sum().backward()
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # in KB; the weights alone would be 562500
    assert more < 100_000 * (1024 if sys.platform == "darwin" else 1)


def test_who_sees_nothing_gets_nothing_and_sends_nothing():
    q, k, v = [randn(1, 2, 3, 4, seed=i).requires_grad_() for i in range(3)]
    mask = rl.tensor([[True, False, True], [False] * 3, [True] * 3])
    floating = rl.zeros(3, 3).masked_fill(mask.logical_not(), -np.inf)
    for each in (mask, floating):
        out = nn.functional.scaled_dot_product_attention(q, k, v, each)
        grads = rl.autograd.grad(out.sum(), (q, k, v))
        assert out[:, :, 1].abs().sum().item() == grads[0][:, :, 1].abs().sum().item() == 0
        assert all(rl.isfinite(g).all() for g in grads)


def test_no_keys_and_no_queries():
    for shapes in (((2, 0, 4), (2, 3, 4)), ((2, 3, 4), (2, 0, 4)), ((0, 3, 4), (0, 2, 4)), ((2, 3, 0), (2, 5, 0))):
        q, k = [rl.zeros(*shape, requires_grad=True) for shape in shapes]
        v = rl.ones(*k.shape[:-1], 2, requires_grad=True)
        out = nn.functional.scaled_dot_product_attention(q, k, v)
        assert out.shape == (*q.shape[:-1], 2)
        assert (out == (0 if k.shape[1] == 0 else 1)).all()
        out.sum().backward()
        assert q.grad.abs().sum().item() == 0


CASES = {
    "plain": dict(),
    "causal": dict(is_causal=True),
    "bool": dict(attn_mask="bool"),
    "floating": dict(attn_mask="floating"),
    "keys alone": dict(attn_mask="keys"),
    "shared heads": dict(enable_gqa=True, attn_mask="bool"),
}


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("case", CASES)
def test_attention_as_in_pytorch(case, dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    options = dict(CASES[case])
    given = [random.normal(size=(2, n, 4, 8)) for n in (70, 90, 90)]
    if "enable_gqa" in options:
        given[1:] = [x[:, :, :2] for x in given[1:]]
    seen = random.random((2, 4, 70, 90)) > 0.3
    kinds = {"bool": seen, "floating": random.normal(size=(70, 90)), "keys": seen[:, :1, :1]}

    def program(m):
        kind = getattr(m, dtype)
        tensors = [m.from_numpy(x.copy()).to(kind).requires_grad_() for x in given]
        named = dict(options)
        if "attn_mask" in named:
            mask = m.from_numpy(kinds[named["attn_mask"]])
            named["attn_mask"] = mask if mask.dtype == m.bool else mask.to(kind)
        out = m.nn.functional.scaled_dot_product_attention(*[x.transpose(1, 2) for x in tensors], **named)
        out.square().sum().backward()
        assert out.dtype == kind
        return [x.detach().double().numpy() for x in (out, *[t.grad for t in tensors])], out.stride()

    (found, strides), (wanted, others) = program(rl), program(torch)
    close = {"float32": 1e-5, "float64": 1e-12, "float16": 5e-3, "bfloat16": 5e-2}[dtype]
    for ours, theirs in zip(found, wanted):
        np.testing.assert_allclose(ours, theirs, rtol=close, atol=close * np.abs(theirs).max())
    if dtype == "float32" and "enable_gqa" not in options:
        assert strides == others
