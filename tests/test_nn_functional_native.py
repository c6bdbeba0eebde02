"""Functionals called by PyTorch's native signatures from the top of the package, and those that others are made of."""

import warnings

import numpy as np
import pytest

import rushlight

F = rushlight.nn.functional


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def both(call, *arrays):
    """The results and the gradients of call(module, *tensors) are PyTorch's."""
    torch = pytest.importorskip("torch")
    found = []
    for m in (torch, rushlight):
        xs = [m.tensor(a, requires_grad=True) for a in arrays]
        out = call(m, *xs)
        outs = [o for o in (out if isinstance(out, tuple) else (out,)) if o is not None]
        total = sum([(o * m.tensor(np.cos(np.arange(o.numel())).reshape(tuple(o.shape)))).sum() for o in outs])
        total.backward()
        gradients = [None if x.grad is None else x.grad.numpy() for x in xs]
        found.append([o.detach().numpy() for o in outs] + gradients)
    for theirs, ours in zip(*found, strict=True):
        if theirs is None or ours is None:
            assert (theirs is None or not theirs.any()) and (ours is None or not ours.any())
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


NATIVE = [
    (lambda m, x, w, b: m.conv_tbc(x, w, b, 1), [(6, 2, 3), (3, 3, 4), (4,)]),
    (lambda m, x, w, b: m.convolution(x, w, b, (2,), (1,), (1,), True, (1,), 1), [(2, 3, 5), (3, 4, 3), (4,)]),
    (lambda m, x, w, b: m.native_layer_norm(x, (4, 5), w, b, 1e-5)[0], [(3, 4, 5), (4, 5), (4, 5)]),
    (lambda m, x, w, b: m.native_group_norm(x, w, b, 3, 4, 5, 2, 1e-5)[0], [(3, 4, 5), (4,), (4,)]),
    (lambda m, x, w, b: m.native_batch_norm(x, w, b, None, None, True, 0.1, 1e-5)[0], [(3, 4, 5), (4,), (4,)]),
    (lambda m, x, w, b: m._native_batch_norm_legit(x, w, b, True, 0.1, 1e-5)[0], [(3, 4, 5), (4,), (4,)]),
    (lambda m, x, w, b: m.group_norm(x, 2, w, b, 1e-5, False), [(3, 4, 5), (4,), (4,)]),
    (lambda m, x, w: m.instance_norm(x, w, None, None, None, True, 0.1, 1e-5, False), [(3, 4, 5), (4,)]),
    (lambda m, x, g: m.grid_sampler_2d(x, g, 0, 1, False), [(2, 3, 4, 5), (2, 3, 3, 2)]),
    (lambda m, x, g: m.grid_sampler(x, g, 2, 2, True), [(2, 3, 4, 5), (2, 3, 3, 2)]),
    (lambda m, t: m.affine_grid_generator(t, (2, 3, 4, 5), True), [(2, 2, 3)]),
    (lambda m, x, y: m.kl_div(x, y.exp(), 2), [(3, 4), (3, 4)]),
    (lambda m, x, y: m.poisson_nll_loss(x, y.exp(), True, False, 1e-8, 1), [(3, 4), (3, 4)]),
    (lambda m, x, y: m.binary_cross_entropy_with_logits(x, y, None, None, 0), [(3, 4), (3, 4)]),
    (lambda m, x, y, z: m.triplet_margin_loss(x, y, z, reduction=0), [(3, 4), (3, 4), (3, 4)]),
    (lambda m, x, y: m.cosine_embedding_loss(x, y, m.tensor([1, -1, 1]), 0.1, 2), [(3, 4), (3, 4)]),
    (lambda m, x, y: m.margin_ranking_loss(x, y, m.tensor([1, -1, 1]), 0.1, 2), [(3,), (3,)]),
    (lambda m, x: m.hinge_embedding_loss(x, m.tensor([1, -1, 1]), 1.0, 2), [(3,)]),
    *[
        (lambda m, w, k=k: m.embedding_bag(w, m.tensor([1, 2, 4, 4]), m.tensor([0, 2, 2]), False, k)[0], [(6, 3)])
        for k in (0, 1, 2)
    ],
]


@pytest.mark.parity
@pytest.mark.parametrize("number", range(len(NATIVE)))
def test_native_signatures(number):
    call, shapes = NATIVE[number]
    both(call, *[drawn(*shape, seed=i) for i, shape in enumerate(shapes)])


def test_statistics_of_native_norms():
    x = rushlight.tensor([[[1.0, 3.0]], [[2.0, 6.0]]])
    _, mean, rstd = rushlight.native_layer_norm(x, (2,), None, None, 0.0)
    assert mean.tolist() == [[[2.0]], [[4.0]]]
    assert rstd.tolist() == [[[1.0]], [[0.5]]]
    assert [tuple(p.shape) for p in rushlight.native_group_norm(x, None, None, 2, 1, 2, 1, 0.0)[1:]] == [(2, 1), (2, 1)]
    zero, one = rushlight.zeros(1), rushlight.ones(1)
    assert [p.numel() for p in rushlight.native_batch_norm(x, None, None, zero, one, False, 0.1, 0.0)] == [4, 0, 0]


def test_embedding_bag_says_where_its_maxima_are():
    table = rushlight.tensor([[0.0, 9.0], [5.0, 5.0], [5.0, 7.0]])
    named, starts = rushlight.tensor([1, 2, 0]), rushlight.tensor([0, 3])
    out, bag, sizes, places = rushlight.embedding_bag(table, named, starts, mode=2)
    assert out.tolist() == [[5.0, 9.0], [0.0, 0.0]]
    assert (bag.tolist(), sizes.tolist(), places.tolist()) == ([0, 0, 0], [3, 0], [[1, 0], [0, 0]])


def test_native_dropout_tells_what_stayed():
    x = rushlight.ones(100, requires_grad=True)
    out, mask = rushlight.native_dropout(x, 0.25, True)
    assert 0 < int(mask.sum()) < 100
    np.testing.assert_allclose(out.detach().numpy(), mask.numpy() / 0.75, rtol=1e-6)
    assert rushlight.native_dropout(x, 0.25, False)[1].all()


def test_rows_are_shortened_in_place():
    table = rushlight.tensor([[3.0, 4.0], [3.0, 4.0]])
    assert rushlight.embedding_renorm_(table, rushlight.tensor([1]), 1.0, 2.0) is table
    np.testing.assert_allclose(table.numpy(), [[3, 4], [0.6, 0.8]], rtol=1e-5)


MASKS = {
    "none": lambda: (None, None),
    "bool": lambda: (drawn(2, 4) > 1, drawn(3, 4) > 1),
    "float": lambda: (drawn(2, 4), drawn(4, 3, 4)),
    "mixed": lambda: (drawn(2, 4) > 1, drawn(3, 4)),
}


@pytest.mark.parity
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("need", [None, "mean", "all"])
def test_attention_of_heads(masks, more, separate, need):
    padding, mask = MASKS[masks]()

    def attend(m, q, k, v, w, out, bias, extra):
        parts = w.chunk(3)
        return m.nn.functional.multi_head_attention_forward(
            q, k, v, 8, 2, None if separate else w, bias, extra if more else None, extra * 2 if more else None, more,
            0.0, out, None, True, None if padding is None else m.tensor(padding), need is not None,
            None if mask is None else m.tensor(mask), separate, *(parts if separate else (None, None, None)),
            average_attn_weights=need == "mean",
        )  # fmt: skip

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both(attend, *[drawn(*s) for s in [(3, 2, 8), (4, 2, 8), (4, 2, 8), (24, 8), (8, 8), (24,), (1, 1, 8)]])


def test_attention_without_a_batch_and_with_given_keys():
    q, w = rushlight.tensor(drawn(3, 8)), rushlight.tensor(drawn(24, 8))
    given = rushlight.tensor(drawn(2, 5, 4))
    out, shares = F.multi_head_attention_forward(
        q, q, q, 8, 2, w, None, None, None, False, 0.0, rushlight.eye(8, dtype=rushlight.float64), None,
        static_k=given, static_v=given,
    )  # fmt: skip
    assert out.shape == (3, 8)
    assert shares.shape == (3, 5)
    with pytest.raises(AssertionError, match="embed_dim 8 not divisible by num_heads 3"):
        F.multi_head_attention_forward(q, q, q, 8, 3, w, None, None, None, False, 0.0, w, None)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_change_nothing(reduction, weighted):
    target = rushlight.tensor([0, 2, 1, -100, 4, 3, 3])
    x, w, b, c = [rushlight.tensor(drawn(*s, seed=7), requires_grad=True) for s in [(7, 4), (5, 4), (5,), (5,)]]
    results = []
    for options in (None, F.LinearCrossEntropyOptions(batch_chunk_size=3)):
        loss = F.linear_cross_entropy(
            x, w, target, linear_bias=b, weight=c.exp() if weighted else None, reduction=reduction, options=options
        )
        inputs = (x, w, b, c) if weighted else (x, w, b)
        results.append([loss, *rushlight.autograd.grad(loss.sin().sum(), inputs, create_graph=True)])
    for whole, chunked in zip(*results, strict=True):
        np.testing.assert_allclose(chunked.detach().numpy(), whole.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_chunks_by_aspect():
    options = F.LinearCrossEntropyOptions(chunking_method="aspect_ratio:2")
    assert options.rows(1000, 10, 100) == 200
    with pytest.raises(ValueError, match="invalid chunking_method: 'x'"):
        F.LinearCrossEntropyOptions(chunking_method="x")


def test_linear_cross_entropy_refuses():
    x, w, y = rushlight.zeros(6, 3), rushlight.zeros(5, 4), rushlight.zeros(6, dtype=rushlight.int64)
    with pytest.raises(RuntimeError, match=r"expected equal input and linear_weight last dimensions \(in_features\)"):
        F.linear_cross_entropy(x, w, y)
    with pytest.warns(UserWarning, match="``options`` ignored"):
        F.linear_cross_entropy(x, w[:, :3], y, label_smoothing=0.1, options=F.LinearCrossEntropyOptions())


def test_grouped_products():
    a, b = rushlight.tensor(drawn(6, 4)).float(), rushlight.tensor(drawn(2, 4, 3)).float()
    ends = rushlight.tensor([2, 5], dtype=rushlight.int32)
    out = F.grouped_mm(a, b, offs=ends)
    np.testing.assert_allclose(out[:2].numpy(), (a[:2] @ b[0]).numpy(), rtol=1e-5)
    np.testing.assert_allclose(out[2:5].numpy(), (a[2:5] @ b[1]).numpy(), rtol=1e-5)
    assert out[5].tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="Offsets have to be int32"):
        F.grouped_mm(a, b, offs=ends.long())
