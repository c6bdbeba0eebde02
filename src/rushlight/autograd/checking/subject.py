"""What is checked: a function with its inputs and outputs, and the directions in which they are looked at."""

import numpy as np

from ...core import TensorBase, wrap


def as_tuple(values):
    if isinstance(values, (tuple, list)):
        return tuple(values)
    return (values,)


def tracked(inputs):
    """The positions of the inputs that require a gradient."""
    return [k for k, x in enumerate(inputs) if isinstance(x, TensorBase) and x.requires_grad]


class Subject:
    """A function called once, with what is known of it from then on."""

    def __init__(self, func, inputs):
        self.func = func
        self.inputs = inputs
        self.outputs = as_tuple(func(*inputs))
        self.positions = tracked(inputs)
        self.differentiable = [i for i, out in enumerate(self.outputs) if out.requires_grad]

    @property
    def sources(self):
        """The inputs that require a gradient."""
        return [self.inputs[k] for k in self.positions]


class Elements:
    """Every element of an array, one at a time: Jacobians are seen whole."""

    weight = 1.0

    def __init__(self, shape):
        self.shape = shape

    def __iter__(self):
        for index in np.ndindex(self.shape):
            vector = np.zeros(self.shape)
            vector[index] = 1
            yield vector

    def across(self, rows):
        """The rows, one per element, as they are seen in these directions."""
        return rows


class Projection:
    """One random direction: Jacobians are seen as their product with it."""

    def __init__(self, shape, generator):
        self.vector = generator.uniform(0.1, 1, shape)
        # Errors of the elements add up, and so does what is tolerated of them.
        self.weight = float(self.vector.sum()) or 1.0

    def __iter__(self):
        yield self.vector

    def across(self, rows):
        return self.vector.reshape(1, -1) @ rows


class Directions:
    """The directions for each input (one for the real part and one for the imaginary) and each output."""

    def __init__(self, subject, fast):
        generator = np.random.default_rng(0)

        def chosen(x):
            shape = x._array.shape
            return Projection(shape, generator) if fast else Elements(shape)

        self.fast = fast
        self.inputs = {
            k: {unit: chosen(subject.inputs[k]) for unit in units(subject.inputs[k])} for k in subject.positions
        }
        self.outputs = [chosen(out) for out in subject.outputs]


def units(x):
    """The directions of a number: 1, and 1j for a complex one."""
    return (1j, 1) if x._array.dtype.kind == "c" else (1,)


def random_like(x, generator):
    """A tensor of the shape and dtype of x with values in [-1, 1)."""
    shape, dtype = x._array.shape, x._array.dtype
    values = generator.uniform(-1, 1, shape)
    if dtype.kind == "c":
        values = values + 1j * generator.uniform(-1, 1, shape)
    return wrap(np.asarray(values).astype(dtype))


def zeros_like(x):
    return wrap(np.zeros(x._array.shape, x._array.dtype))
