"""Recurrent layers over whole sequences, padded or packed."""

import math
import warnings

from ... import casting
from .. import init
from ..functional import recurrent
from ..parameter import empty_parameter
from ..utils.rnn import PackedSequence
from .cells import GRUCell, LSTMCell, RNNCell, RNNCellBase  # noqa: F401 - PyTorch has them here too
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_TYPES = (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int))
_FUNCTIONS = {
    "LSTM": recurrent.lstm, "GRU": recurrent.gru, "RNN_TANH": recurrent.rnn_tanh, "RNN_RELU": recurrent.rnn_relu,
}  # fmt: skip


class RNNBase(Module):
    """What RNN, LSTM and GRU share: their parameters, and the checks of what they are given.

    A layer has weight_ih_l{k} (gates * hidden_size, input), weight_hh_l{k}, bias_ih_l{k}, bias_hh_l{k} and, with
    proj_size, weight_hr_l{k}; those of the other direction end in _reverse.
    """

    def __init__(
        self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
        bidirectional=False, proj_size=0, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_options(dropout)
        if mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        self._flat_weights_names = []
        self._all_weights = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[: self._directions]:
                self._add_layer(layer, suffix, device, dtype)
        self.reset_parameters()

    @property
    def _directions(self):
        return 2 if self.bidirectional else 1

    def _check_options(self, dropout):
        if isinstance(dropout, bool) or not 0 <= self.dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
                f"greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in _TYPES:
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(getattr(self, name)).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")

    def _add_layer(self, layer, suffix, device, dtype):
        rows = _GATES[self.mode] * self.hidden_size
        out = self.proj_size or self.hidden_size
        shapes = {"weight_ih": (rows, self.input_size if layer == 0 else out * self._directions)}
        shapes["weight_hh"] = (rows, out)
        if self.bias:
            shapes["bias_ih"] = shapes["bias_hh"] = (rows,)
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = [f"{name}_l{layer}{suffix}" for name in shapes]
        for name, shape in zip(names, shapes.values()):
            setattr(self, name, empty_parameter(shape, device, dtype))
        self._flat_weights_names += names
        self._all_weights.append(names)

    @property
    def _flat_weights(self):
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self):
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self):
        """Does nothing: parameters need not lie together in memory."""

    def reset_parameters(self):
        """Draw all parameters anew, uniform within 1/sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self):
        defaults = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False,
        }  # fmt: skip
        shown = [f", {k}={getattr(self, k)}" for k, default in defaults.items() if _shown(getattr(self, k), default)]
        return f"{self.input_size}, {self.hidden_size}" + "".join(shown)

    # -- checks, under the names that subclasses know
    def check_input(self, input, batch_sizes):
        """Refuse an input of another dtype, number of dimensions or size than the layer's."""
        dtype = self._flat_weights[0].dtype
        if input.dtype != dtype and not casting.here():
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert input: "
                f"input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _batch(self, input, batch_sizes):
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return input.size(0) if self.batch_first else input.size(1)

    def get_expected_hidden_size(self, input, batch_sizes):
        """The shape of hx."""
        size = self.proj_size or self.hidden_size
        return self.num_layers * self._directions, self._batch(input, batch_sizes), size

    def get_expected_cell_size(self, input, batch_sizes):
        """The shape of an LSTM's cell state."""
        return self.num_layers * self._directions, self._batch(input, batch_sizes), self.hidden_size

    def check_hidden_size(self, hx, expected_hidden_size, msg="Expected hidden size {}, got {}"):
        """Refuse a hidden state of another shape."""
        if tuple(hx.size()) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input, hidden, batch_sizes):
        """Refuse what the layer cannot take."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx, permutation):
        """hx with its samples in another order, if there is one."""
        return hx if permutation is None else hx.index_select(1, permutation)

    # -- the way forward
    def _run(self, input, hx):
        """(output, hidden) for a tensor or packed sequence."""
        packed = isinstance(input, PackedSequence)
        data, batch_sizes, sorted_indices, unsorted_indices = input if packed else (input, None, None, None)
        alone = False
        if not packed:
            self._check_dimensions(data)
            alone = data.dim() == 2
            data = data.unsqueeze(0 if self.batch_first else 1) if alone else data
            if hx is not None:
                hx = self._batched_hidden(hx, alone)
        if hx is None:
            hx = self._zeros(data, batch_sizes)
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(data, hx, batch_sizes)
        options = (self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        function = _FUNCTIONS[self.mode]
        if packed:
            out, *hidden = function(data, batch_sizes, hx, *options)
            out = PackedSequence(out, batch_sizes, sorted_indices, unsorted_indices)
        else:
            out, *hidden = function(data, hx, *options, self.batch_first)
        if alone:
            out, hidden = out.squeeze(0 if self.batch_first else 1), [h.squeeze(1) for h in hidden]
        return out, self.permute_hidden(self._packed_hidden(hidden), unsorted_indices)

    def _check_dimensions(self, input):
        if input.dim() not in (2, 3):
            kind = "tensor instead" if self.mode.startswith("RNN") else "instead"
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D {kind}")

    def _batched_hidden(self, hx, alone):
        if hx.dim() != (2 if alone else 3):
            given, wanted = ("unbatched 2-D", "2-D") if alone else ("batched 3-D", "3-D")
            raise RuntimeError(f"For {given} input, hx should also be {wanted} but got {hx.dim()}-D tensor")
        return hx.unsqueeze(1) if alone else hx

    def _zeros(self, data, batch_sizes):
        return data.new_zeros(self.get_expected_hidden_size(data, batch_sizes))

    def _packed_hidden(self, hidden):
        return hidden[0]

    def forward(self, input, hx=None):
        return self._run(input, hx)


def _shown(value, default):
    """Whether an option differs from its default; one that is a truth value must be that value itself."""
    return value is not default if isinstance(default, bool) else value != default


def _without_projection(kwargs):
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu, in each layer: input (T, N, input_size), hx (layers, N, H).

    Takes (N, T, F) with batch_first, (T, F) for one sample, or a PackedSequence; returns the outputs of the last layer
    at all times, and the last hidden state of each layer and direction.

    >>> import rushlight
    >>> out, h = rushlight.nn.RNN(3, 4, num_layers=2, bidirectional=True)(rushlight.zeros(5, 1, 3))
    >>> tuple(out.shape), tuple(h.shape)
    ((5, 1, 8), (4, 1, 4))
    """

    def __init__(self, *args, **kwargs):
        _without_projection(kwargs)
        if len(args) > 3:
            self.nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units: input (T, N, input_size), hx (layers, N, hidden_size); otherwise as `RNN`.

    r, z = sigmoid(W x + b + U h + c) of each, n = tanh(W x + b + r * (U h + c)), h' = (1 - z) * n + z * h.
    """

    def __init__(self, *args, **kwargs):
        _without_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory: input (T, N, input_size), hx = (h, c); otherwise as `RNN`.

    i, f, o = sigmoid(W x + b + U h + c) of each, g = tanh of the same, c' = f * c + i * g, h' = o * tanh(c'). With
    proj_size h is projected to as many numbers.

    >>> import rushlight
    >>> out, (h, c) = rushlight.nn.LSTM(3, 4)(rushlight.zeros(5, 1, 3))
    >>> tuple(out.shape), tuple(h.shape), tuple(c.shape)
    ((5, 1, 4), (1, 1, 4), (1, 1, 4))
    """

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)

    def check_forward_args(self, input, hidden, batch_sizes):
        if batch_sizes is None:
            self.check_input(input, batch_sizes)
        elif not isinstance(hidden, (tuple, list)):
            # The function says what it takes.
            return
        sizes = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        for i, size in enumerate(sizes):
            self.check_hidden_size(hidden[i], size, f"Expected hidden[{i}] size {{}}, got {{}}")

    def permute_hidden(self, hx, permutation):
        if permutation is None:
            return hx
        return tuple([h.index_select(1, permutation) for h in hx])

    def _batched_hidden(self, hx, alone):
        dims = hx[0].dim(), hx[1].dim()
        wanted = 2 if alone else 3
        if dims != (wanted, wanted):
            given = "unbatched 2-D" if alone else "batched 3-D"
            raise RuntimeError(
                f"For {given} input, hx and cx should also be {wanted}-D but got ({dims[0]}-D, {dims[1]}-D) tensors"
            )
        return tuple([h.unsqueeze(1) for h in hx]) if alone else hx

    def _zeros(self, data, batch_sizes):
        sizes = self.get_expected_hidden_size(data, batch_sizes), self.get_expected_cell_size(data, batch_sizes)
        return tuple([data.new_zeros(size) for size in sizes])

    def _packed_hidden(self, hidden):
        return tuple(hidden)
