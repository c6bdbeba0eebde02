"""A small network with modules in modules, for the tests of pictures."""

import rushlight as rl
from rushlight import nn


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.linear = nn.Linear(size, size)
        self.act = nn.GELU()

    def forward(self, x):
        return x + self.act(self.linear(x))


def network():
    """From (N, 4) to (N, 3)."""
    rl.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), Block(8), nn.Linear(8, 3))
