"""What is exported to ONNX, one row for each layer and function, and what is refused: tests/test_onnx.py runs them."""

import rushlight as rl
from rushlight import nn
from rushlight.nn import functional as F

SEQUENCE, PICTURE, VOLUME = (2, 5, 3), (2, 4, 6, 6), (2, 4, 4, 4, 4)


# Inputs are shapes, of normal numbers, or one of these functions.
def indices(n=5, *shape):
    return lambda: rl.randint(0, n, shape or (2, 4))


def chances(*shape):
    return lambda: rl.rand(*shape) * 0.8 + 0.1


def signs(*shape):
    return lambda: rl.randint(0, 2, shape) * 2.0 - 1


def offsets():
    return rl.tensor([0, 3, 3])


def plain(*kinds):
    return {kind.__name__: (kind, (2, 4)) for kind in kinds}


# -- layers: what makes it, and its inputs, whose first dimension is the batch
LAYERS = {
    "Linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "Linear over a sequence": (lambda: nn.Linear(3, 4, bias=False), SEQUENCE),
    "Bilinear": (lambda: nn.Bilinear(3, 4, 5), (2, 3), (2, 4)),
    "Identity": (nn.Identity, (2, 3)),
    "Conv1d": (lambda: nn.Conv1d(3, 4, 3, padding=1, bias=False), (2, 3, 8)),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=1, groups=2), PICTURE),
    "Conv2d, dilated": (lambda: nn.Conv2d(4, 4, 2, dilation=2), PICTURE),
    "Conv2d, same, reflected": (lambda: nn.Conv2d(4, 4, 3, padding="same", padding_mode="reflect"), PICTURE),
    "Conv3d": (lambda: nn.Conv3d(4, 4, 2), VOLUME),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(3, 4, 3), (2, 3, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2), PICTURE),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(4, 3, 2), VOLUME),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (2, 3)),
    "BatchNorm1d over a sequence": (lambda: nn.BatchNorm1d(5), SEQUENCE),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, affine=False), PICTURE),
    "BatchNorm2d of the batch": (lambda: nn.BatchNorm2d(4, track_running_stats=False), PICTURE),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(4), VOLUME),
    "SyncBatchNorm": (lambda: nn.SyncBatchNorm(4), PICTURE),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(5), SEQUENCE),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4, affine=True), PICTURE),
    "InstanceNorm2d of running means": (lambda: nn.InstanceNorm2d(4, True, track_running_stats=True), PICTURE),
    "InstanceNorm3d": (lambda: nn.InstanceNorm3d(4), VOLUME),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), PICTURE),
    "LayerNorm": (lambda: nn.LayerNorm(3), SEQUENCE),
    "LayerNorm, plain": (lambda: nn.LayerNorm((5, 3), elementwise_affine=False), SEQUENCE),
    "RMSNorm": (lambda: nn.RMSNorm(3), SEQUENCE),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(2), PICTURE),
    "CrossMapLRN2d": (lambda: nn.CrossMapLRN2d(3), PICTURE),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), (2, 3, 7)),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), PICTURE),
    "MaxPool2d, dilated": (lambda: nn.MaxPool2d(2, 1, dilation=2), PICTURE),
    "MaxPool2d and places": (lambda: nn.MaxPool2d(2, return_indices=True), PICTURE),
    "MaxPool3d": (lambda: nn.MaxPool3d(2), VOLUME),
    "MaxUnpool1d": (lambda: nn.MaxUnpool1d(2), (2, 3, 4), lambda: rl.arange(0, 8, 2).expand(2, 3, 4)),
    "MaxUnpool2d": (lambda: nn.MaxUnpool2d(2), (2, 3, 1, 2), lambda: rl.tensor([0, 6]).expand(2, 3, 1, 2)),
    "MaxUnpool3d": (lambda: nn.MaxUnpool3d(2), (2, 3, 1, 1, 2), lambda: rl.tensor([0, 3]).expand(2, 3, 1, 1, 2)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2, padding=1), (2, 3, 7)),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False, ceil_mode=True), PICTURE),
    "AvgPool2d, divided": (lambda: nn.AvgPool2d(2, divisor_override=3), PICTURE),
    "AvgPool3d": (lambda: nn.AvgPool3d(2), VOLUME),
    "LPPool1d": (lambda: nn.LPPool1d(3, 2), (2, 3, 6)),
    "LPPool2d": (lambda: nn.LPPool2d(2, 2), PICTURE),
    "LPPool3d": (lambda: nn.LPPool3d(2, 2), VOLUME),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(2), (2, 3, 5)),
    "AdaptiveAvgPool2d to one": (lambda: nn.AdaptiveAvgPool2d(1), PICTURE),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((4, 3)), PICTURE),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((3, 2, 1)), VOLUME),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(2), (2, 3, 5)),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((4, 3)), PICTURE),
    "AdaptiveMaxPool3d": (lambda: nn.AdaptiveMaxPool3d((3, 2, 1)), VOLUME),
    **plain(
        nn.AlphaDropout,
        nn.CELU,
        nn.Dropout,
        nn.Dropout1d,
        nn.ELU,
        nn.FeatureAlphaDropout,
        nn.Flatten,
        nn.GELU,
        nn.GLU,
        nn.Hardshrink,
        nn.Hardsigmoid,
        nn.Hardswish,
        nn.Hardtanh,
        nn.LeakyReLU,
        nn.LogSigmoid,
        nn.Mish,
        nn.PReLU,
        nn.ReLU,
        nn.ReLU6,
        nn.RReLU,
        nn.SELU,
        nn.SiLU,
        nn.Sigmoid,
        nn.Softplus,
        nn.Softshrink,
        nn.Softsign,
        nn.Tanh,
        nn.Tanhshrink,
    ),
    "Dropout2d": (nn.Dropout2d, PICTURE),
    "Dropout3d": (nn.Dropout3d, VOLUME),
    "GELU, tanh": (lambda: nn.GELU("tanh"), (2, 4)),
    "Threshold": (lambda: nn.Threshold(0.1, 2), (2, 4)),
    "Softmax": (lambda: nn.Softmax(1), (2, 4)),
    "Softmin": (lambda: nn.Softmin(-1), (2, 4)),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), (2, 4)),
    "Softmax2d": (nn.Softmax2d, PICTURE),
    "PReLU of channels": (lambda: nn.PReLU(4), PICTURE),
    "Embedding": (lambda: nn.Embedding(5, 3, padding_idx=0), indices()),
    **{
        f"EmbeddingBag, {mode}": (lambda mode=mode: nn.EmbeddingBag(5, 3, mode=mode), indices())
        for mode in ("sum", "mean", "max")
    },
    **{
        f"EmbeddingBag, {mode}, padded": (lambda mode=mode: nn.EmbeddingBag(5, 3, mode=mode, padding_idx=2), indices())
        for mode in ("sum", "mean", "max")
    },
    **{
        f"EmbeddingBag, {mode}, by offsets": (
            lambda mode=mode: nn.EmbeddingBag(5, 3, mode=mode),
            indices(5, 7),
            offsets,
        )
        for mode in ("sum", "mean", "max")
    },
    "PixelShuffle": (lambda: nn.PixelShuffle(2), PICTURE),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), PICTURE),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), PICTURE),
    **{
        f"Upsample, {mode}": (lambda mode=mode: nn.Upsample(size=(9, 5), mode=mode), PICTURE)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    },
    "Upsample, linear": (lambda: nn.Upsample(scale_factor=1.5, mode="linear"), (2, 3, 4)),
    "Upsample, trilinear": (lambda: nn.Upsample(scale_factor=2, mode="trilinear"), VOLUME),
    "Upsample of aligned corners": (lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), PICTURE),
    "UpsamplingNearest2d": (lambda: nn.UpsamplingNearest2d(scale_factor=2), PICTURE),
    "UpsamplingBilinear2d": (lambda: nn.UpsamplingBilinear2d(scale_factor=2), PICTURE),
    "ZeroPad1d": (lambda: nn.ZeroPad1d(1), SEQUENCE),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 0, 2, -1)), PICTURE),
    "ZeroPad3d": (lambda: nn.ZeroPad3d(1), VOLUME),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(2, 3.5), SEQUENCE),
    "ConstantPad2d": (lambda: nn.ConstantPad2d(2, 3.5), PICTURE),
    "ConstantPad3d": (lambda: nn.ConstantPad3d(2, 3.5), VOLUME),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d(2), SEQUENCE),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d(2), PICTURE),
    "ReflectionPad3d": (lambda: nn.ReflectionPad3d(2), VOLUME),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d(2), SEQUENCE),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d(2), PICTURE),
    "ReplicationPad3d": (lambda: nn.ReplicationPad3d(1), VOLUME),
    "CircularPad1d": (lambda: nn.CircularPad1d(1), SEQUENCE),
    "CircularPad2d": (lambda: nn.CircularPad2d((1, 2, 0, 3)), PICTURE),
    "CircularPad3d": (lambda: nn.CircularPad3d(1), VOLUME),
    "Unfold": (lambda: nn.Unfold((2, 3), padding=1, stride=2), PICTURE),
    "Fold": (lambda: nn.Fold((4, 5), 2, padding=1), (2, 8, 30)),
    "Fold with steps": (lambda: nn.Fold((4, 5), 2, stride=2), (2, 8, 4)),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), PICTURE),
    "RNN": (lambda: nn.RNN(3, 4, batch_first=True), SEQUENCE),
    "RNN of relu": (lambda: nn.RNN(3, 4, 2, "relu", bidirectional=True, batch_first=True), SEQUENCE),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True), SEQUENCE),
    "LSTM without bias": (lambda: nn.LSTM(3, 4, bias=False, batch_first=True), SEQUENCE),
    "LSTM, projected": (lambda: nn.LSTM(3, 4, proj_size=2, batch_first=True), SEQUENCE),
    "GRU": (lambda: nn.GRU(3, 4, batch_first=True), SEQUENCE),
    "GRU both ways": (lambda: nn.GRU(3, 4, 2, batch_first=True, bidirectional=True), SEQUENCE),
    "RNNCell": (lambda: nn.RNNCell(3, 4), (2, 3)),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), (2, 3)),
    "GRUCell": (lambda: nn.GRUCell(3, 4), (2, 3)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, batch_first=True), (2, 3, 4), (2, 5, 4), (2, 5, 4)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (2, 3, 4)),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation="gelu"), 2),
        (2, 3, 4),
    ),
    "TransformerDecoderLayer": (lambda: nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), (2, 3, 4), (2, 5, 4)),
    "TransformerDecoder": (
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, batch_first=True, norm_first=True), 2),
        (2, 3, 4),
        (2, 5, 4),
    ),
    "Transformer": (lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True), (2, 3, 4), (2, 5, 4)),
    "CosineSimilarity": (nn.CosineSimilarity, (2, 3), (2, 3)),
    "PairwiseDistance": (nn.PairwiseDistance, (2, 3), (2, 3)),
    "Sequential": (lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU()), (2, 3)),
    "DataParallel": (lambda: nn.DataParallel(nn.Linear(3, 4)), (2, 3)),
    # -- losses
    "MSELoss": (nn.MSELoss, (2, 3), (2, 3)),
    "MSELoss, summed": (lambda: nn.MSELoss(reduction="sum"), (2, 3), (2, 3)),
    "L1Loss": (lambda: nn.L1Loss(reduction="none"), (2, 3), (2, 3)),
    "SmoothL1Loss": (lambda: nn.SmoothL1Loss(beta=0.5), (2, 3), (2, 3)),
    "SmoothL1Loss without a bend": (lambda: nn.SmoothL1Loss(beta=0), (2, 3), (2, 3)),
    "HuberLoss": (lambda: nn.HuberLoss(delta=0.7), (2, 3), (2, 3)),
    "CrossEntropyLoss": (nn.CrossEntropyLoss, (2, 4), indices(4, 2)),
    "CrossEntropyLoss over planes": (
        lambda: nn.CrossEntropyLoss(rl.tensor([1.0, 2, 0.5, 3]), ignore_index=1),
        PICTURE,
        indices(4, 2, 6, 6),
    ),
    "CrossEntropyLoss, smoothed": (lambda: nn.CrossEntropyLoss(label_smoothing=0.1), (2, 4), indices(4, 2)),
    "CrossEntropyLoss of chances": (nn.CrossEntropyLoss, (2, 4), chances(2, 4)),
    "NLLLoss": (lambda: nn.NLLLoss(reduction="none"), (2, 4), indices(4, 2)),
    "NLLLoss2d": (nn.NLLLoss2d, PICTURE, indices(4, 2, 6, 6)),
    "LinearCrossEntropyLoss in parts": (
        lambda: nn.LinearCrossEntropyLoss(
            3, 4, options=F.LinearCrossEntropyOptions(chunking_method="auto", batch_chunk_size=1)
        ),
        (2, 3),
        indices(4, 2),
    ),
    "LinearCrossEntropyLoss": (lambda: nn.LinearCrossEntropyLoss(3, 4), (2, 3), indices(4, 2)),
    "BCELoss": (lambda: nn.BCELoss(rl.tensor([1.0, 2, 3])), chances(2, 3), chances(2, 3)),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss, (2, 3), chances(2, 3)),
    "BCEWithLogitsLoss, weighted": (
        lambda: nn.BCEWithLogitsLoss(rl.tensor([1.0, 2, 3]), pos_weight=rl.tensor([3.0, 1, 2])),
        (2, 3),
        chances(2, 3),
    ),
    "KLDivLoss": (lambda: nn.KLDivLoss(reduction="batchmean"), (2, 3), chances(2, 3)),
    "PoissonNLLLoss": (lambda: nn.PoissonNLLLoss(full=True), (2, 3), chances(2, 3)),
    "GaussianNLLLoss": (nn.GaussianNLLLoss, (2, 3), (2, 3), chances(2, 3)),
    "HingeEmbeddingLoss": (nn.HingeEmbeddingLoss, (2, 3), signs(2, 3)),
    "CosineEmbeddingLoss": (nn.CosineEmbeddingLoss, (2, 3), (2, 3), signs(2)),
    "MarginRankingLoss": (nn.MarginRankingLoss, (2, 3), (2, 3), signs(2, 3)),
    "SoftMarginLoss": (nn.SoftMarginLoss, (2, 3), signs(2, 3)),
    "MultiMarginLoss": (lambda: nn.MultiMarginLoss(p=2), (2, 4), indices(4, 2)),
    "MultiLabelSoftMarginLoss": (nn.MultiLabelSoftMarginLoss, (2, 3), chances(2, 3)),
    "TripletMarginLoss": (nn.TripletMarginLoss, (2, 3), (2, 3), (2, 3)),
    "TripletMarginWithDistanceLoss": (nn.TripletMarginWithDistanceLoss, (2, 3), (2, 3), (2, 3)),
}

# Open dimensions of each input, where these are others than the first of all.
AXES = {
    "EmbeddingBag, sum, by offsets": {0: 0},
    "EmbeddingBag, mean, by offsets": {0: 0},
    "EmbeddingBag, max, by offsets": {0: 0},
}

# Layers that are refused, with what their error says.
REFUSED = {
    "CTCLoss": (nn.CTCLoss, (5, 2, 4), indices(3, 2, 3), lambda: rl.tensor([5, 5]), lambda: rl.tensor([3, 2])),
    "AdaptiveLogSoftmaxWithLoss": (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3, 6]), (3, 4), indices(9, 3)),
    "FractionalMaxPool2d": (lambda: nn.FractionalMaxPool2d(2, 3), PICTURE),
    "FractionalMaxPool3d": (lambda: nn.FractionalMaxPool3d(2, 3), VOLUME),
    "MultiLabelMarginLoss": (nn.MultiLabelMarginLoss, (2, 3), indices(3, 2, 3)),
}

# Operations that only a backward pass runs, or that run only where nothing watches.
DERIVATIVES = {
    "addmm_nt", "airy_slope", "avg_unpool", "cofactor", "conj_gradient", "convolution_weight", "copy_grad",
    "diagonal_backward", "gather_backward", "igamma_slope", "in_columns", "index_backward", "index_select_backward",
    "interleaved_sum", "masked_select_backward", "matmul", "mm_nt", "mm_tn", "nll_scatter", "plane_put", "plane_take",
    "resample_adjoint", "sigmoid_backward", "sigmoid_bend", "singular_shift", "slice_backward", "spread",
    "strided_scatter", "strided_sum", "sum_to", "take_backward", "taken_rows", "tanh_backward", "tanh_bend",
    "trace_backward", "unfold_backward", "unpad", "vm", "zeta_slope",
}  # fmt: skip

# Modules that compute nothing themselves, and lazy layers, which are the layers above once they have run.
CONTAINERS = {
    "Container",
    "Module",
    "ModuleDict",
    "ModuleList",
    "ParameterDict",
    "ParameterList",
    "RNNBase",
    "RNNCellBase",
}

MASK = rl.tensor([[True, False], [True, True]])
TABLE = rl.arange(24.0).reshape(4, 3, 2)


def written(x, index, value):
    x = x * 1
    x[index] = value
    return x


class Doubled(rl.autograd.Function):
    """Twice a tensor, written over it."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g


class Same(rl.autograd.Function):
    """A tensor itself, and its square."""

    @staticmethod
    def forward(ctx, x):
        return x, x * x

    @staticmethod
    def backward(ctx, g, h):
        return g


# -- functions of two tensors (2, 4)
FUNCTIONS = [
    lambda x, y: x + 2 * y - x / 3 + y * True,
    lambda x, y: (x - y) ** 2 % 0.7 + x // 0.4,
    lambda x, y: rl.add(x, y, alpha=3) - rl.sub(x, y, alpha=0.5) + (1 - x),
    lambda x, y: (x > y) & (x <= 1) | (y != 0) ^ ~(x < 0),
    lambda x, y: [
        rl.logical_and(x > 0, y > 0),
        rl.logical_or(x > 0, y > 0),
        rl.logical_xor(x > 0, y > 0),
        (x >= y) == (x > 0),
    ],
    lambda x, y: [
        rl.logical_not(x > 0),
        x.isnan(),
        (x / 0).isinf(),
        rl.isfinite(x / 0),
        rl.isposinf(x / 0),
        rl.isneginf(x / 0),
    ],
    lambda x, y: rl.where(x > 0, x, y).masked_fill(y > 1, -1.0),
    lambda x, y: (
        x.clamp(-0.5, 0.5) + y.clamp(min=0) + x.clamp(y, y + 1) + rl.maximum(x, y) + rl.minimum(x, y) + x.clamp(max=0.3)
    ),
    lambda x, y: [
        f(x)
        for f in (
            rl.erf,
            rl.erfc,
            rl.exp2,
            rl.expm1,
            rl.floor,
            rl.ceil,
            rl.round,
            rl.trunc,
            rl.sign,
            rl.square,
            rl.neg,
            rl.abs,
        )
    ],
    lambda x, y: [
        f(x.abs() + 1) for f in (rl.log, rl.log1p, rl.log2, rl.log10, rl.rsqrt, rl.sqrt, rl.reciprocal, rl.acosh)
    ],
    lambda x, y: [
        f(x / 5) for f in (rl.sin, rl.cos, rl.tan, rl.sinh, rl.cosh, rl.asin, rl.acos, rl.atan, rl.asinh, rl.atanh)
    ],
    lambda x, y: [
        rl.exp(x),
        rl.frac(x),
        rl.deg2rad(x),
        rl.rad2deg(x),
        rl.sgn(x),
        x.real,
        x.conj(),
        rl.logit(x, eps=0.1),
    ],
    lambda x, y: [
        rl.atan2(x, y),
        rl.hypot(x, y),
        rl.logaddexp(x, y),
        rl.logaddexp2(x, y),
        rl.xlogy(x, y.abs()),
        rl.fmax(x, y),
        rl.fmin(x, y),
    ],
    lambda x, y: (
        [rl.div(x, y, rounding_mode=mode) for mode in ("floor", "trunc")] + [rl.fmod(x, 0.4), rl.heaviside(x, y)]
    ),
    lambda x, y: [rl.nan_to_num(x / 0, posinf=2.0), rl.isclose(x, y, rtol=1), rl.fmax(x / 0 - x / 0, y)],
    lambda x, y: rl.lerp(x, y, 0.3) + rl.lerp(x, y, y) + rl.addcmul(x, y, y, value=2) + rl.round(x, decimals=2),
    lambda x, y: rl.addcdiv(x, y, x.abs() + 1, value=0.5),
    lambda x, y: [
        x.sum(),
        x.mean(1),
        x.amax((0, 1)),
        x.amin(0, keepdim=True),
        x.prod(1),
        x.logsumexp(0),
        x.norm(dim=1),
    ],
    lambda x, y: [x.norm(3), x.norm(float("inf"), dim=1), x.norm(0), x.norm(1), x.norm(-float("inf"))],
    lambda x, y: [
        x.var(),
        x.std(1, correction=0),
        *rl.var_mean(x, 0),
        *rl.std_mean(x),
        (x > 0).any(1),
        (x > 0).all(),
        (x > 1).sum(0),
    ],
    lambda x, y: [x.argmax(), x.argmin(1), *x.max(1), *x.min(0, keepdim=True), *x.topk(2, 1), x.max(), *x.aminmax()],
    lambda x, y: [*x.sort(1), *x.sort(0, descending=True), x.argsort(1), *x.kthvalue(2), x.median(), *x.median(1)],
    lambda x, y: [rl.count_nonzero(x > 0), rl.count_nonzero(x > 0, 1), rl.nansum(x), rl.quantile(x, 0.3)],
    lambda x, y: [
        x[0],
        x[:, 1:3],
        x[..., None, -1],
        x[::2, :-1],
        x[1, 2],
        x.flip(1),
        x.narrow(1, 1, 2),
        x[None, 0, None],
    ],
    lambda x, y: [
        rl.cat([x, y], 1),
        rl.stack([x, y], -1),
        *x.unbind(1),
        *x.split([1, 3], 1),
        *x.chunk(2, 1),
        *x.chunk(1),
    ],
    lambda x, y: [
        x.T,
        x.t(),
        x.reshape(2, 2, -1),
        x[None].expand(3, 2, 4),
        x.repeat(2, 1, 3),
        x.unsqueeze(0).squeeze(0),
        x.squeeze(),
    ],
    lambda x, y: [
        x.swapaxes(0, 1),
        x.reshape(2, 2, 2).permute(2, 0, 1),
        x.movedim(0, 1),
        x.view_as(y),
        x.ravel(),
        x[0, 0].squeeze(),
    ],
    lambda x, y: [
        x.roll(1, 1),
        x.roll(1),
        x.roll((1, 2), (0, 1)),
        x.rot90(),
        x.rot90(2),
        x.rot90(-1),
        x.unfold(1, 2, 1),
    ],
    lambda x, y: [
        x.diagonal(),
        x.diagonal(1),
        x[:, :2].trace(),
        rl.diag(x[0]),
        rl.diag_embed(x, 1),
        rl.diagonal_copy(x),
        rl.diag_embed(x, -2),
    ],
    lambda x, y: [
        x.repeat_interleave(2, 0),
        x.repeat_interleave(3, 1),
        rl.tile(x, (2, 2)),
        x.expand_as(y),
        *rl.meshgrid(x[0], y[0], indexing="ij"),
    ],
    lambda x, y: [
        x @ y.T,
        rl.mv(x, y[0]),
        rl.dot(x[0], y[0]),
        rl.bmm(x[None], y.T[None]),
        rl.einsum("ij,kj->ik", x, y),
        x[0] @ y.T,
    ],
    lambda x, y: [
        rl.outer(x[0], y[0]),
        rl.vdot(x[0], y[0]),
        rl.linalg.vecdot(x, y),
        rl.kron(x, y),
        rl.linalg.multi_dot([x, y.T, x]),
    ],
    lambda x, y: [
        rl.linalg.cross(x[:, :3], y[:, 1:]),
        rl.cdist(x, y),
        rl.cdist(x, y, p=1.0),
        rl.tensordot(x, y, 2),
        x[:, :2].det(),
    ],
    lambda x, y: [
        rl.baddbmm(x[None, :, :2], x[None], y.T[None], beta=2, alpha=0.5),
        rl.addmm(x[:, :2], x, y.T, beta=0.5),
    ],
    lambda x, y: [
        rl.addmv(x[:, 0], y, x[0], alpha=2),
        rl.addr(x[:, :4], x[:, 0], y[0]),
        rl.addbmm(x[:, :2], x[None], y.T[None]),
    ],
    lambda x, y: [x.tril(), x.triu(1), x.cumsum(1), x.softmax(0), x.log_softmax(1), x.long(), x.double() + 1, x.bool()],
    lambda x, y: [x.long() * 2 + 1, (x * 10).int() % 3, (x > 0).float(), x.long().sum(), x * y.long(), x > y.long()],
    lambda x, y: [
        x.long() / y.double(),
        rl.div(x.long(), 3, rounding_mode="trunc"),
        x.float().to(rl.float64),
        x.type_as(y),
        rl.zeros_like(x) + x,
    ],
    lambda x, y: [
        x.index_select(1, y.argmax(1)),
        x.gather(1, y.argmax(1, True)),
        rl.take_along_dim(x, y.argmax(1, True), 1),
    ],
    lambda x, y: [
        x[y.argmax(0)],
        x[:, y.argmax(1)],
        x[y.argmax(0), y.argmax(0)],
        x[:, None][:, :, y.argmax(1)],
        rl.take(x, y.argmax(1)),
    ],
    lambda x, y: [
        rl.tensor([1.0, 2, 3, 4])[x.argsort(1)],
        x[x.argsort(0)[:, 0]],
        TABLE[:, x.argmax(0) % 2, x.argmax(0)],
        x[[1, 0]],
    ],
    lambda x, y: [
        x.scatter(1, y.argmax(1, True), 2.0),
        x.scatter(1, y.argsort(1), y),
        x.scatter_add(1, y.argsort(1), y),
    ],
    lambda x, y: [
        rl.scatter_reduce(x, 1, y.argsort(1), y, "prod"),
        x.index_add(1, y.argmax(1), y[:, :2], alpha=2),
        x.index_fill(1, y.argmax(1), 3.0),
    ],
    lambda x, y: [
        x.index_copy(1, y[0].argsort(), y),
        written(x, (x.argmax(0), y.argmax(0)), 5.0),
        written(x, x > 0, 0.0),
    ],
    lambda x, y: [x.index_put((y.argmax(0),), y[0], accumulate=True), written(x, (slice(None), x.argmax(1)), 3.0)],
    lambda x, y: [Doubled.apply(x + 1) + y, *Same.apply(x), Same.apply(y + 1)[0] * 2],
    lambda x, y: [F.embedding_bag(x.argsort(1), y.T, mode=mode) for mode in ("sum", "mean", "max")],
    lambda x, y: [rl.diag(x), rl.alias_copy(x), rl.cdist(x, y, compute_mode="use_mm_for_euclid_dist")],
    lambda x, y: [
        F.one_hot(x.argmax(1), 4),
        rl.searchsorted(rl.tensor([-1.0, 0, 1]), x),
        rl.bucketize(x, rl.tensor([-1.0, 0, 1]), right=True),
    ],
    lambda x, y: F.scaled_dot_product_attention(x[None, None], y[None, None], y[None, None], is_causal=True),
    lambda x, y: F.scaled_dot_product_attention(x[None], y[None], y[None], attn_mask=MASK),
    lambda x, y: F.scaled_dot_product_attention(x[None], y[None], y[None], attn_mask=x[:, :2]),
    lambda x, y: F.normalize(x) + F.softplus(y, 2, 1) + x.detach() + x.clone().copy_(y).fill_(2).add_(y).zero_(),
    lambda x, y: [
        F.grid_sample(x.reshape(1, 1, 2, 4), rl.tanh(y).reshape(1, 2, 2, 2), mode=m, align_corners=False)
        for m in ("bilinear", "nearest", "bicubic")
    ],
    lambda x, y: [
        F.interpolate(x[None], scale_factor=2),
        F.pad(x, (1, -1), value=2),
        F.unfold(x[None, None], 2),
        F.linear(x, y, x[0, :2]),
    ],
]
# Those that need a later opset than 17, which they are refused for.
LATER = [
    lambda x, y: [(x > 0).int() & 3, x.int() | y.int(), x.int() ^ 1, ~x.int()],
    lambda x, y: rl.scatter_reduce(x, 1, y.argsort(1), y, "amax"),
]


class Positions(nn.Module):
    """What language models do with the length of their input."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(40, 4)
        self.register_buffer("mask", rl.tril(rl.ones(40, 40)) > 0)
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        n, t, c = x.shape
        x = x + self.table(rl.arange(t))
        heads = self.layer(x).view(n, t, 2, c // 2).transpose(1, 2)
        scores = (heads @ heads.transpose(-2, -1)).masked_fill(~self.mask[:t, :t], float("-inf"))
        out = (scores.softmax(-1) @ heads).transpose(1, 2).contiguous().view(n, t, c)
        early = rl.triu(rl.full((t, t), float("-inf")), diagonal=1)
        return F.scaled_dot_product_attention(out, x, x, attn_mask=early), out[:, -1], out.mean(1) / t


class Sequence(nn.Module):
    """A recurrent layer given its first state."""

    def __init__(self, kind, **options):
        super().__init__()
        self.layer = kind(3, 4, **options)

    def forward(self, x, *states):
        return self.layer(x, states if len(states) > 1 else states[0])


def pairs(x):
    n, t, c = x.shape
    return [
        x.reshape(n * t, c),
        x.unsqueeze(1).expand(n, t, t, c),
        rl.cat([rl.zeros(n, 1, c), x], 1),
        x.view(n, t * c) / n + x.numel() // (t * c),
        x[:, : t - 1] + x[:, 1:],
        x.var((0, 1)),
        x.sum((0, 1)) / (n * 1.0),
        *x.split([t - 2, 2], 1),
        x.sort(1).values,
        x.repeat(2, 1, 1),
        F.one_hot(rl.arange(t), 40),
        rl.ones(n, t)[:, :, None] * x,
    ]


MEMORY = (2, 5, 4)
# -- sizes that are left open: model, shapes of its inputs, the open dimensions of each, and other shapes
OPEN = {
    "positions": (Positions, [(2, 5, 4)], [{0: "n", 1: "t"}], [(3, 9, 4)]),
    "shapes": (lambda: pairs, [(2, 5, 4)], [{0: "n", 1: "t"}], [(7, 3, 4)]),
    "a batch of one": (lambda: nn.GroupNorm(2, 4), [(1, 4, 3)], [{0: "n"}], [(3, 4, 3)]),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, bidirectional=True), [(5, 2, 3)], [{0: "t", 1: "n"}], [(8, 3, 3)]),
    "LSTM of one": (lambda: nn.LSTM(3, 4), [(5, 3)], [{0: "t"}], [(8, 3)]),
    "LSTM with states": (
        lambda: Sequence(nn.LSTM, num_layers=2, batch_first=True),
        [(2, 5, 3), (2, 2, 4), (2, 2, 4)],
        [{0: "n", 1: "t"}, {1: "n"}, {1: "n"}],
        [(3, 4, 3), (2, 3, 4), (2, 3, 4)],
    ),
    "GRU with a state": (
        lambda: Sequence(nn.GRU, bidirectional=True), [(5, 2, 3), (2, 2, 4)], [[0, 1], [1]], [(7, 4, 3), (2, 4, 4)],
    ),
    "RNN": (lambda: nn.RNN(3, 4), [(5, 2, 3)], [[0, 1]], [(7, 4, 3)]),
    "MultiheadAttention": (
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
        [(2, 5, 4), MEMORY, MEMORY],
        [{0: "n", 1: "t"}, {0: "n"}, {0: "n"}],
        [(3, 7, 4), (3, 5, 4), (3, 5, 4)],
    ),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2),
        [(2, 5, 4)],
        [{0: "n", 1: "t"}],
        [(3, 7, 4)],
    ),
    "causal attention": (
        lambda: lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), [(2, 5, 4)], [[0, 1]], [(3, 7, 4)],
    ),
    "pictures": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.PixelShuffle(2), nn.InstanceNorm2d(1),
            nn.ConvTranspose2d(1, 2, 2, 2), nn.Upsample(scale_factor=2), nn.PixelUnshuffle(2), nn.AvgPool2d(2),
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        ),
        [(2, 1, 16, 12)],
        [{0: "n", 2: "h", 3: "w"}],
        [(3, 1, 24, 36)],
    ),
    "ceil_mode": (lambda: nn.MaxPool2d(2, ceil_mode=True), [(2, 1, 6, 6)], [[2, 3]], [(2, 1, 7, 9)]),
    "aligned corners": (
        lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), [(1, 1, 4, 4)], [[2, 3]], [(1, 1, 5, 7)],
    ),
    "bicubic": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), [(1, 1, 4, 4)], [[2, 3]], [(1, 1, 5, 7)]),
}  # fmt: skip

# What cannot follow an open size, with a part of the error.
CLOSED = {
    "a constant": (
        lambda x: x * rl.tensor([float(i * i) for i in range(x.shape[0])])[:, None],
        "takes a constant of shape",
    ),
    "a number": (lambda x: x * x.shape[0] ** 0.5, "takes the number 2.0, made from the size"),
    "a parameter": (lambda x: x.diagonal(x.shape[0] - 4), "a parameter of 'diagonal' follows from a size"),
    "other operations": (lambda x: x + 1 if x.shape[0] == 4 else x, "other operations run"),
    "a resize": (lambda x: F.interpolate(x[None, None], (3, 3)), "to a fixed size from one that is left open"),
    "bins": (lambda x: F.adaptive_avg_pool2d(x[None, None], 3), "adaptive from a size that is left open"),
}
