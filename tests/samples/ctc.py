"""Samples of ctc_loss: repeated labels, inputs and targets shorter than the longest."""

import numpy as np

from .row import Row

_TARGETS = (np.array([[1, 2, 2], [3, 1, 0]]), np.array([6, 4]), np.array([3, 2]))

ROWS = [
    Row("ctc_loss", lambda r: (r(6, 2, 4), *_TARGETS), {"blank": 0}, note="normalized"),
    Row("ctc_loss", lambda r: (r(6, 2, 4), *_TARGETS), {"blank": 3, "zero_infinity": True}, note="normalized"),
]
