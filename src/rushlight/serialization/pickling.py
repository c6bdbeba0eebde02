"""Pickles objects under PyTorch's names, tensors as views of storages that are kept outside of the pickle."""

import codecs
import pickle
from collections import OrderedDict
from io import BytesIO

from ..core import TensorBase
from ..device import device, layout, memory_format
from ..dtypes import dtype, of
from ..functions.protocols import attributes, warn_of_hooks
from ..functions.storage import TypedStorage, UntypedStorage
from ..nn.parameter import Buffer, Parameter
from ..size import Size
from ..tensor import Tensor
from .storages import Storages


class Global:
    """A name to be written as that of a class or function."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        raise TypeError(f"{self.module}.{self.name} is only a name here")


class Stored:
    """A storage, to be written as a reference."""

    def __init__(self, piece, type_name):
        self.piece, self.type_name = piece, type_name


class Values:
    """A tensor without what makes it more than one."""

    def __init__(self, tensor):
        self.tensor = tensor


# As long as views are found that reach beyond those found before; a second time is enough unless new ones are made.
_ATTEMPTS = 5
_TENSOR_V2 = Global("torch._utils", "_rebuild_tensor_v2")
_PARAMETER = Global("torch._utils", "_rebuild_parameter")
_PARAMETER_WITH_STATE = Global("torch._utils", "_rebuild_parameter_with_state")
_FROM_TYPE = Global("torch._tensor", "_rebuild_from_type_v2")
_LAYOUT = Global("torch.serialization", "_get_layout")
_CLASSES = {
    Size: Global("torch", "Size"),
    device: Global("torch", "device"),
    Tensor: Global("torch", "Tensor"),
    Parameter: Global("torch.nn.parameter", "Parameter"),
    Buffer: Global("torch.nn.parameter", "Buffer"),
}


class Pickler(pickle._Pickler):
    """Its globals are PyTorch's."""

    dispatch = pickle._Pickler.dispatch.copy()

    def __init__(self, file, protocol, storages, legacy):
        super().__init__(file, protocol)
        self._storages, self._legacy = storages, legacy
        self._references, self._names = {}, {}

    # -- names
    def _name(self, obj):
        """Write a Global."""
        module, name = obj.module, obj.name
        if self.proto >= 4:
            self.save(module)
            self.save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(obj)

    dispatch[Global] = _name

    def save_global(self, obj, name=None):
        known = _CLASSES.get(obj) if isinstance(obj, type) else None
        if known is None:
            super().save_global(obj, name)
        elif id(known) in self.memo:
            self.write(self.get(self.memo[id(known)][0]))
        else:
            self._name(known)

    def _of_torch(self, obj):
        """Write the global of a dtype, a storage type or a memory format."""
        name = obj.name if isinstance(obj, dtype) else repr(obj).rpartition(".")[2]
        self._torch(name)

    def _torch(self, name, module="torch"):
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = Global(module, name)
        self.save(known)

    dispatch[dtype] = dispatch[memory_format] = _of_torch

    def _bytes(self, obj):
        # Without bytes() in the pickle, which PyTorch does not load.
        if not obj and self.proto < 3:
            self.save_reduce(codecs.encode, ("", "latin1"), obj=obj)
        else:
            self.save_bytes(obj)

    dispatch[bytes] = _bytes

    # -- tensors
    def persistent_id(self, obj):
        if type(obj) is not Stored:
            return None
        piece, type_name = obj.piece, obj.type_name
        module = "torch.storage" if type_name == "UntypedStorage" else "torch"
        known = self._names.setdefault(type_name, Global(module, type_name))
        kept = ("storage", known, piece.key, "cpu", piece.numel)
        return (*kept, None) if self._legacy else kept

    def reducer_override(self, obj):
        if isinstance(obj, TensorBase):
            return self._reduced_tensor(obj)
        if type(obj) is Values:
            return _TENSOR_V2, self._values(obj.tensor, False)
        if type(obj) is layout:
            return _LAYOUT, ("torch.strided",)
        return NotImplemented

    def _reduced_tensor(self, tensor):
        warn_of_hooks(tensor)
        state = attributes(tensor)
        if isinstance(tensor, Parameter):
            args = (Values(tensor), tensor.requires_grad, OrderedDict())
            return (_PARAMETER_WITH_STATE, (*args, state)) if state else (_PARAMETER, args)
        args = self._values(tensor, tensor.requires_grad)
        if type(tensor) is Tensor and not state:
            return _TENSOR_V2, args
        return _FROM_TYPE, (_TENSOR_V2, type(tensor), args, state or None)

    def _values(self, tensor, requires_grad):
        """The arguments that make the tensor from its storage."""
        piece, array, offset = self._storages.place(tensor)
        strides = tuple([step // array.itemsize for step in array.strides])
        stored = self._reference(piece, f"{of(array.dtype).scalar_type}Storage")
        return stored, offset, array.shape, strides, requires_grad, OrderedDict()

    def _storage(self, obj):
        piece, array, _ = self._storages.place(obj)
        name = "UntypedStorage" if type(obj) is UntypedStorage else f"{of(array.dtype).scalar_type}Storage"
        self.save(self._reference(piece, name))

    dispatch[TypedStorage] = dispatch[UntypedStorage] = _storage

    def _reference(self, piece, type_name):
        reference = self._references.get(piece.key)
        if reference is None:
            reference = self._references[piece.key] = Stored(piece, type_name)
        return reference


def pickled(obj, protocol, legacy=False):
    """(the pickle, the storages that it refers to)"""
    storages = Storages()
    for _ in range(_ATTEMPTS):
        sink = BytesIO()
        Pickler(sink, protocol, storages, legacy).dump(obj)
        if not storages.grown:
            return sink.getvalue(), storages
        storages.start()
    raise RuntimeError("save(): what is saved makes tensors that overlap in memory, other ones each time it is asked")
