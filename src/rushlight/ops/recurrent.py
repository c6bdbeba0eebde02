"""What a long short-term memory does with its gates.

Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, with the forget gate of Gers et al., 2000.
"""

import numpy as np

from ..kernels import load
from .activation import sigmoid_backward
from .batch_rules import as_it_is
from .declare import general
from .join import cat


def by_gate(x):
    """Its four parts: enter, forget, new, leave."""
    n = x.shape[-1] // 4
    return [x.narrow(-1, i * n, n) for i in range(4)]


def joined(parts):
    return cat(*parts, dim=parts[0].ndim - 1, sizes=(parts[0].shape[-1],) * 4)


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


_kernels = load("cells")
if _kernels is not None:
    lstm_gates.accelerate(_kernels.lstm_gates, joint=_through(_kernels.through_lstm_gates))
