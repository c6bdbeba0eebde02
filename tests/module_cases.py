"""A row for every layer and loss of nn: how it is made, and what it is called with.

`args` is the text between the parentheses of its constructor (`nn` and `m` are the module's), `inputs` a function of a
maker: r(*shape) draws floats that get gradients, r.within(low, high, *shape) from an interval, r.fixed(*shape) without
gradients, r.ints(high, *shape) whole numbers, r.signs(*shape) 1 and -1, r.holes(*shape) truth values; what is no array
is handed on as it is.
"""


class Case:
    def __init__(self, name, args, inputs, *, random=False, near=False, named=None, prepare=None):
        # `random`: in training it draws what may come from other streams; `near`: what it begins with is equal within
        # rounding (normal draws, means); `named`: keyword arguments of the call; `prepare`: makes the inputs of what r
        # draws.
        self.name, self.args, self.inputs = name, args, inputs
        self.random, self.near, self.named, self.prepare = random, near, named or {}, prepare

    def __repr__(self):
        return f"{self.name}({self.args})"


def _shaped(*shape):
    return lambda r: (r(*shape),)


def _same(names, args, *shape, **options):
    return [Case(name, args, _shaped(*shape), **options) for name in names.split()]


# An input for 1, 2 or 3 dimensions of space.
SPACE = {1: (2, 4, 9), 2: (2, 4, 6, 7), 3: (2, 4, 5, 6, 4)}


def _each(name, args, dims=(1, 2, 3), **options):
    return [Case(f"{name}{d}d", args, _shaped(*SPACE[d]), **options) for d in dims]


def _unpooled(m, d):
    def prepare(x):
        pooled, indices = getattr(m.nn, f"MaxPool{d}d")(2, return_indices=True)(x)
        return pooled, indices

    return prepare


def _loss(name, args="", target=lambda r: r.fixed(3, 4), x=lambda r: r(3, 4)):
    return [Case(name, ", ".join([*([args] if args else []), more]), lambda r: (x(r), target(r)))
            for more in ("", "reduction='sum'", "reduction='none'")[: 1 if "reduction" in args else 3]]  # fmt: skip


ACTIVATIONS = [
    *_same("ReLU SELU SiLU Mish Hardsigmoid Hardswish ReLU6 ELU CELU LeakyReLU Sigmoid LogSigmoid Tanh Tanhshrink "
           "Softsign Hardshrink Softshrink Softplus Hardtanh GELU GLU PReLU", "", 3, 4),
    *_same("RReLU", "", 3, 4, random=True),
    *_same("Softmax Softmin LogSoftmax", "1", 3, 4),
    Case("Hardtanh", "-0.5, 0.7", _shaped(3, 4)), Case("Threshold", "0.1, 2.0", _shaped(3, 4)),
    Case("ELU", "0.5", _shaped(3, 4)), Case("GELU", "'tanh'", _shaped(3, 4)), Case("Softplus", "2, 0.5", _shaped(3, 4)),
    Case("PReLU", "4, init=0.1", _shaped(3, 4)), Case("Softmax2d", "", _shaped(2, 3, 4, 4)),
    Case("MultiheadAttention", "8, 2", lambda r: (r(5, 2, 8),) * 3),
    Case("MultiheadAttention", "8, 2, bias=False, batch_first=True", lambda r: (r(2, 5, 8), r(2, 6, 8), r(2, 6, 8))),
    Case("MultiheadAttention", "8, 4, add_bias_kv=True, add_zero_attn=True, kdim=3, vdim=5",
         lambda r: (r(5, 2, 8), r(4, 2, 3), r(4, 2, 5), r.holes(2, 4)), near=True,
         named={"average_attn_weights": False}),
    Case("MultiheadAttention", "8, 2", lambda r: (r(5, 8),) * 3, named={"need_weights": False}),
]  # fmt: skip

LINEAR = [
    Case("Linear", "3, 4", _shaped(2, 5, 3)), Case("Linear", "3, 4, bias=False", _shaped(3)),
    Case("Bilinear", "3, 4, 5", lambda r: (r(2, 3), r(2, 4))), Case("Identity", "1, a=2", _shaped(3)),
    Case("Flatten", "0, 1", _shaped(2, 3, 4)), Case("Unflatten", "1, (2, 3)", _shaped(2, 6, 2)),
    Case("LazyLinear", "4", _shaped(2, 3)),
    Case("DataParallel", "nn.Linear(3, 4)", _shaped(2, 3)),
    Case("Embedding", "7, 3, padding_idx=2", lambda r: (r.ints(7, 4, 2),), near=True),
    Case("Embedding", "7, 3, max_norm=1.0, scale_grad_by_freq=True", lambda r: (r.ints(7, 4, 2),), near=True),
    Case("EmbeddingBag", "7, 3, mode='sum', padding_idx=1", lambda r: (r.ints(7, 4, 2),), near=True),
    Case("EmbeddingBag", "7, 3, mode='max'", lambda r: (r.ints(7, 4, 2),), near=True),
    Case("CosineSimilarity", "", lambda r: (r(3, 4), r(3, 4))),
    Case("PairwiseDistance", "1.5, keepdim=True", lambda r: (r(3, 4), r(3, 4))),
    *_same("Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout", "0.3", 2, 3, 4, random=True),
    *_same("PixelShuffle", "2", 2, 8, 3, 3), *_same("PixelUnshuffle ChannelShuffle", "2", 2, 4, 4, 4),
    Case("Fold", "(4, 5), 2", _shaped(2, 12, 12)), Case("Unfold", "2, padding=1", _shaped(2, 3, 4, 5)),
    Case("Upsample", "scale_factor=2, mode='bilinear'", _shaped(2, 3, 4, 5)),
    Case("Upsample", "7", _shaped(2, 3, 4)), Case("UpsamplingNearest2d", "6", _shaped(2, 3, 4, 5)),
    Case("UpsamplingBilinear2d", "scale_factor=2", _shaped(2, 3, 4, 5)),
]  # fmt: skip

CONVOLUTION = [
    *_each("Conv", "4, 6, 3, padding=1"), *_each("Conv", "4, 6, 2, stride=2, groups=2, bias=False"),
    *_each("Conv", "4, 2, 3, padding='same', dilation=2"),
    *_each("Conv", "4, 2, 3, padding=1, padding_mode='reflect'", (1, 2)),
    *_each("Conv", "4, 2, 3, padding=1, padding_mode='circular'", (3,)),
    *_each("ConvTranspose", "4, 6, 3"), *_each("ConvTranspose", "4, 2, 3, 2, 1, output_padding=1, groups=2, bias=False"),
    *_each("LazyConv", "6, 3"), *_each("LazyConvTranspose", "6, 3"),
]  # fmt: skip

POOLING = [
    *_each("MaxPool", "2"), *_each("MaxPool", "3, stride=2, padding=1, ceil_mode=True"),
    *_each("MaxPool", "2, return_indices=True"), *_each("AvgPool", "2"), *_each("LPPool", "2, 3"),
    *_each("AvgPool", "3, stride=2, padding=1, count_include_pad=False"), *_each("AdaptiveAvgPool", "3"),
    *_each("AdaptiveMaxPool", "2"), *_each("AdaptiveMaxPool", "2, return_indices=True"),
    Case("FractionalMaxPool2d", "2, output_size=3", _shaped(*SPACE[2])),
    Case("FractionalMaxPool3d", "2, output_size=(3, 3, 2)", _shaped(*SPACE[3])),
    *_each("FractionalMaxPool", "2, output_ratio=0.6", (2, 3)),
    *[Case(f"MaxUnpool{d}d", "2", _shaped(2, 3, *[4] * d), prepare=lambda m, d=d: _unpooled(m, d)) for d in (1, 2, 3)],
]  # fmt: skip

PADDING = [
    *_each("ConstantPad", "1, 0.5"), *_each("ZeroPad", "2"), *_each("ReflectionPad", "1"),
    *_each("ReplicationPad", "2"), *_each("CircularPad", "1"),
    Case("ReflectionPad2d", "(1, 2, 0, 3)", _shaped(2, 3, 5, 6)),
]  # fmt: skip

NORMALIZATION = [
    *_each("BatchNorm", "4"), *_each("BatchNorm", "4, momentum=None, affine=False"),
    *_each("BatchNorm", "4, track_running_stats=False, bias=False"), *_each("InstanceNorm", "4"),
    *_each("InstanceNorm", "4, affine=True, track_running_stats=True"), *_each("LazyBatchNorm", "", near=True),
    *_each("LazyInstanceNorm", "affine=True, track_running_stats=True", near=True),
    Case("BatchNorm1d", "4", _shaped(3, 4)), Case("SyncBatchNorm", "4", _shaped(3, 4, 2)),
    Case("LayerNorm", "(3, 4)", _shaped(2, 3, 4)), Case("LayerNorm", "4, bias=False, eps=0.1", _shaped(2, 3, 4)),
    Case("RMSNorm", "4", _shaped(2, 3, 4)), Case("GroupNorm", "2, 4", _shaped(2, 4, 3)),
    Case("GroupNorm", "2, 4, affine=False", _shaped(2, 4, 3, 2)), Case("LocalResponseNorm", "2", _shaped(2, 4, 3, 3)),
    # PyTorch's sums over neighbours are wrong, more so with a larger alpha.
    Case("CrossMapLRN2d", "3, 1e-6, k=2.0", _shaped(2, 2, 3, 3)),
]  # fmt: skip

_ENCODER = "nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)"
_DECODER = "nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True)"
_SMALL = "8, 2, dim_feedforward=16, dropout=0.0"
RECURRENT = [
    *_same("RNN LSTM GRU", "3, 4", 5, 2, 3), *_same("RNN LSTM GRU", "3, 4, 2, bidirectional=True", 5, 3),
    *_same("RNN LSTM GRU", "3, 4, num_layers=2, bias=False, batch_first=True", 2, 5, 3),
    Case("RNN", "3, 4, nonlinearity='relu'", lambda r: (r(5, 2, 3), r(1, 2, 4))),
    Case("LSTM", "3, 4, proj_size=2", lambda r: (r(5, 2, 3), (r(1, 2, 2), r(1, 2, 4)))),
    Case("LSTM", "3, 4, num_layers=2, dropout=0.4", _shaped(5, 2, 3), random=True),
    Case("GRU", "3, 4, bidirectional=True", lambda r: (r(5, 2, 3), r(2, 2, 4))),
    *_same("RNNCell LSTMCell GRUCell", "3, 4", 2, 3), *_same("RNNCell LSTMCell GRUCell", "3, 4, bias=False", 3),
    Case("RNNCell", "3, 4, nonlinearity='relu'", lambda r: (r(2, 3), r(2, 4))),
    Case("LSTMCell", "3, 4", lambda r: (r(2, 3), (r(2, 4), r(2, 4)))),
    Case("TransformerEncoderLayer", _SMALL, _shaped(5, 2, 8)),
    Case("TransformerEncoderLayer", _SMALL + ", activation=nn.GELU(), batch_first=True, norm_first=True, bias=False",
         lambda r: (r(2, 5, 8), None, r.holes(2, 5))),
    Case("TransformerEncoderLayer", "8, 2, 16, dropout=0.3", _shaped(5, 8), random=True),
    Case("TransformerDecoderLayer", _SMALL + ", activation='gelu'", lambda r: (r(5, 2, 8), r(4, 2, 8))),
    Case("TransformerDecoderLayer", _SMALL + ", norm_first=True",
         lambda r: (r(5, 2, 8), r(4, 2, 8), r.fixed(5, 5), r.holes(5, 4))),
    Case("TransformerEncoder", _ENCODER + ", 2, norm=nn.LayerNorm(8), enable_nested_tensor=False",
         lambda r: (r(5, 2, 8), r.causal(5))),
    Case("TransformerDecoder", _DECODER + ", 2", lambda r: (r(2, 5, 8), r(2, 4, 8), r.causal(5))),
    Case("Transformer", "8, 2, 1, 2, 16, dropout=0.0, batch_first=True", lambda r: (r(2, 5, 8), r(2, 4, 8))),
]  # fmt: skip

LOSSES = [
    *_loss("L1Loss"), *_loss("MSELoss"), *_loss("HuberLoss", "delta=0.4"), *_loss("SmoothL1Loss", "beta=0.4"),
    *_loss("CrossEntropyLoss", "label_smoothing=0.1", lambda r: r.ints(4, 3)),
    *_loss("CrossEntropyLoss", "m.tensor([1.0, 2.0, 3.0, 0.5]), ignore_index=1", lambda r: r.ints(4, 3)),
    *_loss("CrossEntropyLoss", "", lambda r: r.within(0, 1, 3, 4)),
    *_loss("LinearCrossEntropyLoss", "4, 5, bias=True", lambda r: r.ints(5, 3)),
    Case("LinearCrossEntropyLoss", "4, 5, options=nn.LinearCrossEntropyOptions(batch_chunk_size=2)",
         lambda r: (r(3, 4), r.ints(5, 3))),
    Case("LinearCrossEntropyLoss", "4, 5, out_features=(2,), bias=True, weight=m.ones(5)",
         lambda r: (r(3, 4), r.ints(5, 3, 2))),
    *_loss("NLLLoss", "", lambda r: r.ints(4, 3)), *_loss("NLLLoss2d", "", lambda r: r.ints(4, 3, 2, 2),
                                                         lambda r: r(3, 4, 2, 2)),
    *_loss("BCELoss", "", lambda r: r.within(0, 1, 3, 4), lambda r: r.within(0.1, 0.9, 3, 4)),
    *_loss("BCEWithLogitsLoss", "pos_weight=m.tensor([1.0, 2.0, 3.0, 0.5])", lambda r: r.within(0, 1, 3, 4)),
    *_loss("KLDivLoss", "", lambda r: r.within(0.1, 1, 3, 4)), *_loss("KLDivLoss", "reduction='batchmean', log_target=True"),
    *_loss("PoissonNLLLoss", "full=True", lambda r: r.within(0.5, 3, 3, 4)),
    Case("GaussianNLLLoss", "full=True", lambda r: (r(3, 4), r.fixed(3, 4), r.within(0.1, 1, 3, 4))),
    *_loss("HingeEmbeddingLoss", "margin=0.7", lambda r: r.signs(3, 4)), *_loss("SoftMarginLoss", "", lambda r: r.signs(3, 4)),
    *_loss("MultiLabelMarginLoss", "", lambda r: r.ints(4, 3, 4)),
    *_loss("MultiLabelSoftMarginLoss", "", lambda r: r.within(0, 1, 3, 4)),
    *_loss("MultiMarginLoss", "p=2, margin=0.7", lambda r: r.ints(4, 3)),
    Case("CosineEmbeddingLoss", "margin=0.1", lambda r: (r(3, 4), r(3, 4), r.signs(3))),
    Case("MarginRankingLoss", "margin=0.1", lambda r: (r(3), r(3), r.signs(3))),
    Case("TripletMarginLoss", "swap=True", lambda r: (r(3, 4), r(3, 4), r(3, 4))),
    Case("TripletMarginWithDistanceLoss", "margin=0.5", lambda r: (r(3, 4), r(3, 4), r(3, 4))),
    Case("CTCLoss", "zero_infinity=True", lambda r: (r(6, 2, 4), r.ints(3, 2, 2, low=1), (6, 5), (2, 1)),
         prepare=lambda m: lambda x, *rest: (x.log_softmax(2), *rest)),
    Case("AdaptiveLogSoftmaxWithLoss", "16, 20, [4, 10], div_value=2.0, head_bias=True",
         lambda r: (r(5, 16), r.ints(20, 5))),
    Case("AdaptiveLogSoftmaxWithLoss", "16, 20, [4, 10]", lambda r: (r(16), r.ints(20))),
]  # fmt: skip

CASES = [
    *ACTIVATIONS, *LINEAR, *CONVOLUTION, *POOLING, *PADDING, *NORMALIZATION, *RECURRENT, *LOSSES,
]  # fmt: skip

# Without a call of their own: what others are made of, or hold.
BASES = {
    "Container", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase",
    "Sequential",
}  # fmt: skip
