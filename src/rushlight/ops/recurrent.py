"""What a long short-term memory and a gated recurrent unit do with their gates.

Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, with the forget gate of Gers et al., 2000; Cho et al., Learning
Phrase Representations using RNN Encoder-Decoder, 2014.
"""

import numpy as np

from ..kernels import load
from .activation import sigmoid_backward
from .batch_rules import as_it_is
from .declare import general
from .join import cat


def by_gate(x, gates=4):
    """Its parts: enter, forget, new, leave; or of three reset, keep, new."""
    n = x.shape[-1] // gates
    return [x.narrow(-1, i * n, n) for i in range(gates)]


def joined(parts):
    return cat(*parts, dim=parts[0].ndim - 1, sizes=(parts[0].shape[-1],) * len(parts))


def slopes(parts, gates):
    """What changes the four sums by `parts` does to the gates; the same matrix takes gradients back."""
    enter, forget, new, leave = gates
    return [
        sigmoid_backward(parts[0], enter),
        sigmoid_backward(parts[1], forget),
        parts[2] * (1 - new * new),
        sigmoid_backward(parts[3], leave),
    ]


def through_gates(g, c, following, gates):
    enter, forget, new, leave = by_gate(gates)
    of_h, of_following, of_gates = g
    shown = following.tanh()
    of_h = following.detach() * 0 if of_h is None else of_h
    through_h = of_h * leave * (1 - shown * shown)
    of_following = through_h if of_following is None else of_following + through_h
    parts = [of_following * new, of_following * c, of_following * enter, of_h * shown]
    if of_gates is not None:
        parts = [part + more for part, more in zip(parts, by_gate(of_gates))]
    of_sum = joined(slopes(parts, (enter, forget, new, leave)))
    return of_sum, of_sum, of_following * forget


def push_gates(given_t, kept_t, c_t, c, following, gates):
    enter, forget, new, leave = by_gate(gates)
    shown = following.tanh()
    change = c.detach() * 0 if c_t is None else forget * c_t
    gates_t = gates.detach() * 0
    if given_t is not None or kept_t is not None:
        sums_t = kept_t if given_t is None else given_t if kept_t is None else given_t + kept_t
        parts = slopes(by_gate(sums_t), (enter, forget, new, leave))
        gates_t = joined(parts)
        change = change + parts[1] * c + parts[0] * new + enter * parts[2]
        return parts[3] * shown + leave * (1 - shown * shown) * change, change, gates_t
    return leave * (1 - shown * shown) * change, change, gates_t


def check_gates(given, kept, c):
    if given.shape != kept.shape or (*c.shape[:-1], 4 * c.shape[-1]) != tuple(given.shape):
        raise RuntimeError(
            f"lstm_cell: gates of size {list(given.shape)} and {list(kept.shape)} do not fit a cell state of size "
            f"{list(c.shape)}"
        )


@general(
    promote="common",
    batch=as_it_is,
    check=check_gates,
    backward="ThnnFusedLstmCellBackward0",
    outputs=("h", "following", "gates"),
    joint=through_gates,
    push=push_gates,
)
def lstm_gates(given, kept, c):
    """(h, the next c, the gates) from what input and hidden state add to the gates (*, 4 H), and the cell state c."""
    sums = given + kept
    n = c.shape[-1]
    gates = np.true_divide(1, 1 + np.exp(-sums), dtype=sums.dtype)
    np.tanh(sums[..., 2 * n : 3 * n], out=gates[..., 2 * n : 3 * n])
    following = gates[..., n : 2 * n] * c + gates[..., :n] * gates[..., 2 * n : 3 * n]
    return gates[..., 3 * n :] * np.tanh(following), following, gates


def through_reset(g, kept, h, gates):
    reset, keep, new = by_gate(gates, 3)
    of_out, of_gates = g
    of_out = h.detach() * 0 if of_out is None else of_out
    of_reset, of_keep, of_new = (0, 0, 0) if of_gates is None else by_gate(of_gates, 3)
    of_keep = of_out * (h - new) + of_keep
    of_sum = (of_out * (1 - keep) + of_new) * (1 - new * new)
    of_reset = of_sum * by_gate(kept, 3)[2] + of_reset
    shared = [sigmoid_backward(of_reset, reset), sigmoid_backward(of_keep, keep)]
    return joined([*shared, of_sum]), joined([*shared, of_sum * reset]), of_out * keep


def push_reset(given_t, kept_t, h_t, kept, h, gates):
    reset, keep, new = by_gate(gates, 3)
    gates_t = gates.detach() * 0
    if given_t is not None or kept_t is not None:
        # Where one has no tangent, zeros.
        given_t = gates_t if given_t is None else given_t
        kept_t = gates_t if kept_t is None else kept_t
        given_t, kept_t = by_gate(given_t, 3), by_gate(kept_t, 3)
        reset_t = sigmoid_backward(given_t[0] + kept_t[0], reset)
        keep_t = sigmoid_backward(given_t[1] + kept_t[1], keep)
        new_t = (given_t[2] + reset_t * by_gate(kept, 3)[2] + reset * kept_t[2]) * (1 - new * new)
        gates_t = joined([reset_t, keep_t, new_t])
        out_t = new_t * (1 - keep) + keep_t * (h - new)
        return out_t if h_t is None else out_t + keep * h_t, gates_t
    return keep * h_t, gates_t


def check_reset(given, kept, h):
    if given.shape != kept.shape or (*h.shape[:-1], 3 * h.shape[-1]) != tuple(given.shape):
        raise RuntimeError(
            f"gru_cell: gates of size {list(given.shape)} and {list(kept.shape)} do not fit a hidden state of size "
            f"{list(h.shape)}"
        )


@general(
    promote="common",
    batch=as_it_is,
    check=check_reset,
    backward="ThnnFusedGruCellBackward0",
    outputs=("out", "gates"),
    joint=through_reset,
    push=push_reset,
)
def gru_gates(given, kept, h):
    """(the next h, the gates) from what input and hidden state add to the gates (*, 3 H), and the hidden state h."""
    n = h.shape[-1]
    gates = np.true_divide(1, 1 + np.exp(-(given + kept)), dtype=h.dtype)
    np.tanh(given[..., 2 * n :] + gates[..., :n] * kept[..., 2 * n :], out=gates[..., 2 * n :])
    new = gates[..., 2 * n :]
    return new + gates[..., n : 2 * n] * (h - new), gates


def _through(kernel):
    """The joint kernel, from the one that knows the gradients of h and of the next c alone."""

    def through(g, c, following, gates):
        of_h, of_following, of_gates = g
        if of_gates is not None:
            return NotImplemented
        arrays = [None if x is None else x._array for x in (of_h, of_following)]
        found = kernel(*arrays, c, following, gates)
        return found if found is NotImplemented else (found[0], *found)

    return through


def _through_reset(g, kept, h, gates):
    of_out, of_gates = g
    if of_out is None or of_gates is not None:
        return NotImplemented
    return _kernels.through_gru_gates(of_out._array, kept, h, gates)


_kernels = load("cells")
if _kernels is not None:
    lstm_gates.accelerate(_kernels.lstm_gates, joint=_through(_kernels.through_lstm_gates))
    gru_gates.accelerate(_kernels.gru_gates, joint=_through_reset)
