"""nn.functional: values worked out by hand, what is written in place, names in the graph, and refusals."""

import functools
import math
import re
import warnings

import numpy as np
import pytest

import rushlight
import rushlight.nn.functional as F


def tensor(data, grad=False):
    return rushlight.tensor(data, requires_grad=grad)


def same(x, data, tolerance=1e-6):
    np.testing.assert_allclose(x.detach().numpy(), np.asarray(data), rtol=tolerance, atol=tolerance)


def test_conv2d_slides_without_turning_the_kernel():
    x = rushlight.arange(9.0).reshape(1, 1, 3, 3)
    kernel = tensor([[[[1.0, 2.0], [0.0, -1.0]]]])
    same(F.conv2d(x, kernel), [[[[0 + 2 - 4, 1 + 4 - 5], [3 + 8 - 7, 4 + 10 - 8]]]])


def test_conv1d_same_pads_the_odd_place_on_the_right():
    with pytest.warns(UserWarning, match="padding='same' with even kernel lengths"):
        out = F.conv1d(tensor([[1.0, 2.0, 3.0]]), rushlight.ones(1, 1, 2), padding="same")
    same(out, [[3, 5, 3]])


def test_grouped_and_dilated_convolution_against_loops():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 4, 7)), rng.normal(size=(6, 2, 3)), rng.normal(size=6)
    out = F.conv1d(tensor(x), tensor(w), tensor(b), stride=2, padding=1, dilation=2, groups=2)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    want = np.zeros((2, 6, 3))
    for n, o, t in np.ndindex(want.shape):
        group = slice(0, 2) if o < 3 else slice(2, 4)
        want[n, o, t] = (padded[n, group, 2 * t : 2 * t + 5 : 2] * w[o]).sum() + b[o]
    same(out, want, 1e-12)


def test_conv_transpose_is_the_adjoint_of_conv():
    rng = np.random.default_rng(1)
    x, y, w = (
        tensor(rng.normal(size=(1, 2, 6, 5))),
        tensor(rng.normal(size=(1, 3, 3, 3))),
        tensor(rng.normal(size=(3, 2, 2, 3))),
    )
    forward = (F.conv2d(x, w, stride=2, padding=(0, 1)) * y).sum()
    back = (F.conv_transpose2d(y, w, stride=2, padding=(0, 1)) * x).sum()
    same(forward, back.numpy(), 1e-12)


def test_conv_refuses_before_it_computes():
    x, w = rushlight.zeros(2, 3, 8, 8), rushlight.zeros(4, 2, 3, 3)
    with pytest.raises(RuntimeError, match=r"expected input\[2, 3, 8, 8\] to have 2 channels, but got 3 channels"):
        F.conv2d(x, w)
    with pytest.raises(RuntimeError, match=r"Kernel size can't be greater than actual input size"):
        F.conv2d(x, rushlight.zeros(4, 3, 9, 9))
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        F.conv2d(x, 3)


def test_convolution_in_blocks_of_the_batch_is_the_same():
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(40, 8, 20, 20)), rng.normal(size=(4, 8, 3, 3))
    whole = F.conv2d(tensor(x), tensor(w)).numpy()
    same(F.conv2d(tensor(x[37:38]), tensor(w)), whole[37:38], 1e-12)
    leaf = tensor(w, True)
    F.conv2d(tensor(x), leaf).sum().backward()
    want = [[[[x[:, c, i : i + 18, j : j + 18].sum() for j in range(3)] for i in range(3)] for c in range(8)]] * 4
    same(leaf.grad, want, 1e-9)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("size", [(3, 5), (37, 61)])
def test_weights_of_pointwise_convolutions_are_products_of_matrices(size, groups):
    rng = np.random.default_rng(3)
    x, g = rng.normal(size=(3, groups, 5, *size)), rng.normal(size=(3, groups, 7, *size))
    leaf = tensor(rng.normal(size=(groups * 7, 5, 1, 1)), True)
    out = F.conv2d(tensor(x.reshape(3, -1, *size)), leaf, groups=groups)
    out.backward(tensor(g.reshape(3, -1, *size)))
    same(leaf.grad, np.einsum("ngohw,ngchw->goc", g, x).reshape(-1, 5, 1, 1), 1e-9)


def test_max_pool_says_where_and_sends_gradients_there():
    x = tensor([[[[1.0, 5.0, 2.0], [7.0, 0.0, 3.0], [4.0, 6.0, 8.0]]]], True)
    values, indices = F.max_pool2d(x, 2, stride=1, return_indices=True)
    same(values, [[[[7, 5], [7, 8]]]])
    assert indices.tolist() == [[[[3, 1], [3, 8]]]]
    values.sum().backward()
    same(x.grad, [[[[0, 1, 0], [2, 0, 0], [0, 0, 1]]]])


def test_max_pool_of_nan_and_of_lowest_values():
    x = tensor([[[math.nan, 1.0, -math.inf, -math.inf]]])
    values, indices = F.max_pool1d(x, 2, return_indices=True)
    assert math.isnan(values[0, 0, 0].item())
    assert indices.tolist() == [[[0, 2]]]


def test_ceil_mode_keeps_a_last_window_only_if_it_begins_inside():
    x = rushlight.arange(5.0).reshape(1, 1, 5)
    same(F.max_pool1d(x, 2, stride=2, ceil_mode=True), [[[1, 3, 4]]])
    same(F.avg_pool1d(x, 2, stride=2, ceil_mode=True), [[[0.5, 2.5, 4]]])
    assert F.max_pool1d(x, 2, stride=3, padding=1, ceil_mode=True).shape == (1, 1, 2)


def test_avg_pool_counts_padding_or_not():
    x = rushlight.ones(1, 1, 4)
    same(F.avg_pool1d(x, 2, padding=1), [[[0.5, 1, 0.5]]])
    same(F.avg_pool1d(x, 2, padding=1, count_include_pad=False), [[[1, 1, 1]]])
    same(F.avg_pool2d(x[None], (1, 2), divisor_override=4), [[[[0.5, 0.5]]]])


def test_adaptive_windows_overlap_where_sizes_do_not_divide():
    x = rushlight.arange(5.0).reshape(1, 1, 5)
    same(F.adaptive_avg_pool1d(x, 3), [[[0.5, 2, 3.5]]])
    same(F.adaptive_max_pool1d(x, 3), [[[1, 3, 4]]])


def test_max_unpool_undoes_max_pool():
    x = rushlight.arange(16.0).reshape(1, 1, 4, 4)
    back = F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)
    same(back, np.where(np.isin(x.numpy(), [5, 7, 13, 15]), x.numpy(), 0))


@pytest.mark.parametrize(
    ("mode", "want"),
    [
        ("constant", [0, 0, 1, 2, 3, 0]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1]),
    ],
)
def test_pad(mode, want):
    same(F.pad(tensor([[1.0, 2.0, 3.0]]), (2, 1), mode), [want])


def test_pad_refuses_what_would_wrap_twice():
    with pytest.raises(RuntimeError, match="Padding size should be less than the corresponding input dimension"):
        F.pad(rushlight.zeros(1, 3), (3, 0), "reflect")
    with pytest.raises(RuntimeError, match="wrapping around more than once"):
        F.pad(rushlight.zeros(1, 3), (4, 0), "circular")


def test_batch_norm_moves_the_running_statistics_in_place():
    x = tensor([[1.0, 10.0], [3.0, 30.0]])
    mean, var = rushlight.zeros(2), rushlight.ones(2)
    version = mean._version
    out = F.batch_norm(x, mean, var, training=True, momentum=0.5)
    same(out, [[-1, -1], [1, 1]], 1e-4)
    same(mean, [1, 10])
    same(var, [0.5 + 0.5 * 2, 0.5 + 0.5 * 200])
    assert mean._version == version + 1
    same(F.batch_norm(x, mean, var), (x.numpy() - [1, 10]) / np.sqrt([1.5 + 1e-5, 100.5 + 1e-5]))
    same(mean, [1, 10])


def test_batch_norm_of_float32_far_from_zero_is_accurate():
    x = (100 + np.random.default_rng(0).random((4096, 3))).astype(np.float32)
    mean, var = rushlight.zeros(3), rushlight.zeros(3)
    F.batch_norm(rushlight.from_numpy(x), mean, var, training=True, momentum=1.0)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean.numpy(), wide.mean(0), rtol=2e-6)
    np.testing.assert_allclose(var.numpy(), wide.var(0, ddof=1), rtol=2e-6)


def test_batch_norm_refuses_one_value_per_channel_before_it_writes():
    mean = rushlight.zeros(2)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        F.batch_norm(rushlight.ones(1, 2), mean, rushlight.ones(2), training=True)
    with pytest.raises(RuntimeError, match="weight should contain 2 elements not 3"):
        F.batch_norm(rushlight.ones(4, 2), mean, rushlight.ones(2), rushlight.ones(3), training=True)
    same(mean, [0, 0])


def test_layer_norm_refuses_another_shape():
    with pytest.raises(RuntimeError, match=r"Given normalized_shape=\[3\], expected input with shape \[\*, 3\]"):
        F.layer_norm(rushlight.zeros(2, 4), (3,))


def test_instance_and_group_norm_standardize_their_parts():
    x = rushlight.from_numpy(np.random.default_rng(3).normal(size=(2, 4, 5)))
    a = x.numpy()
    want = (a - a.mean(2, keepdims=True)) / np.sqrt(a.var(2, keepdims=True) + 1e-5)
    same(F.instance_norm(x), want)
    b = a.reshape(2, 2, 10)
    want = ((b - b.mean(2, keepdims=True)) / np.sqrt(b.var(2, keepdims=True) + 1e-5)).reshape(2, 4, 5)
    same(F.group_norm(x, 2), want)


def test_dropout_scales_what_it_keeps():
    rushlight.manual_seed(0)
    x = rushlight.ones(1000, requires_grad=True)
    y = F.dropout(x, 0.25)
    kept = y.detach().numpy() != 0
    assert 700 < kept.sum() < 800
    same(y[rushlight.from_numpy(kept)], np.full(kept.sum(), 4 / 3))
    y.sum().backward()
    same(x.grad, y.detach().numpy())
    assert F.dropout(x, training=False) is x
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1, but got 2"):
        F.dropout(x, 2)


def test_dropout_keeps_a_byte_for_each_element():
    out = F.dropout(rushlight.ones(100, requires_grad=True), 0.3)
    assert out.grad_fn._saved_mask.dtype is rushlight.bool


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", ["dropout", "dropout2d"])
def test_dropout_is_pytorch_s_to_the_bit(name, dtype):
    torch, results = pytest.importorskip("torch"), []
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    for m in (rushlight, torch):
        x = (m.arange(630.0).reshape(6, 5, 7, 3) - 300).to(getattr(m, dtype)).requires_grad_()
        m.manual_seed(3)
        y = getattr(m.nn.functional, name)(x, 0.3)
        y.backward(m.ones_like(y))
        results.append([v.detach().double().numpy() for v in (y, x.grad)])
    for ours, theirs in zip(*results):
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(np.signbit(ours), np.signbit(theirs))


def test_dropout2d_drops_whole_channels():
    rushlight.manual_seed(0)
    y = F.dropout2d(rushlight.ones(8, 4, 3, 3)).numpy().reshape(32, 9)
    assert set(np.unique(y.sum(1))) == {0.0, 18.0}


def test_cross_entropy_is_minus_the_log_of_the_probability():
    logits = tensor([[0.0, math.log(3)], [0.0, 0.0]], True)
    loss = F.cross_entropy(logits, tensor([1, 0]))
    same(loss, (math.log(4 / 3) + math.log(2)) / 2)
    loss.backward()
    same(logits.grad, [[0.125, -0.125], [-0.25, 0.25]])
    assert loss.grad_fn.name() == "NllLossBackward0"


def test_cross_entropy_leaves_ignored_targets_out():
    logits = tensor([[0.0, 0.0], [5.0, 1.0]], True)
    loss = F.cross_entropy(logits, tensor([1, -100]))
    same(loss, math.log(2))
    loss.backward()
    same(logits.grad, [[0.5, -0.5], [0, 0]])


def test_cross_entropy_does_not_overflow():
    logits = tensor([[1000.0, -1000.0]], True)
    loss = F.cross_entropy(logits, tensor([1]))
    same(loss, 2000)
    loss.backward()
    same(logits.grad, [[1, -1]])


def test_cross_entropy_of_probabilities_equals_that_of_classes():
    x = rushlight.from_numpy(np.random.default_rng(4).normal(size=(5, 3)))
    classes = tensor([0, 2, 1, 1, 0])
    same(F.cross_entropy(x, F.one_hot(classes).double()), F.cross_entropy(x, classes).numpy())
    smooth = F.one_hot(classes).double() * 0.9 + 0.1 / 3
    same(F.cross_entropy(x, smooth), F.cross_entropy(x, classes, label_smoothing=0.1).numpy())


def test_cross_entropy_differentiates_twice():
    x = rushlight.from_numpy(np.random.default_rng(5).normal(size=(4, 3))).requires_grad_()
    target = tensor([0, 2, 1, 1])
    assert rushlight.autograd.gradgradcheck(lambda z: F.cross_entropy(z, target), (x,))


def test_targets_out_of_range_are_refused():
    with pytest.raises(IndexError, match="Target 3 is out of bounds"):
        F.cross_entropy(rushlight.zeros(2, 3), tensor([0, 3]))
    with pytest.raises(ValueError, match=r"Expected input batch_size \(2\) to match target batch_size \(3\)"):
        F.cross_entropy(rushlight.zeros(2, 3), tensor([0, 1, 2]))
    with pytest.raises(RuntimeError, match="expected target dtype to be Long or Byte, but got Float"):
        F.cross_entropy(rushlight.zeros(2, 3), rushlight.zeros(2))


def test_mse_loss_warns_when_it_broadcasts():
    with pytest.warns(UserWarning, match="Using a target size .* that is different to the input size"):
        same(F.mse_loss(rushlight.ones(2, 3), rushlight.zeros(3)), 1)
    with pytest.raises(ValueError, match="foo is not a valid value for reduction"):
        F.mse_loss(rushlight.ones(2), rushlight.ones(2), reduction="foo")


def test_elementwise_losses_by_hand():
    x, y = tensor([0.5, -2.0]), tensor([0.0, 0.0])
    same(F.mse_loss(x, y, reduction="sum"), 4.25)
    same(F.l1_loss(x, y), 1.25)
    same(F.smooth_l1_loss(x, y, reduction="none"), [0.125, 1.5])
    same(F.huber_loss(x, y, reduction="none", delta=0.5), [0.125, 0.875])
    same(
        F.soft_margin_loss(x, tensor([1.0, -1.0]), reduction="none"),
        [math.log1p(math.exp(-0.5)), math.log1p(math.exp(-2))],
    )
    same(F.binary_cross_entropy(tensor([0.25, 0.0]), tensor([1.0, 1.0]), reduction="none"), [math.log(4), 100])
    same(
        F.binary_cross_entropy_with_logits(tensor([0.0, 200.0]), tensor([1.0, 0.0]), reduction="none"),
        [math.log(2), 200],
    )


def test_kl_div_of_equal_distributions_is_zero():
    p = tensor([[0.25, 0.75]])
    same(F.kl_div(p.log(), p, reduction="batchmean"), 0)
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        F.kl_div(p.log(), p)


def test_attention_with_masks():
    q = rushlight.zeros(1, 2, 4)
    v = tensor([[[1.0], [3.0]]])
    same(F.scaled_dot_product_attention(q, q, v), [[[2], [2]]])
    same(F.scaled_dot_product_attention(q, q, v, is_causal=True), [[[1], [2]]])
    mask = tensor([[True, False], [False, False]])
    same(F.scaled_dot_product_attention(q, q, v, attn_mask=mask), [[[1], [0]]])


def test_embedding_bag_sums_its_bags():
    table = tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], True)
    indices, offsets = tensor([0, 1, 2, 2]), tensor([0, 2, 2])
    same(F.embedding_bag(indices, table, offsets, mode="sum"), [[4, 6], [0, 0], [10, 12]])
    same(F.embedding_bag(indices, table, offsets, mode="max"), [[3, 4], [0, 0], [5, 6]])
    F.embedding_bag(indices, table, offsets).sum().backward()
    same(table.grad, [[0.5, 0.5], [0.5, 0.5], [1, 1]])


def test_bags_end_where_the_last_offset_says():
    table = tensor([[1, 2], [3, 4], [5, 6]])
    indices, ends, factors = tensor([0, 1, 2, 2]), tensor([0, 2, 3]), tensor([1.0, 2.0, 3.0, 4.0])
    ask = functools.partial(F.embedding_bag, indices, table.float(), ends, include_last_offset=True)
    same(ask(mode="sum"), [[4, 6], [5, 6]])
    same(ask(mode="mean"), [[2, 3], [5, 6]])
    same(ask(mode="max"), [[3, 4], [5, 6]])
    same(ask(mode="sum", per_sample_weights=factors), [[7, 10], [15, 18]])


@pytest.mark.parametrize(
    ("offsets", "last", "sentence"),
    [
        ([0, 5], False, "offsets[-1] can not be greater than input's length 2 but got offsets[-1] of 5"),
        ([0, 2, 1], False, "offsets must not decrease"),
        ([0, -1], False, "offsets must not decrease"),
        ([0, -1], True, "offsets must not decrease"),
        ([], True, "include_last_offset: number of offset should be at least 1"),
    ],
)
def test_bags_that_are_none(offsets, last, sentence):
    offsets = rushlight.tensor(offsets, dtype=rushlight.int64)
    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        F.embedding_bag(tensor([1, 2]), rushlight.ones(3, 2), offsets, include_last_offset=last)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_adaptive_pools_of_no_windows(d):
    x = rushlight.ones(2, 3, *(4,) * d, requires_grad=True)
    size = (0,) + (2,) * (d - 1)
    average = getattr(F, f"adaptive_avg_pool{d}d")(x, size)
    values, indices = getattr(F, f"adaptive_max_pool{d}d")(x, size, True)
    assert average.shape == values.shape == indices.shape == (2, 3, *size)
    assert indices.dtype is rushlight.int64
    (average.sum() + values.sum()).backward()
    assert (x.grad == 0).all()


def test_convolutions_of_two_dtypes_name_them():
    x, weight, bias = rushlight.ones(1, 1, 3, dtype=rushlight.float64), rushlight.ones(1, 1, 1), rushlight.ones(1)
    for function, given, sentence in (
        (F.conv1d, (weight, bias), r"Input type \(double\) and bias type \(float\) should be the same"),
        (F.conv1d, (weight, bias.double()), "expected scalar type Double but found Float"),
        (F.conv_transpose1d, (weight, bias), "expected scalar type Double but found Float"),
        (F.conv_transpose1d, (weight.double(), bias), r"Input type \(double\) and bias type \(float\) should be"),
    ):
        with pytest.raises(RuntimeError, match=sentence):
            function(x, *given)


def test_embedding_max_norm_shortens_rows_in_place():
    table = tensor([[3.0, 4.0], [0.3, 0.4]])
    same(F.embedding(tensor([0, 1]), table, max_norm=1.0), [[0.6, 0.8], [0.3, 0.4]])
    same(table, [[0.6, 0.8], [0.3, 0.4]])


def test_interpolate_linear_and_nearest():
    x = tensor([[[0.0, 4.0]]])
    same(F.interpolate(x, scale_factor=2, mode="linear"), [[[0, 1, 3, 4]]])
    same(F.interpolate(x, size=3, mode="linear", align_corners=True), [[[0, 2, 4]]])
    same(F.interpolate(x, size=3), [[[0, 0, 4]]])


def test_grid_sample_at_the_identity_grid():
    x = rushlight.arange(6.0).reshape(1, 1, 2, 3)
    grid = F.affine_grid(tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 1, 2, 3), align_corners=False)
    same(F.grid_sample(x, grid, align_corners=False), x.numpy())


def test_fold_counts_how_often_unfold_reads():
    x = rushlight.ones(1, 1, 3, 3)
    same(F.fold(F.unfold(x, 2), 3, 2), [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]])


def test_pixel_shuffle_and_back():
    x = rushlight.arange(32.0).reshape(1, 8, 2, 2)
    y = F.pixel_shuffle(x, 2)
    assert y[0, 0, :2, :2].tolist() == [[0.0, 4.0], [8.0, 12.0]]
    same(F.pixel_unshuffle(y, 2), x.numpy())


def test_distances():
    same(F.normalize(tensor([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0, 0]])
    same(F.cosine_similarity(tensor([[1.0, 0.0]]), tensor([[1.0, 1.0]])), [math.sqrt(0.5)])
    same(F.pdist(tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])), [5, 1, math.sqrt(18)])


def test_softmax_without_a_dimension_warns():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        same(F.softmax(rushlight.zeros(2, 2)), [[0.5, 0.5], [0.5, 0.5]])


def test_no_other_warning_is_given():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.batch_norm(rushlight.ones(4, 2), None, None, training=True)
        F.max_pool2d(rushlight.full((1, 1, 2, 2), -math.inf), 2)
        F.layer_norm(rushlight.zeros(2, 3), (3,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lengths, size, kernel", [((9, 12), (4, 1), (2, 3)), ((7, 8, 6), (3, 8, 2), (2, 1, 2))])
def test_fractional_windows_lie_where_their_meaning_has_them(lengths, size, kernel, dtype):
    from rushlight.ops import pool

    kernels = pytest.importorskip("rushlight.kernels.pool", reason="needs the compiled kernels")
    random = np.random.default_rng(0)
    x = random.standard_normal((50, 2, *lengths)).astype(dtype)
    samples = random.random((50, 2, len(size))).astype(dtype)
    starts, ends = kernels.fractional_windows(samples, lengths, size, kernel)
    values, indices = kernels.uneven_max_pool(x, starts, ends, True, size=size)
    expected = pool.fractional_max_pool2d.forward(x, samples, kernel=kernel, size=size)
    np.testing.assert_array_equal(values, expected[0])
    np.testing.assert_array_equal(indices, expected[1])


def test_rms_norm_of_single_precision_is_its_formula():
    x, w, g = [np.random.default_rng(i).normal(size=s) for i, s in enumerate([(5, 3, 35), (3, 35), (5, 3, 35)])]
    wide = [rushlight.from_numpy(v).requires_grad_() for v in (x, w)]
    out = wide[0] * (wide[0].square().mean((1, 2), True) + 1e-6).rsqrt() * wide[1]
    wanted = [out, *rushlight.autograd.grad(out, wide, rushlight.from_numpy(g))]
    short = [rushlight.from_numpy(v.astype("float32")).requires_grad_() for v in (x, w)]
    out = F.rms_norm(short[0], (3, 35), short[1], 1e-6)
    found = [out, *rushlight.autograd.grad(out, short, rushlight.from_numpy(g.astype("float32")))]
    for ours, want in zip(found, wanted):
        np.testing.assert_allclose(ours.detach(), want.detach(), rtol=1e-5, atol=2e-6)
    with pytest.raises(NotImplementedError, match="\"rms_norm\" not implemented for 'Long'"):
        F.rms_norm(rushlight.ones(2, dtype=rushlight.int64), (2,))
