"""Dictionaries of tensors in the safetensors format, read and written by the package of that name.

A file holds names, dtypes, shapes and bytes, and nothing that could run. Tensors that share memory are refused, since
it cannot say so: `rushlight.save` can.
"""

import os

import numpy as np

from ..core import wrap
from ..device import check_cpu
from ..dtypes import NAMES, of
from ..missing import of_module
from ..ops.hidden import values
from ..tensor import Tensor
from .replacing import replacing
from .storages import memory_of

__all__ = ["load", "load_file", "save", "save_file"]

_NUMPY_NAMES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64", "F16": "float16",
    "BF16": "bfloat16", "F32": "float32", "F64": "float64", "C64": "complex64",
}  # fmt: skip


def save_file(tensors, filename, metadata=None):
    """Write a dictionary of tensors to a file, which is replaced as a whole; `metadata` are texts by name.

    Raises ValueError for what is no dictionary of contiguous tensors, RuntimeError for tensors that share memory,
    ImportError without the package safetensors.

    >>> import rushlight
    >>> from rushlight.serialization.safetensors import load_file, save_file
    >>> save_file({"x": rushlight.ones(2)}, "x.safetensors")  # doctest: +SKIP
    >>> load_file("x.safetensors")  # doctest: +SKIP
    {'x': tensor([1., 1.])}
    """
    data = save(tensors, metadata)
    with replacing(filename) as file:
        file.write(data)


def save(tensors, metadata=None):
    """The bytes that `save_file` would write."""
    package = _package()
    arrays = _arrays(tensors)
    specs = {
        name: package.TensorSpec(
            dtype=of(array.dtype).name,
            shape=array.shape,
            data_ptr=array.__array_interface__["data"][0],
            data_len=array.nbytes,
        )
        for name, array in arrays.items()
    }
    return bytes(package.serialize(specs, metadata=metadata))


def load_file(filename, device="cpu"):
    """The tensors of a file by name; SafetensorError where it is damaged, or says false sizes.

    TypeError for a dtype that rushlight does not have.
    """
    check_cpu(device)
    with open(os.fspath(filename), "rb") as file:
        return load(file.read())


def load(data):
    """The tensors of the bytes of a file."""
    return {name: _tensor(name, told) for name, told in _package().deserialize(data)}


def _tensor(name, told):
    dtype = NAMES.get(_NUMPY_NAMES.get(told["dtype"]))
    if dtype is None:
        raise TypeError(f"load(): tensor {name!r} is of the dtype {told['dtype']}, which rushlight does not have")
    try:
        return wrap(np.frombuffer(told["data"], dtype.numpy).reshape(told["shape"]))
    except ValueError as error:
        # Empty, with more dimensions or longer ones than an array can have.
        raise _package().SafetensorError(f"Error while deserializing: tensor `{name}`: {error}") from None


def _arrays(tensors):
    """{name: array} of tensors that can be written."""
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    arrays, seen = {}, []
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}")
        array = values(tensor._array)
        if not array.flags.c_contiguous:
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you are trying to "
                "save tensors which are reference of each other in which case it's recommended to save only the full tensors, "
                "and reslice at load time, or simply call `.contiguous()` on your tensor to pack it before saving."
            )
        arrays[name] = array
        if array.size:
            seen.append((*memory_of(array), name))
    _check_apart(sorted(seen))
    return arrays


def _check_apart(seen):
    for (_, end, name), (begin, _, other) in zip(seen, seen[1:]):
        if begin < end:
            raise RuntimeError(
                "Some tensors share memory, this will lead to duplicate memory on disk and potential differences when loading "
                f"them again: {[{name, other}]}. Leave one of them out, clone it, or use rushlight.save."
            )


def _package():
    try:
        import safetensors
    except ImportError as error:
        raise ImportError("this needs the package safetensors: pip install safetensors") from error
    return safetensors


__getattr__ = of_module(__name__)
