"""The loops of bags of embeddings against sums in double precision, for each family of processors."""

import numpy as np
import pytest

from rushlight.kernels import load

kernels = load("bags")
pytestmark = pytest.mark.skipif(kernels is None, reason="not compiled")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("width", [1, 3, 4, 7, 16, 33, 64, 75])
def test_sums_of_bags(family, width, weighted, dtype):
    random = np.random.default_rng(width)
    table = random.normal(size=(50, width)).astype(dtype)
    index, starts = random.integers(0, 50, 100), np.array([0, 1, 1, 6, 20, 36, 53])
    factors = random.normal(size=100).astype(dtype) if weighted else None
    rows = table.astype("float64")[index] * (factors[:, None] if weighted else 1)
    wanted = [rows[a:b].sum(0) for a, b in zip(starts, [*starts[1:], 100])]
    found = kernels.bag_sum(table, factors, index, starts)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=0, atol=64 * np.finfo(dtype).eps)


def test_bags_that_name_no_row_are_refused(family):
    with pytest.raises(IndexError):
        kernels.bag_sum(np.ones((5, 40)), None, np.array([0, 5]), np.array([0]))
