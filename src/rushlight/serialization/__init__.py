"""Checkpoints: PyTorch's files, written and read without PyTorch, and without running anything that they hold.

Floor 5. docs/checkpoints.md tells what is saved, what is loaded, and what is refused.
"""

import os
import pickle

from ..errors import coded
from ..missing import of_module
from ..spelling import spell
from .globals import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

DEFAULT_PROTOCOL = 2
_KEYWORDS = {"encoding"}

__all__ = [
    "add_safe_globals", "clear_safe_globals", "get_safe_globals", "get_unsafe_globals_in_checkpoint", "load",
    "safe_globals", "save",
]  # fmt: skip


def save(
    obj,
    f,
    pickle_module=pickle,
    pickle_protocol=DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization=True,
    _disable_byteorder_record=False,
):
    """Save an object to a file, in PyTorch's format: tensors, parameters, containers of them, and what pickle takes.

    f is a path, or anything with `write`. A file at a path is replaced as a whole, when all has been written: after an
    exception or a crash the old one is there as it was. Tensors that share memory share it again when they are loaded.
    Raises RuntimeError where the folder does not exist or tensors of two dtypes share memory, ValueError for a protocol
    that is not from 2 to 5, and what pickle raises for objects that it does not take.

    >>> import rushlight, io
    >>> file = io.BytesIO()
    >>> rushlight.save({"x": rushlight.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> rushlight.load(file)
    {'x': tensor([1., 1.]), 'epoch': 3}
    """
    from . import archives, legacy
    from .pickling import pickled
    from .replacing import replacing

    to_path = isinstance(f, (str, os.PathLike))
    if not to_path and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    if pickle_module is not pickle:
        raise ValueError(
            f"save(): pickle_module must be pickle, not {getattr(pickle_module, '__name__', pickle_module)!r}"
        )
    if pickle_protocol > 5:
        raise ValueError("pickle protocol must be <= 5")
    if 0 <= pickle_protocol < 2:
        raise ValueError(f"save(): pickle_protocol must be from 2 to 5, not {pickle_protocol}: others cannot be loaded")
    if to_path:
        folder = os.path.dirname(os.path.realpath(f))
        if not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(f))} does not exist.")
    protocol = pickle_protocol if pickle_protocol >= 0 else 5
    data, storages = pickled(obj, protocol, not _use_new_zipfile_serialization)

    def written(file_write, root):
        if _use_new_zipfile_serialization:
            archives.write(file_write, root, data, storages, not _disable_byteorder_record)
        else:
            legacy.write(file_write, data, storages, protocol)

    if not to_path:
        written(f.write, "archive")
        return
    with replacing(f) as file:
        written(file.write, archives.root_of(f))


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    """Load what `save` or PyTorch's has saved: tensors and plain containers, and nothing that could run a program.

    f is a path, or anything with `seek`, `tell` and `read`. `map_location` is taken as in PyTorch, and whatever it says
    must end on the CPU: "cpu", a device, a dict {"cuda:0": "cpu"}, or a function of (storage, location). With
    `mmap=True` a file at a path is mapped: its storages are read when they are looked at, and not checked. `encoding` is
    that of texts written by Python 2.

    Raises pickle.UnpicklingError for a file that asks for classes or functions which are neither plain containers nor
    declared by `serialization.add_safe_globals`, with their names and before anything of it runs; RuntimeError for a file
    that is damaged or says false sizes, EOFError for one that is empty. `weights_only=False` is refused with RuntimeError.
    """
    from . import archives, legacy

    _check(pickle_module, weights_only, pickle_load_args)
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    encoding = pickle_load_args.get("encoding", "utf-8")
    with _opened(f) as source:
        if _is_archive(source):
            return archives.read(source, map_location, mmap, encoding)
        if mmap:
            raise RuntimeError(
                f"mmap can only be used with files saved with `torch.save({source.name}, _use_new_zipfile_serialization=True), "
                "please torch.save your checkpoint with this option in order to use mmap."
            )
        return legacy.read(source, map_location, encoding)


def get_unsafe_globals_in_checkpoint(f):
    """The names of classes and functions that a file asks for, and that `load` would refuse.

    Nothing of the file is made. Errors are those of `load`.
    """
    from . import archives, legacy

    with _opened(f) as source:
        return (archives if _is_archive(source) else legacy).asked(source)


def _check(pickle_module, weights_only, others):
    unknown = next((name for name in others if name not in _KEYWORDS), None)
    if unknown is not None:
        raise TypeError(f"Unpickler.__init__() got an unexpected keyword argument '{unknown}'")
    if pickle_module is not None:
        raise coded("RL702", RuntimeError("Can not safely load weights when explicit pickle_module is specified"))
    # As in PyTorch this variable turns False into True, in scripts that cannot be changed.
    forced = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0").lower() in ("1", "y", "yes", "true")
    if weights_only is not None and not weights_only and not forced:
        raise coded(
            "RL702",
            RuntimeError(
                f"{spell('load')}(weights_only=False) would run whatever the file asks for, and rushlight runs nothing of a file"
            ),
        )


def _opened(f):
    from .sources import source_of

    return source_of(f)


def _is_archive(source):
    if source.size <= source.start:
        raise EOFError(f"Ran out of input: {source.name} is empty")
    return source.read(source.start, min(4, source.size - source.start)) == b"PK\x03\x04"


_missing = of_module(__name__)


def __getattr__(name):
    if name == "safetensors":
        from importlib import import_module

        return import_module(".safetensors", __name__)
    return _missing(name)
