"""What the properties have found, each a line that PyTorch and we once answered differently."""

import pytest

import rushlight
from beside import outcome

LINES = [
    # Whatever the dtypes, boundaries and values are compared in the one that holds both.
    "torch.searchsorted(torch.tensor([1, 2]), torch.tensor([2.5, 1.0]))",
    "torch.searchsorted(torch.tensor([0.1]), torch.tensor([0.1], dtype=torch.float64), right=True)",
    "torch.searchsorted(torch.tensor([0.1]), torch.tensor(0.1, dtype=torch.float64), right=True)",
    "torch.bucketize(torch.tensor([5, 7, 300]), torch.tensor([1, 2], dtype=torch.int8))",
    "torch.nansum(torch.ones(3), 0, dtype=torch.int32)",
    "torch.zeros(2, 0).roll(-1, 2)",
    "torch.linalg.vector_norm(torch.tensor([1.0, -2.0]), True)",
    "torch.linalg.vecdot(torch.ones(3, dtype=torch.int64), torch.ones(3, dtype=torch.int64))",
    "torch.tensor(1.0).unbind(-1)",
    "torch.take_along_dim(torch.tensor(1.0), torch.tensor(0), 0)",
    # Products are not cast to the dtype of `out`.
    "torch.mm(torch.ones(2, 2), torch.ones(2, 2), out=torch.zeros(0, dtype=torch.float64))",
    "torch.matmul(torch.ones(2), torch.ones(2), out=torch.zeros(0, dtype=torch.bfloat16))",
    "torch.addmv(torch.ones(2), torch.ones(2, 2), torch.ones(2), out=torch.zeros(0, dtype=torch.float64))",
    "torch.tensordot(torch.ones(2, 2), torch.ones(2, 2), 1, out=torch.zeros(0, dtype=torch.float64))",
    "torch.isnan(torch.ones(3), out=torch.zeros(3))",
    "torch.isfinite(torch.ones(3), out=None)",
    "torch.ones(1).index_add(0, torch.tensor([1]), torch.ones(1))",
    "torch.ones(()).index_add(0, torch.tensor([0, 0]), torch.ones(()))",
    "torch.ones(()).index_reduce(0, torch.tensor([0, 0]), torch.ones(()), 'amin')",
    "torch.ones(2).backward(torch.ones(3))",
    "torch.ones(()).__setitem__(0, 1.0)",
    "torch.ones(()).__setitem__(slice(None), 1.0)",
    "torch.ones(())[(0,)]",
    "torch.tensor(1j).mT, torch.tensor(1j).mH",
    "torch.tensor(1j).adjoint()",
    "torch.tensordot(torch.ones(2, 1, dtype=torch.int16), torch.ones(3, 2, dtype=torch.int16), dims=1)",
    "(x := torch.ones(2), x.diff(n=0).mul_(2), x)[2]",
    "torch.amax(torch.ones(2), out=torch.zeros(0, dtype=torch.float64))",
    "[t.is_leaf for t in torch.broadcast_tensors(torch.ones(2, requires_grad=True), torch.ones(()))]",
    "torch.ones(())[(slice(None),)]",
]


@pytest.mark.parity
@pytest.mark.parametrize("line", LINES)
def test_it_is_as_in_torch(line):
    torch = pytest.importorskip("torch")
    ours, theirs = (outcome(m, lambda m: eval(line, {"torch": m})) for m in (rushlight, torch))
    assert ours == theirs


def test_the_angle_beside_truth_values_has_a_derivative():
    x = rushlight.tensor([0.5], dtype=rushlight.float64, requires_grad=True)
    rushlight.atan2(rushlight.tensor([True]), x).backward()
    assert x.grad.item() == pytest.approx(-0.8)
