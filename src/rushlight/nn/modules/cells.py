"""Recurrent cells, which take one step."""

import math

from ...functions.linear import linear
from .. import init
from ..functional import recurrent
from ..parameter import empty_parameter
from .module import Module

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What the cells share: weight_ih (gates * hidden_size, input_size), weight_hh, bias_ih and bias_hh."""

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = empty_parameter((rows, input_size), device, dtype)
        self.weight_hh = empty_parameter((rows, hidden_size), device, dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, empty_parameter((rows,), device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters anew, uniform within 1/sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self):
        shown = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            shown += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return shown if nonlinearity == "tanh" else f"{shown}, nonlinearity={nonlinearity}"

    def _check(self, input, hidden, names):
        """Refuse an input or hidden states whose dimensions do not fit."""
        kind = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{kind}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for h, name in zip(hidden, names):
            if h.dim() not in (1, 2):
                raise ValueError(f"{kind}: Expected {name} to be 1D or 2D, got {h.dim()}D instead")

    def _check_sizes(self, input, hidden):
        rows, size = input._array.shape
        if size != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {size} expected {self.input_size}")
        for i, h in enumerate(hidden):
            own_rows, size = h._array.shape
            if own_rows != rows:
                raise RuntimeError(f"Input batch size {rows} doesn't match hidden{i} batch size {own_rows}")
            if size != self.hidden_size:
                raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {size}, expected {self.hidden_size}")

    def _fitting(self, gates, input, *hidden):
        """The parameters, where input and states are matrices that fit them, as nearly always, else None."""
        own = self._parameters
        try:
            w_ih, w_hh, b_ih, b_hh = own["weight_ih"], own["weight_hh"], own["bias_ih"], own["bias_hh"]
            rows, size = input._array.shape
            columns = self.hidden_size
            if w_ih._array.shape != (gates * columns, size) or w_hh._array.shape != (gates * columns, columns):
                return None
            for h in hidden:
                if h._array.shape != (rows, columns):
                    return None
        except (AttributeError, KeyError, ValueError):
            return None
        return w_ih, w_hh, b_ih, b_hh

    def _step(self, function, input, hx):
        """The next hidden state."""
        self._check(input, () if hx is None else (hx,), ("hidden",))
        alone = input.dim() == 1
        rows = input.unsqueeze(0) if alone else input
        if hx is None:
            hx = rows.new_zeros(rows.size(0), self.hidden_size)
        elif alone:
            hx = hx.unsqueeze(0)
        self._check_sizes(rows, (hx,))
        out = function(rows, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return out.squeeze(0) if alone else out


_SIMPLE = {
    "tanh": (recurrent.tanh_step, recurrent.rnn_tanh_cell),
    "relu": (recurrent.relu_step, recurrent.rnn_relu_cell),
}


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu: input (N, input_size), hx (N, hidden_size), or one sample.

    >>> import rushlight
    >>> rushlight.nn.RNNCell(3, 4)(rushlight.zeros(2, 3)).shape == (2, 4)
    True
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in _SIMPLE:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        step, cell = _SIMPLE[self.nonlinearity]
        if found := self._fitting(1, input, hx):
            w_ih, w_hh, b_ih, b_hh = found
            return step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]
        return self._step(cell, input, hx)


class GRUCell(RNNCellBase):
    """One step of a `GRU`: input (N, input_size), hx (N, hidden_size), or one sample."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        if found := self._fitting(3, input, hx):
            w_ih, w_hh, b_ih, b_hh = found
            return recurrent.gru_step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]
        return self._step(recurrent.gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of an `LSTM`: input (N, input_size), hx = (h, c) of (N, hidden_size), or one sample; returns (h, c)."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        if type(hx) is tuple and len(hx) == 2 and (found := self._fitting(4, input, *hx)):
            w_ih, w_hh, b_ih, b_hh = found
            return recurrent.lstm_step(linear(input, w_ih, b_ih), hx, w_hh, b_hh)
        self._check(input, () if hx is None else hx, ("hx[0]", "hx[1]"))
        if hx is not None and not isinstance(hx, (tuple, list)) and input.dim() == 2:
            raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor")
        alone = input.dim() == 1
        rows = input.unsqueeze(0) if alone else input
        if hx is None:
            hx = (rows.new_zeros(rows.size(0), self.hidden_size),) * 2
        elif alone:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        self._check_sizes(rows, hx)
        out = recurrent.lstm_cell(rows, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return tuple([h.squeeze(0) for h in out]) if alone else out
