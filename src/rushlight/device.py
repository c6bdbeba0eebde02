"""Devices, layouts and memory formats: names that calls accept; the arrays live on the CPU."""

from .errors import coded
from .spelling import spell

_TYPES = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, "
    "hpu, mtia, privateuseone"
)
_KNOWN = frozenset(_TYPES.split(", "))


class device:
    """Where a tensor's data is: a `type` and, or None, an `index`. Devices are equal when both are.

    Takes "cpu", "cuda:1", ("cuda", 1) or another device. Raises RuntimeError for a string that names none,
    TypeError for other arguments.

    >>> import rushlight
    >>> rushlight.device("cuda:1")
    device(type='cuda', index=1)
    """

    __module__ = "rushlight"
    __slots__ = ("_index", "_type")

    def __init__(self, type=None, index=None):
        if index is not None:
            self._type, self._index = _check_pair(type, index)
        elif isinstance(type, device):
            self._type, self._index = type._type, type._index
        elif isinstance(type, str):
            self._type, self._index = _parse(type)
        else:
            raise _not_a_device(type)

    @property
    def type(self) -> str:
        """The kind of device, as in "cpu"."""
        return self._type

    @property
    def index(self) -> int | None:
        """Which one of its kind, None for the current one."""
        return self._index

    def __repr__(self):
        index = "" if self._index is None else f", index={self._index}"
        return f"device(type='{self._type}'{index})"

    def __str__(self):
        return self._type if self._index is None else f"{self._type}:{self._index}"

    def __eq__(self, other):
        if not isinstance(other, device):
            return NotImplemented
        return self._type == other._type and self._index == other._index

    def __hash__(self):
        return hash((self._type, self._index))

    def __reduce__(self):
        return device, (self._type,) if self._index is None else (self._type, self._index)


def _parse(text):
    if not text:
        raise RuntimeError("Device string must not be empty")
    kind, colon, number = text.partition(":")
    if not (kind.replace("_", "").isalpha() and kind.isascii()) or (colon and not _is_index(number)):
        raise RuntimeError(f"Invalid device string: '{text}'")
    if kind not in _KNOWN:
        raise RuntimeError(f"Expected one of {_TYPES} device type at start of device string: {kind}")
    return kind, int(number) if colon else None


def _is_index(text):
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")


def _check_pair(kind, index):
    if not isinstance(kind, str):
        raise TypeError(f"device(): argument 'type' (position 1) must be str, not {type(kind).__name__}")
    if isinstance(index, bool) or not hasattr(index, "__index__"):
        raise TypeError(f"device(): argument 'index' (position 2) must be int, not {type(index).__name__}")
    parsed, own_index = _parse(kind)
    if own_index is not None:
        raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {kind}")
    index = index.__index__()
    if index < 0:
        raise RuntimeError("Device index must not be negative")
    return parsed, index


def _not_a_device(x):
    if isinstance(x, int) and not isinstance(x, bool):
        message = "Device index must not be negative"
        return RuntimeError(message if x < 0 else "Cannot access accelerator device when none is available.")
    return TypeError(
        f"device() received an invalid combination of arguments - got ({type(x).__name__}), "
        f"but expected one of:\n * ({spell('device')} device)\n * (str type, int index = -1)\n"
    )


cpu = device("cpu")


def as_device(x, asker: str = "argument 'device'") -> device:
    """Return the device that `x` names: a device, a string, or None for the CPU.

    `asker` opens the sentence of the TypeError raised for anything else, as in "zeros(): argument 'device'".
    """
    if x is None:
        return cpu
    if isinstance(x, device):
        return x
    if isinstance(x, str) or (isinstance(x, int) and not isinstance(x, bool)):
        return device(x)
    raise TypeError(f"{asker} must be {spell('device')}, not {type(x).__name__}")


def check_cpu(x, asker: str = "argument 'device'") -> device:
    """Return `cpu` if `x` names the CPU or is None; AssertionError for CUDA, else NotImplementedError."""
    if x is None or x == "cpu":
        return cpu
    found = as_device(x, asker)
    if found.type == "cpu":
        return cpu
    if found.type == "cuda":
        raise coded(
            "RL332",
            AssertionError("Torch not compiled with CUDA enabled. rushlight computes on the CPU: use device='cpu'"),
        )
    raise coded(
        "RL332",
        NotImplementedError(
            f"Could not run with arguments from the '{found.type.upper()}' backend. "
            "rushlight computes on the CPU: use device='cpu'"
        ),
    )


class _Constant:
    __module__ = "rushlight"
    __slots__ = ("_name",)

    def __new__(cls, *args):
        raise TypeError(f"cannot create '{spell(cls.__name__)}' instances")

    def __repr__(self):
        return spell(self._name)

    def __reduce__(self):
        return self._name


class layout(_Constant):
    """How a tensor's elements are laid out; the only instance is `strided`."""

    __module__ = "rushlight"
    __slots__ = ()


class memory_format(_Constant):
    """The order of a tensor's dimensions in memory, as `clone(memory_format=...)` takes it."""

    __module__ = "rushlight"
    __slots__ = ()


def _constant(cls, name):
    self = object.__new__(cls)
    self._name = name
    return self


strided = _constant(layout, "strided")
contiguous_format = _constant(memory_format, "contiguous_format")
channels_last = _constant(memory_format, "channels_last")
channels_last_3d = _constant(memory_format, "channels_last_3d")
preserve_format = _constant(memory_format, "preserve_format")
