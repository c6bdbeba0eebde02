"""Typed code of a user's, which type checkers accept. It is read by them, and not run."""

from collections.abc import Iterable
from typing import Any, assert_type

import rushlight
import rushlight.nn.functional as F
from rushlight import Tensor, nn
from rushlight.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(3, width)
        self.scale = nn.Parameter(rushlight.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = F.relu(self.first(x))
        return hidden.sum(1, keepdim=True) * self.scale


def train(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], *, rate: float = 0.1) -> list[float]:
    optimizer = rushlight.optim.SGD(model.parameters(), lr=rate)
    losses: list[float] = []
    for x, y in batches:
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


rushlight.manual_seed(0)
x = rushlight.randn(64, 3, dtype=rushlight.float64)
train(Net(4).double(), DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8, shuffle=True))

# Functions and methods that are put in place while the package is imported.
assert_type(x, Tensor)
assert_type(rushlight.sin(x) + 2 * x.exp() - 1 / x, Tensor)
assert_type(x @ x.T, Tensor)
assert_type(x[0, :2].reshape(-1).cumsum(0), Tensor)
assert_type(-x > 0, Tensor)
assert_type(x == x, Tensor)
assert_type(rushlight.sort(x).values, Tensor)
assert_type(x.topk(2)[1], Tensor)
assert_type(x.chunk(2), tuple[Tensor, ...])
assert_type(x.allclose(x), bool)
assert_type(x.numel() + x.ndim + len(x), int)
assert_type(float(x[0, 0]), float)
assert_type(x.grad, Tensor | Any)
assert_type(x.dtype, rushlight.dtype)
assert_type(x.shape, rushlight.Size)
assert_type(rushlight.is_grad_enabled(), bool)
assert_type(rushlight.einsum("ij,kj->ik", x, x), Tensor)
assert_type([row.norm() for row in x], list[Tensor])
with rushlight.no_grad():
    x.add_(1).clamp_(min=0)
rushlight.optim.RMSprop([x.requires_grad_()], lr=0.1).step()
nn.init.orthogonal_(x, gain=2.5)


@rushlight.no_grad()
def evaluate(model: nn.Module, x: Tensor) -> float:
    value: float = model(x).mean().item()
    return value


assert_type(rushlight.linalg.norm(x), Tensor)
half: float = evaluate(Net(2), x) / 2
