"""All parameters as one vector, and back."""

import numpy as np

from ...core import written

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """The elements of all parameters in one vector, recorded."""
    from ... import cat

    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec, parameters):
    """Write the elements of a vector into the parameters."""
    at = 0
    for parameter in parameters:
        n = parameter._array.size
        np.copyto(parameter._array, vec._array[at : at + n].reshape(parameter._array.shape))
        written(parameter)
        at += n
