"""Recurrent layers and cells, made of other operations, so that derivatives of any order and vmap follow from theirs.

Each layer multiplies its whole input by its input weights at once; then it goes through time, a step at a time. Packed
sequences, sorted by length, lie one time after the other: the samples that have ended fall off the end of a step.
"""

from ... import casting
from ...core import TensorBase
from ...functions.joining import cat, stack
from ...functions.linear import linear
from ...ops.recurrent import gru_gates, lstm_gates
from .arguments import check_optional, check_tensor, check_tensors, type_name
from .dropout import dropout as dropped


def lstm(*args):
    """lstm(input, (h, c), params, has_biases, num_layers, dropout, train, bidirectional, batch_first): out, h, c.

    `input` (T, N, F), or (N, T, F) with batch_first; h and c (layers * directions, N, H). `params` are the weights and
    biases of each layer and direction in turn, as `nn.LSTM` has them. Packed sequences are given as (data, batch_sizes,
    (h, c), params, has_biases, num_layers, dropout, train, bidirectional).
    """
    packed = len(args) > 2 and isinstance(args[2], (tuple, list)) and isinstance(args[1], TensorBase)
    _check_arguments("lstm", args, hx=args[2 if packed else 1] if len(args) > 2 else None, several=True)
    hx = args[2 if packed else 1]
    if len(hx) != 2:
        raise RuntimeError("lstm expects two hidden states")
    if casting.in_force:
        hx = casting.low(*hx)
    projected = hx[0].shape[2] != hx[1].shape[2]
    out, finals = _layers(lstm_step, args, packed, tuple(hx), projected)
    return out, *finals


def gru(*args):
    """gru(input, h, params, has_biases, num_layers, dropout, train, bidirectional, batch_first): out, h; see `lstm`."""
    return _simple("gru", gru_step, args)


def rnn_tanh(*args):
    """rnn_tanh(input, h, params, has_biases, num_layers, dropout, train, bidirectional, batch_first): see `lstm`."""
    return _simple("rnn_tanh", tanh_step, args)


def rnn_relu(*args):
    """rnn_relu(input, h, params, has_biases, num_layers, dropout, train, bidirectional, batch_first): see `lstm`."""
    return _simple("rnn_relu", relu_step, args)


def _simple(name, step, args):
    packed = len(args) > 2 and isinstance(args[2], TensorBase)
    hx = args[2 if packed else 1] if len(args) > 2 else None
    _check_arguments(name, args, hx, several=False)
    out, finals = _layers(step, args, packed, (hx,), False)
    return out, *finals


def _check_arguments(name, args, hx, several):
    fits = isinstance(hx, (tuple, list)) if several else isinstance(hx, TensorBase)
    if len(args) == 9 and isinstance(args[0], TensorBase) and fits:
        return
    hidden = "tuple of Tensors hx" if several else "Tensor hx"
    rest = "tuple of Tensors params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional"
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({', '.join([type_name(x) for x in args])}), "
        f"but expected one of:\n * (Tensor data, Tensor batch_sizes, {hidden}, {rest})\n"
        f" * (Tensor input, {hidden}, {rest}, bool batch_first)"
    )


# ---- cells


def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """tanh(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh): input (N, F), hx (N, H)."""
    _check_cell("rnn_tanh_cell", input, hx, w_hh, w_ih, 1, b_ih, b_hh)
    return tanh_step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]


def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """relu(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh): input (N, F), hx (N, H)."""
    _check_cell("rnn_relu_cell", input, hx, w_hh, w_ih, 1, b_ih, b_hh)
    return relu_step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """The next hidden state of a gated recurrent unit: input (N, F), hx (N, H), w_ih (3 H, F), w_hh (3 H, H)."""
    _check_cell("gru_cell", input, hx, w_hh, w_ih, 3, b_ih, b_hh)
    return gru_step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """The next (h, c) of a long short-term memory: input (N, F), hx = (h, c) of (N, H), w_ih (4 H, F), w_hh (4 H, H)."""
    if not isinstance(hx, (tuple, list)):
        raise TypeError(f"lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not {type_name(hx)}")
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    _check_cell("lstm_cell", input, hx[0], w_hh, w_ih, 4, b_ih, b_hh)
    return lstm_step(linear(input, w_ih, b_ih), tuple(hx), w_hh, b_hh)


def _check_cell(name, input, hx, w_hh, w_ih, gates, b_ih, b_hh):
    check_tensor(input, name)
    check_tensor(hx, name, 2, "hx")
    check_tensors(name, 3, w_ih=w_ih, w_hh=w_hh)
    check_optional(b_ih, name, 5, "b_ih")
    check_optional(b_hh, name, 6, "b_hh")
    for x in (w_ih, w_hh):
        if x._array.ndim != 2:
            raise RuntimeError(f"{name}: expected weights of 2 dimensions, but got {x._array.ndim}")
    batch, states = input._array.shape[:-1], hx._array.shape[:-1]
    if len(batch) == len(states) == 1 and batch != states:
        raise RuntimeError(f"Input batch size {batch[0]} doesn't match hidden0 batch size {states[0]}")
    hidden, rows = w_hh._array.shape[1], w_ih._array.shape[0]
    if rows != gates * hidden:
        times = f"{gates} * hidden_size" if gates > 1 else "hidden_size"
        raise RuntimeError(f"weight_ih first dim must be {times} = {gates * hidden}, but got {rows}")


# A step takes what the input gives to its gates, the state, and the hidden weights; it returns the next state.


def tanh_step(given, state, w_hh, b_hh):
    return ((given + linear(state[0], w_hh, b_hh)).tanh(),)


def relu_step(given, state, w_hh, b_hh):
    return ((given + linear(state[0], w_hh, b_hh)).relu(),)


def gru_step(given, state, w_hh, b_hh):
    h = state[0]
    return (gru_gates(given, linear(h, w_hh, b_hh), h)[0],)


def lstm_step(given, state, w_hh, b_hh, w_hr=None):
    h, c = state
    h, c, _ = lstm_gates(given, linear(h, w_hh, b_hh), c)
    return (h if w_hr is None else linear(h, w_hr)), c


# ---- layers


def _layers(step, args, packed, hidden, projected):
    """(output, final states) of all layers."""
    if packed:
        sequence, batch_sizes, _, params, has_biases, num_layers, dropout, train, bidirectional = args
        sizes, batch_first = batch_sizes.tolist(), False
    else:
        sequence, _, params, has_biases, num_layers, dropout, train, bidirectional, batch_first = args
        sizes = None
    if batch_first:
        sequence = sequence.transpose(0, 1)
    if packed and sequence.ndim != 2:
        raise RuntimeError(f"input must have 2 dimensions, got {sequence.ndim}")
    if sequence.shape[0] == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    each = 2 + 2 * bool(has_biases) + projected
    if len(params) % each:
        stated = f"MatrixRef: ArrayRef size {len(params)} not divisible by stride {each}"
        raise RuntimeError(stated if len(hidden) == 2 else "got an incorrect number of RNN parameters")
    weights = _grouped(params, each, bool(has_biases))
    directions = 2 if bidirectional else 1
    if len(weights) < num_layers * directions:
        raise RuntimeError("Expected more weights in stacked_rnn")
    finals = []
    for layer in range(num_layers):
        outs = []
        for place in range(layer * directions, (layer + 1) * directions):
            start = [h.select(0, place) for h in hidden]
            out, final = _through_time(step, sequence, start, weights[place], sizes, place % directions)
            outs.append(out)
            finals.append(final)
        sequence = outs[0] if directions == 1 else cat(outs, -1)
        if dropout and train and layer < num_layers - 1:
            sequence = dropped(sequence, dropout, True)
    if batch_first:
        sequence = sequence.transpose(0, 1)
    return sequence, [stack(states) for states in zip(*finals)]


def _grouped(params, each, has_biases):
    """The parameters of each layer and direction: w_ih, w_hh, b_ih, b_hh, and w_hr where there is one."""
    groups = [list(params[i : i + each]) for i in range(0, len(params), each)]
    return groups if has_biases else [[w_ih, w_hh, None, None, *w_hr] for w_ih, w_hh, *w_hr in groups]


def _through_time(step, sequence, state, weights, sizes, backward):
    """(outputs of all times, final state) of one layer in one direction."""
    w_ih, w_hh, b_ih, b_hh, *w_hr = weights
    given = linear(sequence, w_ih, b_ih)
    given = given.unbind(0) if sizes is None else given.split(sizes)
    walk = _backward if backward else _forward
    outs, final = walk(lambda x, state: step(x, state, w_hh, b_hh, *w_hr), given, state)
    return (stack(outs) if sizes is None else cat(outs)), final


def _forward(step, given, state):
    outs, ended = [], []
    for x in given:
        rows = x.shape[0]
        if rows < state[0].shape[0]:
            ended.append([h.narrow(0, rows, h.shape[0] - rows) for h in state])
            state = [h.narrow(0, 0, rows) for h in state]
        state = step(x, state)
        outs.append(state[0])
    if ended:
        state = [cat(parts) for parts in zip(state, *reversed(ended))]
    return outs, state


def _backward(step, given, start):
    outs, state = [], [h.narrow(0, 0, given[-1].shape[0]) for h in start]
    for x in reversed(given):
        rows, more = state[0].shape[0], x.shape[0]
        if more > rows:
            state = [cat((h, first.narrow(0, rows, more - rows))) for h, first in zip(state, start)]
        state = step(x, state)
        outs.append(state[0])
    return outs[::-1], state
