"""The files that PyTorch has written since 1.6: zip archives of a pickle and of the storages it refers to."""

import mmap as mapping
import os
import sys

import numpy as np

from .building import Builder, storage_of
from .damage import damaged
from .locations import restoring
from .reader import Reader
from .running import not_allowed, unpickled
from .writer import ALIGNMENT, Writer


def write(file_write, root, pickle, storages, with_byteorder=True):
    """Write an archive, its records in the order of PyTorch's."""
    writer = Writer(file_write, root)
    writer.add("data.pkl", pickle)
    writer.add(".format_version", b"1")
    writer.add(".storage_alignment", str(ALIGNMENT).encode())
    if with_byteorder:
        writer.add("byteorder", sys.byteorder.encode())
    for piece in storages.named:
        writer.add(f"data/{piece.key}", piece.array())
    writer.add("version", b"3\n")
    writer.add(".data/serialization_id", writer.identity())
    writer.finish()


def root_of(path):
    """The folder within an archive: the name of its file, without the extension."""
    name = os.path.basename(os.fspath(path))
    return (os.fsdecode(name).rpartition(".")[0] or os.fsdecode(name)) if name else "archive"


def read(source, map_location, mmap, encoding):
    """The object of an archive."""
    reader = Reader(source)
    reader.check_kind()
    pickle = reader.bytes_of("data.pkl").tobytes()
    storages = _Storages(source, reader, restoring(map_location), mmap)
    try:
        return unpickled(pickle, Builder(storages.load, len(pickle) + storages.total, encoding), source.name)
    finally:
        reader.finish()


def asked(source):
    """The names that an archive asks for, and that are neither loaded always nor declared."""
    reader = Reader(source)
    reader.check_kind()
    return not_allowed(reader.bytes_of("data.pkl").tobytes(), source.name)


class _Storages:
    """The storages of an archive, each read once."""

    def __init__(self, source, reader, restore, mmap):
        self._source, self._reader, self._restore = source, reader, restore
        self._loaded = {}
        self._memory = _mapped(source) if mmap else None
        order = reader.text_of("byteorder", sys.byteorder)
        if order not in ("little", "big"):
            raise damaged(source.name, f"the byte order is {order[:20]!r}", "Unknown endianness type")
        self._swapped = order != sys.byteorder
        self.total = sum([record.size for record in reader.records.values()])

    def load(self, dtype, key, location, count, rest):
        if key not in self._loaded:
            self._loaded[key] = self._restore(self._read(dtype, key, count), location)
        return self._loaded[key]

    def _read(self, dtype, key, count):
        name, step = f"data/{key}", 1 if dtype is None else dtype.itemsize
        size = self._reader.record(name).size
        if size != count * step:
            kind = "Byte" if dtype is None else dtype.scalar_type
            sentence = (
                f"record size ({size} bytes) does not match expected size ({count * step} bytes = {count} elements * {step} "
                f"bytes/element) for dtype {kind}"
            )
            raise damaged(self._source.name, f"record {name} has another size than the pickle says", sentence)
        memory = self._bytes(name, step)
        if self._swapped:
            memory = self._in_our_order(memory, dtype, name)
        return storage_of(memory, dtype)

    def _bytes(self, name, step):
        if self._memory is None:
            return self._reader.bytes_of(name)
        record = self._reader.record(name)
        place = self._reader.place(record)
        if not record.size:
            return np.empty(0, np.uint8)
        memory = np.frombuffer(self._memory, np.uint8, record.size, place)
        # Elements at odd addresses are read much slower, and by some loops not at all.
        return memory if place % min(step, 8) == 0 else memory.copy()

    def _in_our_order(self, memory, dtype, name):
        if dtype is None:
            raise damaged(self._source.name, f"the type of {name} is not told", "Cannot change the byte order")
        step = dtype.to_real().itemsize
        return memory.view(f"u{step}").byteswap().view(np.uint8)


def _mapped(source):
    """The whole file as memory: read when it is looked at, and never written to."""
    return mapping.mmap(source.fileno(), 0, access=mapping.ACCESS_COPY)
