"""A row of samples: how to call one operation of the registry for the tests that hold for every operation."""


class Row:
    """`inputs(r)` gives the positional inputs; `r(*shape, positive=False, low=-1.0, high=1.0)` makes a float64 array.

    Arrays made by `r` are differentiated; plain ndarrays (indices, masks) and numbers are not. `note` says why a test
    must treat the row differently, e.g. that it is not differentiable at some points.
    """

    def __init__(self, op, inputs, params=None, *, note=""):
        self.op = op
        self.inputs = inputs
        self.params = params or {}
        self.note = note

    def __repr__(self):
        return f"{self.op}{self.params or ''}"
