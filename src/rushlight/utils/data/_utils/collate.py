"""One batch of many samples: tensors side by side, and containers of batches."""

import copy
import re
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from operator import attrgetter

import numpy as np

from ....core import transforms_entered, wrap
from ....functions.joining import stack
from ....functions.literal import as_tensor, tensor
from ....kernels import load
from ....tensor import Tensor

_kernels = load("copying")
_ARRAY, _REQUIRES_GRAD = attrgetter("_array"), attrgetter("_requires_grad")
_PLAIN = {Tensor}
np_str_obj_array_pattern = re.compile(r"[SaUO]")
default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)
_CONVERTED = (np.ndarray, np.generic)
# Numbers of one of these types make an array at once; others are left to `tensor`.
_DTYPES = {int: np.dtype(np.int64), float: np.dtype(np.float64), bool: np.dtype(np.bool_)}


def default_convert(data):
    """The sample with NumPy's arrays and numbers as tensors, within containers too; all else as it is.

    >>> import numpy as np
    >>> from rushlight.utils.data import default_convert
    >>> default_convert({"x": np.ones(2, np.float32), "y": "label"})
    {'x': tensor([1., 1.]), 'y': 'label'}
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, _CONVERTED) and not isinstance(data, (str, bytes)):
        if isinstance(data, np.ndarray) and np_str_obj_array_pattern.search(data.dtype.str):
            return data
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _same_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if _is_namedtuple(data):
        return type(data)(*[default_convert(entry) for entry in data])
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _same_sequence(data, [default_convert(entry) for entry in data])
    return data


def collate(batch, *, collate_fn_map=None):
    """A batch of the samples in `batch`, each kind put together by the function that the map has for its type.

    The functions are called as `function(samples, collate_fn_map=map)`. A type that the map has not is looked for among
    its bases; then mappings, named tuples and sequences are gone into. TypeError for anything else, RuntimeError for
    sequences of different lengths.

    >>> from rushlight.utils.data._utils.collate import collate
    >>> collate([(1, "a"), (2, "b")], collate_fn_map={int: lambda batch, **_: sum(batch), str: lambda batch, **_: batch})
    [3, ('a', 'b')]
    """
    elem = batch[0]
    function = _function_for(elem, collate_fn_map)
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(elem, Mapping):
        batches = {key: collate([d[key] for d in batch], collate_fn_map=collate_fn_map) for key in elem}
        return _same_mapping(elem, batches)
    if not isinstance(elem, Sequence):
        raise TypeError(default_collate_err_msg_format.format(type(elem)))
    if _is_namedtuple(elem):
        return type(elem)(*[collate(entries, collate_fn_map=collate_fn_map) for entries in zip(*batch)])
    if len(set(map(len, batch))) > 1:
        raise RuntimeError("each element in list of batch should be of equal size")
    return _same_sequence(elem, [collate(entries, collate_fn_map=collate_fn_map) for entries in zip(*batch)])


def _function_for(elem, collate_fn_map):
    if not collate_fn_map:
        return None
    function = collate_fn_map.get(type(elem))
    if function is not None:
        return function
    return next((function for kind, function in collate_fn_map.items() if isinstance(elem, kind)), None)


def _is_namedtuple(data):
    return isinstance(data, tuple) and hasattr(data, "_fields")


def _same_mapping(model, values):
    """A mapping like the model with other values; a dict where such a one cannot be made."""
    if type(model) is dict:
        return values
    try:
        if isinstance(model, MutableMapping):
            clone = copy.copy(model)
            clone.update(values)
            return clone
        return type(model)(values)
    except TypeError:
        return values


def _same_sequence(model, entries):
    """A sequence like the model with other entries; a list where such a one cannot be made, and for tuples."""
    if isinstance(model, tuple) or type(model) is list:
        return entries
    try:
        if isinstance(model, MutableSequence):
            clone = copy.copy(model)
            for place, entry in enumerate(entries):
                clone[place] = entry
            return clone
        return type(model)(entries)
    except TypeError:
        return entries


def collate_tensor_fn(batch, *, collate_fn_map=None):
    """Tensors side by side along a new first dimension."""
    if _kernels is not None and without_history(batch):
        array = _kernels.stack(*map(_ARRAY, batch), dim=0)
        if array is not NotImplemented:
            return wrap(array)
    return stack(batch, 0)


def without_history(tensors):
    """Whether all are plain tensors that no derivative is asked of: operations on them leave no trace."""
    return set(map(type, tensors)) == _PLAIN and not any(map(_REQUIRES_GRAD, tensors)) and transforms_entered(0) == 0


def collate_numpy_array_fn(batch, *, collate_fn_map=None):
    """Arrays side by side along a new first dimension, as a tensor."""
    elem = batch[0]
    if np_str_obj_array_pattern.search(elem.dtype.str) is not None:
        raise TypeError(default_collate_err_msg_format.format(elem.dtype))
    return collate([as_tensor(b) for b in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch, *, collate_fn_map=None):
    """NumPy's numbers as a tensor of their dtype."""
    return as_tensor(batch)


def collate_float_fn(batch, *, collate_fn_map=None):
    """Numbers as a float64 tensor."""
    numbers = _numbers(batch)
    return tensor(batch, dtype="float64") if numbers is None else numbers


def collate_int_fn(batch, *, collate_fn_map=None):
    """Numbers as a tensor of the dtype that they have in common."""
    numbers = _numbers(batch)
    return tensor(batch) if numbers is None else numbers


def _numbers(batch):
    """The tensor of numbers that are all of one type; None for others, and for what int64 does not hold."""
    kinds = set(map(type, batch))
    dtype = _DTYPES.get(kinds.pop()) if len(kinds) == 1 else None
    if dtype is None:
        return None
    try:
        return wrap(np.array(batch, dtype))
    except OverflowError:
        return None


def collate_str_fn(batch, *, collate_fn_map=None):
    """The strings as they are."""
    return batch


default_collate_fn_map = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch):
    """A batch of samples: tensors and arrays stacked, numbers in a tensor, containers of batches.

    Strings and bytes stay a list. Raises TypeError for other types, RuntimeError for tensors or sequences of different
    sizes. `default_collate_fn_map` in `utils.data._utils.collate` can be given functions for more types.

    >>> from rushlight.utils.data import default_collate
    >>> default_collate([{"x": 1.5, "y": (1, 2)}, {"x": 2.5, "y": (3, 4)}])
    {'x': tensor([1.5000, 2.5000], dtype=rushlight.float64), 'y': [tensor([1, 3]), tensor([2, 4])]}
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
