"""What a call gave, in a form that goes from one process to another."""

import numpy as np

# Of larger tensors this many elements are compared, in even steps, beside what `summary` says of all.
LIMIT = 65536


class Entry:
    """The results of one call: `place` is (file, line, function) of the user's line that made it, `results` the tensors' Values.

    An entry of kind "end" is the last of a stream: `name` is the exception that ended the script, or empty.
    """

    def __init__(self, kind, name, place, results=()):
        self.kind, self.name, self.place, self.results = kind, name, place, list(results)

    @property
    def line(self):
        return self.place and self.place[:2]

    @property
    def shapes(self):
        return [(each.shape, each.dtype) for each in self.results]


class Values:
    """A tensor's shape, the name of its dtype, and its values: all, or of a large one a sample and a summary."""

    def __init__(self, array, dtype, name=None, known=True):
        self.shape, self.dtype, self.name = array.shape, dtype, name
        self.step = -(-array.size // LIMIT) or 1
        # What was made and not filled has no values to compare.
        self.sample = array.reshape(-1)[:: self.step].copy() if known else None
        self.summary = summary(array) if known and self.step > 1 else None

    def index(self, i):
        """Where the i-th of the sample is in the tensor."""
        return tuple(int(k) for k in np.unravel_index(i * self.step, self.shape))


def summary(array):
    """The mean, the root of the mean square, the least and the largest, as float64; complex numbers by their parts."""
    if array.dtype.kind == "c":
        return np.stack([summary(array.real), summary(array.imag)])
    wide = array.astype(np.float64)
    with np.errstate(all="ignore"):
        return np.array([wide.mean(), np.sqrt((wide * wide).mean()), wide.min(), wide.max()])
