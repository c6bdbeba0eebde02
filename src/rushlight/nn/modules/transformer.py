"""The Transformer: encoder and decoder layers, stacks of them, and both together.

Vaswani et al., Attention Is All You Need, 2017. Masks are those of `MultiheadAttention`. An `is_causal` says that the
mask beside it is the causal one; where a stack is not told (None), it looks.
"""

import copy
import math

from ...functions.creation import full
from .. import functional as F
from .. import init
from ..functional.heads import additive_mask
from .activation import GELU, ReLU
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip


def generate_square_subsequent_mask(sz, device=None, dtype=None):
    """(sz, sz) of zeros, and -inf above the diagonal: what position i adds to its scores of positions behind it."""
    return full((sz, sz), -math.inf, dtype=dtype, device=device).triu(1)


def _is_causal(mask, told, length):
    """Whether the mask of a stack is the causal one, as told, or by its values."""
    if told is not None or mask is None:
        return bool(told)
    causal = generate_square_subsequent_mask(mask.shape[-2] if length is None else length, dtype=mask.dtype)
    return mask.shape == causal.shape and bool((mask == causal).all())


def _length(sequence, layer):
    """How many positions a sequence has."""
    if sequence.dim() == 2:
        return sequence.shape[0]
    return sequence.shape[1 if layer.self_attn.batch_first else 0] if sequence.dim() == 3 else None


def _clones(layer, count):
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class _Layer(Module):
    """What the layers of encoder and decoder do alike; the order in which they make their parts is that of draws."""

    def _make(
        self, attentions, d_model, nhead, dim_feedforward, dropout, activation, eps, batch_first, norm_first, bias, factory
    ):  # fmt: skip
        for name in attentions:
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **factory)
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **factory)
        self.norm_first = norm_first
        sublayers = range(1, len(attentions) + 2)
        for i in sublayers:
            setattr(self, f"norm{i}", LayerNorm(d_model, eps, bias=bias, **factory))
        for i in sublayers:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _activation(activation) if isinstance(activation, str) else activation

    def __setstate__(self, state):
        super().__setstate__(state)
        if not hasattr(self, "activation"):
            # Pickles of before there was a choice.
            self.activation = F.relu

    def _sublayer(self, x, norm, function):
        """x and what the sublayer makes of it, normalized before or after."""
        return x + function(norm(x)) if self.norm_first else norm(x + function(x))

    def _feed_forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _self_attention(self, x, attn_mask, key_padding_mask, is_causal):
        return self.self_attn(
            x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask, is_causal=is_causal, need_weights=False
        )[0]


class TransformerEncoderLayer(_Layer):
    """Self-attention and two linear maps, each added to what it was given and normalized: (L, N, d_model) to the same.

    (N, L, d_model) with `batch_first`; normalized before each with `norm_first`. `activation` is "relu", "gelu" or a
    function. RuntimeError for another string.

    >>> import rushlight
    >>> layer = rushlight.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16)
    >>> tuple(layer(rushlight.ones(5, 3, 8)).shape)
    (5, 3, 8)
    """

    def __init__(
        self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu, layer_norm_eps=1e-5,
        batch_first=False, norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self._make(
            ("self_attn",), d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias, {"device": device, "dtype": dtype},
        )  # fmt: skip
        kinds = ((F.relu, ReLU), (F.gelu, GELU))
        given = self.activation
        known = [i for i, (function, kind) in enumerate(kinds, 1) if given is function or isinstance(given, kind)]
        self.activation_relu_or_gelu = known[0] if known else 0

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        src_key_padding_mask = additive_mask(
            src_key_padding_mask, "src_key_padding_mask", src.dtype, src_mask, "src_mask"
        )
        src_mask = additive_mask(src_mask, "src_mask", src.dtype)
        x = self._sublayer(src, self.norm1, lambda x: self._sa_block(x, src_mask, src_key_padding_mask, is_causal))
        return self._sublayer(x, self.norm2, self._ff_block)

    # -- under the names that subclasses know
    def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
        return self.dropout1(self._self_attention(x, attn_mask, key_padding_mask, is_causal))

    def _ff_block(self, x):
        return self.dropout2(self._feed_forward(x))


class TransformerDecoderLayer(_Layer):
    """As an encoder layer, with attention to `memory` (S, N, d_model) between: tgt (T, N, d_model) to the same.

    >>> import rushlight
    >>> layer = rushlight.nn.TransformerDecoderLayer(8, 2, dim_feedforward=16)
    >>> tuple(layer(rushlight.ones(5, 3, 8), rushlight.ones(7, 3, 8)).shape)
    (5, 3, 8)
    """

    def __init__(
        self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu, layer_norm_eps=1e-5,
        batch_first=False, norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self._make(
            ("self_attn", "multihead_attn"), d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
            batch_first, norm_first, bias, {"device": device, "dtype": dtype},
        )  # fmt: skip

    def forward(
        self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
        tgt_is_causal=False, memory_is_causal=False,
    ):  # fmt: skip
        def within(x):
            return self._sa_block(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal)

        def across(x):
            return self._mha_block(x, memory, memory_mask, memory_key_padding_mask, memory_is_causal)

        x = self._sublayer(tgt, self.norm1, within)
        x = self._sublayer(x, self.norm2, across)
        return self._sublayer(x, self.norm3, self._ff_block)

    # -- under the names that subclasses know
    def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
        return self.dropout1(self._self_attention(x, attn_mask, key_padding_mask, is_causal))

    def _mha_block(self, x, mem, attn_mask, key_padding_mask, is_causal=False):
        attended, _ = self.multihead_attn(
            x, mem, mem, attn_mask=attn_mask, key_padding_mask=key_padding_mask, is_causal=is_causal, need_weights=False
        )
        return self.dropout2(attended)

    def _ff_block(self, x):
        return self.dropout3(self._feed_forward(x))


class TransformerEncoder(Module):
    """`num_layers` copies of an encoder layer, one after the other, and `norm` of the last one's output.

    `enable_nested_tensor` and `mask_check` are taken and change nothing: padded positions are computed like others.

    >>> import rushlight
    >>> layer = rushlight.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16)
    >>> encoder = rushlight.nn.TransformerEncoder(layer, num_layers=3)
    >>> tuple(encoder(rushlight.ones(5, 3, 8)).shape)
    (5, 3, 8)
    """

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = _clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.use_nested_tensor = False
        self.mask_check = mask_check

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        src_key_padding_mask = additive_mask(src_key_padding_mask, "src_key_padding_mask", src.dtype, mask, "mask")
        mask = additive_mask(mask, "mask", src.dtype)
        is_causal = _is_causal(mask, is_causal, _length(src, self.layers[0]))
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=is_causal, src_key_padding_mask=src_key_padding_mask)
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(Module):
    """`num_layers` copies of a decoder layer, one after the other, and `norm` of the last one's output."""

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = _clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
        tgt_is_causal=None, memory_is_causal=False,
    ):  # fmt: skip
        tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, _length(tgt, self.layers[0]))
        output = tgt
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=tgt_is_causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """An encoder of src (S, N, d_model) and a decoder of tgt (T, N, d_model), which attends to what it gives.

    (N, *, d_model) with `batch_first`. `custom_encoder` and `custom_decoder` take their places. Weights of two or more
    dimensions start Glorot-uniform. RuntimeError for batches or features that do not fit.

    >>> import rushlight
    >>> model = rushlight.nn.Transformer(8, 2, 1, 1, dim_feedforward=16)
    >>> tuple(model(rushlight.ones(7, 3, 8), rushlight.ones(5, 3, 8)).shape)
    (5, 3, 8)
    """

    def __init__(
        self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1,
        activation=F.relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False,
        norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        factory = {"device": device, "dtype": dtype}
        if custom_encoder is None:
            layer = TransformerEncoderLayer(*options, **factory)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*options, **factory)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm)
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self):
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)

    generate_square_subsequent_mask = staticmethod(generate_square_subsequent_mask)

    def forward(
        self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None,
        tgt_key_padding_mask=None, memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None,
        memory_is_causal=False,
    ):  # fmt: skip
        batch = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(batch) != tgt.size(batch):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )


def _activation(name):
    functions = {"relu": F.relu, "gelu": F.gelu}
    if name not in functions:
        raise RuntimeError(f"activation should be relu/gelu, not {name}")
    return functions[name]
