"""Samples of distances: ord below, at and above the kinks, and a batch."""

import numpy as np

from .row import Row


def _apart(r, *shape, sign=1):
    """Points of which no two are close, nor equally far off in two dimensions."""
    x = r(*shape, low=-0.1, high=0.1)
    x += np.random.default_rng(3).permutation(x.size).reshape(x.shape) * (0.3 * sign)
    return x


ROWS = [
    *[
        Row("cdist", lambda r: (_apart(r, 3, 2), _apart(r, 4, 2, sign=-1)), {"ord": o})
        for o in (0.0, 0.5, 1.0, 1.5, 2.0, 3.5)
    ],
    Row("cdist", lambda r: (_apart(r, 2, 3, 2), _apart(r, 2, 4, 2, sign=-1)), {"ord": float("inf")}),
    Row("euclidean_dist", lambda r: (_apart(r, 2, 3, 2), _apart(r, 2, 4, 2, sign=-1))),
    *[Row("pdist", lambda r: (_apart(r, 4, 3),), {"ord": o}) for o in (1.0, 1.5, 2.0, 3.0, float("inf"))],
]
