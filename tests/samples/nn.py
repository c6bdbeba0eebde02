"""Samples of convolutions, pooling, padding, resampling, norms and losses."""

import numpy as np

from .reduce import distinct
from .row import Row

_SLIDE = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}
_SEEN = [[True, False, True, True, False], [True] * 5, [False, False, False, False, True]]
_PLAIN = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 2), "groups": 2}
_POOL = {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 0)}
_TARGETS = np.array([0, 2, 1, -100])


def _spaced(r, *shape):
    """Numbers far enough apart that a small step changes no maximum."""
    x = r(*shape)
    x[...] = np.random.default_rng(0).permutation(x.size).reshape(shape) / x.size
    return x


def _probabilities(r, *shape):
    return r(*shape, low=0.2, high=0.8)


def _weight(*shape):
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)


def _points(r, *shape):
    """Points of a grid that lie between elements, inside and outside of the image."""
    x = r(*shape, low=-1.4, high=1.4)
    x[...] = np.round(x * 10) / 10 + 0.037
    return x


ROWS = [
    *[
        Row(
            "grid_sampler",
            lambda r: (r(2, 2, 4, 3), _points(r, 2, 2, 3, 2)),
            {"mode": mode, "padding": padding, "align_corners": padding == "border"},
        )
        for mode in ("bilinear", "bicubic", "nearest")
        for padding in ("zeros", "border", "reflection")
    ],
    Row(
        "grid_sampler",
        lambda r: (r(1, 2, 3, 4, 3), _points(r, 1, 1, 2, 2, 3)),
        {"mode": "bilinear", "padding": "zeros", "align_corners": False},
    ),
    *[
        Row(
            "linear_cross_entropy",
            lambda r: (r(4, 2), r(3, 2), r(3), _TARGETS, r(3, positive=True)),
            {"ignore_index": -100, "reduction": reduction, "rows": 3},
        )
        for reduction in ("none", "mean", "sum")
    ],
    Row("convolution", lambda r: (r(2, 4, 5, 6), r(6, 2, 3, 2), r(6)), _SLIDE),
    Row(
        "convolution",
        lambda r: (r(2, 3, 5), r(4, 3, 1), None),
        {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1},
    ),
    Row("convolution", lambda r: (r(3, 4, 5, 6), r(6, 2, 3, 2), r(6)), _PLAIN | {"size": (4, 6)}),
    Row("convolution_transpose", lambda r: (r(3, 6, 4, 7), r(6, 2, 3, 2), r(4)), _PLAIN | {"size": (4, 7)}),
    Row("convolution_weight", lambda r: (r(3, 4, 4, 7), r(3, 6, 4, 7)), _PLAIN | {"kernel": (3, 2)}),
    Row("convolution_transpose", lambda r: (r(2, 6, 3, 4), r(6, 2, 3, 2), r(4)), _SLIDE | {"size": (5, 6)}),
    Row("convolution_weight", lambda r: (r(2, 4, 5, 6), r(2, 6, 3, 4)), _SLIDE | {"kernel": (3, 2)}),
    Row(
        "im2col",
        lambda r: (r(2, 3, 5, 4),),
        {"kernel": (2, 3), "dilation": (2, 1), "padding": (1, 0), "stride": (1, 1)},
    ),
    Row(
        "col2im",
        lambda r: (r(2, 12, 12),),
        {"size": (5, 4), "kernel": (2, 2), "dilation": (1, 1), "padding": (0, 0), "stride": (1, 1)},
    ),
    Row("attention", lambda r: (r(2, 3, 4), r(2, 5, 4), r(2, 5, 3), None), {"factor": 0.5, "causal": False}),
    Row("attention", lambda r: (r(3, 4), r(3, 4), r(3, 2), None), {"factor": -1.5, "causal": True}),
    Row("attention", lambda r: (r(2, 3, 4), r(2, 5, 4), r(2, 5, 3), r(3, 5)), {"factor": 0.5, "causal": True}),
    Row(
        "attention",
        lambda r: (r(2, 2, 3, 4), r(2, 1, 5, 4), r(2, 1, 5, 3), np.array(_SEEN)),
        {"factor": 0.5, "causal": False},
    ),
    Row("max_pool2d", lambda r: (_spaced(r, 2, 3, 5, 4),), _POOL | {"dilation": (1, 2), "size": (3, 2)}),
    Row("max_pool_values", lambda r: (_spaced(r, 2, 3, 5, 4),), _POOL | {"dilation": (1, 2), "size": (3, 2)}),
    Row(
        "max_pool2d",
        lambda r: (_spaced(r, 2, 4, 5, 6),),
        {"kernel": (3, 2, 2), "stride": (1, 2, 3), "padding": (1, 0, 1), "dilation": (2, 1, 1), "size": (2, 2, 3)},
    ),
    Row("adaptive_max_pool2d", lambda r: (_spaced(r, 2, 3, 5, 4),), {"size": (3, 2)}),
    Row(
        "fractional_max_pool2d",
        lambda r: (_spaced(r, 2, 3, 6, 7), _weight(2, 3, 2) / 2),
        {"kernel": (2, 3), "size": (3, 3)},
    ),
    Row("plane_put", lambda r: (r(2, 2, 3), np.array([[[0, 5, 2], [3, 3, 1]]] * 2)), {"size": (2, 3)}),
    Row("plane_take", lambda r: (r(2, 2, 3), np.array([[[0, 5, 2]], [[3, 3, 1]]])), {"dims": 2}),
    Row("max_unpool2d", lambda r: (r(2, 1, 3), np.array([[[0, 5, 2]], [[3, 4, 1]]])), {"size": (2, 3)}),
    Row(
        "avg_pool2d",
        lambda r: (r(2, 3, 5, 4),),
        _POOL | {"size": (3, 3), "count_include_pad": False, "divisor": None},
    ),
    Row(
        "avg_pool2d",
        lambda r: (r(2, 3, 5, 4),),
        _POOL | {"size": (3, 3), "count_include_pad": True, "divisor": 5},
    ),
    Row(
        "avg_unpool",
        lambda r: (r(2, 3, 3, 3),),
        _POOL | {"plane": (5, 4), "count_include_pad": False, "divisor": None},
    ),
    Row(
        "avg_pool2d",
        lambda r: (r(2, 3, 4, 5),),
        {
            "kernel": (2, 2, 3),
            "stride": (1, 2, 2),
            "padding": (1, 0, 1),
            "size": (4, 2, 3),
            "count_include_pad": True,
            "divisor": None,
        },
    ),
    Row("constant_pad_nd", lambda r: (r(3, 4),), {"pad": (1, -2, 0, 2), "value": 7.0}),
    Row("pad_by", lambda r: (r(2, 3, 4),), {"pad": (2, 1, 0, 2), "mode": "reflect"}),
    Row("pad_by", lambda r: (r(2, 3, 4),), {"pad": (2, 5), "mode": "replicate"}),
    Row("pad_by", lambda r: (r(2, 3, 4),), {"pad": (2, 1, -1, 2), "mode": "circular"}),
    Row("unpad", lambda r: (r(2, 3, 7),), {"size": (4,), "pad": (2, 1), "mode": "reflect"}),
    Row("resample", lambda r: (r(2, 3, 4),), {"size": (5, 3), "mode": "linear", "scales": (0.6, 4 / 3)}),
    Row("resample", lambda r: (r(2, 3, 4),), {"size": (5, 3), "mode": "nearest", "scales": (0.6, 4 / 3)}),
    Row("resample", lambda r: (r(2, 3, 4),), {"size": (2, 3), "mode": "adaptive", "scales": (1.0, 1.0)}),
    Row("resample_adjoint", lambda r: (r(2, 5, 3),), {"size": (3, 4), "mode": "cubic", "scales": (0.6, 4 / 3)}),
    Row("native_batch_norm", lambda r: (r(4, 3, 2), r(3), r(3), None, None), {"training": True, "eps": 1e-5}),
    Row(
        "native_batch_norm",
        lambda r: (r(4, 3), r(3), r(3), r(3), r(3, positive=True)),
        {"training": False, "eps": 1e-5},
    ),
    Row("native_batch_norm", lambda r: (r(3, 2, 3, 7), r(2), r(2), None, None), {"training": True, "eps": 1e-5}),
    Row("native_batch_norm", lambda r: (r(3, 2, 9), None, r(2), None, None), {"training": True, "eps": 1e-5}),
    Row(
        "native_batch_norm",
        lambda r: (r(3, 2, 9), r(2), None, _weight(2), _weight(2)),
        {"training": False, "eps": 1e-5},
    ),
    Row("fused_rms_norm", lambda r: (r(3, 35), None), {"dims": 1, "eps": 1e-5}),
    Row("fused_rms_norm", lambda r: (r(2, 3, 4), r(3, 4)), {"dims": 2, "eps": 1e-5}),
    Row("native_layer_norm", lambda r: (r(3, 35), None, None), {"dims": 1, "eps": 1e-5}),
    Row("native_layer_norm", lambda r: (r(3, 35), r(35), None), {"dims": 1, "eps": 1e-5}),
    Row("native_layer_norm", lambda r: (r(2, 3, 4), r(3, 4), r(3, 4)), {"dims": 2, "eps": 1e-5}),
    Row("native_group_norm", lambda r: (r(2, 4, 3), r(4), r(4)), {"groups": 2, "eps": 1e-5}),
    Row("native_group_norm", lambda r: (r(2, 6, 3, 7), None, None), {"groups": 3, "eps": 1e-5}),
    Row("mse_loss", lambda r: (r(3, 4), r(3, 4)), {"reduction": "mean"}),
    Row("mse_loss", lambda r: (r(3, 4), r(3, 4)), {"reduction": "none"}),
    Row("smooth_l1_loss", lambda r: (r(3, 4), r(3, 4)), {"reduction": "sum", "beta": 0.7}),
    Row("huber_loss", lambda r: (r(3, 4), r(3, 4)), {"reduction": "mean", "delta": 0.7}),
    Row(
        "binary_cross_entropy",
        lambda r: (_probabilities(r, 3, 4), _probabilities(r, 3, 4), r(4, positive=True)),
        {"reduction": "mean"},
    ),
    Row(
        "binary_cross_entropy_with_logits",
        lambda r: (r(3, 4), _probabilities(r, 3, 4), r(3, 4, positive=True), r(4, positive=True)),
        {"reduction": "sum"},
    ),
    Row("soft_margin_loss", lambda r: (r(3, 4), r(3, 4)), {"reduction": "mean"}),
    *[
        Row("nll_loss", lambda r: (r(4, 3), _TARGETS, r(3, positive=True)), {"ignore_index": -100, "reduction": how})
        for how in ("none", "mean", "sum")
    ],
    Row("nll_loss", lambda r: (r(4, 3), _TARGETS, None), {"ignore_index": -100, "reduction": "mean"}),
    Row(
        "nll_scatter",
        lambda r: (r(4), _TARGETS, r(3, positive=True)),
        {"size": (4, 3), "ignore_index": -100, "reduction": "none"},
    ),
    Row(
        "nll_scatter",
        lambda r: (r(), _TARGETS, r(3, positive=True)),
        {"size": (4, 3), "ignore_index": -100, "reduction": "mean"},
    ),
    *[
        Row(
            "cross_entropy_indices",
            lambda r: (r(4, 3), _TARGETS, r(3, positive=True)),
            {"ignore_index": -100, "reduction": how},
        )
        for how in ("none", "mean", "sum")
    ],
    Row("cross_entropy_indices", lambda r: (r(3, 3), _TARGETS[:3], None), {"ignore_index": -100, "reduction": "sum"}),
    Row("gru_gates", lambda r: (r(3, 6), r(3, 6), r(3, 2))),
    Row("lstm_gates", lambda r: (r(3, 8), r(3, 8), r(3, 2))),
    Row("glu", lambda r: (r(2, 4, 3),), {"dim": 1}),
    Row("glu", lambda r: (r(3, 4),), {"dim": 1}),
    *[
        Row(
            "bag_sum",
            lambda r, weigh=weigh: (r(4, 2), r(5) if weigh else None, np.array([0, 3, 3, 1, 0]), np.array([0, 2, 2])),
        )
        for weigh in (False, True)
    ],
    Row("bag_max", lambda r: (distinct(r(4, 2)), np.array([0, 3, 3, 1, 0]), np.array([0, 2, 2]))),
    *[Row("multi_margin_loss", lambda r: (r(3, 4), np.array([0, 3, 1])), {"p": p, "margin": 1.1}) for p in (1, 2)],
]
