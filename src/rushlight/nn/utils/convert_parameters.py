"""All parameters as one vector, and back."""

import numpy as np

from ...core import TensorBase, wrap, written
from ...functions.joining import cat
from ...spelling import spell

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """The elements of all parameters in one vector, recorded."""
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec, parameters):
    """Write the elements of a vector into the parameters, which get its dtype; more than are needed are left out.

    Raises RuntimeError for too few, and writes nothing then.
    """
    if not isinstance(vec, TensorBase):
        raise TypeError(f"expected {spell('Tensor')}, but got: {type(vec).__name__}")
    at, parts = 0, []
    for parameter in parameters:
        n = parameter._array.size
        parts.append((parameter, vec._array[at : at + n]))
        at += n
        if at > vec._array.size:
            shape, left = list(parameter._array.shape), parts[-1][1].size
            raise RuntimeError(f"shape '{shape}' is invalid for input of size {left}")
    for parameter, part in parts:
        if part.dtype != parameter._array.dtype:
            parameter.data = wrap(part.reshape(parameter._array.shape).copy())
        else:
            np.copyto(parameter._array, part.reshape(parameter._array.shape))
            written(parameter)
