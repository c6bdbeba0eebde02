"""What a pickle may make: tensors, plain containers, and what the user has declared. It is a short list."""

import codecs
import math
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict, defaultdict

import numpy as np

from .. import core
from ..core import TensorBase
from ..device import channels_last, channels_last_3d, contiguous_format, device, preserve_format, strided
from ..dtypes import DTYPES, of
from ..dtypes import dtype as Dtype
from ..functions.storage import TypedStorage, UntypedStorage
from ..nn.parameter import Buffer, Parameter
from ..size import Size
from ..tensor import Tensor
from .damage import Unallowed, blocked, outside, unreadable
from .globals import declared, full_name, is_blocked
from .opcodes import check_key


class StorageType:
    """What a pickle means by torch.FloatStorage; `dtype` is None for bytes."""

    def __init__(self, dtype):
        self.dtype = dtype


def tensor_v2(builder, storage, offset, size, stride, requires_grad, hooks=None, metadata=None):
    """A view of a storage; UnpicklingError unless it lies within."""
    array = _view(_memory(storage), of(storage._array.dtype).numpy, offset, size, stride)
    return _tensor(builder, array, requires_grad, hooks, metadata)


def tensor_v3(builder, storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None):
    """The same with a dtype, over bytes."""
    if type(dtype) is not Dtype:
        raise unreadable(f"a tensor has a dtype that is a {type(dtype).__name__}")
    return _tensor(builder, _view(_memory(storage), dtype.numpy, offset, size, stride), requires_grad, hooks, metadata)


def tensor_v1(builder, storage, offset, size, stride):
    return tensor_v2(builder, storage, offset, size, stride, False)


def parameter(builder, data, requires_grad, hooks):
    if type(data) not in (Tensor, Parameter) or type(requires_grad) is not bool or hooks:
        raise unreadable("a Parameter is made of something else than a tensor")
    return Parameter(data, requires_grad)


def parameter_with_state(builder, data, requires_grad, hooks, state):
    return _with_attributes(parameter(builder, data, requires_grad, hooks), state)


def of_type(builder, function, cls, args, state):
    """A tensor of a subclass, or with attributes."""
    if not any([function is made for made in (tensor_v1, tensor_v2, tensor_v3)]) or type(args) is not tuple:
        raise unreadable("a tensor is made by something else than a function for tensors")
    if cls is not Tensor and not (builder.is_declared(cls) and isinstance(cls, type) and issubclass(cls, Tensor)):
        raise unreadable("a tensor is of a class that is none of tensors")
    tensor = function(builder, *args)
    return _with_attributes(tensor if cls is Tensor else core.as_subclass(tensor, cls), state)


def _memory(storage):
    if not isinstance(storage, UntypedStorage):
        raise unreadable(f"a tensor is made of a {type(storage).__name__}, and not of a storage")
    return storage._array.view(np.uint8)


def _view(memory, dtype, offset, size, stride):
    if len(_tuple(size)) != len(_tuple(stride)):
        raise unreadable(f"unequal size length ({len(size)}) and stride length ({len(stride)})")
    if len(size) > 64:
        raise unreadable("a tensor has more dimensions or elements than there can be")
    # A number of a megabyte would be multiplied for minutes.
    if not all([type(number) is int and 0 <= number < 2**63 for number in (offset, *size, *stride)]):
        raise unreadable("a tensor has a size, a stride or an offset that is not a count")
    there = len(memory) // dtype.itemsize
    if 0 in size:
        offset = 0
        stride = stride if max(stride) < 2**31 else (0,) * len(size)
    elif offset + sum([(n - 1) * step for n, step in zip(size, stride)]) >= there:
        raise unreadable(
            f"Trying to resize storage that is not resizable: a tensor of size {list(size)}, stride {list(stride)} and "
            f"offset {offset} reaches beyond its storage of {there} elements"
        )
    if math.prod([n for n in size if n]) * dtype.itemsize >= 2**63:
        raise unreadable("a tensor has more dimensions or elements than there can be")
    steps = tuple([step * dtype.itemsize for step in stride])
    return np.ndarray(tuple(size), dtype, memory, offset * dtype.itemsize, steps)


def _tuple(value):
    if not isinstance(value, tuple):
        raise unreadable(f"a tensor has a size or a stride that is a {type(value).__name__}")
    return value


def _tensor(builder, array, requires_grad, hooks, metadata):
    if type(requires_grad) is not bool or hooks:
        raise unreadable("a tensor has hooks, or something odd in the place of requires_grad")
    if metadata:
        array = _as_marked(builder, array, metadata)
    tensor = core.wrap(array)
    return tensor.requires_grad_() if requires_grad else tensor


def _as_marked(builder, array, marks):
    """The array as PyTorch's lazy conjugate or negative, which is computed here."""
    if type(marks) is not dict or not set(marks) <= {"conj", "neg"}:
        raise unreadable("a tensor has marks that are not known")
    builder.spend(array.size)
    if marks.get("conj"):
        array = array.conj()
    return -array if marks.get("neg") else array


def _with_attributes(tensor, state):
    if state is None:
        return tensor
    slots = {}
    if type(state) is tuple and len(state) == 2:
        state, slots = state[0] or {}, state[1] or {}
    if type(state) is not dict or type(slots) is not dict:
        raise unreadable("the attributes of a tensor are no dictionary")
    for name in (*state, *slots):
        if type(name) is not str or hasattr(type(tensor), name) or name in TensorBase.__dict__:
            raise unreadable(f"a tensor has an attribute {_named(name)} that would hide one of its own")
    for name, value in (*state.items(), *slots.items()):
        # Chains of tensors that hold one another would be freed by recursion.
        if isinstance(value, TensorBase) and value.__dict__:
            raise unreadable(f"the attribute {_named(name)} of a tensor is a tensor with attributes")
        setattr(tensor, name, value)
    return tensor


# -- plain things
def ordered_dict(builder, pairs=()):
    made = OrderedDict()
    builder.spend(len(_listed(pairs)))
    builder.update(made, [item for key, value in pairs for item in (key, value)])
    return made


def counter(builder, counts=()):
    made = Counter()
    if counts:
        builder.spend(len(counts))
        made.update(_exactly(counts, dict))
    return made


def default_dict(builder, factory=None):
    if factory is not None and not any([factory is kind for kind in _FACTORIES]):
        raise unreadable("a defaultdict makes something else than plain containers")
    return defaultdict(factory)


def plain_set(builder, items=()):
    builder.spend(len(_listed(items)))
    made = set()
    builder.add(made, items)
    return made


def plain_frozenset(builder, items=()):
    return frozenset(plain_set(builder, items))


def encoded(builder, text, encoding):
    if _exactly(encoding, str) not in ("latin1", "latin-1"):
        raise unreadable(f"bytes are written as {encoding}, and not as latin1")
    builder.spend(len(_exactly(text, str)))
    return codecs.encode(text, "latin-1")


def byte_array(builder, data=b"", encoding=None):
    builder.spend(len(data))
    return bytearray(data, encoding) if encoding == "latin-1" else bytearray(_exactly(data, bytes))


def plain_bytes(builder):
    return b""


def plain_complex(builder, real, imag):
    return complex(_exactly(real, float), _exactly(imag, float))


def plain_slice(builder, *bounds):
    # A slice of slices would be freed by recursion.
    if any([bound is not None and type(bound) is not int for bound in bounds]):
        raise unreadable("a slice has bounds that are no integers")
    return slice(*bounds)


def size(builder, sizes=()):
    builder.spend(len(sizes))
    return Size([_exactly(n, int) for n in _exactly(sizes, tuple)])


def make_device(builder, kind, index=None):
    return device(_exactly(kind, str), index)


def get_layout(builder, name):
    if name != "torch.strided":
        raise unreadable(f"{name} is a layout of tensors that are not dense")
    return strided


def _listed(value):
    if type(value) not in (list, tuple):
        raise unreadable(f"expected a list, but found a {type(value).__name__}")
    return value


def _exactly(value, kind):
    if type(value) is not kind:
        raise unreadable(f"expected a {kind.__name__}, but found a {type(value).__name__}")
    return value


_FACTORIES = (list, dict, set, int, float, str, bool, OrderedDict)
# What names mean; of these, what may be called, and what does it.
_GLOBALS = {
    "torch._utils._rebuild_tensor": tensor_v1,
    "torch._utils._rebuild_tensor_v2": tensor_v2,
    "torch._utils._rebuild_tensor_v3": tensor_v3,
    "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_parameter_with_state": parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": of_type,
    "torch.serialization._get_layout": get_layout,
    "torch.Tensor": Tensor,
    "torch.nn.parameter.Parameter": Parameter,
    "torch.nn.parameter.Buffer": Buffer,
    "torch.Size": Size,
    "torch.device": device,
    **{f"torch.{dtype.name}": dtype for dtype in DTYPES},
    **{f"torch{part}.{dtype.scalar_type}Storage": StorageType(dtype) for dtype in DTYPES for part in ("", ".cuda")},
    "torch.storage.UntypedStorage": StorageType(None),
    "torch.contiguous_format": contiguous_format,
    "torch.channels_last": channels_last,
    "torch.channels_last_3d": channels_last_3d,
    "torch.preserve_format": preserve_format,
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "collections.defaultdict": defaultdict,
    "_codecs.encode": codecs.encode,
    **{kind.__name__: kind for kind in (set, frozenset, bytearray, bytes, complex, slice, *_FACTORIES[:-1])},
}
_CALLS = {
    OrderedDict: ordered_dict, Counter: counter, defaultdict: default_dict, codecs.encode: encoded, set: plain_set,
    frozenset: plain_frozenset, bytearray: byte_array, bytes: plain_bytes, complex: plain_complex, slice: plain_slice,
    Size: size, device: make_device,
    **{f: f for f in (tensor_v1, tensor_v2, tensor_v3, parameter, parameter_with_state, of_type, get_layout)},
}  # fmt: skip
# By identity, since what a pickle calls may be something that cannot be hashed.
_CALLED = {id(function): made for function, made in _CALLS.items()}


class Builder:
    """Makes what a pickle of `length` bytes asks for; `load_storage` gives the storages that it refers to."""

    def __init__(self, load_storage, length, encoding="utf-8"):
        self._load_storage, self._encoding = load_storage, encoding
        # What is copied: each thing once, so no more than there are bytes.
        self._budget = length
        self._declared = declared()
        self._used = {}

    def spend(self, count):
        """Count a copy of so many items; UnpicklingError where a small file copies one thing over and over."""
        self._budget -= count
        if self._budget < 0:
            raise unreadable("the pickle copies more than it holds")

    def old_text(self, data):
        """A text of Python 2, which did not tell it from bytes."""
        return data if self._encoding == "bytes" else data.decode(self._encoding)

    # -- names and calls
    def find(self, module, name):
        """What a name means; UnpicklingError for one that is neither in the list nor declared."""
        module, full = _today(module, name)
        found = _GLOBALS.get(full)
        if found is not None:
            return found
        if is_blocked(module):
            raise blocked(full)
        if full not in self._declared:
            raise Unallowed(full)
        found = self._declared[full]
        self._used[id(found)] = found
        return found

    def is_declared(self, value):
        return id(value) in self._used

    def call(self, function, args):
        if type(args) is not tuple:
            raise unreadable("a function is called with something else than a tuple")
        made = _CALLED.get(id(function))
        if made is not None:
            return made(self, *args)
        if self.is_declared(function):
            return outside(function, *args)
        raise unreadable(f"Trying to call reduce for unrecognized function {_told(function)}")

    def new(self, cls, args, kwargs):
        if (
            not self.is_declared(cls)
            or not isinstance(cls, type)
            or type(args) is not tuple
            or type(kwargs) is not dict
        ):
            raise unreadable(f"Trying to create new object for unallowed class {_told(cls)}")
        return outside(cls.__new__, cls, *args, **kwargs)

    def set_state(self, made, state):
        if type(made) is OrderedDict and type(state) is dict:
            for name in state:
                if type(name) is not str or hasattr(OrderedDict, name):
                    raise unreadable(f"an OrderedDict has an attribute {_named(name)}")
            made.__dict__.update(state)
            return
        if not self.is_declared(type(made)):
            raise unreadable(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got "
                f"{type(made)}"
            )
        outside(_set_state, made, state)

    def storage(self, reference):
        if type(reference) is not tuple or len(reference) < 5 or reference[0] != "storage":
            raise unreadable("Only persistent_load of storage is allowed")
        _, kind, key, location, count = reference[:5]
        if type(kind) is not StorageType or type(key) is not str or type(location) is not str or type(count) is not int:
            raise unreadable("a reference to a storage is not of the form that PyTorch writes")
        return self._load_storage(kind.dtype, key, location, count, reference[5:])

    # -- containers
    def extend(self, made, items):
        if type(made) is list:
            made.extend(items)
        elif self.is_declared(type(made)):
            outside(lambda: [made.append(item) for item in items])
        else:
            raise unreadable(f"Can only append to lists, but got {type(made)}")

    def update(self, made, items):
        if type(made) not in (dict, OrderedDict, Counter, defaultdict) and not self.is_declared(type(made)):
            raise unreadable(f"Can only set items of dictionaries, but got {type(made)}")
        if len(items) % 2:
            raise unreadable("a dictionary has a key without a value")
        declared = self.is_declared(type(made))
        for key, value in zip(items[::2], items[1::2]):
            check_key(key)
            if declared:
                outside(made.__setitem__, key, value)
            else:
                made[key] = value

    def add(self, made, items):
        if type(made) is not set:
            raise unreadable(f"Can only add to sets, but got {type(made)}")
        for item in items:
            check_key(item)
            made.add(item)


def _set_state(made, state):
    """Give an object of a declared class its state, as pickle does."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    state, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    if state:
        made.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(made, name, value)


def _told(value):
    """A name for what a pickle wrongly calls; not its repr, which may be endless."""
    return getattr(value, "__qualname__", None) or f"a {type(value).__name__}"


def _named(name):
    """An attribute's name; of what is no text only the type, since its repr may be as long as it likes."""
    return repr(name[:80]) if type(name) is str else f"a {type(name).__name__}"


def _today(module, name):
    """(module, full name) that a global has today; pickles of the second protocol call some as Python 2 did."""
    module, name = NAME_MAPPING.get((module, name), (module, name))
    module = IMPORT_MAPPING.get(module, module)
    return module, full_name(module, name)


class Names:
    """Stands for a Builder that makes nothing: it collects the names that a pickle asks for."""

    def __init__(self):
        self.asked = {}

    def find(self, module, name):
        module, full = _today(module, name)
        self.asked[full] = full in _GLOBALS
        return None

    def nothing(self, *args):
        return None

    extend = update = add = call = new = set_state = storage = nothing

    def old_text(self, data):
        return data.decode("latin-1")


def storage_of(memory, dtype):
    """The storage over an array of bytes."""
    return UntypedStorage(memory) if dtype is None else TypedStorage(memory.view(dtype.numpy))
