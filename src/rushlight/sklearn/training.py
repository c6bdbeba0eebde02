"""Training of a module on arrays: batches, epochs, early stopping."""

import copy
from contextlib import contextmanager

from .. import nn, no_grad, optim
from ..functions.joining import cat
from ..functions.literal import from_numpy
from ..random import fork_rng, manual_seed


class Training:
    """A module with its loss and its optimizer; `history` holds a list of numbers for each curve.

    All that is random comes from `random`, a numpy RandomState: the random state of the process is left as it was.
    """

    def __init__(self, make, loss, optimizer, lr, random):
        self.random = random
        with self.seeded():
            self.module = make()
        self.loss = _named(nn, loss)() if isinstance(loss, str) else loss
        make_optimizer = _named(optim, optimizer) if isinstance(optimizer, str) else optimizer
        self.optimizer = make_optimizer(self.module.parameters(), lr=lr)
        self.history = {"loss": []}

    @contextmanager
    def seeded(self):
        with fork_rng():
            manual_seed(self.random.randint(2**31))
            yield

    def epoch(self, x, y, size):
        """Go over all rows once, in batches of `size`, and note the mean loss."""
        x, y = from_numpy(x), from_numpy(y)
        order, total = self.random.permutation(len(x)), 0.0
        self.module.train()
        with self.seeded():
            for start in range(0, len(order), size):
                rows = from_numpy(order[start : start + size])
                total += self._step(x[rows], y[rows]) * len(rows)
        self.history["loss"].append(total / len(order))

    def _step(self, x, y):
        def closure():
            self.optimizer.zero_grad()
            loss = self.loss(self.module(x), y)
            loss.backward()
            return loss

        return self.optimizer.step(closure).item()

    def outputs(self, x, size=1024):
        """What the module answers for each row, an array."""
        self.module.eval()
        with no_grad():
            parts = [self.module(part) for part in from_numpy(x).split(size)]
        return cat(parts).numpy()

    def validation_loss(self, x, y):
        with no_grad():
            return self.loss(from_numpy(self.outputs(x)), from_numpy(y)).item()

    def until_no_better(self, epochs, size, train, held_out, patience):
        """Train until the loss of the rows held out has not fallen for `patience` epochs; keep the best parameters."""
        best, kept, since = float("inf"), None, 0
        self.history["val_loss"] = []
        for _ in range(epochs):
            self.epoch(*train, size)
            loss = self.validation_loss(*held_out)
            self.history["val_loss"].append(loss)
            since += 1
            if loss < best:
                best, kept, since = loss, copy.deepcopy(self.module.state_dict()), 0
            if since >= patience:
                break
        if kept is not None:
            self.module.load_state_dict(kept)


def perceptron(inputs, hidden, outputs):
    """A multilayer perceptron, with ReLU between its layers.

    >>> perceptron(3, (8,), 2)
    Sequential(
      (0): Linear(in_features=3, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    """
    layers = []
    for size in hidden:
        layers += [nn.Linear(inputs, size), nn.ReLU()]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def _named(module, name):
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise ValueError(f"rushlight.{module.__name__.rpartition('.')[2]} has no class {name!r}")
    return found
