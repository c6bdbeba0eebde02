"""nn.functional: convolutions, pooling, norms, softmax, losses, resampling, padding, dropout, tables, attention."""

from .row import Timed, integers, matrix, row, side, unit, vector

CHANNELS = 16


def signal(n):
    return (4, CHANNELS, max(8, n // (4 * CHANNELS)))


def image(n):
    return (4, CHANNELS, *[max(4, side(n // (4 * CHANNELS)))] * 2)


def volume(n):
    return (2, 8, *[max(4, round((n / 16) ** (1 / 3)))] * 3)


SHAPES = {1: signal, 2: image, 3: volume}


def drawn(shape, low=-1.0, high=1.0):
    return lambda n, random: random.uniform(low, high, shape(n))


def fixed(*shape):
    return drawn(lambda n: shape)


def by(name, *args, **named):
    """A call of nn.functional's `name` with arguments behind the tensors."""
    return lambda m, *xs: getattr(m.nn.functional, name)(*xs, *args, **named)


def spatial(name, dims, *args, note="", **named):
    return [Timed(f"{name}{d}d{note}", drawn(SHAPES[d]), call=by(f"{name}{d}d", *args, **named)) for d in dims]


def convolution(name, d, note="", out=CHANNELS, groups=1, kernel=3, **named):
    own = CHANNELS if d < 3 else 8
    weight = fixed(own if "transpose" in name else out, (out if "transpose" in name else own) // groups, *[kernel] * d)
    return Timed(f"{name}{d}d{note}", drawn(SHAPES[d]), weight, call=by(f"{name}{d}d", groups=groups, **named))


def points_of(n):
    return (side(n), 16)


def folded(m, x):
    return m.nn.functional.fold(x, (2 * round(x.shape[2] ** 0.5),) * 2, 2, stride=2)


def pairs(name, target=vector, **named):
    return Timed(name, vector, target, call=by(name, **named))


def classes(n, random):
    return random.integers(0, side(n), side(n))


def signs(n, random):
    return random.integers(0, 2, n) * 2 - 1


def unpooled(m, x):
    values, places = m.nn.functional.max_pool2d(x, 2, return_indices=True)
    return m.nn.functional.max_unpool2d(values, places, 2, output_size=x.shape)


def fractional(d):
    def call(m, x):
        samples = m.full((x.shape[0], x.shape[1], d), 0.3, dtype=x.dtype)
        size = tuple(n // 2 for n in x.shape[2:])
        return getattr(m.nn.functional, f"fractional_max_pool{d}d")(x, 2, output_size=size, _random_samples=samples)

    return Timed(f"fractional_max_pool{d}d", drawn(SHAPES[d]), call=call)


def aligned(m, x, target):
    steps, count = x.shape[:2]
    return m.nn.functional.ctc_loss(x.log_softmax(2), target + 1, [steps] * count, [target.shape[1]] * count)


def sequences(n):
    return (max(8, side(n) // 8), 8, max(8, n // (8 * max(8, side(n) // 8))))


def heads(n):
    return (2, 4, max(4, n // 512), 64)


def points(n, random):
    shape = image(n)
    return random.uniform(-1.2, 1.2, (shape[0], *shape[2:], 2))


def interpolated(mode, d, factor, **named):
    return Timed(
        f"interpolate {mode} {d}d by {factor}", drawn(SHAPES[d]),
        call=by("interpolate", scale_factor=factor, mode=mode, **named),
    )  # fmt: skip


def bags(mode):
    indices = integers(0, 100, lambda n: (n // 64, 4))
    return Timed(
        f"embedding_bag {mode}",
        indices,
        fixed(100, 16),
        call=by("embedding_bag", mode=mode),
        ops=("bag_sum", "bag_max"),
    )


def attention(note="", **named):
    call = by("scaled_dot_product_attention", **named)
    return Timed(
        f"scaled_dot_product_attention{note}", *[drawn(heads)] * 3, call=call, ops=("attention",), most=200_000
    )


def masked_attention(m, x, y, z, mask):
    return m.nn.functional.scaled_dot_product_attention(x, y, z, mask > 0)


attention_masked = Timed(
    "scaled_dot_product_attention masked", *[drawn(heads)] * 3,
    drawn(lambda n: (heads(n)[2], heads(n)[2])), call=masked_attention, ops=("attention",), most=200_000,
)  # fmt: skip


def padded(mode, d):
    return Timed(f"pad {mode} {d}d", drawn(SHAPES[d]), call=by("pad", (1, 2) * d, mode))


ROWS = [
    *[convolution("conv", d, padding=1) for d in (1, 2, 3)],
    convolution("conv", 2, " stride 2", padding=1, stride=2), convolution("conv", 2, " 1x1", kernel=1),
    convolution("conv", 2, " by channel", groups=CHANNELS, padding=1),
    *[convolution("conv_transpose", d, out=8, stride=2) for d in (1, 2, 3)],
    Timed("unfold", drawn(image), call=by("unfold", 3, padding=1)),
    *spatial("avg_pool", (1, 2, 3), 2), *spatial("max_pool", (1, 2, 3), 2),
    *spatial("max_pool", (1, 2, 3), 3, 2, 1, note=" of 3"),
    *spatial("adaptive_avg_pool", (1, 2, 3), 3), *spatial("adaptive_max_pool", (1, 2, 3), 3),
    *spatial("lp_pool", (1, 2, 3), 2, 2), fractional(2), fractional(3),
    Timed("max_unpool2d", drawn(image), call=unpooled),
    Timed("batch_norm", drawn(image), call=by("batch_norm", None, None, training=True)),
    Timed("batch_norm of rows", matrix, call=by("batch_norm", None, None, training=True)),
    Timed("layer_norm", matrix, row, row, call=lambda m, x, w, b: m.nn.functional.layer_norm(x, w.shape, w, b)),
    Timed("rms_norm", matrix, row, call=lambda m, x, w: m.nn.functional.rms_norm(x, w.shape, w)),
    Timed("group_norm", drawn(image), call=by("group_norm", 4)),
    Timed("instance_norm", drawn(image), call=by("instance_norm")),
    Timed("local_response_norm", drawn(image), call=by("local_response_norm", 3)),
    Timed("normalize", matrix, call=by("normalize")),
    Timed("softmax of channels", drawn(image), call=by("softmax", 1)),
    Timed("log_softmax of channels", drawn(image), call=by("log_softmax", 1)),
    Timed("gumbel_softmax", matrix, call=by("gumbel_softmax")),
    Timed(
        "lstm_cell",
        *[drawn(lambda n: (max(1, n // 32), 8))] * 3,
        *[fixed(32, 8)] * 2,
        call=lambda m, x, h, c, w, u: m.lstm_cell(x, (h, c), w, u),
        ops=("lstm_gates",),
    ),
    Timed(
        "gru_cell",
        *[drawn(lambda n: (max(1, n // 24), 8))] * 2,
        *[fixed(24, 8)] * 2,
        call=lambda m, x, h, w, u: m.gru_cell(x, h, w, u),
        ops=("gru_gates",),
    ),
    Timed("glu", drawn(lambda n: (side(n), 2 * (side(n) // 2))), call=by("glu")),
    *[pairs(name) for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss")],
    Timed("soft_margin_loss", vector, signs, call=by("soft_margin_loss")),
    Timed("binary_cross_entropy", unit, unit, call=by("binary_cross_entropy")),
    Timed("binary_cross_entropy_with_logits", vector, unit, call=by("binary_cross_entropy_with_logits")),
    Timed("kl_div", matrix, drawn(lambda n: (side(n), side(n)), 0.1, 1), call=by("kl_div", reduction="sum")),
    Timed("gaussian_nll_loss", vector, vector, unit, call=by("gaussian_nll_loss")),
    Timed("hinge_embedding_loss", vector, signs, call=by("hinge_embedding_loss")),
    Timed("margin_ranking_loss", vector, vector, signs, call=by("margin_ranking_loss")),
    Timed("triplet_margin_loss", matrix, matrix, matrix, call=by("triplet_margin_loss")),
    Timed("multi_margin_loss", matrix, classes, call=by("multi_margin_loss")),
    Timed("multilabel_soft_margin_loss", matrix, drawn(lambda n: (side(n), side(n)), 0, 1), call=by("multilabel_soft_margin_loss")),
    Timed("cross_entropy", matrix, classes, call=by("cross_entropy")),
    Timed("cross_entropy smoothed", matrix, classes, call=by("cross_entropy", label_smoothing=0.1)),
    Timed("nll_loss", matrix, classes, call=by("nll_loss")),
    Timed("ctc_loss", drawn(sequences), lambda n, random: random.integers(0, 7, (8, 4)), call=aligned),
    *[interpolated(mode, 2, factor) for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area") for factor in (2, 0.5)],
    interpolated("linear", 1, 2), interpolated("trilinear", 3, 2), interpolated("nearest", 3, 2),
    interpolated("bilinear", 2, 0.5, antialias=True), interpolated("bicubic", 2, 0.5, antialias=True),
    *[
        Timed(f"grid_sample {mode}", drawn(image), points, call=by("grid_sample", mode, align_corners=False))
        for mode in ("bilinear", "nearest", "bicubic")
    ],
    Timed("affine_grid", fixed(4, 2, 3), call=by("affine_grid", (4, 1, 64, 64), False), most=1000),
    Timed("pixel_shuffle", drawn(image), call=by("pixel_shuffle", 2), ops=("shuffle",)),
    Timed("channel_shuffle", drawn(image), call=by("channel_shuffle", 4)),
    Timed("pixel_unshuffle", drawn(lambda n: (4, CHANNELS, *[2 * (image(n)[2] // 2)] * 2)), call=by("pixel_unshuffle", 2)),
    *[padded(mode, d) for mode in ("constant", "reflect", "replicate", "circular") for d in (1, 2, 3)],
    *[
        Timed(name, drawn(image), call=by(name, 0.5, True))
        for name in ("dropout", "alpha_dropout", "feature_alpha_dropout", "dropout2d")
    ],
    Timed("rrelu", vector, call=by("rrelu", training=True)),
    Timed("embedding", integers(0, 100, lambda n: (n // 16,)), fixed(100, 16), call=by("embedding")),
    *[bags(mode) for mode in ("sum", "mean", "max")],
    Timed("one_hot", integers(0, 16, lambda n: (n // 16,)), call=by("one_hot", 16), grad=False),
    Timed("bilinear", drawn(lambda n: (n // 16, 16)), drawn(lambda n: (n // 16, 16)), fixed(8, 16, 16), call=by("bilinear")),
    Timed("cosine_similarity", matrix, matrix, call=by("cosine_similarity")),
    Timed("pairwise_distance", matrix, matrix, call=by("pairwise_distance")),
    Timed("cdist", drawn(points_of), drawn(points_of), call=lambda m, x, y: m.cdist(x, y), ops=("euclidean_dist",)),
    Timed("fold", drawn(lambda n: (4, 64, max(2, side(n // 256)) ** 2)), call=folded),
    Timed("pdist", drawn(lambda n: (max(4, side(n) // 2), 16)), call=by("pdist")),
    attention(),
    attention(" causal", is_causal=True), attention_masked,
    Timed("linear_cross_entropy", matrix, matrix, classes, call=by("linear_cross_entropy"), most=250_000),
]  # fmt: skip
